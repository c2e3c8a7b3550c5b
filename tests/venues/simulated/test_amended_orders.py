"""Amending an open order at a simulated venue, and replacing it: place in the queue, money, events, refusals."""

from __future__ import annotations

import pytest

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.venues.simulated.orders import (
    EndReason,
    EventKind,
    NewOrder,
    Order,
    OrderRefusedError,
    OrderStatus,
    Refusal,
)
from venues.simulated.house import NOW_MS, UNITS, Ear, order, quote, venue

GTC, IOC, FOK, POST_ONLY = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.POST_ONLY
PRICE = 5_000_000


def usdt(account) -> tuple[int, int]:
    """(free, locked), in whole USDT."""
    balance = account.balance("USDT")
    return balance.free_units // UNITS, balance.locked_units // UNITS


def refusal_of(at, placed, **changes) -> Refusal:
    with pytest.raises(OrderRefusedError) as refused:
        at.amend(placed, NOW_MS, **changes)
    return refused.value.refusal


def test_a_smaller_order_keeps_its_place_and_frees_the_difference():
    at = venue()
    account = at.open_account("a", {"USDT": "2000"})
    placed = order(at, account, Side.BUY, PRICE, 2_000)
    quote(at, Side.BUY, PRICE, 1_000)
    at.amend(placed, NOW_MS, size_lots=1_000)
    assert usdt(account) == (1_500, 500)
    quote(at, Side.SELL, PRICE, 1_000)
    assert placed.status is OrderStatus.FILLED


def test_an_order_that_may_not_keep_its_place_goes_to_the_back_even_when_it_only_shrinks():
    at = venue()
    account = at.open_account("a", {"USDT": "2000"})
    placed = order(at, account, Side.BUY, PRICE, 2_000)
    quote(at, Side.BUY, PRICE, 1_000)
    at.amend(placed, NOW_MS, size_lots=1_000, keeps_priority=False)
    quote(at, Side.SELL, PRICE, 1_000)
    assert (placed.status, placed.filled_lots) == (OrderStatus.NEW, 0)


@pytest.mark.parametrize("changes", [{"size_lots": 1_500}, {"price_ticks": PRICE - 1}])
def test_a_bigger_order_and_one_at_another_price_go_to_the_back_under_their_old_id(changes):
    at = venue()
    account = at.open_account("a", {"USDT": "2000"})
    placed = order(at, account, Side.BUY, PRICE, 1_000)
    quote(at, Side.BUY, PRICE + (changes.get("price_ticks", PRICE) - PRICE), 1_000)
    at.amend(placed, NOW_MS, **changes)
    quote(at, Side.SELL, PRICE - 1, 1_000)
    assert placed.filled_lots == 0
    assert at.open_orders(account) == [placed]


def test_an_order_that_is_amended_into_the_book_trades_at_once_as_taker():
    at = venue()
    account, ear = at.open_account("a", {"USDT": "2000"}), Ear()
    at.order_listeners.append(ear)
    placed = order(at, account, Side.BUY, PRICE, 1_000)
    quote(at, Side.SELL, PRICE + 1, 400)
    at.amend(placed, NOW_MS, price_ticks=PRICE + 1)
    at.publish(NOW_MS)
    assert [event.kind for event in ear.heard] == [EventKind.NEW, EventKind.AMENDED, EventKind.TRADE]
    assert not placed.executions[0].maker
    assert (placed.status, placed.remaining_lots) == (OrderStatus.PARTIALLY_FILLED, 600)
    assert (
        account.balance("USDT").locked_units
        == placed.reserved_units
        == at.books["BTCUSDT"].listing.notional_units(PRICE + 1, 600)
    )


def test_a_post_only_order_that_is_amended_into_the_book_ends_and_frees_its_money():
    at = venue()
    account = at.open_account("a", {"USDT": "2000"})
    placed = order(at, account, Side.BUY, PRICE, 1_000, POST_ONLY)
    quote(at, Side.SELL, PRICE + 1, 400)
    at.amend(placed, NOW_MS, price_ticks=PRICE + 1)
    assert (placed.status, placed.end_reason) == (OrderStatus.EXPIRED, EndReason.WOULD_TAKE)
    assert usdt(account) == (2_000, 0)


def test_the_new_size_counts_what_has_been_filled():
    at = venue()
    account = at.open_account("a", {"USDT": "2000"})
    placed = order(at, account, Side.BUY, PRICE, 1_000)
    quote(at, Side.SELL, PRICE, 400)
    assert refusal_of(at, placed, size_lots=400) is Refusal.SIZE_ALREADY_FILLED
    at.amend(placed, NOW_MS, size_lots=500)
    assert placed.remaining_lots == 100
    assert usdt(account) == (1_750, 50)


