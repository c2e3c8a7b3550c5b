"""Binance's own SDKs, as they are installed, follow the simulated streams and trade over the WebSocket APIs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from binance_common.configuration import ConfigurationWebSocketAPI, ConfigurationWebSocketStreams
from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import DerivativesTradingUsdsFutures
from binance_sdk_spot.spot import Spot

from conformance.served import Served, bounded, until
from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated import DEMO_API_KEY, DEMO_API_SECRET

MIDDLE = "60000"
Subscribe = Callable[[Any], Awaitable[Any]]

SPOT: dict[str, tuple[Subscribe, Callable[[Any], bool]]] = {
    "trade": (lambda to: to.trade(symbol="btcusdt"), lambda it: it.e == "trade" and float(it.p) == 60_001),
    "aggTrade": (lambda to: to.agg_trade(symbol="btcusdt"), lambda it: it.e == "aggTrade" and it.f <= it.l),
    "bookTicker": (lambda to: to.book_ticker(symbol="btcusdt"), lambda it: float(it.b) < float(it.a)),
    "depth": (lambda to: to.diff_book_depth(symbol="btcusdt", update_speed="100ms"), lambda it: it.u >= it.U),
    "depth5": (
        lambda to: to.partial_book_depth(symbol="btcusdt", levels=5, update_speed="100ms"),
        lambda it: len(it.bids) == len(it.asks) == 5 and it.last_update_id > 0,
    ),
    "kline": (lambda to: to.kline(symbol="btcusdt", interval="1m"), lambda it: it.k.i == "1m" and it.k.n > 0),
    "kline east": (
        lambda to: to.kline_offset(symbol="btcusdt", interval="1d"),
        lambda it: it.k.t % 86_400_000 == 57_600_000,
    ),
    "ticker": (lambda to: to.ticker(symbol="btcusdt"), lambda it: it.e == "24hrTicker" and float(it.b) < float(it.a)),
    "miniTicker": (lambda to: to.mini_ticker(symbol="btcusdt"), lambda it: it.e == "24hrMiniTicker"),
    "ticker_1h": (
        lambda to: to.rolling_window_ticker(symbol="btcusdt", window_size="1h"),
        lambda it: it.e == "1hTicker" and it.n > 0,
    ),
    "avgPrice": (lambda to: to.avg_price(symbol="btcusdt"), lambda it: it.i == "5m" and float(it.w) > 0),
    "!miniTicker": (lambda to: to.all_mini_ticker(), lambda it: "BTCUSDT" in {one.s for one in _all(it)}),
}
USDM: dict[str, tuple[Subscribe, Callable[[Any], bool]]] = {
    "aggTrade": (lambda to: to.aggregate_trade_streams(symbol="btcusdt"), lambda it: it.e == "aggTrade"),
    "bookTicker": (lambda to: to.individual_symbol_book_ticker_streams(symbol="btcusdt"), lambda it: it.T > 0),
    "depth": (
        lambda to: to.diff_book_depth_streams(symbol="btcusdt", update_speed="100ms"),
        lambda it: it.pu < it.U <= it.u,
    ),
    "depth5": (
        lambda to: to.partial_book_depth_streams(symbol="btcusdt", levels=5, update_speed="100ms"),
        lambda it: len(it.b) == len(it.a) == 5,
    ),
    "kline": (
        lambda to: to.kline_candlestick_streams(symbol="btcusdt", interval="1m"),
        lambda it: it.k.i == "1m" and it.k.n > 0,
    ),
    "ticker": (lambda to: to.individual_symbol_ticker_streams(symbol="btcusdt"), lambda it: it.e == "24hrTicker"),
    "markPrice": (
        lambda to: to.mark_price_stream(symbol="btcusdt", update_speed="1s"),
        lambda it: float(it.p) > 0 and it.T > it.E,
    ),
    "!miniTicker": (lambda to: to.all_market_mini_tickers_stream(), lambda it: "BTCUSDT" in {o.s for o in _all(it)}),
}


def _all(message: Any) -> list[Any]:
    """What is in an array, as the SDK wraps it."""
    return message if isinstance(message, list) else message.root


def events(heard: list[Any], kind: str) -> list[Any]:
    """A user's events that the SDK took for that kind."""
    return [one.actual_instance for one in heard if type(one.actual_instance).__name__ == kind]


@asynccontextmanager
async def streaming(served: Served, exchange: str) -> AsyncIterator[Any]:
    sdk = Spot if exchange == "binance" else DerivativesTradingUsdsFutures
    configuration = ConfigurationWebSocketStreams(stream_url=served.urls[exchange].stream)
    sockets = sdk(config_ws_streams=configuration).websocket_streams
    await sockets.create_connection()
    try:
        yield sockets
    finally:
        await sockets.close_connection(close_session=True)


