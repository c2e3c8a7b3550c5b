"""A live market shown by simulated venues: what a client sees is what is there, and orders stay here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from graphwiz_trader.assembly.exchange_markets import LiveMarket
from graphwiz_trader.assembly.warmup import warm_up
from graphwiz_trader.hft import WebSocketMarketData
from graphwiz_trader.hft.events import Side
from graphwiz_trader.hft.orderbook import OrderBook
from graphwiz_trader.venues.base import Endpoints
from graphwiz_trader.venues.exchanges import load_instruments
from graphwiz_trader.venues.simulated import SimulatedExchange, SyntheticMarket
from patience import PATIENCE_S
from venues.harness import BTC, PERP, Exchange, on_uvloop
from venues.simulated.clients import Client, serving, until

SYMBOLS = {"binance": ["BTC/USDT"], "binanceusdm": ["BTC/USDT"]}


@pytest.fixture(autouse=True, scope="module")
def _compiled() -> None:
    warm_up(lambda *_: None)


@asynccontextmanager
async def mirrored(source: Exchange) -> AsyncIterator[SimulatedExchange]:
    """A simulated exchange whose market is another's, which stands for the real one."""
    endpoints = {name: source.endpoints(name) for name in SYMBOLS}
    instruments = await load_instruments(SYMBOLS, endpoints)
    market = LiveMarket(instruments, endpoints)
    async with serving(*SYMBOLS, market=market, instruments=instruments) as exchange:
        yield exchange


def endpoints_of(exchange: SimulatedExchange) -> dict[str, Endpoints]:
    return {name: Endpoints(urls.rest, urls.stream, urls.orders) for name, urls in exchange.urls.items()}


def shown(book: OrderBook) -> dict[str, list[tuple[str, str]]]:
    return book.depth(20) if book.is_trusted else {}


async def moving_until(source: Exchange, is_so: Callable[[], bool]) -> None:
    """Keep the source moving, far from its top, until something is so: only a book that moves is known to be right."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():
            for instrument in (BTC, PERP):
                source.market.quote(instrument, Side.BUY, 50_000, 5)
            await asyncio.sleep(0.02)


async def until_same(source: Exchange, first: WebSocketMarketData, second: WebSocketMarketData) -> None:
    """Both clients see the same books."""

    def is_same() -> bool:
        pairs = [(first.books.get(name, "BTC/USDT"), second.books.get(name, "BTC/USDT")) for name in SYMBOLS]
        return all(shown(one) and shown(one) == shown(other) for one, other in pairs)

    await moving_until(source, is_same)


@on_uvloop
async def test_a_client_of_the_mirror_sees_the_books_of_the_market_that_is_mirrored():
    async with Exchange() as source, mirrored(source) as mirror:
        there = WebSocketMarketData(SYMBOLS, {name: source.endpoints(name) for name in SYMBOLS})
        here = WebSocketMarketData(SYMBOLS, endpoints_of(mirror))
        async with there, here:
            await until_same(source, there, here)
            source.market.quote(BTC, Side.BUY, 99_995, 3)
            source.market.quote(PERP, Side.SELL, 100_005, 4)
            await until_same(source, there, here)
            assert here.books.get("binance", "BTC/USDT").best_bid == there.books.get("binance", "BTC/USDT").best_bid


@on_uvloop
async def test_an_order_at_the_mirror_fills_from_its_book_and_never_reaches_the_market_that_is_mirrored():
    async with Exchange() as source, mirrored(source) as mirror:
        matcher = mirror.venues["binance"].venue.books["BTCUSDT"].matcher
        await moving_until(source, lambda: matcher.best(Side.SELL) is not None)
        before = source.levels(BTC)[1]
        async with Client(mirror.urls["binance"].orders) as client:
            answer = await client.place(price="1000.10", quantity="0.01000", timeInForce="IOC")
        assert answer["result"]["status"] == "FILLED"
        assert source.levels(BTC)[1] == before


@on_uvloop
async def test_a_market_that_is_no_longer_believed_is_shown_empty():
    async with Exchange() as source, mirrored(source) as mirror:
        matcher = mirror.venues["binance"].venue.books["BTCUSDT"].matcher
        await moving_until(source, lambda: bool(matcher.levels(Side.BUY, 5)))
        await source.simulated.stop()
        await until(lambda: not matcher.levels(Side.BUY, 5))


@on_uvloop
async def test_a_mirrored_synthetic_market_keeps_its_sequence():
    source_market = SyntheticMarket(seed=3, rate_per_s=3_000.0)
    async with serving("binance", market=source_market) as source:
        endpoints = endpoints_of(source)
        instruments = await load_instruments({"binance": ["BTC/USDT"]}, endpoints)
        market = LiveMarket(instruments, endpoints)
        async with serving("binance", market=market, instruments=instruments) as mirror:
            data = WebSocketMarketData({"binance": ["BTC/USDT"]}, endpoints_of(mirror))
            matcher = mirror.venues["binance"].venue.books["BTCUSDT"].matcher
            async with data:
                await until(lambda: data.books.get("binance", "BTC/USDT").is_trusted)
                book = data.books.get("binance", "BTC/USDT")
                async with asyncio.timeout(PATIENCE_S):
                    while matcher.change_count < 1_500:
                        assert book.is_trusted
                        await asyncio.sleep(0.05)
