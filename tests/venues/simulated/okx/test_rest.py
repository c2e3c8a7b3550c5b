"""OKX's REST: what anybody may ask, what a signature opens, orders by POST, rates, and the dead-man's switch."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated import DEMO_API_KEY, DEMO_API_SECRET
from graphwiz_trader.venues.simulated.defaults import DEMO_PASSPHRASE
from graphwiz_trader.venues.simulated.okx.order_desk import SINGLE
from graphwiz_trader.venues.simulated.okx.server import OkxVenue
from venues.simulated.clients import now_ms, until
from venues.simulated.okx.okx_clients import at_okx, fill_book, quote, shown

BUY = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "sz": "0.01", "px": "59000"}


async def ask(
    at: OkxVenue,
    path: str,
    body: Any = None,
    *,
    secret: str = DEMO_API_SECRET,
    time: str = "",
    raw: bytes | None = None,
    method: str = "",
    **headers: str | None,
) -> httpx.Response:
    """A signed request: POST with a body, else GET. ``headers`` replace ``OK-ACCESS-<NAME>``, None leaves one out."""
    method = method or ("GET" if body is None and raw is None else "POST")
    content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
    time = time or datetime.fromtimestamp(at.clock_ms() / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
    target = f"/api/v5/{path}"
    sign = base64.b64encode(hmac.digest(secret.encode(), f"{time}{method}{target}".encode() + content, hashlib.sha256))
    sent = {"key": DEMO_API_KEY, "sign": sign.decode(), "timestamp": time, "passphrase": DEMO_PASSPHRASE, **headers}
    named = {f"OK-ACCESS-{name.upper()}": value for name, value in sent.items() if value is not None}
    async with httpx.AsyncClient(base_url=at.urls.rest) as client:
        return await client.request(method, target, content=content, headers=named)


async def data(at: OkxVenue, path: str, body: Any = None) -> Any:
    answer = (await ask(at, path, body)).json()
    assert answer["code"] == "0", answer
    return answer["data"]


def with_full_books(test: Any, **named: Any) -> None:
    async def run(at: OkxVenue) -> None:
        fill_book(at)
        fill_book(at, "BTC-USDT-SWAP", lots=10_000)
        await test(at)

    at_okx(run, **named)


# Public


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("public/time", 200, "0"),
        ("public/instruments?instType=SPOT", 200, "0"),
        ("public/instruments?instType=OPTION&uly=BTC-USD", 200, "0"),
        ("public/instruments", 400, "50014"),
        ("public/instruments?instType=STOCK", 400, "51000"),
        ("public/instruments?instType=SPOT&instId=BTC-EUR", 200, "51001"),
        ("market/books?instId=BTC-USDT&sz=401", 400, "51000"),
        ("market/books?instId=BTC-USDT&sz=x", 400, "51000"),
        ("market/books", 400, "50014"),
        ("market/tickers?instType=SWAP", 200, "0"),
        ("market/ticker?instId=BTC-USDT", 200, "0"),
        ("market/trades?instId=BTC-USDT&limit=5", 200, "0"),
        ("market/nothing", 404, "404"),
        ("trade/order", 401, "50103"),
        ("public/time?" + "&".join("a=1" for _ in range(70)), 400, "51000"),
    ],
)
def test_public_answers_and_refusals_come_in_one_envelope(path, status, code):
    async def check(at: OkxVenue) -> None:
        async with httpx.AsyncClient(base_url=at.urls.rest) as client:
            answer = await client.get(f"/api/v5/{path}")
        body = answer.json()
        assert (answer.status_code, body["code"]) == (status, code)
        assert isinstance(body["data"], list)
        assert (body["msg"] == "") == (code == "0")

    at_okx(check)


def test_a_snapshot_is_the_venues_own_book():
    async def check(at: OkxVenue) -> None:
        (book,) = await data(at, "market/books?instId=BTC-USDT&sz=400")
        bids, asks = ([(price, size) for price, size, *_ in book[side]] for side in ("bids", "asks"))
        assert (bids, asks) == shown(at)
        assert book["seqId"] == at.products["BTC-USDT"].seq_id
        (top,) = await data(at, "market/books?instId=BTC-USDT")
        assert (len(top["bids"]), len(top["asks"])) == (1, 1)

    with_full_books(check)


def test_kinds_of_which_nothing_is_listed_are_empty():
    async def check(at: OkxVenue) -> None:
        for kind, count in (("SPOT", 5), ("SWAP", 3), ("FUTURES", 0), ("OPTION", 0)):
            assert len(await data(at, f"public/instruments?instType={kind}")) == count

    at_okx(check)


def test_too_many_requests_of_one_kind_are_refused():
    async def check(at: OkxVenue) -> None:
        async with httpx.AsyncClient(base_url=at.urls.rest) as client:
            codes = [(await client.get("/api/v5/public/time")).status_code for _ in range(21)]
            assert codes == [200] * 20 + [429]
            refused = (await client.get("/api/v5/public/time")).json()
            assert (refused["code"], refused["data"]) == ("50011", [])
            assert (await client.get("/api/v5/market/ticker?instId=BTC-USDT")).status_code == 200

    clock = now_ms()
    at_okx(check, clock_ms=lambda: clock)


# Signatures


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, "0"),
        ({"key": None}, "50103"),
        ({"passphrase": None}, "50104"),
        ({"passphrase": "wrong"}, "50105"),
        ({"sign": None}, "50106"),
        ({"timestamp": None}, "50107"),
        ({"key": "nobody"}, "50111"),
        ({"time": "yesterday"}, "50112"),
        ({"time": "2020-12-08T09:08:57"}, "50112"),
        ({"time": "2020-12-08T09:08:57.715Z"}, "50102"),
        ({"time": "2099-12-08T09:08:57.715Z"}, "50102"),
        ({"secret": "wrong"}, "50113"),
        ({"sign": "no base64"}, "50113"),
    ],
)
def test_a_request_is_let_in_by_its_signature_alone(changed, code):
    async def check(at: OkxVenue) -> None:
        answer = await ask(at, "account/balance?ccy=BTC,USDT", **changed)
        assert answer.json()["code"] == code
        assert answer.status_code == (200 if code == "0" else 401)

    at_okx(check)


def test_a_signature_covers_the_body():
    async def check(at: OkxVenue) -> None:
        good = await ask(at, "trade/order", BUY)
        sign = good.request.headers["OK-ACCESS-SIGN"]
        time = good.request.headers["OK-ACCESS-TIMESTAMP"]
        forged = await ask(at, "trade/order", {**BUY, "sz": "1"}, sign=sign, time=time)
        assert (good.json()["code"], forged.json()["code"]) == ("0", "50113")

    at_okx(check)


# Orders


def test_an_order_lives_by_rest_alone():
    async def check(at: OkxVenue) -> None:
        (placed,) = await data(at, "trade/order", {**BUY, "clOrdId": "mine"})
        order_id = placed["ordId"]
        (form,) = await data(at, f"trade/order?instId=BTC-USDT&ordId={order_id}")
        assert (form["state"], form["clOrdId"], form["sz"], form["px"]) == ("live", "mine", "0.01", "59000")
        assert [each["ordId"] for each in await data(at, "trade/orders-pending?instType=SPOT")] == [order_id]
        assert await data(at, "trade/orders-pending?instType=SWAP") == []
        (held,) = (await data(at, "account/balance?ccy=USDT"))[0]["details"]
        assert (held["ordFrozen"], held["availBal"], held["cashBal"]) == ("590", "999410", "1000000")
        (amended,) = await data(at, "trade/amend-order", {"instId": "BTC-USDT", "clOrdId": "mine", "newPx": "60001"})
        assert amended["ordId"] == order_id
        (form,) = await data(at, "trade/order?instId=BTC-USDT&clOrdId=mine")
        assert (form["state"], form["avgPx"], form["cancelSource"]) == ("filled", "60001", "")
        (fill,) = await data(at, f"trade/fills?instType=SPOT&ordId={order_id}")
        assert (fill["fillPx"], fill["fillSz"], fill["fee"], fill["execType"]) == ("60001", "0.01", "-0.00001", "T")
        assert [each["ordId"] for each in await data(at, "trade/orders-history?instType=SPOT")] == [order_id]
        (late,) = (await ask(at, "trade/cancel-order", {"instId": "BTC-USDT", "ordId": order_id})).json()["data"]
        assert late["sCode"] == "51400"
        gone = (await ask(at, "trade/order?instId=BTC-USDT&ordId=1")).json()
        assert gone["code"] == "51603"

    with_full_books(check)


def test_batches_say_whether_all_some_or_none_succeeded():
    async def check(at: OkxVenue) -> None:
        bad = {**BUY, "sz": "0.000001"}
        answers = [(await ask(at, "trade/batch-orders", body)).json() for body in ([BUY, BUY], [BUY, bad], [bad])]
        assert [(answer["code"], answer["msg"]) for answer in answers] == [
            ("0", ""), ("2", "Bulk operation partially failed"), ("1", "All operations failed"),
        ]  # fmt: skip
        open_ids = [{"instId": "BTC-USDT", "ordId": r["ordId"]} for a in answers[:1] for r in a["data"]]
        assert (await ask(at, "trade/amend-batch-orders", [{**each, "newSz": "0.02"} for each in open_ids])).json()[
            "code"
        ] == "0"
        assert (await ask(at, "trade/cancel-batch-orders", open_ids)).json()["code"] == "0"
        assert len(await data(at, "trade/orders-pending")) == 1

    at_okx(check)


def test_a_position_is_shown_as_long_as_it_is_open():
    async def check(at: OkxVenue) -> None:
        short = {**BUY, "instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "sell", "sz": "2", "px": "59000"}
        await data(at, "trade/order", short)
        (position,) = await data(at, "account/positions")
        assert (position["pos"], position["avgPx"], position["mgnMode"]) == ("-2", "59999", "cross")
        (account,) = await data(at, "account/balance")
        usdt = next(detail for detail in account["details"] if detail["ccy"] == "USDT")
        # 2 contracts of 0.01 BTC: fee 0.59999, and the middle of the book, 60,000, is 1 above the price.
        assert (usdt["cashBal"], usdt["upl"], usdt["eq"]) == ("999999.40001", "-0.02", "999999.38001")
        await data(at, "trade/order", {**short, "side": "buy", "px": "61000", "reduceOnly": True})
        assert await data(at, "account/positions") == []
        refused = (await ask(at, "trade/order", {**short, "side": "buy", "px": "61000", "reduceOnly": "true"})).json()
        assert refused["data"][0]["sCode"] == "51169"

    with_full_books(check)


def test_orders_by_rest_and_by_websocket_count_together():
    async def check(at: OkxVenue) -> None:
        args = {**BUY, "sz": "0.00001"}
        account = at.venue.accounts[2]
        for _ in range(SINGLE.limit):
            at.orders.rates[next(iter(at.orders.rates))].take((account.uid, "BTC-USDT"), at.clock_ms())
        refused = await ask(at, "trade/order", args)
        assert (refused.status_code, refused.json()["code"]) == (429, "50011")

    clock = now_ms()
    at_okx(check, clock_ms=lambda: clock)


@pytest.mark.parametrize(
    ("raw", "code"),
    [(b"", "50000"), (b"{", "50002"), (b"5", "50002"), (b'"x"', "50002"), (b"[1]", "50002"), (b"[]", "60013")],
)
def test_a_body_that_is_none_is_refused(raw, code):
    async def check(at: OkxVenue) -> None:
        assert (await ask(at, "trade/order", raw=raw)).json()["code"] == code

    at_okx(check)


def test_a_path_takes_its_own_method_alone():
    async def check(at: OkxVenue) -> None:
        answer = await ask(at, "account/balance", {})
        assert (answer.status_code, answer.json()["code"]) == (405, "50115")

    at_okx(check)


# The account


def test_an_account_says_what_it_may_and_what_it_pays():
    async def check(at: OkxVenue) -> None:
        (config,) = await data(at, "account/config")
        assert (config["posMode"], config["acctStpMode"]) == ("net_mode", "cancel_maker")
        (spot,) = await data(at, "account/trade-fee?instType=SPOT")
        (swap,) = await data(at, "account/trade-fee?instType=SWAP")
        assert (spot["maker"], spot["taker"], swap["makerU"], swap["takerU"]) == (
            "-0.0008",
            "-0.001",
            "-0.0002",
            "-0.0005",
        )
        assert {asset["ccy"] for asset in await data(at, "asset/currencies")} == {"USDT", "BTC", "ETH", "SOL"}

    at_okx(check)


def test_the_dead_mans_switch_cancels_everything_unless_it_is_set_again():
    clock = [now_ms()]

    async def check(at: OkxVenue) -> None:
        await data(at, "trade/order", BUY)
        account = at.venue.accounts[2]
        assert await data(at, "trade/cancel-all-after", {"timeOut": "10"}) == [
            {"triggerTime": str(clock[0] + 10_000), "tag": "", "ts": str(clock[0])}
        ]
        assert (await ask(at, "trade/cancel-all-after", {"timeOut": "10"})).status_code == 429
        clock[0] += 9_999
        at.flush(clock[0])
        assert at.venue.open_orders(account)
        await data(at, "trade/cancel-all-after", {"timeOut": "20"})
        clock[0] += 20_000
        await until(lambda: not at.venue.open_orders(account))
        (ended,) = await data(at, "trade/orders-history?instType=SPOT")
        assert (ended["state"], ended["cancelSource"]) == ("canceled", "20")
        assert (await ask(at, "trade/cancel-all-after", {"timeOut": "5"})).json()["code"] == "51000"
        clock[0] += 1_000
        assert (await data(at, "trade/cancel-all-after", {"timeOut": 0}))[0]["triggerTime"] == "0"

    at_okx(check, clock_ms=lambda: clock[0])


def test_a_purchase_beyond_what_stands_in_the_book_is_bought_as_far_as_it_goes():
    async def check(at: OkxVenue) -> None:
        quote(at, Side.SELL, 600_000, 1_000_000)
        at.venue.publish(now_ms())
        market = {name: value for name, value in BUY.items() if name != "px"} | {"ordType": "market", "sz": "700"}
        (placed,) = await data(at, "trade/order", market)
        (form,) = await data(at, f"trade/order?instId=BTC-USDT&ordId={placed['ordId']}")
        assert (form["accFillSz"], form["sz"], form["tgtCcy"]) == ("0.01", "700", "quote_ccy")

    at_okx(check)
