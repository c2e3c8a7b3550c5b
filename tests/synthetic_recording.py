"""A small recorded market that is made, not kept: two venues, one hidden price, and every kind of trouble on demand.

Prices stand around 100.0 with a tick of 0.1 (10 bps), so that the venues' own noise makes crosses worth their fees.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

START_NS = 1_723_075_200_000_000_000
VENUES = ("binance", "binanceusdm")
SYMBOLS = ("BTCUSDT", "ETHUSDT")
TICKS = 1_000
TROUBLES = ("gap", "cut", "noise", "unknown", "again")


class Frame(NamedTuple):
    time_ns: int
    exchange: str
    symbol: str
    payload: bytes
    is_snapshot: bool = False


class _Book:
    """One venue's book of one symbol, as the venue keeps it."""

    def __init__(self, exchange: str, symbol: str) -> None:
        self.exchange = exchange
        self.symbol = symbol
        self.last = 1_000
        self.sides: tuple[dict[int, int], dict[int, int]] = ({}, {})

    def move(self, middle: int, random: Random) -> bytes:
        """New levels around ``middle`` in place of the old ones, as one depth update."""
        new: tuple[dict[int, int], dict[int, int]] = (
            {middle - 1 - i: random.randint(5, 400) for i in range(5)},
            {middle + 1 + i: random.randint(5, 400) for i in range(5)},
        )
        changed = [
            {**dict.fromkeys(old.keys() - now.keys(), 0), **now} for old, now in zip(self.sides, new, strict=True)
        ]
        self.sides = new
        previous, self.last = self.last, self.last + random.randint(1, 3)
        event = {"e": "depthUpdate", "E": 1, "s": self.symbol, "U": previous + 1, "u": self.last}
        if self.exchange == "binanceusdm":
            event |= {"T": 1, "pu": previous}
        return _bytes(event | {"b": _rows(changed[0]), "a": _rows(changed[1])})

    def snapshot(self) -> bytes:
        return _bytes({"lastUpdateId": self.last, "bids": _rows(self.sides[0]), "asks": _rows(self.sides[1])})

    def ticker(self) -> bytes:
        bid, ask = max(self.sides[0]), min(self.sides[1])
        event = {"u": self.last, "s": self.symbol, "b": _price(bid), "B": _size(self.sides[0][bid])}
        return _bytes(event | {"a": _price(ask), "A": _size(self.sides[1][ask])})

    def trade(self, number: int, random: Random) -> bytes:
        price, size = _price(max(self.sides[0])), _size(random.randint(1, 50))
        return _bytes({"e": "trade", "E": 1, "s": self.symbol, "t": number, "p": price, "q": size, "T": 1, "m": True})


def market(
    seed: int, updates: int, *, venues: Sequence[str] = VENUES, symbols: Sequence[str] = SYMBOLS, troubles: bool = False
) -> Iterator[Frame]:
    """``updates`` depth updates over all books, the snapshot of each behind its first, tickers and trades between."""
    random = Random(seed)
    books = [_Book(exchange, symbol) for exchange in venues for symbol in symbols]
    middles = dict.fromkeys(symbols, TICKS)
    now = START_NS
    for number in range(updates):
        now += random.randint(0, 20_000_000)
        book = books[number] if number < len(books) else random.choice(books)
        middles[book.symbol] += random.choice((-3, -1, 0, 0, 1, 3))
        payload = book.move(middles[book.symbol] + random.choice((-6, -2, 0, 0, 0, 2, 6)), random)
        trouble = random.choice(TROUBLES) if troubles and random.random() < 0.1 and number >= len(books) else ""
        yield from (Frame(now, book.exchange, book.symbol, spoilt) for spoilt in _spoil(payload, trouble, book.symbol))
        if number < len(books) or trouble in ("gap", "cut"):
            yield Frame(now, book.exchange, book.symbol, book.snapshot(), is_snapshot=True)
        if random.random() < 0.5:
            yield Frame(now + 1, book.exchange, book.symbol, book.ticker())
        if random.random() < 0.2:
            yield Frame(now + 2, book.exchange, book.symbol, book.trade(number, random))


def write(path: Path, frames: Iterator[Frame], exchange: str, symbol: str) -> Path:
    """One book's frames as a file of ``<receive time, ns> <frame>`` lines."""
    lines = [b"%d %s\n" % (f.time_ns, f.payload) for f in frames if (f.exchange, f.symbol) == (exchange, symbol)]
    path.write_bytes(b"".join(lines))
    return path


def _spoil(payload: bytes, trouble: str, symbol: str) -> list[bytes]:
    return {
        "": [payload],
        "gap": [],
        "cut": [payload[:-7]],
        "noise": [b"\x80\x00{]", payload],
        "unknown": [payload.replace(symbol.encode(), b"NOSUCH"), payload],
        "again": [payload, payload],
    }[trouble]


def _rows(levels: dict[int, int]) -> list[list[str]]:
    return [[_price(ticks), _size(lots)] for ticks, lots in levels.items()]


def _price(ticks: int) -> str:
    return f"{ticks // 10}.{ticks % 10}"


def _size(lots: int) -> str:
    return f"{lots / 1000:.3f}"


def _bytes(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()
