"""Accounts at a simulated venue: what is reserved, settled and refused, on spot and with positions."""

from __future__ import annotations

import pytest

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.hft.instruments import units_from_text
from graphwiz_trader.venues.simulated.ledger import LEVERAGE, LinearLedger
from graphwiz_trader.venues.simulated.orders import EventKind, OrderRefusedError, OrderStatus, Refusal
from venues.simulated.house import NOW_MS, UNITS, Ear, order, quote, venue

GTC, IOC, FOK, POST_ONLY = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.POST_ONLY


def refusal_of(*arguments, **named) -> Refusal:
    with pytest.raises(OrderRefusedError) as refused:
        order(*arguments, **named)
    return refused.value.refusal


def free(account, asset) -> int:
    return account.balance(asset).free_units


def locked(account, asset) -> int:
    return account.balance(asset).locked_units


def test_an_open_order_locks_what_it_may_cost_and_its_cancel_frees_it():
    at = venue()
    account = at.open_account("a", {"USDT": "1000"})
    placed = order(at, account, Side.BUY, 5_000_000, 1_000)  # 0.01 BTC at 50,000
    assert (free(account, "USDT"), locked(account, "USDT")) == (500 * UNITS, 500 * UNITS)
    at.cancel(placed, NOW_MS)
    assert (free(account, "USDT"), locked(account, "USDT")) == (1_000 * UNITS, 0)


def test_a_better_price_than_the_limit_gives_the_difference_back():
    at = venue()
    account = at.open_account("a", {"USDT": "1000"})
    quote(at, Side.SELL, 4_900_000, 1_000)
    order(at, account, Side.BUY, 5_000_000, 1_000)
    assert free(account, "USDT") == 510 * UNITS
    assert locked(account, "USDT") == 0
    assert free(account, "BTC") == units_from_text("0.00999")  # 0.1 % of what was bought is the fee


def test_a_partly_filled_order_locks_only_what_its_rest_may_cost():
    at = venue()
    account = at.open_account("a", {"USDT": "1000"})
    quote(at, Side.SELL, 4_000_000, 400)
    order(at, account, Side.BUY, 5_000_000, 1_000)
    assert locked(account, "USDT") == 300 * UNITS
    assert free(account, "USDT") == (1_000 - 160 - 300) * UNITS


def test_the_maker_pays_the_makers_fee_from_what_it_receives():
    at = venue()
    maker = at.open_account("maker", {"BTC": "1"})
    taker = at.open_account("taker", {"USDT": "100000"})
    order(at, maker, Side.SELL, 5_000_000, 100_000)
    order(at, taker, Side.BUY, 5_000_000, 100_000)
    assert free(maker, "USDT") == units_from_text("49950")
    assert free(at.fees, "USDT") == units_from_text("50")
    assert free(at.fees, "BTC") == units_from_text("0.001")


