"""What is asked of the venues, and asked again: order gateways, and the pauses between questions.

A request that fails to leave is not an error of the order: the timer, or the line coming up, repeats it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from graphwiz_trader.hft.events import FoundOrder, Recorder, RecordKind
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.hft.orders import Order
from graphwiz_trader.hft.records import CancelSent, Notice, encode

_CANCEL = int(RecordKind.CANCEL)
_NOTICE = int(RecordKind.NOTICE)
_UNHEARD_NS = 30_000_000_000
"""A private stream can fall silent while its connection lives (Binance: a listen key that has expired), and then an
order that rests fills unheard: after so long without a word it is asked about."""

# What a record says when a request could not be sent; a replay reads it there.
NOT_SENT, SEND_FAILED = "NOT_SENT: ", "SEND_FAILED: "
"""What an order's update gives for its reason."""
QUERY_NOT_SENT = "QUERY_NOT_SENT"
"""A notice's kind."""


class NotSentError(Exception):
    """A gateway proves that not a byte of a request left: the order does not exist at the venue.

    Any other exception of a gateway leaves the outcome open.
    """


class OrderGateway(Protocol):
    """A venue's order line. Each call hands a request over and returns at once; answers come later, as reports.

    ``order`` gives client_id, venue_id (empty until known) and intent. An answer to `query` should carry the
    order's cumulative filled size and, where the venue offers them, its trades.
    """

    def place(self, order: Order, now_ns: int) -> None: ...
    def cancel(self, order: Order, now_ns: int) -> None: ...
    def query(self, order: Order, now_ns: int) -> None: ...


class AccountGateway(Protocol):
    """An order line that can be asked for what the session did not place itself. As `OrderGateway`'s, each call returns
    at once, and may raise."""

    def list_open(self, number: int, now_ns: int) -> None:
        """Ask for all open orders of the account; the answer, an `OpenOrders`, carries the number."""
        ...

    def cancel_found(self, order: FoundOrder, now_ns: int) -> None:
        """Cancel an order that an `OpenOrders` told of."""
        ...


class OrderLines:
    """The session's gateways by book, which of them are down, and when an answer is overdue.

    Raises ValueError when an exchange has no gateway.
    """

    def __init__(
        self,
        instruments: Instruments,
        gateways: Mapping[str, OrderGateway],
        recorder: Recorder,
        *,
        answer_timeout_ns: int,
        query_pause_max_ns: int,
        missing_after_ns: int,
    ) -> None:
        without = [exchange for exchange in instruments.exchanges if exchange not in gateways]
        if without:
            raise ValueError(f"no order gateway for {', '.join(without)}; give one for every exchange")
        self._gateways = tuple(gateways[i.exchange] for i in instruments)
        self._recorder = recorder
        self._answer_timeout_ns = answer_timeout_ns
        self._query_pause_max_ns = query_pause_max_ns
        self._missing_after_ns = missing_after_ns
        self.down: set[str] = set()
        """Exchanges whose order line is known to be down."""

    def await_answer(self, order: Order, now_ns: int) -> None:
        order.asks = 0
        order.due_ns = now_ns + self._answer_timeout_ns

    def is_overdue(self, order: Order, now_ns: int) -> bool:
        """Whether an answer is late; over a line that is down none is expected."""
        return 0 < order.due_ns <= now_ns and order.exchange not in self.down

    def is_unheard(self, order: Order, now_ns: int) -> bool:
        """Whether it rests, and nothing has been heard of it for long."""
        return not order.due_ns and now_ns - order.heard_ns >= _UNHEARD_NS and order.exchange not in self.down

    def place(self, order: Order, now_ns: int) -> Exception | None:
        """Send; what went wrong, if anything did. A line known to be down is not tried, in a replay neither."""
        if order.exchange in self.down:
            return NotSentError(f"the order line of {order.exchange} is down")
        try:
            self._gateways[order.approved.intent.book].place(order, now_ns)
        except Exception as failure:  # whatever a gateway raises, the order must not be lost
            return failure
        return None

    def cancel(self, order: Order, reason: str, now_ns: int) -> None:
        """Journal the cancel and send it."""
        book = order.intent.book
        self._recorder.append(_CANCEL, book, now_ns, encode(CancelSent(order.client_id, reason)))
        try:
            self._gateways[book].cancel(order, now_ns)
        except Exception as failure:  # repeated by `chase`
            self._notice("CANCEL_NOT_SENT", order, failure, now_ns)

    def query(self, order: Order, now_ns: int) -> None:
        """Ask the venue about the order; each time without result the next pause doubles."""
        pause_ns = min(self._answer_timeout_ns << min(order.asks, 32), self._query_pause_max_ns)
        order.asks += 1
        order.due_ns = now_ns + pause_ns
        early = now_ns - order.sent_ns < self._missing_after_ns
        try:
            self._gateways[order.intent.book].query(order, now_ns)
        except Exception as failure:  # repeated by `chase`
            early = early and not isinstance(failure, NotSentError)
            self._notice(QUERY_NOT_SENT, order, failure, now_ns)
        order.early_asks += early

    def chase(self, order: Order, now_ns: int) -> None:
        """Ask what became of it, and cancel it again if it was to be cancelled: a cancel may be repeated safely."""
        self.query(order, now_ns)
        if order.cancel_wanted:
            self.cancel(order, "REPEATED", now_ns)

    def absence_is_proven(self, order: Order) -> bool:
        """Whether "no such order" proves that it never arrived: one such answer is to a question asked late enough.

        Answers do not name their questions, but each has one at most: more answers than early questions.
        """
        return order.absences > order.early_asks and order.exchange not in self.down

    def connected(self, order: Order, now_ns: int) -> None:
        """Its line is up again: no answer can come any more to what was asked before. Ask anew."""
        order.asks = order.early_asks = order.absences = 0
        self.chase(order, now_ns)

    def _notice(self, kind: str, order: Order, failure: Exception, now_ns: int) -> None:
        notice = Notice(f"{order.client_id}: {type(failure).__name__}", kind, 1)
        self._recorder.append(_NOTICE, order.intent.book, now_ns, encode(notice))