@asynccontextmanager
async def asking(served: Served, exchange: str) -> AsyncIterator[Any]:
    sdk = Spot if exchange == "binance" else DerivativesTradingUsdsFutures
    configuration = ConfigurationWebSocketAPI(
        api_key=DEMO_API_KEY, api_secret=DEMO_API_SECRET, stream_url=served.urls[exchange].orders
    )
    socket = sdk(config_ws_api=configuration).websocket_api
    await socket.create_connection()
    try:
        yield socket
    finally:
        await socket.close_connection(close_session=True)


@pytest.mark.parametrize(("exchange", "name"), [*(("binance", n) for n in SPOT), *(("binanceusdm", n) for n in USDM)])
def test_the_sdk_follows_the_stream(served: Served, exchange, name):
    subscribe, is_right = (SPOT if exchange == "binance" else USDM)[name]
    heard: list[Any] = []

    async def check() -> None:
        async with streaming(served, exchange) as sockets:
            stream = await subscribe(sockets)
            stream.on("message", heard.append)
            while not any(map(is_right, heard)):
                served.quote(exchange, "BTCUSDT", Side.BUY, "60011", "0.02")
                await asyncio.sleep(0.1)

    served.fill_book(exchange, "BTCUSDT", MIDDLE)
    bounded(check())


def test_the_spot_sdk_trades_and_hears_of_it_on_one_connection(served: Served):
    heard: list[Any] = []

    async def check() -> None:
        async with asking(served, "binance") as api:
            subscribed = await api.user_data_stream_subscribe_signature()
            subscribed.stream.on("message", heard.append)
            order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "time_in_force": "GTC"}
            resting = (await api.order_place(**order, price=50_000, quantity=0.01)).data().result
            assert resting.status == "NEW"
            named = {"symbol": "BTCUSDT", "order_id": resting.order_id}
            assert (await api.order_status(**named)).data().result.orig_qty == "0.01000000"
            assert (await api.order_amend_keep_priority(**named, new_qty=0.005)).data().result.amended_order is not None
            assert (await api.order_cancel(**named)).data().result.status == "CANCELED"
            bought = (await api.order_place(**order, price=60_001, quantity=0.01)).data().result
            assert bought.status == "FILLED"
            balances = (await api.account_status()).data().result.balances
            assert {one.asset: one.free for one in balances}["BTC"] == "20.00999000"
            told = lambda kind: events(heard, kind)  # noqa: E731
            await until(
                lambda: [e.x for e in told("ExecutionReport")] == ["NEW", "REPLACED", "CANCELED", "NEW", "TRADE"]
            )
            await until(lambda: {b.a: b.f for b in told("OutboundAccountPosition")[-1].B}["BTC"] == "20.00999000")

    served.fill_book("binance", "BTCUSDT", MIDDLE)
    bounded(check())


def test_the_usdm_sdk_trades_on_one_connection_and_hears_of_it_on_another(served: Served):
    heard: list[Any] = []

    async def check() -> None:
        async with asking(served, "binanceusdm") as api, streaming(served, "binanceusdm") as sockets:
            key = (await api.start_user_data_stream()).data().result.listen_key
            stream = await sockets.user_data(key)
            stream.on("message", heard.append)
            order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "time_in_force": "GTC"}
            resting = (await api.new_order(**order, price=59_000, quantity=0.01)).data().result
            named = {"symbol": "BTCUSDT", "order_id": resting.order_id}
            modified = await api.modify_order(**named, side="BUY", price=58_900, quantity=0.02)
            assert modified.data().result.orig_qty == "0.020"
            assert (await api.cancel_order(**named)).data().result.status == "CANCELED"
            await api.new_order(**order, price=60_011, quantity=0.01)
            (position,) = (await api.position_information_v2(symbol="BTCUSDT")).data().result
            assert position.position_amt == "0.010"
            assert (await api.order_book(symbol="BTCUSDT", limit=5)).data().result.last_update_id > 0
            told = lambda kind: events(heard, kind)  # noqa: E731
            await until(lambda: [e.o.X for e in told("OrderTradeUpdate")][-1:] == ["FILLED"])
            assert told("TradeLite")[0].l == told("AccountUpdate")[0].a.P[0].pa == "0.010"
            await api.keepalive_user_data_stream()
            await api.close_user_data_stream()

    served.fill_book("binanceusdm", "BTCUSDT", MIDDLE)
    bounded(check())
