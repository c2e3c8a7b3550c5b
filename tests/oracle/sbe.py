"""Binance's binary market data by ``struct`` and ``Fraction``: which messages are to be accepted, and what they mean.

A frame is a JSON text, which is Control, or a message of schema 1: header, root block, groups, symbol. The root block
and a group's entries may be longer than known; a message of version 0 ends with its symbol, of a later one it may go
on. Ids and times are not negative. A level's price is above 0; a trade's price and size are; a best bid or offer is
both or neither, and they do not cross. A value has at most 18 digits down to its step's last decimal.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction

from .decoder import MAX_DIGITS, MAX_LEVELS, Control, Level, Refused, Rules, Ticker
from .json_bytes import Object, RefusalError, parse
from .okx import Trades

_KNOWN_ROOT = {10000: "<qqbb", 10001: "<qqbbqqqq", 10002: "<qqbb", 10003: "<qqqbb"}


@dataclass(frozen=True)
class Depth:
    symbol: str
    is_snapshot: bool
    event_ms: int
    first_id: int
    final_id: int
    bids: list[Level]
    asks: list[Level]


Decoded = Depth | Ticker | Trades | Control | Refused


def decode(frame: bytes, symbols: dict[str, Rules]) -> Decoded:
    try:
        return _decoded(frame, symbols)
    except (RefusalError, struct.error) as refusal:
        return Refused(str(refusal))


def _decoded(frame: bytes, symbols: dict[str, Rules]) -> Decoded:
    if len(frame) < 8 or struct.unpack_from("<H", frame, 4)[0] != 1:
        if not frame.startswith(b"{") or not isinstance(parse(frame), Object):
            raise RefusalError("neither a message of ours nor a text")
        return Control()
    root_bytes, template, _, version = struct.unpack_from("<HHHH", frame)
    if template not in _KNOWN_ROOT:
        return Control()
    root = _part(frame, 8, root_bytes, _KNOWN_ROOT[template])
    position = 8 + root_bytes
    groups = []
    for _ in range({10000: 1, 10001: 0}.get(template, 2)):
        header, entry = ("<HI", "<qqqB") if template == 10000 else ("<HH", "<qq")
        entry_bytes, count = struct.unpack_from(header, frame, position)
        position += struct.calcsize(header)
        if position + entry_bytes * count > len(frame):
            raise RefusalError("a group beyond the end")
        groups.append([_part(frame, position + i * entry_bytes, entry_bytes, entry) for i in range(count)])
        position += entry_bytes * count
    (length,) = struct.unpack_from("<B", frame, position)
    name = frame[position + 1 : position + 1 + length].decode("latin-1")
    end = position + 1 + length
    if end > len(frame) or (end < len(frame) and version == 0):
        raise RefusalError("it does not end with its symbol")
    if name not in symbols:
        raise RefusalError("unknown symbol")
    if min(root[:3] if template == 10003 else root[:2]) < 0 or root[0] < 0:
        raise RefusalError("below 0")
    return _meaning(template, root, groups, name, symbols[name])


def _meaning(
    template: int, root: tuple[int, ...], groups: list[list[tuple[int, ...]]], name: str, rules: Rules
) -> Decoded:
    exponents = root[3:5] if template == 10003 else root[2:4]
    if any(len(group) > MAX_LEVELS for group in groups):
        raise RefusalError("too many entries")
    event_ms = root[0] // 1000
    if template == 10000:
        if not groups[0]:
            return Control()
        if any(trade[0] < 0 or trade[3] > 1 for trade in groups[0]):
            raise RefusalError("no id or no flag")
        levels = [_level(trade[1], trade[2], exponents, rules) for trade in reversed(groups[0])]
        if any(0 in level for level in levels):
            raise RefusalError("a trade of nothing")
        return Trades(name, event_ms, groups[0][-1][0], groups[0][-1][3] == 1, levels)
    if template == 10001:
        bid, ask = _level(*root[4:6], exponents, rules), _level(*root[6:8], exponents, rules)
        if any((level[0] == 0) != (level[1] == 0) for level in (bid, ask)) or (ask[0] != 0 and bid[0] >= ask[0]):
            raise RefusalError("half a side, or crossed")
        return Ticker(name, event_ms, root[1], bid, ask)
    first, final = (root[1], root[2]) if template == 10003 else (root[1], root[1])
    bids, asks = ([_level(*level, exponents, rules) for level in group] for group in groups)
    if first > final or any(level[0] == 0 for level in (*bids, *asks)):
        raise RefusalError("first above last, or a level at price 0")
    return Depth(name, template == 10002, event_ms, first, final, bids, asks)


def _part(frame: bytes, position: int, length: int, known: str) -> tuple[int, ...]:
    if length < struct.calcsize(known) or position + length > len(frame):
        raise RefusalError("shorter than it is known to be, or beyond the end")
    return struct.unpack_from(known, frame, position)


def _level(price: int, size: int, exponents: tuple[int, ...], rules: Rules) -> Level:
    return _steps(price, exponents[0], rules.price_step), _steps(size, exponents[1], rules.size_step)


def _steps(mantissa: int, exponent: int, step: str) -> int:
    decimals = len(step.partition(".")[2])
    scaled = mantissa * Fraction(10) ** (exponent + decimals)
    count = mantissa * Fraction(10) ** exponent / Fraction(step)
    if mantissa < 0 or count.denominator != 1 or scaled >= 10**MAX_DIGITS:
        raise RefusalError("no whole number of steps")
    return int(count)
