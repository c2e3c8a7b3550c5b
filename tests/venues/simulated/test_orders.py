"""Order entry over real sockets: signatures really checked, answers and events in the venue's own words."""

from __future__ import annotations

import hashlib
import hmac

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated import DEMO_API_KEY, DEMO_API_SECRET, Credentials
from venues.simulated.clients import Client, ed25519_signed, hmac_signed, in_loop, now_ms, serving, until
from venues.simulated.house import NOW_MS, quote

PRICE = "61700.00"


def code_of(answer) -> int:
    assert answer["status"] >= 400, answer
    return answer["error"]["code"]


def over(exchange_id: str, **named):
    """A venue, a client of its order connection, and the venue's books with one quote a side of 0.1 BTC."""

    def decorate(test):
        def run():
            async def body():
                async with serving(exchange_id, **named) as exchange:
                    at = exchange.venues[exchange_id]
                    scale = 1 if exchange_id == "binanceusdm" else 10
                    lots = 100 if exchange_id == "binanceusdm" else 10_000
                    quote(at.venue, Side.SELL, 618_000 * scale, lots)
                    quote(at.venue, Side.BUY, 617_000 * scale, lots)
                    async with Client(exchange.urls[exchange_id].orders) as client:
                        await test(at, client)

            in_loop(body)

        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run

    return decorate


@over("binance")
async def test_a_limit_order_rests_is_found_and_is_cancelled(at, client):
    placed = (await client.place(price="61000.00", quantity="0.002", newClientOrderId="mine"))["result"]
    assert (placed["status"], placed["price"], placed["origQty"]) == ("NEW", "61000.00000000", "0.00200000")
    assert placed["fills"] == []
    found = (await client.signed("order.status", symbol="BTCUSDT", origClientOrderId="mine"))["result"]
    assert (found["orderId"], found["status"], found["isWorking"]) == (placed["orderId"], "NEW", True)
    listed = (await client.signed("openOrders.status", symbol="BTCUSDT"))["result"]
    assert [order["clientOrderId"] for order in listed] == ["mine"]
    canceled = (await client.signed("order.cancel", symbol="BTCUSDT", orderId=placed["orderId"]))["result"]
    assert (canceled["origClientOrderId"], canceled["status"]) == ("mine", "CANCELED")
    assert canceled["clientOrderId"] != "mine"
    assert (await client.signed("openOrders.status"))["result"] == []
    assert code_of(await client.signed("order.cancel", symbol="BTCUSDT", orderId=placed["orderId"])) == -2011


@over("binance")
async def test_a_crossing_order_is_filled_in_its_answer_with_fees_and_trade_ids(at, client):
    placed = (await client.place(price="61800.00", quantity="0.002", timeInForce="IOC"))["result"]
    assert (placed["status"], placed["executedQty"]) == ("FILLED", "0.00200000")
    assert placed["cummulativeQuoteQty"] == "123.60000000"
    assert placed["fills"] == [
        {
            "price": "61800.00000000",
            "qty": "0.00200000",
            "commission": "0.00000200",
            "commissionAsset": "BTC",
            "tradeId": 1,
        }
    ]
    trades = (await client.signed("myTrades", symbol="BTCUSDT", orderId=placed["orderId"]))["result"]
    assert [(t["id"], t["price"], t["commission"], t["isMaker"]) for t in trades] == [
        (1, "61800.00000000", "0.00000200", False)
    ]


@over("binance")
async def test_answers_say_as_much_as_is_asked_for(at, client):
    ack = (await client.place(price=PRICE, quantity="0.002", newOrderRespType="ACK"))["result"]
    assert sorted(ack) == ["clientOrderId", "orderId", "orderListId", "symbol", "transactTime"]
    result = (await client.place(price=PRICE, quantity="0.002", newOrderRespType="RESULT"))["result"]
    assert "fills" not in result
    assert code_of(await client.place(price=PRICE, quantity="0.002", newOrderRespType="ALL")) == -1130


@over("binance")
async def test_each_kind_of_order_does_what_its_name_says(at, client):
    def brief(answer):
        return answer["result"]["type"], answer["result"]["timeInForce"], answer["result"]["status"]

    market = await client.place(type="MARKET", timeInForce=None, quantity="0.002")
    assert brief(market) == ("MARKET", "GTC", "FILLED")
    ioc = await client.place(price="61750.00", quantity="0.002", timeInForce="IOC")
    assert brief(ioc) == ("LIMIT", "IOC", "EXPIRED")
    fok = await client.place(price="61800.00", quantity="1", timeInForce="FOK")
    assert brief(fok) == ("LIMIT", "FOK", "EXPIRED")
    maker = await client.place(type="LIMIT_MAKER", timeInForce=None, price="61750.00", quantity="0.002")
    assert brief(maker) == ("LIMIT_MAKER", "GTC", "NEW")
    crossing = await client.place(type="LIMIT_MAKER", timeInForce=None, price="61800.00", quantity="0.002")
    assert crossing["error"] == {"code": -2010, "msg": "Order would immediately match and take."}


