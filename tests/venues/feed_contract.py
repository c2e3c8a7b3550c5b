"""What every feed keeps, whatever its venue speaks. A new venue's suite is a subclass of `FeedContract` with its id.

Everything comes from where a session has it: rules and feed from the table of exchanges, decoders by wire, books from
`MarketData`. The venue is its simulated server over real sockets, with a network between that can go bad.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from graphwiz_trader.hft.decoders import DECODERS
from graphwiz_trader.hft.events import RecordKind, Side, TimeInForce, Trust
from graphwiz_trader.hft.instruments import Instrument, Instruments
from graphwiz_trader.hft.market_data import MarketData
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.hft.records import TrustChange
from graphwiz_trader.venues.base import Endpoints, Feed
from graphwiz_trader.venues.connection import Timing
from graphwiz_trader.venues.exchanges import exchange_of, load_instruments
from graphwiz_trader.venues.simulated import SimulatedExchange
from graphwiz_trader.venues.simulated.dialect import ServedVenue
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.matching import MatchingEngine
from venues.frame_relay import FrameRelay, untouched
from venues.harness import PATIENCE_S, Unhurried, Watched, on_uvloop

TIMING = Timing(ping_s=0.2, pong_s=0.2, overlap_s=0.1)
_MIDDLE, _LEVELS = 30_000, 20
"""In steps of price."""

Levels = list[tuple[int, int]]
"""(price, size) in units of 10^-12, best first."""


class StirredMarket:
    """Two books of one exchange; `stir` changes both, far from their tops and near."""

    def __init__(self) -> None:
        self._venues: Mapping[str, ServedVenue] = {}
        self._stirred = 0

    def matcher(self, _exchange: str, _listing: Listing) -> MatchingEngine:
        return MatchingEngine()

    def open(self, venues: Mapping[str, ServedVenue], _now_ms: int) -> None:
        self._venues = venues
        for level in range(1, _LEVELS):
            self._quote(Side.BUY, _MIDDLE - level, 100)
            self._quote(Side.SELL, _MIDDLE + level, 100)

    def stir(self) -> None:
        self._stirred += 1
        self._quote(Side.BUY, _MIDDLE - _LEVELS - self._stirred % 50, 100 + self._stirred % 7)
        self._quote(Side.SELL if self._stirred % 2 else Side.BUY, _MIDDLE, 10)

    async def run(self, _clock_ms: Callable[[], int]) -> None:
        await asyncio.Event().wait()

    def _quote(self, side: Side, price_steps: int, size_steps: int) -> None:
        for served in self._venues.values():
            for book in served.venue.books.values():
                rules = book.listing.instrument
                price, size = price_steps * rules.price_step_ticks, size_steps * rules.size_step_lots
                served.venue.place_for_market(book, side, price, size, TimeInForce.GTC, 0)
            served.venue.publish(0)


class ContractSink(Watched):
    """Keeps what arrives, and books as a session does. ``snapshots_from`` is where a book's snapshot is asked for."""

    def __init__(self, instruments: Instruments, exchange: str, lines: int) -> None:
        super().__init__()
        self.books = OrderBookManager(instruments)
        self.frames: list[tuple[int, bytes, int]] = []
        self.lines: list[tuple[int, bool, str]] = []
        self.clocks: list[tuple[int, int, int]] = []
        self.asked: Counter[int] = Counter()
        self.trust: list[tuple[int, Trust]] = []
        self.snapshots_from: Callable[[int], None] = lambda _book: None
        decoder = DECODERS[exchange_of(exchange).wire]
        self.market_data = MarketData(
            self.books, [decoder(instruments, exchange) for _ in range(lines)], self, request_snapshot=self._ask
        )

    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        """As a journal."""
        if kind == RecordKind.TRUST:
            self.trust.append((source, msgspec.json.decode(payload, type=TrustChange).trust))

    def on_market_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        self.frames.append((line, frame, now_ns))
        self.market_data.on_frame(line, frame, now_ns)
        self.changed()

    def on_snapshot(self, book: int, body: bytes, now_ns: int) -> None:
        self.market_data.on_snapshot(book, body, now_ns)
        self.changed()

    def on_line(self, line: int, up: bool, reason: str, now_ns: int) -> None:
        self.lines.append((line, up, reason))
        self.market_data.on_line(line, up, now_ns)
        self.changed()

    def on_clock(self, line: int, offset_ns: int, error_ns: int, now_ns: int) -> None:
        self.clocks.append((line, offset_ns, error_ns))
        self.changed()

    def on_order_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        raise AssertionError("a feed brings no orders")

    def levels(self, book: int) -> tuple[Levels, Levels]:
        kept = self.books[book]
        tick, lot = kept.instrument.tick_units, kept.instrument.lot_units
        bids, asks = ([(t * tick, n * lot) for t, n in kept.levels(side)] for side in (Side.BUY, Side.SELL))
        return bids, asks

    def trusts(self, *books: int) -> bool:
        return all(self.books[book].is_trusted for book in books)

    def _ask(self, book: int) -> None:
        self.asked[book] += 1
        self.snapshots_from(book)


