r"""Which OKX frames are to be accepted and what they mean, and books by OKX's own rules: slow, obvious readings.

Grammar, where it is not ``decoder``'s
--------------------------------------
- ``pong`` is Control. Else a frame is one JSON object. Without ``arg`` or ``data`` it is Control; with both it is a
  channel's, and has no ``event``. Another channel's is Control.
- ``arg`` has a ``channel`` and the ``instId`` of a known instrument, neither written with an escape.
- ``data`` is a list of at least one message. ``action`` is ``update`` or ``snapshot`` on the channels that chain, and
  is not looked at on the others.
- A book's message and a best bid and offer have ``asks bids ts``. A level is ``[price, size, count, count]``, counts
  being digits in quotes. ``ts`` is a whole number in quotes; ``seqId`` is one from 0 on, ``prevSeqId`` from -1 on,
  ``checksum`` any, without quotes. An ``instId`` is the frame's own.
- An update has both ids, or neither and a ``checksum`` other than 0.
- A best bid and offer has at most a level a side, of a size, and does not cross; without ``seqId`` it is Control.
- A trade has ``tradeId px sz side ts``; price and size are above 0.
- Several messages in a frame: of updates the levels follow each other, the ids chain and the last checksum counts;
  of all else the last message counts.

Books
-----
A snapshot starts the book. An update whose ``prevSeqId`` is the book's ``seqId`` continues it, whatever its own
``seqId`` (equal: idle; lower: maintenance). Another one is old when neither its ``seqId`` nor its ``ts`` is above the
book's; else it reveals a gap. From before there were ids: the checksum decides.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any

from .decoder import MAX_LEVELS, Control, Event, Level, Refused, Rules, Ticker, members, steps_of
from .json_bytes import Number, Object, RefusalError, Text, Value, parse

CHAINED = {"books50-l2-tbt": 1, "books": 2, "books-l2-tbt": 3}
PARTIAL = {"books5": 0}
_CHANNELS = frozenset((*CHAINED, *PARTIAL, "bbo-tbt", "trades"))
_FRAME_KEYS = frozenset(("arg", "action", "data", "event"))
_ARG_KEYS = frozenset(("channel", "instId"))
_DEPTH_KEYS = frozenset(("asks", "bids", "ts", "seqId", "prevSeqId", "checksum", "instId"))
_TRADE_KEYS = frozenset(("tradeId", "px", "sz", "side", "ts", "instId"))
KEYS = _FRAME_KEYS | _ARG_KEYS | _DEPTH_KEYS | _TRADE_KEYS


@dataclass(frozen=True)
class Depth:
    """``previous_id`` is None of a snapshot, and of an update from before there were ids."""

    symbol: str
    channel: int
    is_snapshot: bool
    event_ms: int
    previous_id: int | None
    final_id: int
    checksum: int
    bids: list[Level]
    asks: list[Level]


@dataclass(frozen=True)
class Trades:
    """Newest first; id and side are the newest's."""

    symbol: str
    event_ms: int
    trade_id: int
    is_sell: bool
    levels: list[Level]


Decoded = Depth | Ticker | Trades | Control | Refused


def decode(frame: bytes, symbols: dict[str, Rules]) -> Decoded:
    """A frame of the public socket."""
    try:
        return Control() if frame == b"pong" else _decoded(members(parse(frame), _FRAME_KEYS), symbols)
    except RefusalError as refusal:
        return Refused(str(refusal))


