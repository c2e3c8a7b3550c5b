"""What was traded in each minute, and the candles of any length that minutes make.

A candle of a quiet time is flat at the last price. There are none from before the venue opened.

Source: OKX API v5 docs, "Candlesticks channel", "Get candlesticks": bars of six hours and more begin by the clock of
Hong Kong, those that end in ``utc`` by UTC; a row is ts, open, high, low, close, volume (a derivative's in contracts),
volume in base (a pair's in quote), volume in quote, and whether it has ended.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from graphwiz_trader.venues.simulated.okx.numbers import amount
from graphwiz_trader.venues.simulated.okx.products import Product
from graphwiz_trader.venues.simulated.orders import PublicTrade

MINUTE_MS = 60_000
REMEMBERED_MINUTES = 2 * 24 * 60
_HONG_KONG_MS = 8 * 60 * MINUTE_MS


class Bar(NamedTuple):
    """A length of candles, and how much earlier than by UTC they begin."""

    length_ms: int
    early_ms: int = 0

    def begin_ms(self, time_ms: int) -> int:
        """When the candle that a time is in begins."""
        return (time_ms + self.early_ms) // self.length_ms * self.length_ms - self.early_ms


BARS: Mapping[str, Bar] = {
    **{f"{minutes}m": Bar(minutes * MINUTE_MS) for minutes in (1, 3, 5, 15, 30)},
    **{f"{hours}H": Bar(hours * 60 * MINUTE_MS) for hours in (1, 2, 4)},
    **{f"{hours}H": Bar(hours * 60 * MINUTE_MS, _HONG_KONG_MS) for hours in (6, 12)},
    **{f"{hours}Hutc": Bar(hours * 60 * MINUTE_MS) for hours in (6, 12)},
    "1D": Bar(24 * 60 * MINUTE_MS, _HONG_KONG_MS),
    "1Dutc": Bar(24 * 60 * MINUTE_MS),
}


class _Minute:
    def __init__(self, begin_ms: int, price_ticks: int) -> None:
        self.begin_ms = begin_ms
        self.open = self.high = self.low = self.close = price_ticks
        self.lots = self.base_units = self.quote_units = 0


class Candles:
    """The candles of one instrument."""

    def __init__(self, product: Product) -> None:
        self.product = product
        self._minutes: deque[_Minute] = deque(maxlen=REMEMBERED_MINUTES)

    def traded(self, trade: PublicTrade) -> None:
        begin_ms, price = trade.time_ms - trade.time_ms % MINUTE_MS, trade.price_ticks
        if not self._minutes or self._minutes[-1].begin_ms != begin_ms:
            self._minutes.append(_Minute(begin_ms, price))
        minute = self._minutes[-1]
        minute.high, minute.low, minute.close = max(minute.high, price), min(minute.low, price), price
        minute.lots += trade.size_lots
        minute.base_units += trade.size_lots * trade.listing.instrument.lot_units
        minute.quote_units += trade.listing.notional_units(price, trade.size_lots)

    def rows(self, bar: Bar, count: int, now_ms: int, before_ms: int | None = None) -> list[list[str]]:
        """The newest ``count`` candles, the newest first; only those that begin before ``before_ms``."""
        if not self._minutes:
            return []
        first_ms = bar.begin_ms(self._minutes[0].begin_ms)
        last_ms = bar.begin_ms(now_ms if before_ms is None else min(now_ms, before_ms - 1))
        first_ms = max(first_ms, last_ms - (count - 1) * bar.length_ms)
        minutes: dict[int, list[_Minute]] = {}
        price = self._minutes[0].open
        for minute in self._minutes:
            if minute.begin_ms < first_ms:
                price = minute.close
            else:
                minutes.setdefault(bar.begin_ms(minute.begin_ms), []).append(minute)
        rows = []
        for begin_ms in range(first_ms, last_ms + 1, bar.length_ms):
            within = minutes.get(begin_ms, ())
            rows.append(self._row(begin_ms, within, price, is_over=begin_ms + bar.length_ms <= now_ms))
            price = within[-1].close if within else price
        return rows[::-1]

    def _row(self, begin_ms: int, minutes: Iterable[_Minute], price: int, *, is_over: bool) -> list[str]:
        within = list(minutes) or [_Minute(begin_ms, price)]
        numbers = self.product.numbers
        prices = (
            within[0].open,
            max(minute.high for minute in within),
            min(minute.low for minute in within),
            within[-1].close,
        )
        quote = amount(sum(minute.quote_units for minute in within))
        base = amount(sum(minute.base_units for minute in within))
        return [
            str(begin_ms),
            *(numbers.price(ticks) for ticks in prices),
            numbers.size(sum(minute.lots for minute in within)),
            base if self.product.listing.linear else quote,
            quote,
            "1" if is_over else "0",
        ]


class CandleChannel:
    """``candle1m`` and the like: told once a second at the most; one that ends is told once more."""

    interval_ms = 1_000

    def __init__(self, candles: Candles, name: str) -> None:
        self._candles = candles
        self._bar = BARS[name]
        self._head = b'{"arg":{"channel":"candle%b","instId":"%b"},"data":' % (
            name.encode(),
            candles.product.inst_id.encode(),
        )
        self._told: list[list[str]] = []

    def first(self, now_ms: int) -> bytes:
        return self._frame(self._candles.rows(self._bar, 1, now_ms))

    def collected(self, now_ms: int) -> bytes | None:
        newest = self._candles.rows(self._bar, 1, now_ms)
        if newest == self._told:
            return None
        ended = bool(self._told) and self._told[0][0] != newest[0][0]
        self._told = newest
        return self._frame(self._candles.rows(self._bar, 2, now_ms)[::-1] if ended else newest)

    def _frame(self, rows: list[list[str]]) -> bytes:
        return self._head + msgspec.json.encode(rows) + b"}"
