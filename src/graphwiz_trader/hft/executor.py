"""The executor: places approved orders, takes in what venues report, and never guesses an outcome.

An order is written to the journal before its gateway sees it. Without an answer in time, or when the line
drops, it becomes UNKNOWN: its exposure stays reserved and the venue is asked, with growing pauses, until the
venue's own answer settles it. No timeout makes an order rejected and nothing is sent again under a new id.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from graphwiz_trader.hft.ended_orders import EndedOrders
from graphwiz_trader.hft.events import ExecutionReport, Fill, OrderState, Recorder, RecordKind, Trade
from graphwiz_trader.hft.gateways import NOT_SENT, SEND_FAILED, NotSentError, OrderGateway, OrderLines
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.hft.orders import Order
from graphwiz_trader.hft.positions import PositionTracker
from graphwiz_trader.hft.records import Notice, OrderSent, OrderUpdate, encode
from graphwiz_trader.hft.risk import ApprovedOrder, HFTRiskManager

__all__ = ["FastOrderExecutor", "NotSentError", "OrderGateway"]

_ORDER = int(RecordKind.ORDER)
_ORDER_UPDATE = int(RecordKind.ORDER_UPDATE)
_FILL = int(RecordKind.FILL)
_NOTICE = int(RecordKind.NOTICE)
_LOST_AFTER_NS = 60_000_000_000
"""For how long a venue must deny an order that it had accepted until that counts as its end."""


class FastOrderExecutor:
    """The order table, over one gateway an exchange.

    ``prefix`` (1 to 12 letters and digits, unique to the session) begins every client id. ``missing_after_ns`` is
    the age from which "no such order" proves that an order never arrived: longer than the venue accepts a delayed
    request (Binance: recvWindow, 5 s). ``on_final(order, now_ns)`` is called when an order has ended, and again
    should it fill after that.
    """

    def __init__(
        self,
        instruments: Instruments,
        *,
        prefix: str,
        risk: HFTRiskManager,
        positions: PositionTracker,
        gateways: Mapping[str, OrderGateway],
        recorder: Recorder,
        answer_timeout_ns: int = 1_000_000_000,
        query_pause_max_ns: int = 30_000_000_000,
        missing_after_ns: int = 10_000_000_000,
    ) -> None:
        if not re.fullmatch(r"[A-Za-z0-9]{1,12}", prefix):
            raise ValueError(f"client id prefix {prefix!r}; expected 1 to 12 letters and digits")
        self._prefix = prefix
        self._risk = risk
        self._positions = positions
        self._recorder = recorder
        self._exchanges = tuple(i.exchange for i in instruments)
        self._lines = OrderLines(
            instruments,
            gateways,
            recorder,
            answer_timeout_ns=answer_timeout_ns,
            query_pause_max_ns=query_pause_max_ns,
            missing_after_ns=missing_after_ns,
        )
        self._answer_timeout_ns = answer_timeout_ns
        self._count = 0
        self._orders: dict[str, Order] = {}
        self._live: dict[str, Order] = {}
        self._ended = EndedOrders()
        self.on_final: Callable[[Order, int], None] = _ignore

    def place(self, approved: ApprovedOrder, now_ns: int, legs: int = 0) -> Order:
        """Journal an approved order and send it. Raises TypeError for what risk has not approved for this one use."""
        if type(approved) is not ApprovedOrder or approved.placed:
            raise _misuse(approved)
        approved.placed = True
        order = self._enter(approved, now_ns, legs)
        failure = self._lines.place(order, now_ns)
        if failure is not None:
            self._on_send_failed(order, failure, now_ns)
        return order

    def place_simultaneous_orders(
        self, approved: Sequence[ApprovedOrder], now_ns: int, legs: int = 0
    ) -> tuple[Order, ...]:
        """Journal all, then send all back to back; a leg that fails to leave holds up no other."""
        for leg in approved:
            if type(leg) is not ApprovedOrder or leg.placed:
                raise _misuse(leg)
            leg.placed = True
        orders = tuple([self._enter(leg, now_ns, legs) for leg in approved])
        failed = [(order, failure) for order in orders if (failure := self._lines.place(order, now_ns)) is not None]
        for order, failure in failed:
            self._on_send_failed(order, failure, now_ns)
        return orders

    def cancel(self, order: Order, now_ns: int, reason: str) -> None:
        """Ask the venue to cancel, again and again until the order has ended; its state stays until that is proven."""
        if order.state.is_final or order.cancel_wanted:
            return
        order.cancel_wanted = True
        self._lines.await_answer(order, now_ns)
        self._lines.cancel(order, reason, now_ns)

    def cancel_all(self, now_ns: int, reason: str) -> int:
        """Ask to cancel every order that has not ended; how many there are."""
        live = tuple(self._live.values())
        for order in live:
            self.cancel(order, now_ns, reason)
        return len(live)

    def is_reachable(self, book: int) -> bool:
        """Whether the order line of the book's exchange is up."""
        return self._exchanges[book] not in self._lines.down

    def open_orders(self, book: int | None = None) -> tuple[Order, ...]:
        """Orders that have not ended, oldest first: SENT, OPEN and UNKNOWN."""
        return tuple(o for o in self._live.values() if book is None or o.intent.book == book)

    @property
    def placed(self) -> int:
        """Orders since the session began."""
        return self._count

    def find(self, client_id: str) -> Order | None:
        return self._orders.get(client_id)

    def on_report(self, report: ExecutionReport, now_ns: int) -> tuple[Fill, ...]:
        """Take in a venue's word on an order; returns the fills that are new, already in the positions."""
        order = self._orders.get(report.client_id)
        if order is None:
            self._notice("UNKNOWN_ORDER", report.client_id, 0, now_ns)
            return ()
        state_before, filled_before = order.state, order.filled_lots
        order.answered_ns = order.answered_ns or now_ns
        order.heard_ns = now_ns
        if report.unasked:
            self._ended.note_told(order.exchange, now_ns)
        if not report.not_found:
            order.missing_ns = 0
        order.venue_id = report.venue_id or order.venue_id
        fills = self._count_trades(order, report.trades, now_ns) if report.trades else ()
        if state_before.is_final:
            self._look_again(order, report, now_ns)
        if not order.state.is_final:
            self._weigh(order, report, now_ns)
        self._settle(order, state_before, filled_before, report.reason, now_ns)
        return fills

    def on_timer(self, now_ns: int) -> None:
        """Doubt the orders whose answer is overdue, and ask about them; ask about those that rest, now and then, and
        once more about those after whose end the venue has fallen silent."""
        for order in tuple(self._live.values()):
            if self._lines.is_overdue(order, now_ns):
                self._doubt(order, "NO_ANSWER", now_ns)
                self._lines.chase(order, now_ns)
            elif self._lines.is_unheard(order, now_ns):
                self._lines.query(order, now_ns)
        for order in self._ended.doubtful(now_ns, self._lines.down):
            self._lines.query(order, now_ns)

    def on_line(self, exchange: str, up: bool, now_ns: int) -> None:
        """An order line went down: what awaits an answer is UNKNOWN. It is up again: ask about every live order.

        And about those that have just ended: should one have filled after that, the news was lost with the line.
        """
        live = tuple(order for order in self._live.values() if order.exchange == exchange)
        if up:
            self._lines.down.discard(exchange)
            for order in live:
                self._lines.connected(order, now_ns)
            for order in self._ended.unheard(exchange):
                self._lines.query(order, now_ns)
        else:
            self._lines.down.add(exchange)
            self._ended.note_down(exchange, now_ns)
            for order in live:
                if order.due_ns:
                    self._doubt(order, "LINE_DOWN", now_ns)

    def _enter(self, approved: ApprovedOrder, now_ns: int, legs: int) -> Order:
        """Journal first: an order that cannot be written down is not sent."""
        intent = approved.intent
        self._count = count = self._count + 1
        client_id = f"{self._prefix}{count:06d}"
        record = OrderSent(
            client_id,
            intent.strategy,
            intent.book,
            intent.side,
            intent.order_type,
            intent.time_in_force,
            intent.price_ticks,
            intent.size_lots,
            legs,
        )
        self._recorder.append(_ORDER, intent.book, now_ns, encode(record))
        order = Order(client_id, approved, self._exchanges[intent.book], now_ns, legs)
        order.due_ns = now_ns + self._answer_timeout_ns
        self._orders[client_id] = self._live[client_id] = order
        return order

    def _on_send_failed(self, order: Order, failure: Exception, now_ns: int) -> None:
        if isinstance(failure, NotSentError):
            order.state = OrderState.REJECTED
            self._settle(order, OrderState.SENT, 0, f"{NOT_SENT}{failure}", now_ns)
        else:
            self._doubt(order, f"{SEND_FAILED}{type(failure).__name__}", now_ns)

    def _doubt(self, order: Order, reason: str, now_ns: int) -> None:
        state_before = order.state
        order.state = OrderState.UNKNOWN
        self._settle(order, state_before, order.filled_lots, reason, now_ns)

    def _count_trades(self, order: Order, trades: Sequence[Trade], now_ns: int) -> tuple[Fill, ...]:
        intent = order.intent
        fills = []
        for trade in trades:
            what = f"{order.client_id} trade {trade.trade_id}"
            if trade.size_lots <= 0 or trade.price_ticks <= 0:
                self._notice("BAD_TRADE", what, intent.book, now_ns)
                continue
            if not order.count(trade):
                continue
            if order.state.is_final:
                self._notice("LATE_FILL", what, intent.book, now_ns)
            if order.beyond_limit(trade):
                self._notice("FILL_BEYOND_LIMIT", what, intent.book, now_ns)
            fill = Fill(
                client_id=order.client_id,
                strategy=intent.strategy,
                book=intent.book,
                side=intent.side,
                trade=trade,
                time_ns=now_ns,
            )
            self._recorder.append(_FILL, intent.book, now_ns, encode(fill))
            unpriced = len(self._positions.unpriced_fees)
            self._positions.apply(fill)
            if len(self._positions.unpriced_fees) > unpriced:
                # Profit looks better than it is by this fee and all that follow it, to the breaker too.
                text = f"fees are paid in {trade.fee_asset}, without a price"
                self._notice("UNPRICED_FEE", text, intent.book, now_ns)
            fills.append(fill)
        return tuple(fills)

    def _look_again(self, order: Order, report: ExecutionReport, now_ns: int) -> None:
        """An ended order is heard of: usually a repetition, but it may prove that the end was none."""
        if order.contradicts_end(report):
            self._notice("ENDED_ORDER_LIVES", f"{order.client_id} was {order.state.name}", order.intent.book, now_ns)
            order.reopen()
            self._live[order.client_id] = order

    def _weigh(self, order: Order, report: ExecutionReport, now_ns: int) -> None:
        if report.about_cancel:
            # Binance -2011 "Unknown order sent." may mean filled, cancelled or never arrived: only the status tells.
            self._lines.query(order, now_ns)
            return
        state_before = order.state
        contradiction = self._weigh_absence(order, now_ns) if report.not_found else order.believe(report)
        if contradiction and not order.disputed:
            order.disputed = True
            self._notice("CONTRADICTION", f"{order.client_id}: {contradiction}", order.intent.book, now_ns)
        if order.state is OrderState.UNKNOWN and state_before is not OrderState.UNKNOWN:
            self._lines.query(order, now_ns)

    def _weigh_absence(self, order: Order, now_ns: int) -> str:
        """The venue knows no such order: at first it may merely not have arrived yet.

        A venue that has accepted one and denies it for long has lost it, as after a restart: it fills no more. What
        of it has filled must be known, though.
        """
        order.absences += 1
        order.missing_ns = order.missing_ns or now_ns
        order.state = OrderState.UNKNOWN
        if not (order.acknowledged or order.filled_lots or order.claim is not None):
            if self._lines.absence_is_proven(order):
                order.state = OrderState.REJECTED
            return ""
        if order.told_lots <= order.filled_lots and now_ns - order.missing_ns >= _LOST_AFTER_NS:
            self._notice("LOST_BY_VENUE", order.client_id, order.intent.book, now_ns)
            order.state = OrderState.EXPIRED
        return "NOT FOUND, after it was accepted"

    def _settle(self, order: Order, before: OrderState, filled_before: int, reason: str, now_ns: int) -> None:
        """What every change comes to: exposure held, answer awaited, record written, end announced."""
        self._risk.hold(order.approved, order.could_fill_lots)
        if not order.awaits:
            order.due_ns = order.asks = 0
        elif not order.due_ns:
            self._lines.await_answer(order, now_ns)
        state = order.state
        if state is before and order.filled_lots == filled_before:
            return
        update = OrderUpdate(order.client_id, state, order.filled_lots, order.venue_id, reason)
        self._recorder.append(_ORDER_UPDATE, order.intent.book, now_ns, encode(update))
        if state.is_final:
            if self._live.pop(order.client_id, None) is not None:
                self._forget(self._ended.add(order, now_ns))
            self.on_final(order, now_ns)

    def _forget(self, order: Order | None) -> None:
        if order is not None and order.client_id not in self._live:
            self._orders.pop(order.client_id, None)

    def _notice(self, kind: str, what: str, book: int, now_ns: int) -> None:
        self._recorder.append(_NOTICE, book, now_ns, encode(Notice(what, kind, 1)))


def _misuse(approved: object) -> TypeError:
    """An approval is for one order, and there is no order without one."""
    if type(approved) is ApprovedOrder:
        return TypeError("this ApprovedOrder has been placed already: ask risk to approve another intent")
    return TypeError(
        f"a {type(approved).__name__} cannot be placed, only an ApprovedOrder: pass it to risk.approve() first"
    )


def _ignore(order: Order, now_ns: int) -> None:
    """Nobody wants to know."""
