"""ccxt.pro's own order book handler on our frames, with its own client and order book objects and no network."""

from __future__ import annotations

import asyncio
from typing import Any

import ccxt.pro
import orjson

_URLS = {
    "binance": "wss://stream.binance.com:9443/stream/ws/0",
    "binanceusdm": "wss://fstream.binance.com/public/ws/0",
    "binancecoinm": "wss://dstream.binance.com/ws/0",
}


class CcxtBook:
    """One symbol's book as ccxt.pro keeps it. ``handle`` takes parsed events: ccxt parses JSON before its handler."""

    def __init__(self, exchange: str, symbol: str, snapshot: bytes) -> None:
        self._exchange = getattr(ccxt.pro, exchange)()
        self._exchange.options |= {"crossMarginPairsData": [], "isolatedMarginPairsData": []}  # asked for over REST
        info = _KINDS[exchange](symbol)
        market = self._exchange.parse_market(info)
        self._exchange.set_markets([market])
        self._symbol = market["symbol"]
        self._snapshot = orjson.loads(snapshot)
        self._loop = asyncio.new_event_loop()
        self._client = self._loop.run_until_complete(self._make_client(_URLS[exchange]))
        self.reset()

    async def _make_client(self, url: str) -> Any:
        return self._exchange.client(url)

    def reset(self) -> None:
        """Back to the snapshot."""
        book = self._exchange.order_book({}, 1_000)
        parsed = self._exchange.parse_order_book(self._snapshot, self._symbol)
        parsed["nonce"] = self._snapshot["lastUpdateId"]
        book.reset(parsed)
        self._exchange.orderbooks[self._symbol] = book
        self._client.subscriptions["orderbook::" + self._symbol] = True

    def handle(self, events: list[dict[str, Any]]) -> None:
        handler, client = self._exchange.handle_order_book, self._client
        for event in events:
            handler(client, event)

    def close(self) -> None:
        self._loop.run_until_complete(self._exchange.close())
        self._loop.close()

    @property
    def book(self) -> Any:
        """ccxt's own object."""
        return self._exchange.orderbooks[self._symbol]

    @property
    def last_id(self) -> int:
        """The update id that the book has come to: proof that nothing was passed over."""
        return int(self.book["nonce"])


def spot_symbol(symbol: str) -> dict[str, Any]:
    """An entry of Binance spot's exchangeInfo, as far as ccxt reads it."""
    return {
        "symbol": symbol,
        "status": "TRADING",
        "baseAsset": symbol.removesuffix("USDT"),
        "quoteAsset": "USDT",
        "baseAssetPrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "permissions": ["SPOT"],
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"},
            {"filterType": "MIN_NOTIONAL", "minNotional": "5.0"},
        ],
    }


def futures_symbol(symbol: str) -> dict[str, Any]:
    """An entry of Binance USD-M's exchangeInfo, as far as ccxt reads it."""
    return {
        **spot_symbol(symbol),
        "pair": symbol,
        "contractType": "PERPETUAL",
        "marginAsset": "USDT",
        "deliveryDate": 4_133_404_800_000,
        "onboardDate": 1_569_398_400_000,
        "pricePrecision": 2,
        "quantityPrecision": 3,
    }


def coinm_symbol(symbol: str) -> dict[str, Any]:
    """An entry of Binance COIN-M's exchangeInfo, as far as ccxt reads it."""
    base = symbol.partition("USD")[0]
    return {
        **futures_symbol(symbol),
        "pair": f"{base}USD",
        "baseAsset": base,
        "quoteAsset": "USD",
        "marginAsset": base,
        "contractSize": 100,
        "contractStatus": "TRADING",
    }


_KINDS = {"binance": spot_symbol, "binanceusdm": futures_symbol, "binancecoinm": coinm_symbol}
