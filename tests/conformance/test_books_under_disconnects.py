"""Ten thousand messages of a book's changes while connections break at random: every client has the exchange's own
book after every fifty of them, fewer than any client's queue holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from random import Random
from typing import Any

import ccxt.pro
import pytest
from binance import AsyncClient, DepthCacheManager, FuturesDepthCacheManager, ThreadedDepthCacheManager
from binance.ws.depthcache import DepthCache

from conformance.ccxt_clients import ccxt_client
from conformance.cryptofeed_client import cryptofeed
from conformance.python_binance_clients import addressed
from conformance.served import Served, bounded
from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.base import Endpoints
from graphwiz_trader.venues.market_data import WebSocketMarketData

ROUNDS, CHANGES_A_ROUND, DISCONNECTS, SEED = 200, 50, 5, 20_261_123
MIDDLE = "61800"
SYMBOL = "BTCUSDT"
SYMBOLS = {"binance": SYMBOL, "binanceusdm": SYMBOL, "okx": "BTC-USDT"}
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
    """Its futures cache keeps the best ten levels a side."""
    with addressed(served):
        client = await AsyncClient.create()
        manager = (
            DepthCacheManager(client, SYMBOL, limit=1_000, ws_interval=100)
            if exchange == "binance"
            else FuturesDepthCacheManager(client, SYMBOL)
        )

        async def look() -> Any:
            return cached(manager.get_depth_cache())

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
async def by_python_binance_s_thread(served: Served, exchange: str) -> AsyncIterator[Look]:
    told: list[Any] = []

    def hear(cache: Any) -> None:
        told[:] = [cache] if isinstance(cache, DepthCache) else told

    async def look() -> Any:
        return cached(*told) if told else None

    def start() -> ThreadedDepthCacheManager:
        """In a thread: where it is made it takes the loop that runs there, or makes one."""
        manager = ThreadedDepthCacheManager()
        manager.start()
        if exchange == "binance":
            manager.start_depth_cache(hear, SYMBOL, limit=1_000, ws_interval=100)
        else:
            manager.start_futures_depth_socket(hear, SYMBOL)
        return manager

    with addressed(served):
        manager = await asyncio.to_thread(start)
        yield look
        await asyncio.to_thread(manager.stop)
        await asyncio.to_thread(manager.join)


def cached(cache: DepthCache | None) -> Any:
    return (cache.get_bids(), cache.get_asks()) if cache is not None else None


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


def numbers(sides: Any, levels: int | None = None) -> Any:
    return [[(float(price), float(size)) for price, size in side[:levels]] for side in sides] if sides else None


def survives(
    served: Served,
    exchange: str,
    by: Callable[..., AbstractAsyncContextManager[Look]],
    levels: int | None = None,
) -> None:
    """``levels``: as many a side the client keeps; None: all there are."""
    symbol, random = SYMBOLS[exchange], Random(SEED)
    cuts = set(random.sample(range(ROUNDS), DISCONNECTS))

    async def check() -> None:
        stirring = served.stirring(exchange, symbol, MIDDLE, SEED)
        async with by(served, exchange) as look:
            for round_number in range(ROUNDS):
                await until_equal(look)
                served.call(partial(stirring.change, CHANGES_A_ROUND, is_cut=round_number in cuts))
            await until_equal(look)

    async def until_equal(look: Look) -> None:
        looks = 0
        while numbers(await look()) != numbers(served.book(exchange, symbol), levels):
            await asyncio.sleep(0.002)
            looks += 1
            if looks % 100 == 0:  # some look at their book when it changes
                served.quote(exchange, symbol, Side.BUY, "61700", "0.5")

    served.fill_book(exchange, symbol, MIDDLE)
    bounded(check(), 240)


EVERYWHERE = pytest.mark.parametrize("exchange", list(SYMBOLS))


@EVERYWHERE
def test_our_own_feed(served: Served, exchange: str):
    survives(served, exchange, by_ours)


@EVERYWHERE
def test_ccxt_pro(served: Served, exchange: str):
    survives(served, exchange, by_ccxt)


@EVERYWHERE
def test_cryptofeed(secure: Served, exchange: str):
    survives(secure, exchange, by_cryptofeed)


@pytest.mark.parametrize("by", [by_python_binance, by_python_binance_s_thread])
@pytest.mark.parametrize(("exchange", "levels"), [("binance", None), ("binanceusdm", 10)])
def test_python_binance_s_depth_caches(served: Served, exchange: str, levels: int | None, by):
    survives(served, exchange, by, levels)
