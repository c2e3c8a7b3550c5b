"""A recording as the market: its raw frames go out verbatim at their pace, and orders fill against its visible book.

The book an order meets is kept by the core's own market data room, fed with the very frames that are sent. The
recorded market does not react; what an order gets from it is decided by `hft.fill_model`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Protocol

from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.hft.market_data import MarketData, binance_decoder
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.venues.simulated.binance.server import BinanceVenue
from graphwiz_trader.venues.simulated.dialect import ServedVenue
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.pace import PAUSE_S, Pace
from graphwiz_trader.venues.simulated.recorded_book import RecordedBook

SNAPSHOT_WAIT_S = 5.0
"""A client that follows a symbol is given this long to fetch the snapshot whose time has come."""
DRAINED_BELOW_BYTES = 256 << 10
"""At full speed the next frames wait until every reader holds less than this."""
FRAMES_AT_ONCE = 64
_STREAM_MARK = b'{"stream":"'
_DATA_MARK = b'"data":'


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
            [binance_decoder(instruments, exchange) for exchange in self._lines],
            _Unrecorded(),
            request_snapshot=_wait_for_the_recorded_one,
        )
        self._matchers: dict[tuple[str, str], RecordedBook] = {}
        self._venues: Mapping[str, BinanceVenue] = {}
        self._fetched: set[tuple[str, str]] = set()
        """(exchange, symbol) of the snapshots that somebody has asked for since their time came."""

    def matcher(self, exchange: str, listing: Listing) -> RecordedBook:
        """Where a symbol's orders meet the recorded book."""
        return self._matchers.setdefault((exchange, listing.symbol), RecordedBook(self._books[listing.instrument.book]))

    def open(self, venues: Mapping[str, ServedVenue], now_ms: int) -> None:  # noqa: ARG002  # Market's signature
        """Only recorded frames go out, and recorded snapshots."""
        self._venues = {name: venue for name, venue in venues.items() if isinstance(venue, BinanceVenue)}
        for exchange, venue in self._venues.items():
            venue.venue.market_listeners.clear()
            venue.public.snapshot_source = partial(self._snapshot, exchange)

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
        venue = self._venues.get(frame.exchange)
        if venue is None:
            return
        if frame.snapshot_of:
            await self._bring_snapshot(frame, pace)
            return
        self.frames_sent[frame.exchange] += 1
        _send(venue, frame.payload)
        self._market_data.on_frame(self._lines[frame.exchange], frame.payload, frame.time_ns)
        self._match(venue, clock_ms())

    def _snapshot(self, exchange: str, symbol: str) -> bytes | None:
        body = self._matchers[exchange, symbol].recorded_snapshot
        if body is not None:
            self._fetched.add((exchange, symbol))
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
        while key not in self._fetched and waited_s < SNAPSHOT_WAIT_S and self._is_followed(*key):
            await asyncio.sleep(PAUSE_S)
            waited_s += PAUSE_S
        pace.stand_still()

    def _match(self, venue: BinanceVenue, now_ms: int) -> None:
        """Every frame may move an order ahead in its queue, a trade as well as a level's change."""
        for symbol, book in venue.venue.books.items():
            for order_id, match in self._matchers[venue.flavour.exchange, symbol].match_resting():
                venue.venue.fill_resting(book, order_id, match, now_ms)
        venue.venue.publish(now_ms)

    def _is_followed(self, exchange: str, symbol: str) -> bool:
        venue = self._venues.get(exchange)
        return venue is None or venue.hub.has_subscribers_of(f"{symbol.lower()}@depth")

    async def _let_read(self) -> None:
        """Give the readers their turn; at full speed, wait for the slowest."""
        await asyncio.sleep(0)
        while self._speed is None and any(
            reader.backlog_bytes > DRAINED_BELOW_BYTES
            for venue in self._venues.values()
            for reader in venue.hub.everyone()
        ):
            await asyncio.sleep(PAUSE_S)

    async def _until_read(self) -> None:
        loop = asyncio.get_running_loop()
        proofs = []
        for venue in self._venues.values():
            for reader in venue.hub.everyone():
                proof: asyncio.Future[None] = loop.create_future()
                reader.when_read(b"the recording has ended", lambda proof=proof: proof.set_result(None))  # type: ignore[misc]
                proofs.append(proof)
        await asyncio.gather(*proofs)


class _Unrecorded:
    """The journal of the exchange's own books: there is none."""

    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        pass


def _send(venue: BinanceVenue, payload: bytes) -> None:
    """A frame to those who subscribed to its stream; one that names no stream to everybody, damaged as it is."""
    if not payload.startswith(_STREAM_MARK):
        for subscriber in venue.hub.everyone():
            subscriber.send(payload)
        return
    stream = payload[len(_STREAM_MARK) : payload.find(b'"', len(_STREAM_MARK))].decode("utf-8", "replace")
    for subscriber in venue.hub.subscribers(stream):
        subscriber.send(payload if subscriber.combined else _bare(payload), stream)


def _bare(payload: bytes) -> bytes:
    start = payload.find(_DATA_MARK)
    return payload[start + len(_DATA_MARK) : -1] if start >= 0 else payload


def _wait_for_the_recorded_one(book: int) -> None:
    """A recording's snapshots come when they came."""
