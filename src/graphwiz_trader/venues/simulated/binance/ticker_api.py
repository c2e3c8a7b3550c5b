"""What anybody may ask of a market's figures: tickers of the day and of other spans, best and last prices, marks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.figures import AVERAGED_MINUTES, Figures
from graphwiz_trader.venues.simulated.binance.listed import Listed
from graphwiz_trader.venues.simulated.binance.parameters import Parameters, invalid, missing
from graphwiz_trader.venues.simulated.candles import DAY_MS, HOUR_MS, MINUTE_MS

_MINI = (
    "symbol", "openPrice", "highPrice", "lowPrice", "lastPrice", "volume", "quoteVolume", "openTime", "closeTime",
    "firstId", "lastId", "count",
)  # fmt: skip
_WINDOW = re.compile(r"([1-9]|[1-5][0-9])m|([1-9]|1[0-9]|2[0-3])h|([1-7])d", re.ASCII)
_MOST_SYMBOLS = 100


class TickerApi:
    """One market's answers, each a JSON body."""

    def __init__(self, listed: Listed, figures: Figures) -> None:
        self._listed = listed
        self._figures = figures

    def day(self, parameters: Parameters, now_ms: int) -> bytes:
        return self._sized(parameters, lambda symbol: self._figures.day(symbol, now_ms))

    def trading_day(self, parameters: Parameters, now_ms: int) -> bytes:
        """By the clock of ``timeZone``."""
        self._require_symbols(parameters)
        early_ms = parameters.time_zone_ms()
        return self._sized(parameters, lambda symbol: self._figures.trading_day(symbol, early_ms, now_ms))

    def window(self, parameters: Parameters, now_ms: int) -> bytes:
        """Of the last ``windowSize``: 1m to 59m, 1h to 23h, 1d to 7d."""
        self._require_symbols(parameters)
        size = _WINDOW.fullmatch(parameters.optional("windowSize") or "1d")
        if size is None:
            raise invalid("windowSize")
        minutes, hours, days = (int(text or 0) for text in size.groups())
        span_ms = minutes * MINUTE_MS + hours * HOUR_MS + days * DAY_MS
        return self._sized(parameters, lambda symbol: self._figures.window(symbol, span_ms, now_ms))

    def prices(self, parameters: Parameters, _now_ms: int) -> bytes:
        return self._listed.each(parameters, self._figures.last_price)

    def usdm_prices(self, parameters: Parameters, now_ms: int) -> bytes:
        return self._listed.each(parameters, lambda symbol: self._figures.last_price(symbol) | {"time": now_ms})

    def best(self, parameters: Parameters, _now_ms: int) -> bytes:
        return self._listed.each(parameters, self._figures.best)

    def usdm_best(self, parameters: Parameters, now_ms: int) -> bytes:
        def of(symbol: str) -> dict[str, Any]:
            last_id = self._listed.books[symbol].update_id
            return {"lastUpdateId": last_id, **self._figures.best(symbol), "time": now_ms}

        return self._listed.each(parameters, of)

    def average_price(self, parameters: Parameters, now_ms: int) -> bytes:
        symbol = self._listed.one(parameters)
        price, traded_ms = self._figures.average(symbol, now_ms), self._figures.last_traded_ms(symbol)
        return msgspec.json.encode({"mins": AVERAGED_MINUTES, "price": price, "closeTime": traded_ms})

    def premium(self, parameters: Parameters, now_ms: int) -> bytes:
        return self._listed.each(parameters, lambda symbol: self._figures.premium(symbol, now_ms))

    def _sized(self, parameters: Parameters, form: Callable[[str], dict[str, Any]]) -> bytes:
        """``type`` FULL or MINI."""
        size = parameters.optional("type") or "FULL"
        if size not in ("FULL", "MINI"):
            raise invalid("type")
        return self._listed.each(parameters, form if size == "FULL" else lambda symbol: _mini(form(symbol)))

    def _require_symbols(self, parameters: Parameters) -> None:
        if "symbol" not in parameters and "symbols" not in parameters:
            raise missing("symbol")
        if len(self._listed.several(parameters)) > _MOST_SYMBOLS:
            raise BinanceError(-1101, f"Too many values sent for parameter 'symbols', maximum is {_MOST_SYMBOLS}.")


def _mini(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {name: figures[name] for name in _MINI}
