r"""Which Binance frames are to be accepted, and what they mean: a slow, obvious reading of the bytes.

Grammar
-------
- A frame is one JSON object, nothing behind it. An array is Control. White space (space, tab, LF, CR) may stand
  wherever JSON allows it.
  Strings are any bytes from 0x20 on but ``"`` and ``\``, with JSON's escapes; they are not checked to be UTF-8.
- An object whose first key is ``stream`` or ``data`` is an envelope: it has both, and an object in ``data`` is the
  event. Anything else in ``data`` is another stream's: Control. So is what comes on a stream whose name, from its first
  ``@`` on, begins with ``@depth`` and a digit, or with ``@rpiDepth``. Of that, and where ``data`` comes before
  ``stream``, ``data`` as a whole is nested at most 60 deep.
- Keys come in any order. Keys that an event does not have are passed over, their values only checked to be JSON,
  nested at most 60 deep.
- No key of ``KEYS`` comes twice in an event, nor ``stream`` or ``data`` twice in an envelope; no key of either,
  nor ``e`` or ``s``, is written with an escape.
- What kind of event it is: ``e`` = ``depthUpdate``, ``bookTicker`` or ``trade``; without ``e``, an object with
  ``u s b B a A`` is a spot bookTicker. All else in a stream is Control. A REST answer has ``lastUpdateId bids asks``.
- An event of a kind that we read has all its members, each of its type: ids and times are JSON whole numbers of at
  most 18 digits without sign; prices and sizes are strings of digits with at most one point, which has a digit on
  both sides; flags are ``true`` or ``false``. ``E`` may be missing. ``pu`` belongs to futures and must be there.
- A price is a whole number of price steps, a size of size steps, and neither needs more than 18 digits down to the
  step's last decimal; zeros behind that do not count.
- Prices of levels are above 0. A bookTicker's empty side has price and size 0, and its bid is below its ask.
- A trade at price or size 0 is none (futures publish fills of the insurance fund so): Control.
- ``U <= u``. A side has at most 10,000 levels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from .json_bytes import MAX_NESTING, Number, Object, RefusalError, Text, Value, Word, parse

KEYS = frozenset(
    ("e", "E", "s", "U", "u", "pu", "b", "a", "B", "A", "t", "p", "q", "m", "lastUpdateId", "bids", "asks")
)
_ENVELOPE_KEYS = frozenset(("stream", "data"))
MAX_DIGITS = 18
MAX_LEVELS = 10_000


class Rules(NamedTuple):
    """What the wire's prices and sizes are multiples of, as decimal text, and how updates are chained."""

    price_step: str
    size_step: str
    futures: bool


Level = tuple[int, int]
"""(price steps, size steps)"""


@dataclass(frozen=True)
class Depth:
    symbol: str
    event_ms: int
    first_id: int
    final_id: int
    previous_id: int | None
    bids: list[Level]
    asks: list[Level]


@dataclass(frozen=True)
class Ticker:
    symbol: str
    event_ms: int
    final_id: int
    bid: Level
    ask: Level


@dataclass(frozen=True)
class Trade:
    symbol: str
    event_ms: int
    trade_id: int
    price: int
    size: int
    is_sell: bool


@dataclass(frozen=True)
class Snapshot:
    final_id: int
    event_ms: int
    bids: list[Level]
    asks: list[Level]


@dataclass(frozen=True)
class Control:
    pass


@dataclass(frozen=True)
class Refused:
    reason: str


Decoded = Depth | Ticker | Trade | Snapshot | Control | Refused
Event = dict[str, Value]


def decode(frame: bytes, symbols: dict[str, Rules]) -> Decoded:
    """A frame of a stream. A snapshot in a stream names no symbol and is Control."""
    try:
        event = _event_of(parse(frame))
        kind = _kind(event)
        if kind not in _READERS:
            return Control()
        name = _text(event, "s").decode("latin-1")
        if name not in symbols:
            raise RefusalError("unknown symbol")
        return _READERS[kind](event, name, symbols[name])
    except RefusalError as refusal:
        return Refused(str(refusal))


def decode_snapshot(body: bytes, rules: Rules) -> Decoded:
    """The answer of REST ``depth``, about the symbol that was asked for."""
    try:
        event = members(parse(body), KEYS)
        if "e" in event or not {"lastUpdateId", "bids", "asks"} <= event.keys():
            raise RefusalError("not a snapshot")
        bids, asks = (_levels(event, key, rules) for key in ("bids", "asks"))
        return Snapshot(_number(event, "lastUpdateId"), _time(event), bids, asks)
    except RefusalError as refusal:
        return Refused(str(refusal))


# -- what the members mean ------------------------------------------------------------------------------------------


def _depth(event: Event, name: str, rules: Rules) -> Decoded:
    first, final = _number(event, "U"), _number(event, "u")
    if first > final:
        raise RefusalError("U above u")
    previous = _number(event, "pu") if rules.futures else None
    bids, asks = _levels(event, "b", rules), _levels(event, "a", rules)
    return Depth(name, _time(event), first, final, previous, bids, asks)


