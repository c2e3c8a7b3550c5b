"""The matching engine: price-time priority, checked against an obvious twin that sorts a list for every order."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.venues.simulated.matching import Match, MatchingEngine

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
    assert outcome.matches == [Match(2, 100, 2), Match(3, 100, 2), Match(1, 101, 1)]


def test_a_trade_happens_at_the_resting_orders_price():
    assert engine_with((1, Side.BUY, 99, 1)).place(2, Side.SELL, 90, 1, GTC).matches == [Match(1, 99, 1)]


def test_a_partly_filled_order_keeps_its_place_in_the_queue():
    engine = engine_with((1, Side.SELL, 100, 3), (2, Side.SELL, 100, 3))
    engine.place(8, Side.BUY, 100, 1, GTC)
    assert engine.place(9, Side.BUY, 100, 3, GTC).matches == [Match(1, 100, 2), Match(2, 100, 1)]


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


@dataclass
class NaiveEngine:
    """Orders in a list in the order of their arrival; everything else is sorting."""

    orders: list[list[int]] = field(default_factory=list)
    """[order id, side, price, lots]"""

    def place(self, order_id: int, side: Side, limit: int | None, lots: int, force: TimeInForce):
        def accepts(price: int) -> bool:
            return limit is None or (price <= limit if side is Side.BUY else price >= limit)

        others = [o for o in self.orders if o[1] != side and accepts(o[2])]
        others.sort(key=lambda o: o[2] * side.sign)
        if (force is POST_ONLY and others) or (force is FOK and sum(o[3] for o in others) < lots):
            return [], 0, lots
        matches = []
        for other in others:
            traded = min(lots, other[3])
            if traded:
                matches.append((other[0], other[2], traded))
                other[3] -= traded
                lots -= traded
        self.orders = [o for o in self.orders if o[3]]
        if lots and limit is not None and force in (GTC, POST_ONLY):
            self.orders.append([order_id, side, limit, lots])
            return matches, lots, 0
        return matches, 0, lots

    def cancel(self, order_id: int) -> int:
        lots = next(o[3] for o in self.orders if o[0] == order_id)
        self.orders = [o for o in self.orders if o[0] != order_id]
        return lots

    def levels(self, side: Side) -> list[tuple[int, int]]:
        prices = sorted({o[2] for o in self.orders if o[1] == side}, reverse=side is Side.BUY)
        return [(p, sum(o[3] for o in self.orders if o[1] == side and o[2] == p)) for p in prices]


placements = st.tuples(
    st.sampled_from(Side),
    st.one_of(st.none(), st.integers(95, 105)),
    st.integers(1, 9),
    st.sampled_from(TimeInForce),
)
cancels = st.integers(0, 30)


@settings(max_examples=300)
@given(st.lists(st.one_of(placements, cancels), max_size=60))
def test_the_engine_does_what_its_naive_twin_does(actions):
    engine, naive = MatchingEngine(), NaiveEngine()
    book: dict[tuple[Side, int], int] = {}
    for order_id, action in enumerate(actions, 1):
        if isinstance(action, int):
            resting = [o[0] for o in naive.orders]
            if not resting:
                continue
            victim = resting[action % len(resting)]
            assert engine.cancel(victim) == naive.cancel(victim)
        else:
            side, limit, lots, force = action
            walk = engine.walk(side, limit, lots)
            outcome = engine.place(order_id, side, limit, lots, force)
            assert outcome == naive.place(order_id, side, limit, lots, force)
            if force in (GTC, IOC):
                assert sum(n for _, n in walk) == sum(match.size_lots for match in outcome.matches)
        for side, price, total in engine.take_changes():
            book[side, price] = total
        for side in Side:
            levels = naive.levels(side)
            assert engine.levels(side, 99) == levels
            assert engine.best(side) == (levels[0][0] if levels else None)
            told = {price: lots for (told_side, price), lots in book.items() if told_side is side and lots}
            assert told == dict(levels), "the changes told do not add up to the book"
        assert len(engine) == len(naive.orders)
