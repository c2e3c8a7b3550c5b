"""The feed over real sockets: books equal the exchange's own, whatever the network does to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import time_ns

import pytest

from graphwiz_trader.hft.events import Side, Trust
from graphwiz_trader.hft.instruments import Instrument
from graphwiz_trader.venues.base import Endpoints
from graphwiz_trader.venues.binance.feed import FEED_TIMING, BinanceFeed
from graphwiz_trader.venues.connection import Timing
from graphwiz_trader.venues.rest import RestClient
from patience import PATIENCE_S
from venues.harness import (
    BTC,
    ETH,
    INSTRUMENTS,
    PERP,
    Exchange,
    Relay,
    RestVenue,
    Unhurried,
    on_uvloop,
)
from venues.sinks import Sink

QUICK = FEED_TIMING._replace(ping_s=0.1, pong_s=0.1)
BOTH = pytest.mark.parametrize("instrument", [BTC, PERP], ids=["spot", "usdm"])


class Feeding:
    """An exchange, a sink, and a feed between them for one instrument's exchange."""

    def __init__(self, exchange: Exchange, sink: Sink, feed: BinanceFeed, instrument: Instrument) -> None:
        self.exchange = exchange
        self.sink = sink
        self.feed = feed
        self.instrument = instrument
        self.venue = exchange[instrument.exchange]

    def move(self, size_lots: int = 7) -> None:
        """Somebody quotes: the book changes far from its top."""
        self.exchange.market.quote(self.instrument, Side.BUY, 50_000 * self.instrument.price_step_ticks, size_lots)

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Keep the market moving until something is so."""
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():
                self.move()
                await asyncio.sleep(0.005)

    async def until_equal(self) -> None:
        """Until the trader trusts its book and it is the exchange's own."""
        await self.until(
            lambda: (
                self.sink.trusts(self.instrument.book)
                and self.sink.levels(self.instrument) == self.exchange.levels(self.instrument)
            )
        )


@asynccontextmanager
async def feeding(
    exchange: Exchange, instrument: Instrument, *, timing: Timing = QUICK, endpoints: Endpoints | None = None
) -> AsyncIterator[Feeding]:
    sink = Sink()
    feed = BinanceFeed(
        INSTRUMENTS,
        instrument.exchange,
        endpoints=endpoints or exchange.endpoints(instrument.exchange),
        lines=(("binance", "binanceusdm").index(instrument.exchange),),
        sink=sink,
        timing=timing,
        random=Unhurried(),
    )
    sink.request_snapshot = feed.request_snapshot
    running = asyncio.create_task(feed.run())
    try:
        yield Feeding(exchange, sink, feed, instrument)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@BOTH
@on_uvloop
async def test_snapshot_and_updates_give_a_trusted_book_equal_to_the_exchange_s_own(instrument):
    async with Exchange() as exchange, feeding(exchange, instrument) as f:
        await f.until_equal()
        assert f.sink.asked[instrument.book] == 1
        for lots in range(1, 200):
            f.exchange.market.quote(instrument, Side.SELL, (100_005 + lots) * instrument.price_step_ticks, lots)
        await f.until_equal()
        assert f.sink.asked[instrument.book] == 1
        assert f.sink.levels(instrument)[1][0] == (100_006 * instrument.price_step_ticks, 1)


@on_uvloop
async def test_every_symbol_of_the_exchange_comes_over_the_one_line():
    async with Exchange() as exchange, feeding(exchange, BTC) as f:

        def both_are_trusted() -> bool:
            exchange.market.quote(ETH, Side.BUY, 90_000, 5)
            return f.sink.trusts(ETH.book) and f.sink.trusts(BTC.book)

        await f.until(both_are_trusted)
        assert {line for line, _, _ in f.sink.frames} == {0}
        assert not f.sink.trusts(PERP.book)


@BOTH
@on_uvloop
async def test_frames_are_handed_over_as_they_came(instrument):
    async with Exchange() as exchange, feeding(exchange, instrument) as f:
        await f.until_equal()
        assert all(frame.startswith(b'{"stream":"btcusdt@') for _, frame, _ in f.sink.frames)
        assert any(b'"e":"depthUpdate"' in frame for _, frame, _ in f.sink.frames)


@BOTH
@on_uvloop
async def test_a_gap_takes_the_trust_and_the_book_recovers(instrument):
    async with Exchange() as exchange, feeding(exchange, instrument) as f:
        await f.until_equal()
        f.venue.faults.drop_depth(instrument.venue_symbol, 1)
        await f.until(lambda: f.sink.asked[instrument.book] == 2)
        await f.until_equal()
        assert len(f.sink.snapshots) == f.sink.asked[instrument.book]


@BOTH
@pytest.mark.parametrize("status", [500, 503, 404])
@on_uvloop
async def test_a_snapshot_that_fails_is_asked_for_again_and_no_oftener(instrument, status):
    exchange = Exchange()
    exchange[instrument.exchange].faults.fail_snapshot(status, 3)
    async with exchange, feeding(exchange, instrument) as f:
        await f.until_equal()
        assert f.sink.asked[instrument.book] == 1
        assert all(armed.is_spent for armed in f.venue.faults.armed)
        assert [book for book, _ in f.sink.snapshots].count(instrument.book) == 1


