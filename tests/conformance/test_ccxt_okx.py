"""ccxt.pro's OKX, unmodified and with endpoint overrides alone, trades on the simulated one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import ccxt.pro
import pytest

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated import DEMO_API_KEY, DEMO_API_SECRET
from graphwiz_trader.venues.simulated.defaults import DEMO_PASSPHRASE
from graphwiz_trader.venues.simulated.okx.server import OkxVenue
from patience import PATIENCE_S
from venues.simulated.clients import now_ms, serving, until
from venues.simulated.okx.okx_clients import fill_book, quote

SPOT, SWAP = "BTC/USDT", "BTC/USDT:USDT"
IDS = {SPOT: "BTC-USDT", SWAP: "BTC-USDT-SWAP"}


@asynccontextmanager
async def ccxt_okx(at: OkxVenue) -> AsyncIterator[Any]:
    client = ccxt.pro.okx({"apiKey": DEMO_API_KEY, "secret": DEMO_API_SECRET, "password": DEMO_PASSPHRASE})
    client.urls["api"]["rest"] = at.urls.rest
    client.urls["api"]["ws"] = f"{at.urls.stream}/ws/v5"
    try:
        yield client
    finally:
        await client.close()


def in_asyncio(test: Callable[[OkxVenue, Any], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE_S), serving("okx") as exchange:
            at = exchange.venues["okx"]
            assert isinstance(at, OkxVenue)
            fill_book(at)
            fill_book(at, "BTC-USDT-SWAP", lots=10_000)
            async with ccxt_okx(at) as client:
                await test(at, client)

    asyncio.run(bounded())


def levels(at: OkxVenue, inst_id: str) -> tuple[list[list[float]], list[list[float]]]:
    """The venue's own book in ccxt's form."""
    product = at.products[inst_id]
    bids, asks = (
        [[float(product.numbers.price(price)), float(product.numbers.size(lots))] for price, lots in side_levels]
        for side_levels in (product.book.matcher.levels(side, 400) for side in Side)
    )
    return bids, asks


@pytest.mark.parametrize("symbol", [SPOT, SWAP])
def test_it_builds_the_venues_own_book(symbol):
    async def check(at: OkxVenue, client: Any) -> None:
        for step in range(30):
            book = await asyncio.wait_for(client.watch_order_book(symbol), PATIENCE_S)
            quote(at, Side.BUY, 599_900 - step, 1_000 + step, IDS[symbol])
            quote(at, Side.SELL, 600_100 + step, 1_000 + step, IDS[symbol])
            at.venue.publish(now_ms())
        while [[[p, s] for p, s, *_ in book[side]] for side in ("bids", "asks")] != list(levels(at, IDS[symbol])):
            book = await asyncio.wait_for(client.watch_order_book(symbol), PATIENCE_S)

    in_asyncio(check)


def test_it_notices_a_lost_update_and_recovers():
    async def check(at: OkxVenue, client: Any) -> None:
        async def watch(times: int) -> None:
            """The book moves until it has been seen so often."""
            for _ in range(times):
                watching = asyncio.create_task(client.watch_order_book(SPOT))
                while not watching.done():
                    quote(at, Side.BUY, 599_000 - at.venue.new_order_id(), 1_000)
                    at.venue.publish(now_ms())
                    await asyncio.sleep(0.01)
                await watching

        await watch(2)
        at.faults.drop_depth("BTC-USDT", 1)
        with pytest.raises(ccxt.InvalidNonce):
            await watch(10)
        await watch(3)

    in_asyncio(check)


def test_it_hears_trades_tickers_and_candles():
    async def check(at: OkxVenue, client: Any) -> None:
        trades = asyncio.create_task(client.watch_trades(SPOT))
        ticker = asyncio.create_task(client.watch_ticker(SPOT))
        candles = asyncio.create_task(client.watch_ohlcv(SPOT, "5m"))
        step = 0
        while not (trades.done() and ticker.done() and candles.done()):
            quote(at, Side.BUY, 600_010, 10 + step)
            at.venue.publish(now_ms())
            step += 1
            await asyncio.sleep(0.01)
        (trade, *_), told = await trades, await ticker
        assert (trade["price"], trade["side"]) == (60_001.0, "buy")
        assert told["bid"] == 59_999.0
        assert (await client.fetch_ticker(SPOT))["last"] == 60_001.0
        assert len(await client.fetch_trades(SPOT)) == min(step, 100)
        assert (await candles)[-1][4] == (await client.fetch_ohlcv(SPOT, "5m"))[-1][4] == 60_001.0

    in_asyncio(check)


def test_it_places_watches_amends_and_cancels_orders():
    async def check(at: OkxVenue, client: Any) -> None:
        watching = asyncio.create_task(client.watch_orders(SPOT))
        await until(lambda: at.accounts.connections(at.venue.accounts[2], "orders") == 1)
        bought = await client.create_order_ws(SPOT, "limit", "buy", 0.01, 60_001)
        heard: list[Any] = []
        while not heard or heard[-1]["status"] != "closed":
            heard += await asyncio.wait_for(watching, PATIENCE_S)
            watching = asyncio.create_task(client.watch_orders(SPOT))
        watching.cancel()
        assert {order["id"] for order in heard} == {bought["id"]}
        assert heard[-1]["fee"] == {"cost": 0.00001, "currency": "BTC"}
        resting = await client.create_order_ws(SPOT, "limit", "buy", 0.01, 50_000)
        await client.edit_order_ws(resting["id"], SPOT, "limit", "buy", 0.02, 50_100)
        (shown,) = await client.fetch_open_orders(SPOT)
        assert (shown["id"], shown["price"], shown["amount"]) == (resting["id"], 50_100.0, 0.02)
        await client.cancel_order_ws(resting["id"], SPOT)
        assert (await client.fetch_order(resting["id"], SPOT))["status"] == "canceled"
        assert (await client.fetch_order(bought["id"], SPOT))["average"] == 60_001.0
        assert (await client.fetch_balance())["BTC"]["total"] == 20.00999

    in_asyncio(check)


def test_it_trades_over_rest_too():
    async def check(at: OkxVenue, client: Any) -> None:
        made = await client.create_order(SPOT, "limit", "buy", 0.01, 60_001, {"postOnly": True})
        assert (await client.fetch_order(made["id"], SPOT))["status"] == "canceled"
        both = await client.create_orders(
            [
                {"symbol": SPOT, "type": "limit", "side": "buy", "amount": 0.01, "price": 50_000},
                {"symbol": SPOT, "type": "limit", "side": "sell", "amount": 0.01, "price": 70_000},
            ]
        )
        await client.cancel_orders([order["id"] for order in both], SPOT)
        await client.create_order(SPOT, "market", "sell", 0.01)
        (trade,) = await client.fetch_my_trades(SPOT)
        assert (trade["side"], trade["takerOrMaker"], trade["fee"]["currency"]) == ("sell", "taker", "USDT")
        assert len(await client.fetch_canceled_orders(SPOT)) == 3

    in_asyncio(check)


def test_it_sells_a_swap_short_and_sees_the_position():
    async def check(at: OkxVenue, client: Any) -> None:
        watching = asyncio.create_task(client.watch_positions())
        sold = await client.create_order_ws(SWAP, "market", "sell", 2)
        assert (await client.fetch_order(sold["id"], SWAP))["status"] == "closed"
        (position,) = await client.fetch_positions([SWAP])
        assert (position["side"], position["contracts"], position["entryPrice"]) == ("short", 2.0, 59_999.0)
        assert (await asyncio.wait_for(watching, PATIENCE_S))[0]["contracts"] == 2.0

    in_asyncio(check)


def test_it_understands_why_an_order_is_refused():
    async def check(at: OkxVenue, client: Any) -> None:
        await client.load_markets()
        for place in (client.create_order, client.create_order_ws):
            with pytest.raises(ccxt.InsufficientFunds):
                await place(SPOT, "limit", "buy", 5_000, 50_000)
        for cancel in (client.cancel_order, client.cancel_order_ws):
            with pytest.raises(ccxt.OrderNotFound):
                await cancel("999999", SPOT)
        client.secret = "wrong"
        with pytest.raises(ccxt.AuthenticationError):
            await client.fetch_balance()

    in_asyncio(check)
