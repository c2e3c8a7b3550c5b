"""OKX's private WebSocket: login, the life of orders on the channels of an account, and each way to be refused."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated import Credentials
from graphwiz_trader.venues.simulated.okx.limits import Rate, Windows
from graphwiz_trader.venues.simulated.okx.order_desk import SINGLE
from graphwiz_trader.venues.simulated.okx.server import OkxVenue
from venues.simulated.clients import now_ms
from venues.simulated.okx.okx_clients import Client, at_okx, fill_book, quote

BUY = {
    "instId": "BTC-USDT",
    "tdMode": "cash",
    "side": "buy",
    "ordType": "limit",
    "sz": "0.01",
    "px": "59000",
}
SHORT = {**BUY, "instId": "BTC-USDT-SWAP", "tdMode": "cross", "side": "sell", "sz": "2", "px": "59000"}


class Trader(Client):
    """A client that is logged on and follows its orders."""

    def __init__(self, at: OkxVenue, **who: str) -> None:
        super().__init__(at, "private")
        self._who = who
        self._numbers = itertools.count(1)
        self.pushed: list[Any] = []

    async def __aenter__(self) -> Trader:
        await super().__aenter__()
        assert (await self.log_in(**self._who))["code"] == "0"
        assert (await self.subscribe("orders", instType="ANY"))["event"] == "subscribe"
        return self

    async def do(self, op: str, *args: dict[str, Any], **more: Any) -> Any:
        """The answer to an operation; what is pushed before it is kept."""
        number = str(next(self._numbers))
        await self.say(op, *args, id=number, **more)
        while True:
            message = await self.receive()
            if message.get("id") == number:
                return message
            self.keep(message)

    async def result(self, op: str, **arg: Any) -> tuple[str, str]:
        """sCode and ordId of an operation on one order."""
        (data,) = (await self.do(op, arg))["data"]
        return data["sCode"], data["ordId"]

    async def place(self, **changed: Any) -> str:
        """The new order's id."""
        code, order_id = await self.result("order", **{**BUY, **changed})
        assert code == "0"
        return order_id

    async def until_over(self, order_id: str) -> list[Any]:
        """Everything that was pushed about an order, to its end."""
        while True:
            about = [form for form in self.pushed if form["ordId"] == order_id]
            if about and about[-1]["state"] in ("filled", "canceled"):
                return about
            self.keep(await self.receive())

    def keep(self, message: Any) -> None:
        if message.get("arg", {}).get("channel") == "orders":
            self.pushed += message["data"]


def trading(test: Any, **named: Any) -> None:
    """Run a test with a client of a venue whose books are full."""

    async def run(at: OkxVenue) -> None:
        fill_book(at)
        fill_book(at, "BTC-USDT-SWAP", lots=10_000)
        async with Trader(at) as trader:
            await test(at, trader)

    at_okx(run, **named)


# Login


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({}, None),
        ({"key": "nobody"}, "60005"),
        ({"secret": "wrong"}, "60007"),
        ({"passphrase": "wrong"}, "60024"),
        ({"passphrase": ""}, "60003"),
        ({"key": ""}, "60001"),
        ({"timestamp": "1"}, "60006"),
        ({"late_s": 32}, "60006"),
        ({"late_s": -32}, "60006"),
        ({"late_s": 25}, None),
        ({"timestamp": "soon"}, "60004"),
        ({"timestamp": "nan"}, "60004"),
    ],
)
def test_a_login_is_checked(changed, code):
    async def check(at: OkxVenue) -> None:
        async with Client(at, "private") as client:
            said = await client.log_in(**changed)
            assert (said["event"], said["code"]) == (("login", "0") if code is None else ("error", code))

    at_okx(check)


