"""Ten thousand changes of a book while connections break at random: every client ends with the exchange's own book."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import ccxt.pro
import pytest
from binance import AsyncClient, BinanceSocketManager, DepthCacheManager
from binance.base_client import BaseClient

from conformance.ccxt_clients import ccxt_client
from conformance.cryptofeed_client import cryptofeed
from conformance.served import Served, bounded
from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.base import Endpoints
from graphwiz_trader.venues.market_data import WebSocketMarketData

CHANGES, DISCONNECTS, SEED = 10_000, 5, 20_261_123
MIDDLE = "61800"
SYMBOLS = {"binance": "BTCUSDT", "binanceusdm": "BTCUSDT", "okx": "BTC-USDT"}
Look = Callable[[], Awaitable[Any]]
"""The client's book at this moment: bids and asks, best first, as pairs of numbers; or None."""


@asynccontextmanager
async def by_ccxt(served: Served, exchange: str) -> AsyncIterator[Look]:
    symbol = "BTC/USDT:USDT" if exchange == "binanceusdm" else "BTC/USDT"

    async def look() -> Any:
        book = client.orderbooks.get(symbol)
        return [[level[:2] for level in book[side]] for side in ("bids", "asks")] if book is not None else None

    async def watch() -> None:
        while True:
            with suppress(ccxt.NetworkError):
                await client.watch_order_book(symbol)

    async with ccxt_client(served, exchange) as client:
        watching = asyncio.create_task(watch())
        yield look
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


@asynccontextmanager
async def by_python_binance(served: Served, exchange: str) -> AsyncIterator[Look]:
    at = served.urls[exchange]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "API_URL", f"{at.rest}/api")
        patch.setattr(BinanceSocketManager, "STREAM_URL", f"{at.stream}/")
        client = await AsyncClient.create()
        manager = DepthCacheManager(client, SYMBOLS[exchange], limit=1_000, ws_interval=100)

        async def look() -> Any:
            book = manager.get_depth_cache()
            return (book.get_bids(), book.get_asks()) if book is not None else None

        async def listen() -> None:
            async with manager as cache:
                while True:
                    await cache.recv()

        listening = asyncio.create_task(listen())
        yield look
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await client.close_connection()


@asynccontextmanager
async def by_cryptofeed(served: Served, exchange: str) -> AsyncIterator[Look]:
    async with cryptofeed(served, exchange) as client:
        yield client.book


@asynccontextmanager
async def by_ours(served: Served, exchange: str) -> AsyncIterator[Look]:
    at = served.urls[exchange]

    async def look() -> Any:
        book = data.books.get(exchange, "BTC/USDT")
        depth = book.depth(10_000)
        return (depth["bids"], depth["asks"]) if book.is_trusted else None

    async with WebSocketMarketData(
        {exchange: ["BTC/USDT"]}, {exchange: Endpoints(at.rest, at.stream, at.orders)}
    ) as data:
        yield look


def numbers(sides: Any) -> Any:
    return [[(float(price), float(size)) for price, size in side] for side in sides] if sides is not None else None


def survives(served: Served, exchange: str, by: Callable[..., AbstractAsyncContextManager[Look]]) -> None:
    symbol = SYMBOLS[exchange]

    async def check() -> None:
        async with by(served, exchange) as look:
            while not await look():  # it has a book before anything breaks
                served.quote(exchange, symbol, Side.BUY, "61700", "0.5")
                await asyncio.sleep(0.2)
            await asyncio.to_thread(
                served.stir, exchange, symbol, MIDDLE, changes=CHANGES, disconnects=DISCONNECTS, seed=SEED
            )
            while numbers(await look()) != numbers(served.book(exchange, symbol)):
                served.quote(exchange, symbol, Side.BUY, "61700", "0.5")  # some look at their book when it changes
                await asyncio.sleep(0.5)

    served.fill_book(exchange, symbol, MIDDLE)
    bounded(check(), 240)


EVERYWHERE = pytest.mark.parametrize("exchange", list(SYMBOLS))


@EVERYWHERE
def test_our_own_feed(served: Served, exchange: str):
    survives(served, exchange, by_ours)


@EVERYWHERE
def test_ccxt_pro(served: Served, exchange: str):
    survives(served, exchange, by_ccxt)


def test_python_binance_s_depth_cache_manager(served: Served):
    survives(served, "binance", by_python_binance)


@EVERYWHERE
def test_cryptofeed(secure: Served, exchange: str):
    survives(secure, exchange, by_cryptofeed)
