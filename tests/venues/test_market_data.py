"""Books to watch without trading: `WebSocketMarketData` against the exchange's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from graphwiz_trader.hft import WebSocketMarketData
from graphwiz_trader.hft.events import Side
from graphwiz_trader.hft.orderbook import OrderBook
from graphwiz_trader.venues.base import Endpoints, VenueError
from patience import PATIENCE_S
from venues.harness import BTC, PERP, Exchange, Relay, on_uvloop

SYMBOLS = {"binance": ["BTC/USDT"], "binanceusdm": ["BTC/USDT"]}


def watching(exchange: Exchange, on_top: Callable[[OrderBook, int], None] | None = None) -> WebSocketMarketData:
    return WebSocketMarketData(SYMBOLS, {name: exchange.endpoints(name) for name in SYMBOLS}, on_top=on_top)


async def until(exchange: Exchange, is_so: Callable[[], bool]) -> None:
    """Keep both books moving, far from their tops, until something is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():
            for instrument in (BTC, PERP):
                exchange.market.quote(instrument, Side.BUY, 50_000, 5)
            await asyncio.sleep(0.005)


@on_uvloop
async def test_books_of_several_exchanges_are_streamed_with_their_exact_prices():
    async with Exchange() as exchange, watching(exchange) as data:
        await until(exchange, lambda: all(book.is_trusted for book in data.books))
        for name, bid, ask in (("binance", "999.90", "1000.10"), ("binanceusdm", "9999.0", "10001.0")):
            depth = data.books.get(name, "BTC/USDT").depth(1)
            assert (depth["bids"][0][0], depth["asks"][0][0]) == (bid, ask)


@on_uvloop
async def test_a_change_on_top_is_told_with_its_book_and_one_below_is_not():
    told: list[tuple[str, float | None]] = []

    def on_top(book: OrderBook, _now_ns: int) -> None:
        told.append((book.instrument.exchange, book.mid_price))

    async with Exchange() as exchange, watching(exchange, on_top) as data:
        await until(exchange, lambda: all(book.is_trusted for book in data.books))
        told.clear()
        exchange.market.quote(BTC, Side.BUY, 99_995, 3)
        await until(exchange, lambda: bool(told))
        assert set(told) == {("binance", 1000.025)}


@on_uvloop
async def test_a_lost_line_is_no_longer_believed_long_before_silence_would_tell():
    async with Exchange() as exchange:
        direct = exchange.endpoints("binance")
        async with Relay(direct.stream) as relay:
            through = Endpoints(direct.rest, relay.reroute(direct.stream), direct.orders)
            async with WebSocketMarketData(
                {"binance": ["BTC/USDT"]}, {"binance": through}, stale_after_ms=10**9
            ) as data:
                book = data.books.get("binance", "BTC/USDT")
                await until(exchange, lambda: book.is_trusted)
                await relay.close_all()
                await until(exchange, lambda: not book.is_trusted)


@on_uvloop
async def test_a_silent_book_is_no_longer_believed():
    async with Exchange() as exchange:
        endpoints = {"binance": exchange.endpoints("binance")}
        async with WebSocketMarketData({"binance": ["BTC/USDT"]}, endpoints, stale_after_ms=50) as data:
            book = data.books.get("binance", "BTC/USDT")
            await until(exchange, lambda: book.is_trusted)
            async with asyncio.timeout(PATIENCE_S):
                while book.is_trusted:
                    await asyncio.sleep(0.005)
            await until(exchange, lambda: book.is_trusted)


@on_uvloop
async def test_a_lost_exchange_loses_its_trust_alone_and_comes_back():
    async with Exchange() as exchange, watching(exchange) as data:
        await until(exchange, lambda: all(book.is_trusted for book in data.books))
        exchange["binance"].disconnect_all()
        await until(exchange, lambda: not data.books.get("binance", "BTC/USDT").is_trusted)
        assert data.books.get("binanceusdm", "BTC/USDT").is_trusted
        await until(exchange, lambda: data.books.get("binance", "BTC/USDT").is_trusted)


@on_uvloop
async def test_what_the_callback_raises_is_raised_when_it_is_stopped():
    calls = []

    def on_top(_book: OrderBook, _now_ns: int) -> None:
        calls.append(1)
        raise ZeroDivisionError

    async with Exchange() as exchange:
        data = watching(exchange, on_top)
        await data.start()
        await until(exchange, lambda: len(calls) == 2)
        with pytest.raises(ZeroDivisionError):
            await data.stop()


@on_uvloop
async def test_nothing_runs_on_after_it_is_stopped():
    async with Exchange() as exchange:
        before = asyncio.all_tasks()
        async with watching(exchange) as data:
            await until(exchange, lambda: all(book.is_trusted for book in data.books))
            assert asyncio.all_tasks() > before
        async with asyncio.timeout(PATIENCE_S):
            while asyncio.all_tasks() - before:
                await asyncio.sleep(0)


@on_uvloop
async def test_an_unknown_symbol_is_an_error_before_anything_is_streamed():
    async with Exchange() as exchange:
        data = WebSocketMarketData({"binance": ["BTC/USDC"]}, {"binance": exchange.endpoints("binance")})
        with pytest.raises(VenueError, match="did you mean BTC/USDT"):
            await data.start()
        with pytest.raises(RuntimeError, match=r"no books before start\(\)"):
            _ = data.books