def test_a_logins_time_may_be_a_number():
    """As python-okx sends it."""

    async def check(at: OkxVenue) -> None:
        async with Client(at, "private") as client:
            assert (await client.log_in(timestamp=now_ms() // 1000))["code"] == "0"

    at_okx(check)


def test_a_second_login_and_one_on_the_public_address_are_refused():
    async def check(at: OkxVenue) -> None:
        async with Client(at, "private") as private, Client(at) as public:
            assert (await private.log_in())["code"] == "0"
            assert (await private.log_in())["code"] == "60031"
            assert (await public.log_in())["code"] == "60008"

    at_okx(check)


def test_without_a_login_there_is_nothing_private():
    async def check(at: OkxVenue) -> None:
        async with Client(at, "private") as client:
            assert (await client.subscribe("orders", instType="ANY"))["code"] == "60011"
            assert (await client.ask("order", BUY, id="1"))["code"] == "60011"
        async with Client(at) as public:
            assert (await public.ask("order", BUY, id="1"))["code"] == "60028"
            assert (await public.subscribe("account"))["code"] == "60018"

    at_okx(check)


# Lives of orders


def test_an_order_is_acknowledged_lives_and_is_filled():
    async def check(at: OkxVenue, trader: Trader) -> None:
        answer = await trader.do("order", {**BUY, "px": "60001", "clOrdId": "mine1", "tag": "t"})
        (data,) = answer["data"]
        assert (answer["op"], answer["code"], data["clOrdId"], data["sCode"], data["tag"]) == (
            "order", "0", "mine1", "0", "t",
        )  # fmt: skip
        assert int(answer["inTime"]) <= int(answer["outTime"])
        live, filled = await trader.until_over(data["ordId"])
        assert (live["state"], live["accFillSz"], live["fillSz"], live["tradeId"]) == ("live", "0", "0", "")
        assert (filled["state"], filled["accFillSz"], filled["fillPx"]) == ("filled", "0.01", "60001")
        assert (filled["execType"], filled["fillFee"], filled["fillFeeCcy"]) == ("T", "-0.00001", "BTC")
        assert (filled["fee"], filled["feeCcy"], filled["avgPx"]) == ("-0.00001", "BTC", "60001")

    trading(check)


def test_a_resting_order_makes_and_its_parts_add_up():
    async def check(at: OkxVenue, trader: Trader) -> None:
        order_id = await trader.place(px="60000", sz="0.03")
        for lots in (1_000_000, 2_000_000):
            quote(at, Side.SELL, 600_000, lots)
            at.venue.publish(now_ms())
        live, part, whole = await trader.until_over(order_id)
        assert [form["state"] for form in (live, part, whole)] == ["live", "partially_filled", "filled"]
        assert [form["accFillSz"] for form in (part, whole)] == ["0.01", "0.03"]
        assert [form["fillFee"] for form in (part, whole)] == ["-0.000008", "-0.000016"]  # 0.08 % of the base
        assert whole["fee"] == "-0.000024"
        assert whole["execType"] == "M"

    trading(check)


@pytest.mark.parametrize(
    ("changed", "filled", "source"),
    [
        ({"ordType": "post_only", "px": "60001"}, "0", "31"),
        ({"ordType": "fok", "px": "60001", "sz": "0.02"}, "0", "13"),
        ({"ordType": "ioc", "px": "60001", "sz": "0.02"}, "0.01", "14"),
    ],
)
def test_an_order_that_cannot_do_what_it_says_is_accepted_and_then_canceled(changed, filled, source):
    async def check(at: OkxVenue, trader: Trader) -> None:
        forms = await trader.until_over(await trader.place(**changed))
        assert (forms[0]["state"], forms[0]["cancelSource"]) == ("live", "")
        assert (forms[-1]["state"], forms[-1]["cancelSource"], forms[-1]["accFillSz"]) == ("canceled", source, filled)

    trading(check)


@pytest.mark.parametrize(
    ("changed", "filled", "shown"),
    [
        ({"sz": "600.01"}, "0.01", "600.01"),  # a purchase counts in quote currency
        ({"sz": "0.01", "tgtCcy": "base_ccy"}, "0.01", "0.01"),
        ({"side": "sell", "sz": "0.01"}, "0.01", "0.01"),
    ],
)
def test_a_market_order_on_spot_counts_as_its_side_or_target_says(changed, filled, shown):
    async def check(at: OkxVenue, trader: Trader) -> None:
        arg = {name: value for name, value in {**BUY, "ordType": "market", **changed}.items() if name != "px"}
        code, order_id = await trader.result("order", **arg)
        assert code == "0"
        last = (await trader.until_over(order_id))[-1]
        assert (last["state"], last["accFillSz"], last["sz"], last["px"]) == ("filled", filled, shown, "")

    trading(check)


def test_an_amendment_counts_what_has_been_filled_and_moves_the_order():
    async def check(at: OkxVenue, trader: Trader) -> None:
        order_id = await trader.place(px="60000", sz="0.03")
        quote(at, Side.SELL, 600_000, 1_000_000)
        at.venue.publish(now_ms())
        assert await trader.result(
            "amend-order", instId="BTC-USDT", ordId=order_id, newSz="0.02", newPx="59999.9", reqId="r1"
        ) == ("0", order_id)  # fmt: skip
        quote(at, Side.SELL, 599_999, 1_000_000)
        at.venue.publish(now_ms())
        forms = await trader.until_over(order_id)
        amended = next(form for form in forms if form["amendResult"] == "0")
        assert (amended["reqId"], amended["px"], amended["sz"], amended["accFillSz"]) == (
            "r1",
            "59999.9",
            "0.02",
            "0.01",
        )
        assert (forms[-1]["state"], forms[-1]["accFillSz"]) == ("filled", "0.02")

    trading(check)


def test_an_amendment_to_what_has_been_filled_ends_the_order_as_filled():
    async def check(at: OkxVenue, trader: Trader) -> None:
        order_id = await trader.place(px="60000", sz="0.03")
        quote(at, Side.SELL, 600_000, 1_000_000)
        at.venue.publish(now_ms())
        assert await trader.result("amend-order", instId="BTC-USDT", ordId=order_id, newSz="0.01") == ("0", order_id)
        assert (await trader.until_over(order_id))[-1]["state"] == "filled"
        assert not at.venue.open_orders(at.venue.accounts[2])

    trading(check)


@pytest.mark.parametrize(
    ("mode", "ended"), [("cancel_maker", ["maker"]), ("cancel_taker", ["taker"]), ("cancel_both", ["maker", "taker"])]
)
def test_an_account_does_not_trade_with_itself(mode, ended):
    async def check(at: OkxVenue, trader: Trader) -> None:
        orders = {"maker": await trader.place(px="60000.5")}
        orders["taker"] = await trader.place(side="sell", px="60000.5", stpMode=mode)
        for role in ended:
            forms = await trader.until_over(orders[role])
            assert (forms[-1]["state"], forms[-1]["cancelSource"]) == ("canceled", "32")
        alive = {str(order.order_id) for order in at.venue.open_orders(at.venue.accounts[2])}
        assert alive == {order_id for role, order_id in orders.items() if role not in ended}

    trading(check)


def test_a_swap_is_sold_short_in_contracts_and_moves_position_and_cash():
    async def check(at: OkxVenue, trader: Trader) -> None:
        async with Client(at, "private") as follower:
            await follower.log_in()
            for channel, arg in (("account", {}), ("positions", {"instType": "SWAP"}), ("balance_and_position", {})):
                assert (await follower.subscribe(channel, **arg))["event"] == "subscribe"
                assert (await follower.event())["event"] == "channel-conn-count"
            code, order_id = await trader.result("order", **SHORT)
            assert code == "0"
            last = (await trader.until_over(order_id))[-1]
            # 2 contracts of 0.01 BTC at 59,999.0, 0.05 % fee
            assert (last["state"], last["fillFee"], last["fillFeeCcy"]) == ("filled", "-0.59999", "USDT")
            while True:
                (position,) = (await follower.receive_from("positions"))["data"] or [None]
                if position is not None:
                    break
            assert (position["pos"], position["avgPx"], position["posSide"]) == ("-2", "59999", "net")
            news = await follower.receive_from("balance_and_position")
            (data,) = news["data"]
            assert data["eventType"] == "filled"
            assert data["trades"] == [{"instId": "BTC-USDT-SWAP", "tradeId": last["tradeId"]}]
            assert data["balData"][0]["cashBal"] == "999999.40001"

    trading(check)


@pytest.mark.parametrize(("extra", "every_ms"), [("", 5_000), ('{"updateInterval":"2000"}', 2_000), ("no JSON", 5_000)])
def test_positions_are_told_regularly_too(extra, every_ms):
    clock = [now_ms()]

    async def check(at: OkxVenue, trader: Trader) -> None:
        await trader.until_over((await trader.result("order", **SHORT))[1])
        more = {"extraParams": extra} if extra else {}
        assert (await trader.subscribe("positions", instType="SWAP", **more))["event"] == "subscribe"
        assert (await trader.receive_from("positions"))["data"][0]["upl"] == "-0.02"
        quote(at, Side.SELL, 599_995, 10_000, "BTC-USDT-SWAP")
        clock[0] += every_ms
        told = await trader.receive_from("positions")
        assert (told["data"][0]["pos"], told["data"][0]["upl"]) == ("-2", "-0.004")

    trading(check, clock_ms=lambda: clock[0])


def test_an_account_may_be_told_for_events_alone():
    clock = [now_ms()]

    async def check(at: OkxVenue, trader: Trader) -> None:
        await trader.subscribe("account", extraParams='{"updateInterval":"0"}')
        await trader.receive_from("account")
        clock[0] += 20_000
        at.flush(clock[0])
        await trader.socket.send("ping")
        while (message := await trader.receive()) != "pong":
            assert message.get("arg", {}).get("channel") != "account"

    trading(check, clock_ms=lambda: clock[0])


def test_what_margins_a_position_cannot_buy_assets():
    async def check(at: OkxVenue, trader: Trader) -> None:
        at.open_account("poor", Credentials("poor", "secret", "Pass-1"), {"USDT": "100"})
        async with Trader(at, key="poor", secret="secret", passphrase="Pass-1") as poor:
            await poor.until_over((await poor.result("order", **{**SHORT, "sz": "2"}))[1])  # binds about 60 of it
            assert await poor.result("order", **{**BUY, "px": "59000", "sz": "0.001"}) == ("51008", "")
            assert (await poor.result("order", **{**BUY, "px": "59000", "sz": "0.0005"}))[0] == "0"

    trading(check)


# Refusals


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"instId": "BTC-EUR"}, "51001"),
        ({"instId": 5}, "51000"),
        ({"tdMode": "cross"}, "51000"),
        ({"tdMode": ""}, "50014"),
        ({"side": "hold"}, "51000"),
        ({"ordType": "trigger"}, "51000"),
        ({"ordType": "optimal_limit_ioc"}, "51000"),  # derivatives alone
        ({"px": "59000.05"}, "51000"),
        ({"px": "-1"}, "51000"),
        ({"px": "1e5"}, "51000"),
        ({"px": 59000}, "51000"),
        ({"px": ""}, "50014"),
        ({"sz": "0.000000001"}, "51121"),
        ({"sz": "0.000001"}, "51020"),
        ({"sz": "10000000000"}, "51202"),
        ({"sz": "100"}, "51008"),
        ({"clOrdId": "with-a-dash"}, "51000"),
        ({"clOrdId": "x" * 33}, "51000"),
        ({"stpMode": "never"}, "51000"),
        ({"stpMode": "cancel_both", "ordType": "fok"}, "51000"),
        ({"tradeQuoteCcy": "USDC"}, "51000"),
        ({"reduceOnly": "perhaps"}, "51000"),
        ({"attachAlgoOrds": [{"slTriggerPx": "1"}]}, "51000"),
    ],
)
def test_an_order_that_cannot_be_taken_says_why(changed, code):
    async def check(at: OkxVenue, trader: Trader) -> None:
        answer = await trader.do("order", {**BUY, **changed})
        assert answer["code"] == "1"
        assert answer["data"][0]["sCode"] == code
        assert answer["data"][0]["sMsg"]
        assert not at.venue.open_orders(at.venue.accounts[2])

    trading(check)


