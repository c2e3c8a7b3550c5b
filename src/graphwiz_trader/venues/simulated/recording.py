"""A recording as the market: its raw frames go out verbatim at their pace, and orders fill against its visible book.

The book an order meets is kept by the core's own market data room, fed with the very frames that are sent. The
recorded market does not react; what an order gets from it is decided by `hft.fill_model`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Protocol

from graphwiz_trader.hft.decoders import DECODERS
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.hft.market_data import MarketData
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.venues.simulated.binance.recorded_streams import RecordedStreams
from graphwiz_trader.venues.simulated.binance.server import BinanceVenue
from graphwiz_trader.venues.simulated.dialect import ServedVenue
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.okx.recorded_channels import RecordedChannels
from graphwiz_trader.venues.simulated.okx.server import OkxVenue
from graphwiz_trader.venues.simulated.pace import PAUSE_S, Pace
from graphwiz_trader.venues.simulated.recorded_book import RecordedBook

SNAPSHOT_WAIT_S = 5.0
"""A client that follows a symbol is given this long to fetch the snapshot whose time has come."""
ASKED_WAIT_S = 90.0
"""The same for one that has asked before its time: it will ask again, as soon as its allowance of requests lets it."""
DRAINED_BELOW_BYTES = 256 << 10
"""At full speed the next frames wait until every reader holds less than this."""
FRAMES_AT_ONCE = 64


class RecordedFrame(Protocol):
    """A frame of a recording, in time order with the others."""

    @property
    def time_ns(self) -> int: ...
    @property
    def exchange(self) -> str: ...
    @property
    def payload(self) -> bytes: ...
    @property
    def snapshot_of(self) -> str:
        """The venue symbol of a REST snapshot, empty for a stream's frame."""
        ...


class _Reader(Protocol):
    """A connection that follows something."""

    @property
    def backlog_bytes(self) -> int: ...
    def when_read(self, token: bytes, callback: Callable[[], None]) -> None: ...


class _Stage(Protocol):
    """Where one venue's recording goes out."""

    def readers(self) -> Sequence[_Reader]: ...
    def is_followed(self, symbol: str) -> bool: ...
    def send(self, payload: bytes) -> None: ...


