"""The reading end of a journal: every complete record in order, live or afterwards, from any process.

Files are read with ``pread`` into private copies, never mapped: a file that is cut short under a reader is then an
error and not a SIGBUS, and what was checked cannot change before it is used.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from enum import Enum
from functools import partial
from pathlib import Path
from types import TracebackType

import numpy as np

from graphwiz_trader.hft.kernels.journal_scan import (
    ROW_COLUMNS,
    ROW_SOURCE,
    SCAN_SEAL,
    SCAN_WRONG,
    scan_records,
)
from graphwiz_trader.journal.errors import JournalCorruptError, JournalMissingError
from graphwiz_trader.journal.layout import (
    CURSOR_OFFSET,
    SEAL_CONTINUES,
    SEAL_ENDS,
    SEGMENT_HEADER_BYTES,
    WORD_BYTES,
    Record,
    SegmentHeader,
    header_of,
    is_being_written,
    read_header,
    segment_numbers,
    segment_path,
)

_CHUNK_BYTES = 128 << 10
_ROWS = 512
"""Records of one piece at most: few enough that they do not set off Python's garbage collector, which would cost more
than reading them."""
_make_record = partial(tuple.__new__, Record)


class Seal(Enum):
    """How a segment ends, as far as it has been read."""

    NONE = 0
    CONTINUES = SEAL_CONTINUES
    ENDS = SEAL_ENDS


class SegmentReader:
    """Reads one segment file from its first record on, while it is written or later. Close it after use.

    JournalMissingError when there is no such file or its writer has not begun it; JournalCorruptError when it is not
    a segment.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise JournalMissingError(f"no journal segment {path}") from error
        try:
            header = header_of(path, self._descriptor)
        except JournalCorruptError:
            self.close()
            raise
        if header is None:
            self.close()
            raise JournalMissingError(f"{path} is not begun: its writer was still preparing it")
        self.header: SegmentHeader = header
        self.seal = Seal.NONE
        self.offset = SEGMENT_HEADER_BYTES
        """Where the next record begins: everything before is complete and proven."""
        self._rows = np.empty((_ROWS, ROW_COLUMNS), dtype=np.int64)

    def read(self) -> list[Record]:
        """The next records, as many as one piece of the file holds; [] when there are none yet, or after the seal.

        JournalCorruptError as soon as a record is damaged; the records before it were returned by earlier calls.
        """
        if self.seal is not Seal.NONE or not self._has_more():
            return []
        return self._scan(_CHUNK_BYTES)

    def records(self) -> Iterator[Record]:
        """The complete records from here on."""
        while batch := self.read():
            yield from batch

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> SegmentReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _word(self, offset: int) -> int:
        """One word of the file; 0 past its last whole word."""
        word = os.pread(self._descriptor, WORD_BYTES, offset)
        return int.from_bytes(word, "little") if len(word) == WORD_BYTES else 0

    def _has_more(self) -> bool:
        """Whether the next commit word is there.

        The writer moves its cursor past a record only after storing the record's commit word. So a word that is
        still missing after the cursor was seen behind it was lost.
        """
        if self._word(self.offset):
            return True
        if self._word(CURSOR_OFFSET) * WORD_BYTES <= self.offset:
            return False
        if self._word(self.offset):
            return True
        raise JournalCorruptError(self.path, self.offset, "a record is missing that the segment's cursor has passed")

    def _scan(self, piece_bytes: int) -> list[Record]:
        """The whole records of one piece at ``offset``.

        The first record's commit word was seen before the piece is copied, so that record is complete in it and a
        wrong checksum is damage. A later one may have been copied half written: it is the first of the next piece.
        """
        piece = os.pread(self._descriptor, piece_bytes, self.offset)
        words = np.frombuffer(piece, dtype="<u8", count=len(piece) // WORD_BYTES)
        count, consumed, outcome = scan_records(words, self.offset // WORD_BYTES, self._rows)
        if count == 0:
            size = int(words[0]) & 0xFFFFFFFF
            if outcome == SCAN_WRONG:
                raise JournalCorruptError(self.path, self.offset, f"size ({size} bytes) or checksum are wrong")
            padded_bytes = -(-size // WORD_BYTES) * WORD_BYTES
            if padded_bytes > os.fstat(self._descriptor).st_size - self.offset:
                raise JournalCorruptError(self.path, self.offset, f"a record of {size} bytes ends behind the file")
            return self._scan(padded_bytes)
        if outcome == SCAN_SEAL:
            count -= 1
            self.seal = Seal(int(self._rows[count, ROW_SOURCE]))
        self.offset += consumed * WORD_BYTES
        kinds, sources, times_ns, starts, ends = self._rows[:count].T.tolist()
        payloads = [piece[start:end] for start, end in zip(starts, ends, strict=True)]
        return list(map(_make_record, zip(kinds, sources, times_ns, payloads, strict=True)))


class JournalReader:
    """Reads the journal in ``directory``, which may still be written, may be empty so far, or may be years old.

    Each iterator begins at segment ``first_segment`` and keeps at most one piece of the file in memory.

    JournalMissingError when there is no such directory, or a segment was deleted that an iterator needs;
    JournalCorruptError at the first damaged record, after all records before it.
    """

    def __init__(self, directory: Path, *, first_segment: int = 0) -> None:
        if not directory.is_dir():
            raise JournalMissingError(f"no journal directory {directory}")
        self.directory = directory
        self.ended = False
        """Whether an iterator has come to the end of a journal that was closed; nothing follows then."""
        self._first_segment = first_segment

    def records(self) -> Iterator[Record]:
        """All complete records so far, in order."""
        number = self._first_segment
        while (segment := self._open(number)) is not None:
            with segment:
                yield from segment.records()
                if segment.seal is Seal.NONE:
                    if read_header(segment_path(self.directory, number + 1)) is None:
                        return
                    # A segment is begun after the one before it was sealed: the rest was written just now.
                    yield from segment.records()
                if segment.seal is Seal.NONE:
                    raise JournalCorruptError(segment.path, segment.offset, "the segment goes on, the seal is missing")
                if segment.seal is Seal.ENDS:
                    self.ended = True
                    return
            number += 1

    def follow(self) -> Iterator[Record | None]:
        """All records, as they come; None each time there is nothing new, so that the caller waits. Never ends."""
        number = self._first_segment
        seal = Seal.NONE
        while seal is not Seal.ENDS:
            segment = self._open(number)
            if segment is None:
                yield None
                continue
            with segment:
                while segment.seal is Seal.NONE:
                    batch = segment.read()
                    yield from batch
                    if not batch and segment.seal is Seal.NONE:
                        yield None
                seal = segment.seal
            number += 1
        self.ended = True
        while True:
            yield None

    def being_written(self) -> bool:
        """Whether a living process is writing this journal."""
        return is_being_written(self.directory)

    def _open(self, number: int) -> SegmentReader | None:
        """The segment; None while its writer has not begun it."""
        path = segment_path(self.directory, number)
        try:
            segment = SegmentReader(path)
        except JournalMissingError:
            later = [other for other in segment_numbers(self.directory) if other > number]
            if not later:
                if not self.directory.is_dir():
                    raise JournalMissingError(f"the journal directory {self.directory} was deleted") from None
                return None
            segment = self._open_before(path, later[0])  # it may have been begun just now, and the next one too
        if segment.header.number != number:
            segment.close()
            raise JournalCorruptError(path, 0, f"the file holds segment {segment.header.number}")
        return segment

    def _open_before(self, path: Path, later: int) -> SegmentReader:
        """A segment that was begun for certain, since segment ``later`` was."""
        try:
            return SegmentReader(path)
        except JournalMissingError as error:
            if path.exists():
                raise JournalCorruptError(path, 0, "its header is missing, and segments follow") from error
            raise JournalMissingError(f"{path} was deleted; the oldest segment after it is {later}") from error
