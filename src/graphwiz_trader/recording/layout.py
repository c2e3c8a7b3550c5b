"""What a recording looks like on disk: directories of segments, segments of blocks, blocks of records.

::

    <directory>/<exchange>/<session>-<number>.gwr.zst        a segment; names sort by time

A segment is a row of blocks. A block is one whole zstd frame, behind a skippable frame that says how long it is: each
block can be read without any other, a torn one is told by its length, a damaged one by zstd's checksum. A segment is
an ordinary .zst file too, so ``zstd -dc`` prints it.

A block is a row of records, none of which crosses its end::

    <receive time, ns> <kind> <length of payload> <payload>\\n

The length makes it lossless for payloads of any bytes; the text makes it readable for people and ``grep``. Kinds:

==================  ================================================================
``head``            a segment's first record: JSON of `SegmentHead`
``frame``           a frame of the market data stream, as it came
``frame@1``         the same by another of the exchange's parallel lines; without a number it is line 0
``snapshot=BTCUSDT``  the answer to a snapshot request, by the venue's symbol
``up``, ``down``    the line came up, or broke, with the reason; ``up@1`` and ``down@1`` of another line
==================  ================================================================

Format 1 knew no lines: its records are all of line 0.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec

from graphwiz_trader.hft.instruments import Instrument
from graphwiz_trader.recording.errors import DamagedSegmentError

FORMAT = 2
READABLE = (1, 2)
SUFFIX = ".gwr.zst"

# A skippable frame (RFC 8878, 3.1.2): magic, length of what is skipped, then our mark and the length of the block.
_PREFIX = struct.Struct("<II4sI")
_SKIPPABLE_MAGIC = 0x184D2A57
_SKIPPED_BYTES = 8
_MARK = b"gwr1"
PREFIX_BYTES = _PREFIX.size
SEGMENT_START = _PREFIX.pack(_SKIPPABLE_MAGIC, _SKIPPED_BYTES, _MARK, 0)[: PREFIX_BYTES - 4]
"""How every segment begins."""
MAX_BLOCK_BYTES = 64 << 20
"""A writer stays far below; a reader takes no more, whatever a file claims."""

MAX_LINES = 16
"""Of one exchange: a reader takes no more, whatever a head claims."""

HEAD, FRAME, UP, DOWN = "head", "frame", "up", "down"
_SNAPSHOT = "snapshot="
_RECORD = re.compile(rb"(\d{1,19}) (?:(head)|(frame|up|down)(?:@(\d{1,3}))?|snapshot=([^ \n]{1,64})) (\d{1,9}) ")


class SegmentHead(msgspec.Struct, frozen=True, kw_only=True):
    """What a segment says of itself. ``segment`` counts from 0 in a session; the rules are those of that day."""

    format: int
    exchange: str
    session: str
    segment: int
    version: str
    instruments: tuple[Instrument, ...]
    wire: str = ""
    """Whose protocol the frames speak, the name of a decoder; empty, as in older segments: the exchange's."""
    lines: Annotated[int, msgspec.Meta(ge=1, le=MAX_LINES)] = 1
    """How many lines the frames may have come by, the spare one included; their numbers are below it."""

    @property
    def spoken(self) -> str:
        return self.wire or self.exchange


class SegmentRecord(NamedTuple):
    """One record. ``symbol`` is that of a snapshot, else empty; its ``kind`` is then ``snapshot``.

    ``line``: which of the exchange's parallel lines a frame came by, came up or broke; 0 for everything else.
    """

    time_ns: int
    kind: str
    symbol: str
    payload: bytes
    line: int = 0


def frame_record(time_ns: int, payload: bytes, line: int = 0) -> bytes:
    if line:
        return b"%d frame@%d %d %b\n" % (time_ns, line, len(payload), payload)
    return b"%d frame %d %b\n" % (time_ns, len(payload), payload)


def snapshot_record(time_ns: int, symbol: str, payload: bytes) -> bytes:
    return b"%d snapshot=%b %d %b\n" % (time_ns, symbol.encode(), len(payload), payload)


def line_record(time_ns: int, up: bool, reason: str, line: int = 0) -> bytes:
    text = reason.encode()
    kind = b"up" if up else b"down"
    return b"%d %b %d %b\n" % (time_ns, b"%b@%d" % (kind, line) if line else kind, len(text), text)


def head_record(time_ns: int, head: SegmentHead) -> bytes:
    text = msgspec.json.encode(head)
    return b"%d head %d %b\n" % (time_ns, len(text), text)


def records_of(block: bytes) -> Iterator[SegmentRecord]:
    """The records of a block. Raises DamagedSegmentError where it holds something else."""
    position = 0
    while position < len(block):
        start = _RECORD.match(block, position)
        if start is None:
            raise DamagedSegmentError(f"no record at byte {position} of a block: {block[position : position + 40]!r}")
        _, head, kind, line, symbol, length = start.groups()
        end = start.end() + int(length)
        if block[end : end + 1] != b"\n":
            raise DamagedSegmentError(f"the record at byte {position} of a block is longer or shorter than it says")
        name = (head or kind or b"snapshot").decode("ascii")
        snapshot_of = symbol.decode("utf-8", "replace") if symbol else ""
        yield SegmentRecord(int(start[1]), name, snapshot_of, block[start.end() : end], int(line or 0))
        position = end + 1


def block_prefix(compressed_bytes: int) -> bytes:
    """What stands before a block of that length."""
    return _PREFIX.pack(_SKIPPABLE_MAGIC, _SKIPPED_BYTES, _MARK, compressed_bytes)


def block_length(prefix: bytes) -> int:
    """The length that a prefix gives. Raises DamagedSegmentError for bytes that are none."""
    magic, skipped, mark, length = _PREFIX.unpack(prefix)
    if (magic, skipped, mark) != (_SKIPPABLE_MAGIC, _SKIPPED_BYTES, _MARK) or length > MAX_BLOCK_BYTES:
        raise DamagedSegmentError(f"expected the start of a block, found {prefix!r}")
    return int(length)


def session_of(path: Path) -> str:
    """The session that a segment is of, by its name."""
    return path.name.removesuffix(SUFFIX).rpartition("-")[0]


def segment_path(directory: Path, exchange: str, session: str, segment: int) -> Path:
    return directory / exchange / f"{session}-{segment:06d}{SUFFIX}"