class RecordingMarket:
    """Sends a recording. It begins when every instrument's depth has a subscriber, so that nobody misses its start.

    ``speed``: times the recorded pace; None is as fast as the readers read. ``finished`` is set once every frame has
    been sent and every reader has proved, by its pong, that it has read them all.
    """

    def __init__(self, frames: Iterable[RecordedFrame], instruments: Instruments, *, speed: float | None = 1.0) -> None:
        self.finished = asyncio.Event()
        self.frames_sent: Counter[str] = Counter()
        """Stream frames whose time has come, by exchange, whether somebody had subscribed to them or not."""
        self._frames = frames
        self._instruments = instruments
        self._speed = speed
        self._pace = Pace(speed)
        self._lines = {exchange: line for line, exchange in enumerate(instruments.exchanges)}
        self._books = OrderBookManager(instruments)
        self._market_data = MarketData(
            self._books,
            [DECODERS[exchange](instruments, exchange) for exchange in self._lines],
            _Unrecorded(),
            request_snapshot=_wait_for_the_recorded_one,
        )
        self._matchers: dict[tuple[str, str], RecordedBook] = {}
        self._venues: Mapping[str, ServedVenue] = {}
        self._stages: dict[str, _Stage] = {}
        self._fetched: set[tuple[str, str]] = set()
        """(exchange, symbol) of the snapshots that somebody has asked for since their time came."""
        self._asked: set[tuple[str, str]] = set()
        """Of those that somebody has asked for in vain."""

    def matcher(self, exchange: str, listing: Listing) -> RecordedBook:
        """Where a symbol's orders meet the recorded book."""
        return self._matchers.setdefault((exchange, listing.symbol), RecordedBook(self._books[listing.instrument.book]))

    def open(self, venues: Mapping[str, ServedVenue], now_ms: int) -> None:  # noqa: ARG002  # Market's signature
        """Only recorded frames go out, and recorded snapshots."""
        self._venues = venues
        for exchange, venue in venues.items():
            venue.venue.market_listeners.clear()
            if isinstance(venue, BinanceVenue):
                self._stages[exchange] = RecordedStreams(venue.hub)
                venue.public.snapshot_source = partial(self._snapshot, exchange)
            elif isinstance(venue, OkxVenue):
                self._stages[exchange] = RecordedChannels(venue.channels)

    async def run(self, clock_ms: Callable[[], int]) -> None:
        """Send everything, then wait until it has been read."""
        while not all(self._is_followed(i.exchange, i.venue_symbol) for i in self._instruments):
            await asyncio.sleep(PAUSE_S)
        pace = self._pace
        for count, frame in enumerate(self._frames, 1):
            await pace.wait_for(frame.time_ns)
            await self._happen(frame, clock_ms, pace)
            if count % FRAMES_AT_ONCE == 0:
                await self._let_read()
        await self._until_read()
        self.finished.set()

    async def _happen(self, frame: RecordedFrame, clock_ms: Callable[[], int], pace: Pace) -> None:
        stage = self._stages.get(frame.exchange)
        if stage is None:
            return
        if frame.snapshot_of:
            await self._bring_snapshot(frame, pace)
            return
        self.frames_sent[frame.exchange] += 1
        stage.send(frame.payload)
        self._market_data.on_frame(self._lines[frame.exchange], frame.payload, frame.time_ns)
        self._match(frame.exchange, clock_ms())

    def _snapshot(self, exchange: str, symbol: str) -> bytes | None:
        body = self._matchers[exchange, symbol].recorded_snapshot
        (self._asked if body is None else self._fetched).add((exchange, symbol))
        return body

    async def _bring_snapshot(self, frame: RecordedFrame, pace: Pace) -> None:
        """Its time has come. Recorded time stands still until a client that follows the symbol has fetched it."""
        instrument = self._instruments.by_venue_symbol(frame.exchange, frame.snapshot_of)
        if instrument is None:
            return
        key = frame.exchange, frame.snapshot_of
        self._market_data.on_snapshot(instrument.book, frame.payload, frame.time_ns)
        self._matchers[key].keep_snapshot(frame.payload)
        self._fetched.discard(key)
        waited_s = 0.0
        longest_s = ASKED_WAIT_S if key in self._asked else SNAPSHOT_WAIT_S
        while key not in self._fetched and waited_s < longest_s and self._is_followed(*key):
            await asyncio.sleep(PAUSE_S)
            waited_s += PAUSE_S
        self._asked.discard(key)
        pace.stand_still()

    def _match(self, exchange: str, now_ms: int) -> None:
        """Every frame may move an order ahead in its queue, a trade as well as a level's change."""
        venue = self._venues[exchange].venue
        for symbol, book in venue.books.items():
            for order_id, match in self._matchers[exchange, symbol].match_resting():
                venue.fill_resting(book, order_id, match, now_ms)
        venue.publish(now_ms)

    def _is_followed(self, exchange: str, symbol: str) -> bool:
        stage = self._stages.get(exchange)
        return stage is None or stage.is_followed(symbol)

    def _readers(self) -> list[_Reader]:
        return [reader for stage in self._stages.values() for reader in stage.readers()]

    async def _let_read(self) -> None:
        """Give the readers their turn; at full speed, wait for the slowest."""
        await asyncio.sleep(0)
        while self._speed is None and any(reader.backlog_bytes > DRAINED_BELOW_BYTES for reader in self._readers()):
            await asyncio.sleep(PAUSE_S)

    async def _until_read(self) -> None:
        loop = asyncio.get_running_loop()
        proofs = []
        for reader in self._readers():
            proof: asyncio.Future[None] = loop.create_future()
            reader.when_read(b"the recording has ended", lambda proof=proof: proof.set_result(None))  # type: ignore[misc]
            proofs.append(proof)
        await asyncio.gather(*proofs)


class _Unrecorded:
    """The journal of the exchange's own books: there is none."""

    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        pass


def _wait_for_the_recorded_one(book: int) -> None:
    """A recording's snapshots come when they came."""