def test_a_spot_account_cannot_sell_what_it_does_not_hold_nor_spend_what_it_has_not():
    at = venue()
    account = at.open_account("a", {"USDT": "100", "BTC": "0.001"})
    assert refusal_of(at, account, Side.SELL, 5_000_000, 101) is Refusal.INSUFFICIENT_FUNDS
    assert refusal_of(at, account, Side.BUY, 5_000_000, 201) is Refusal.INSUFFICIENT_FUNDS
    assert (free(account, "USDT"), free(account, "BTC")) == (100 * UNITS, UNITS // 1_000)


def test_a_market_purchase_needs_what_the_visible_book_costs():
    at = venue()
    account = at.open_account("a", {"USDT": "150"})
    quote(at, Side.SELL, 5_000_000, 200)
    quote(at, Side.SELL, 6_000_000, 200)
    assert refusal_of(at, account, Side.BUY, None, 400) is Refusal.INSUFFICIENT_FUNDS
    assert order(at, account, Side.BUY, None, 200).status is OrderStatus.FILLED
    assert free(account, "USDT") == 50 * UNITS


def test_each_rule_has_its_own_refusal():
    at = venue()
    account = at.open_account("a", {"USDT": "1000000", "BTC": "10"})
    quote(at, Side.SELL, 5_000_000, 200)
    order(at, account, Side.BUY, 5_000_000, 100)  # the last price is now 50,000
    assert refusal_of(at, account, Side.BUY, 5_000_000, 100, symbol="XXXUSDT") is Refusal.UNKNOWN_SYMBOL
    assert refusal_of(at, account, Side.BUY, 0, 100) is Refusal.PRICE_OUT_OF_RANGE
    assert refusal_of(at, account, Side.BUY, 25_000_001, 100) is Refusal.PRICE_TOO_FAR
    assert refusal_of(at, account, Side.BUY, 999_999, 100) is Refusal.PRICE_TOO_FAR
    assert refusal_of(at, account, Side.BUY, 5_000_000, 0) is Refusal.SIZE_TOO_SMALL
    assert refusal_of(at, account, Side.BUY, 5_000_000, 10**9 + 1) is Refusal.SIZE_TOO_BIG
    assert refusal_of(at, account, Side.BUY, 5_000_000, 9) is Refusal.NOTIONAL_TOO_SMALL
    assert refusal_of(at, account, Side.BUY, 5_000_000, 100, POST_ONLY) is Refusal.WOULD_TAKE
    order(at, account, Side.BUY, 4_000_000, 100, client_id="same")
    assert refusal_of(at, account, Side.BUY, 4_000_000, 100, client_id="same") is Refusal.DUPLICATE_CLIENT_ID


def test_a_client_id_may_be_used_again_when_its_order_has_ended():
    at = venue()
    account = at.open_account("a", {"USDT": "1000"})
    first = order(at, account, Side.BUY, 5_000_000, 100, client_id="same")
    at.cancel(first, NOW_MS)
    second = order(at, account, Side.BUY, 5_000_000, 100, client_id="same")
    assert at.find_order(account, "BTCUSDT", None, "same") is second
    assert at.find_order(account, "BTCUSDT", first.order_id, None) is first


def test_nobody_finds_the_order_of_another_account():
    at = venue()
    owner, other = at.open_account("a", {"USDT": "1000"}), at.open_account("b", {"USDT": "1000"})
    placed = order(at, owner, Side.BUY, 5_000_000, 100, client_id="mine")
    assert at.find_order(other, "BTCUSDT", placed.order_id, None) is None
    assert at.find_order(other, "BTCUSDT", None, "mine") is None
    assert at.open_orders(other) == []


def test_there_is_a_limit_to_open_orders_per_symbol():
    at = venue()
    account = at.open_account("a", {"USDT": "100000"})
    for _ in range(200):
        order(at, account, Side.BUY, 100_000, 1_000)
    assert refusal_of(at, account, Side.BUY, 100_000, 1_000) is Refusal.TOO_MANY_OPEN_ORDERS


def test_an_orders_events_tell_its_life_in_order():
    at = venue()
    account, ear = at.open_account("a", {"USDT": "1000"}), Ear()
    at.order_listeners.append(ear)
    quote(at, Side.SELL, 5_000_000, 200)
    order(at, account, Side.BUY, 5_000_000, 500, IOC)
    at.publish(NOW_MS)
    assert [(e.kind, e.status, e.filled_lots) for e in ear.heard] == [
        (EventKind.NEW, OrderStatus.NEW, 0),
        (EventKind.TRADE, OrderStatus.PARTIALLY_FILLED, 200),
        (EventKind.EXPIRED, OrderStatus.EXPIRED, 200),
    ]


def test_the_market_trades_with_a_users_resting_order_by_price_and_time():
    at = venue()
    account, ear = at.open_account("a", {"USDT": "1000"}), Ear()
    at.order_listeners.append(ear)
    quote(at, Side.BUY, 5_000_000, 100)
    placed = order(at, account, Side.BUY, 5_000_000, 100)
    quote(at, Side.SELL, 5_000_000, 150)
    at.publish(NOW_MS)
    assert (placed.status, placed.filled_lots) == (OrderStatus.PARTIALLY_FILLED, 50)
    assert placed.executions[0].maker


def test_a_linear_account_may_sell_short_and_closes_with_its_profit():
    at = venue("binanceusdm")
    account = at.open_account("a", {"USDT": "1000"})
    quote(at, Side.BUY, 500_000, 10)  # 0.010 BTC at 50,000.0
    order(at, account, Side.SELL, 500_000, 10, IOC)
    assert account.position("BTCUSDT").size_lots == -10
    quote(at, Side.SELL, 490_000, 10)
    order(at, account, Side.BUY, 490_000, 10, IOC)
    position = account.position("BTCUSDT")
    assert (position.size_lots, position.cost_units) == (0, 0)
    fees = units_from_text("0.25") + units_from_text("0.245")
    assert account.balance("USDT").total_units == 1_000 * UNITS + 10 * UNITS - fees
    assert position.realised_units == 10 * UNITS


def test_a_position_can_be_turned_around_in_one_trade():
    at = venue("binanceusdm")
    account = at.open_account("a", {"USDT": "1000"})
    quote(at, Side.SELL, 500_000, 4)
    order(at, account, Side.BUY, 500_000, 4, IOC)
    quote(at, Side.BUY, 510_000, 10)
    order(at, account, Side.SELL, 510_000, 10, IOC)
    position = account.position("BTCUSDT")
    assert (position.size_lots, position.realised_units) == (-6, 4 * UNITS)
    assert position.cost_units == -306 * UNITS


def test_margin_limits_what_a_linear_account_may_open_but_not_what_it_closes():
    at = venue("binanceusdm")
    account = at.open_account("a", {"USDT": "100"})
    quote(at, Side.SELL, 500_000, 1_000)
    most = 100 * LEVERAGE // 50  # lots of 50 USDT each
    assert refusal_of(at, account, Side.BUY, 500_000, most + 1, IOC) is Refusal.INSUFFICIENT_FUNDS
    order(at, account, Side.BUY, 500_000, most - 2, IOC)
    assert refusal_of(at, account, Side.BUY, 500_000, 10, IOC) is Refusal.INSUFFICIENT_FUNDS
    quote(at, Side.BUY, 499_000, 1_000)
    assert order(at, account, Side.SELL, 499_000, most - 2, IOC).status is OrderStatus.FILLED


def test_a_reduce_only_order_reduces_or_is_refused():
    at = venue("binanceusdm")
    account = at.open_account("a", {"USDT": "1000"})
    quote(at, Side.SELL, 500_000, 10)
    assert refusal_of(at, account, Side.SELL, 500_000, 1, reduce_only=True) is Refusal.NOTHING_TO_REDUCE
    order(at, account, Side.BUY, 500_000, 10, IOC)
    assert refusal_of(at, account, Side.SELL, 500_000, 11, reduce_only=True) is Refusal.NOTHING_TO_REDUCE
    quote(at, Side.BUY, 500_000, 10)
    assert order(at, account, Side.SELL, 500_000, 10, IOC, reduce_only=True).status is OrderStatus.FILLED


def test_an_impossible_fok_expires_on_spot_and_is_refused_on_usdm():
    spot, futures = venue(), venue("binanceusdm")
    account = spot.open_account("a", {"USDT": "1000"})
    assert order(spot, account, Side.BUY, 5_000_000, 100, FOK).status is OrderStatus.EXPIRED
    assert free(account, "USDT") == 1_000 * UNITS
    short = futures.open_account("a", {"USDT": "1000"})
    assert refusal_of(futures, short, Side.BUY, 500_000, 1, FOK) is Refusal.UNFILLABLE


def test_open_profit_is_what_closing_at_the_mark_would_give():
    at = venue("binanceusdm")
    account = at.open_account("a", {"USDT": "1000"})
    quote(at, Side.SELL, 500_000, 10)
    order(at, account, Side.BUY, 500_000, 10, IOC)
    quote(at, Side.BUY, 505_000, 1)
    quote(at, Side.SELL, 507_000, 1)
    assert isinstance(at.ledger, LinearLedger)
    assert at.ledger.unrealised_units(account) == 6 * UNITS
