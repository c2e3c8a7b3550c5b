"""Whoever fills orders from a market that cannot see them fills them alike: one market, one sequence, all callers.

The model itself; a simulated exchange that sends a recording, that serves one in its own words, that mirrors a live
market; a direct replay; paper trading.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import Random
from tempfile import NamedTemporaryFile
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from graphwiz_trader.assembly.exchange_markets import PlayedMarket
from graphwiz_trader.assembly.lines import session_lines
from graphwiz_trader.assembly.order_side import order_side
from graphwiz_trader.backtest.recordings import RecordedFrame, RecordedLine, Recording
from graphwiz_trader.backtest.replay import replay_recording
from graphwiz_trader.config import HftConfig
from graphwiz_trader.hft.events import OrderIntent, Side, TimeInForce
from graphwiz_trader.hft.fill_model import FillModel
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.hft.market_data import MarketData, binance_decoder
from graphwiz_trader.hft.orderbook import OrderBook, OrderBookManager
from graphwiz_trader.hft.queue_position import QueueRule
from graphwiz_trader.venues.simulated.binance.flavours import FLAVOURS
from graphwiz_trader.venues.simulated.binance.server import BinanceVenue
from graphwiz_trader.venues.simulated.defaults import default_instruments
from graphwiz_trader.venues.simulated.in_process import InProcessVenues, Latency
from graphwiz_trader.venues.simulated.mirror import Mirror
from graphwiz_trader.venues.simulated.orders import NewOrder, OrderRefusedError
from graphwiz_trader.venues.simulated.recording import RecordingMarket
from graphwiz_trader.venues.simulated.reports import decode_reports
from hft.floor import Journal
from venues.simulated.house import Listener
from venues.simulated.test_synthetic_market import market_of

INSTRUMENTS = Instruments(default_instruments(["binance"])[:1])
RULES = INSTRUMENTS[0]
START_NS = 1_700_000_000_000_000_000
FUNDS = {"binance": {"USDT": "1000000000", "BTC": "1000000"}}
NOW, LATE = Latency(0, 0, 0), 10**15


class Step(NamedTuple):
    """After so many frames: an order, or with no lots a cancel of order ``number``."""

    frame: int
    number: int
    side: Side = Side.BUY
    price_ticks: int = 0
    size_lots: int = 0
    force: TimeInForce = TimeInForce.GTC


Fills = dict[int, list[tuple[int, int, bool]]]
"""Order → (price in ticks, lots, as maker), in order."""


def recorded(seed: int, seconds: int = 20) -> list[RecordedFrame]:
    """What the streams of a synthetic venue said, its snapshot first."""
    market, venues, _ = market_of(seed)
    spot, tape = venues["binance"], Listener()
    for stream in ("depth@100ms", "bookTicker", "trade"):
        spot.hub.subscribe(f"btcusdt@{stream}", tape)
    market.advance(0, 0)
    snapshot = spot.public.depth(_Asked(), 0)
    frames = [RecordedFrame(START_NS, "binance", snapshot, "BTCUSDT")]
    tape.frames.clear()
    for elapsed_ms in range(5, seconds * 1_000, 5):
        market.advance(elapsed_ms, elapsed_ms)
        spot.streams.flush(elapsed_ms)
        frames += [RecordedFrame(START_NS + elapsed_ms * 10**6, "binance", frame) for frame in tape.frames]
        tape.frames.clear()
    return frames


class _Asked:
    """The parameters of a depth request."""

    def text(self, _name: str) -> str:
        return "BTCUSDT"

    def optional_integer(self, _name: str) -> int:
        return 1_000


class Follower:
    """A book kept from the frames, and what is to be done after each."""

    def __init__(self, after: Callable[[int, OrderBook], None]) -> None:
        self.books = OrderBookManager(INSTRUMENTS)
        decoder = binance_decoder(INSTRUMENTS, "binance")
        self._market = MarketData(self.books, [decoder], Journal(), request_snapshot=lambda _: None)
        self._after = after
        self._frames = 0
        self.on_order_frame: Callable[[int, bytes, int], None] = lambda *_: None

    def on_market_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        self._market.on_frame(line, frame, now_ns)
        self._count()

    def on_snapshot(self, book: int, body: bytes, now_ns: int) -> None:
        self._market.on_snapshot(book, body, now_ns)
        self._count()

    def on_line(self, *_: object) -> None: ...
    def on_clock(self, *_: object) -> None: ...
    def on_timer(self, *_: object) -> None: ...

    def feed(self, frame: RecordedFrame) -> None:
        if frame.snapshot_of:
            self.on_snapshot(0, frame.payload, frame.time_ns)
        else:
            self.on_market_frame(0, frame.payload, frame.time_ns)

    def _count(self) -> None:
        self._frames += 1
        self._after(self._frames, self.books[0])


def by_the_model(frames: Sequence[RecordedFrame], rule: QueueRule, seed: int) -> tuple[list[Step], Fills]:
    """Orders around the top of the book, some cancelled again, as the model alone fills them."""
    random, steps, fills = Random(seed), [], {}
    follower = Follower(lambda *_: None)
    book = follower.books[0]
    model = FillModel(book, rule)
    for count, frame in enumerate(frames, 1):
        follower.feed(frame)
        for number, price, lots in model.observe():
            fills[number].append((price, lots, True))
        bid, ask = book.best_bid, book.best_ask
        if bid is None or ask is None or random.random() > 0.1:
            continue
        number = len(steps)
        if random.random() < 0.2 and len(model):
            number = random.choice([step.number for step in steps if step.number in model])
            steps.append(Step(count, number))
            model.cancel(number)
            continue
        side = random.choice(list(Side))
        near = random.choice((bid[0], ask[0]))
        price = near + side.sign * random.choice((0, 0, 0, -1, -60, 40, 400))
        step = Step(count, number, side, price, random.randint(50, 40_000), random.choice(list(TimeInForce)))
        steps.append(step)
        placed = model.place(number, side, price, step.size_lots, step.force)
        fills[number] = [(at, lots, False) for at, lots in placed.fills]
    return steps, fills


def at(steps: Sequence[Step], frame: int) -> Iterator[Step]:
    return (step for step in steps if step.frame == frame)


class Served:
    """A simulated exchange's venue, its orders placed as the script says."""

    def __init__(self, matcher: Callable[..., Any], steps: Sequence[Step]) -> None:
        self.served = BinanceVenue(FLAVOURS["binance"], INSTRUMENTS, partial(matcher, "binance"), clock_ms=lambda: 0)
        self._account = self.served.venue.open_account("a", FUNDS["binance"])
        self._steps = steps
        self.orders: dict[int, Any] = {}

    def after(self, frame: int) -> None:
        for step in at(self._steps, frame):
            if not step.size_lots:
                self.served.venue.cancel(self.orders[step.number], 0)
                continue
            wanted = NewOrder(
                symbol="BTCUSDT",
                side=step.side,
                price_ticks=step.price_ticks,
                size_lots=step.size_lots,
                time_in_force=step.force,
                client_id=f"c{step.number}",
            )
            try:
                self.orders[step.number] = self.served.venue.place(self._account, wanted, 0)
            except OrderRefusedError:  # post-only that would take
                continue

    def fills(self) -> Fills:
        return {
            number: [(done.price_ticks, done.size_lots, done.maker) for done in order.executions]
            for number, order in self.orders.items()
        }


