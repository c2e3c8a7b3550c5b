"""The COIN-M market's REST side: market data alone. Orders are refused in words, because nobody here may send them:
risk refuses inverse contracts.

Source: Binance COIN-M futures docs, "Market Data". Sizes are contracts, and amounts are of the base asset.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from graphwiz_trader.venues.simulated.binance import errors
from graphwiz_trader.venues.simulated.binance.authentication import ApiKeys
from graphwiz_trader.venues.simulated.binance.coinm_frames import pair_of
from graphwiz_trader.venues.simulated.binance.desk import Desk, Endpoint, Public
from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.limits import RateLimiter
from graphwiz_trader.venues.simulated.binance.market_data import MarketData
from graphwiz_trader.venues.simulated.binance.parameters import Parameters
from graphwiz_trader.venues.simulated.binance.public_methods import klines_weight, no_funding, one_or_all
from graphwiz_trader.venues.simulated.binance.rest import RestApi
from graphwiz_trader.venues.simulated.venue_book import VenueBook

NO_ORDERS = "The simulated COIN-M market serves market data only: it has no accounts and takes no orders."
_PATH = "/dapi/v1/"
_OF_ACCOUNTS = (
    *(f"{method} {_PATH}order" for method in ("GET", "POST", "PUT", "DELETE")),
    *(f"{method} {_PATH}batchOrders" for method in ("POST", "PUT", "DELETE")),
    *(f"{method} {_PATH}listenKey" for method in ("POST", "PUT", "DELETE")),
    *(f"GET {_PATH}{what}" for what in ("openOrder", "openOrders", "allOrders", "userTrades")),
    *(f"GET {_PATH}{what}" for what in ("account", "balance", "positionRisk", "commissionRate")),
    f"DELETE {_PATH}allOpenOrders",
    f"POST {_PATH}countdownCancelAll",
)


def coinm_api(
    books: Mapping[str, VenueBook],
    keys: ApiKeys,
    data: MarketData,
    limiter: RateLimiter,
) -> RestApi:
    """The paths of ``/dapi/v1``."""
    asked = _OwnForms(books, data)
    public = data.public
    routes: dict[str, Endpoint] = {
        f"GET {_PATH}ping": Public(public.ping),
        f"GET {_PATH}time": Public(public.time),
        f"GET {_PATH}exchangeInfo": Public(public.exchange_info),
        f"GET {_PATH}depth": Public(public.depth, public.depth_rules.weight),
        f"GET {_PATH}aggTrades": Public(public.aggregates, 20),
        f"GET {_PATH}trades": Public(public.trades, 5),
        f"GET {_PATH}historicalTrades": Public(public.trades, 20),
        f"GET {_PATH}klines": Public(public.klines, klines_weight),
        f"GET {_PATH}continuousKlines": Public(public.continuous_klines, klines_weight),
        f"GET {_PATH}ticker/24hr": Public(asked.day, one_or_all(1, 40)),
        f"GET {_PATH}premiumIndex": Public(asked.premium, 10),
        f"GET {_PATH}fundingRate": Public(no_funding),
        f"GET {_PATH}fundingInfo": Public(no_funding),
        f"GET {_PATH}ticker/price": Public(asked.prices),
        f"GET {_PATH}ticker/bookTicker": Public(asked.book_tickers, 2),
        **dict.fromkeys(_OF_ACCOUNTS, Public(_refuse)),
    }
    return RestApi(keys, Desk(limiter, errors.USDM_REFUSALS), routes)


class _OwnForms:
    """What COIN-M answers in a form of its own: with the pair beside the symbol, and a list even of one."""

    def __init__(self, books: Mapping[str, VenueBook], data: MarketData) -> None:
        self._books = books
        self._figures = data.figures

    def day(self, parameters: Parameters, now_ms: int) -> bytes:
        """What was traded counts contracts, and their worth in the base asset."""
        return self._each(parameters, lambda symbol: _of_base(self._figures.day(symbol, now_ms)) | _pair(symbol))

    def prices(self, parameters: Parameters, now_ms: int) -> bytes:
        return self._each(
            parameters, lambda symbol: {**self._figures.last_price(symbol), "ps": pair_of(symbol), "time": now_ms}
        )

    def book_tickers(self, parameters: Parameters, now_ms: int) -> bytes:
        def of(symbol: str) -> dict[str, Any]:
            told = {"lastUpdateId": self._books[symbol].update_id, **_pair(symbol), "time": now_ms}
            return self._figures.best(symbol) | told

        return self._each(parameters, of)

    def premium(self, parameters: Parameters, now_ms: int) -> bytes:
        return self._each(parameters, lambda symbol: self._figures.premium(symbol, now_ms) | _pair(symbol))

    def _each(self, parameters: Parameters, form: Callable[[str], dict[str, Any]]) -> bytes:
        """All, or those of a ``symbol`` or a ``pair``."""
        symbol, pair = parameters.optional("symbol"), parameters.optional("pair")
        found = [name for name in self._books if symbol in (None, name) and pair in (None, pair_of(name))]
        if not found:
            raise BinanceError(*errors.BAD_SYMBOL)
        return msgspec.json.encode([form(name) for name in found])


def _pair(symbol: str) -> dict[str, str]:
    return {"pair": pair_of(symbol)}


def _of_base(day: Mapping[str, Any]) -> dict[str, Any]:
    return {("baseVolume" if name == "quoteVolume" else name): figure for name, figure in day.items()}


def _refuse(_parameters: Parameters, _now_ms: int) -> bytes:
    raise BinanceError(errors.UNSUPPORTED[0], NO_ORDERS)
