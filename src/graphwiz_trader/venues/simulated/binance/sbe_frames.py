"""Spot's public market data in SBE, schema 1 version 0: messages written byte for byte as the real streams write them.

Little-endian. A header (length of the root block, template, schema, version, u16 each), the root block, the groups
(length of an entry and how many, then the entries), the symbol as a u8 length and text; times in microseconds, prices
and sizes as mantissas with one exponent a message.
Source: Binance spot API docs, "SBE Market Data Streams" and its schema ``stream_1_0.xml``.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

from graphwiz_trader.venues.simulated.binance.market_frames import DepthSpan, Levels
from graphwiz_trader.venues.simulated.binance.numbers import Numbers
from graphwiz_trader.venues.simulated.orders import PublicTrade

_SCHEMA, _VERSION = 1, 0
_HEADER = Struct("<HHHH")
_MICROSECONDS = 1_000
_TRADES, _BEST_BID_ASK, _DEPTH_SNAPSHOT, _DEPTH_DIFF = 10000, 10001, 10002, 10003
_TWO_TIMES = Struct("<qqbb")
_BEST = Struct("<qqbbqqqq")
_TIME_AND_ID = Struct("<qqbb")
_TIME_AND_IDS = Struct("<qqqbb")
_LEVEL, _TRADE = Struct("<qq"), Struct("<qqqB")
_LEVELS, _TRADE_COUNT = Struct("<HH"), Struct("<HI")


class SbeFrames:
    """One spot symbol."""

    def __init__(self, symbol: str, numbers: Numbers) -> None:
        name = symbol.encode()
        self._end = bytes((len(name),)) + name
        self._numbers = numbers
        self._exponents = (-numbers.price_decimals, -numbers.size_decimals)

    def trades(self, trades: Sequence[PublicTrade]) -> bytes:
        """Trades of one moment, in their order."""
        time_us = trades[0].time_ms * _MICROSECONDS
        group = _TRADE_COUNT.pack(_TRADE.size, len(trades)) + b"".join(
            _TRADE.pack(trade.trade_id, *self._mantissas(trade.price_ticks, trade.size_lots), trade.buyer_is_maker)
            for trade in trades
        )
        return self._message(_TRADES, _TWO_TIMES.pack(time_us, time_us, *self._exponents), group)

    def best(self, update_id: int, bid: tuple[int, int], ask: tuple[int, int], now_ms: int) -> bytes:
        levels = (*self._mantissas(*bid), *self._mantissas(*ask))
        return self._message(_BEST_BID_ASK, _BEST.pack(now_ms * _MICROSECONDS, update_id, *self._exponents, *levels))

    def top(self, span: DepthSpan, bids: Levels, asks: Levels, now_ms: int) -> bytes:
        """The best levels, each side from the best outward."""
        root = _TIME_AND_ID.pack(now_ms * _MICROSECONDS, span.last_id, *self._exponents)
        return self._message(_DEPTH_SNAPSHOT, root, self._levels(bids) + self._levels(asks))

    def depth(self, span: DepthSpan, bids: Levels, asks: Levels, now_ms: int) -> bytes:
        root = _TIME_AND_IDS.pack(now_ms * _MICROSECONDS, span.first_id, span.last_id, *self._exponents)
        return self._message(_DEPTH_DIFF, root, self._levels(sorted(bids, reverse=True)) + self._levels(sorted(asks)))

    def _message(self, template: int, root: bytes, groups: bytes = b"") -> bytes:
        return _HEADER.pack(len(root), template, _SCHEMA, _VERSION) + root + groups + self._end

    def _levels(self, levels: Levels) -> bytes:
        entries = b"".join(_LEVEL.pack(*self._mantissas(price, lots)) for price, lots in levels)
        return _LEVELS.pack(_LEVEL.size, len(levels)) + entries

    def _mantissas(self, price_ticks: int, size_lots: int) -> tuple[int, int]:
        return self._numbers.price_mantissa(price_ticks), self._numbers.size_mantissa(size_lots)
