"""One event's journey through the whole core: what is written, in which order, and that it is always the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random
from types import MappingProxyType
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import synthetic_recording
from graphwiz_trader.assembly.core import Core, build_books, build_core
from graphwiz_trader.assembly.lines import ORDERS, line_ids, market_line_ids, session_lines
from graphwiz_trader.assembly.replays import direct_replay
from graphwiz_trader.backtest.decisions import DecisionHash
from graphwiz_trader.backtest.journal_gateway import JournalGateway
from graphwiz_trader.backtest.recordings import RecordedFrame
from graphwiz_trader.backtest.replay import replay_journal, replay_recording
from graphwiz_trader.config import HftConfig
from graphwiz_trader.hft.events import Command, ExecutionReport, OrderState, Recorder, RecordKind, Side, Trade
from graphwiz_trader.hft.gateways import NotSentError, OrderGateway
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.hft.orders import Order
from graphwiz_trader.hft.records import ClockOffset
from graphwiz_trader.journal.layout import Record
from graphwiz_trader.venues.simulated.reports import WIRE
from hft.floor import (
    MS,
    PERP,
    SECOND,
    SPOT,
    SPOT_ETH,
    START,
    Journal,
    Levels,
    Recorded,
    snapshot,
    spot_depth,
    two_venues,
    usdm_depth,
)

K = RecordKind


def a_config(**sections: dict[str, Any]) -> HftConfig:
    """Only cross-exchange arbitrage, unless said otherwise; roomy limits."""
    strategies = {
        "statistical_arbitrage": {"enabled": False, "lookback_period": 5, "z_score_threshold": 1.5},
        "cross_exchange_arbitrage": {"enabled": True, "min_profit_bps": 1.0, "max_position_size": 1000},
    } | sections.pop("strategies", {})
    return HftConfig.model_validate({"strategies": strategies, **sections})


class Gateway:
    """Keeps the orders it was given, and what stood in the journal by then."""

    def __init__(self, journal: Journal) -> None:
        self.placed: list[Order] = []
        self.canceled: list[Order] = []
        self.journal_before: list[list[Recorded]] = []
        self._journal = journal

    def place(self, order: Order, now_ns: int) -> None:
        self.placed.append(order)
        self.journal_before.append(list(self._journal.records))

    def cancel(self, order: Order, now_ns: int) -> None:
        self.canceled.append(order)

    def query(self, order: Order, now_ns: int) -> None:
        pass


class Rig:
    """The core as assembly builds it, with gateways that keep what they get; reports come in as order frames."""

    def __init__(self, config: HftConfig | None = None, instruments: Instruments | None = None) -> None:
        config = config or a_config()
        self.instruments = instruments or two_venues(taker_fee_ppm=0)
        self.lines = session_lines(self.instruments.exchanges, WIRE)
        self.journal = Journal()
        self.gateway = Gateway(self.journal)
        self.core = build_core(
            config,
            self.instruments,
            self.lines,
            recorder=self.journal,
            books=build_books(config, self.instruments),
            gateways=dict.fromkeys(self.instruments.exchanges, self.gateway),
            request_snapshot=lambda book: None,
            prefix="t",
        )
        self.engine = self.core.engine
        for line in self.lines:
            self.engine.on_line(line.line, True, "connected", START)
        self.journal.records.clear()
        self.now = START
        self._last = 100

    def show(self, book: int, bids: Levels, asks: Levels) -> None:
        """Make the book show exactly this, by a newer snapshot and an update."""
        self._last += 10
        self.engine.on_snapshot(book, snapshot(self._last, bids, asks), self.now)
        symbol = self.instruments[book].venue_symbol
        if self.instruments[book].exchange == "binance":
            self.engine.on_market_frame(0, spot_depth(self._last + 1, self._last + 1, symbol=symbol), self.now)
        else:
            frame = usdm_depth(self._last, self._last + 1, self._last - 1, symbol=symbol)
            self.engine.on_market_frame(1, frame, self.now)

    def quiet(self, book: int = SPOT) -> None:
        self.show(book, [("99.9", "1")], [("100.1", "1")])

    def cross(self, size: str = "1") -> tuple[Order, Order]:
        """Spot asks 100.1, the perpetual bids 101.0: the two legs that go out."""
        self.quiet()
        self.show(PERP, [("101.0", size)], [("101.1", "1")])
        bought, sold = self.gateway.placed[-2:]
        return bought, sold

    def report(self, order: Order, state: OrderState, *fills: tuple[int, int], **said: Any) -> None:
        """A venue's word on an order, with fills of (price in ticks, lots)."""
        trades = tuple(
            Trade(trade_id=f"{i}", price_ticks=price, size_lots=lots, fee_units=0, fee_asset="USDT")
            for i, (price, lots) in enumerate(fills)
        )
        report = ExecutionReport(
            client_id=order.client_id, state=state, trades=trades, filled_lots=sum(t.size_lots for t in trades), **said
        )
        line = line_ids(self.lines, ORDERS)[order.exchange]
        self.engine.on_order_frame(line, msgspec.json.encode([report]), self.now)

    def kinds(self) -> list[RecordKind]:
        return [K(record.kind) for record in self.journal.records]


