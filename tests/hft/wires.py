"""A venue of five wires, as small as it can be: one book that changes level by level, and its messages as each wire
writes them.

Every change has an id; a depth update covers the changes since the one before it, a best bid and offer stands at one
id. What the book and its top were at each id is remembered: that is the oracle.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from an_instrument import an_instrument
from graphwiz_trader.hft.decoders import Decoder, binance_decoder, binance_sbe_decoder, okx_decoder
from graphwiz_trader.hft.instruments import Instruments

Levels = list[tuple[int, int]]
"""Ticks of 0.1 and lots of 0.001."""
Sides = tuple[Levels, Levels]


class Update(NamedTuple):
    """The changes after ``previous`` up to and with ``final``; ``first`` is the next id after ``previous``."""

    previous: int
    final: int
    sides: Sides
    time_ms: int

    @property
    def first(self) -> int:
        return self.previous + 1


class Wire(NamedTuple):
    """How a venue says it. ``snapshot(id, sides, ms)`` is REST's answer or, on OKX, a frame of the stream."""

    exchange: str
    venue_symbol: str
    decoder: Callable[[Instruments, str], Decoder]
    update: Callable[[Update], bytes]
    snapshot: Callable[[int, Sides, int], bytes]
    best: Callable[[int, Sides, int], bytes]
    trades: Callable[[list[int], int], bytes]
    streams_snapshots: bool = False

    def instruments(self) -> Instruments:
        return Instruments(
            [an_instrument(0, self.exchange, "BTC/USDT", "0.1", "0.001", venue_symbol=self.venue_symbol)]
        )


class Market:
    """The venue's book: 900 bid and 1100 asked stay, what stands between them comes and goes."""

    def __init__(self, random: Random, first_id: int = 100) -> None:
        self._random = random
        self.id = first_id
        self._sides: tuple[dict[int, int], dict[int, int]] = ({900: 5}, {1100: 5})
        self._told: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._told_id = first_id
        self.books: dict[int, Sides] = {}
        """What the book was at each id."""
        self._remember()

    def change(self) -> None:
        """One level."""
        side = self._random.randrange(2)
        ticks = self._random.randrange(985, 1000) if side == 0 else self._random.randrange(1001, 1016)
        lots = self._random.choice((0, 0, 1, 2, 3))
        if lots:
            self._sides[side][ticks] = lots
        else:
            self._sides[side].pop(ticks, None)
        self._told[side][ticks] = lots
        self.id += self._random.choice((1, 1, 1, 5))
        self._remember()

    def update(self, time_ms: int) -> Update:
        """All that has changed since the last."""
        bids, asks = (list(changed.items()) for changed in self._told)
        made = Update(self._told_id, self.id, (bids, asks), time_ms)
        self._told, self._told_id = ({}, {}), self.id
        return made

    def start_anew(self, time_ms: int, new_id: int) -> Update:
        """A maintenance, as OKX does it: ids begin anew, and the chain goes on."""
        made = self.update(time_ms)._replace(final=new_id)
        self.id = self._told_id = new_id
        self._remember()
        return made

    @property
    def sides(self) -> Sides:
        return self.books[self.id]

    def _remember(self) -> None:
        bids, asks = self._sides
        self.books[self.id] = (sorted(bids.items(), reverse=True), sorted(asks.items()))


def best_of(sides: Sides) -> Sides:
    return sides[0][:1], sides[1][:1]


def _text(value: int, decimals: int) -> str:
    return f"{value // 10**decimals}.{value % 10**decimals:0{decimals}d}"


