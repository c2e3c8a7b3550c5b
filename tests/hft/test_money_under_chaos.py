"""Executor, positions and risk together, against a venue that does everything venues do to messages.

The twin is the venue itself: it knows what really happened. Messages overtake each other, come twice, or are
lost with the line; requests may never arrive; answers may be about the past. Whatever happens,

- what is reserved covers all that may still become position, order by order;
- positions are the sum of the unique trades heard of;
- an order has ended only if it has at the venue, and all its trades are counted;
- the limits hold for what could really come of positions and orders;

and once everything has been asked and told, nothing is reserved and the positions are the venue's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from graphwiz_trader.hft.events import ExecutionReport, OrderState, Side, TimeInForce, Trade
from graphwiz_trader.hft.executor import NotSentError
from graphwiz_trader.hft.instruments import money_from_text
from graphwiz_trader.hft.limits import Reason, Refusal
from graphwiz_trader.hft.orders import Order
from hft.desk import MS, PERP, SECOND, SPOT, START, TICK_LOT, Desk, a_trade, an_intent

BOOKS = (SPOT, PERP)
EXCHANGE = {SPOT: "binance", PERP: "binanceusdm"}
ACCEPTED_NS = 5 * SECOND
"""The venue refuses what arrives later than this after it was sent; the desk's proof of absence takes 10 s."""
POSITION_LIMIT, EXPOSURE_LIMIT = 3_000, 5_000
FORBIDDEN = {"LATE_FILL", "ENDED_ORDER_LIVES", "UNKNOWN_ORDER", "BAD_TRADE", "FILL_BEYOND_LIMIT"}
"""An honest venue gives no reason for any of these."""


@dataclass
class VenueOrder:
    """What really became of an order."""

    order: Order
    sent_ns: int
    state: str = "travelling"
    """travelling, resting, ended or lost; nothing comes of a lost one."""
    ended_as: OrderState = OrderState.SENT
    trades: list[Trade] = field(default_factory=list)

    @property
    def left_lots(self) -> int:
        done = sum(trade.size_lots for trade in self.trades)
        return self.order.intent.size_lots - done if self.state in ("travelling", "resting") else 0

    def report(self, *trades: Trade) -> ExecutionReport:
        return ExecutionReport(
            client_id=self.order.client_id,
            state=self.ended_as if self.state == "ended" else OrderState.OPEN,
            venue_id="v" + self.order.client_id,
            filled_lots=sum(trade.size_lots for trade in self.trades),
            trades=trades,
        )


@dataclass
class Message:
    exchange: str
    report: ExecutionReport
    once: bool = False
    """An answer to a question comes at most once; an event may be repeated."""


class ChaosGateway:
    """Requests leave, or do not, or nobody knows."""

    def __init__(self, chaos: Chaos) -> None:
        self.chaos = chaos

    def place(self, order: Order, now_ns: int) -> None:
        luck = self.chaos.luck
        if luck == "not sent" or self.chaos.is_down(order.exchange):
            raise NotSentError("line is down")
        found = VenueOrder(order, now_ns, "lost" if luck == "raises, lost" else "travelling")
        self.chaos.venue[order.client_id] = found
        if luck.startswith("raises"):
            raise RuntimeError("who knows")

    def cancel(self, order: Order, now_ns: int) -> None:
        if self.chaos.is_down(order.exchange):
            raise NotSentError("line is down")
        self.chaos.cancels.append(order.client_id)

    def query(self, order: Order, now_ns: int) -> None:
        if self.chaos.is_down(order.exchange):
            raise NotSentError("line is down")
        self.chaos.questions.append(order.client_id)


