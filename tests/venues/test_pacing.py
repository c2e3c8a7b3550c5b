"""Venues are asked no faster than they allow, and failed clients do not come back together."""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphwiz_trader.venues.pacing import Allowance, BackOff, Ration
from venues import virtual_time
from venues.harness import Unhurried


def test_the_bound_of_a_pause_doubles_with_each_failure_up_to_the_longest():
    random = Unhurried()
    back_off = BackOff(first_s=0.5, most_s=5.0, random=random)
    for _ in range(6):
        back_off.next_s()
    assert random.bounds == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


def test_after_a_success_pauses_begin_small_again():
    random = Unhurried()
    back_off = BackOff(first_s=0.5, most_s=5.0, random=random)
    back_off.next_s()
    back_off.next_s()
    back_off.reset()
    back_off.next_s()
    assert random.bounds == [0.5, 1.0, 0.5]


def test_a_pause_is_drawn_from_the_whole_range_down_to_nothing():
    back_off = BackOff(first_s=8.0, most_s=8.0, random=Random(1))
    pauses = [back_off.next_s() for _ in range(1_000)]
    assert min(pauses) < 0.1
    assert 7.9 < max(pauses) <= 8.0
    assert sum(pauses) / 1_000 == pytest.approx(4.0, rel=0.1)


def test_a_thousand_failures_do_not_overflow():
    back_off = BackOff(first_s=0.5, most_s=30.0, random=Random(1))
    assert all(back_off.next_s() <= 30.0 for _ in range(2_000))


async def _times_taken(most: int, per_s: float, wanted: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """Take in order, each after a pause; when each was granted."""
    allowance = Allowance(most, per_s)
    loop = asyncio.get_running_loop()
    taken = []
    for pause_s, amount in wanted:
        await virtual_time.pause(pause_s)
        await allowance.take(amount)
        taken.append((loop.time(), amount))
    return taken


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0, 7.0]), st.integers(1, 5)), max_size=40))
def test_no_window_holds_more_than_allowed(wanted):
    taken = virtual_time.run(_times_taken(5, 10.0, wanted))
    for end_s, _ in taken:
        assert sum(amount for time_s, amount in taken if end_s - 10.0 < time_s <= end_s) <= 5


def test_what_is_allowed_is_not_held_up():
    assert virtual_time.run(_times_taken(3, 60.0, [(0.0, 1)] * 3)) == [(0.0, 1)] * 3


def test_what_is_beyond_waits_until_the_window_has_room_and_no_longer():
    taken = virtual_time.run(_times_taken(2, 60.0, [(0.0, 1), (10.0, 1), (0.0, 1), (0.0, 1)]))
    assert [time_s for time_s, _ in taken] == [0.0, 10.0, 60.0, 70.0]


def test_those_who_wait_together_do_not_overdraw_together():
    async def together() -> list[float]:
        allowance, loop = Allowance(2, 60.0), asyncio.get_running_loop()

        async def take() -> float:
            await allowance.take()
            return loop.time()

        return sorted(await asyncio.gather(*[take() for _ in range(6)]))

    assert virtual_time.run(together()) == [0.0, 0.0, 60.0, 60.0, 120.0, 120.0]


def test_more_than_a_whole_window_is_an_error_at_once():
    with pytest.raises(ValueError, match=r"7 at once; the allowance is 5 in 10 s"):
        virtual_time.run(_times_taken(5, 10.0, [(0.0, 7)]))


def _sent(ration: Ration, wanted_s: list[float]) -> list[float]:
    """When messages went that were wanted at those times, in order."""
    now_s, sent = 0.0, []
    for at_s in wanted_s:
        now_s = max(now_s, at_s)
        while (pause_s := ration.pause_s(now_s)) > 0:
            now_s += pause_s
        ration.note(now_s)
        sent.append(now_s)
    return sent


def test_the_first_half_of_a_ration_goes_at_once_and_the_rest_evenly():
    assert _sent(Ration(8, 80.0, least_s=0.5), [10.0] * 7) == [10.0, 10.5, 11.0, 11.5, 31.5, 51.5, 71.5]


@settings(deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.3, 5.0, 41.0]), max_size=80))
def test_no_window_holds_more_than_the_ration(pauses):
    wanted = [sum(pauses[:n]) for n in range(len(pauses))]
    sent = _sent(Ration(9, 60.0, least_s=0.1), wanted)
    for end_s in sent:
        assert sum(end_s - 60.0 < at_s <= end_s for at_s in sent) <= 9
