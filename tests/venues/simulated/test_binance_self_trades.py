"""Self-trade prevention, quote amounts and amendments in Binance's words, as the venue's own documents show them."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.binance.flavours import FLAVOURS
from graphwiz_trader.venues.simulated.binance.numbers import Numbers
from graphwiz_trader.venues.simulated.binance.spot_events import execution_report
from graphwiz_trader.venues.simulated.binance.usdm_events import order_update
from graphwiz_trader.venues.simulated.matching import SelfTrade
from graphwiz_trader.venues.simulated.orders import OrderEvent, OrderRefusedError, OrderStatus, Refusal
from graphwiz_trader.venues.simulated.venue import Venue
from venues.simulated.clients import Client, in_loop, serving
from venues.simulated.house import NOW_MS, UNITS, Ear, order, quote, venue


def reports(at: Venue, account: Account, write=execution_report) -> Callable[[], list[dict]]:
    """What the account's owner is told of everything that happens from now on, whenever that is asked."""
    ear = Ear()
    at.order_listeners.append(ear)
    numbers = Numbers(FLAVOURS[at.name].list_instrument(at.books["BTCUSDT"].listing.instrument))

    def told(event: OrderEvent) -> dict:
        return json.loads(write(event, numbers))

    def all_told() -> list[dict]:
        at.publish(NOW_MS)
        return [told(event) for event in ear.heard if event.order.account is account]

    return all_told


def over_spot(test):
    def run():
        async def body():
            async with serving("binance") as exchange, Client(exchange.urls["binance"].orders) as client:
                await test(exchange.venues["binance"].venue, client)

        in_loop(body)

    run.__name__ = test.__name__
    return run


@over_spot
async def test_a_prevented_match_stands_in_the_takers_answer(at, client):
    maker = (await client.place(side="SELL", price="61700.00", quantity="0.2"))["result"]
    taker = (await client.place(price="61700.00", quantity="0.3", selfTradePreventionMode="EXPIRE_BOTH"))["result"]
    assert (taker["status"], taker["selfTradePreventionMode"]) == ("EXPIRED_IN_MATCH", "EXPIRE_BOTH")
    assert taker["preventedMatches"] == [
        {
            "preventedMatchId": 1,
            "makerOrderId": maker["orderId"],
            "price": "61700.00000000",
            "takerPreventedQuantity": "0.30000000",
            "makerPreventedQuantity": "0.20000000",
        }
    ]
    found = (await client.signed("order.status", symbol="BTCUSDT", orderId=maker["orderId"]))["result"]
    assert (found["status"], found["preventedQuantity"]) == ("EXPIRED_IN_MATCH", "0.20000000")


@over_spot
async def test_a_taker_that_expires_makers_shows_only_what_they_lost(at, client):
    await client.place(side="SELL", price="61700.00", quantity="0.2")
    taker = (await client.place(price="61700.00", quantity="0.3", selfTradePreventionMode="EXPIRE_MAKER"))["result"]
    assert taker["status"] == "NEW"
    assert "takerPreventedQuantity" not in taker["preventedMatches"][0]
    assert "preventedQuantity" not in taker


@over_spot
async def test_orders_without_a_mode_trade_with_ones_own_and_say_nothing_of_it(at, client):
    await client.place(side="SELL", price="61700.00", quantity="0.2")
    taker = (await client.place(price="61700.00", quantity="0.2"))["result"]
    assert taker["status"] == "FILLED"
    assert not [name for name in taker if "prevented" in name]


@over_spot
async def test_a_mode_that_the_symbol_does_not_have_is_refused(at, client):
    answer = await client.place(price="61700.00", quantity="0.2", selfTradePreventionMode="EXPIRE_ALL")
    assert answer["error"] == {
        "code": -1013,
        "msg": "This symbol does not allow the specified self-trade prevention mode.",
    }


@over_spot
async def test_a_market_order_may_be_given_by_what_it_is_worth(at, client):
    quote(at, Side.SELL, 5_000_000, 100_000)
    market = {"type": "MARKET", "timeInForce": None}
    bought = (await client.place(**market, quoteOrderQty="100.25"))["result"]
    assert (bought["status"], bought["origQty"], bought["executedQty"]) == ("FILLED", "0.00200000", "0.00200000")
    assert (bought["origQuoteOrderQty"], bought["cummulativeQuoteQty"]) == ("100.25000000", "100.00000000")
    assert (await client.place(**market, quoteOrderQty="1", quantity="1"))["error"]["code"] == -1106
    assert (await client.place(price="1", quoteOrderQty="1"))["error"]["code"] == -1106
    assert (await client.place(**market, quoteOrderQty="0"))["error"]["msg"] == "Filter failure: LOT_SIZE"


def test_both_owners_orders_are_reported_with_what_each_lost_and_whom_it_met():
    at = venue()
    account = at.open_account("a", {"USDT": "100000", "BTC": "1"}, trade_group=5)
    maker = order(at, account, Side.SELL, 5_000_000, 600)
    told = reports(at, account)
    taker = order(at, account, Side.BUY, 5_000_000, 200, self_trade=SelfTrade.DECREMENT)
    of_maker, of_taker = [report for report in told() if report["x"] == "TRADE_PREVENTION"]
    assert (of_maker["X"], of_maker["U"], of_maker["A"], of_maker["B"]) == (
        "NEW",
        taker.order_id,
        "0.00200000",
        "0.00200000",
    )
    assert (of_taker["X"], of_taker["U"], of_taker["V"]) == ("EXPIRED_IN_MATCH", maker.order_id, "DECREMENT")
    for report in (of_maker, of_taker):
        assert (report["v"], report["u"], report["Cs"]) == (1, 5, "BTCUSDT")
        assert (report["pl"], report["pL"], report["pY"]) == ("0.00200000", "50000.00000000", "100.00000000")


