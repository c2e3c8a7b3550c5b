"""ccxt.pro, unmodified, trades over Binance's WebSocket API on the simulated exchange."""

from __future__ import annotations

import asyncio

import ccxt.pro
import pytest

from conformance.ccxt_clients import ccxt_client
from conformance.served import Served, bounded
from conformance.test_ccxt import collect

SPOT, USDM = "BTC/USDT", "BTC/USDT:USDT"
MIDDLE = "61800"


def test_it_trades_on_spot_and_hears_of_its_orders(served: Served):
    async def check() -> None:
        async with ccxt_client(served, "binance") as client:
            await client.load_markets()
            heard: list = []
            hearing = asyncio.create_task(collect(lambda: client.watch_orders(SPOT), heard))
            while not served.exchange.venues["binance"].open_connections:
                await asyncio.sleep(0.01)
            bought = await client.create_order_ws(SPOT, "limit", "buy", 0.01, 61_900)
            assert (bought["status"], bought["filled"], bought["average"]) == ("closed", 0.01, 61_801)
            assert bought["fee"] == {"currency": "BTC", "cost": 0.00001}
            while not heard or heard[-1]["status"] != "closed":
                await asyncio.sleep(0.01)
            assert {order["id"] for order in heard} == {bought["id"]}
            hearing.cancel()
            resting = await client.create_order_ws(SPOT, "limit", "buy", 0.01, 50_000)
            assert [order["id"] for order in await client.fetch_open_orders_ws(SPOT)] == [resting["id"]]
            assert (await client.cancel_order_ws(resting["id"], SPOT))["status"] == "canceled"
            assert (await client.fetch_order_ws(bought["id"], SPOT))["status"] == "closed"
            assert (await client.fetch_balance())["BTC"]["total"] == 20.00999

    served.fill_book("binance", "BTCUSDT", MIDDLE)
    bounded(check())


def test_it_understands_why_an_order_is_refused(served: Served):
    async def check() -> None:
        async with ccxt_client(served, "binance") as client:
            await client.load_markets()
            with pytest.raises(ccxt.InsufficientFunds):
                await client.create_order_ws(SPOT, "limit", "buy", 5_000, 50_000)
            with pytest.raises(ccxt.OrderNotFound):
                await client.cancel_order_ws("999999", SPOT)
            with pytest.raises(ccxt.BaseError, match="NOTIONAL"):
                await client.create_order_ws(SPOT, "limit", "buy", 0.00001, 50_000)
            client.secret = "wrong"
            with pytest.raises(ccxt.AuthenticationError):
                await client.create_order_ws(SPOT, "limit", "buy", 0.01, 50_000)

    served.fill_book("binance", "BTCUSDT", MIDDLE)
    bounded(check())


def test_it_sells_short_on_usdm(served: Served):
    async def check() -> None:
        async with ccxt_client(served, "binanceusdm") as client:
            await client.load_markets()
            sold = await client.create_order_ws(USDM, "limit", "sell", 0.01, 61_700, {"newOrderRespType": "RESULT"})
            assert (sold["status"], sold["filled"]) == ("closed", 0.01)

    served.fill_book("binanceusdm", "BTCUSDT", MIDDLE)
    bounded(check())
    demo = served.exchange.venues["binanceusdm"].venue.accounts[-1]
    assert served.call(lambda: demo.position("BTCUSDT").size_lots) == -10
