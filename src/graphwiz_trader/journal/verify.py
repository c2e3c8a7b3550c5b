"""Is a journal whole? Every record's checksum, the order of its segments, and how the session ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from graphwiz_trader.journal.errors import JournalCorruptError, JournalMissingError
from graphwiz_trader.journal.layout import Record, read_header, segment_numbers, segment_path
from graphwiz_trader.journal.reader import JournalReader, Seal, SegmentReader


class End(Enum):
    """How a journal ends."""

    CLOSED = "closed"
    CONTINUES = "continues in the next segment"
    WRITING = "still being written"
    KILLED = "not closed: its writer was killed"
    DAMAGED = "damaged"


@dataclass(frozen=True)
class Verification:
    """What a journal holds, and whether all of it is intact. Counts and times are of the records before any damage."""

    path: Path
    session: str
    segments: int
    counts: dict[int, int]
    """Records by kind number."""
    first_time_ns: int | None
    last_time_ns: int | None
    end: End
    damage: JournalCorruptError | None

    @property
    def records(self) -> int:
        return sum(self.counts.values())

    @property
    def intact(self) -> bool:
        """A killed writer leaves an intact journal too: every record that it completed."""
        return self.damage is None


class _Tally:
    """Counts records until they end or turn out damaged."""

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()
        self.first_time_ns: int | None = None
        self.last_time_ns: int | None = None
        self.damage: JournalCorruptError | None = None

    def take(self, records: Iterator[Record]) -> None:
        try:
            for record in records:
                self.counts[record.kind] += 1
                self.last_time_ns = record.time_ns
                if self.first_time_ns is None:
                    self.first_time_ns = record.time_ns
        except JournalCorruptError as error:
            self.damage = error

    def verification(self, path: Path, session: str, segments: int, end: End) -> Verification:
        return Verification(
            path=path,
            session=session,
            segments=segments,
            counts=dict(sorted(self.counts.items())),
            first_time_ns=self.first_time_ns,
            last_time_ns=self.last_time_ns,
            end=End.DAMAGED if self.damage else end,
            damage=self.damage,
        )


def verify(directory: Path) -> Verification:
    """Read the whole journal. JournalMissingError when there is none, or segments of it were deleted."""
    numbers = segment_numbers(directory)
    if not numbers:
        raise JournalMissingError(f"no journal in {directory}: it holds no segment with records")
    reader = JournalReader(directory)
    tally = _Tally()
    being_written = reader.being_written()
    tally.take(reader.records())
    end = End.CLOSED if reader.ended else End.WRITING if being_written else End.KILLED
    return tally.verification(directory, _session(directory, numbers), len(numbers), end)


def verify_segment(path: Path) -> Verification:
    """Read one segment file on its own. JournalMissingError when it is not there or was never begun."""
    tally = _Tally()
    with SegmentReader(path) as segment:
        tally.take(segment.records())
        ends = {Seal.ENDS: End.CLOSED, Seal.CONTINUES: End.CONTINUES}
        being_written = JournalReader(path.parent).being_written()
        end = ends.get(segment.seal, End.WRITING if being_written else End.KILLED)
        return tally.verification(path, segment.header.session, 1, end)


def _session(directory: Path, numbers: list[int]) -> str:
    """The session's name; empty when the first header is damaged, which reading reports."""
    try:
        header = read_header(segment_path(directory, numbers[0]))
    except JournalCorruptError:
        return ""
    return header.session if header else ""
