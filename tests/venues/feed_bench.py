"""A feed on the bench: an exchange's feed, its simulated server over real sockets, and a network that can go bad.

Everything comes from where a session has it: rules and feed from the table of exchanges, decoders by wire, books from
`MarketData`. A suite of rules is a subclass of `FeedOnBench`; a new venue's suite is a subclass of that with its id.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from random import Random
from time import time_ns
from typing import Any

from graphwiz_trader.hft.decoders import DECODERS
from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.hft.instruments import Instrument, Instruments
from graphwiz_trader.venues.base import ApiKey, Endpoints, Feed
from graphwiz_trader.venues.connection import Timing
from graphwiz_trader.venues.exchanges import exchange_of, load_instruments
from graphwiz_trader.venues.simulated import Credentials, SimulatedExchange
from graphwiz_trader.venues.simulated.dialect import ServedVenue
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.matching import MatchingEngine
from graphwiz_trader.venues.simulated.venue_book import VenueBook
from patience import PATIENCE_S
from venues.frame_relay import FrameRelay
from venues.harness import Unhurried
from venues.sinks import MarketSink

TIMING = Timing(ping_s=0.2, pong_s=0.2, overlap_s=0.1)
MIDDLE, LEVELS = 30_000, 20
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
        for book in self.books():
            for level in range(1, LEVELS):
                self.quote(book, Side.BUY, MIDDLE - level, 100)
                self.quote(book, Side.SELL, MIDDLE + level, 100)

    def books(self) -> list[VenueBook]:
        return [book for served in self._venues.values() for book in served.venue.books.values()]

    def stir(self) -> None:
        self._stirred += 1
        for book in self.books():
            self.quote(book, Side.BUY, MIDDLE - LEVELS - self._stirred % 50, 100 + self._stirred % 7)
            self.quote(book, Side.SELL if self._stirred % 2 else Side.BUY, MIDDLE, 10)

    async def run(self, _clock_ms: Callable[[], int]) -> None:
        await asyncio.Event().wait()

    def quote(self, book: VenueBook, side: Side, price_steps: int, size_steps: int) -> None:
        """Somebody's limit order."""
        rules = book.listing.instrument
        price, size = price_steps * rules.price_step_ticks, size_steps * rules.size_step_lots
        for served in self._venues.values():
            if book in served.venue.books.values():
                now_ms = time_ns() // 1_000_000
                served.venue.place_for_market(book, side, price, size, TimeInForce.GTC, now_ms)
                served.venue.publish(now_ms)


class BenchSink(MarketSink):
    """One exchange's, over so many lines that all speak ``wire``."""

    def __init__(self, instruments: Instruments, exchange: str, wire: str, lines: int) -> None:
        super().__init__(instruments, [DECODERS[wire](instruments, exchange) for _ in range(lines)])

    def levels(self, book: int) -> tuple[Levels, Levels]:
        kept = self.books[book]
        tick, lot = kept.instrument.tick_units, kept.instrument.lot_units
        bids, asks = ([(t * tick, n * lot) for t, n in kept.levels(side)] for side in (Side.BUY, Side.SELL))
        return bids, asks