def test_what_a_transfer_prevents_changes_hands_within_the_trade_group_without_a_fee():
    """The venue's own example at a thousand times its price: "Self Trade Prevention FAQ", scenario H."""
    at = venue()
    funds = {"BTC": "20000", "USDT": "20000"}
    buyer, seller = (at.open_account(name, funds, trade_group=1) for name in ("maker", "taker"))
    maker = order(at, buyer, Side.BUY, 20_000, 60_000, self_trade=SelfTrade.TRANSFER)
    told, prints = reports(at, seller), at.books["BTCUSDT"].last_trade_id
    taker = order(at, seller, Side.SELL, 20_000, 20_000, self_trade=SelfTrade.TRANSFER)
    last = told()[-1]
    assert (last["x"], last["X"], last["A"]) == ("TRADE_PREVENTION", "EXPIRED_IN_MATCH", "0.20000000")
    assert (maker.status, maker.prevented_lots, taker.filled_lots) == (OrderStatus.NEW, 20_000, 0)
    assert taker.prevented_matches[0].mode is SelfTrade.TRANSFER
    assert at.books["BTCUSDT"].last_trade_id == prints, "the public sees no trade"
    held = [
        (asset, account.balance(asset).free_units, account.balance(asset).locked_units)
        for account in (buyer, seller)
        for asset in ("BTC", "USDT")
    ]
    assert [(asset, free / UNITS, locked / UNITS) for asset, free, locked in held] == [
        ("BTC", 20_000.2, 0),
        ("USDT", 19_880, 80),
        ("BTC", 19_999.8, 0),
        ("USDT", 20_040, 0),
    ]


@pytest.mark.parametrize(
    ("maker_mode", "taker_mode", "is_one_account", "effective"),
    [
        (SelfTrade.TRANSFER, SelfTrade.TRANSFER, True, SelfTrade.TRANSFER),
        (SelfTrade.NONE, SelfTrade.TRANSFER, False, SelfTrade.DECREMENT),
        (SelfTrade.EXPIRE_BOTH, SelfTrade.TRANSFER, False, SelfTrade.DECREMENT),
        (SelfTrade.TRANSFER, SelfTrade.EXPIRE_MAKER, False, SelfTrade.EXPIRE_MAKER),
    ],
)
def test_nothing_is_transferred_unless_both_orders_say_so_and_have_two_owners(
    maker_mode, taker_mode, is_one_account, effective
):
    at = venue()
    first = at.open_account("a", {"BTC": "1", "USDT": "1000"}, trade_group=1)
    second = first if is_one_account else at.open_account("b", {"BTC": "1", "USDT": "1000"}, trade_group=1)
    order(at, first, Side.BUY, 5_000_000, 200, self_trade=maker_mode)
    taker = order(at, second, Side.SELL, 5_000_000, 200, self_trade=taker_mode)
    assert taker.prevented_matches[0].mode is effective
    for account in (first, second):
        assert _whole(account, "BTC") == 1
        assert _whole(account, "USDT") == 1_000


def _whole(account: Account, asset: str) -> float:
    balance = account.balance(asset)
    return (balance.free_units + balance.locked_units) / UNITS


def test_a_market_purchase_needs_the_money_for_what_is_transferred_to_it():
    at = venue()
    seller = at.open_account("a", {"BTC": "1"}, trade_group=1)
    buyer = at.open_account("b", {"USDT": "99"}, trade_group=1)
    order(at, seller, Side.SELL, 5_000_000, 200, self_trade=SelfTrade.TRANSFER)
    with pytest.raises(OrderRefusedError) as refused:
        order(at, buyer, Side.BUY, None, 200, TimeInForce.IOC, self_trade=SelfTrade.TRANSFER)
    assert refused.value.refusal is Refusal.INSUFFICIENT_FUNDS


def test_an_amendment_is_a_replacement_on_spot_and_an_amendment_on_usdm():
    for exchange, price, write, where, word in (
        ("binance", 5_000_000, execution_report, lambda report: report, "REPLACED"),
        ("binanceusdm", 500_000, order_update, lambda report: report["o"], "AMENDMENT"),
    ):
        at = venue(exchange)
        account = at.open_account("a", {"USDT": "100000"})
        placed = order(at, account, Side.BUY, price, 600, client_id="before")
        at.publish(NOW_MS)
        told = reports(at, account, write)
        at.amend(placed, NOW_MS, size_lots=500, client_id="after")
        report = where(told()[0])
        assert (report["x"], report["X"], report["c"]) == (word, "NEW", "after")
        assert report.get("C", "before") == "before"


def test_usdm_says_expired_in_match_in_its_own_words():
    at = venue("binanceusdm")
    account = at.open_account("a", {"USDT": "100000"})
    order(at, account, Side.SELL, 500_000, 6)
    told = reports(at, account, order_update)
    order(at, account, Side.BUY, 500_000, 6, self_trade=SelfTrade.EXPIRE_TAKER)
    last = told()[-1]["o"]
    assert (last["x"], last["X"], last["V"]) == ("EXPIRED", "EXPIRED_IN_MATCH", "EXPIRE_TAKER")
