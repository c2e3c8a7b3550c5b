"""What every feed keeps when it does not read: for real, until buffers are full on both sides of the socket.

A venue keeps a bounded backlog for a reader and then drops him; what he finds when he reads on is old. In every case
no wrong book is trusted, nor one that lags by more than its age may be, and trust is back within the bound.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from threading import Event, Thread
from time import sleep, time_ns
from typing import Any

import pytest
import uvloop
from picows import ws_connect

from graphwiz_trader.hft.events import Trust
from graphwiz_trader.hft.kernels.layout import UNKNOWN
from graphwiz_trader.venues import connection
from graphwiz_trader.venues.simulated import connection as simulated_connection
from venues import grounds
from venues.fault_bench import CheckedSink, FaultGround, MovingMarket
from venues.feed_bench import TIMING, Bench
from venues.grounds import quick_books, short_waits
from venues.harness import on_uvloop

__all__ = ["quick_books", "short_waits"]

pytestmark = pytest.mark.slow

MOST_AGE_MS = 500
NO_PINGS = TIMING._replace(ping_s=60.0)
BACKLOG_BYTES = 64 << 10
_BUFFER_BYTES = 16 << 10
_BLOCKED_S = 3 * (TIMING.ping_s + TIMING.pong_s)


class PunctualSink(CheckedSink):
    """A trusted book that lags is as wrong as another. Here the venue's clock is ours."""

    max_book_age_ms = MOST_AGE_MS

    def on_market_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        super().on_market_frame(line, frame, now_ns)
        for book in self.books:
            if book.is_trusted and book.received_ns == now_ns and now_ns - book.exchange_time_ns > self.most_age_ns:
                self.wrong.append(f"{book.instrument.symbol} is shown as it was long ago")

    @property
    def most_age_ns(self) -> int:
        """As far as the venue's clock is known."""
        return MOST_AGE_MS * 1_000_000 + 2 * max((error_ns for _, _, error_ns in self.clocks), default=UNKNOWN)


class OwnSockets:
    """The feed's side of its connections."""

    def __init__(self) -> None:
        self._opened: list[asyncio.Transport] = []

    async def connect(self, *arguments: Any, **options: Any) -> Any:
        transport, listener = await ws_connect(*arguments, **options)
        opened = transport.underlying_transport
        _shrink(opened.get_extra_info("socket"))
        self._opened.append(opened)
        return transport, listener

    def stop_reading(self) -> None:
        for opened in self._opened:
            opened.pause_reading()

    def read_on(self) -> None:
        for opened in self._opened:
            if not opened.is_closing():
                opened.resume_reading()


def _shrink(*sockets: Any) -> None:
    """Make their buffers small, and those of what they accept: they are full soon."""
    for each in sockets:
        for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            each.setsockopt(socket.SOL_SOCKET, buffer, _BUFFER_BYTES)


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> OwnSockets:
    sockets = OwnSockets()
    monkeypatch.setattr(connection, "ws_connect", sockets.connect)
    return sockets


class TorrentialMarket(MovingMarket):
    """Fills buffers, while it lasts."""

    times = 10

    def stir(self) -> None:
        for _ in range(self.times):
            super().stir()


class OwnLoop:
    """An event loop in a thread of its own, for a feed whose process has other things to do."""

    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()

    async def run(self, bench: Bench) -> None:
        """The feed, until cancelled."""
        running = self._loop.create_task(bench.feed.run())
        bench.where_it_runs = self._loop.call_soon_threadsafe
        thread = Thread(target=self._loop.run_until_complete, args=(asyncio.gather(running, return_exceptions=True),))
        thread.start()
        try:
            await asyncio.Event().wait()
        finally:
            self._loop.call_soon_threadsafe(running.cancel)
            await asyncio.to_thread(thread.join)
            self._loop.close()

    def block(self, for_s: float) -> Callable[[], bool]:
        """The loop does nothing for so long. Answers whether that is over."""
        is_over = Event()
        self._loop.call_soon_threadsafe(sleep, for_s)
        self._loop.call_soon_threadsafe(is_over.set)
        return is_over.is_set


