"""The matching engine, rule by rule: price and time, what each kind of order leaves, and trades with oneself."""

from __future__ import annotations

import pytest

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.venues.simulated.matching import Match, MatchingEngine, Prevention, SelfTrade

GTC, IOC, FOK, POST_ONLY = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.POST_ONLY


def engine_with(*orders: tuple[int, Side, int, int]) -> MatchingEngine:
    engine = MatchingEngine()
    for order_id, side, price, lots in orders:
        engine.place(order_id, side, price, lots, GTC)
    engine.take_changes()
    return engine


def test_the_better_price_trades_first_and_then_the_older_order():
    engine = engine_with((1, Side.SELL, 101, 2), (2, Side.SELL, 100, 2), (3, Side.SELL, 100, 2))
    outcome = engine.place(9, Side.BUY, 101, 5, GTC)
    assert outcome.steps == [Match(2, 100, 2), Match(3, 100, 2), Match(1, 101, 1)]


def test_a_trade_happens_at_the_resting_orders_price():
    assert engine_with((1, Side.BUY, 99, 1)).place(2, Side.SELL, 90, 1, GTC).steps == [Match(1, 99, 1)]


def test_a_partly_filled_order_keeps_its_place_in_the_queue():
    engine = engine_with((1, Side.SELL, 100, 3), (2, Side.SELL, 100, 3))
    engine.place(8, Side.BUY, 100, 1, GTC)
    assert engine.place(9, Side.BUY, 100, 3, GTC).steps == [Match(1, 100, 2), Match(2, 100, 1)]


def test_the_rest_of_a_gtc_order_stands_in_the_book():
    engine = engine_with((1, Side.SELL, 100, 1))
    assert engine.place(2, Side.BUY, 100, 3, GTC) == ([Match(1, 100, 1)], 2, 0)
    assert engine.levels(Side.BUY, 5) == [(100, 2)]


def test_the_rest_of_an_ioc_order_is_gone():
    engine = engine_with((1, Side.SELL, 100, 1))
    assert engine.place(2, Side.BUY, 100, 3, IOC) == ([Match(1, 100, 1)], 0, 2)
    assert engine.levels(Side.BUY, 5) == []


def test_a_market_order_trades_at_any_price_and_never_rests():
    engine = engine_with((1, Side.SELL, 100, 1), (2, Side.SELL, 900, 1))
    assert engine.place(3, Side.BUY, None, 5, GTC) == ([Match(1, 100, 1), Match(2, 900, 1)], 0, 3)


def test_a_fok_order_trades_whole_or_not_at_all():
    engine = engine_with((1, Side.SELL, 100, 1), (2, Side.SELL, 101, 1))
    assert engine.place(3, Side.BUY, 101, 3, FOK) == ([], 0, 3)
    assert engine.levels(Side.SELL, 5) == [(100, 1), (101, 1)]
    assert engine.place(4, Side.BUY, 101, 2, FOK) == ([Match(1, 100, 1), Match(2, 101, 1)], 0, 0)


def test_a_post_only_order_rests_or_does_nothing():
    engine = engine_with((1, Side.SELL, 100, 1))
    assert engine.place(2, Side.BUY, 100, 1, POST_ONLY) == ([], 0, 1)
    assert engine.place(3, Side.BUY, 99, 1, POST_ONLY) == ([], 1, 0)


def test_a_cancelled_order_is_out_of_the_book_and_cannot_be_cancelled_again():
    engine = engine_with((1, Side.BUY, 99, 4))
    assert engine.cancel(1) == 4
    assert engine.levels(Side.BUY, 1) == []
    with pytest.raises(KeyError):
        engine.cancel(1)


def test_an_order_of_no_size_and_a_second_order_of_one_id_are_refused():
    engine = engine_with((1, Side.BUY, 99, 4))
    with pytest.raises(ValueError, match="at least one lot"):
        engine.place(2, Side.BUY, 99, 0, GTC)
    with pytest.raises(ValueError, match="already stands"):
        engine.place(1, Side.BUY, 99, 1, GTC)


