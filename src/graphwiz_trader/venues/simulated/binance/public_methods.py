"""What anybody may ask, by market: which method answers which path and which name, at which weight.

Sources: Binance spot API docs, "Market Data endpoints" and their WebSocket twins (2026-07); USD-M futures docs,
"Market Data" (2026-06): over WebSocket it has books and last prices alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from graphwiz_trader.venues.simulated.binance.desk import Public
from graphwiz_trader.venues.simulated.binance.parameters import Parameters
from graphwiz_trader.venues.simulated.binance.public_api import PublicApi
from graphwiz_trader.venues.simulated.binance.ticker_api import TickerApi

_SPOT_NAMES: Mapping[str, str] = {
    "ping": "ping",
    "time": "time",
    "exchangeInfo": "exchangeInfo",
    "depth": "depth",
    "trades.recent": "trades",
    "trades.historical": "historicalTrades",
    "trades.aggregate": "aggTrades",
    "klines": "klines",
    "uiKlines": "uiKlines",
    "avgPrice": "avgPrice",
    "ticker": "ticker",
    "ticker.24hr": "ticker/24hr",
    "ticker.tradingDay": "ticker/tradingDay",
    "ticker.price": "ticker/price",
    "ticker.book": "ticker/bookTicker",
}
"""Name over WebSocket → path over REST."""


def spot_public(public: PublicApi, tickers: TickerApi) -> tuple[dict[str, Public], dict[str, Public]]:
    """By name, and by route."""
    paths = {
        "ping": Public(public.ping),
        "time": Public(public.time),
        "exchangeInfo": Public(public.exchange_info, 20),
        "depth": Public(public.depth, public.depth_rules.weight),
        "trades": Public(public.trades, 25),
        "historicalTrades": Public(public.trades, 25),
        "aggTrades": Public(public.aggregates, 4),
        "klines": Public(public.klines, 2),
        "uiKlines": Public(public.klines, 2),
        "avgPrice": Public(tickers.average_price, 2),
        "ticker": Public(tickers.window, _window_weight),
        "ticker/24hr": Public(tickers.day, _day_weight),
        "ticker/tradingDay": Public(tickers.trading_day, _window_weight),
        "ticker/price": Public(tickers.prices, one_or_all(2, 4)),
        "ticker/bookTicker": Public(tickers.best, one_or_all(2, 4)),
    }
    names = {name: paths[path] for name, path in _SPOT_NAMES.items()}
    return names, {f"GET /api/v3/{path}": method for path, method in paths.items()}


def usdm_public(public: PublicApi, tickers: TickerApi) -> tuple[dict[str, Public], dict[str, Public]]:
    """By name, and by route."""
    depth = Public(public.depth, public.depth_rules.weight)
    prices, best = Public(tickers.usdm_prices, one_or_all(1, 2)), Public(tickers.usdm_best, one_or_all(2, 5))
    names = {
        "ping": Public(public.ping),
        "time": Public(public.time),
        "depth": depth,
        "ticker.price": prices,
        "ticker.book": best,
    }
    paths = {
        "v1/ping": Public(public.ping),
        "v1/time": Public(public.time),
        "v1/exchangeInfo": Public(public.exchange_info),
        "v1/depth": depth,
        "v1/trades": Public(public.trades, 5),
        "v1/historicalTrades": Public(public.trades, 20),
        "v1/aggTrades": Public(public.aggregates, 20),
        "v1/klines": Public(public.klines, klines_weight),
        "v1/continuousKlines": Public(public.continuous_klines, klines_weight),
        "v1/ticker/24hr": Public(tickers.day, one_or_all(1, 40)),
        "v1/ticker/price": prices,
        "v2/ticker/price": prices,
        "v1/ticker/bookTicker": best,
        "v1/premiumIndex": Public(tickers.premium, one_or_all(1, 10)),
        "v1/fundingRate": Public(no_funding),
    }
    return names, {f"GET /fapi/{path}": method for path, method in paths.items()}


def one_or_all(one: int, every: int) -> Callable[[Parameters], int]:
    """What a request weighs that names a symbol, and one that does not."""
    return lambda parameters: one if "symbol" in parameters else every


def _day_weight(parameters: Parameters) -> int:
    """2 for up to 20 symbols, 40 for up to 100, 80 for more and for all."""
    if "symbol" in parameters:
        return 2
    count = len(parameters.json("symbols", list[str]) or ())
    return 2 if 1 <= count <= 20 else 40 if 1 <= count <= 100 else 80


def _window_weight(parameters: Parameters) -> int:
    """4 for each symbol, up to 200."""
    return min(200, 4 * len(parameters.json("symbols", list[str]) or ("one",)))


def klines_weight(parameters: Parameters) -> int:
    limit = parameters.optional_integer("limit") or 500
    return 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1_000 else 10


def no_funding(_parameters: Parameters, _now_ms: int) -> bytes:
    """Nothing is ever paid for funding here."""
    return b"[]"