class Bench:
    """A venue, the network to it, and a feed that runs."""

    depth = 1_000
    """How many levels of a side are compared."""

    def __init__(self, served: ServedVenue, market: StirredMarket, relay: FrameRelay, sink: ContractSink) -> None:
        self.served = served
        self.market = market
        self.relay = relay
        self.sink = sink
        self.instruments = sink.books.instruments
        self.all = tuple(i.book for i in self.instruments)
        self.feed: Feed

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Keep the market moving until something is so."""
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():
                self.market.stir()
                await asyncio.sleep(0.005)

    async def until_trusted(self, *books: int) -> None:
        """Until these books, or all, are trusted and have been updated since."""
        wanted = books or self.all
        before = {book: self.sink.books[book].updates for book in wanted}
        await self.until(
            lambda: (
                self.sink.trusts(*wanted)
                and all(self.sink.books[book].updates > count + 2 for book, count in before.items())
            )
        )

    async def until_equal(self) -> None:
        """Until what is trusted is the venue's own, now that nobody moves it."""
        async with asyncio.timeout(PATIENCE_S):
            while not all(self._shown(i.book) == self.own_levels(i) for i in self.instruments):
                await asyncio.sleep(0.005)
        assert self.sink.trusts(*self.all)

    def own_levels(self, instrument: Instrument) -> tuple[Levels, Levels]:
        book = self.served.venue.books[self.name_of(instrument)]
        rules = book.listing.instrument
        bids, asks = (
            [(t * rules.tick_units, n * rules.lot_units) for t, n in book.matcher.levels(side, self.depth)]
            for side in (Side.BUY, Side.SELL)
        )
        return bids, asks

    def name_of(self, instrument: Instrument) -> str:
        """An instrument's name at the venue."""
        return instrument.venue_symbol

    def _shown(self, book: int) -> tuple[Levels, Levels]:
        bids, asks = self.sink.levels(book)
        return bids[: self.depth], asks[: self.depth]

    def is_data_of(self, book: int) -> Callable[[bytes], bool]:
        """Whether a frame is data of that book's symbol."""
        name = f'"{self.instruments[book].venue_symbol}"'.encode()
        return lambda frame: b'"data"' in frame and name in frame


