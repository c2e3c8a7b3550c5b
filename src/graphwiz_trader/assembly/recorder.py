"""A recording session: the feeds that a trader would have, their frames kept, and no orders.

The books are kept as a trader keeps them: they say when a snapshot is needed, which frames are refused, and what the
tables' rows are.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from graphwiz_trader.assembly.core import build_books
from graphwiz_trader.assembly.fees import fees_paid
from graphwiz_trader.assembly.lines import market_wires, recording_lines
from graphwiz_trader.assembly.recording_sink import Recorded, RecordingSink
from graphwiz_trader.assembly.timer import timer
from graphwiz_trader.assembly.venues import make_feeds, new_attempts
from graphwiz_trader.config import HftConfig
from graphwiz_trader.hft.decoders import DECODERS
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.hft.market_data import MarketData
from graphwiz_trader.recording.errors import RecorderError
from graphwiz_trader.recording.layout import FORMAT, SegmentHead
from graphwiz_trader.recording.parquet import ParquetTables
from graphwiz_trader.recording.raw import QUEUE_BYTES, RawWriter
from graphwiz_trader.recording.segments import Rotation
from graphwiz_trader.recording.tables import Tables
from graphwiz_trader.venues.base import ApiKey, Endpoints, Feed
from graphwiz_trader.venues.exchanges import load_instruments
from graphwiz_trader.venues.together import end

_TURNS_A_FLUSH = 5
"""What has been received is handed to the disk every half second, however little it is."""
_TURNS_A_PART = 600
"""A minute: how long the tables' rows wait in memory at most."""


class Settings(NamedTuple):
    """What is recorded where. ``parquet``: a URL for the tables, or empty for raw frames alone.

    ``queue_bytes``: how far the disk may be behind before frames are refused.
    """

    directory: Path
    parquet: str = ""
    rotation: Rotation = Rotation()
    queue_bytes: int = QUEUE_BYTES