@BOTH
@on_uvloop
async def test_a_lost_connection_takes_all_trust_at_once_and_gives_it_back(instrument):
    async with Exchange() as exchange, feeding(exchange, instrument) as f:
        await f.until_equal()
        f.venue.disconnect_all()
        await f.sink.until(lambda: len(f.sink.lines) == 2)
        assert f.sink.books[instrument.book].trust is Trust.STALE
        await f.until_equal()
        line = f.sink.lines[0][0]
        assert f.sink.lines == [
            (line, True, "connected"),
            (line, False, "the connection was lost"),
            (line, True, "connected"),
        ]


@BOTH
@on_uvloop
async def test_a_half_open_connection_is_noticed_and_replaced(instrument):
    async with Exchange() as exchange, Relay(exchange.endpoints(instrument.exchange).stream) as relay:
        direct = exchange.endpoints(instrument.exchange)
        through = Endpoints(direct.rest, relay.reroute(direct.stream), direct.orders)
        async with feeding(exchange, instrument, endpoints=through) as f:
            await f.until_equal()
            relay.freeze()
            await f.sink.until(lambda: len(f.sink.lines) == 3)
            await f.until_equal()
            assert [up for _, up, _ in f.sink.lines] == [True, False, True]
            assert relay.connections == 2


@on_uvloop
async def test_a_venue_that_accepts_and_says_nothing_is_tried_again():
    timing = QUICK._replace(silence_s=0.15)
    async with Exchange() as exchange, feeding(exchange, BTC, timing=timing) as f:
        await f.sink.until(lambda: len(f.sink.lines) >= 3)
        assert f.sink.lines[1] == (0, False, "silent for 0.15 s")


@on_uvloop
async def test_a_snapshot_under_way_when_the_line_breaks_is_not_delivered():
    """It would be of a time before the gap."""
    async with Exchange() as exchange, feeding(exchange, BTC) as f:
        await f.until_equal()
        f.feed.request_snapshot(BTC.book)
        f.venue.disconnect_all()
        await f.sink.until(lambda: len(f.sink.lines) == 2)
        delivered = len(f.sink.snapshots)
        await f.sink.until(lambda: len(f.sink.lines) == 3)
        assert len(f.sink.snapshots) == delivered


@on_uvloop
async def test_nothing_is_asked_for_before_the_line_is_up_nor_while_it_is_down():
    async with Exchange() as exchange, RestVenue() as rest:
        direct = exchange.endpoints("binance")
        async with Relay(direct.stream) as relay:
            through = Endpoints(rest.endpoint, relay.reroute(direct.stream), direct.orders)
            async with feeding(exchange, BTC, endpoints=through) as f:
                f.feed.request_snapshot(BTC.book)
                await f.sink.until(lambda: f.feed.is_up)
                await relay.close_all()
                await f.sink.until(lambda: not f.feed.is_up)
                f.feed.request_snapshot(BTC.book)
                async with RestClient(rest.endpoint) as client:
                    await client.get("/marker", {})
        assert [path for path in rest.asked if not path.startswith("/api/v3/time")] == ["/marker"]


@on_uvloop
async def test_stopping_reports_the_line_down_once():
    async with Exchange() as exchange, feeding(exchange, BTC) as f:
        await f.until_equal()
    assert [line for line in f.sink.lines if not line[1]] == [(0, False, "stopped")]
    assert not f.feed.is_up


@pytest.mark.parametrize("where", ["on_market_frame", "on_snapshot", "on_line"])
@on_uvloop
async def test_what_the_sink_raises_ends_the_feed_with_it(where):
    class JournalFullError(Exception):
        pass

    def refuse(*_: object) -> None:
        raise JournalFullError

    async with Exchange(["binance"]) as exchange:
        sink = Sink()
        setattr(sink, where, refuse)
        feed = BinanceFeed(INSTRUMENTS, "binance", endpoints=exchange.endpoints("binance"), lines=(0,), sink=sink)
        sink.request_snapshot = feed.request_snapshot
        running = asyncio.create_task(feed.run())
        async with asyncio.timeout(PATIENCE_S):
            while not running.done():
                exchange.market.quote(BTC, Side.BUY, 50_000, 3)
                await asyncio.sleep(0.005)
        with pytest.raises(JournalFullError):
            running.result()


@on_uvloop
async def test_a_failure_is_shown_by_name():
    async with Exchange(["binance"]) as exchange:
        gone = exchange.endpoints("binance")
    feed = BinanceFeed(INSTRUMENTS, "binance", endpoints=gone, lines=(0,), sink=Sink(), random=Unhurried())
    assert feed.last_failure == ""
    running = asyncio.create_task(feed.run())
    async with asyncio.timeout(PATIENCE_S):
        while not feed.last_failure:
            await asyncio.sleep(0)
    assert "ConnectionRefusedError" in feed.last_failure
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@BOTH
@on_uvloop
async def test_the_venues_clock_is_measured_against_ours(instrument: Instrument) -> None:
    ahead_ms = 1_270
    async with (
        Exchange(clock_ms=lambda: time_ns() // 1_000_000 + ahead_ms) as exchange,
        feeding(exchange, instrument) as f,
    ):
        await f.until(lambda: bool(f.sink.clocks))
    line, offset_ns, error_ns = f.sink.clocks[0]
    assert line == ("binance", "binanceusdm").index(instrument.exchange)
    assert abs(offset_ns - ahead_ms * 1_000_000) <= error_ns < 1e9