class FeedContract:
    """The rules. A subclass says whose: ``exchange``, and two ``symbols`` that its simulated server lists.

    ``served``: the simulated server, where it is another than the exchange's own.
    """

    exchange: str
    symbols: tuple[str, str]
    served: str = ""
    bench_kind: type[Bench] = Bench

    def endpoints(self, rest: str, stream: str) -> Endpoints:
        return Endpoints(rest, stream, "")

    @asynccontextmanager
    async def bench(
        self,
        *,
        lines: Sequence[int] = (0,),
        spare: int | None = None,
        timing: Timing = TIMING,
        sink: Callable[[ContractSink], object] = lambda _sink: None,
    ) -> AsyncIterator[Bench]:
        market = StirredMarket()
        served = self.served or self.exchange
        simulated = SimulatedExchange([served], market, spot_depth_interval_ms=10)
        await simulated.start()
        urls = simulated.urls[served]
        endpoints = self.endpoints(urls.rest, urls.stream)
        try:
            instruments = await load_instruments({self.exchange: self.symbols}, {self.exchange: endpoints})
            async with FrameRelay(urls.stream) as relay:
                kept = ContractSink(instruments, self.exchange, len(lines) + (spare is not None))
                sink(kept)
                bench = self.bench_kind(simulated.venues[served], market, relay, kept)
                at = self.endpoints(urls.rest, relay.address)
                bench.feed = self.make_feed(instruments, at, lines, spare, kept, timing)
                kept.snapshots_from = bench.feed.request_snapshot
                running = asyncio.create_task(bench.feed.run())
                try:
                    yield bench
                finally:
                    running.cancel()
                    await asyncio.gather(running, return_exceptions=True)
        finally:
            await simulated.stop()

    def make_feed(
        self,
        instruments: Instruments,
        endpoints: Endpoints,
        lines: Sequence[int],
        spare: int | None,
        sink: ContractSink,
        timing: Timing,
    ) -> Feed:
        found = exchange_of(self.exchange)
        make: Any = found.feeds[found.wire]
        return make(  # type: ignore[no-any-return]
            instruments,
            self.exchange,
            endpoints=endpoints,
            lines=lines,
            spare=spare,
            sink=sink,
            timing=timing,
            random=Unhurried(),
        )

    # Books

    @on_uvloop
    async def test_every_book_is_trusted_and_becomes_the_exchange_s_own(self):
        async with self.bench() as b:
            await b.until_trusted()
            for _ in range(100):
                b.market.stir()
            await b.until_equal()
            assert len(b.sink.levels(0)[0]) >= _LEVELS
            assert {trust for _, trust in b.sink.trust} == {Trust.LIVE}

    @on_uvloop
    async def test_frames_are_handed_over_as_they_came_in_order_and_with_the_time(self):
        async with self.bench() as b:
            sent: list[bytes] = []

            def note(frame: bytes) -> Any:
                sent.append(frame)
                return untouched(frame)

            b.relay.meddle = note
            await b.until_trusted()
            await b.until(lambda: sum(b'"data"' in frame for _, frame, _ in b.sink.frames) > 10)
        sent = [frame for frame in sent if b'"data"' in frame]
        received = [frame for _, frame, _ in b.sink.frames if b'"data"' in frame]
        first = sent.index(received[0])
        assert received == sent[first : first + len(received)]
        times = [now_ns for _, _, now_ns in b.sink.frames]
        assert times == sorted(times)

    @on_uvloop
    async def test_what_one_symbol_loses_costs_no_other_and_is_made_good(self):
        async with self.bench() as b:
            await b.until_trusted()
            b.sink.trust.clear()
            asked = Counter(b.sink.asked)
            lost: list[bytes] = []
            concerns = b.is_data_of(0)

            def lose(frame: bytes) -> Any:
                if concerns(frame) and len(lost) < 100:
                    return lost.append(frame) or ()
                return untouched(frame)

            b.relay.meddle = lose
            await b.until(lambda: len(lost) == 100)
            await b.until_trusted()
            await b.until_equal()
            assert {book for book, _ in b.sink.trust} <= {0}
            assert b.sink.asked[0] > asked[0]
            assert b.sink.asked[1] == asked[1]
            assert b.relay.connections == 1

    @on_uvloop
    async def test_a_book_is_asked_for_by_whoever_knows_it_and_by_nobody_else(self):
        async with self.bench() as b:
            await b.until_trusted()
            for wrong in (2, -1):
                with pytest.raises(KeyError):
                    b.feed.request_snapshot(wrong)
            b.sink.trust.clear()
            b.feed.request_snapshot(0)
            b.feed.request_snapshot(0)
            await b.until_trusted()
            await b.until_equal()
            assert {book for book, _ in b.sink.trust} <= {0}

    # Lines

    @on_uvloop
    async def test_a_broken_line_takes_all_trust_at_once_and_it_comes_back(self):
        async with self.bench() as b:
            await b.until_trusted()
            assert b.feed.is_up
            b.sink.trust.clear()
            b.relay.drop_all()
            await b.until(lambda: len(b.sink.lines) >= 2)
            assert b.sink.trust[:2] == [(0, Trust.STALE), (1, Trust.STALE)]
            await b.until_trusted()
            await b.until_equal()
            assert [up for _, up, _ in b.sink.lines] == [True, False, True]

    @on_uvloop
    async def test_a_half_open_line_is_noticed_and_replaced(self):
        async with self.bench() as b:
            await b.until_trusted()
            b.relay.freeze()
            await b.until(lambda: len(b.sink.lines) == 3)
            await b.until_trusted()
            assert b.relay.connections == 2

    @on_uvloop
    async def test_stopping_reports_every_line_down_once(self):
        async with self.bench(lines=(0, 1)) as b:
            await b.until_trusted()
            await b.until(lambda: len(b.sink.lines) == 2)
        assert sorted(line for line, up, _ in b.sink.lines if not up) == [0, 1]
        assert not b.feed.is_up

    @on_uvloop
    async def test_the_loss_of_one_of_two_lines_costs_no_trust(self):
        async with self.bench(lines=(0, 1)) as b:
            await b.until_trusted()
            await b.until(lambda: {line for line, _, _ in b.sink.frames} == {0, 1})
            await b.until_trusted()
            b.sink.trust.clear()
            b.relay.pairs[0].drop()
            await b.until(lambda: len(b.sink.lines) == 4)
            await b.until_trusted()
            await b.until_equal()
            assert b.sink.trust == []

    @on_uvloop
    async def test_an_old_line_is_replaced_by_a_new_one_first_and_no_trust_is_lost(self):
        async with self.bench(spare=1, timing=TIMING._replace(lifetime_s=1.0)) as b:
            await b.until_trusted()
            b.sink.trust.clear()
            await b.until(lambda: len(b.sink.lines) >= 5)
            assert [(line, up) for line, up, _ in b.sink.lines[:5]] == [
                (0, True), (1, True), (0, False), (0, True), (1, False),
            ]  # fmt: skip
            await b.until_trusted()
            assert b.sink.trust == []

    @on_uvloop
    async def test_a_failure_is_told_in_words_and_the_next_attempt_waits(self):
        async with self.bench() as b:
            await b.until_trusted()
            assert b.feed.last_failure == ""
            b.relay.drop_all()
            await b.until(lambda: b.feed.last_failure != "")

    @on_uvloop
    async def test_the_exchange_s_clock_is_measured_against_ours(self):
        async with self.bench() as b:
            await b.until(lambda: bool(b.sink.clocks))
        line, offset_ns, error_ns = b.sink.clocks[0]
        assert line == 0
        assert abs(offset_ns) <= error_ns < 1e9

    # Symbols, while it runs

    @on_uvloop
    async def test_a_symbol_can_be_left_and_taken_up_again(self):
        async with self.bench() as b:
            await b.until_trusted()
            b.feed.unsubscribe(1)
            concerns = b.is_data_of(1)
            quiet = 0
            while quiet < 20:
                heard = len(b.sink.frames)
                await b.until(lambda heard=heard: len(b.sink.frames) > heard)
                quiet = 0 if any(concerns(frame) for _, frame, _ in b.sink.frames[heard:]) else quiet + 1
            assert b.sink.trusts(0)
            b.feed.subscribe(1)
            await b.until_trusted()
            await b.until_equal()

    # Whose fault it is

    @pytest.mark.parametrize("where", ["on_market_frame", "on_line"])
    @on_uvloop
    async def test_what_the_sink_raises_ends_the_feed_with_it(self, where):
        class JournalFullError(Exception):
            pass

        def refuse(*_: object) -> None:
            raise JournalFullError

        async with self.bench() as b:
            broken = ContractSink(b.instruments, self.exchange, 1)
            setattr(broken, where, refuse)
            urls = b.served.urls
            at = self.endpoints(urls.rest, urls.stream)
            feed = self.make_feed(b.instruments, at, (0,), None, broken, TIMING)
            running = asyncio.create_task(feed.run())
            await b.until(running.done)
            with pytest.raises(JournalFullError):
                running.result()