@over("binance")
async def test_cancel_all_ends_the_open_orders_of_one_symbol(at, client):
    for symbol in ("BTCUSDT", "BTCUSDT", "ETHUSDT"):
        await client.place(symbol=symbol, price="1000.00", quantity="0.1")
    ended = (await client.signed("openOrders.cancelAll", symbol="BTCUSDT"))["result"]
    assert [order["status"] for order in ended] == ["CANCELED", "CANCELED"]
    assert len((await client.signed("openOrders.status"))["result"]) == 1
    assert code_of(await client.signed("openOrders.cancelAll", symbol="BTCUSDT")) == -2011


@over("binance")
async def test_the_account_shows_free_and_locked_balances(at, client):
    await client.place(price="50000.00", quantity="0.01")
    status = (await client.signed("account.status", omitZeroBalances="true"))["result"]
    balances = {each["asset"]: (each["free"], each["locked"]) for each in status["balances"]}
    assert balances["USDT"] == ("999500.00000000", "500.00000000")
    assert status["commissionRates"]["taker"] == "0.00100000"


@over("binance")
async def test_user_data_tells_of_orders_after_their_answers(at, client):
    subscribed = await client.signed("userDataStream.subscribe.signature")
    assert subscribed["result"] == {"subscriptionId": 0}
    await client.place(price="61800.00", quantity="0.002", newClientOrderId="x1")
    assert client.passed_over == [], "the answer comes first by default"
    events = [await client.receive() for _ in range(4)]
    assert {event["subscriptionId"] for event in events} == {0}
    told = [event["event"] for event in events]
    assert [event["e"] for event in told] == ["executionReport", "outboundAccountPosition"] * 2
    assert [(e["x"], e["X"], e["c"], e["z"]) for e in told[::2]] == [
        ("NEW", "NEW", "x1", "0.00000000"),
        ("TRADE", "FILLED", "x1", "0.00200000"),
    ]
    assert (told[2]["L"], told[2]["n"], told[2]["N"], told[2]["m"]) == ("61800.00000000", "0.00000200", "BTC", False)
    assert " ".join(told[0]) == "e E s c S o f q p P F g C x X r i l z L n N T t I w m M O Z Y Q W V"
    assert {b["a"]: b["f"] for b in told[3]["B"]} == {"BTC": "20.00199800", "USDT": "999876.40000000"}


@over("binance", events_first=True)
async def test_events_can_come_before_the_answer(at, client):
    await client.signed("userDataStream.subscribe.signature")
    await client.place(price="61800.00", quantity="0.002")
    assert [m["event"]["e"] for m in client.passed_over] == ["executionReport", "outboundAccountPosition"] * 2


@over("binance")
async def test_after_a_cancel_the_report_names_the_order_and_the_cancel(at, client):
    await client.signed("userDataStream.subscribe.signature")
    await client.place(price="61000.00", quantity="0.002", newClientOrderId="order1")
    await client.signed("order.cancel", symbol="BTCUSDT", origClientOrderId="order1", newClientOrderId="cancel1")
    reports = [e["event"] for e in client.passed_over if e["event"]["e"] == "executionReport"]
    reports += [(await client.receive())["event"]]
    assert (reports[-1]["x"], reports[-1]["C"], reports[-1]["c"]) == ("CANCELED", "order1", "cancel1")


@over("binance")
async def test_a_users_resting_order_is_filled_by_the_market_and_told_of(at, client):
    await client.signed("userDataStream.subscribe.signature")
    await client.place(price="61750.00", quantity="0.002")
    quote(at.venue, Side.SELL, 6_170_000, 100)
    at.venue.publish(NOW_MS)
    reports = []
    while len(reports) < 2:
        event = (await client.receive())["event"]
        reports += [event] if event["e"] == "executionReport" else []
    assert (reports[1]["X"], reports[1]["L"], reports[1]["m"]) == ("PARTIALLY_FILLED", "61750.00000000", True)


