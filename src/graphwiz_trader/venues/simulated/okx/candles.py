"""OKX's candles: the lengths there are, and the channel that tells them.

Source: OKX API v5 docs, "Candlesticks channel", "Get candlesticks": bars of six hours and more begin by the clock of
Hong Kong, those that end in ``utc`` by UTC; a row is ts, open, high, low, close, volume (a derivative's in contracts),
volume in base (a pair's in quote), volume in quote, and whether it has ended.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from graphwiz_trader.venues.simulated.candles import DAY_MS, HOUR_MS, MINUTE_MS, Bar, Candle, Candles
from graphwiz_trader.venues.simulated.okx.numbers import amount
from graphwiz_trader.venues.simulated.okx.products import Product

HONG_KONG_MS = 8 * HOUR_MS
BARS: Mapping[str, Bar] = {
    **{f"{minutes}m": Bar(minutes * MINUTE_MS) for minutes in (1, 3, 5, 15, 30)},
    **{f"{hours}H": Bar(hours * HOUR_MS) for hours in (1, 2, 4)},
    **{f"{hours}H": Bar(hours * HOUR_MS, HONG_KONG_MS) for hours in (6, 12)},
    **{f"{hours}Hutc": Bar(hours * HOUR_MS) for hours in (6, 12)},
    "1D": Bar(DAY_MS, HONG_KONG_MS),
    "1Dutc": Bar(DAY_MS),
}


def rows(
    product: Product, candles: Candles, bar: Bar, count: int, now_ms: int, before_ms: int | None = None
) -> list[list[str]]:
    """The newest ``count`` candles, the newest first; only those that begin before ``before_ms``."""
    begins = candles.begins(bar, now_ms if before_ms is None else min(now_ms, before_ms - 1))
    made = candles.made(bar, begins[-count:])
    return [_row(product, one, is_over=one.begin_ms + bar.length_ms <= now_ms) for one in reversed(made)]


class CandleChannel:
    """``candle1m`` and the like: told once a second at the most; one that ends is told once more."""

    interval_ms = 1_000

    def __init__(self, product: Product, candles: Candles, name: str) -> None:
        self._product = product
        self._candles = candles
        self._bar = BARS[name]
        self._head = b'{"arg":{"channel":"candle%b","instId":"%b"},"data":' % (name.encode(), product.inst_id.encode())
        self._told: list[list[str]] = []

    def first(self, now_ms: int) -> bytes:
        return self._frame(self._rows(1, now_ms))

    def collected(self, now_ms: int) -> bytes | None:
        newest = self._rows(1, now_ms)
        if newest == self._told:
            return None
        ended = bool(self._told) and self._told[0][0] != newest[0][0]
        self._told = newest
        return self._frame(self._rows(2, now_ms)[::-1] if ended else newest)

    def _rows(self, count: int, now_ms: int) -> list[list[str]]:
        return rows(self._product, self._candles, self._bar, count, now_ms)

    def _frame(self, told: list[list[str]]) -> bytes:
        return self._head + msgspec.json.encode(told) + b"}"


def _row(product: Product, candle: Candle, *, is_over: bool) -> list[str]:
    numbers = product.numbers
    quote = amount(candle.units)
    base = amount(candle.lots * product.listing.instrument.lot_units)
    return [
        str(candle.begin_ms),
        *(numbers.price(ticks) for ticks in (candle.open, candle.high, candle.low, candle.close)),
        numbers.size(candle.lots),
        base if product.listing.linear else quote,
        quote,
        "1" if is_over else "0",
    ]