# The journey


def test_a_frame_is_in_the_journal_before_anything_is_made_of_it() -> None:
    rig = Rig()
    rig.engine.on_market_frame(0, b"whatever", START)
    assert rig.kinds() == [K.MARKET_FRAME, K.NOTICE]
    assert rig.journal.records[0] == (K.MARKET_FRAME, 0, START, b"whatever")


def test_a_cross_goes_from_frame_to_opportunity_to_decision_to_orders_in_one_call() -> None:
    rig = Rig()
    rig.quiet()
    rig.show(PERP, [("101.0", "1")], [("101.1", "1")])
    assert rig.kinds()[-6:-3] == [K.MARKET_FRAME, K.TRUST, K.OPPORTUNITY]
    assert rig.kinds()[-3:] == [K.ORDER, K.ORDER, K.DECISION]
    assert [(o.intent.book, o.intent.side) for o in rig.gateway.placed] == [(SPOT, Side.BUY), (PERP, Side.SELL)]


def test_every_order_is_in_the_journal_before_the_first_is_handed_to_its_gateway() -> None:
    rig = Rig()
    orders = rig.cross()
    for seen in rig.gateway.journal_before:
        ids = [record.read["client_id"] for record in seen if record.kind == K.ORDER]
        assert ids == [order.client_id for order in orders]


def test_a_refused_decision_is_recorded_with_its_reason_and_nothing_is_sent() -> None:
    rig = Rig(a_config(risk={"max_position_size": 1000, "max_exposure": 1000}))
    rig.show(SPOT, [("99.9", "1")], [("100.1", "9")])
    rig.show(PERP, [("101.0", "9")], [("101.1", "1")])
    assert rig.kinds()[-2:] == [K.RISK, K.DECISION]
    assert rig.journal.of(K.RISK)[0].read["reason"] == "EXPOSURE_LIMIT"
    assert rig.gateway.placed == []
    assert rig.engine.counts.refusals == 1


def test_one_refused_leg_keeps_the_other_from_being_sent() -> None:
    """The spot venue has no stock to sell from: buying on the perpetual alone would be a position."""
    rig = Rig()
    rig.show(SPOT, [("101.0", "1")], [("101.1", "1")])
    rig.quiet(PERP)
    assert rig.journal.of(K.RISK)[-1].read["reason"] == "SHORT_SALE"
    assert rig.gateway.placed == []


def test_fills_reach_positions_and_the_strategy_that_ordered_them() -> None:
    rig = Rig()
    bought, sold = rig.cross()
    rig.report(bought, OrderState.FILLED, (1001, bought.intent.size_lots))
    rig.report(sold, OrderState.FILLED, (1010, sold.intent.size_lots))
    (strategy,) = rig.core.strategies
    assert rig.core.positions.size_units(SPOT) == strategy.positions.size_units(SPOT) > 0
    assert rig.core.positions.size_units(PERP) == strategy.positions.size_units(PERP) < 0
    assert strategy.performance().trades == 1
    assert rig.engine.counts.fills == 2


def test_no_second_pair_of_legs_goes_before_the_first_has_ended() -> None:
    rig = Rig()
    bought, sold = rig.cross("0.1")
    rig.cross("0.1")
    assert len(rig.gateway.placed) == 2
    rig.report(bought, OrderState.EXPIRED)
    rig.report(sold, OrderState.EXPIRED)
    rig.cross("0.1")
    assert len(rig.gateway.placed) == 4