@over("binance")
async def test_after_unsubscribing_one_is_told_so_and_then_nothing(at, client):
    await client.signed("userDataStream.subscribe.signature")
    assert (await client.ask("userDataStream.unsubscribe", {"subscriptionId": 0}))["status"] == 200
    await client.place(price="61000.00", quantity="0.002")
    await client.signed("account.status")
    assert [message["event"]["e"] for message in client.passed_over] == ["eventStreamTerminated"]
    assert code_of(await client.ask("userDataStream.unsubscribe", {"subscriptionId": 0})) == -2036


def pem(private: Ed25519PrivateKey, *, public: bool) -> str:
    if public:
        return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize("public", [True, False])
def test_an_ed25519_key_logs_a_session_on_and_then_needs_no_signatures(public):
    async def run():
        private = Ed25519PrivateKey.generate()
        async with serving() as exchange:
            at = exchange.venues["binance"]
            at.open_account("second", Credentials("edkey", pem(private, public=public)), {"USDT": "1000"})
            async with Client(exchange.urls["binance"].orders) as client:
                wrong = ed25519_signed({}, "edkey", Ed25519PrivateKey.generate())
                assert code_of(await client.ask("session.logon", wrong)) == -1022
                logged_on = await client.ask("session.logon", ed25519_signed({}, "edkey", private))
                assert logged_on["result"]["apiKey"] == "edkey"
                placed = await client.ask(
                    "order.place",
                    {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "50000.00",
                     "quantity": "0.01", "timestamp": now_ms()},
                )  # fmt: skip
                assert placed["status"] == 200
                assert (await client.ask("userDataStream.subscribe"))["result"] == {"subscriptionId": 0}
                signed = ed25519_signed({}, "edkey", private)
                assert (await client.ask("userDataStream.subscribe.signature", signed))["result"] == {
                    "subscriptionId": 1
                }
                both = (await client.ask("session.subscriptions"))["result"]
                assert both == [{"subscriptionId": 0}, {"subscriptionId": 1}]
                assert code_of(await client.ask("account.status")) == -1102, "the time is still needed"
                client.passed_over.clear()
                assert (await client.ask("session.logout"))["result"]["apiKey"] is None
                (ended,) = client.passed_over
                assert (ended["subscriptionId"], ended["event"]["e"]) == (0, "eventStreamTerminated")
                assert (await client.ask("session.subscriptions"))["result"] == [{"subscriptionId": 1}]
                assert (await client.ask("userDataStream.unsubscribe", {"subscriptionId": 1}))["result"] == {}
                assert client.passed_over[-1]["subscriptionId"] == 1
                assert code_of(await client.ask("userDataStream.unsubscribe", {"subscriptionId": 1})) == -2036
                assert code_of(await client.ask("account.status", {"timestamp": now_ms()})) == -1102

    in_loop(run)


@over("binance")
async def test_a_session_needs_an_ed25519_key(at, client):
    assert code_of(await client.ask("session.logon", hmac_signed({}))) == -4056
    assert code_of(await client.ask("userDataStream.subscribe")) == -2015


@over("binance")
async def test_only_what_is_rightly_signed_in_time_is_done(at, client):
    async def refused(params) -> int:
        return code_of(await client.ask("account.status", params))

    good = hmac_signed({})
    assert await refused({**good, "signature": "0" * 64}) == -1022
    assert await refused({**good, "signature": "é"}) == -1022
    assert await refused({**good, "extra": "1"}) == -1022, "every parameter is signed"
    assert await refused(hmac_signed({}, key="unknown")) == -2015
    assert await refused(hmac_signed({}, key="not a key!")) == -2014
    assert await refused(hmac_signed({}, secret="wrong")) == -1022
    assert await refused({k: v for k, v in good.items() if k != "signature"}) == -1102
    assert await refused(hmac_signed({"timestamp": now_ms() - 6_000})) == -1021
    assert await refused(hmac_signed({"timestamp": now_ms() + 2_000})) == -1021
    assert await refused(hmac_signed({"timestamp": now_ms() - 6_000, "recvWindow": 60_001})) == -1131
    late = hmac_signed({"timestamp": now_ms() - 6_000, "recvWindow": 10_000})
    assert (await client.ask("account.status", late))["status"] == 200
    in_microseconds = hmac_signed({"timestamp": now_ms() * 1_000})
    assert (await client.ask("account.status", in_microseconds))["status"] == 200


@over("binance")
async def test_numbers_and_booleans_are_signed_as_they_are_written(at, client):
    asked = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": 61000.5,
             "quantity": 0.002, "returnRateLimits": False}  # fmt: skip
    signed = hmac_signed({**asked, "returnRateLimits": "false"})
    assert (await client.ask("order.place", {**signed, "returnRateLimits": False}))["status"] == 200


