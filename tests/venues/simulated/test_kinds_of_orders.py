"""What each kind of order does at a simulated venue: by quote amount, post-only, FOK, and against one's own orders."""

from __future__ import annotations

import pytest

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.venues.simulated.matching import MatchingEngine, SelfTrade
from graphwiz_trader.venues.simulated.orders import (
    EndReason,
    EventKind,
    OrderRefusedError,
    OrderStatus,
    Refusal,
)
from graphwiz_trader.venues.simulated.venue import Venue
from graphwiz_trader.venues.simulated.venue_book import VenueBook
from venues.simulated.house import NOW_MS, UNITS, Ear, order, quote, venue

GTC, IOC, FOK, POST_ONLY = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.POST_ONLY
PRICE = 5_000_000
"""50,000.00: a lot of 0.00001 BTC is worth half a USDT."""


def test_a_purchase_by_quote_amount_spends_no_more_than_that():
    at = venue()
    account = at.open_account("a", {"USDT": "1000"})
    quote(at, Side.SELL, PRICE, 200)
    quote(at, Side.SELL, 2 * PRICE, 500)
    bought = order(at, account, Side.BUY, None, 0, IOC, quote_units=150 * UNITS + UNITS // 2)
    assert (bought.status, bought.filled_lots, bought.quote_units) == (OrderStatus.FILLED, 250, 150 * UNITS)
    assert account.balance("USDT").total_units == 850 * UNITS


def test_a_sale_by_quote_amount_brings_no_more_than_that():
    at = venue()
    account = at.open_account("a", {"BTC": "1"})
    quote(at, Side.BUY, PRICE, 10_000)
    sold = order(at, account, Side.SELL, None, 0, IOC, quote_units=75 * UNITS)
    assert (sold.filled_lots, sold.quote_units) == (150, 75 * UNITS)


def test_a_quote_amount_that_buys_nothing_is_refused():
    at = venue()
    account = at.open_account("a", {"USDT": "1000"})
    for units in (100 * UNITS, UNITS // 4):
        with pytest.raises(OrderRefusedError) as refused:
            order(at, account, Side.BUY, None, 0, IOC, quote_units=units)
        assert refused.value.refusal is Refusal.SIZE_TOO_SMALL
        quote(at, Side.SELL, PRICE, 200)


def test_a_quote_amount_does_not_count_ones_own_orders_that_cannot_be_traded_with():
    at = venue()
    account = at.open_account("a", {"USDT": "1000", "BTC": "1"})
    order(at, account, Side.SELL, PRICE, 200)
    quote(at, Side.SELL, 2 * PRICE, 500)
    bought = order(at, account, Side.BUY, None, 0, IOC, quote_units=100 * UNITS, self_trade=SelfTrade.EXPIRE_MAKER)
    assert (bought.filled_lots, bought.quote_units) == (100, 100 * UNITS)


@pytest.mark.parametrize(
    ("force", "lots", "reason"), [(POST_ONLY, 100, EndReason.WOULD_TAKE), (FOK, 300, EndReason.FOK_UNFILLABLE)]
)
def test_a_venue_that_accepts_what_cannot_be_done_ends_it_at_once_and_says_why(force, lots, reason):
    books = [VenueBook(book.listing, MatchingEngine()) for book in venue().books.values()]
    at, ear = Venue("lenient", books, accepts_unfit=True), Ear()
    at.order_listeners.append(ear)
    account = at.open_account("a", {"USDT": "1000"})
    quote(at, Side.SELL, PRICE, 200)
    placed = order(at, account, Side.BUY, PRICE, lots, force)
    at.publish(NOW_MS)
    assert [event.kind for event in ear.heard] == [EventKind.NEW, EventKind.EXPIRED]
    assert (placed.end_reason, placed.filled_lots) == (reason, 0)
    assert account.balance("USDT").free_units == 1_000 * UNITS


def test_an_order_says_why_it_ended():
    at = venue()
    account = at.open_account("a", {"USDT": "1000"})
    assert order(at, account, Side.BUY, PRICE, 100, IOC).end_reason is EndReason.IOC_REST
    assert order(at, account, Side.BUY, None, 100, IOC).end_reason is EndReason.NO_LIQUIDITY
    assert order(at, account, Side.BUY, PRICE, 100, FOK).end_reason is EndReason.FOK_UNFILLABLE
    resting = order(at, account, Side.BUY, PRICE, 100)
    assert resting.end_reason is None
    at.cancel(resting, NOW_MS, reason=EndReason.TIMER)
    assert resting.end_reason is EndReason.TIMER


def events_of(at: Venue, mode: SelfTrade, *, maker_lots: int, taker_lots: int):
    """An account sells to itself; what it hears of it, with the two orders."""
    account, ear = at.open_account("a", {"USDT": "10000", "BTC": "1"}), Ear()
    maker = order(at, account, Side.SELL, PRICE, maker_lots)
    at.publish(NOW_MS)
    at.order_listeners.append(ear)
    taker = order(at, account, Side.BUY, PRICE, taker_lots, self_trade=mode)
    at.publish(NOW_MS)
    return maker, taker, ear.heard


def test_the_taker_alone_expires():
    maker, taker, heard = events_of(venue(), SelfTrade.EXPIRE_TAKER, maker_lots=200, taker_lots=300)
    assert (maker.status, taker.status) == (OrderStatus.NEW, OrderStatus.EXPIRED_IN_MATCH)
    assert [(e.kind, e.order) for e in heard] == [(EventKind.NEW, taker), (EventKind.TRADE_PREVENTION, taker)]
    assert (taker.prevented_lots, maker.prevented_lots) == (300, 0)
    assert taker.end_reason is EndReason.SELF_TRADE


def test_the_maker_alone_expires_and_the_taker_rests():
    at = venue()
    maker, taker, heard = events_of(at, SelfTrade.EXPIRE_MAKER, maker_lots=200, taker_lots=300)
    assert (maker.status, taker.status) == (OrderStatus.EXPIRED_IN_MATCH, OrderStatus.NEW)
    assert [(e.kind, e.order) for e in heard] == [(EventKind.NEW, taker), (EventKind.TRADE_PREVENTION, maker)]
    assert at.open_orders(taker.account) == [taker]
    assert taker.account.balance("BTC").locked_units == 0


def test_both_expire():
    maker, taker, heard = events_of(venue(), SelfTrade.EXPIRE_BOTH, maker_lots=200, taker_lots=300)
    assert maker.status is taker.status is OrderStatus.EXPIRED_IN_MATCH
    assert [e.order for e in heard[1:]] == [maker, taker]
    assert all(balance.locked_units == 0 for balance in taker.account.balances.values())


def test_both_lose_what_they_would_have_traded_and_only_the_smaller_ends():
    maker, taker, heard = events_of(venue(), SelfTrade.DECREMENT, maker_lots=600, taker_lots=200)
    assert (maker.status, taker.status) == (OrderStatus.NEW, OrderStatus.EXPIRED_IN_MATCH)
    assert (maker.remaining_lots, maker.prevented_lots, taker.prevented_lots) == (400, 200, 200)
    assert maker.account.balance("BTC").locked_units == 400 * UNITS // 100_000
    prevented = heard[-1].prevented
    assert prevented is maker.prevented_matches[0] is taker.prevented_matches[0]
    assert (prevented.maker_order_id, prevented.taker_order_id) == (maker.order_id, taker.order_id)
    assert (prevented.price_ticks, prevented.size_lots, prevented.match_id) == (PRICE, 200, 1)


def test_a_market_order_that_only_met_its_owners_orders_ends_for_want_of_others():
    at = venue()
    account = at.open_account("a", {"USDT": "10000", "BTC": "1"})
    order(at, account, Side.SELL, PRICE, 100)
    taker = order(at, account, Side.BUY, None, 100, IOC, self_trade=SelfTrade.EXPIRE_MAKER)
    assert (taker.status, taker.end_reason) == (OrderStatus.EXPIRED, EndReason.NO_LIQUIDITY)


def test_accounts_of_one_trade_group_do_not_trade_with_each_other_and_others_do():
    at = venue()
    funds = {"USDT": "10000", "BTC": "1"}
    one, two, other = (at.open_account(name, funds, group) for name, group in (("1", 1), ("2", 1), ("3", None)))
    order(at, one, Side.SELL, PRICE, 100)
    assert order(at, other, Side.BUY, PRICE, 50, self_trade=SelfTrade.EXPIRE_TAKER).status is OrderStatus.FILLED
    taker = order(at, two, Side.BUY, PRICE, 50, self_trade=SelfTrade.EXPIRE_TAKER)
    assert taker.status is OrderStatus.EXPIRED_IN_MATCH


def test_a_self_trade_that_is_not_prevented_costs_both_fees_and_nothing_else():
    at = venue()
    account = at.open_account("a", {"USDT": "10000", "BTC": "1"})
    order(at, account, Side.SELL, PRICE, 1_000)
    assert order(at, account, Side.BUY, PRICE, 1_000).status is OrderStatus.FILLED
    assert account.balance("USDT").free_units == 10_000 * UNITS - UNITS // 2
    assert account.balance("BTC").free_units == UNITS - UNITS // 100_000
