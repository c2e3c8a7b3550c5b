"""ccxt.pro, unmodified, watches and trades on the simulated exchanges."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import ccxt.pro
import pytest

from conformance.ccxt_clients import ccxt_client
from conformance.served import Served, bounded, until
from graphwiz_trader.hft.events import Side

SPOT = ("binance", "BTCUSDT", "BTC/USDT")
USDM = ("binanceusdm", "BTCUSDT", "BTC/USDT:USDT")
OKX = ("okx", "BTC-USDT", "BTC/USDT")
OKX_SWAP = ("okx", "BTC-USDT-SWAP", "BTC/USDT:USDT")
EVERYWHERE = pytest.mark.parametrize(
    ("exchange", "venue_symbol", "symbol"), [SPOT, USDM, OKX, OKX_SWAP], ids=["spot", "usdm", "okx", "okx-swap"]
)
MIDDLE = "61800"


def floats(sides: Any) -> list[list[list[float]]]:
    return [[[float(price), float(size)] for price, size in side] for side in sides]


@EVERYWHERE
def test_it_watches_the_order_book(served: Served, exchange, venue_symbol, symbol):
    async def check() -> None:
        async with ccxt_client(served, exchange) as client:
            await client.watch_order_book(symbol)
            served.quote(exchange, venue_symbol, Side.SELL, "61799", "0.5")
            built = client.orderbooks[symbol]
            own = floats(served.book(exchange, venue_symbol))
            await until(lambda: [[level[:2] for level in built[side]] for side in ("bids", "asks")] == own)

    served.fill_book(exchange, venue_symbol, MIDDLE)
    bounded(check())


@EVERYWHERE
def test_it_watches_trades(served: Served, exchange, venue_symbol, symbol):
    async def check() -> None:
        async with ccxt_client(served, exchange) as client:
            await client.load_markets()
            watching = asyncio.create_task(client.watch_trades(symbol))
            while not watching.done():
                served.quote(exchange, venue_symbol, Side.BUY, "61900", "0.02")
                served.quote(exchange, venue_symbol, Side.SELL, "61900", "0.02")
                await asyncio.sleep(0.05)
            trade = (await watching)[0]
            assert (trade["symbol"], trade["price"], trade["amount"]) == (symbol, 61900, 0.02)
            assert trade["side"] in {"buy", "sell"}

    bounded(check())


def test_it_watches_coinm_in_contracts(served: Served):
    async def check() -> None:
        async with ccxt_client(served, "binancecoinm") as client:
            markets = await client.load_markets()
            assert (markets["BTC/USD:BTC"]["inverse"], markets["BTC/USD:BTC"]["contractSize"]) == (True, 100)
            await client.watch_order_book("BTC/USD:BTC")
            watching = asyncio.create_task(client.watch_trades("BTC/USD:BTC"))
            while not watching.done():
                served.quote("binancecoinm", "BTCUSD_PERP", Side.BUY, "61800", "2")
                served.quote("binancecoinm", "BTCUSD_PERP", Side.SELL, "61800", "2")
                await asyncio.sleep(0.05)
            assert (await watching)[0]["amount"] == 2
            built, own = client.orderbooks["BTC/USD:BTC"], floats(served.book("binancecoinm", "BTCUSD_PERP"))
            await until(lambda: [[level[:2] for level in built[side]] for side in ("bids", "asks")] == own)

    served.fill_book("binancecoinm", "BTCUSD_PERP", MIDDLE)
    bounded(check())


@EVERYWHERE
def test_it_creates_edits_and_cancels_orders(served: Served, exchange, venue_symbol, symbol):
    async def check() -> None:
        async with ccxt_client(served, exchange) as client:
            await client.load_markets()
            resting = await client.create_order(symbol, "limit", "buy", 0.05, 50_000)
            (found,) = await client.fetch_open_orders(symbol)
            assert (found["id"], found["price"], found["amount"], found["status"]) == (
                resting["id"],
                50_000,
                0.05,
                "open",
            )
            edited = await client.edit_order(resting["id"], symbol, "limit", "buy", 0.04, 50_000)
            (found,) = await client.fetch_open_orders(symbol)
            assert (found["id"], found["amount"]) == (edited["id"], 0.04)
            await client.cancel_order(edited["id"], symbol)
            assert await client.fetch_open_orders(symbol) == []
            assert (await client.fetch_order(edited["id"], symbol))["status"] == "canceled"
            with pytest.raises(ccxt.OrderNotFound):
                await client.cancel_order(edited["id"], symbol)

    served.fill_book(exchange, venue_symbol, MIDDLE)
    bounded(check())


@EVERYWHERE
def test_it_hears_of_its_orders_and_balances(served: Served, exchange, venue_symbol, symbol):
    async def check() -> None:
        async with ccxt_client(served, exchange) as client:
            await client.load_markets()
            orders: list[Any] = []
            balances: list[Any] = []
            hearing = [
                asyncio.create_task(collect(lambda: client.watch_orders(symbol), orders)),
                asyncio.create_task(collect(client.watch_balance, balances)),
            ]
            bought = set()
            while not (balances and bought & {order["id"] for order in orders if order["status"] == "closed"}):
                bought.add((await client.create_order(symbol, "limit", "buy", 0.01, 61_900))["id"])
                await asyncio.sleep(0.2)
            assert {order["filled"] for order in orders if order["status"] == "closed"} == {0.01}
            assert {order["symbol"] for order in orders} == {symbol}
            assert balances[-1]["USDT"]["total"] < 1_000_000
            for task in hearing:
                task.cancel()
            await asyncio.gather(*hearing, return_exceptions=True)

    served.fill_book(exchange, venue_symbol, MIDDLE)
    bounded(check())


@EVERYWHERE
def test_it_watches_tickers_and_candles(served: Served, exchange, venue_symbol, symbol):
    async def check() -> None:
        async with ccxt_client(served, exchange) as client:
            await client.load_markets()
            ticker = asyncio.create_task(client.watch_ticker(symbol))
            candles = asyncio.create_task(client.watch_ohlcv(symbol, "1m"))
            while not (ticker.done() and candles.done()):
                served.quote(exchange, venue_symbol, Side.BUY, "61900", "0.02")
                await asyncio.sleep(0.1)
            told, (*_, candle) = await ticker, await candles
            assert told["symbol"] == symbol
            assert told["last"] == candle[4] == float(min(ask for ask, _ in asks))
            assert candle[5] > 0
            assert [candle[0]] == [line[0] for line in (await client.fetch_ohlcv(symbol, "1m"))[:1]]

    served.fill_book(exchange, venue_symbol, MIDDLE)
    _, asks = served.book(exchange, venue_symbol)
    bounded(check())


@EVERYWHERE
def test_it_hears_of_its_own_trades(served: Served, exchange, venue_symbol, symbol):
    async def check() -> None:
        async with ccxt_client(served, exchange) as client:
            await client.load_markets()
            trades: list[Any] = []
            hearing = asyncio.create_task(collect(lambda: client.watch_my_trades(symbol), trades))
            bought = set()
            while not trades:
                bought.add((await client.create_order(symbol, "limit", "buy", 0.01, 61_900))["id"])
                await asyncio.sleep(0.2)
            assert {trade["order"] for trade in trades} <= bought
            assert {(trade["symbol"], trade["side"], trade["amount"]) for trade in trades} == {(symbol, "buy", 0.01)}
            assert all(trade["fee"]["cost"] for trade in trades)
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)

    served.fill_book(exchange, venue_symbol, MIDDLE)
    bounded(check())


async def collect(ask: Callable[[], Awaitable[Any]], into: list[Any]) -> None:
    """Keep what a watch brings, as it comes."""
    while True:
        heard = await ask()
        into.extend(heard if isinstance(heard, list) else [heard])
