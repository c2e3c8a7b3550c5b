"""Where the frames of a recording go: to the disk as they came, and through the books; and what has been counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from time import monotonic, time_ns

import msgspec

from graphwiz_trader.assembly.lines import market_line_ids, parallel_numbers
from graphwiz_trader.assembly.tabled_books import TabledBooks
from graphwiz_trader.hft.events import Line
from graphwiz_trader.hft.kernels.layout import Array
from graphwiz_trader.hft.market_data import MarketData
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.hft.records import ClockOffset
from graphwiz_trader.recording.parquet import ParquetTables
from graphwiz_trader.recording.raw import RawStream, RawWriter
from graphwiz_trader.recording.tables import Tables


class ExchangeFigures(msgspec.Struct, frozen=True):
    """One exchange's part of a recording. ``raw_bytes``: payloads; ``disk_bytes``: what they take compressed."""

    frames: int
    snapshots: int
    raw_bytes: int
    disk_bytes: int
    segments: int
    refused: int
    """Kept, but of no use to a book: malformed, a gap, an unknown symbol."""
    lost: int
    """Not kept: the disk could not keep up."""
    lines_up: int
    line_breaks: int
    """How often a line broke and was missed; one that was replaced in time was not."""
    books: int
    trusted_books: int


class TableFigures(msgspec.Struct, frozen=True):
    """The tables' part of a recording, rows by table."""

    place: str
    rows: dict[str, int]
    lost: dict[str, int]
    last_failure: str


class RecordingFigures(msgspec.Struct, frozen=True):
    """What a recording has come to; ``tables`` is None for raw frames alone."""

    session: str
    directory: str
    seconds: float
    queued_bytes: int
    exchanges: dict[str, ExchangeFigures]
    tables: TableFigures | None

    @property
    def is_complete(self) -> bool:
        """Whether everything that came was kept."""
        tables_lost = self.tables is not None and any(self.tables.lost.values())
        return not tables_lost and not any(exchange.lost for exchange in self.exchanges.values())


class Recorded:
    """What a session records, to be looked at while it does. Any thread may."""

    def __init__(
        self,
        session: str,
        directory: Path,
        lines: Sequence[Line],
        books: OrderBookManager,
        raw: RawWriter,
        parquet: ParquetTables | None,
        market_data: MarketData,
    ) -> None:
        self.books = books
        self.raw = raw
        self.parquet = parquet
        self.lines = tuple(lines)
        self.line_ids = market_line_ids(lines)
        self.lines_up: dict[str, set[int]] = {exchange: set() for exchange in self.line_ids}
        self.line_breaks = dict.fromkeys(self.line_ids, 0)
        self._session = session
        self._directory = directory
        self._market_data = market_data
        self._began_s = monotonic()

    def wanted_lines(self, exchange: str) -> int:
        """How many of an exchange's lines are to be up: all but the spare one."""
        return max(1, len(self.line_ids[exchange]) - 1)

    def figures(self) -> RecordingFigures:
        tables = None
        if self.parquet is not None:
            tables = TableFigures(
                self.parquet.place, dict(self.parquet.written), dict(self.parquet.lost), self.parquet.last_failure
            )
        return RecordingFigures(
            session=self._session,
            directory=str(self._directory),
            seconds=monotonic() - self._began_s,
            queued_bytes=self.raw.queued_bytes,
            exchanges={exchange: self._exchange(exchange, stream) for exchange, stream in self.raw.streams.items()},
            tables=tables,
        )

    def _exchange(self, exchange: str, stream: RawStream) -> ExchangeFigures:
        lines = self.line_ids[exchange]
        books = [self.books[i.book] for i in self.books.instruments.on_exchange(exchange)]
        return ExchangeFigures(
            frames=stream.frames,
            snapshots=stream.snapshots,
            raw_bytes=stream.raw_bytes,
            disk_bytes=stream.segments.disk_bytes,
            segments=stream.segments.count,
            refused=sum(n for (at, _), n in tuple(self._market_data.refused.items()) if at in lines),
            lost=stream.lost,
            lines_up=len(self.lines_up[exchange]),
            line_breaks=self.line_breaks[exchange],
            books=len(books),
            trusted_books=sum(book.is_trusted for book in books),
        )