WRONG_SPOT_ORDERS = [
    ({"symbol": "NOPE"}, -1121, "Invalid symbol."),
    ({"symbol": None}, -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."),
    ({"side": "UP"}, -1117, "Invalid side."),
    ({"type": "MAGIC"}, -1116, "Invalid orderType."),
    ({"timeInForce": "GTX"}, -1115, "Invalid timeInForce."),
    ({"timeInForce": None}, -1102, None),
    ({"price": None}, -1102, None),
    ({"quantity": None}, -1102, None),
    ({"price": "-1"}, -1100, None),
    ({"price": "1e3"}, -1100, None),
    ({"price": "61000.001"}, -1013, "Filter failure: PRICE_FILTER"),
    ({"price": "61000.0000000001"}, -1111, "Parameter 'price' has too much precision."),
    ({"price": "0"}, -1013, "Filter failure: PRICE_FILTER"),
    ({"quantity": "0.000001"}, -1013, "Filter failure: LOT_SIZE"),
    ({"quantity": "0"}, -1013, "Filter failure: LOT_SIZE"),
    ({"quantity": "0.00001"}, -1013, "Filter failure: NOTIONAL"),
    ({"quantity": "99"}, -2010, "Account has insufficient balance for requested action."),
    ({"side": "SELL", "quantity": "99"}, -2010, "Account has insufficient balance for requested action."),
    ({"newClientOrderId": "no spaces"}, -1100, None),
    ({"newClientOrderId": "x" * 37}, -1100, None),
    ({"stopPrice": "60000"}, -1020, None),
    ({"selfTradePreventionMode": "EXPIRE_ALL"}, -1013, None),
    ({"type": "MARKET"}, -1106, None),
    ({"type": "LIMIT_MAKER"}, -1106, None),
]


@over("binance")
async def test_a_wrong_spot_order_is_refused_with_the_venues_code_and_text(at, client):
    for change, code, text in WRONG_SPOT_ORDERS:
        answer = await client.place(**{"price": "61000.00", "quantity": "0.002", **change})
        assert code_of(answer) == code, (change, answer)
        if text is not None:
            assert answer["error"]["msg"] == text
    assert (await client.signed("openOrders.status"))["result"] == []


WRONG_USDM_ORDERS = [
    ({"symbol": "NOPE"}, -1121),
    ({"price": "61000.05"}, -4014),
    ({"price": "400000000"}, -4002),
    ({"quantity": "0.0005"}, -4023),
    ({"quantity": "0.000"}, -4004),
    ({"quantity": "99999"}, -4005),
    ({"price": "1000.0", "quantity": "0.001"}, -4164),
    ({"quantity": "900"}, -2019),
    ({"timeInForce": "GTX", "price": "61800.0"}, -5022),
    ({"timeInForce": "FOK", "price": "61000.0"}, -5021),
    ({"reduceOnly": "true"}, -2022),
    ({"positionSide": "LONG"}, -1020),
    ({"type": "LIMIT_MAKER"}, -1116),
    ({"type": "STOP_MARKET"}, -1116),
]


@over("binanceusdm")
async def test_a_wrong_usdm_order_is_refused_with_the_venues_code(at, client):
    for change, code in WRONG_USDM_ORDERS:
        answer = await client.place(**{"price": "61000.0", "quantity": "0.002", **change})
        assert code_of(answer) == code, (change, answer)
    await client.place(price="61000.0", quantity="0.002", newClientOrderId="same")
    answer = await client.place(price="61000.0", quantity="0.002", newClientOrderId="same")
    assert answer["error"] == {"code": -4116, "msg": "ClientOrderId is duplicated."}


@over("binanceusdm")
async def test_usdm_acknowledges_first_and_says_the_result_when_asked(at, client):
    ack = (await client.place(price="61800.0", quantity="0.002", timeInForce="IOC"))["result"]
    assert (ack["status"], ack["executedQty"]) == ("NEW", "0.000")
    found = (await client.signed("order.status", symbol="BTCUSDT", orderId=ack["orderId"]))["result"]
    assert (found["status"], found["executedQty"], found["avgPrice"]) == ("FILLED", "0.002", "61800.00000000")
    result = (
        await client.place(side="SELL", price="61700.0", quantity="0.004", timeInForce="IOC", newOrderRespType="RESULT")
    )["result"]
    assert (result["status"], result["cumQuote"]) == ("FILLED", "246.80000000")
    positions = (await client.signed("v2/account.position"))["result"]
    assert [(p["symbol"], p["positionAmt"]) for p in positions] == [("BTCUSDT", "-0.002")]
    balance = (await client.signed("v2/account.balance"))["result"]
    assert [each["asset"] for each in balance] == ["USDT"]
    status = (await client.signed("v2/account.status"))["result"]
    assert status["assets"][0]["walletBalance"] == balance[0]["balance"]


@pytest.mark.parametrize("path", ["/private/ws?listenKey={}", "/private/ws/{}", "/private/stream?streams={}"])
def test_usdm_user_data_comes_on_the_listen_keys_stream(path):
    async def run():
        async with serving("binanceusdm") as exchange:
            at, urls = exchange.venues["binanceusdm"], exchange.urls["binanceusdm"]
            quote(at.venue, Side.SELL, 618_000, 10)
            async with Client(urls.orders) as client:
                key = (await client.ask("userDataStream.start", {"apiKey": DEMO_API_KEY}))["result"]["listenKey"]
                async with Client(urls.stream + path.format(key)) as private:
                    await until(lambda: at.hub.has_subscribers(key))
                    await client.place(price="61800.0", quantity="0.002", newClientOrderId="f1")
                    events = [await private.receive() for _ in range(4)]
                    events = [event.get("data", event) for event in events]
                    lite = events.pop(1)
        assert (lite["e"], lite["c"], lite["l"], lite["L"]) == ("TRADE_LITE", "f1", "0.002", "61800.00")
        assert [event["e"] for event in events] == ["ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE"]
        assert [(e["o"]["x"], e["o"]["X"], e["o"]["z"]) for e in (events[0], events[2])] == [
            ("NEW", "NEW", "0.000"),
            ("TRADE", "FILLED", "0.002"),
        ]
        assert (events[2]["o"]["L"], events[2]["o"]["n"], events[2]["o"]["N"]) == ("61800.00", "0.06180000", "USDT")
        assert events[1]["a"]["P"][0]["pa"] == "0.002"
        assert events[1]["a"]["B"][0]["wb"] == "999999.93820000"

    in_loop(run)


@over("binanceusdm")
async def test_a_listen_key_is_kept_alive_and_ends(at, client):
    key = {"apiKey": DEMO_API_KEY}
    assert code_of(await client.ask("userDataStream.ping", key)) == -1125
    started = (await client.ask("userDataStream.start", key))["result"]
    assert (await client.ask("userDataStream.start", key))["result"] == started
    assert (await client.ask("userDataStream.ping", key))["result"] == started
    assert (await client.ask("userDataStream.stop", key))["status"] == 200
    assert code_of(await client.ask("userDataStream.ping", key)) == -1125


def test_an_order_changes_the_public_book_and_prints_its_trade():
    async def run():
        async with serving() as exchange:
            at, urls = exchange.venues["binance"], exchange.urls["binance"]
            quote(at.venue, Side.SELL, 6_180_000, 1_000)
            at.venue.publish(NOW_MS)
            async with (
                Client(f"{urls.stream}/stream?streams=btcusdt@bookTicker/btcusdt@trade/btcusdt@depth@100ms") as public,
                Client(urls.orders) as client,
            ):
                await until(lambda: at.hub.has_subscribers("btcusdt@trade"))
                await client.place(price="61800.00", quantity="0.004")
                seen = {}
                while len(seen) < 3:
                    frame = await public.receive()
                    seen[frame["stream"].split("@")[1]] = frame["data"]
        assert (seen["trade"]["q"], seen["trade"]["m"]) == ("0.00400000", False)
        assert seen["bookTicker"]["A"] == "0.00600000"
        assert seen["depth"]["a"] == [["61800.00000000", "0.00600000"]]

    in_loop(run)


def test_an_account_may_ask_about_itself_over_rest_when_it_signs_the_query():
    async def run():
        async with serving("binance", "binanceusdm") as exchange:
            for name, path in (("binance", "/api/v3/account"), ("binanceusdm", "/fapi/v2/balance")):
                query = f"timestamp={now_ms()}&recvWindow=5000"
                signature = hmac.new(DEMO_API_SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
                url = f"{exchange.urls[name].rest}{path}?{query}&signature="
                async with httpx.AsyncClient(headers={"X-MBX-APIKEY": DEMO_API_KEY}) as client:
                    assert "USDT" in (await client.get(url + signature)).text
                    forged = await client.get(url + "0" * 64)
                    assert (forged.status_code, forged.json()["code"]) == (400, -1022)
                async with httpx.AsyncClient() as stranger:
                    refused = await stranger.get(url + signature)
                    assert (refused.status_code, refused.json()["code"]) == (401, -2014)

    in_loop(run)
