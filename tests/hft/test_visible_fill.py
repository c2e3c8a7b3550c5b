"""What an incoming order takes: a walk over what is shown, and nothing taken twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from graphwiz_trader.hft.events import Side
from graphwiz_trader.hft.visible_fill import VisibleBookFill

ASKS = [(100, 5), (101, 3), (104, 10)]


def test_an_order_walks_the_levels_within_its_limit_from_the_best():
    assert VisibleBookFill().take(ASKS, Side.BUY, 101, 20) == [(100, 5), (101, 3)]


def test_a_market_order_has_no_limit():
    assert VisibleBookFill().take(ASKS, Side.BUY, None, 10) == [(100, 5), (101, 3), (104, 2)]


def test_a_sale_walks_downward():
    bids = [(99, 2), (98, 4), (90, 9)]
    assert VisibleBookFill().take(bids, Side.SELL, 98, 20) == [(99, 2), (98, 4)]


def test_what_was_taken_is_not_offered_again_while_the_level_shows_the_same():
    model = VisibleBookFill()
    assert model.take(ASKS, Side.BUY, 100, 4) == [(100, 4)]
    assert model.take(ASKS, Side.BUY, 101, 4) == [(100, 1), (101, 3)]
    assert model.take(ASKS, Side.BUY, 101, 4) == []


def test_a_level_that_changes_offers_all_it_shows():
    model = VisibleBookFill()
    model.take(ASKS, Side.BUY, 100, 5)
    assert model.take([(100, 6)], Side.BUY, 100, 9) == [(100, 6)]


def test_the_two_sides_are_remembered_apart():
    model = VisibleBookFill()
    model.take([(100, 5)], Side.BUY, 100, 5)
    assert model.take([(100, 5)], Side.SELL, 100, 5) == [(100, 5)]


def test_a_preview_says_what_would_be_taken_and_takes_nothing():
    model = VisibleBookFill()
    assert model.preview(ASKS, Side.BUY, 101, 7) == [(100, 5), (101, 2)]
    assert model.take(ASKS, Side.BUY, 101, 7) == [(100, 5), (101, 2)]
    assert model.preview(ASKS, Side.BUY, 101, 7) == [(101, 1)]


def test_no_more_levels_are_read_than_the_order_needs():
    def levels():
        yield 100, 5
        raise AssertionError("read on after the order was full")

    assert VisibleBookFill().take(levels(), Side.BUY, 105, 5) == [(100, 5)]


@given(
    steps=st.lists(
        st.tuples(st.lists(st.integers(0, 3), min_size=4, max_size=4), st.integers(98, 104), st.integers(1, 6)),
        max_size=15,
    )
)
def test_a_level_never_gives_more_than_it_shows_until_it_changes(steps):
    """The naive twin keeps, per price, the size it was last taken from at and how much of that is left."""
    model = VisibleBookFill()
    left_of: dict[int, tuple[int, int]] = {}
    for sizes, limit, size in steps:
        levels = [(100 + i, lots) for i, lots in enumerate(sizes) if lots]
        expected, wanted = [], size
        for price, shown in levels:
            size_then, left = left_of.get(price, (shown, shown))
            left = left if size_then == shown else shown
            taken = min(left, wanted) if price <= limit else 0
            if taken:
                left_of[price] = shown, left - taken
                wanted -= taken
                expected.append((price, taken))
        assert model.take(levels, Side.BUY, limit, size) == expected