def test_orders_may_name_an_instrument_by_its_number():
    async def check(at: OkxVenue, trader: Trader) -> None:
        arg = {name: value for name, value in BUY.items() if name != "instId"}
        code = at.products["BTC-USDT"].code
        assert (await trader.result("order", **arg, instIdCode=code))[0] == "0"
        assert (await trader.result("order", **arg, instIdCode=code + 1000))[0] == "51001"
        assert (await trader.result("order", **arg))[0] == "50014"

    trading(check)


def test_a_name_is_taken_only_while_its_order_is_open():
    async def check(at: OkxVenue, trader: Trader) -> None:
        order_id = await trader.place(clOrdId="mine")
        assert (await trader.result("order", **BUY, clOrdId="mine"))[0] == "51016"
        swap = {**SHORT, "px": "61000", "clOrdId": "mine"}
        assert (await trader.result("order", **swap))[0] == "51016"
        assert await trader.result("cancel-order", instId="BTC-USDT", clOrdId="mine") == ("0", order_id)
        assert (await trader.result("cancel-order", instId="BTC-USDT", clOrdId="mine"))[0] == "51400"
        await trader.place(clOrdId="mine")
        nameless = [await trader.place(), await trader.place()]
        assert len(set(nameless)) == 2
        assert all(form["clOrdId"] in ("", "mine") for form in trader.pushed)

    trading(check)