class RecordingSession:
    """One recording, from connecting to its orderly end. `run` it once. ``api_keys``: for what asks for a key."""

    def __init__(
        self,
        config: HftConfig,
        endpoints: Mapping[str, Endpoints],
        settings: Settings,
        *,
        api_keys: Mapping[str, ApiKey] = MappingProxyType({}),
    ) -> None:
        self._api_keys = api_keys
        self._config = config
        self._endpoints = dict(endpoints)
        self._settings = settings
        self._feeds: dict[str, Feed] = {}
        self._stop = asyncio.Event()
        self._why = ""
        self.name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
        self.recorded: Recorded | None = None
        """What has been recorded so far; None until the exchanges have answered."""

    def stop(self, why: str) -> None:
        """Ask the recording to end; the first reason counts."""
        self._why = self._why or why
        self._stop.set()

    async def run(self, duration_s: float = 0.0) -> str:
        """Record until `stop`, SIGINT or SIGTERM, or for ``duration_s``. Returns why it ended.

        Raises VenueError when an exchange cannot be used, RecorderError when nothing can be written (any more).
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop, signal.Signals(number).name)
        with _only_recorder_in(self._settings.directory):
            instruments = await self._load_instruments()
            parquet = (
                ParquetTables(self._settings.parquet, self.name, tuple(instruments)) if self._settings.parquet else None
            )
            raw = RawWriter(
                self._settings.directory,
                {exchange: partial(self._head, instruments, exchange) for exchange in instruments.exchanges},
                rotation=self._settings.rotation,
                queue_bytes=self._settings.queue_bytes,
            )
            sink = self._assemble(instruments, raw, parquet)
            try:
                await self._record(sink, duration_s)
            finally:
                sink.close()
        return self._why

    def _assemble(self, instruments: Instruments, raw: RawWriter, parquet: ParquetTables | None) -> RecordingSink:
        books = build_books(self._config, instruments)
        exchanges = instruments.exchanges
        lines = recording_lines(self._config, exchanges)
        decoders = [DECODERS[line.wire](instruments, line.exchange) for line in lines]
        market_data = MarketData(
            books,
            decoders,
            _Nowhere(),
            request_snapshot=lambda book: self._feeds[instruments[book].exchange].request_snapshot(book),
            stale_after_ms=self._config.market_data.stale_after_ms,
            min_stale_after_ms=self._config.market_data.min_stale_after_ms,
        )
        _compile(market_data, len(lines))
        tables = Tables(books.records, parquet.put) if parquet is not None else None
        self.recorded = Recorded(self.name, self._settings.directory, lines, books, raw, parquet, market_data)
        sink = RecordingSink(self.recorded, market_data, [decoder.feed for decoder in decoders], tables)
        self._feeds = make_feeds(instruments, lines, self._endpoints, sink, new_attempts(exchanges), self._api_keys)
        return sink

    async def _record(self, sink: RecordingSink, duration_s: float) -> None:
        tasks = [asyncio.create_task(feed.run()) for feed in self._feeds.values()]
        tasks.append(asyncio.create_task(self._clock(sink)))
        stopped = asyncio.create_task(self._stop.wait())
        try:
            done, _ = await asyncio.wait(
                (stopped, *tasks), timeout=duration_s or None, return_when=asyncio.FIRST_COMPLETED
            )
            if not done:
                self.stop(f"{duration_s:g} s are over")
            for task in done - {stopped}:
                task.result()
        finally:
            sink.detach()
            await end((stopped, *tasks))

    async def _clock(self, sink: RecordingSink) -> None:
        """What happens without a frame: silence takes trust, records reach the disk, a new segment gets snapshots."""
        async for turn in timer():
            sink.on_timer(time.time_ns())
            if turn % _TURNS_A_FLUSH == 0:
                sink.flush_raw()
                for book in sink.books_of_new_segments():
                    self._feeds[sink.books[book].instrument.exchange].request_snapshot(book)
            if turn % _TURNS_A_PART == 0:
                sink.flush_tables()

    def _head(self, instruments: Instruments, exchange: str, segment: int) -> SegmentHead:
        return SegmentHead(
            format=FORMAT,
            exchange=exchange,
            session=self.name,
            segment=segment,
            version=version("graphwiz-trader"),
            instruments=instruments.on_exchange(exchange),
            wire=market_wires(self._config, (exchange,))[exchange],
            lines=len(recording_lines(self._config, (exchange,))),
        )

    async def _load_instruments(self) -> Instruments:
        symbols: dict[str, Sequence[str]] = {
            exchange: tuple(settings.symbols)
            for exchange, settings in self._config.market_data.exchanges.items()
            if settings.enabled
        }
        if not symbols:
            raise RecorderError("no exchange is enabled; enable one under hft.market_data.exchanges")
        missing = [exchange for exchange in symbols if exchange not in self._endpoints]
        if missing:
            raise RecorderError(
                f"no address for {', '.join(missing)}; give --venues, or hft.market_data.exchanges.<id>.endpoints"
            )
        return await load_instruments(symbols, self._endpoints, fees_paid(self._config))


class _Nowhere:
    """The journal of a recording's own books: what they say can be had again from the frames."""

    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        pass


def _compile(market_data: MarketData, lines: int) -> None:
    """Have what is called later compiled before frames wait for it."""
    market_data.on_timer(0)
    for line in range(lines):
        market_data.on_line(line, False, 0)


@contextmanager
def _only_recorder_in(directory: Path) -> Iterator[None]:
    """Two recordings of one market in one directory would replay as one. Raises RecorderError."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        held = os.open(directory, os.O_RDONLY)
    except OSError as problem:
        raise RecorderError(f"cannot record to {directory}: {problem.strerror}; choose another --out") from None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        raise RecorderError(f"another recorder writes to {directory}; choose another --out, or end it first") from None
    try:
        yield
    finally:
        os.close(held)