def test_every_level_change_is_told_once_in_order_and_counted():
    engine = engine_with((1, Side.SELL, 100, 2), (2, Side.SELL, 100, 2), (3, Side.SELL, 101, 1))
    before = engine.change_count
    engine.place(9, Side.BUY, 101, 6, GTC)
    changes = engine.take_changes()
    assert changes == [(Side.SELL, 100, 0), (Side.SELL, 101, 0), (Side.BUY, 101, 1)]
    assert engine.change_count == before + len(changes)
    assert engine.take_changes() == []


def test_a_smaller_order_keeps_its_place_in_the_queue():
    engine = engine_with((1, Side.SELL, 100, 3), (2, Side.SELL, 100, 3))
    engine.reduce(1, 1)
    assert engine.take_changes() == [(Side.SELL, 100, 5)]
    assert engine.place(9, Side.BUY, 100, 3, GTC).steps == [Match(1, 100, 2), Match(2, 100, 1)]


def test_an_order_is_reduced_by_something_and_not_by_all():
    engine = engine_with((1, Side.SELL, 100, 3))
    for lots in (0, 3, 4):
        with pytest.raises(ValueError, match="cannot be reduced"):
            engine.reduce(1, lots)
    with pytest.raises(KeyError):
        engine.reduce(2, 1)


OWN = (
    (SelfTrade.EXPIRE_TAKER, [Prevention(1, 100, 4, 0)], [(1, 2), (2, 5)]),
    (SelfTrade.EXPIRE_MAKER, [Prevention(1, 100, 0, 2), Match(2, 100, 4)], [(2, 1)]),
    (SelfTrade.EXPIRE_BOTH, [Prevention(1, 100, 4, 2)], [(2, 5)]),
    (SelfTrade.DECREMENT, [Prevention(1, 100, 2, 2), Match(2, 100, 2)], [(2, 3)]),
    (SelfTrade.TRANSFER, [Prevention(1, 100, 2, 2), Match(2, 100, 2)], [(2, 3)]),
)


@pytest.mark.parametrize(("mode", "steps", "left"), OWN, ids=lambda value: getattr(value, "name", ""))
def test_two_orders_of_one_owner_do_what_the_taker_wants_instead_of_trading(mode, steps, left):
    engine = MatchingEngine()
    engine.place(1, Side.SELL, 100, 2, GTC, owner=7)
    engine.place(2, Side.SELL, 100, 5, GTC, owner=8)
    walk = engine.walk(Side.BUY, 100, 4, 7, mode)
    assert engine.place(3, Side.BUY, 100, 4, GTC, 7, mode) == (steps, 0, 0)
    assert [(order.order_id, order.remaining_lots) for order in engine.orders(Side.SELL)] == left
    assert sum(lots for _, lots in walk) == sum(step.size_lots for step in steps if isinstance(step, Match))


def test_orders_of_one_owner_trade_when_nothing_else_is_asked():
    engine = MatchingEngine()
    engine.place(1, Side.SELL, 100, 2, GTC, owner=7)
    assert engine.place(2, Side.BUY, 100, 2, GTC, owner=7).steps == [Match(1, 100, 2)]


def test_the_makers_own_mode_does_not_matter():
    engine = MatchingEngine()
    engine.place(1, Side.SELL, 100, 2, GTC, 7, SelfTrade.EXPIRE_BOTH)
    assert engine.place(2, Side.BUY, 100, 2, GTC, 7, SelfTrade.NONE).steps == [Match(1, 100, 2)]


def test_a_fok_order_counts_only_what_others_offer_and_prevents_nothing_when_that_is_too_little():
    engine = MatchingEngine()
    engine.place(1, Side.SELL, 100, 2, GTC, owner=7)
    engine.place(2, Side.SELL, 100, 2, GTC, owner=8)
    assert engine.place(3, Side.BUY, 100, 3, FOK, 7, SelfTrade.EXPIRE_MAKER) == ([], 0, 3)
    assert engine.levels(Side.SELL, 1) == [(100, 4)]
    assert engine.place(4, Side.BUY, 100, 2, FOK, 7, SelfTrade.EXPIRE_MAKER).unplaced_lots == 0


def test_what_does_not_change_the_book_is_not_told():
    engine = MatchingEngine()
    engine.place(1, Side.SELL, 100, 2, GTC, owner=7)
    engine.take_changes()
    engine.place(2, Side.BUY, 100, 2, GTC, 7, SelfTrade.EXPIRE_TAKER)
    assert engine.take_changes() == []