@pytest.mark.parametrize(
    ("op", "arg", "code"),
    [
        ("cancel-order", {"ordId": "999999"}, "51400"),
        ("cancel-order", {"ordId": "not a number"}, "51400"),
        ("cancel-order", {}, "51003"),
        ("amend-order", {"ordId": "999999", "newSz": "1"}, "51503"),
        ("amend-order", {}, "51003"),
    ],
)
def test_an_order_that_is_not_there_is_neither_canceled_nor_amended(op, arg, code):
    async def check(at: OkxVenue, trader: Trader) -> None:
        assert (await trader.result(op, instId="BTC-USDT", **arg))[0] == code

    trading(check)


def test_an_amendment_of_nothing_is_refused_and_may_cancel_on_failure():
    async def check(at: OkxVenue, trader: Trader) -> None:
        order_id = await trader.place()
        ask = {"instId": "BTC-USDT", "ordId": order_id}
        assert (await trader.result("amend-order", **ask))[0] == "51500"
        assert (await trader.result("amend-order", **ask, newSz="1000"))[0] == "51008"
        assert (await trader.result("amend-order", **ask, newSz="1000", cxlOnFail=True))[0] == "51008"
        assert (await trader.until_over(order_id))[-1]["state"] == "canceled"

    trading(check)


