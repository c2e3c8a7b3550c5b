"""Candles, tickers, averages and mark prices in the wire form of streams: REST's figures under short names.

Sources: Binance spot API docs, "WebSocket Streams"; USD-M futures docs, "WebSocket Market Streams" (2026-06).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphwiz_trader.venues.simulated.binance.numbers import Numbers, amount
from graphwiz_trader.venues.simulated.candles import Bar, Candle

_TICKER: Mapping[str, str] = {
    "p": "priceChange",
    "P": "priceChangePercent",
    "w": "weightedAvgPrice",
    "x": "prevClosePrice",
    "c": "lastPrice",
    "Q": "lastQty",
    "b": "bidPrice",
    "B": "bidQty",
    "a": "askPrice",
    "A": "askQty",
    "o": "openPrice",
    "h": "highPrice",
    "l": "lowPrice",
    "v": "volume",
    "q": "quoteVolume",
    "O": "openTime",
    "C": "closeTime",
    "F": "firstId",
    "L": "lastId",
    "n": "count",
}
_MINI = ("c", "o", "h", "l", "v", "q")
_WINDOW = ("p", "P", "o", "h", "l", "c", "w", "v", "q", "O", "C", "F", "L", "n")


def kline(symbol: str, interval: str, bar: Bar, numbers: Numbers, candle: Candle, now_ms: int) -> dict[str, Any]:
    """``@kline_<interval>``."""
    figures = _kline(interval, bar, numbers, candle, now_ms)
    times = {name: figures.pop(name) for name in ("t", "T")}
    return {"e": "kline", "E": now_ms, "s": symbol, "k": {**times, "s": symbol, **figures}}


def continuous_kline(
    pair: str, interval: str, bar: Bar, numbers: Numbers, candle: Candle, now_ms: int
) -> dict[str, Any]:
    """``<pair>_perpetual@continuousKline_<interval>``."""
    figures = _kline(interval, bar, numbers, candle, now_ms)
    return {"e": "continuous_kline", "E": now_ms, "ps": pair, "ct": "PERPETUAL", "k": figures}


def _kline(interval: str, bar: Bar, numbers: Numbers, candle: Candle, now_ms: int) -> dict[str, Any]:
    end_ms = candle.begin_ms + bar.length_ms
    price, size = numbers.price, numbers.size
    return {
        "t": candle.begin_ms,
        "T": end_ms - 1,
        "i": interval,
        "f": candle.first_id,
        "L": candle.last_id,
        "o": price(candle.open),
        "c": price(candle.close),
        "h": price(candle.high),
        "l": price(candle.low),
        "v": size(candle.lots),
        "n": candle.count,
        "x": end_ms <= now_ms,
        "q": amount(candle.units),
        "V": size(candle.bought_lots),
        "Q": amount(candle.bought_units),
        "B": "0",
    }


def ticker(day: Mapping[str, Any]) -> dict[str, Any]:
    """``@ticker``, of a line of ``ticker/24hr``; futures' have neither best prices nor the price before."""
    return _event("24hrTicker", day) | {short: day[name] for short, name in _TICKER.items() if name in day}


def mini_ticker(day: Mapping[str, Any]) -> dict[str, Any]:
    """``@miniTicker``, of a line of ``ticker/24hr``."""
    return _event("24hrMiniTicker", day) | {short: day[_TICKER[short]] for short in _MINI}


def window_ticker(window: str, figures: Mapping[str, Any]) -> dict[str, Any]:
    """``@ticker_<window>``, of a line of ``ticker``."""
    return _event(f"{window}Ticker", figures) | {short: figures[_TICKER[short]] for short in _WINDOW}


def average(symbol: str, price: str, traded_ms: int, now_ms: int) -> dict[str, Any]:
    """``@avgPrice``."""
    return {"e": "avgPrice", "E": now_ms, "s": symbol, "i": "5m", "w": price, "T": traded_ms}


def mark_price(premium: Mapping[str, Any]) -> dict[str, Any]:
    """``@markPrice``, of a line of ``premiumIndex``. ``ap``: the mark's moving average, which is the mark here."""
    return {
        "e": "markPriceUpdate",
        "E": premium["time"],
        "s": premium["symbol"],
        "p": premium["markPrice"],
        "ap": premium["markPrice"],
        "P": premium["estimatedSettlePrice"],
        "i": premium["indexPrice"],
        "r": premium["lastFundingRate"],
        "T": premium["nextFundingTime"],
    }


def _event(kind: str, figures: Mapping[str, Any]) -> dict[str, Any]:
    return {"e": kind, "E": figures["closeTime"], "s": figures["symbol"]}
