"""A recording's tables, made again from its raw frames: by the books, decoders and rules that the recorder had.

What the heads of the segments say is enough: each session's instruments, and the words of each of its lines. Silence
takes a book's trust by recorded time, in steps of the recorder's timer; so a row that only says that a book which
had fallen silent is trusted again may stand one message earlier or later than when it was recorded.
"""

from __future__ import annotations

import heapq
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from graphwiz_trader.assembly.core import build_books
from graphwiz_trader.assembly.lines import MARKET, market_line_ids, parallel_numbers, session_lines
from graphwiz_trader.assembly.tabled_books import TabledBooks
from graphwiz_trader.config import HftConfig
from graphwiz_trader.hft.decoders import DECODERS
from graphwiz_trader.hft.events import TIMER_NS
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.hft.market_data import MarketData
from graphwiz_trader.recording.errors import DamagedSegmentError, RecorderError
from graphwiz_trader.recording.layout import DOWN, FRAME, HEAD, UP, SegmentHead, SegmentRecord, session_of
from graphwiz_trader.recording.parquet import ParquetTables
from graphwiz_trader.recording.reader import read_head, read_segment, segments_in
from graphwiz_trader.recording.tables import ROWS, Tables

_LOOK_S = 0.01
_PROGRESS_STEP = 1_000


class Rebuilt(NamedTuple):
    """What was made: rows by table, what a store did not take, and the segments that end in the middle."""

    rows: dict[str, int]
    lost: dict[str, int]
    last_failure: str
    damaged: dict[Path, str]


def rebuild_tables(directory: Path, url: str, config: HftConfig, progress: Callable[[int], None]) -> Rebuilt:
    """Make the tables of every session recorded in ``directory``, in place of those that ``url`` has of them.

    ``progress`` is told how many records more have been read. Raises RecorderError for a directory without a
    recording, a recording that cannot be read by this version, and a place that takes nothing.
    """
    sessions: dict[str, dict[str, list[Path]]] = {}
    for exchange, paths in segments_in(directory).items():
        for path in paths:
            sessions.setdefault(session_of(path), {}).setdefault(exchange, []).append(path)
    if not sessions:
        raise RecorderError(f"{directory} holds no recording; expected {directory}/<exchange>/<session>-000000.gwr.zst")
    rows, lost, failure, damaged = Counter[str](), Counter[str](), "", dict[Path, str]()
    for name, segments in sorted(sessions.items()):
        session = _Session(segments, damaged)
        if session.instruments:
            tables = session.rebuild(ParquetTables(url, name, tuple(session.instruments)), config, progress)
            rows += tables.written
            lost += tables.lost
            failure = failure or tables.last_failure
    return Rebuilt(dict(rows), dict(lost), failure, damaged)


class _Session:
    """One session's segments by exchange, and what their heads say."""

    def __init__(self, segments: dict[str, list[Path]], damaged: dict[Path, str]) -> None:
        self._segments = segments
        self._damaged = damaged
        heads = {exchange: head for exchange, paths in segments.items() if (head := self._head(paths)) is not None}
        recorded = sorted((i for head in heads.values() for i in head.instruments), key=lambda i: i.book)
        self.instruments = Instruments(msgspec.structs.replace(i, book=row) for row, i in enumerate(recorded))
        unknown = sorted({head.spoken for head in heads.values()} - set(DECODERS))
        if unknown:
            raise RecorderError(f"the recording speaks {', '.join(unknown)}, which this version does not read")
        exchanges = self.instruments.exchanges
        lines = session_lines(
            exchanges,
            market_lines={exchange: heads[exchange].lines for exchange in exchanges},
            market_wires={exchange: heads[exchange].spoken for exchange in exchanges},
        )
        self._lines = [line for line in lines if line.role == MARKET]

    def rebuild(self, parquet: ParquetTables, config: HftConfig, progress: Callable[[int], None]) -> ParquetTables:
        """Feed every record through books, as the recorder did."""
        books = build_books(config, self.instruments)
        decoders = [DECODERS[line.wire](self.instruments, line.exchange) for line in self._lines]
        market_data = MarketData(
            books,
            decoders,
            self,
            request_snapshot=lambda _: None,
            stale_after_ms=config.market_data.stale_after_ms,
            min_stale_after_ms=config.market_data.min_stale_after_ms,
        )
        tables = Tables(books.records, parquet.put)
        tabled = TabledBooks(market_data, [d.feed for d in decoders], parallel_numbers(self._lines), tables)
        timer_ns = 0
        for count, (line, exchange, record) in enumerate(self._records(), 1):
            if record.time_ns >= timer_ns:
                market_data.on_timer(record.time_ns)
                timer_ns = record.time_ns + TIMER_NS
            if record.kind == FRAME:
                tabled.on_frame(line, record.payload, record.time_ns)
            elif record.kind in {UP, DOWN}:
                market_data.on_line(line, record.kind == UP, record.time_ns)
            elif (instrument := self.instruments.by_venue_symbol(exchange, record.symbol)) is not None:
                tabled.on_snapshot(line, instrument.book, record.payload, record.time_ns)
            if count % _PROGRESS_STEP == 0:
                progress(_PROGRESS_STEP)
                while parquet.waiting_rows > 2 * ROWS:  # the frames are read faster than a store may be
                    time.sleep(_LOOK_S)
        tabled.flush()
        parquet.close()
        parquet.drop_parts_beyond()
        return parquet

    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        """As a recorder: nothing is kept."""

    def _records(self) -> Iterator[tuple[int, str, SegmentRecord]]:
        """(line, exchange, record) of all exchanges, in the order received."""
        streams = [self._of_exchange(ids[0], exchange) for exchange, ids in market_line_ids(self._lines).items()]
        return heapq.merge(*streams, key=lambda told: told[2].time_ns)

    def _of_exchange(self, first_line: int, exchange: str) -> Iterator[tuple[int, str, SegmentRecord]]:
        for path in self._segments[exchange]:
            try:
                for record in read_segment(path):
                    if record.kind != HEAD:
                        yield first_line + record.line, exchange, record
            except DamagedSegmentError as damage:
                self._damaged[path] = str(damage)

    def _head(self, paths: list[Path]) -> SegmentHead | None:
        """The first that can be read; a recorder that was killed at once leaves none."""
        for path in paths:
            try:
                first = next(read_segment(path), None)
            except DamagedSegmentError as damage:
                self._damaged[path] = str(damage)
            else:
                if first is not None:
                    return read_head(first)
        return None