def test_others_orders_are_out_of_reach():
    async def check(at: OkxVenue, trader: Trader) -> None:
        at.open_account("other", Credentials("other", "secret", "Pass-1"), {"USDT": "1000"})
        order_id = await trader.place()
        async with Trader(at, key="other", secret="secret", passphrase="Pass-1") as other:
            assert (await other.result("cancel-order", instId="BTC-USDT", ordId=order_id))[0] == "51400"
            assert not other.pushed

    trading(check)


def test_a_batch_has_a_result_for_each_and_says_whether_all_succeeded():
    async def check(at: OkxVenue, trader: Trader) -> None:
        bad = {**BUY, "sz": "0.000001"}
        answers = [await trader.do("batch-orders", *args) for args in ([BUY, BUY], [BUY, bad], [bad, bad])]
        assert [answer["code"] for answer in answers] == ["0", "2", "1"]
        assert [[r["sCode"] for r in answer["data"]] for answer in answers] == [
            ["0", "0"], ["0", "51020"], ["51020", "51020"],
        ]  # fmt: skip
        open_ids = [
            {"instId": "BTC-USDT", "ordId": r["ordId"]} for a in answers for r in a["data"] if r["sCode"] == "0"
        ]
        amended = await trader.do("batch-amend-orders", *({**each, "newPx": "58000"} for each in open_ids))
        canceled = await trader.do("batch-cancel-orders", *open_ids)
        assert (amended["code"], canceled["code"], len(canceled["data"])) == ("0", "0", 3)
        assert (await trader.do("batch-orders", *[BUY] * 21))["code"] == "51111"
        assert (await trader.do("order", BUY, BUY))["code"] == "60013"
        assert (await trader.do("batch-orders"))["code"] == "60013"

    trading(check)