def _decoded(top: Event, symbols: dict[str, Rules]) -> Decoded:
    argument = members(top["arg"], _ARG_KEYS) if isinstance(top.get("arg"), Object) else {}
    named = {key: _plain(argument[key]) for key in _ARG_KEYS & argument.keys() if isinstance(argument[key], Text)}
    if not {"arg", "data"} <= top.keys():
        return Control()
    if "event" in top or "channel" not in named:
        raise RefusalError("neither a channel's data nor anything else")
    channel, symbol = named["channel"], named.get("instId")
    if channel not in _CHANNELS:
        return Control()
    if symbol not in symbols:
        raise RefusalError("unknown symbol")
    messages = top["data"]
    if not isinstance(messages, list) or not messages:
        raise RefusalError("no list of messages")
    if channel == "trades":
        return _trades(symbol, messages, symbols[symbol])
    if channel == "bbo-tbt":
        return [_ticker(symbol, message, symbols[symbol]) for message in messages][-1]
    action = top.get("action")
    if channel in CHAINED and action not in (Text(b"update"), Text(b"snapshot")):
        raise RefusalError("neither update nor snapshot")
    is_snapshot = channel in PARTIAL or action == Text(b"snapshot")
    depths = [_depth(symbol, channel, message, is_snapshot, symbols[symbol]) for message in messages]
    return depths[-1] if is_snapshot else _one_of(depths)


def _one_of(depths: list[Depth]) -> Depth:
    for before, after in pairwise(depths):
        if (before.previous_id is None) != (after.previous_id is None):
            raise RefusalError("half of them with ids")
        if after.previous_id is not None and after.previous_id != before.final_id:
            raise RefusalError("they do not chain")
    bids, asks = ([level for depth in depths for level in getattr(depth, side)] for side in ("bids", "asks"))
    if max(len(bids), len(asks)) > MAX_LEVELS:
        raise RefusalError("too many levels")
    last = depths[-1]
    return Depth(
        last.symbol, last.channel, False, last.event_ms, depths[0].previous_id, last.final_id, last.checksum, bids, asks
    )


def _depth(symbol: str, channel: str, message: Value, is_snapshot: bool, rules: Rules) -> Depth:
    event = _message(message, _DEPTH_KEYS, symbol)
    bids, asks = _levels(event.get("bids"), rules), _levels(event.get("asks"), rules)
    ids = {key: _signed(event[key]) for key in ("seqId", "prevSeqId", "checksum") if key in event}
    _check_ids(ids)
    previous = None if is_snapshot else ids.get("prevSeqId")
    chain = len(ids.keys() & {"seqId", "prevSeqId"})
    if not is_snapshot and (chain == 1 or (chain == 0 and ids.get("checksum", 0) == 0)):
        raise RefusalError("nothing says where it belongs")
    rank = (CHAINED | PARTIAL)[channel]
    checksum = ids.get("checksum", 0)
    return Depth(symbol, rank, is_snapshot, _time(event), previous, ids.get("seqId", 0), checksum, bids, asks)


def _ticker(symbol: str, message: Value, rules: Rules) -> Ticker | Control:
    event = _message(message, _DEPTH_KEYS, symbol)
    ids = {key: _signed(event[key]) for key in ("seqId", "prevSeqId", "checksum") if key in event}
    _check_ids(ids)
    best = []
    for side in ("bids", "asks"):
        levels = _levels(event.get(side), rules)
        if len(levels) > 1 or (levels and levels[0][1] == 0):
            raise RefusalError("no best level")
        best.append(levels[0] if levels else (0, 0))
    bid, ask = best
    if ask[0] != 0 and bid[0] >= ask[0]:
        raise RefusalError("crossed")
    time = _time(event)
    return Ticker(symbol, time, ids["seqId"], bid, ask) if "seqId" in ids else Control()


def _trades(symbol: str, messages: list[Value], rules: Rules) -> Trades:
    if len(messages) > MAX_LEVELS:
        raise RefusalError("too many trades")
    levels: list[Level] = []
    for message in messages:
        event = _message(message, _TRADE_KEYS, symbol)
        price, size = steps_of(event.get("px"), rules.price_step), steps_of(event.get("sz"), rules.size_step)
        if price == 0 or size == 0:
            raise RefusalError("a trade of nothing")
        if event.get("side") not in (Text(b"buy"), Text(b"sell")):
            raise RefusalError("no side")
        levels.insert(0, (price, size))
        time, trade_id, is_sell = _time(event), steps_of(event.get("tradeId"), "1"), event["side"] == Text(b"sell")
    return Trades(symbol, time, trade_id, is_sell, levels)


