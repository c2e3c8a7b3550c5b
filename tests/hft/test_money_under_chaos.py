"""Executor, positions and risk together, against a venue that does everything venues do to messages.

The twin is the venue itself: it knows what really happened. Messages overtake each other, come twice, or are
lost with the line; requests may never arrive; answers may be about the past. Whatever happens,

- what is reserved covers all that may still become position, order by order;
- positions are the sum of the unique trades heard of;
- an order has ended only if it has at the venue, and all its trades are counted;
- risk approves exactly what counting everything again, slowly, allows;

and once everything has been asked and told, nothing is reserved and the positions are the venue's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from graphwiz_trader.hft.events import ExecutionReport, OrderIntent, OrderState, Side, Trade
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
MARK = 60_000
LOT_MONEY, LOT_UNITS = MARK * TICK_LOT, 10**9
FORBIDDEN = {"LATE_FILL", "ENDED_ORDER_LIVES", "UNKNOWN_ORDER", "BAD_TRADE", "FILL_BEYOND_LIMIT"}
"""An honest venue gives no reason for any of these."""


def usdt(amount: int) -> int:
    return money_from_text(str(amount))


def worst_money(intent: OrderIntent, lots: int) -> int:
    price = intent.price_ticks if intent.side is Side.BUY else max(intent.price_ticks, MARK)
    return lots * price * TICK_LOT


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
    )
    def want(self, book: int, side: Side, lots: int, price: int, reduces: bool, both: bool, luck: str) -> None:
        intents = [an_intent(book, side, lots, price, reduces=reduces)]
        if both:
            intents.append(an_intent(SPOT + PERP - book, side.opposite, lots, price))
        before = self.desk.risk.exposure_money()
        outcome = self.desk.risk.approve(intents, self.now)
        assert isinstance(outcome, Refusal) == self.breaks_a_limit(intents)
        if isinstance(outcome, Refusal):
            assert outcome.reason in (Reason.POSITION_LIMIT, Reason.EXPOSURE_LIMIT)
            assert self.desk.risk.exposure_money() == before
            return
        self.luck = luck
        self.orders += self.desk.executor.place_simultaneous_orders(outcome, self.now)

    def breaks_a_limit(self, intents: list[OrderIntent]) -> bool:
        """The limits again, slowly: every order that may still fill as a list of (book, side, lots, money)."""
        reserved = [
            (o.intent.book, o.intent.side, o.approved.reserved_lots, worst_money(o.intent, o.approved.reserved_lots))
            for o in self.orders
        ]
        for intent in intents:
            held = self.held_lots(intent.book) * intent.side.sign
            same = [entry for entry in reserved if entry[:2] == (intent.book, intent.side)]
            money = worst_money(intent, intent.size_lots)
            reduces = intent.reduces and sum(lots for _, _, lots, _ in same) + intent.size_lots <= -held
            position = held * LOT_MONEY + sum(entry[3] for entry in same) + money
            positions = sum(abs(self.held_lots(book)) for book in BOOKS) * LOT_MONEY
            exposure = positions + sum(entry[3] for entry in reserved) + money
            if not reduces and (position > usdt(POSITION_LIMIT) or exposure > usdt(EXPOSURE_LIMIT)):
                return True
            reserved.append((intent.book, intent.side, intent.size_lots, money))
        return False

    def held_lots(self, book: int) -> int:
        return sum(lots for traded_book, lots in self.heard.values() if traded_book == book)

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        live = self.desk.executor.open_orders()
        if live:
            self.desk.executor.cancel(data.draw(st.sampled_from(live)), self.now, "test")

    @rule(wait=st.sampled_from([MS, 100 * MS, SECOND, SECOND, 3 * SECOND, 12 * SECOND]))
    def time_passes(self, wait: int) -> None:
        self.now += wait
        for found in self.venue.values():
            if found.state == "travelling" and self.now - found.sent_ns > ACCEPTED_NS:
                found.state = "lost"
        self.desk.executor.on_timer(self.now)

    # What the venue does

    @rule(data=st.data(), acts=st.lists(st.sampled_from(["trade", "trade", "expire", "cancel"]), max_size=3))
    def orders_arrive_and_the_venue_acts(self, data: st.DataObject, acts: list[str]) -> None:
        travelling = [found for found in self.venue.values() if found.state == "travelling"]
        if travelling:
            self.arrive(data.draw(st.sampled_from(travelling)), accepted=data.draw(st.integers(0, 4)) > 0)
        for act in acts:
            resting = [found for found in self.venue.values() if found.state == "resting"]
            if act == "cancel" and self.cancels:
                self.cancel_at_venue(self.cancels.pop(data.draw(st.integers(0, len(self.cancels) - 1))))
            elif act in ("trade", "expire") and resting:
                found = data.draw(st.sampled_from(resting))
                if act == "trade":
                    self.execute(found, data.draw(st.integers(1, found.left_lots)), apart=data.draw(st.booleans()))
                else:
                    self.end(found, OrderState.EXPIRED)

    @rule(newest=st.booleans(), heard_at_once=st.booleans())
    def a_question_is_answered(self, newest: bool, heard_at_once: bool) -> None:
        if self.questions:
            client_id = self.questions.pop(-1 if newest else 0)
            self.answer(client_id)
            if heard_at_once and self.venue[client_id].order.exchange not in self.down:
                self.deliver(self.messages.pop().report)

    def arrive(self, found: VenueOrder, accepted: bool) -> None:
        if accepted:
            found.state = "resting"
            self.tell(found, found.report())
        else:
            self.end(found, OrderState.REJECTED)

    def execute(self, found: VenueOrder, lots: int, apart: bool) -> None:
        """``apart``: the trade is told apart from the state it led to, as some venues do."""
        trade = a_trade(f"x{len(found.trades)}", lots, found.order.intent.price_ticks)
        found.trades.append(trade)
        if not found.left_lots:
            found.state, found.ended_as = "ended", OrderState.FILLED
        if apart:
            self.tell(found, ExecutionReport(client_id=found.order.client_id, state=OrderState.OPEN, trades=(trade,)))
            self.tell(found, found.report())
        else:
            self.tell(found, found.report(trade))

    def end(self, found: VenueOrder, ended_as: OrderState) -> None:
        found.state, found.ended_as = "ended", ended_as
        self.tell(found, found.report())

    def cancel_at_venue(self, client_id: str) -> None:
        found = self.venue[client_id]
        if found.state == "resting":
            self.end(found, OrderState.CANCELED)
        else:
            self.tell(found, ExecutionReport(client_id=client_id, state=OrderState.OPEN, about_cancel=True))

    def answer(self, client_id: str) -> None:
        found = self.venue[client_id]
        if found.state in ("travelling", "lost"):
            self.tell(found, ExecutionReport(client_id=client_id, state=OrderState.SENT, not_found=True), once=True)
        else:
            self.tell(found, found.report(*found.trades), once=True)

    # What the network does

    @rule(data=st.data(), again=st.lists(st.booleans(), min_size=1, max_size=4))
    def messages_arrive(self, data: st.DataObject, again: list[bool]) -> None:
        for comes_again in again:
            audible = [message for message in self.messages if message.exchange not in self.down]
            if audible:
                message = data.draw(st.sampled_from(audible))
                if message.once or not comes_again:
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
    def line_drops_with_all_that_is_on_it_or_comes_up(self, book: int) -> None:
        exchange = EXCHANGE[book]
        if exchange in self.down:
            self.down.discard(exchange)
            self.desk.executor.on_line(exchange, True, self.now)
            return
        self.down.add(exchange)
        self.messages = [message for message in self.messages if message.exchange != exchange]
        on_it = {client_id for client_id, found in self.venue.items() if found.order.exchange == exchange}
        self.questions = [client_id for client_id in self.questions if client_id not in on_it]
        self.cancels = [client_id for client_id in self.cancels if client_id not in on_it]
        self.desk.executor.on_line(exchange, False, self.now)

    # What holds, always

    @invariant()
    def reserve_covers_whatever_may_still_become_position(self) -> None:
        for order in self.orders:
            may_come = self.may_come_lots(order)
            assert order.approved.reserved_lots >= may_come, (order, self.venue.get(order.client_id))
            assert order.approved.reserved_lots + order.filled_lots <= order.intent.size_lots, "nothing counts twice"

    def may_come_lots(self, order: Order) -> int:
        found = self.venue.get(order.client_id)
        if found is None:
            return 0
        untold = [t for t in found.trades if (order.client_id, t.trade_id) not in self.heard]
        return found.left_lots + sum(trade.size_lots for trade in untold)

    @invariant()
    def positions_are_the_sum_of_the_unique_trades_heard_of(self) -> None:
        for book in BOOKS:
            assert self.desk.positions.size_units(book) == self.held_lots(book) * LOT_UNITS

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
        held = sum(abs(self.held_lots(book)) * LOT_MONEY for book in BOOKS)
        reserved = sum(worst_money(o.intent, o.approved.reserved_lots) for o in self.orders)
        assert self.desk.risk.exposure_money() == held + reserved

    @invariant()
    def an_honest_venue_is_never_accused(self) -> None:
        assert not FORBIDDEN & set(self.desk.recorder.notices())

    # In the end

    def teardown(self) -> None:
        """Everything is asked and told at last."""
        for found in self.venue.values():
            if found.state == "travelling":
                found.state = "lost"
            elif found.state == "resting":
                found.state, found.ended_as = "ended", OrderState.CANCELED
        for book in BOOKS:
            for _ in ("drops", "comes up") if EXCHANGE[book] not in self.down else ("comes up",):
                self.line_drops_with_all_that_is_on_it_or_comes_up(book)
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
    max_examples=100, stateful_step_count=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