class RecordingSink:
    """A `venues.base.Sink` that keeps what comes. ``feeds[line]``: the memory of the line's decoder."""

    def __init__(
        self, recorded: Recorded, market_data: MarketData, feeds: Sequence[Array], tables: Tables | None
    ) -> None:
        self.books = recorded.books
        self._recorded = recorded
        self._market_data = market_data
        self._tabled = TabledBooks(market_data, feeds, parallel_numbers(recorded.lines), tables)
        self._exchange_of = tuple(line.exchange for line in recorded.lines)
        self._number_of = parallel_numbers(recorded.lines)
        self._streams = recorded.raw.streams
        self._stream_of = tuple(self._streams[exchange] for exchange in self._exchange_of)
        self._segments_seen = dict.fromkeys(self._streams, 1)
        self._is_attached = True

    def on_market_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        stream = self._stream_of[line]
        if stream.is_refusing and not self._may_go_on(self._exchange_of[line], now_ns):
            return
        stream.frame(now_ns, frame, self._number_of[line])
        self._tabled.on_frame(line, frame, now_ns)

    def on_snapshot(self, book: int, body: bytes, now_ns: int) -> None:
        instrument = self.books[book].instrument
        stream = self._streams[instrument.exchange]
        if stream.is_refusing and not self._may_go_on(instrument.exchange, now_ns):
            return
        stream.snapshot(now_ns, instrument.venue_symbol, body)
        self._tabled.on_snapshot(self._recorded.line_ids[instrument.exchange][0], book, body, now_ns)

    def on_line(self, line: int, up: bool, reason: str, now_ns: int) -> None:
        if not self._is_attached:
            return
        exchange = self._exchange_of[line]
        lines_up = self._recorded.lines_up[exchange]
        if up:
            lines_up.add(line)
        else:
            lines_up.discard(line)
            self._recorded.line_breaks[exchange] += len(lines_up) < self._recorded.wanted_lines(exchange)
        self._stream_of[line].line(now_ns, up, reason, self._number_of[line])
        self._market_data.on_line(line, up, now_ns)

    def on_clock(self, line: int, offset_ns: int, error_ns: int, _now_ns: int) -> None:
        """What the venue's times mean is kept beside the books."""
        self.books.note_clock(self._exchange_of[line], ClockOffset(offset_ns, error_ns))

    def on_order_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        """A recording has no order lines."""

    def on_timer(self, now_ns: int) -> None:
        """Ten times a second. Raises why nothing can be written any more."""
        if self._recorded.raw.failure is not None:
            raise self._recorded.raw.failure
        self._market_data.on_timer(now_ns)

    def flush_raw(self) -> None:
        """Hand what has been received to the disk."""
        for stream in self._streams.values():
            stream.flush()

    def flush_tables(self) -> None:
        """Have the tables' rows written."""
        self._tabled.flush()

    def books_of_new_segments(self) -> Iterator[int]:
        """The books whose exchange has begun another segment: with a snapshot it can be replayed on its own."""
        for exchange, stream in self._streams.items():
            if stream.segments.count > self._segments_seen[exchange]:
                self._segments_seen[exchange] = stream.segments.count
                for instrument in self.books.instruments.on_exchange(exchange):
                    yield instrument.book

    def detach(self) -> None:
        """The recording ends: that its lines are closed now is no news of the market."""
        self._is_attached = False

    def close(self) -> None:
        """Write everything that was received. Raises RecorderError when that is not possible."""
        self.flush_tables()
        try:
            self._recorded.raw.close()
        finally:
            if self._recorded.parquet is not None:
                self._recorded.parquet.close()

    def _may_go_on(self, exchange: str, now_ns: int) -> bool:
        """Whether the disk has caught up. What was missed meanwhile is written down as if every line had broken."""
        stream = self._streams[exchange]
        if not self._recorded.raw.has_caught_up():
            stream.lost += 1
            return False
        stream.is_refusing = False
        lines_up = sorted(self._recorded.lines_up[exchange])
        for line in lines_up:
            self.on_line(line, False, f"the disk was behind: {stream.lost} frames of this session are missing", now_ns)
        for line in lines_up:
            self.on_line(line, True, "the disk has caught up", time_ns())
        return True
