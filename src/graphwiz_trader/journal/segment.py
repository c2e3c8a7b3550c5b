"""One segment file while it is written: allocated, mapped and touched first, then filled, sealed and let go."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

import numpy as np

from graphwiz_trader.hft.kernels.jit import direct
from graphwiz_trader.hft.kernels.journal_append import (
    APPEND_ARGUMENTS,
    CURSOR_WORD,
    LIMIT_WORD,
    SEAL_KIND,
    append_record,
)
from graphwiz_trader.journal.layout import (
    MAGIC,
    RECORD_HEADER_BYTES,
    SEAL_BYTES,
    SEGMENT_HEADER_BYTES,
    WORD_BYTES,
    SegmentHeader,
    pack_identity,
    pack_limit_and_cursor,
    segment_path,
)

_SEGMENT_HEADER_WORDS = SEGMENT_HEADER_BYTES // WORD_BYTES
_SEAL_WORDS = SEAL_BYTES // WORD_BYTES


def segment_bytes_for(payload_bytes: int) -> int:
    """The size of a segment that holds one record of this payload: whole pages."""
    needed = SEGMENT_HEADER_BYTES + RECORD_HEADER_BYTES + payload_bytes + WORD_BYTES + SEAL_BYTES
    return -(-needed // mmap.PAGESIZE) * mmap.PAGESIZE


class WritableSegment:
    """A new segment file, mapped. ``address`` is where ``append_record`` finds it.

    FileExistsError when the file exists; OSError (ENOSPC, EFBIG, EDQUOT) when the disk has no room for it, and no
    file is left behind then.
    """

    def __init__(self, directory: Path, number: int, size_bytes: int) -> None:
        self.path = segment_path(directory, number)
        self.number = number
        self.size_bytes = size_bytes
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        try:
            os.posix_fallocate(descriptor, 0, size_bytes)
            self._map = mmap.mmap(descriptor, size_bytes)
        except BaseException:
            self.path.unlink()
            raise
        finally:
            os.close(descriptor)
        self._words = np.frombuffer(self._map, dtype="<u8")
        self._words[:: mmap.PAGESIZE // WORD_BYTES] = 0  # the page faults happen here, not at the appends
        self.address = int(self._words.ctypes.data)
        self._append = direct(append_record, APPEND_ARGUMENTS)

    def fits(self, payload_bytes: int) -> bool:
        """Whether one record of this payload fits into the segment while it is empty."""
        return segment_bytes_for(payload_bytes) <= self.size_bytes

    def begin(self, session: str, first_time_ns: int) -> None:
        """Write the header. Its magic comes last, so that a reader sees a header that is complete or none."""
        identity = pack_identity(SegmentHeader(session, self.number, first_time_ns))
        limit_word = len(self._words) - _SEAL_WORDS
        rest = identity + pack_limit_and_cursor(limit_word, _SEGMENT_HEADER_WORDS)
        self._map[len(MAGIC) : SEGMENT_HEADER_BYTES] = rest[len(MAGIC) :]
        self._words[0] = int.from_bytes(MAGIC, "little")

    def seal(self, source: int) -> None:
        """End the segment; ``source`` is one of ``layout.SEAL_…``. The room for it was kept back."""
        self._words[LIMIT_WORD] = len(self._words)
        sealed = self._append(self.address, SEAL_KIND, source, 0, b"")
        assert sealed, f"no room for the seal at byte {self.used_bytes()} of {self.size_bytes}"

    def used_bytes(self) -> int:
        return int(self._words[CURSOR_WORD]) * WORD_BYTES

    def release(self) -> None:
        """Let go of the memory; the file stays. Nothing may be appended any more."""
        self.address = 0
        del self._words
        self._map.close()

    def discard(self) -> None:
        """Let go of the memory and remove the file, of a segment that was never begun."""
        self.release()
        self.path.unlink(missing_ok=True)

    def finish(self) -> None:
        """Release the last segment: give the unused rest back to the disk and wait until the disk has the file."""
        used_bytes = self.used_bytes()
        self.release()
        with self.path.open("r+b") as file:
            file.truncate(used_bytes)
            os.fsync(file.fileno())