def test_an_uneven_pair_is_put_right_and_its_route_rests() -> None:
    rig = Rig()
    bought, sold = rig.cross("0.1")
    rig.report(bought, OrderState.FILLED, (1001, bought.intent.size_lots))
    rig.report(sold, OrderState.EXPIRED)
    unwinding = rig.gateway.placed[-1]
    assert (unwinding.intent.book, unwinding.intent.side, unwinding.intent.reduces) == (SPOT, Side.SELL, True)
    rig.report(unwinding, OrderState.FILLED, (999, unwinding.intent.size_lots))
    assert rig.core.positions.size_units(SPOT) == 0
    before = len(rig.gateway.placed)
    rig.cross("0.1")
    assert len(rig.gateway.placed) == before
    rig.now += 31 * SECOND
    rig.cross("0.1")
    assert len(rig.gateway.placed) == before + 2


def test_the_pulse_counts_every_order_also_those_that_put_legs_right() -> None:
    rig = Rig()
    bought, sold = rig.cross("0.1")
    rig.report(bought, OrderState.FILLED, (1001, bought.intent.size_lots))
    rig.report(sold, OrderState.EXPIRED)
    assert rig.engine.pulse(START).counts.orders == len(rig.journal.of(K.ORDER)) == 3


# Opportunities


def test_an_opportunity_is_recorded_when_it_appears_and_not_while_it_lasts() -> None:
    rig = Rig()
    rig.cross("0.1")
    for size in ("0.2", "0.3"):
        rig.show(PERP, [("101.0", size)], [("101.1", "1")])
        rig.show(SPOT, [("99.9", size)], [("100.1", "1")])
    assert len(rig.journal.of(K.OPPORTUNITY)) == 1
    rig.show(PERP, [("100.0", "1")], [("101.1", "1")])
    rig.show(PERP, [("101.0", "1")], [("101.1", "1")])
    assert len(rig.journal.of(K.OPPORTUNITY)) == 2
    assert rig.engine.counts.opportunities == 2


def test_the_other_direction_is_another_opportunity() -> None:
    rig = Rig()
    rig.cross("0.1")
    rig.show(PERP, [("98.0", "1")], [("98.1", "1")])
    pairs = [(r.read["buy_book"], r.read["sell_book"]) for r in rig.journal.of(K.OPPORTUNITY)]
    assert pairs == [(SPOT, PERP), (PERP, SPOT)]


# The breaker, and a person's word


def _losing_rig() -> tuple[Rig, Order]:
    """A rig with 0.9 BTC bought at 100.1 and one order of ETH/USDT's pair still open."""
    rig = Rig(a_config(risk={"circuit_breaker_threshold": 30}))
    bought, sold = rig.cross("0.9")
    rig.report(bought, OrderState.FILLED, (1001, 900))
    rig.report(sold, OrderState.OPEN)
    return rig, sold


def test_a_loss_beyond_the_threshold_trips_the_breaker_cancels_everything_and_refuses_what_comes() -> None:
    rig, working = _losing_rig()
    rig.show(SPOT, [("60.0", "1")], [("60.2", "1")])
    tripped = [r.read for r in rig.journal.of(K.RISK) if r.read["event"] == "tripped"]
    assert len(tripped) == 1
    assert tripped[0]["reason"].startswith("LOSS of 36.00")
    assert rig.gateway.canceled == [working]
    before = len(rig.gateway.placed)
    rig.show(SPOT_ETH, [("99.9", "1")], [("100.1", "1")])
    rig.show(3, [("101.0", "1")], [("101.1", "1")])
    assert len(rig.gateway.placed) == before
    assert rig.journal.of(K.RISK)[-1].read["reason"] == "BREAKER"


def test_a_person_trips_and_resets_the_breaker_by_name() -> None:
    rig = Rig()
    rig.engine.on_command(Command(command="trip", by="ann", reason="news"), START)
    assert rig.core.risk.tripped == "news"
    rig.engine.on_command(Command(command="reset", by="ann", reason="over"), START)
    assert rig.core.risk.tripped == ""
    assert [json.loads(r.payload)["command"] for r in rig.journal.of(K.COMMAND)] == ["trip", "reset"]
    rig.cross()
    assert len(rig.gateway.placed) == 2