class Bench:
    """A venue, the network to it, and a feed that runs."""

    depth = 1_000
    """How many levels of a side are compared."""

    def __init__(self, served: ServedVenue, market: StirredMarket, relay: FrameRelay, sink: BenchSink) -> None:
        self.served = served
        self.market = market
        self.relay = relay
        self.sink = sink
        self.instruments = sink.books.instruments
        self.all = tuple(i.book for i in self.instruments)
        self.feed: Feed
        self.where_it_runs: Callable[..., Any] = lambda call, *arguments: call(*arguments)
        """Calls something where the feed runs."""

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Keep the market moving, and time passing, until something is so."""
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():
                self.market.stir()
                self.where_it_runs(self.sink.market_data.on_timer, time_ns())
                await asyncio.sleep(0.005)

    async def until_trusted(self, *books: int) -> None:
        """Until these books, or all, are trusted, and updates have come since: in the next a loss shows itself.

        A best bid and offer shows none: whoever stops moving the market then may stop it while a book waits for more.
        """
        kept = [self.sink.books[book] for book in books or self.all]
        before = [(book, book.updates, book.received_ns) for book in kept]
        await self.until(
            lambda: all(
                book.is_trusted and book.updates > updates + 2 and book.received_ns > received_ns
                for book, updates, received_ns in before
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
        name = self.instruments[book].venue_symbol.encode()
        quoted, at_the_end = b'"%b"' % name, bytes((len(name),)) + name
        return lambda frame: self.is_data(frame) and (quoted in frame or frame.endswith(at_the_end))

    def is_data(self, frame: bytes) -> bool:
        """Whether a frame is data at all: JSON in an envelope, or binary."""
        return b'"data"' in frame or b"\0" in frame


class FeedOnBench:
    """What a suite of rules stands on. ``exchange`` says whose, with two ``symbols`` that its simulated server lists.

    ``wire``: what is spoken, where it is not what the exchange's feed speaks by itself. ``served``: the simulated
    server, where it is another than the exchange's own. ``account``: whose key the streams ask for, where they do.
    """

    exchange: str
    symbols: tuple[str, str]
    wire: str = ""
    served: str = ""
    account: Credentials | None = None
    bench_kind: type[Bench] = Bench
    sink_kind: type[BenchSink] = BenchSink
    market_kind: Callable[[], StirredMarket] = StirredMarket

    def endpoints(self, rest: str, stream: str) -> Endpoints:
        return Endpoints(rest, stream, "")

    @asynccontextmanager
    async def bench(
        self,
        *,
        lines: Sequence[int] = (0,),
        spare: int | None = None,
        timing: Timing = TIMING,
        random: Random | None = None,
        is_mute: bool = False,
    ) -> AsyncIterator[Bench]:
        """``is_mute``: at first the venue accepts connections and says nothing over them."""
        market = self.market_kind()
        served = self.served or self.exchange
        accounts = {served: self.account} if self.account is not None else None
        simulated = SimulatedExchange([served], market, spot_depth_interval_ms=10, accounts=accounts)
        await simulated.start()
        urls = simulated.urls[served]
        endpoints = self.endpoints(urls.rest, urls.stream)
        try:
            instruments = await load_instruments({self.exchange: self.symbols}, {self.exchange: endpoints})
            async with FrameRelay(urls.stream) as relay:
                relay.is_mute = is_mute
                wire = self.wire or exchange_of(self.exchange).wire
                kept = self.sink_kind(instruments, self.exchange, wire, len(lines) + (spare is not None))
                bench = self.bench_kind(simulated.venues[served], market, relay, kept)
                at = self.endpoints(urls.rest, relay.address)
                bench.feed = self.make_feed(instruments, at, lines, spare, kept, timing, random)
                kept.request_snapshot = bench.feed.request_snapshot
                running = asyncio.create_task(self.run_feed(bench))
                try:
                    yield bench
                finally:
                    running.cancel()
                    await asyncio.gather(running, return_exceptions=True)
        finally:
            await simulated.stop()

    async def run_feed(self, bench: Bench) -> None:
        """Until cancelled."""
        await bench.feed.run()

    def make_feed(
        self,
        instruments: Instruments,
        endpoints: Endpoints,
        lines: Sequence[int],
        spare: int | None,
        sink: BenchSink,
        timing: Timing = TIMING,
        random: Random | None = None,
    ) -> Feed:
        found = exchange_of(self.exchange)
        make: Any = found.feeds[self.wire or found.wire]
        return make(  # type: ignore[no-any-return]
            instruments,
            self.exchange,
            endpoints=endpoints,
            lines=lines,
            spare=spare,
            sink=sink,
            timing=timing,
            random=random or Unhurried(),
            api_key=ApiKey(self.account.key) if self.account is not None else None,
        )
