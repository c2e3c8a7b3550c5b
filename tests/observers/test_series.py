"""Rates look back a few seconds; a history covers the whole session in bounded points."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from graphwiz_trader.observers.series import POINTS_MAX, RateMeter, ThinningHistory

SECOND = 1_000_000_000


def test_one_sample_has_no_rate() -> None:
    assert RateMeter().per_second(SECOND, (5, 7)) == (0.0, 0.0)


def test_a_rate_forgets_what_is_older_than_its_window() -> None:
    meter = RateMeter()
    for second in range(60):
        rates = meter.per_second(second * SECOND, (1000 * min(second, 30),))
    assert rates == (0.0,)


def test_samples_at_one_instant_do_not_divide_by_zero() -> None:
    meter = RateMeter()
    meter.per_second(SECOND, (1,))
    assert meter.per_second(SECOND, (2,)) == (0.0,)


@given(st.lists(st.integers(0, 10 * SECOND), min_size=1, max_size=2000))
def test_a_history_is_bounded_ordered_and_ends_with_the_newest_value(steps_ns: list[int]) -> None:
    history = ThinningHistory()
    time_ns = 0
    for number, step_ns in enumerate(steps_ns):
        time_ns += step_ns
        history.add(time_ns, str(number))
    assert len(history.points) <= POINTS_MAX
    assert history.points[-1] == (time_ns // 1_000_000, str(len(steps_ns) - 1))
    assert history.points == sorted(history.points, key=lambda point: point[0])


def test_a_long_history_still_begins_where_the_session_began() -> None:
    history = ThinningHistory()
    for second in range(10_000):
        history.add(second * SECOND, str(second))
    assert history.points[0] == (0, "0")
    assert len(history.points) > POINTS_MAX // 4