def test_a_stopped_session_cancels_what_is_open_and_decides_nothing_more() -> None:
    rig = Rig()
    orders = rig.cross("0.1")
    rig.engine.on_command(Command(command="stop", by="test", reason="end"), START)
    assert rig.gateway.canceled == list(orders)
    decisions = rig.engine.counts.decisions
    for order in orders:
        rig.report(order, OrderState.CANCELED)
    rig.cross("0.2")
    assert rig.engine.counts.decisions == decisions
    assert not any(strategy.active for strategy in rig.core.strategies)


# Time and lines


def test_the_timer_writes_the_pulse_and_finds_overdue_answers() -> None:
    rig = Rig()
    rig.cross("0.1")
    rig.engine.on_timer(START + 100 * MS)
    assert rig.kinds()[-2:] == [K.TIMER, K.PULSE]
    rig.engine.on_timer(START + 2 * SECOND)
    states = {r.read["state"] for r in rig.journal.of(K.ORDER_UPDATE)}
    assert states == {int(OrderState.UNKNOWN)}
    pulse = rig.journal.of(K.PULSE)[-1].read
    assert (pulse["open_orders"], pulse["counts"]["orders"], pulse["risk"]["state"]) == (2, 2, "ok")


def test_a_venues_clock_is_journaled_as_an_input_and_kept_with_its_books_and_no_others() -> None:
    rig = Rig()
    rig.engine.on_clock(0, -1_270 * MS, 3 * MS, START)
    (record,) = rig.journal.of(K.CLOCK)
    assert K.CLOCK < K.DECISION, "an input"
    assert (record.source, record.read) == (0, {"offset_ns": -1_270 * MS, "error_ns": 3 * MS})
    assert rig.core.books[SPOT].clock == rig.core.books[SPOT_ETH].clock == ClockOffset(-1_270 * MS, 3 * MS)
    assert rig.core.books[PERP].clock is None


def test_a_broken_market_line_leaves_orders_alone_and_a_broken_order_line_leaves_books_alone() -> None:
    rig = Rig()
    orders = rig.cross("0.1")
    rig.engine.on_line(0, False, "reset by peer", START)
    assert not rig.core.books.is_tradable(SPOT)
    assert {order.state for order in orders} == {OrderState.SENT}
    rig.engine.on_line(3, False, "reset by peer", START)
    assert rig.core.books.is_tradable(PERP)
    assert [order.state for order in orders] == [OrderState.SENT, OrderState.UNKNOWN]


def test_no_leg_goes_while_the_order_line_of_either_venue_is_down() -> None:
    rig = Rig()
    rig.engine.on_line(3, False, "reset by peer", START)
    rig.quiet()
    rig.show(PERP, [("101.0", "0.1")], [("101.1", "1")])
    assert rig.gateway.placed == []
    assert rig.engine.counts.decisions == 0
    rig.engine.on_line(3, True, "connected", START)
    rig.cross("0.2")
    assert len(rig.gateway.placed) == 2


def test_an_order_line_is_down_until_it_is_reported_up() -> None:
    config, instruments = a_config(), two_venues()
    lines, journal = session_lines(instruments.exchanges, WIRE), Journal()
    core = build_core(
        config,
        instruments,
        lines,
        recorder=journal,
        books=build_books(config, instruments),
        gateways=dict.fromkeys(instruments.exchanges, Gateway(journal)),
        request_snapshot=lambda book: None,
        prefix="t",
    )
    assert [core.executor.is_reachable(book) for book in range(4)] == [False] * 4
    core.engine.on_line(2, True, "connected", START)
    assert [core.executor.is_reachable(book) for book in range(4)] == [True, False, True, False]


def test_an_order_frame_that_cannot_be_read_changes_nothing() -> None:
    rig = Rig()
    rig.cross("0.1")
    before = len(rig.journal.records)
    for frame in (b"", b"\xff", b"{", b"[1]", b'[{"client_id":"t","state":99}]'):
        rig.engine.on_order_frame(2, frame, START)
    assert len(rig.journal.records) == before + 5