def _rows(levels: Levels, *more: str) -> list[list[str]]:
    return [[_text(ticks, 1), _text(lots, 3), *more] for ticks, lots in levels]


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def _binance(exchange: str, symbol: str) -> Wire:
    is_futures = exchange != "binance"

    def update(made: Update) -> bytes:
        head = {"e": "depthUpdate", "E": made.time_ms, "s": symbol, "U": made.first, "u": made.final}
        chain = {"pu": made.previous} if is_futures else {}
        return _json({**head, **chain, "b": _rows(made.sides[0]), "a": _rows(made.sides[1])})

    def best(at: int, sides: Sides, time_ms: int) -> bytes:
        ((bid, bid_lots),), ((ask, ask_lots),) = best_of(sides)
        names = {"e": "bookTicker", "E": time_ms, "T": time_ms} if is_futures else {}
        prices = {"b": _text(bid, 1), "B": _text(bid_lots, 3), "a": _text(ask, 1), "A": _text(ask_lots, 3)}
        return _json({"u": at, "s": symbol, **names, **prices})

    def trades(ids: list[int], time_ms: int) -> bytes:
        """One at a time, as this wire does."""
        (trade,) = ids
        times = {"e": "trade", "E": time_ms, "T": time_ms}
        return _json({**times, "s": symbol, "t": trade, "p": "100.0", "q": "0.001", "m": False})

    return Wire(exchange, symbol, binance_decoder, update, _rest_snapshot, best, trades)


def _rest_snapshot(at: int, sides: Sides, _time_ms: int) -> bytes:
    return _json({"lastUpdateId": at, "bids": _rows(sides[0]), "asks": _rows(sides[1])})


def _okx() -> Wire:
    def frame(channel: str, messages: list[dict[str, Any]], **action: str) -> bytes:
        return _json({"arg": {"channel": channel, "instId": "BTC-USDT"}, **action, "data": messages})

    def message(sides: Sides, time_ms: int, **ids: int) -> list[dict[str, Any]]:
        rows = {"asks": _rows(sides[1], "0", "1"), "bids": _rows(sides[0], "0", "1")}
        return [{**rows, "ts": str(time_ms), "checksum": 0, **ids}]

    def update(made: Update) -> bytes:
        ids = message(made.sides, made.time_ms, prevSeqId=made.previous, seqId=made.final)
        return frame("books", ids, action="update")

    def snapshot(at: int, sides: Sides, time_ms: int) -> bytes:
        return frame("books", message(sides, time_ms, prevSeqId=-1, seqId=at), action="snapshot")

    def best(at: int, sides: Sides, time_ms: int) -> bytes:
        return frame("bbo-tbt", message(best_of(sides), time_ms, seqId=at))

    def trades(ids: list[int], time_ms: int) -> bytes:
        same = {"instId": "BTC-USDT", "px": "100.0", "sz": "0.001", "side": "buy", "ts": str(time_ms)}
        return frame("trades", [{**same, "tradeId": str(trade)} for trade in ids])

    return Wire("okx", "BTC-USDT", okx_decoder, update, snapshot, best, trades, streams_snapshots=True)


def binary(template: int, root: bytes, groups: bytes = b"") -> bytes:
    """One of Binance's binary messages about BTCUSDT."""
    return struct.pack("<HHHH", len(root), template, 1, 0) + root + groups + b"\x07BTCUSDT"


def binary_levels(*levels: tuple[int, int]) -> bytes:
    return struct.pack("<HH", 16, len(levels)) + b"".join(struct.pack("<qq", *level) for level in levels)


def _sbe() -> Wire:
    def update(made: Update) -> bytes:
        root = struct.pack("<qqqbb", made.time_ms * 1_000, made.first, made.final, -1, -3)
        return binary(10003, root, binary_levels(*made.sides[0]) + binary_levels(*made.sides[1]))

    def best(at: int, sides: Sides, time_ms: int) -> bytes:
        (bid,), (ask,) = best_of(sides)
        return binary(10001, struct.pack("<qqbbqqqq", time_ms * 1_000, at, -1, -3, *bid, *ask))

    def trades(ids: list[int], time_ms: int) -> bytes:
        each = b"".join(struct.pack("<qqqB", trade, 1000, 1, 0) for trade in ids)
        root = struct.pack("<qqbb", time_ms * 1_000, time_ms * 1_000, -1, -3)
        return binary(10000, root, struct.pack("<HI", 25, len(ids)) + each)

    return Wire("binance", "BTCUSDT", binance_sbe_decoder, update, _rest_snapshot, best, trades)


WIRES = {
    "spot": _binance("binance", "BTCUSDT"),
    "usdm": _binance("binanceusdm", "BTCUSDT"),
    "coinm": _binance("binancecoinm", "BTCUSD_PERP"),
    "spot-sbe": _sbe(),
    "okx": _okx(),
}