def by_a_recording_exchange(frames: Sequence[RecordedFrame], rule: QueueRule, steps: Sequence[Step]) -> Fills:
    assert rule is QueueRule.RISK_AVERSE, "what a served recording uses"

    def scripted() -> Iterator[RecordedFrame]:
        for count, frame in enumerate(frames):
            served.after(count)
            yield frame
        served.after(len(frames))

    market = RecordingMarket(scripted(), INSTRUMENTS, speed=None)
    served = Served(market.matcher, steps)
    served.served.hub.subscribe("btcusdt@depth", Listener())
    market.open({"binance": served.served}, 0)
    asyncio.run(asyncio.wait_for(market.run(lambda: 0), 60))
    return served.fills()


def by_a_mirror(frames: Sequence[RecordedFrame], rule: QueueRule, steps: Sequence[Step]) -> Fills:
    decoder = binance_decoder(INSTRUMENTS, "binance")
    mirror = Mirror(INSTRUMENTS, [decoder], request_snapshot=lambda _: None, clock_ms=lambda: 0, rule=rule)
    served = Served(mirror.matcher, steps)
    mirror.open({"binance": served.served}, 0)
    for count, frame in enumerate(frames, 1):
        if frame.snapshot_of:
            mirror.on_snapshot(0, frame.payload, frame.time_ns)
        else:
            mirror.on_market_frame(0, frame.payload, frame.time_ns)
        served.after(count)
    return served.fills()


