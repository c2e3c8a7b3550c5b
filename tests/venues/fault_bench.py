"""A bench for faults: every trusted book is held against the venue's own after whatever comes; requests are counted."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from random import Random
from typing import Any

from graphwiz_trader.hft.events import Side
from graphwiz_trader.hft.instruments import Instrument
from graphwiz_trader.venues.simulated.binance.parameters import Parameters
from graphwiz_trader.venues.simulated.binance.server import BinanceVenue
from graphwiz_trader.venues.simulated.dialect import ServedVenue
from graphwiz_trader.venues.simulated.http_messages import Answer, HttpRequest
from graphwiz_trader.venues.simulated.matching import LevelChange
from graphwiz_trader.venues.simulated.okx.server import OkxVenue
from graphwiz_trader.venues.simulated.orders import PublicTrade
from graphwiz_trader.venues.simulated.venue_book import VenueBook
from venues.feed_bench import MIDDLE, Bench, BenchSink, FeedOnBench, Levels, StirredMarket
from venues.frame_relay import FrameRelay, untouched

BOUND_S = 15.0
"""Of the time between a fault's end and trust in every book; a machine with nothing else to do takes half a second."""
SOME_FRAMES = 13
"""So many after a connection's beginning every book has had its first updates."""

State = tuple[Levels, Levels]
"""Bids and asks."""


class MovingMarket(StirredMarket):
    """Every book moves by a seed, somewhere near its top."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = Random(seed)

    def stir(self) -> None:
        for book in self.books():
            side = self._random.choice((Side.BUY, Side.SELL))
            self.quote(book, side, MIDDLE + self._random.randint(-15, 15), self._random.randint(1, 50))


class Truth:
    """What each book of a venue was at each of its numbers, from where its orders meet."""

    def __init__(self, served: ServedVenue, number_of: Callable[[VenueBook], int]) -> None:
        self._number_of = number_of
        self._states: dict[str, dict[int, State]] = {symbol: {} for symbol in served.venue.books}
        for book in served.venue.books.values():
            self.book_changed(book, (), 0)
        served.venue.market_listeners.insert(0, self)

    def traded(self, trade: PublicTrade) -> None:
        """A trade is no state of a book."""

    def book_changed(self, book: VenueBook, _changes: Sequence[LevelChange], _now_ms: int) -> None:
        rules = book.listing.instrument
        bids, asks = (
            [(t * rules.tick_units, n * rules.lot_units) for t, n in book.matcher.levels(side, 1_000)]
            for side in (Side.BUY, Side.SELL)
        )
        self._states[book.listing.symbol][self._number_of(book)] = (bids, asks)

    def of(self, instrument: Instrument, number: int) -> State | None:
        """None when the book never had that number."""
        return self._states[instrument.venue_symbol].get(number)


class CheckedSink(BenchSink):
    """Looks at every trusted book after whatever has come. What was wrong is kept in ``wrong``."""

    truth: Truth

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.wrong: list[str] = []
        self.snapshots = 0
        self.moved: list[tuple[int, ...]] = []
        """How often each book had been updated, after each frame."""
        self._seen: dict[int, tuple[int, int]] = {}

    def on_market_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        super().on_market_frame(line, frame, now_ns)
        self.moved.append(tuple(book.updates for book in self.books))

    def on_snapshot(self, book: int, body: bytes, now_ns: int) -> None:
        self.snapshots += 1
        super().on_snapshot(book, body, now_ns)

    def changed(self) -> None:
        for instrument in self.books.instruments:
            self._look(instrument)
        super().changed()

    def _look(self, instrument: Instrument) -> None:
        book = self.books[instrument.book]
        now = (book.last_update_id, book.updates)
        if not book.is_trusted or self._seen.get(instrument.book) == now:
            return
        self._seen[instrument.book] = now
        if self.levels(instrument.book) != self.truth.of(instrument, book.last_update_id):
            self.wrong.append(f"{instrument.symbol} is not what the venue had at {book.last_update_id}")
        number = max(book.last_update_id, int(self.books.records[instrument.book]["bbo_id"]))
        bids, asks = self.truth.of(instrument, number) or ([], [])
        tick, lot = instrument.tick_units, instrument.lot_units
        top = [(level[0] * tick, level[1] * lot) if level else None for level in (book.best_bid, book.best_ask)]
        if top != [(side[0] if side else None) for side in (bids, asks)]:
            self.wrong.append(f"the top of {instrument.symbol} is not what the venue had at {number}")


class FaultBench(Bench):
    """A feed between a moving market and whatever goes wrong. A subclass says how its venue counts."""

    sink: CheckedSink

    def __init__(self, served: ServedVenue, market: StirredMarket, relay: FrameRelay, sink: BenchSink) -> None:
        super().__init__(served, market, relay, sink)
        self.truth = self.sink.truth = Truth(served, self.number_of)

    def number_of(self, book: VenueBook) -> int:
        """The venue's number of a book's present state."""
        raise NotImplementedError

    @property
    def snapshots_asked(self) -> int:
        """How many snapshots of books the venue has been asked for."""
        raise NotImplementedError

    def start_sequences_over(self) -> None:
        """The venue numbers its books' changes anew, from small numbers on."""
        raise NotImplementedError

    def is_depth(self, frame: bytes) -> bool:
        """Whether a frame of data changes levels of a book."""
        raise NotImplementedError

    async def until_changed(self, book: int, times: int, since: int) -> None:
        """Until the venue has told so many changes of a book's levels; ``since``: a number of frames."""
        await self.until(lambda: len(self._changes(book, since)) >= times)

    def assert_nothing_was_missed(self, book: int, since: int) -> None:
        """Each change of a book's levels was applied in the call that brought it."""
        moved = self.sink.moved
        assert all(moved[at][book] == moved[at - 1][book] + 1 for at in self._changes(book, since))

    def _changes(self, book: int, since: int) -> list[int]:
        concerns = self.is_data_of(book)
        frames = enumerate(self.sink.frames[since:], since)
        return [at for at, (_, frame, _) in frames if concerns(frame) and self.is_depth(frame)]

    def spoilt(self, frame: bytes) -> bytes:
        """With another size of a level, if it has one; well-formed, and in sequence."""
        return re.sub(rb'("(?:b|bids)":\[\["[^"]*",")(\d)', rb"\g<1>9", frame)

    def drop_once(self, is_so: Callable[[bytes], bool]) -> None:
        """Every connection breaks at the first frame that ``is_so`` is true of; it does not arrive."""

        def meddle(frame: bytes) -> Iterable[tuple[float, bytes]]:
            if not is_so(frame):
                return untouched(frame)
            self.relay.meddle = untouched
            self.relay.drop_all()
            return ()

        self.relay.meddle = meddle

    async def until_trusted_within(self, bound_s: float = BOUND_S) -> None:
        """From now on, with updates that have come since: a loss shows itself in the next."""
        now_s = asyncio.get_running_loop().time
        began_s = now_s()
        await self.until_trusted()
        assert now_s() - began_s <= bound_s


