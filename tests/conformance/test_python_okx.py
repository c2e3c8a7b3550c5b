"""python-okx, unmodified and over TLS: REST and WebSocket of the simulated OKX."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import okx.Account
import okx.MarketData
import okx.PublicData
import okx.Trade
import pytest
from okx.websocket.WsPrivateAsync import WsPrivateAsync
from okx.websocket.WsPublicAsync import WsPublicAsync

from conformance.served import Served, bounded, until
from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated import DEMO_API_KEY, DEMO_API_SECRET
from graphwiz_trader.venues.simulated.defaults import DEMO_PASSPHRASE

SPOT, SWAP = "BTC-USDT", "BTC-USDT-SWAP"


def signed(api: Any, served: Served) -> Any:
    return api(DEMO_API_KEY, DEMO_API_SECRET, DEMO_PASSPHRASE, flag="0", domain=served.urls["okx"].rest)


def only(answer: dict[str, Any]) -> Any:
    """The one thing that a good answer brings."""
    assert answer["code"] == "0", answer
    (thing,) = answer["data"]
    return thing


@pytest.mark.parametrize(("kind", "instrument"), [("SPOT", SPOT), ("SWAP", SWAP)])
def test_it_reads_rules_and_books(secure: Served, kind, instrument):
    secure.fill_book("okx", instrument, "61800")
    at = secure.urls["okx"].rest
    listed = okx.PublicData.PublicAPI(flag="0", domain=at).get_instruments(instType=kind)
    assert instrument in {rules["instId"] for rules in listed["data"]}
    book = only(okx.MarketData.MarketAPI(flag="0", domain=at).get_orderbook(instrument, sz="5"))
    assert [len(book[side]) for side in ("bids", "asks")] == [5, 5]
    assert float(book["asks"][0][0]) > float(book["bids"][0][0])


@pytest.mark.parametrize(("instrument", "mode"), [(SPOT, "cash"), (SWAP, "cross")])
def test_it_places_amends_and_cancels(secure: Served, instrument, mode):
    secure.fill_book("okx", instrument, "61800")
    trade = signed(okx.Trade.TradeAPI, secure)
    placed = only(trade.place_order(instrument, mode, "buy", "limit", "0.05", px="50000", clOrdId="one1"))
    assert placed["sCode"] == "0"
    assert only(trade.amend_order(instrument, clOrdId="one1", newSz="0.04", newPx="50001"))["sCode"] == "0"
    order = only(trade.get_order(instrument, placed["ordId"]))
    assert (order["state"], order["sz"], order["px"]) == ("live", "0.04", "50001")
    assert only(trade.get_order_list(instId=instrument))["ordId"] == placed["ordId"]
    assert only(trade.cancel_order(instrument, placed["ordId"]))["sCode"] == "0"
    assert only(trade.get_order(instrument, placed["ordId"]))["state"] == "canceled"
    refused = trade.cancel_order(instrument, placed["ordId"])
    assert (refused["code"], refused["data"][0]["sCode"]) == ("1", "51400")


def test_it_trades_and_sees_what_it_has(secure: Served):
    secure.fill_book("okx", SPOT, "61800")
    trade, account = signed(okx.Trade.TradeAPI, secure), signed(okx.Account.AccountAPI, secure)
    bought = only(trade.place_order(SPOT, "cash", "buy", "limit", "0.5", px="61900"))
    order = only(trade.get_order(SPOT, bought["ordId"]))
    assert (order["state"], order["accFillSz"]) == ("filled", "0.5")
    assert only(trade.get_fills(ordId=bought["ordId"]))["fillSz"] == "0.5"
    held = {detail["ccy"]: detail["cashBal"] for detail in only(account.get_account_balance())["details"]}
    assert float(held["BTC"]) == 20 + 0.5 + float(order["fee"])


def test_a_wrong_secret_is_refused_in_okx_s_words(secure: Served):
    api = okx.Trade.TradeAPI(DEMO_API_KEY, "wrong", DEMO_PASSPHRASE, flag="0", domain=secure.urls["okx"].rest)
    assert api.get_order_list()["code"] == "50113"


def test_it_hears_books_and_trades(secure: Served):
    async def check() -> None:
        heard: list[Any] = []
        async with listening(WsPublicAsync(f"{secure.urls['okx'].stream}/ws/v5/public")) as socket:
            channels = ("books", "bbo-tbt", "trades")
            await socket.subscribe(
                [{"channel": c, "instId": SPOT} for c in channels], lambda m: heard.append(json.loads(m))
            )
            await until(lambda: sum(message.get("event") == "subscribe" for message in heard) == len(channels))
            secure.quote("okx", SPOT, Side.BUY, "61900", "0.02")
            pushed = lambda: {message["arg"]["channel"] for message in heard if "data" in message}  # noqa: E731
            await until(lambda: pushed() == set(channels))

    secure.fill_book("okx", SPOT, "61800")
    bounded(check())


def test_it_hears_of_its_orders(secure: Served):
    async def check() -> None:
        heard: list[Any] = []
        private = WsPrivateAsync(
            apiKey=DEMO_API_KEY,
            passphrase=DEMO_PASSPHRASE,
            secretKey=DEMO_API_SECRET,
            url=f"{secure.urls['okx'].stream}/ws/v5/private",
        )
        async with listening(private) as socket:
            args = [{"channel": "orders", "instType": "ANY"}, {"channel": "account"}]
            await socket.subscribe(args, lambda m: heard.append(json.loads(m)))
            await until(lambda: sum(message.get("event") == "subscribe" for message in heard) == len(args))
            trade = signed(okx.Trade.TradeAPI, secure)
            placed = await asyncio.to_thread(
                trade.place_order, SPOT, "cash", "buy", "limit", "0.01", px="61900", clOrdId="two2"
            )
            states = lambda: [  # noqa: E731
                order["state"]
                for message in heard
                if message.get("arg", {}).get("channel") == "orders" and "data" in message
                for order in message["data"]
                if order["ordId"] == placed["data"][0]["ordId"]
            ]
            await until(lambda: states()[-1:] == ["filled"])

    secure.fill_book("okx", SPOT, "61800")
    bounded(check())


@asynccontextmanager
async def listening(socket: Any) -> AsyncIterator[Any]:
    """One of its WebSocket clients, started, and stopped in the end."""
    await socket.start()
    try:
        yield socket
    finally:
        await socket.factory.close()