class SlowReaders(FaultGround):
    sink_kind = PunctualSink

    @on_uvloop
    async def test_a_reader_that_stops_until_the_venue_drops_him(self, own, monkeypatch):
        monkeypatch.setattr(simulated_connection, "MAX_BACKLOG_BYTES", BACKLOG_BYTES)
        async with self.matrix(timing=NO_PINGS, market=TorrentialMarket) as b:
            await b.until_trusted()
            _shrink(*b.relay.sockets, *b.served.front._server.sockets)
            b.relay.drop_all()  # what is accepted from now on has small buffers
            await b.until(lambda: b.relay.connections == 2)
            await b.until_trusted()
            _shrink(b.relay.pairs[1].venue_socket)
            (held,) = b.served.front.connections
            asked, most_bytes = b.snapshots_asked, 0
            own.stop_reading()

            def is_dropped() -> bool:
                nonlocal most_bytes
                most_bytes = max(most_bytes, held.backlog_bytes)
                return not held.is_open

            await b.until(is_dropped)
            assert 0 < most_bytes <= 4 * BACKLOG_BYTES
            b.market.times = 1
            own.read_on()
            await b.until(lambda: b.relay.connections == 3)
            await b.until_trusted_within()
            assert b.relay.connections == 3
            assert b.snapshots_asked - asked <= len(b.all)

    @on_uvloop
    async def test_a_reader_that_stops_and_is_kept_finds_old_books_and_trusts_none_until_he_has_caught_up(self, own):
        async with self.matrix(timing=NO_PINGS) as b:
            assert isinstance(b.sink, PunctualSink)
            await b.until(lambda: bool(b.sink.clocks))
            await b.until_trusted()
            b.sink.trust.clear()
            asked = b.snapshots_asked
            own.stop_reading()
            stopped_ns = time_ns()
            await b.until(lambda: time_ns() - stopped_ns > 2 * b.sink.most_age_ns)
            own.read_on()
            await b.until(lambda: {(book, Trust.STALE) for book in b.all} <= set(b.sink.trust))
            await b.until_trusted_within()
            assert b.snapshots_asked == asked
            assert b.relay.connections == 1

    @on_uvloop
    async def test_a_reader_that_stops_and_reads_no_pongs_either_begins_anew(self, own):
        async with self.matrix() as b:
            await b.until_trusted()
            asked, since = b.snapshots_asked, len(b.sink.trust)
            own.stop_reading()
            await b.until(lambda: len(b.sink.lines) >= 2)
            assert {book for book, trust in b.sink.trust[since:] if trust is Trust.STALE} == set(b.all)
            await b.until_trusted_within()
            assert b.relay.connections <= 8
            assert b.snapshots_asked - asked <= (b.relay.connections - 1) * len(b.all)

    @on_uvloop
    async def test_a_reader_whose_loop_is_blocked_for_longer_than_ping_and_pong(self):
        reader = OwnLoop()
        self.run_feed = reader.run
        async with self.matrix() as b:
            await b.until(lambda: bool(b.sink.clocks))
            await b.until_trusted()
            asked = b.snapshots_asked
            for _ in range(2):
                await b.until(reader.block(_BLOCKED_S))
                await b.until_trusted_within()
            assert b.relay.connections <= 8
            assert b.snapshots_asked - asked <= (b.relay.connections - 1) * len(b.all)

    @on_uvloop
    async def test_the_measure_notices_a_book_that_lags(self):
        async with self.matrix(timing=NO_PINGS) as b:
            assert isinstance(b.sink, PunctualSink)
            await b.until(lambda: bool(b.sink.clocks))
            await b.until_trusted()
            b.sink.books.records["late_ns"] = UNKNOWN
            delay_s = 2 * b.sink.most_age_ns / 1e9
            b.relay.meddle = lambda frame: ((delay_s, frame),)
            await b.until(lambda: any("long ago" in words for words in b.sink.wrong))
            b.sink.wrong.clear()
            b.relay.meddle = lambda _frame: ()


class TestSpot(grounds.Spot, SlowReaders):
    pass


class TestBinarySpot(grounds.BinarySpot, SlowReaders):
    """By SBE."""


class TestUsdm(grounds.Usdm, SlowReaders):
    pass


class TestCoinm(grounds.Coinm, SlowReaders):
    pass


class TestOkx(grounds.Okx, SlowReaders):
    pass