class Trader:
    """Orders through a gateway as the script says, and the fills that come back as reports."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self.gateway: Any = None
        self.now_ns = 0
        self._fills: Fills = {step.number: [] for step in steps}

    def after(self, frame: int, _book: OrderBook) -> None:
        for step in at(self._steps, frame):
            intent = OrderIntent(
                strategy="s",
                book=0,
                side=step.side,
                price_ticks=max(step.price_ticks, 1),
                size_lots=max(step.size_lots, 1),
                time_in_force=step.force,
            )
            order = SimpleNamespace(client_id=f"c{step.number}", intent=intent, exchange="binance")
            (self.gateway.place if step.size_lots else self.gateway.cancel)(order, self.now_ns)

    def on_order_frame(self, _line: int, frame: bytes, _now_ns: int) -> None:
        for report in decode_reports(frame):
            number = int(report.client_id[1:])
            self._fills[number] += [(trade.price_ticks, trade.size_lots, trade.maker) for trade in report.trades]

    def fills(self) -> Fills:
        return self._fills


def by_a_served_recording(frames: Sequence[RecordedFrame], rule: QueueRule, steps: Sequence[Step]) -> Fills:
    """What ``graphwiz exchange serve --market recording:binance=FILE`` serves."""
    assert rule is QueueRule.RISK_AVERSE, "what a served recording uses"
    with NamedTemporaryFile(suffix=".jsonl") as file:
        file.write(b"".join(b"%d %s\n" % (frame.time_ns, frame.payload) for frame in frames))
        file.flush()
        recording = ScriptedRecording({"binance": [Path(file.name)]})
        market = PlayedMarket(recording, INSTRUMENTS, speed=1e9)
        served = Served(market.matcher, steps)
        recording.after = served.after
        market.open({"binance": served.served}, 0)
        asyncio.run(asyncio.wait_for(market.run(lambda: 0), 60))
    assert recording.frames_read == len(frames)
    return served.fills()


class ScriptedRecording(Recording):
    """A recording between whose frames something is done."""

    after: Callable[[int], None]
    frames_read = 0

    def history(self) -> Iterator[RecordedFrame | RecordedLine]:
        for self.frames_read, frame in enumerate(super().history(), 1):
            yield frame
            self.after(self.frames_read)


def by_a_replay(frames: Sequence[RecordedFrame], rule: QueueRule, steps: Sequence[Step]) -> Fills:
    trader = Trader(steps)
    engine: Any = Follower(trader.after)
    venues = InProcessVenues(engine.books, {"binance": 1}, latency=NOW, funds=FUNDS, rule=rule)
    trader.gateway = venues
    venues.agenda.deliver = trader.on_order_frame

    def timed() -> Iterator[RecordedFrame]:
        for frame in frames:
            trader.now_ns = frame.time_ns
            yield frame

    replay_recording(
        engine,
        timed(),
        instruments=INSTRUMENTS,
        venues=venues,
        market_lines={"binance": (0,)},
        order_lines={"binance": 1},
        progress=lambda _: None,
    )
    return trader.fills()


def by_paper_trading(frames: Sequence[RecordedFrame], rule: QueueRule, steps: Sequence[Step]) -> Fills:
    trader = Trader(steps)
    engine: Any = Follower(trader.after)
    balances = {asset: Decimal(amount) for asset, amount in FUNDS["binance"].items()}
    paper = {"balances": balances, "latency_ms": 0, "fill_model": rule.name.lower()}
    side = order_side(HftConfig.model_validate({"mode": "paper", "paper": paper}), {}, {}, lambda *_: None)
    lines = session_lines(["binance"], side.wire)
    connected = side.connect(INSTRUMENTS, lines, engine.books, trader, {})  # type: ignore[arg-type]
    trader.gateway = connected.gateways["binance"]
    sink = connected.around(engine)
    for frame in frames:
        trader.now_ns = frame.time_ns
        if frame.snapshot_of:
            sink.on_snapshot(0, frame.payload, frame.time_ns)
        else:
            sink.on_market_frame(0, frame.payload, frame.time_ns)
        agenda = trader.gateway.agenda
        while agenda.next_ns is not None:
            agenda.run_next()
    return trader.fills()


CALLERS = {
    "recording exchange": by_a_recording_exchange,
    "served recording": by_a_served_recording,
    "mirror": by_a_mirror,
    "replay": by_a_replay,
    "paper": by_paper_trading,
}


def without_none(fills: Fills) -> Fills:
    return {number: done for number, done in fills.items() if done}


@pytest.mark.slow
@pytest.mark.parametrize("rule", QueueRule)
@pytest.mark.parametrize("seed", [1, 2])
def test_all_callers_fill_the_same_orders_alike(rule: QueueRule, seed: int) -> None:
    frames = recorded(seed)
    steps, expected = by_the_model(frames, rule, seed)
    as_maker = sum(lots for done in expected.values() for _, lots, maker in done if maker)
    as_taker = sum(lots for done in expected.values() for _, lots, maker in done if not maker)
    assert as_maker > 0
    assert as_taker > 0
    for name, fill in CALLERS.items():
        if fill in (by_a_recording_exchange, by_a_served_recording) and rule is not QueueRule.RISK_AVERSE:
            continue
        assert without_none(fill(frames, rule, steps)) == without_none(expected), name