class FaultGround(FeedOnBench):
    """What suites about faults stand on: none of them may ever see a wrong book trusted."""

    sink_kind = CheckedSink
    bench_kind = FaultBench

    @asynccontextmanager
    async def matrix(
        self, seed: int = 1, market: type[MovingMarket] = MovingMarket, **options: Any
    ) -> AsyncIterator[FaultBench]:
        self.market_kind = partial(market, seed)
        async with self.bench(**options) as b:
            assert isinstance(b, FaultBench)
            yield b
            assert not b.sink.wrong, b.sink.wrong[0]


class SnapshotDesk:
    """Stands before a venue's REST: notes who asks for a snapshot and when, and may answer in the venue's place.

    ``meddle(request, serve)`` is what answers; ``serve()`` asks the venue. None drops the connection.
    """

    def __init__(self, venue: BinanceVenue) -> None:
        self._next = venue.front.intercept
        venue.front.intercept = self
        self.meddle: Callable[[HttpRequest, Callable[[], Answer | None]], Answer | None] = lambda _asked, serve: serve()
        self.asked_s: list[float] = []
        """When."""
        self.symbols: list[str] = []

    def __call__(self, request: HttpRequest, serve: Callable[[], Answer]) -> Answer | None:
        onward = partial(self._next, request, serve) if self._next is not None else serve
        if not request.path.endswith("/depth"):
            return onward()
        self.asked_s.append(asyncio.get_running_loop().time())
        self.symbols.append(request.query.partition("symbol=")[2].partition("&")[0])
        return self.meddle(request, onward)


class BinanceBench(FaultBench):
    """Snapshots come from REST."""

    served: BinanceVenue

    def __init__(self, served: ServedVenue, market: StirredMarket, relay: FrameRelay, sink: BenchSink) -> None:
        super().__init__(served, market, relay, sink)
        self.desk = SnapshotDesk(self.served)

    def number_of(self, book: VenueBook) -> int:
        return book.update_id

    def is_depth(self, frame: bytes) -> bool:
        return b'"depthUpdate"' in frame

    def own_snapshot(self, instrument: Instrument) -> bytes:
        """What REST would answer now."""
        parameters = Parameters({"symbol": instrument.venue_symbol, "limit": "1000"})
        return self.served.public.depth(parameters, 0)

    @property
    def snapshots_asked(self) -> int:
        return len(self.desk.asked_s)

    def start_sequences_over(self) -> None:
        self.served.start_sequences_over()


class OkxBench(FaultBench):
    """Snapshots come in the stream, whenever a book is subscribed."""

    served: OkxVenue

    def number_of(self, book: VenueBook) -> int:
        return self.served.products[book.listing.symbol].seq_id

    @property
    def snapshots_asked(self) -> int:
        return sum(said.count(b'"books"') for said in self.relay.said if b'"subscribe"' in said)

    def is_depth(self, frame: bytes) -> bool:
        return b'"channel":"books"' in frame and b'"action":"update"' in frame

    def start_sequences_over(self) -> None:
        self.served.start_sequences_over()
