"""Binance's REST API: orders and accounts as clients of the real venue send them, who may, and how much."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated import DEMO_API_KEY, DEMO_API_SECRET, SimulatedExchange
from venues.simulated.clients import Client, hmac_signed, in_loop, now_ms, serving
from venues.simulated.house import quote


@asynccontextmanager
async def rest_of(exchange: str, **named: Any) -> AsyncIterator[tuple[SimulatedExchange, httpx.AsyncClient]]:
    async with serving(exchange, **named) as served, httpx.AsyncClient(base_url=served.urls[exchange].rest) as client:
        yield served, client


class Rest:
    """A client that signs what it sends, in the query or in the body."""

    def __init__(self, client: httpx.AsyncClient, *, in_body: bool = False) -> None:
        self._client = client
        self._in_body = in_body

    async def __call__(self, method: str, path: str, **params: Any) -> httpx.Response:
        asked = urlencode({"timestamp": now_ms(), **params})
        signature = hmac.new(DEMO_API_SECRET.encode(), asked.encode(), hashlib.sha256).hexdigest()
        signed = f"{asked}&signature={signature}"
        headers = {"X-MBX-APIKEY": DEMO_API_KEY}
        if self._in_body and method in ("POST", "PUT"):
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            return await self._client.request(method, path, content=signed, headers=headers)
        return await self._client.request(method, f"{path}?{signed}", headers=headers)


def resting(**named: Any) -> dict[str, Any]:
    return {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "60000",
            "quantity": "0.01", **named}  # fmt: skip


@pytest.mark.parametrize("in_body", [False, True])
def test_a_spot_order_is_placed_asked_for_amended_replaced_and_cancelled_over_rest(in_body):
    async def run():
        async with rest_of("binance") as (_exchange, client):
            rest = Rest(client, in_body=in_body)
            assert (await rest("POST", "/api/v3/order/test", **resting())).json() == {}
            placed = (await rest("POST", "/api/v3/order", **resting(newClientOrderId="a1"))).json()
            assert (placed["status"], placed["clientOrderId"], placed["fills"]) == ("NEW", "a1", [])
            named = {"symbol": "BTCUSDT", "orderId": placed["orderId"]}
            amended = (await rest("PUT", "/api/v3/order/amend/keepPriority", **named, newQty="0.004")).json()
            assert (amended["amendedOrder"]["qty"], amended["amendedOrder"]["origClientOrderId"]) == (
                "0.00400000", "a1",
            )  # fmt: skip
            assert (await rest("GET", "/api/v3/order", **named)).json()["origQty"] == "0.00400000"
            replaced = await rest(
                "POST", "/api/v3/order/cancelReplace", **resting(price="59000"),
                cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=placed["orderId"],
            )  # fmt: skip
            assert (replaced.json()["cancelResult"], replaced.json()["newOrderResult"]) == ("SUCCESS", "SUCCESS")
            assert [o["price"] for o in (await rest("GET", "/api/v3/openOrders")).json()] == ["59000.00000000"]
            gone = (await rest("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")).json()
            assert [order["status"] for order in gone] == ["CANCELED"]
            every = (await rest("GET", "/api/v3/allOrders", symbol="BTCUSDT")).json()
            assert [order["status"] for order in every] == ["CANCELED", "CANCELED"]

    in_loop(run)


def test_half_a_cancel_replace_is_told_with_both_halves():
    async def run():
        async with rest_of("binance") as (_exchange, client):
            rest = Rest(client)
            asked = resting(cancelOrigClientOrderId="never")
            stopped = await rest("POST", "/api/v3/order/cancelReplace", **asked, cancelReplaceMode="STOP_ON_FAILURE")
            assert (stopped.status_code, stopped.json()["code"]) == (400, -2022)
            assert stopped.json()["data"]["newOrderResult"] == "NOT_ATTEMPTED"
            half = await rest("POST", "/api/v3/order/cancelReplace", **asked, cancelReplaceMode="ALLOW_FAILURE")
            assert (half.status_code, half.json()["code"]) == (409, -2021)
            assert half.json()["data"]["cancelResponse"]["code"] == -2011
            assert half.json()["data"]["newOrderResponse"]["status"] == "NEW"

    in_loop(run)


def test_trades_and_balances_agree_over_rest():
    async def run():
        async with rest_of("binance") as (exchange, client):
            quote(exchange.venues["binance"].venue, Side.SELL, 6_000_000, 100_000)
            rest = Rest(client)
            filled = (await rest("POST", "/api/v3/order", **resting())).json()
            assert (filled["status"], filled["fills"][0]["price"]) == ("FILLED", "60000.00000000")
            (own,) = (await rest("GET", "/api/v3/myTrades", symbol="BTCUSDT")).json()
            (public,) = (await client.get("/api/v3/trades?symbol=BTCUSDT")).json()
            (aggregate,) = (await client.get("/api/v3/aggTrades?symbol=BTCUSDT")).json()
            assert own["qty"] == public["qty"] == aggregate["q"] == "0.01000000"
            assert (own["isBuyer"], own["isMaker"], public["isBuyerMaker"]) == (True, False, False)
            (line,) = (await client.get("/api/v3/klines?symbol=BTCUSDT&interval=1m")).json()
            assert line[4:6] == ["60000.00000000", "0.01000000"]
            ticker = (await client.get("/api/v3/ticker/24hr?symbol=BTCUSDT")).json()
            assert (ticker["lastPrice"], ticker["count"]) == ("60000.00000000", 1)
            held = {b["asset"]: b for b in (await rest("GET", "/api/v3/account")).json()["balances"]}
            assert held["BTC"]["free"] == "20.00999000"
            assert (await rest("GET", "/sapi/v1/asset/tradeFee")).json()[0]["takerCommission"] == "0.00100000"

    in_loop(run)


def test_usdm_orders_are_placed_modified_batched_and_cancelled_over_rest():
    async def run():
        async with rest_of("binanceusdm") as (exchange, client):
            quote(exchange.venues["binanceusdm"].venue, Side.SELL, 610_000, 10)
            rest = Rest(client, in_body=True)
            placed = (await rest("POST", "/fapi/v1/order", **resting(quantity="0.01"))).json()
            named = {"symbol": "BTCUSDT", "orderId": placed["orderId"]}
            changed = (await rest("PUT", "/fapi/v1/order", **named, side="BUY", price="59000", quantity="0.02")).json()
            assert (changed["price"], changed["origQty"]) == ("59000.00", "0.020")
            batch = json.dumps([resting(quantity="0.02"), resting(quantity="0.02", price="1")])
            first, second = (await rest("POST", "/fapi/v1/batchOrders", batchOrders=batch)).json()
            assert (first["status"], second["code"]) == ("NEW", -4164)
            both = json.dumps([first["orderId"], 999])
            done, missing = (await rest("DELETE", "/fapi/v1/batchOrders", symbol="BTCUSDT", orderIdList=both)).json()
            assert (done["status"], missing["code"]) == ("CANCELED", -2011)
            taken = await rest("POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.004")
            assert taken.status_code == 200
            (position,) = (await rest("GET", "/fapi/v3/positionRisk")).json()
            assert (position["symbol"], position["positionAmt"]) == ("BTCUSDT", "0.004")
            assert len((await rest("GET", "/fapi/v2/positionRisk")).json()) == 3
            assert (await rest("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")).json()["code"] == 200
            assert (await rest("GET", "/fapi/v1/openOrders")).json() == []

    in_loop(run)


def test_the_dead_mans_switch_cancels_what_is_open_when_it_is_not_renewed():
    async def run():
        async with rest_of("binanceusdm", clock_ms=lambda: clock[0]) as (exchange, client):
            at = exchange.venues["binanceusdm"]
            rest = Rest(client)
            clock[0] = now_ms()
            await rest("POST", "/fapi/v1/order", **resting())
            await rest("POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime=1_000)
            at.flush(clock[0] + 999)
            assert len((await rest("GET", "/fapi/v1/openOrders")).json()) == 1
            at.flush(clock[0] + 1_000)
            assert (await rest("GET", "/fapi/v1/openOrders")).json() == []

    clock = [now_ms()]
    in_loop(run)


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"key": "unknown"}, 401, -2015),
        ({"key": ""}, 401, -2014),
        ({"signature": "0" * 64}, 400, -1022),
        ({"timestamp": 1}, 400, -1021),
        ({"timestamp": 99_999_999_999_999}, 400, -1021),
        ({"path": "/api/v3/nothing"}, 404, -5000),
        ({"path": "/api/v3/userDataStream"}, 410, -1000),
        ({"path": "/api/v3/order", "symbol": "NOPEUSDT"}, 400, -1121),
        ({"path": "/api/v3/order", "quantity": "lots"}, 400, -1100),
    ],
)
def test_who_signs_wrongly_or_asks_for_nonsense_gets_the_venues_error(change, status, code):
    async def run():
        async with rest_of("binance") as (_exchange, client):
            params = resting(timestamp=now_ms()) | {
                name: value for name, value in change.items() if name not in ("key", "path", "signature")
            }
            asked = urlencode(params)
            good = hmac.new(DEMO_API_SECRET.encode(), asked.encode(), hashlib.sha256).hexdigest()
            signed = f"{asked}&signature={change.get('signature', good)}"
            headers = {"X-MBX-APIKEY": change.get("key", DEMO_API_KEY)}
            answer = await client.post(f"{change.get('path', '/api/v3/order')}?{signed}", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (status, code)

    in_loop(run)


def test_weight_is_counted_told_refused_and_in_the_end_brings_a_ban():
    async def run():
        async with rest_of("binance", is_limited=True, clock_ms=lambda: clock[0]) as (_exchange, client):
            answer = await client.get("/api/v3/depth?symbol=BTCUSDT&limit=5000")
            assert answer.headers["X-MBX-USED-WEIGHT-1M"] == "250"
            for _ in range(23):
                answer = await client.get("/api/v3/depth?symbol=BTCUSDT&limit=5000")
            assert answer.status_code == 200
            answer = await client.get("/api/v3/ping")
            assert (answer.status_code, answer.json()["code"]) == (429, -1003)
            assert 0 < int(answer.headers["Retry-After"]) <= 60
            for _ in range(20):
                answer = await client.get("/api/v3/ping")
            assert (answer.status_code, answer.json()["code"]) == (418, -1003)
            clock[0] += 60_000
            assert (await client.get("/api/v3/ping")).status_code == 418
            clock[0] += 60_000
            assert (await client.get("/api/v3/ping")).status_code == 200

    clock = [1_700_000_000_000]
    in_loop(run)


def test_too_many_new_orders_are_refused_until_some_fill_or_time_passes():
    async def run():
        async with rest_of("binance", is_limited=True) as (_exchange, client):
            rest = Rest(client)
            statuses = []
            for _ in range(101):  # two intervals of the clock at most
                placed = await rest("POST", "/api/v3/order", **resting(quantity="0.001"))
                statuses.append(placed.status_code)
                if placed.status_code == 429:
                    break
            assert statuses[-1] == 429
            assert placed.json()["code"] == -1015
            assert "Retry-After" in placed.headers

    in_loop(run)


def test_the_websocket_api_tells_the_limits_unless_it_is_told_not_to():
    async def run():
        async with serving("binance") as exchange:
            async with Client(exchange.urls["binance"].orders) as client:
                placed = await client.place(price="60000.00", quantity="0.01")
                kinds = [(limit["rateLimitType"], limit["count"]) for limit in placed["rateLimits"]]
                assert kinds == [("ORDERS", 1), ("ORDERS", 1), ("REQUEST_WEIGHT", 2)]
                assert "rateLimits" not in await client.ask("ping", {"returnRateLimits": False})
            async with Client(
                exchange.urls["binance"].orders + "?returnRateLimits=false&timeUnit=microsecond"
            ) as quiet:
                answer = await quiet.ask("account.status", hmac_signed({}))
                assert "rateLimits" not in answer
                assert answer["result"]["updateTime"] > 10**15

    in_loop(run)


def test_usdm_income_has_a_line_for_each_profit_and_each_fee():
    async def run():
        async with rest_of("binanceusdm") as (exchange, client):
            rest, venue = Rest(client), exchange.venues["binanceusdm"].venue
            for side, price in ((Side.SELL, 600_000), (Side.BUY, 590_000)):
                quote(venue, side, price, 100)
            for side in ("BUY", "SELL"):  # bought at 60,000 and sold at 59,000
                market = {"symbol": "BTCUSDT", "side": side, "type": "MARKET", "quantity": "0.01"}
                assert (await rest("POST", "/fapi/v1/order", **market)).status_code == 200
            lines = (await rest("GET", "/fapi/v1/income")).json()
            assert [(line["incomeType"], line["income"]) for line in lines] == [
                ("COMMISSION", "-0.30000000"), ("REALIZED_PNL", "-10.00000000"), ("COMMISSION", "-0.29500000"),
            ]  # fmt: skip
            (profit,) = (await rest("GET", "/fapi/v1/income", incomeType="REALIZED_PNL", symbol="BTCUSDT")).json()
            assert (profit["asset"], profit["tradeId"]) == ("USDT", str(profit["tranId"]))
            assert (await rest("GET", "/fapi/v1/income", incomeType="FUNDING_FEE")).json() == []
            assert (await rest("GET", "/fapi/v1/income", symbol="NOSUCH")).json()["code"] == -1121

    in_loop(run)


def test_usdm_orders_are_cancelled_together_by_either_spelling_of_their_list():
    async def run():
        async with rest_of("binanceusdm") as (_exchange, client):
            rest = Rest(client)
            for name in ("orderIdList", "orderidlist"):
                placed = (await rest("POST", "/fapi/v1/order", **resting())).json()["orderId"]
                (gone,) = (
                    await rest("DELETE", "/fapi/v1/batchOrders", symbol="BTCUSDT", **{name: f"[{placed}]"})
                ).json()
                assert gone["status"] == "CANCELED"
            await rest("POST", "/fapi/v1/order", **resting(newClientOrderId="mine"))
            named = {"symbol": "BTCUSDT", "origclientorderidlist": '["mine"]'}
            assert (await rest("DELETE", "/fapi/v1/batchOrders", **named)).json()[0]["clientOrderId"] == "mine"

    in_loop(run)


def test_the_wallet_shows_what_is_held_and_that_nothing_moves():
    async def run():
        async with rest_of("binance") as (_exchange, client):
            rest = Rest(client)
            assert (await client.get("/sapi/v1/system/status")).json() == {"status": 0, "msg": "normal"}
            held = (await rest("POST", "/sapi/v3/asset/getUserAsset")).json()
            assert {each["asset"]: each["free"] for each in held}["BTC"] == "20.00000000"
            assert len((await rest("POST", "/sapi/v3/asset/getUserAsset", asset="ETH")).json()) == 1
            allowed = (await rest("GET", "/sapi/v1/account/apiRestrictions")).json()
            assert (allowed["enableSpotAndMarginTrading"], allowed["enableWithdrawals"]) == (True, False)
            for path in ("/sapi/v1/capital/deposit/hisrec", "/sapi/v1/capital/withdraw/history"):
                assert (await rest("GET", path)).json() == []
                assert (await client.get(path)).status_code == 401

    in_loop(run)
