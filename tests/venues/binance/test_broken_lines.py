"""The executor over real order lines that keep breaking: in the end every order has ended and the books balance."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from random import Random

import pytest

from graphwiz_trader.hft import ended_orders
from graphwiz_trader.hft.events import OrderIntent, OrderState, Side, TimeInForce
from graphwiz_trader.hft.executor import FastOrderExecutor
from graphwiz_trader.hft.instruments import Instrument, money_from_text
from graphwiz_trader.hft.limits import RiskLimits
from graphwiz_trader.hft.orders import Order
from graphwiz_trader.hft.positions import PositionTracker
from graphwiz_trader.hft.risk import HFTRiskManager
from graphwiz_trader.venues.base import Credentials
from graphwiz_trader.venues.binance.order_codec import OrderDecoder
from graphwiz_trader.venues.binance.order_line import BinanceOrderLine
from graphwiz_trader.venues.connection import Timing
from graphwiz_trader.venues.simulated import BinanceVenue
from graphwiz_trader.venues.simulated import Credentials as Account
from graphwiz_trader.venues.simulated.faults import Fault
from graphwiz_trader.venues.simulated.faults.kinds import Delay
from patience import PATIENCE_S
from venues.harness import BTC, INSTRUMENTS, PERP, Exchange, Watched, on_uvloop
from venues.simulated.clients import until

KEY, SECRET = "edgeTestKey", "an hmac secret"
FUNDS = {"BTC": "20", "USDT": "1000000"}
MS = 1_000_000


class Desk(Watched):
    """Risk, positions and executor over one order line; what an engine would be to it."""

    def __init__(self, exchange: Exchange, instrument: Instrument, random: Random, timing: Timing) -> None:
        super().__init__()
        self.decoder = OrderDecoder(INSTRUMENTS, instrument.exchange)
        self.line = BinanceOrderLine(
            INSTRUMENTS,
            instrument.exchange,
            endpoints=exchange.endpoints(instrument.exchange),
            credentials=Credentials(KEY, SECRET),
            line=0,
            sink=self,
            timing=timing,
            random=random,
        )
        much = money_from_text("100000000")
        limits = RiskLimits(
            max_position_money=much,
            max_exposure_money=much,
            max_orders_per_second=10_000,
            max_loss_money=much,
            currency="USDT",
        )
        self.positions = PositionTracker(INSTRUMENTS)
        self.risk = HFTRiskManager(
            INSTRUMENTS,
            limits,
            holdings=self.positions,
            marks=self,
            recorder=self,
            inventory_lots={BTC.book: 20_000},
        )
        self.executor = FastOrderExecutor(
            INSTRUMENTS,
            prefix="broken",
            risk=self.risk,
            positions=self.positions,
            gateways=dict.fromkeys(INSTRUMENTS.exchanges, self.line),
            recorder=self,
            answer_timeout_ns=100 * MS,
            query_pause_max_ns=200 * MS,
            missing_after_ns=500 * MS,
        )
        self.instrument = instrument
        self.breaks = 0

    def mid2_ticks(self, _book: int) -> int:
        return 200_000

    def is_tradable(self, _book: int) -> bool:
        return True

    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        """Nothing is kept."""

    def on_market_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        raise AssertionError("an order line brings no market data")

    def on_snapshot(self, book: int, body: bytes, now_ns: int) -> None:
        raise AssertionError("an order line brings no snapshots")

    def on_order_frame(self, _line: int, frame: bytes, now_ns: int) -> None:
        for report in self.decoder(frame):
            self.executor.on_report(report, now_ns)

    def on_line(self, _line: int, up: bool, _reason: str, now_ns: int) -> None:
        self.breaks += not up
        self.executor.on_line(self.instrument.exchange, up, now_ns)
        self.changed()

    def on_clock(self, line: int, offset_ns: int, error_ns: int, now_ns: int) -> None:
        """Nothing is decided by it."""

    def place_any(self, random: Random) -> Order | None:
        return self.place(
            random.choice(tuple(Side)),
            100_000 + random.choice((-12, -5, 5, 12)),
            random.randint(1, 30),
            random.choice((TimeInForce.IOC, TimeInForce.GTC)),
        )

    def place(self, side: Side, price_ticks: int, size_lots: int, time_in_force: TimeInForce) -> Order | None:
        intent = OrderIntent(
            strategy="test",
            book=self.instrument.book,
            side=side,
            price_ticks=price_ticks,
            size_lots=size_lots,
            time_in_force=time_in_force,
        )
        approved = self.risk.approve([intent], time.time_ns())
        return self.executor.place(approved[0], time.time_ns()) if isinstance(approved, tuple) else None


SEEDS = pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
BOTH_VENUES = pytest.mark.parametrize("instrument", [BTC, PERP], ids=["spot", "usdm"])


@SEEDS
@BOTH_VENUES
@on_uvloop
async def test_whatever_breaks_every_order_ends_and_positions_are_the_venue_s_own(instrument, seed):
    def disconnect(desk: Desk, venue: BinanceVenue) -> bool:
        venue.disconnect_all()
        return desk.breaks >= 3

    await trade_while(instrument, seed, disconnect, Timing(ping_s=0.1, pong_s=0.1, first_pause_s=0.02))


@SEEDS
@BOTH_VENUES
@on_uvloop
async def test_however_often_the_connection_is_replaced_no_gap_is_heard_and_nothing_is_lost_or_counted_twice(
    instrument, seed
):
    seen: set[object] = set()

    def give_notice(desk: Desk, venue: BinanceVenue) -> bool:
        if len(desk.line._connections.lines) == 1:
            seen.add(desk.line._current)
            venue.faults.add(Fault(fault="shutdown_notice", closes_after_s=60.0))
        assert desk.breaks == 0
        return len(seen) > 3

    await trade_while(instrument, seed, give_notice, Timing(overlap_s=0.02))


async def trade_while(
    instrument: Instrument, seed: int, disturb: Callable[[Desk, BinanceVenue], bool], timing: Timing
) -> None:
    """Trade at random while the line is disturbed now and then, until that was enough; in the end all must be as the
    venue says."""
    random = Random(seed)
    is_enough = False
    names = ("binance", "binanceusdm")
    async with Exchange(
        accounts={n: Account(KEY, SECRET) for n in names}, funds=dict.fromkeys(names, FUNDS)
    ) as exchange:
        desk = Desk(exchange, instrument, random, timing)
        venue = exchange[instrument.exchange]
        running = asyncio.create_task(desk.line.run())
        await desk.until(lambda: desk.line.is_up)
        orders: list[Order] = []
        while len(orders) < 60 or not is_enough:
            placed = desk.place_any(random) if desk.line.is_up else None
            orders += [placed] if placed is not None else []
            if orders and random.random() < 0.3:
                desk.executor.cancel(random.choice(orders), time.time_ns(), "chance")
            if random.random() < 0.3:
                exchange.market.quote(instrument, random.choice(tuple(Side)), 100_000, random.randint(1, 20))
            if desk.line.is_up and random.random() < 0.1:
                is_enough = disturb(desk, venue)
            desk.executor.on_timer(time.time_ns())
            await asyncio.sleep(random.choice((0, 0, 0.005)))
        async with asyncio.timeout(PATIENCE_S):
            while desk.executor.open_orders():
                desk.executor.cancel_all(time.time_ns(), "the end")
                desk.executor.on_timer(time.time_ns())
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

        account = venue.venue.accounts[-1]
        if instrument is PERP:
            held_units = account.position("BTCUSDT").size_lots * PERP.lot_units
        else:
            held_units = account.balance("BTC").total_units - 20 * 10**12
        assert desk.positions.size_units(instrument.book) == held_units
        assert not venue.venue.open_orders(account)
        assert sum(order.filled_lots for order in orders) > 0
        assert not desk.decoder.refused


@BOTH_VENUES
@on_uvloop
async def test_a_late_fill_that_a_mute_private_stream_does_not_tell_is_found(instrument, monkeypatch):
    """The connections live and answer pings; what happens to orders is told on none of them."""
    monkeypatch.setattr(ended_orders, "_DOUBT_NS", 300 * MS)
    monkeypatch.setattr(ended_orders, "_PROOF_NS", 100 * MS)
    names = ("binance", "binanceusdm")
    async with Exchange(accounts={n: Account(KEY, SECRET) for n in names}) as exchange:
        desk = Desk(exchange, instrument, Random(1), Timing())
        venue = exchange[instrument.exchange]
        for channel in ("executionReport", "ORDER_TRADE_UPDATE"):
            venue.faults.add(Fault(fault="drop", channel=channel, every=1))
        venue.faults.add(Fault(fault="late_fill", delay_ms=Delay("fixed", 1)))
        running = asyncio.create_task(desk.line.run())
        await desk.until(lambda: desk.line.is_up)
        order = desk.place(Side.BUY, (100_000 - 5) * instrument.price_step_ticks, 20, TimeInForce.GTC)
        assert order is not None
        await until(lambda: order.state is OrderState.OPEN)
        desk.executor.cancel(order, time.time_ns(), "a test")

        def is_found() -> bool:
            desk.executor.on_timer(time.time_ns())
            return order.filled_lots > 0 and order.state.is_final

        await until(is_found)
        assert desk.breaks == 0
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        (placed,) = venue.venue.orders(venue.venue.accounts[-1], instrument.venue_symbol)
        assert order.filled_lots == placed.filled_lots == 20
        assert desk.positions.size_units(instrument.book) > 0
