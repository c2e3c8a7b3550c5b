"""One exchange's segments as they are written: block by block, a new file when one is large or old enough."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple

import zstandard

from graphwiz_trader.recording.errors import RecorderError, RecorderFullError
from graphwiz_trader.recording.layout import SegmentHead, block_prefix, head_record, segment_path

_LEVEL = 1
"""On recorded frames level 1 packs as well as 3, at 700 MB/s; 6 gains a twentieth and costs five times as much."""
_SYNC_EVERY_NS = 1_000_000_000
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Rotation(NamedTuple):
    """When a segment is followed by the next: at so many bytes on disk, or after so long."""

    bytes: int = 256 << 20
    seconds: float = 3600.0


class Segments:
    """Appends blocks of records. ``head(number)`` makes a segment's head. Used by one thread.

    A block that was appended survives the end of this process at once, and that of the machine after a second.
    """

    def __init__(self, directory: Path, head: Callable[[int], SegmentHead], rotation: Rotation) -> None:
        self._directory = directory
        self._head = head
        self._rotation = rotation
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True, write_content_size=True)
        self._file: IO[bytes] | None = None
        self._path = directory
        self._file_bytes = 0
        self._began_ns = self._synced_ns = 0
        self.count = 0
        """Segments begun."""
        self.disk_bytes = 0

    def append(self, block: bytes, time_ns: int) -> None:
        """Write a block whose first record came at ``time_ns``. Raises RecorderError; the block is then not there."""
        if self._file is None or self._is_full(time_ns):
            self._begin(time_ns)
        self._write(block)
        if time_ns - self._synced_ns >= _SYNC_EVERY_NS:
            self._sync(time_ns)

    def close(self) -> None:
        """Finish the last segment. Raises RecorderError when what was written cannot be kept."""
        if self._file is not None:
            try:
                self._sync(self._synced_ns)
            finally:
                self._file.close()
                self._file = None

    def _is_full(self, time_ns: int) -> bool:
        age_s = (time_ns - self._began_ns) / 1e9
        return self._file_bytes >= self._rotation.bytes or age_s >= self._rotation.seconds

    def _begin(self, time_ns: int) -> None:
        self.close()
        head = self._head(self.count)
        self._path = segment_path(self._directory, head.exchange, head.session, head.segment)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("xb", buffering=0)
        except OSError as problem:
            raise self._error(problem) from None
        self.count += 1
        self._file_bytes = 0
        self._began_ns = self._synced_ns = time_ns
        self._write(head_record(time_ns, head))

    def _write(self, block: bytes) -> None:
        """All of it or nothing: what a full disk has taken of a block is cut off again."""
        assert self._file is not None
        compressed = self._compressor.compress(block)
        left = memoryview(block_prefix(len(compressed)) + compressed)
        size_bytes = len(left)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as problem:
            self._file.truncate(self._file_bytes)
            raise self._error(problem) from None
        self._file_bytes += size_bytes
        self.disk_bytes += size_bytes

    def _sync(self, time_ns: int) -> None:
        assert self._file is not None
        self._synced_ns = time_ns
        try:
            os.fdatasync(self._file.fileno())
        except OSError as problem:
            raise self._error(problem) from None

    def _error(self, problem: OSError) -> RecorderError:
        if problem.errno in _FULL:
            return RecorderFullError(
                f"{self._path}: the disk takes no more ({problem.strerror}); every block written before is readable. "
                "Make room, or record to another disk with --out"
            )
        return RecorderError(f"{self._path}: {problem.strerror}; record to another place with --out")