def test_a_refused_amendment_leaves_the_order_and_its_money_as_they_were():
    at = venue()
    account = at.open_account("a", {"USDT": "1000"})
    placed = order(at, account, Side.BUY, PRICE, 1_000, client_id="mine")
    order(at, account, Side.BUY, PRICE - 100, 100, client_id="other")
    before = usdt(account)
    assert refusal_of(at, placed, size_lots=3_000) is Refusal.INSUFFICIENT_FUNDS
    assert refusal_of(at, placed, size_lots=9) is Refusal.NOTIONAL_TOO_SMALL
    assert refusal_of(at, placed, price_ticks=0) is Refusal.PRICE_OUT_OF_RANGE
    assert refusal_of(at, placed, size_lots=900, client_id="other") is Refusal.DUPLICATE_CLIENT_ID
    assert usdt(account) == before
    assert (placed.price_ticks, placed.size_lots, placed.client_id) == (PRICE, 1_000, "mine")
    quote(at, Side.SELL, PRICE, 1_000)
    assert placed.status is OrderStatus.FILLED
    assert refusal_of(at, placed, size_lots=500) is Refusal.UNKNOWN_ORDER


def test_a_linear_amendment_binds_margin_for_the_new_terms():
    at = venue("binanceusdm")
    account = at.open_account("a", {"USDT": "100"})
    placed = order(at, account, Side.BUY, 500_000, 20)  # 1,000 USDT at 20 times
    assert usdt(account) == (50, 50)
    at.amend(placed, NOW_MS, size_lots=40)
    assert usdt(account) == (0, 100)
    assert refusal_of(at, placed, size_lots=41) is Refusal.INSUFFICIENT_FUNDS
    assert usdt(account) == (0, 100)


def test_an_amended_order_is_found_under_its_new_name_only():
    at = venue()
    account, ear = at.open_account("a", {"USDT": "2000"}), Ear()
    at.order_listeners.append(ear)
    placed = order(at, account, Side.BUY, PRICE, 1_000, client_id="old")
    at.amend(placed, NOW_MS, size_lots=900, client_id="new")
    at.publish(NOW_MS)
    assert at.find_order(account, "BTCUSDT", None, "new") is placed
    assert at.find_order(account, "BTCUSDT", None, "old") is None
    assert ear.heard[-1].cancel_client_id == "old"


def wanted(price: int = PRICE, lots: int = 1_000, force: TimeInForce = GTC) -> NewOrder:
    return NewOrder(
        symbol="BTCUSDT", side=Side.BUY, price_ticks=price, size_lots=lots, time_in_force=force, client_id="next"
    )


def test_a_replacement_uses_the_money_that_the_cancel_frees():
    at = venue()
    account = at.open_account("a", {"USDT": "500"})
    old = order(at, account, Side.BUY, PRICE, 1_000)
    done = at.replace(old, account, wanted(PRICE - 1), NOW_MS, stop_on_failure=True)
    assert done.canceled is old
    assert isinstance(done.placed, Order)
    assert done.placed.status is OrderStatus.NEW


def test_a_replacement_that_is_to_stop_on_failure_places_nothing_when_there_was_nothing_to_cancel():
    at = venue()
    account = at.open_account("a", {"USDT": "500"})
    assert at.replace(None, account, wanted(), NOW_MS, stop_on_failure=True) == (Refusal.UNKNOWN_ORDER, None)
    allowed = at.replace(None, account, wanted(), NOW_MS, stop_on_failure=False)
    assert allowed.canceled is Refusal.UNKNOWN_ORDER
    assert isinstance(allowed.placed, Order)


def test_a_cancel_stands_when_the_order_that_follows_it_is_refused():
    at = venue()
    account = at.open_account("a", {"USDT": "500"})
    old = order(at, account, Side.BUY, PRICE, 1_000)
    done = at.replace(old, account, wanted(lots=1_001), NOW_MS, stop_on_failure=True)
    assert done == (old, Refusal.INSUFFICIENT_FUNDS)
    assert usdt(account) == (500, 0)


def test_a_replacement_whose_terms_are_wrong_cancels_nothing():
    at = venue()
    account = at.open_account("a", {"USDT": "500"})
    old = order(at, account, Side.BUY, PRICE, 1_000)
    with pytest.raises(OrderRefusedError):
        at.replace(old, account, wanted(lots=0), NOW_MS, stop_on_failure=False)
    assert at.open_orders(account) == [old]


def test_a_cancel_may_be_restricted_to_one_status():
    at = venue()
    account = at.open_account("a", {"USDT": "500"})
    old = order(at, account, Side.BUY, PRICE, 1_000)
    only = OrderStatus.PARTIALLY_FILLED
    refused = at.replace(old, account, wanted(), NOW_MS, stop_on_failure=True, only_status=only)
    assert refused == (Refusal.CANCEL_RESTRICTED, None)
    quote(at, Side.SELL, PRICE, 10)
    assert at.replace(old, account, wanted(lots=100), NOW_MS, stop_on_failure=True, only_status=only).canceled is old
