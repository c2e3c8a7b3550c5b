"""How a journal lies on disk: one directory a session, numbered segment files in it, records in those.

A segment is a file of a fixed size, allocated before it is mapped, so that a full disk is an error when the
segment is made and never a SIGBUS when it is written. It begins with a header of 16 words of 8 bytes, all little
endian:

    word 0       magic; written last, so a segment without it is still being prepared
    word 1       format version (u32), the segment's number (u32)
    word 2       time_ns of the segment's first record
    words 3–12   session name, UTF-8, zero padded
    word 13      CRC-32 of words 0–12
    word 14      limit: the word before which ordinary records end, leaving room for the seal
    word 15      cursor: the first free word

Records follow without gaps (their form: ``hft.kernels.journal_append``), zeros after them. The last record of a
finished segment is the **seal**, kind ``SEAL_KIND``, no payload: source ``SEAL_CONTINUES`` when the next segment
follows, ``SEAL_ENDS`` when the session was closed. A record larger than a segment's room gets a segment of its own
size.

The journal survives the death of its process at any instruction: the pages belong to the kernel. When the machine
itself loses power, the kernel may not have written the last half minute; what is missing then is detected.
"""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

from graphwiz_trader.journal.errors import JournalCorruptError

MAGIC = b"gwjournl"
VERSION = 1
SUFFIX = ".gwj"

WORD_BYTES = 8
SEGMENT_HEADER_BYTES = 16 * WORD_BYTES
RECORD_HEADER_BYTES = 24
SEAL_BYTES = RECORD_HEADER_BYTES

PAYLOAD_BYTES_MAX = 1 << 30
SESSION_BYTES_MAX = 80

SEAL_CONTINUES = 1
SEAL_ENDS = 2

_IDENTITY = struct.Struct("<8sIIq80s")
_CRC = struct.Struct("<Q")
_LIMIT_AND_CURSOR = struct.Struct("<QQ")
CURSOR_OFFSET = 15 * WORD_BYTES


class Record(NamedTuple):
    """One record as it was appended; ``kind`` is a number of ``hft.events.RecordKind``."""

    kind: int
    source: int
    time_ns: int
    payload: bytes


class SegmentHeader(NamedTuple):
    """What a segment says about itself."""

    session: str
    number: int
    first_time_ns: int


def segment_path(directory: Path, number: int) -> Path:
    return directory / f"{number:08d}{SUFFIX}"


def pack_identity(header: SegmentHeader) -> bytes:
    """Words 0–13 of a segment; ValueError when the session's name is too long."""
    session = header.session.encode()
    if len(session) > SESSION_BYTES_MAX:
        raise ValueError(f"session name of {len(session)} bytes, at most {SESSION_BYTES_MAX} fit: {header.session!r}")
    identity = _IDENTITY.pack(MAGIC, VERSION, header.number, header.first_time_ns, session)
    return identity + _CRC.pack(zlib.crc32(identity))


def pack_limit_and_cursor(limit: int, cursor: int) -> bytes:
    """Words 14 and 15, both word indices."""
    return _LIMIT_AND_CURSOR.pack(limit, cursor)


def read_header(path: Path) -> SegmentHeader | None:
    """The header of the segment ``path``; None when there is no such file or its writer has not begun it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        return header_of(path, descriptor)
    finally:
        os.close(descriptor)


def header_of(path: Path, descriptor: int) -> SegmentHeader | None:
    """The header of the open segment ``path``; None while its writer has not begun it.

    JournalCorruptError when it is not a segment of this format.
    """
    # The magic is seen before the rest is copied: its writer stores it last, so the rest is complete.
    if not any(os.pread(descriptor, len(MAGIC), 0)):
        return None
    head = os.pread(descriptor, SEGMENT_HEADER_BYTES, 0)
    if len(head) < SEGMENT_HEADER_BYTES:
        raise JournalCorruptError(path, len(head), "the file ends inside the segment's header")
    magic, version, number, first_time_ns, session = _IDENTITY.unpack_from(head)
    if magic != MAGIC:
        raise JournalCorruptError(path, 0, f"it begins with {magic!r}, a journal segment with {MAGIC!r}")
    if version != VERSION:
        raise JournalCorruptError(path, 8, f"format version {version}, this program reads version {VERSION}")
    if _CRC.unpack_from(head, _IDENTITY.size) != (zlib.crc32(head[: _IDENTITY.size]),):
        raise JournalCorruptError(path, 0, "the checksum of the segment's header is wrong")
    return SegmentHeader(session.rstrip(b"\0").decode(), number, first_time_ns)


def segment_numbers(directory: Path) -> list[int]:
    """The numbers of the begun segments, ascending; [] for a directory without any."""
    if not directory.is_dir():
        return []
    stems = (path.stem for path in directory.glob(f"*{SUFFIX}"))
    numbers = sorted(int(stem) for stem in stems if stem.isdecimal())
    if numbers and not _is_begun(segment_path(directory, numbers[-1])):
        numbers.pop()
    return numbers


def used_bytes(path: Path) -> int:
    """How much of a segment holds records so far, as its cursor says."""
    with path.open("rb") as file:
        file.seek(CURSOR_OFFSET)
        return int.from_bytes(file.read(WORD_BYTES), "little") * WORD_BYTES


def _is_begun(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return any(file.read(len(MAGIC)))
    except FileNotFoundError:
        return False


def lock_for_writing(directory: Path) -> int:
    """Mark the directory as being written by this process, until the returned descriptor is closed or it dies."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def is_being_written(directory: Path) -> bool:
    """Whether a living process holds the directory open for writing."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
