"""The signals' kernels against their slow twins: a rolling z-score that never drifts, a walk that stops in time."""

from __future__ import annotations

import math
import statistics
from collections import deque
from fractions import Fraction

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphwiz_trader.hft.kernels.layout import ASK, BID, Array, new_books
from graphwiz_trader.hft.kernels.signals import Z_COUNT, Z_RING, Z_SUM, Z_SUM_SQUARES, z_score
from hft.floor import PERP, SPOT, Floor, ticker

ROW = 1
"""Not the first, so that a mixed-up row shows."""


class Window:
    """The z-score of a book whose mid is set by hand."""

    def __init__(self, lookback: int) -> None:
        self.states = np.zeros((2, Z_RING + lookback), np.int64)
        self.books = new_books(2)

    def enter(self, mid2: int) -> float:
        self.books[ROW]["top_ticks"] = (mid2 // 2, mid2 - mid2 // 2)
        return z_score(self.states, self.books, ROW)


def _naive(window: deque[int]) -> float:
    """Over twice the mids; a z-score has no unit."""
    deviation = statistics.pstdev(map(Fraction, window))
    return float((window[-1] - statistics.mean(map(Fraction, window))) / Fraction(deviation)) if deviation else 0.0


_NEAR = st.lists(st.integers(12_000_000, 12_000_400), min_size=1, max_size=80)
_WILD = st.lists(st.integers(2, 2**40), min_size=1, max_size=40)


@given(st.integers(2, 20), _NEAR | _WILD)
def test_the_z_score_is_that_of_the_window_and_none_until_it_is_full(lookback: int, mids: list[int]) -> None:
    window, naive = Window(lookback), deque[int](maxlen=lookback)
    anchor = mids[0]
    for mid2 in mids:
        z = window.enter(mid2)
        if abs(mid2 - anchor) >= 1 << 24:
            anchor = mid2
            naive.clear()
        naive.append(mid2)
        if len(naive) < lookback:
            assert math.isnan(z)
        else:
            assert z == pytest.approx(_naive(naive), rel=1e-6, abs=1e-6)


def test_a_price_that_does_not_move_has_no_deviation() -> None:
    window = Window(5)
    assert [window.enter(12_000_000) for _ in range(20)][4:] == [0.0] * 16


def test_a_price_that_leaves_the_range_of_the_sums_starts_the_window_again() -> None:
    window = Window(3)
    for mid2 in (1_000, 1_002, 1_004):
        window.enter(mid2)
    far = 1_000 + (1 << 24)
    assert math.isnan(window.enter(far))
    window.enter(far + 2)
    assert window.enter(far + 4) == pytest.approx(_naive(deque([far, far + 2, far + 4])))


@numba.njit
def _enter_many(states: Array, books: Array, mids: Array) -> float:
    z = 0.0
    for i in range(len(mids)):
        books[ROW].top_ticks[BID] = mids[i]
        books[ROW].top_ticks[ASK] = mids[i]
        z = z_score(states, books, ROW)
    return z


def test_after_millions_of_values_the_sums_are_exactly_those_of_the_window() -> None:
    lookback, steps = 1_000, 3_000_000
    walk = 6_000_000 + np.cumsum(np.random.default_rng(7).integers(-3, 4, steps))
    window = Window(lookback)
    z = _enter_many(window.states, window.books, walk)
    last = deque((2 * walk[-lookback:]).tolist())
    assert window.states[ROW][Z_COUNT] == lookback
    deviations = [mid2 - 2 * int(walk[0]) for mid2 in last]
    assert window.states[ROW][Z_SUM] == sum(deviations)
    assert window.states[ROW][Z_SUM_SQUARES] == sum(d * d for d in deviations)
    assert z == pytest.approx(_naive(last), rel=1e-9)


@pytest.mark.parametrize("lookback", [100, 1_000])
def test_the_widest_window_at_the_edge_of_the_range_does_not_overflow(lookback: int) -> None:
    window = Window(lookback)
    edge = (1 << 24) - 1
    z = _enter_many(
        window.states, window.books, np.array([1 << 25] + [(1 << 25) + edge // 2] * (lookback * 2), np.int64)
    )
    assert z == 0.0
    assert window.states[ROW][Z_SUM_SQUARES] > 0


@pytest.mark.parametrize("empty", [BID, ASK])
def test_a_side_without_a_price_is_no_mid_and_leaves_the_window_as_it_is(empty: int) -> None:
    window, undisturbed = Window(3), Window(3)
    for mid2 in (1_000, 1_002, 1_004):
        window.enter(mid2)
        undisturbed.enter(mid2)
    window.books[ROW]["top_ticks"][empty] = 0
    assert math.isnan(z_score(window.states, window.books, ROW))
    assert window.enter(1_010) == undisturbed.enter(1_010)


def test_a_mid_between_two_ticks_counts_exactly() -> None:
    window = Window(2)
    window.enter(2_001)
    assert window.enter(2_002) == pytest.approx(1.0)


# The walk through two books' depth: see test_orderbook for its twin; here its edges.


def test_a_walk_begins_at_the_tickers_price_when_that_is_newer_and_goes_on_in_the_ladder() -> None:
    floor = Floor()
    floor.make_live(SPOT, bids=[("90.0", "1")], asks=[("100.1", "1"), ("100.2", "2"), ("100.9", "8")])
    floor.make_live(PERP, bids=[("101.0", "9")], asks=[("101.1", "1")])
    assert floor.books.walk(SPOT, PERP, 0.0) == (1002, 1010, 3000, 9000)
    floor.frames(SPOT, ticker(110, ("90.0", "1"), ("100.2", "1")))  # 100.1 is gone
    assert floor.books.walk(SPOT, PERP, 0.0) == (1002, 1010, 1000, 9000)
    floor.frames(SPOT, ticker(111, ("90.0", "1"), ("100.0", "5")))  # a price that the ladder does not know yet
    assert floor.books.walk(SPOT, PERP, 0.0) == (1002, 1010, 8000, 9000)


def test_a_walk_stops_where_the_next_unit_would_net_less_than_asked() -> None:
    floor = Floor()
    floor.make_live(SPOT, bids=[("90.0", "1")], asks=[("100.0", "1"), ("100.5", "2"), ("100.9", "4")])
    floor.make_live(PERP, bids=[("102.0", "50")], asks=[("102.1", "1")])
    walks = {bps: floor.books.walk(SPOT, PERP, bps)[2] for bps in (0.0, 100.0, 130.0, 170.0, 190.0)}
    assert walks == {0.0: 7000, 100.0: 3000, 130.0: 1000, 170.0: 1000, 190.0: 0}


def test_a_walk_without_profit_shows_nothing() -> None:
    floor = Floor()
    floor.make_live(SPOT)
    floor.make_live(PERP)
    assert floor.books.walk(SPOT, PERP, 0.0) == (0, 0, 0, 0)


def test_a_walk_looks_at_no_more_than_a_few_hundred_levels() -> None:
    floor = Floor()
    asks = [(f"{100 + i / 10:.1f}", "0.001") for i in range(5_000)]
    floor.make_live(SPOT, bids=[("90.0", "1")], asks=asks)
    floor.make_live(PERP, bids=[("900.0", "5000")], asks=[("900.1", "1")])
    assert floor.books.walk(SPOT, PERP, 0.0)[2] == 200
