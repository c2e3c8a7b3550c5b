"""Which stream a binary (SBE) message belongs to, as far as a connection has to know it: for hearing that it has begun.

Source: Binance spot API docs, "SBE Market Data Streams". What a message means is the decoder's business
(`hft.kernels.sbe`); its layout is told there.
"""

from __future__ import annotations

from struct import Struct
from struct import error as StructError  # noqa: N812  # the module calls it so

_HEADER = Struct("<HHH")
"""Length of the root block, template, schema; a version follows."""
_HEADER_BYTES = 8
_SCHEMA = 1
_FEW, _MANY = Struct("<HH"), Struct("<HI")
"""How long a group's entries are, and how many."""
_TEMPLATES: dict[int, tuple[str, tuple[Struct, ...]]] = {
    10000: ("trade", (_MANY,)),
    10001: ("bestBidAsk", ()),
    10002: ("depth20", (_FEW, _FEW)),
    10003: ("depth", (_FEW, _FEW)),
}


def stream_of(frame: bytes) -> str:
    """``btcusdt@depth``; empty for what cannot be told."""
    try:
        root_bytes, template, schema = _HEADER.unpack_from(frame)
        if schema != _SCHEMA or template not in _TEMPLATES:
            return ""
        stream, groups = _TEMPLATES[template]
        position = _HEADER_BYTES + root_bytes
        for group in groups:
            entry_bytes, count = group.unpack_from(frame, position)
            position += group.size + entry_bytes * count
        symbol = frame[position + 1 : position + 1 + frame[position]]
        return f"{symbol.decode().lower()}@{stream}"
    except (StructError, IndexError, UnicodeDecodeError):
        return ""
