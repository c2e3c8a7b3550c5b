"""Which records of a journal are wanted: by kind and time, from the front, from the back, or as they come."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from graphwiz_trader.journal.layout import Record, read_header, segment_numbers, segment_path
from graphwiz_trader.journal.reader import JournalReader, SegmentReader

FOLLOW_PAUSE_S = 0.05


@dataclass(frozen=True)
class Wanted:
    """A record's kind is one of ``kinds`` (empty: any) and its time lies in since_ns…until_ns, both included."""

    kinds: frozenset[int] = frozenset()
    since_ns: int | None = None
    until_ns: int | None = None

    def __call__(self, record: Record) -> bool:
        return (
            (not self.kinds or record.kind in self.kinds)
            and (self.since_ns is None or record.time_ns >= self.since_ns)
            and (self.until_ns is None or record.time_ns <= self.until_ns)
        )


def in_order(path: Path, wanted: Wanted) -> Iterator[Record]:
    """The wanted records of a journal's directory or of one segment file, from the oldest that is still there."""
    if path.is_file():
        with SegmentReader(path) as segment:
            yield from filter(wanted, segment.records())
    else:
        reader = JournalReader(path, first_segment=_first_segment(path, wanted))
        yield from filter(wanted, reader.records())


def last(path: Path, wanted: Wanted, count: int) -> list[Record]:
    """The last ``count`` wanted records, in order; reads from the newest segment backwards, only as far as needed."""
    files = [path] if path.is_file() else [segment_path(path, number) for number in segment_numbers(path)]
    found: list[Record] = []
    while files and len(found) < count:
        with SegmentReader(files.pop()) as segment:
            tail = deque(filter(wanted, segment.records()), maxlen=count - len(found))
        found[:0] = tail
    return found


def as_they_come(
    directory: Path, wanted: Wanted, count: int | None, wait: Callable[[], None] = lambda: time.sleep(FOLLOW_PAUSE_S)
) -> Iterator[Record]:
    """The wanted records so far (the last ``count`` of them), then new ones, until the journal's writer is gone."""
    reader = JournalReader(directory, first_segment=_first_segment(directory, wanted))
    backlog: deque[Record] | None = deque(maxlen=count) if count is not None else None
    writer_gone = False
    for record in reader.follow():
        if record is None:
            if backlog is not None:
                yield from backlog
                backlog = None
            if reader.ended or writer_gone:
                return
            writer_gone = not reader.being_written()  # what it wrote last is read once more before this ends
            wait()
        elif wanted(record):
            if backlog is None:
                yield record
            else:
                backlog.append(record)


def _first_segment(directory: Path, wanted: Wanted) -> int:
    """The oldest segment that is still there, or the newest that begins before the wanted time."""
    numbers = segment_numbers(directory)
    first = numbers[0] if numbers else 0
    if wanted.since_ns is None:
        return first
    for number in numbers:
        header = read_header(segment_path(directory, number))
        if header is None or header.first_time_ns >= wanted.since_ns:
            break
        first = number
    return first
