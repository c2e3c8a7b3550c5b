"""The ladder against its slow twin, a dict: the same levels in the same order after any sequence of updates."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from graphwiz_trader.hft.kernels import ladder
from graphwiz_trader.hft.kernels.layout import ASK, BID, FAR, MARGIN, NO_KEY, WINDOW, Array, new_books

ROW = 1
"""Not the first book, so that a mixed-up row shows."""
_CENTRE = 6_000_000
_PRICES = st.one_of(
    st.integers(_CENTRE - 70, _CENTRE + 70),
    st.integers(_CENTRE - 2 * MARGIN, _CENTRE + 2 * MARGIN),
    st.sampled_from([MARGIN, WINDOW - MARGIN, WINDOW // 2, WINDOW]).flatmap(
        lambda edge: (
            st.integers(_CENTRE + edge - 2, _CENTRE + edge + 2) | st.integers(_CENTRE - edge - 2, _CENTRE - edge + 2)
        )
    ),
    st.integers(1, 1_000),
    st.integers(10**15, 10**18 - 1),
)
_SIZES = st.just(0) | st.integers(1, 50) | st.integers(10**17, 10**18 - 1)
_UPDATES = st.lists(st.tuples(st.integers(0, 1), _PRICES, _SIZES) | st.none(), max_size=60)
"""(side, price in ticks, lots), or None: take the best level of a side away, as trades do."""
_BOOKS = new_books(2)


@numba.njit
def _set_level(books: Array, row: int, side: int, key: int, lots: int) -> bool:
    return ladder.set_level(books[row], side, key, lots)  # type: ignore[no-any-return]


@numba.njit
def _clear(books: Array, row: int) -> None:
    ladder.clear_side(books[row], 0)
    ladder.clear_side(books[row], 1)


@numba.njit
def _lots_at(books: Array, row: int, side: int, key: int) -> int:
    return ladder.lots_at(books[row], side, key)  # type: ignore[no-any-return]


def _key(side: int, ticks: int) -> int:
    return -ticks if side == BID else ticks


def _levels(books: Array, side: int) -> list[tuple[int, int]]:
    count = int(books[ROW]["count"][side])
    ticks, lots = np.empty(count + 1, np.int64), np.empty(count + 1, np.int64)
    assert ladder.copy_levels(books, ROW, side, ticks, lots) == count
    return list(zip(ticks[:count].tolist(), lots[:count].tolist(), strict=True))


def _assert_clearing_leaves_nothing() -> None:
    _clear(_BOOKS, ROW)
    for field in ("lots", "occupied", "summary", "count", "far_count"):
        assert not _BOOKS[ROW][field].any()
    assert _BOOKS[ROW]["best"].tolist() == [NO_KEY, NO_KEY]


@settings(max_examples=300, deadline=None)
@given(_UPDATES)
@example([(0, _CENTRE, 5), (0, _CENTRE - WINDOW, 7), None])
@example([(1, _CENTRE, 5), (1, _CENTRE + WINDOW, 7), (1, 1, 1), None, None])
def test_the_ladder_holds_what_a_dict_holds(updates: list[tuple[int, int, int] | None]) -> None:
    _clear(_BOOKS, ROW)
    twins: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for number, update in enumerate(updates):
        if update is None:
            side = number % 2
            if not twins[side]:
                continue
            ticks, lots = (max if side == BID else min)(twins[side]), 0
        else:
            side, ticks, lots = update
        assert _set_level(_BOOKS, ROW, side, _key(side, ticks), lots)
        if lots:
            twins[side][ticks] = lots
        else:
            twins[side].pop(ticks, None)
        assert _lots_at(_BOOKS, ROW, side, _key(side, ticks)) == lots
        for price in (ticks, ticks + 1, ticks - 1):
            is_reached = any(_key(side, other) >= _key(side, price) for other in twins[side])
            assert ladder.reaches(_BOOKS, ROW, side, price) == is_reached
        best = min((_key(side, ticks) for ticks in twins[side]), default=NO_KEY)
        assert _BOOKS[ROW]["best"][side] == best
        for one_side in (BID, ASK):
            assert _levels(_BOOKS, one_side) == sorted(twins[one_side].items(), reverse=one_side == BID)


@settings(max_examples=50, deadline=None)
@given(_UPDATES)
def test_a_cleared_ladder_leaves_nothing_behind(updates: list[tuple[int, int, int] | None]) -> None:
    for update in updates:
        if update is not None:
            side, ticks, lots = update
            _set_level(_BOOKS, ROW, side, _key(side, ticks), lots)
    _assert_clearing_leaves_nothing()


@pytest.mark.parametrize("side", [BID, ASK])
def test_a_best_price_that_wanders_far_takes_the_window_along(side: int) -> None:
    """Down through the window's near end, up through its far end, with the levels left behind still there."""
    _clear(_BOOKS, ROW)
    twin = {}
    for step in range(40):
        ticks = 50_000_000 + (step if step < 20 else 40 - step) * (WINDOW // 3) + step
        assert _set_level(_BOOKS, ROW, side, _key(side, ticks), step + 1)
        twin[ticks] = step + 1
        assert _levels(_BOOKS, side) == sorted(twin.items(), reverse=side == BID)
    while twin:
        best = (max if side == BID else min)(twin)
        assert _set_level(_BOOKS, ROW, side, _key(side, best), 0)
        del twin[best]
        assert _levels(_BOOKS, side) == sorted(twin.items(), reverse=side == BID)


def test_a_full_far_store_is_reported_and_not_overrun() -> None:
    _clear(_BOOKS, ROW)
    assert _set_level(_BOOKS, ROW, ASK, 1_000_000, 1)
    beyond = 1_000_000 + 2 * WINDOW
    for ticks in range(beyond, beyond + FAR):
        assert _set_level(_BOOKS, ROW, ASK, ticks, 1)
    assert not _set_level(_BOOKS, ROW, ASK, beyond + FAR, 1)
    assert _set_level(_BOOKS, ROW, ASK, beyond + FAR, 0)
    assert _set_level(_BOOKS, ROW, ASK, beyond, 9)
    assert len(_levels(_BOOKS, ASK)) == FAR + 1


def test_a_window_that_cannot_move_is_reported_and_can_be_cleared() -> None:
    _clear(_BOOKS, ROW)
    for ticks in range(1_000_000, 1_000_000 + FAR + 1):
        assert _set_level(_BOOKS, ROW, ASK, ticks, 1)
    assert not _set_level(_BOOKS, ROW, ASK, 1, 1)
    _assert_clearing_leaves_nothing()
    assert _set_level(_BOOKS, ROW, ASK, 7, 3)
    assert _levels(_BOOKS, ASK) == [(7, 3)]