def _message(message: Value, keys: frozenset[str], symbol: str) -> Event:
    event = members(message, keys)
    if "instId" in event and event["instId"] != Text(symbol.encode("latin-1")):
        raise RefusalError("of another instrument than its frame")
    return event


def _levels(value: Value | None, rules: Rules) -> list[Level]:
    if not isinstance(value, list) or len(value) > MAX_LEVELS:
        raise RefusalError("no list of levels")
    found = []
    for level in value:
        if not isinstance(level, list) or len(level) != 4:
            raise RefusalError("a level that is not of four")
        price, size = steps_of(level[0], rules.price_step), steps_of(level[1], rules.size_step)
        if price == 0 or not all(isinstance(c, Text) and re.fullmatch(rb"[0-9]+", c.raw) for c in level[2:]):
            raise RefusalError("a level at price 0, or without its counts")
        found.append((price, size))
    return found


def _check_ids(ids: dict[str, int]) -> None:
    if ids.get("seqId", 0) < 0 or ids.get("prevSeqId", 0) < -1:
        raise RefusalError("an id below the least")


def _signed(value: Value) -> int:
    if not isinstance(value, Number) or not re.fullmatch(rb"-?(0|[1-9][0-9]{0,17})", value.raw):
        raise RefusalError("no whole number")
    return int(value.raw)


def _time(event: Event) -> int:
    return steps_of(event.get("ts"), "1")


def _plain(text: Value) -> str:
    assert isinstance(text, Text)
    if b"\\" in text.raw:
        raise RefusalError("a name with an escape")
    return text.raw.decode("latin-1")


# -- books ----------------------------------------------------------------------------------------------------------


@dataclass
class Book:
    """One instrument's book, its levels as the venue wrote them: price text → size text."""

    bids: dict[str, str] = field(default_factory=dict)
    asks: dict[str, str] = field(default_factory=dict)
    trusted: bool = False
    id: int = 0
    ms: int = 0
    gaps: int = 0
    applied: int = 0
    checked: int = 0

    def on_message(self, action: str, message: dict[str, Any]) -> None:
        """One message of the channel ``books``, as json reads it."""
        if action == "snapshot":
            self.bids, self.asks, self.trusted = {}, {}, True
        elif not self.trusted:
            return
        elif "seqId" in message and message["prevSeqId"] != self.id:
            if message["seqId"] > self.id or int(message["ts"]) > self.ms:
                self.trusted = False
                self.gaps += 1
            return
        for side, levels in ((self.bids, message["bids"]), (self.asks, message["asks"])):
            for price, size, *_ in levels:
                if Decimal(size) == 0:
                    side.pop(price, None)
                else:
                    side[price] = size
        self.id, self.ms = message.get("seqId", 0), int(message["ts"])
        self.applied += 1
        if message.get("checksum", 0) != 0:
            self.checked += 1
            self.trusted = self.checksum() == message["checksum"]

    def levels(self, side: str) -> list[tuple[str, str]]:
        """Best first."""
        return sorted(getattr(self, side).items(), key=lambda level: Decimal(level[0]), reverse=side == "bids")

    def checksum(self) -> int:
        """Of the best 25 levels' own texts, bid and ask in turn, as a signed 32-bit number."""
        return checksum_of(self.levels("bids"), self.levels("asks"))


def checksum_of(bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> int:
    unsigned = zlib.crc32(":".join(_alternating(bids[:25], asks[:25])).encode())
    return unsigned - (1 << 32) if unsigned >> 31 else unsigned


def _alternating(bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> Iterator[str]:
    for place in range(25):
        for side in (bids, asks):
            if place < len(side):
                yield from side[place]
