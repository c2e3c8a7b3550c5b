"""python-binance's sockets as they are installed: user data of both markets, books, candles and tickers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from binance import AsyncClient, BinanceSocketManager, FuturesDepthCacheManager

from conformance.python_binance_clients import addressed
from conformance.served import Served, bounded
from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated import DEMO_API_KEY, DEMO_API_SECRET
from patience import PATIENCE_S

MIDDLE = "60000"


@asynccontextmanager
async def connected(served: Served) -> AsyncIterator[tuple[Any, Any]]:
    """The client and its socket manager, for both markets."""
    with addressed(served):
        client = await AsyncClient.create(DEMO_API_KEY, DEMO_API_SECRET)
        try:
            yield client, BinanceSocketManager(client)
        finally:
            await client.close_connection()


async def heard_until(socket: Any, is_right: Callable[[Any], bool], stir: Callable[[], None] = lambda: None) -> Any:
    """The first right message; the market is stirred meanwhile."""
    async with socket as stream:
        return await hear(stream, is_right, stir)


async def hear(stream: Any, is_right: Callable[[Any], bool], stir: Callable[[], None] = lambda: None) -> Any:
    receiving = asyncio.ensure_future(stream.recv())
    while True:
        stir()
        await asyncio.wait([receiving], timeout=0.2)
        if receiving.done():
            if is_right(message := receiving.result()):
                return message
            receiving = asyncio.ensure_future(stream.recv())


def test_the_spot_user_socket_hears_of_orders_over_the_websocket_api(served: Served):
    async def check() -> None:
        async with connected(served) as (client, sockets), sockets.user_socket() as stream:
            bought = await client.create_order(
                symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price="60001"
            )
            filled = await hear(stream, lambda event: event.get("x") == "TRADE")
            assert (filled["e"], filled["i"], filled["X"]) == ("executionReport", bought["orderId"], "FILLED")
            position = await hear(stream, lambda event: event["e"] == "outboundAccountPosition")
            assert {each["a"]: each["f"] for each in position["B"]}["BTC"] == "20.00999000"

    served.fill_book("binance", "BTCUSDT", MIDDLE)
    bounded(check())


def test_the_futures_user_socket_hears_of_orders_by_its_listen_key(served: Served):
    async def check() -> None:
        async with connected(served) as (client, sockets), sockets.futures_user_socket() as stream:
            order = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.01"}
            sold = await client.futures_create_order(**order)
            update = await hear(stream, lambda event: event["e"] == "ACCOUNT_UPDATE")
            assert update["a"]["P"][0]["pa"] == "-0.010"
            filled = await hear(stream, lambda event: event.get("o", {}).get("X") == "FILLED")
            assert filled["o"]["i"] == sold["orderId"]

    served.fill_book("binanceusdm", "BTCUSDT", MIDDLE)
    bounded(check())


def test_orders_over_the_websocket_apis_of_both_markets(served: Served):
    async def check() -> None:
        async with connected(served) as (client, _sockets):
            order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "59000"}
            for place, ask, cancel in (
                (client.ws_create_order, client.ws_get_order, client.ws_cancel_order),
                (client.ws_futures_create_order, client.ws_futures_get_order, client.ws_futures_cancel_order),
            ):
                placed = await place(**order, quantity="0.01")
                named = {"symbol": "BTCUSDT", "orderId": placed["orderId"]}
                assert (await ask(**named))["status"] == "NEW"
                assert (await cancel(**named))["status"] == "CANCELED"

    for exchange in ("binance", "binanceusdm"):
        served.fill_book(exchange, "BTCUSDT", MIDDLE)
    bounded(check())


def test_the_futures_depth_cache_shows_the_best_ten_levels(served: Served):
    async def check() -> None:
        async with connected(served) as (client, _sockets), FuturesDepthCacheManager(client, "BTCUSDT") as manager:
            cache = await asyncio.wait_for(manager.recv(), PATIENCE_S)
            while True:
                own = [[[float(p), float(s)] for p, s in side[:10]] for side in served.book("binanceusdm", "BTCUSDT")]
                if [cache.get_bids(), cache.get_asks()] == own:
                    return
                cache = await asyncio.wait_for(manager.recv(), PATIENCE_S)

    served.fill_book("binanceusdm", "BTCUSDT", MIDDLE)
    bounded(check())


STREAMS: dict[str, tuple[str, Callable[[Any], Any], Callable[[Any], bool]]] = {
    "trade": ("binance", lambda to: to.trade_socket("BTCUSDT"), lambda it: it["e"] == "trade"),
    "depth20": ("binance", lambda to: to.depth_socket("BTCUSDT", depth="20"), lambda it: len(it["asks"]) == 20),
    "kline": ("binance", lambda to: to.kline_socket("BTCUSDT", "5m"), lambda it: it["k"]["n"] > 0),
    "ticker": ("binance", lambda to: to.symbol_ticker_socket("BTCUSDT"), lambda it: float(it["c"]) > 0),
    "miniTickers": ("binance", lambda to: to.miniticker_socket(), lambda it: it[0]["e"] == "24hrMiniTicker"),
    "markPrice": (
        "binanceusdm",
        lambda to: to.symbol_mark_price_socket("BTCUSDT"),
        lambda it: float(it["data"]["p"]) > 0,
    ),
    "markPrices": (
        "binanceusdm",
        lambda to: to.all_mark_price_socket(),
        lambda it: {one["s"] for one in it["data"]} == {"BTCUSDT", "ETHUSDT", "SOLUSDT"},
    ),
    "futures kline": (
        "binanceusdm",
        lambda to: to.kline_futures_socket("BTCUSDT", "1m"),
        lambda it: it["e"] == "continuous_kline" and it["k"]["n"] > 0,
    ),
    "futures ticker": (
        "binanceusdm",
        lambda to: to.individual_symbol_ticker_futures_socket("BTCUSDT"),
        lambda it: it["data"]["e"] == "24hrTicker",
    ),
    "futures aggTrade": (
        "binanceusdm",
        lambda to: to.aggtrade_futures_socket("BTCUSDT"),
        lambda it: it["data"]["e"] == "aggTrade",
    ),
}


@pytest.mark.parametrize("name", list(STREAMS))
def test_market_sockets_bring_what_they_are_named_for(served: Served, name):
    exchange, socket, is_right = STREAMS[name]

    async def check() -> None:
        async with connected(served) as (_client, sockets):
            stir = lambda: served.quote(exchange, "BTCUSDT", Side.BUY, "60011", "0.02")  # noqa: E731
            await heard_until(socket(sockets), is_right, stir)

    served.fill_book(exchange, "BTCUSDT", MIDDLE, levels=30)
    bounded(check())
