"""Orders that have ended and are still known: what repeats an old trade is no new one, and an end may have been none.

An order can fill after its end was confirmed (Binance and OKX: a cancel that crosses a trade). A line that stands tells
of that, unless it has fallen silent. So an order that ended unfilled is asked about once more, but for those after
whose end the venue went on telling; and news that was lost with a line is asked for when it is up again.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Container
from itertools import islice
from typing import NamedTuple

from graphwiz_trader.hft.events import OrderState
from graphwiz_trader.hft.orders import Order

KEPT = 10_000
_NEWS_LOST_NS = 20_000_000_000
"""How long before a line is known to be down it may have brought nothing any more; a half-open one takes 10 s."""
_LOOKS_MAX = 100
"""More questions at once would cost the venue's patience (Binance: weight 4 each, of 6,000 a minute)."""
_PROOF_NS = 5_000_000_000
"""What a venue tells so long after an end shows that a late fill before it would have been told as well."""
_DOUBT_NS = 15_000_000_000
"""How long after an order's end that is waited for, and how long for the answer to a question."""
_APART_NS = 200_000_000
"""Between two such questions to one venue: a fifth of Binance's weight at most."""
_DOUBTED_MAX = 1_000
_MAY_FILL_LATE = (OrderState.CANCELED, OrderState.EXPIRED, OrderState.REJECTED)


class _Unproven(NamedTuple):
    """An order that may have filled since it ended, or since it was asked about."""

    since_ns: int
    order: Order
    is_asked: bool = False

    def is_proven(self, told_ns: int) -> bool:
        """The venue went on telling, or has answered; one that lives again is no ended order."""
        is_answered = self.is_asked and self.order.heard_ns > self.since_ns
        return is_answered or self.since_ns + _PROOF_NS <= told_ns or not self.order.state.is_final


class EndedOrders:
    """The latest, in the order of their ends; one that lived again and ended again is there twice."""

    def __init__(self) -> None:
        self._orders: deque[Order] = deque()
        self._down_ns: dict[str, int] = {}
        self._told_ns: dict[str, int] = {}
        self._asked_ns: dict[str, int] = {}
        self._unproven: defaultdict[str, deque[_Unproven]] = defaultdict(lambda: deque(maxlen=_DOUBTED_MAX))
        """By exchange, the longest waiting first."""

    def add(self, order: Order, now_ns: int) -> Order | None:
        """Returns the one to be forgotten, once there are too many."""
        self._orders.append(order)
        if order.venue_id and order.state in _MAY_FILL_LATE:
            self._unproven[order.exchange].append(_Unproven(now_ns, order))
        return self._orders.popleft() if len(self._orders) > KEPT else None

    def note_down(self, exchange: str, now_ns: int) -> None:
        """An order line is down."""
        self._down_ns[exchange] = now_ns

    def note_told(self, exchange: str, now_ns: int) -> None:
        """The venue has told of an order of its own accord."""
        self._told_ns[exchange] = now_ns

    def doubtful(self, now_ns: int, down: Container[str]) -> list[Order]:
        """Those to be asked about now, at most one an exchange: since their end the venue has told nothing."""
        return [
            order
            for exchange, waiting in self._unproven.items()
            if exchange not in down and (order := self._next_doubtful(exchange, waiting, now_ns)) is not None
        ]

    def _next_doubtful(self, exchange: str, waiting: deque[_Unproven], now_ns: int) -> Order | None:
        told_ns = self._told_ns.get(exchange, 0)
        while waiting and waiting[0].is_proven(told_ns):
            waiting.popleft()
        is_due = waiting and waiting[0].since_ns + _DOUBT_NS <= now_ns
        if not is_due or now_ns - self._asked_ns.get(exchange, 0) < _APART_NS:
            return None
        self._asked_ns[exchange] = now_ns
        order = waiting.popleft().order
        waiting.append(_Unproven(now_ns, order, is_asked=True))
        return order

    def unheard(self, exchange: str) -> list[Order]:
        """The latest that ended unfilled while the exchange's line may have brought nothing any more."""
        self._unproven.pop(exchange, None)
        since_ns = self._down_ns.get(exchange, 0) - _NEWS_LOST_NS
        return [
            order
            for order in islice(reversed(self._orders), _LOOKS_MAX)
            if order.exchange == exchange
            and order.venue_id
            and order.heard_ns >= since_ns
            and order.state in _MAY_FILL_LATE
        ]
