"""The COIN-M market's REST side: market data alone. Orders are refused in words, because nobody here may send them:
risk refuses inverse contracts.

Source: Binance COIN-M futures docs, "Market Data". Sizes are contracts, and amounts are of the base asset.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from graphwiz_trader.hft.instruments import units_from_text
from graphwiz_trader.venues.simulated.binance import errors
from graphwiz_trader.venues.simulated.binance.authentication import ApiKeys
from graphwiz_trader.venues.simulated.binance.coinm_frames import pair_of
from graphwiz_trader.venues.simulated.binance.desk import Desk, Endpoint, Public
from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.history import Span
from graphwiz_trader.venues.simulated.binance.limits import RateLimiter
from graphwiz_trader.venues.simulated.binance.market_data import MarketData
from graphwiz_trader.venues.simulated.binance.numbers import Numbers, amount
from graphwiz_trader.venues.simulated.binance.parameters import Parameters
from graphwiz_trader.venues.simulated.binance.rest import RestApi
from graphwiz_trader.venues.simulated.orders import PublicTrade
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
    numbers: Mapping[str, Numbers],
    data: MarketData,
    limiter: RateLimiter,
) -> RestApi:
    """The paths of ``/dapi/v1``."""
    asked = _OwnForms(books, numbers, data)
    public = data.public
    routes: dict[str, Endpoint] = {
        f"GET {_PATH}ping": Public(public.ping),
        f"GET {_PATH}time": Public(public.time),
        f"GET {_PATH}exchangeInfo": Public(public.exchange_info),
        f"GET {_PATH}depth": Public(public.depth, public.depth_rules.weight),
        f"GET {_PATH}aggTrades": Public(public.aggregates, 20),
        f"GET {_PATH}trades": Public(asked.trades, 5),
        f"GET {_PATH}ticker/price": Public(asked.prices),
        f"GET {_PATH}ticker/bookTicker": Public(asked.book_tickers, 2),
        **dict.fromkeys(_OF_ACCOUNTS, Public(_refuse)),
    }
    return RestApi(keys, Desk(limiter, errors.USDM_REFUSALS), routes)


class _OwnForms:
    """What COIN-M answers in a form of its own."""

    def __init__(self, books: Mapping[str, VenueBook], numbers: Mapping[str, Numbers], data: MarketData) -> None:
        self._books = books
        self._numbers = numbers
        self._history = data.history
        self._figures = data.figures

    def trades(self, parameters: Parameters, _now_ms: int) -> bytes:
        symbol = parameters.text("symbol")
        if symbol not in self._books:
            raise BinanceError(*errors.BAD_SYMBOL)
        last = list(self._history.symbols[symbol].trades)[-Span.of(parameters).limit :]
        return msgspec.json.encode([_trade(one, self._numbers[symbol]) for one in last])

    def prices(self, parameters: Parameters, now_ms: int) -> bytes:
        return msgspec.json.encode(
            [
                {**self._figures.last_price(symbol), "ps": pair_of(symbol), "time": now_ms}
                for symbol, _book in self._wanted(parameters)
            ]
        )

    def book_tickers(self, parameters: Parameters, now_ms: int) -> bytes:
        return msgspec.json.encode(
            [
                {
                    **self._figures.best(symbol),
                    "lastUpdateId": book.update_id,
                    "pair": pair_of(symbol),
                    "time": now_ms,
                }
                for symbol, book in self._wanted(parameters)
            ]
        )

    def _wanted(self, parameters: Parameters) -> list[tuple[str, VenueBook]]:
        """All, or those of a ``symbol`` or a ``pair``; a list even of one."""
        symbol, pair = parameters.optional("symbol"), parameters.optional("pair")
        found = [
            (name, book)
            for name, book in self._books.items()
            if symbol in (None, name) and pair in (None, pair_of(name))
        ]
        if not found:
            raise BinanceError(*errors.BAD_SYMBOL)
        return found


def _trade(one: PublicTrade, numbers: Numbers) -> dict[str, Any]:
    """A line of ``trades``: contracts of a fixed worth are so much of the base at that price."""
    rules = one.listing.instrument
    worth_units = one.size_lots * units_from_text(rules.contract_value or "0")
    return {
        "id": one.trade_id,
        "price": numbers.price(one.price_ticks),
        "qty": numbers.size(one.size_lots),
        "baseQty": amount(worth_units * units_from_text("1") // (one.price_ticks * rules.tick_units)),
        "time": one.time_ms,
        "isBuyerMaker": one.buyer_is_maker,
    }


def _refuse(_parameters: Parameters, _now_ms: int) -> bytes:
    raise BinanceError(errors.UNSUPPORTED[0], NO_ORDERS)
