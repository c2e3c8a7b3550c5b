"""msgspec with typed Structs: the fastest JSON decoding that a Python programmer has at hand, without a book."""

from __future__ import annotations

import msgspec


class _Depth(msgspec.Struct, gc=False):
    e: str
    E: int
    s: str
    U: int
    u: int
    b: list[tuple[str, str]]
    a: list[tuple[str, str]]
    pu: int = 0


class _DepthEnvelope(msgspec.Struct, gc=False):
    stream: str
    data: _Depth


class _Ticker(msgspec.Struct, gc=False):
    u: int
    s: str
    b: str
    B: str
    a: str
    A: str


class _TickerEnvelope(msgspec.Struct, gc=False):
    stream: str
    data: _Ticker


class _Trade(msgspec.Struct, gc=False):
    e: str
    E: int
    s: str
    t: int
    p: str
    q: str
    m: bool


class _TradeEnvelope(msgspec.Struct, gc=False):
    stream: str
    data: _Trade


decode_depth = msgspec.json.Decoder(_DepthEnvelope).decode
decode_ticker = msgspec.json.Decoder(_TickerEnvelope).decode
decode_trade = msgspec.json.Decoder(_TradeEnvelope).decode