def test_an_order_that_comes_too_late_is_not_taken():
    async def check(at: OkxVenue, trader: Trader) -> None:
        assert (await trader.do("order", BUY, expTime=str(now_ms() - 1)))["code"] == "51149"
        assert (await trader.do("order", BUY, expTime="soon"))["code"] == "51000"
        assert (await trader.do("order", BUY, expTime=str(now_ms() + 60_000)))["code"] == "0"

    trading(check)


def test_sixty_orders_in_two_seconds_are_allowed_for_each_instrument():
    clock = [now_ms()]

    async def check(at: OkxVenue, trader: Trader) -> None:
        arg = {**BUY, "sz": "0.00001", "px": "59000"}
        codes = [(await trader.result("order", **arg))[0] for _ in range(SINGLE.limit + 1)]
        assert codes == ["0"] * SINGLE.limit + ["50011"]
        assert (await trader.result("order", **{**SHORT, "px": "61000", "sz": "0.01"}))[0] == "0"
        clock[0] += SINGLE.period_ms
        assert (await trader.result("order", **arg))[0] == "0"

    trading(check, clock_ms=lambda: clock[0])


def test_an_accounts_orders_of_all_derivatives_are_counted_together():
    clock = now_ms()

    async def check(at: OkxVenue, trader: Trader) -> None:
        at.orders.account_rate = Windows(Rate(3, 2_000))
        short = {**SHORT, "px": "61000", "sz": "0.01"}
        placed = [await trader.result("order", **short) for _ in range(2)]
        amended = await trader.result("amend-order", instId="BTC-USDT-SWAP", ordId=placed[0][1], newPx="61001")
        assert [code for code, _ in (*placed, amended)] == ["0", "0", "0"]
        assert (await trader.result("order", **short))[0] == "50061"
        assert (await trader.result("order", **BUY))[0] == "0"  # spot is left out
        assert (await trader.result("cancel-order", instId="BTC-USDT-SWAP", ordId=placed[1][1]))[0] == "0"

    trading(check, clock_ms=lambda: clock)


def test_accounts_of_one_trade_group_do_not_trade_with_each_other():
    async def check(at: OkxVenue, trader: Trader) -> None:
        for name, group in (("one", 7), ("two", 7), ("three", None)):
            at.open_account(name, Credentials(name, "secret", "Pass-1"), {"USDT": "1000", "BTC": "1"}, group)
        who = {"secret": "secret", "passphrase": "Pass-1"}
        async with (
            Trader(at, key="one", **who) as one,
            Trader(at, key="two", **who) as two,
            Trader(at, key="three", **who) as three,
        ):
            first = await one.place(px="60000.5")
            await two.place(side="sell", px="60000.5")
            assert (await one.until_over(first))[-1]["cancelSource"] == "32"
            second = await three.place(px="60000.5")
            assert (await three.until_over(second))[-1]["state"] == "filled"

    trading(check)


def test_events_may_come_before_the_answer():
    async def check(at: OkxVenue, trader: Trader) -> None:
        order_id = await trader.place(px="60001")
        assert [form["state"] for form in trader.pushed if form["ordId"] == order_id] == ["live", "filled"]

    trading(check, events_first=True)


def test_a_channel_takes_thirty_connections_of_an_account():
    async def check(at: OkxVenue) -> None:
        clients = [Client(at, "private") for _ in range(31)]
        said = []
        for client in clients:
            await client.__aenter__()
            await client.log_in()
            said.append((await client.subscribe("orders", instType="ANY"))["event"])
        assert said == ["subscribe"] * 30 + ["channel-conn-count-error"]
        for client in clients:
            await client.__aexit__()

    at_okx(check)