class Chaos(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(
            gateways=dict.fromkeys(EXCHANGE.values(), ChaosGateway(self)),
            inventory_lots={SPOT: 10**6},
            max_position=POSITION_LIMIT,
            max_exposure=EXPOSURE_LIMIT,
        )
        self.now = START
        self.luck = "arrives"
        self.down: set[str] = set()
        self.venue: dict[str, VenueOrder] = {}
        self.messages: list[Message] = []
        self.cancels: list[str] = []
        self.questions: list[str] = []
        self.heard: dict[tuple[str, str], tuple[int, int]] = {}
        """(client id, trade id) → (book, signed lots) of every trade that reached the desk."""
        self.orders: list[Order] = []

    def is_down(self, exchange: str) -> bool:
        return exchange in self.down

    def tell(self, found: VenueOrder, report: ExecutionReport, once: bool = False) -> None:
        self.messages.append(Message(found.order.exchange, report, once))

    # What the desk does

    @rule(
        book=st.sampled_from(BOOKS),
        side=st.sampled_from(Side),
        lots=st.integers(1, 30),
        price=st.integers(59_000, 61_000),
        reduces=st.booleans(),
        both=st.booleans(),
        luck=st.sampled_from(["arrives", "arrives", "arrives", "raises", "raises, lost", "not sent"]),
        tif=st.sampled_from([TimeInForce.IOC, TimeInForce.GTC]),
    )
    def want(
        self, book: int, side: Side, lots: int, price: int, reduces: bool, both: bool, luck: str, tif: TimeInForce
    ) -> None:
        intents = [an_intent(book, side, lots, price, reduces=reduces, time_in_force=tif)]
        if both:
            intents.append(an_intent(SPOT + PERP - book, side.opposite, lots, price, time_in_force=tif))
        before = self.desk.risk.exposure_money()
        outcome = self.desk.risk.approve(intents, self.now)
        if isinstance(outcome, Refusal):
            assert outcome.reason in (Reason.POSITION_LIMIT, Reason.EXPOSURE_LIMIT)
            assert self.desk.risk.exposure_money() == before
            return
        self.luck = luck
        self.orders += self.desk.executor.place_simultaneous_orders(outcome, self.now)
        if not reduces:
            self.worst_case_is_within_the_limits()

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        live = self.desk.executor.open_orders()
        if live:
            self.desk.executor.cancel(data.draw(st.sampled_from(live)), self.now, "test")

    @rule(wait=st.sampled_from([MS, 100 * MS, SECOND, 3 * SECOND, 12 * SECOND]))
    def time_passes(self, wait: int) -> None:
        self.now += wait
        for found in self.venue.values():
            if found.state == "travelling" and self.now - found.sent_ns > ACCEPTED_NS:
                found.state = "lost"
        self.desk.executor.on_timer(self.now)

    # What the venue does

    @rule(data=st.data(), accepts=st.booleans(), quick=st.booleans())
    def order_arrives(self, data: st.DataObject, accepts: bool, quick: bool) -> None:
        travelling = [found for found in self.venue.values() if found.state == "travelling"]
        if not travelling:
            return
        found = data.draw(st.sampled_from(travelling))
        if accepts:
            found.state = "resting"
            self.tell(found, found.report())
            if quick:
                self.execute(found, found.left_lots, split=False)
        else:
            found.state, found.ended_as = "ended", OrderState.REJECTED
            self.tell(found, found.report())

    @rule(data=st.data(), split=st.booleans())
    def order_trades(self, data: st.DataObject, split: bool) -> None:
        resting = [found for found in self.venue.values() if found.state == "resting"]
        if resting:
            found = data.draw(st.sampled_from(resting))
            self.execute(found, data.draw(st.integers(1, found.left_lots)), split)

    def execute(self, found: VenueOrder, lots: int, split: bool) -> None:
        """``split``: the trade is told apart from the state it led to, as some venues do."""
        trade = a_trade(f"x{len(found.trades)}", lots, found.order.intent.price_ticks)
        found.trades.append(trade)
        if not found.left_lots:
            found.state, found.ended_as = "ended", OrderState.FILLED
        if split:
            bare = ExecutionReport(client_id=found.order.client_id, state=OrderState.OPEN, trades=(trade,))
            self.tell(found, bare)
            self.tell(found, found.report())
        else:
            self.tell(found, found.report(trade))

    @rule(data=st.data())
    def order_expires(self, data: st.DataObject) -> None:
        resting = [found for found in self.venue.values() if found.state == "resting"]
        if resting:
            found = data.draw(st.sampled_from(resting))
            found.state, found.ended_as = "ended", OrderState.EXPIRED
            self.tell(found, found.report())

    @rule(data=st.data())
    def cancel_arrives(self, data: st.DataObject) -> None:
        if not self.cancels:
            return
        found = self.venue.get(self.cancels.pop(data.draw(st.integers(0, len(self.cancels) - 1))))
        if found is None:
            return
        if found.state == "resting":
            found.state, found.ended_as = "ended", OrderState.CANCELED
            self.tell(found, found.report())
        else:
            refused = ExecutionReport(client_id=found.order.client_id, state=OrderState.OPEN, about_cancel=True)
            self.tell(found, refused)

    @rule(data=st.data())
    def question_arrives(self, data: st.DataObject) -> None:
        if self.questions:
            self.answer(self.questions.pop(data.draw(st.integers(0, len(self.questions) - 1))))

    def answer(self, client_id: str) -> None:
        found = self.venue.get(client_id)
        if found is None:
            return
        if found.state in ("travelling", "lost"):
            self.tell(found, ExecutionReport(client_id=client_id, state=OrderState.SENT, not_found=True), once=True)
        else:
            self.tell(found, found.report(*found.trades), once=True)

    # What the network does

    @rule(data=st.data(), again=st.booleans())
    def message_arrives(self, data: st.DataObject, again: bool) -> None:
        audible = [message for message in self.messages if message.exchange not in self.down]
        if audible:
            message = data.draw(st.sampled_from(audible))
            if message.once or not again:
                self.messages.remove(message)
            self.deliver(message.report)

    def deliver(self, report: ExecutionReport) -> None:
        order = self.venue[report.client_id].order
        for trade in report.trades:
            key = (report.client_id, trade.trade_id)
            self.heard[key] = (order.intent.book, order.intent.side.sign * trade.size_lots)
        fills = self.desk.executor.on_report(report, self.now)
        assert all(fill.trade in report.trades for fill in fills)

    @rule(book=st.sampled_from(BOOKS))
    def line_drops_with_all_that_is_on_it(self, book: int) -> None:
        exchange = EXCHANGE[book]
        if exchange in self.down:
            return
        self.down.add(exchange)
        self.messages = [message for message in self.messages if message.exchange != exchange]
        on_it = {client_id for client_id, found in self.venue.items() if found.order.exchange == exchange}
        self.questions = [client_id for client_id in self.questions if client_id not in on_it]
        self.cancels = [client_id for client_id in self.cancels if client_id not in on_it]
        self.desk.executor.on_line(exchange, False, self.now)

    @rule(book=st.sampled_from(BOOKS))
    def line_comes_up(self, book: int) -> None:
        if EXCHANGE[book] in self.down:
            self.down.discard(EXCHANGE[book])
            self.desk.executor.on_line(EXCHANGE[book], True, self.now)

    # What holds, always

    @invariant()
    def reserve_covers_whatever_may_still_become_position(self) -> None:
        for order in self.orders:
            may_come = self.may_come_lots(order)
            assert order.approved.reserved_lots >= may_come, (order, self.venue.get(order.client_id))

    def may_come_lots(self, order: Order) -> int:
        found = self.venue.get(order.client_id)
        if found is None:
            return 0
        untold = [t for t in found.trades if (order.client_id, t.trade_id) not in self.heard]
        return found.left_lots + sum(trade.size_lots for trade in untold)

    @invariant()
    def positions_are_the_sum_of_the_unique_trades_heard_of(self) -> None:
        for book in BOOKS:
            lots = sum(lots for traded_book, lots in self.heard.values() if traded_book == book)
            assert self.desk.positions.size_units(book) == lots * 10**9

    @invariant()
    def an_order_has_ended_only_if_it_has_at_the_venue_and_is_told_in_full(self) -> None:
        for order in self.orders:
            if order.state.is_final:
                found = self.venue.get(order.client_id)
                if found is None or found.state == "lost":
                    assert order.state is OrderState.REJECTED
                else:
                    assert order.state is found.ended_as
                    assert order.filled_lots == sum(trade.size_lots for trade in found.trades)

    @invariant()
    def exposure_is_what_counting_from_scratch_gives(self) -> None:
        held = sum(abs(self.desk.positions.size_units(book)) * 60_000 * 10**12 for book in BOOKS)
        reserved = sum(o.approved.reserved_lots * o.approved.unit_money for o in self.orders)
        assert self.desk.risk.exposure_money() == held + reserved

    @invariant()
    def an_honest_venue_is_never_accused(self) -> None:
        assert not FORBIDDEN & set(self.desk.recorder.notices())

    def worst_case_is_within_the_limits(self) -> None:
        """Valued as the limits are, but from what really may come."""
        exposure = 0
        for book in BOOKS:
            held = self.desk.positions.size_units(book) * 60_000 * 10**12
            exposure += abs(held)
            for side in Side:
                coming = sum(
                    self.may_come_money(o) for o in self.orders if o.intent.book == book and o.intent.side is side
                )
                exposure += coming
        assert exposure <= money_from_text(str(EXPOSURE_LIMIT))

    def may_come_money(self, order: Order) -> int:
        intent = order.intent
        price = intent.price_ticks if intent.side is Side.BUY else max(intent.price_ticks, 60_000)
        return self.may_come_lots(order) * price * TICK_LOT

    # In the end

    def teardown(self) -> None:
        """Everything is asked and told at last."""
        for found in self.venue.values():
            if found.state == "travelling":
                found.state = "lost"
            elif found.state == "resting":
                found.state, found.ended_as = "ended", OrderState.CANCELED
        for book in BOOKS:
            self.line_drops_with_all_that_is_on_it(book)
            self.line_comes_up(book)
        for _ in range(8):
            self.now += 12 * SECOND
            self.desk.executor.on_timer(self.now)
            asked, self.questions, self.cancels = self.questions, [], []
            for client_id in asked:
                self.answer(client_id)
            told, self.messages = self.messages, []
            for message in told:
                self.deliver(message.report)
        assert self.desk.executor.open_orders() == ()
        assert all(order.approved.reserved_lots == 0 for order in self.orders)
        self.positions_are_the_sum_of_the_unique_trades_heard_of()
        traded = {(cid, t.trade_id) for cid, found in self.venue.items() for t in found.trades}
        assert traded == set(self.heard)


TestMoneyUnderChaos: Any = Chaos.TestCase
TestMoneyUnderChaos.settings = settings(
    max_examples=60, stateful_step_count=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