# The same again

CONFIG = a_config(
    strategies={
        "statistical_arbitrage": {"lookback_period": 5, "z_score_threshold": 1.2, "max_position_size": 100},
        "cross_exchange_arbitrage": {"min_profit_bps": 1.0, "max_position_size": 500},
    },
    risk={"max_orders_per_second": 20, "max_exposure": 900, "max_position_size": 600, "circuit_breaker_threshold": 3},
)


def _run(frames: list[RecordedFrame]) -> Journal:
    """A direct replay with everything in it; the journal that it leaves."""
    journal = Journal()
    instruments = two_venues(taker_fee_ppm=100)
    replay = direct_replay(CONFIG, instruments, latency_ms=3.0, recorder=journal)
    replay.core.engine.on_clock(0, -1_270 * MS, 3 * MS, START)
    replay_recording(
        replay.core.engine,
        frames,
        instruments=instruments,
        venues=replay.venues,
        market_lines=market_line_ids(replay.lines),
        order_lines=line_ids(replay.lines, ORDERS),
        progress=lambda count: None,
    )
    return journal


def _frames(seed: int, updates: int, *, troubles: bool) -> list[RecordedFrame]:
    return [
        RecordedFrame(f.time_ns, f.exchange, f.payload, f.symbol if f.is_snapshot else "")
        for f in synthetic_recording.market(seed, updates, troubles=troubles)
    ]


def _again(
    records: list[Recorded], market_lines: Mapping[str, int] = MappingProxyType({})
) -> tuple[Journal, DecisionHash, DecisionHash]:
    """The engine on the inputs of a journal alone: its records, what it did, and what the journal says was done."""
    outputs, recorded = Journal(), DecisionHash()
    done = DecisionHash(outputs)
    gateway = JournalGateway()
    core = _core(done, market_lines, gateway)
    replay_journal(core.engine, [Record(*record) for record in records], recorded, gateway, lambda count: None)
    return outputs, done, recorded


def _core(recorder: Recorder, market_lines: Mapping[str, int], gateway: OrderGateway) -> Core:
    instruments = two_venues(taker_fee_ppm=100)
    return build_core(
        CONFIG,
        instruments,
        session_lines(instruments.exchanges, WIRE, market_lines=market_lines),
        recorder=recorder,
        books=build_books(CONFIG, instruments),
        gateways=dict.fromkeys(instruments.exchanges, gateway),
        request_snapshot=lambda book: None,
        prefix="gwreplay",
    )


def test_the_random_markets_of_these_tests_reach_every_part_of_the_core() -> None:
    kinds = {record.kind for seed in range(4) for record in _run(_frames(seed, 150, troubles=True)).records}
    outputs = {kind for kind in K if K.DECISION <= kind < K.LATENCY}
    assert outputs - kinds <= {K.CANCEL, K.LEGS}
    assert {K.MARKET_FRAME, K.ORDER_FRAME, K.SNAPSHOT, K.LINE, K.TIMER, K.CLOCK} <= kinds


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.booleans())
def test_the_same_inputs_give_the_same_records(seed: int, troubles: bool) -> None:
    frames = _frames(seed, 120, troubles=troubles)
    assert _run(frames).records == _run(frames).records


@settings(max_examples=15)
@given(st.integers(0, 2**32))
def test_a_journals_inputs_alone_give_the_journal_again_bit_for_bit(seed: int) -> None:
    records = _run(_frames(seed, 120, troubles=True)).records[1:]
    outputs, done, recorded = _again([*records, Recorded(K.END, 0, 0, b"{}")])
    assert done.did_the_same(recorded)
    assert outputs.records == records


