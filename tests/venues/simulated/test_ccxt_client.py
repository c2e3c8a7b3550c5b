"""ccxt.pro, unmodified and with endpoint overrides alone, trades on the simulated exchange."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import ccxt.pro
import pytest

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated import DEMO_API_KEY, DEMO_API_SECRET, BinanceVenue, SimulatedExchange
from venues.simulated.clients import now_ms, serving
from venues.simulated.house import quote


@asynccontextmanager
async def ccxt_binance(exchange: SimulatedExchange) -> AsyncIterator[ccxt.pro.binance]:
    """ccxt's Binance with every address replaced."""
    spot, usdm = exchange.urls["binance"], exchange.urls["binanceusdm"]
    client = ccxt.pro.binance({"apiKey": DEMO_API_KEY, "secret": DEMO_API_SECRET})
    addresses = client.urls["api"]
    for name, address in addresses.items():
        if isinstance(address, str):
            host, _, path = address.partition("://")[2].partition("/")
            addresses[name] = f"{(usdm if host.startswith(('fapi', 'dapi')) else spot).rest}/{path}"
    addresses["ws"]["spot"] = f"{spot.stream}/stream/ws"
    addresses["ws"]["ws-api"]["spot"] = spot.orders
    for name in ("future", "linear"):  # what ccxt calls USD-M has changed between its versions
        addresses["ws"][name] = f"{usdm.stream}/ws"
        addresses["ws"]["ws-api"][name] = usdm.orders
    try:
        yield client
    finally:
        await client.close()


def in_asyncio(test) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30), serving("binance", "binanceusdm") as exchange, ccxt_binance(exchange) as client:
            await test(exchange, client)

    asyncio.run(bounded())


def fill_book(at: BinanceVenue, scale: int) -> None:
    for step in range(20):
        quote(at.venue, Side.SELL, (618_000 + step * 7) * scale, 1_000 + step)
        quote(at.venue, Side.BUY, (617_990 - step * 7) * scale, 1_000 + step)
    at.venue.publish(now_ms())


def shown(at: BinanceVenue) -> tuple[list[list[float]], list[list[float]]]:
    """The venue's own book in ccxt's form."""
    book = at.venue.books["BTCUSDT"]
    tick, lot = float(book.listing.instrument.tick_size), float(book.listing.instrument.lot_size)
    bids, asks = (
        [[round(price * tick, 2), round(lots * lot, 8)] for price, lots in book.matcher.levels(side, 1_000)]
        for side in Side
    )
    return bids, asks


@pytest.mark.parametrize(
    ("exchange_id", "symbol", "scale"), [("binance", "BTC/USDT", 10), ("binanceusdm", "BTC/USDT:USDT", 1)]
)
def test_it_builds_the_venues_own_book(exchange_id, symbol, scale):
    async def check(exchange, client):
        at = exchange.venues[exchange_id]
        fill_book(at, scale)
        watching = asyncio.create_task(client.watch_order_book(symbol))
        step = 0
        while not watching.done():  # the book moves while ccxt asks for its snapshot
            quote(at.venue, Side.BUY, (617_800 - step % 200) * scale, 1 + step)
            at.venue.publish(now_ms())
            await asyncio.sleep(0.002)
            step += 1
        await watching
        quote(at.venue, Side.SELL, 617_800 * scale, 100)
        at.venue.publish(now_ms())
        built = client.orderbooks[symbol]
        while (built["bids"], built["asks"]) != shown(at):
            await asyncio.sleep(0.005)

    in_asyncio(check)


def test_it_trades_on_spot_and_hears_of_its_orders():
    async def check(exchange, client):
        at = exchange.venues["binance"]
        fill_book(at, 10)
        await client.load_markets()
        watching = asyncio.create_task(client.watch_orders("BTC/USDT"))
        while not at.open_connections:
            await asyncio.sleep(0.001)
        bought = await client.create_order_ws("BTC/USDT", "limit", "buy", 0.01, 61_900)
        assert (bought["status"], bought["filled"], bought["average"]) == ("closed", 0.01, 61_800)
        assert bought["fee"] == {"currency": "BTC", "cost": 0.00001}
        heard = []
        while not heard or heard[-1]["status"] != "closed":
            heard += await watching
            watching = asyncio.create_task(client.watch_orders("BTC/USDT"))
        watching.cancel()
        assert {order["id"] for order in heard} == {bought["id"]}
        resting = await client.create_order_ws("BTC/USDT", "limit", "buy", 0.01, 50_000)
        assert [order["id"] for order in await client.fetch_open_orders_ws("BTC/USDT")] == [resting["id"]]
        assert (await client.cancel_order_ws(resting["id"], "BTC/USDT"))["status"] == "canceled"
        assert (await client.fetch_order_ws(bought["id"], "BTC/USDT"))["status"] == "closed"
        assert (await client.fetch_balance())["BTC"]["total"] == 20.00999

    in_asyncio(check)


def test_it_understands_why_an_order_is_refused():
    async def check(exchange, client):
        fill_book(exchange.venues["binance"], 10)
        await client.load_markets()
        with pytest.raises(ccxt.InsufficientFunds):
            await client.create_order_ws("BTC/USDT", "limit", "buy", 5_000, 50_000)
        with pytest.raises(ccxt.OrderNotFound):
            await client.cancel_order_ws("999999", "BTC/USDT")
        with pytest.raises(ccxt.BaseError, match="NOTIONAL"):
            await client.create_order_ws("BTC/USDT", "limit", "buy", 0.00001, 50_000)
        client.secret = "wrong"
        with pytest.raises(ccxt.AuthenticationError):
            await client.create_order_ws("BTC/USDT", "limit", "buy", 0.01, 50_000)

    in_asyncio(check)


def test_it_sells_short_on_usdm():
    async def check(exchange, client):
        fill_book(exchange.venues["binanceusdm"], 1)
        await client.load_markets()
        sold = await client.create_order_ws(
            "BTC/USDT:USDT", "limit", "sell", 0.01, 61_700, {"newOrderRespType": "RESULT"}
        )
        assert (sold["status"], sold["filled"]) == ("closed", 0.01)
        assert exchange.venues["binanceusdm"].venue.accounts[2].position("BTCUSDT").size_lots == -10

    in_asyncio(check)
