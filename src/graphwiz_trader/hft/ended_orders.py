"""Orders that have ended and are still known: what repeats an old trade is no new one, and an end may have been none.

An order can fill after its end was confirmed (Binance and OKX: a cancel that crosses a trade). Over a line that stands
that is told; news that was lost with a line has to be asked for.
"""

from __future__ import annotations

from collections import deque
from itertools import islice

from graphwiz_trader.hft.events import OrderState
from graphwiz_trader.hft.orders import Order

KEPT = 10_000
_NEWS_LOST_NS = 20_000_000_000
"""How long before a line is known to be down it may have brought nothing any more; a half-open one takes 10 s."""
_LOOKS_MAX = 100
"""More questions at once would cost the venue's patience (Binance: weight 4 each, of 6,000 a minute)."""
_MAY_FILL_LATE = (OrderState.CANCELED, OrderState.EXPIRED, OrderState.REJECTED)


class EndedOrders:
    """The latest, in the order of their ends; one that lived again and ended again is there twice."""

    def __init__(self) -> None:
        self._orders: deque[Order] = deque()
        self._down_ns: dict[str, int] = {}

    def add(self, order: Order) -> Order | None:
        """Returns the one to be forgotten, once there are too many."""
        self._orders.append(order)
        return self._orders.popleft() if len(self._orders) > KEPT else None

    def note_down(self, exchange: str, now_ns: int) -> None:
        """An order line is down."""
        self._down_ns[exchange] = now_ns

    def unheard(self, exchange: str) -> list[Order]:
        """The latest that ended unfilled while the exchange's line may have brought nothing any more."""
        since_ns = self._down_ns.get(exchange, 0) - _NEWS_LOST_NS
        return [
            order
            for order in islice(reversed(self._orders), _LOOKS_MAX)
            if order.exchange == exchange
            and order.venue_id
            and order.heard_ns >= since_ns
            and order.state in _MAY_FILL_LATE
        ]
