"""Segments read back: block by block, up to where one is torn or damaged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import zstandard

from graphwiz_trader.recording.errors import DamagedSegmentError
from graphwiz_trader.recording.layout import (
    HEAD,
    MAX_BLOCK_BYTES,
    PREFIX_BYTES,
    READABLE,
    SEGMENT_START,
    SUFFIX,
    SegmentHead,
    SegmentRecord,
    block_length,
    records_of,
)


def is_segment(path: Path) -> bool:
    """Whether a file begins as a segment does. A segment that nothing was written to is an empty file."""
    with path.open("rb") as file:
        start = file.read(len(SEGMENT_START))
    return start == SEGMENT_START or (not start and path.name.endswith(SUFFIX))


def segments_in(directory: Path) -> dict[str, list[Path]]:
    """The segments of a recording by exchange, in the order written; empty when the directory holds none."""
    found: dict[str, list[Path]] = {}
    for path in sorted(directory.glob(f"*/*{SUFFIX}")):
        found.setdefault(path.parent.name, []).append(path)
    return found


def read_segment(path: Path) -> Iterator[SegmentRecord]:
    """Every record, the head first. Raises DamagedSegmentError behind the last whole block.

    A block that is not whole at the end of a file is what ``kill -9`` leaves.
    """
    lines = 1
    for number, block in enumerate(_blocks(path)):
        records = records_of(block)
        if number == 0:
            first = next(records, None)
            if first is None or first.kind != HEAD:
                raise DamagedSegmentError("a segment begins with its head, this one does not")
            lines = read_head(first).lines
            yield first
        for record in records:
            if record.line >= lines:
                raise DamagedSegmentError(f"a record of line {record.line} in a segment of {lines} lines")
            yield record


def read_head(record: SegmentRecord) -> SegmentHead:
    """What a segment says of itself. Raises DamagedSegmentError for a format that this version does not read."""
    try:
        head = msgspec.json.decode(record.payload, type=SegmentHead)
    except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise DamagedSegmentError(f"the head of the segment cannot be read: {problem}") from None
    if head.format not in READABLE:
        raise DamagedSegmentError(f"the segment is of format {head.format}; this version reads {READABLE}")
    return head


def _blocks(path: Path) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor()
    with path.open("rb") as file:
        while prefix := file.read(PREFIX_BYTES):
            at = file.tell() - len(prefix)
            if len(prefix) < PREFIX_BYTES:
                raise DamagedSegmentError(f"the block at byte {at} was not written to its end")
            length = block_length(prefix)
            compressed = file.read(length)
            if len(compressed) < length:
                raise DamagedSegmentError(f"the block at byte {at} was not written to its end")
            try:
                if not 0 <= zstandard.frame_content_size(compressed) <= MAX_BLOCK_BYTES:
                    raise DamagedSegmentError(f"the block at byte {at} does not say its size, or is too large")
                yield decompressor.decompress(compressed)
            except zstandard.ZstdError as problem:
                raise DamagedSegmentError(f"the block at byte {at} is damaged: {problem}") from None