@settings(max_examples=10)
@given(st.integers(0, 2**32))
def test_a_journal_of_two_lossy_lines_gives_itself_again(seed: int) -> None:
    """Spot is heard over the lines 0 and 1, each of which loses frames and breaks; the perpetual over line 2."""
    two, random, journal, timers = {"binance": 2}, Random(seed), Journal(), 0
    engine = _core(journal, two, Gateway(journal)).engine
    for line in range(5):
        engine.on_line(line, True, "connected", START)
    for frame in _frames(seed, 120, troubles=False):
        while START + timers * 100 * MS < frame.time_ns:
            timers += 1
            engine.on_timer(START + timers * 100 * MS)
        if frame.snapshot_of:
            engine.on_snapshot(frame.exchange != "binance", frame.payload, frame.time_ns)
            continue
        for line in (0, 1) if frame.exchange == "binance" else (2,):
            if random.randrange(10) > 0:
                engine.on_market_frame(line, frame.payload, frame.time_ns)
        if random.randrange(40) == 0:
            engine.on_line(random.randrange(2), random.randrange(3) > 0, "chance", frame.time_ns)
    outputs, done, recorded = _again([*journal.records, Recorded(K.END, 0, 0, b"{}")], two)
    assert done.did_the_same(recorded)
    assert outputs.records == journal.records


class Unreliable(Gateway):
    """Sends or fails by chance, provably or not."""

    def __init__(self, journal: Journal, random: Random) -> None:
        super().__init__(journal)
        self._random = random

    def place(self, order: Order, now_ns: int) -> None:
        self._fail()
        super().place(order, now_ns)

    def query(self, order: Order, now_ns: int) -> None:
        self._fail()

    def _fail(self) -> None:
        failure = self._random.choice([None, None, NotSentError("the connection is gone"), RuntimeError("who knows")])
        if failure is not None:
            raise failure


@settings(max_examples=15)
@given(st.integers(0, 2**32))
def test_a_journal_of_orders_that_could_not_be_sent_gives_itself_again(seed: int) -> None:
    """Nobody answers, and to "no such order" it matters which questions left."""
    journal, timers = Journal(), 0
    gateway = Unreliable(journal, Random(seed))
    core = _core(journal, {}, gateway)
    orders = {line.exchange: line.line for line in session_lines(core.books.instruments.exchanges, WIRE)[2:]}
    for line in range(4):
        core.engine.on_line(line, True, "connected", START)
    for frame in _frames(seed, 120, troubles=False):
        while START + timers * 100 * MS < frame.time_ns:
            timers += 1
            core.engine.on_timer(START + timers * 100 * MS)
            for order in core.executor.open_orders():
                denial = ExecutionReport(client_id=order.client_id, state=OrderState.SENT, not_found=True)
                core.engine.on_order_frame(orders[order.exchange], msgspec.json.encode([denial]), frame.time_ns)
        if frame.snapshot_of:
            core.engine.on_snapshot(frame.exchange != "binance", frame.payload, frame.time_ns)
        else:
            core.engine.on_market_frame(frame.exchange != "binance", frame.payload, frame.time_ns)
    outputs, done, recorded = _again([*journal.records, Recorded(K.END, 0, 0, b"{}")])
    assert done.did_the_same(recorded)
    assert outputs.records == journal.records


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.floats(0.1, 1.0))
def test_a_journal_that_was_cut_off_gives_again_what_it_still_holds(seed: int, kept: float) -> None:
    """Killed between an input and the last of its records: that input is left out."""
    records = _run(_frames(seed, 60, troubles=True)).records[1:]
    outputs, done, recorded = _again(records[: int(len(records) * kept)])
    assert done.did_the_same(recorded)
    assert outputs.records == records[: len(outputs.records)]


def test_a_journal_of_other_decisions_is_told_apart() -> None:
    records = _run(_frames(1, 120, troubles=False)).records[1:]
    decision = next(i for i, record in enumerate(records) if record.kind == K.DECISION)
    order = next(i for i, record in enumerate(records) if record.kind == K.ORDER)
    for changed in (decision, order):
        other = list(records)
        other[changed] = other[changed]._replace(payload=other[changed].payload.replace(b'"book":', b'"book": '))
        _, done, recorded = _again(other)
        assert not done.did_the_same(recorded)


@pytest.mark.parametrize("seed", range(3))
def test_records_hold_plain_numbers_and_no_machines_own(seed: int) -> None:
    """A NumPy integer or an enumeration's name in a payload would not read back as what was written."""
    for record in _run(_frames(seed, 80, troubles=True)).records:
        assert (type(record.source), type(record.time_ns), type(record.payload)) == (int, int, bytes)
        if record.payload and record.kind >= K.DECISION:
            assert json.loads(record.payload) == msgspec.json.decode(record.payload)