def _ticker(event: Event, name: str, rules: Rules) -> Decoded:
    bid = (_steps(event, "b", rules.price_step), _steps(event, "B", rules.size_step))
    ask = (_steps(event, "a", rules.price_step), _steps(event, "A", rules.size_step))
    for price, size in (bid, ask):
        if (price == 0) != (size == 0):
            raise RefusalError("half a side")
    if ask[0] != 0 and bid[0] >= ask[0]:
        raise RefusalError("crossed")
    return Ticker(name, _time(event), _number(event, "u"), bid, ask)


def _trade(event: Event, name: str, rules: Rules) -> Decoded:
    price, size = _steps(event, "p", rules.price_step), _steps(event, "q", rules.size_step)
    maker = event.get("m")
    if maker not in (Word("true"), Word("false")):
        raise RefusalError("m is no flag")
    trade = Trade(name, _time(event), _number(event, "t"), price, size, maker == Word("true"))
    return Control() if price == 0 or size == 0 else trade


_READERS = {"depthUpdate": _depth, "bookTicker": _ticker, "trade": _trade}


def _kind(event: Event) -> str:
    named = event.get("e")
    if isinstance(named, Text):
        plain = _plain(named).decode("latin-1")
        return plain if plain in _READERS else "control"
    if named is None and {"u", "s", "b", "B", "a", "A"} <= event.keys():
        return "bookTicker"
    return "control"


def _number(event: Event, key: str) -> int:
    value = event.get(key)
    if not isinstance(value, Number) or not re.fullmatch(rb"0|[1-9][0-9]{0,17}", value.raw):
        raise RefusalError(f"{key} is no whole number")
    return int(value.raw)


def _time(event: Event) -> int:
    return _number(event, "E") if "E" in event else 0


def _text(event: Event, key: str) -> bytes:
    value = event.get(key)
    if not isinstance(value, Text):
        raise RefusalError(f"{key} is no string")
    return _plain(value)


def _steps(event: Event, key: str, step: str) -> int:
    return steps_of(event.get(key), step)


def steps_of(value: Value | None, step: str) -> int:
    if not isinstance(value, Text):
        raise RefusalError("a price or size that is no string")
    found = re.fullmatch(rb"([0-9]+)(?:\.([0-9]+))?", value.raw)
    if not found:
        raise RefusalError("a price or size that is no plain decimal")
    exponent = Decimal(step).normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    if len(found[1]) + max(-exponent, 0) > MAX_DIGITS:
        raise RefusalError("too many digits")
    count = Fraction(value.raw.decode()) / Fraction(step)
    if count.denominator != 1:
        raise RefusalError("not a whole number of steps")
    return int(count)


def _levels(event: Event, key: str, rules: Rules) -> list[Level]:
    levels = event.get(key)
    if not isinstance(levels, list):
        raise RefusalError(f"{key} is no list")
    if len(levels) > MAX_LEVELS:
        raise RefusalError("too many levels")
    found = []
    for level in levels:
        if not isinstance(level, list) or len(level) != 2:
            raise RefusalError("a level that is no pair")
        price, size = steps_of(level[0], rules.price_step), steps_of(level[1], rules.size_step)
        if price == 0:
            raise RefusalError("a level at price 0")
        found.append((price, size))
    return found


# -- what the members are -------------------------------------------------------------------------------------------


def members(value: Value, read: frozenset[str]) -> Event:
    """An object's members by key. A key that is read must be there once; of other keys any one is as good."""
    if not isinstance(value, Object):
        raise RefusalError("not an object")
    event: Event = {}
    for key, member in value.members:
        if b"\\" in key:
            raise RefusalError("a key with an escape")
        name = key.decode("latin-1")
        if name in event and name in read:
            raise RefusalError(f"{name} comes twice")
        if (name != "data" or read is KEYS) and _nesting(member) > MAX_NESTING:
            raise RefusalError("nested too deep")
        if name in ("e", "s") and isinstance(member, Text) and read is KEYS:
            _plain(member)
        event[name] = member
    return event


def _event_of(frame: Value) -> Event:
    if isinstance(frame, list):
        _check_nesting(frame)
        return {}
    if not isinstance(frame, Object) or not frame.members or frame.members[0][0] not in (b"stream", b"data"):
        return members(frame, KEYS)
    envelope = members(frame, _ENVELOPE_KEYS)
    if not envelope.keys() >= _ENVELOPE_KEYS:
        raise RefusalError("half an envelope")
    stream, data = envelope["stream"], envelope["data"]
    is_other = isinstance(stream, Text) and re.match(rb"[^@]*@(depth[0-9]|rpiDepth)", stream.raw) is not None
    if is_other or [key for key in envelope if key in _ENVELOPE_KEYS] == ["data", "stream"]:
        _check_nesting(data)
    return members(data, KEYS) if isinstance(data, Object) and not is_other else {}


def _check_nesting(value: Value) -> None:
    if _nesting(value) > MAX_NESTING:
        raise RefusalError("nested too deep")


def _plain(text: Text) -> bytes:
    if b"\\" in text.raw:
        raise RefusalError("a value with an escape")
    return text.raw


def _nesting(value: Value) -> int:
    if isinstance(value, Object):
        return 1 + max((_nesting(member) for _, member in value.members), default=0)
    if isinstance(value, list):
        return 1 + max((_nesting(member) for member in value), default=0)
    return 0
