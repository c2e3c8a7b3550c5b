"""A venue's clock is measured by round trips: as wrong as half of the quickest, and again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphwiz_trader.venues.clock import Offset, VenueClock
from graphwiz_trader.venues.rest import RestError
from venues import virtual_time

MS = 1_000_000
START_NS = 1_700_000_000 * 10**9


class Venue:
    """Its clock is ``ahead_ns`` ahead of ours; each answer takes the next of ``ways``: seconds there, and back."""

    def __init__(self, ahead_ns: int, *ways: tuple[float, float]) -> None:
        self.ahead_ns = ahead_ns
        self._ways: Iterator[tuple[float, float]] = iter(ways)
        self.failures: list[RestError] = []
        self.asked_s: list[float] = []

    @staticmethod
    def our_ns() -> int:
        return START_NS + round(asyncio.get_running_loop().time() * 1e9)

    async def get(self, path: str, params: dict[str, str]) -> bytes:
        assert (path, params) == ("/time", {})
        self.asked_s.append(asyncio.get_running_loop().time())
        there_s, back_s = next(self._ways, (0.001, 0.001))
        await virtual_time.pause(there_s)
        if self.failures:
            raise self.failures.pop()
        told = b"%d" % ((self.our_ns() + self.ahead_ns) // MS)
        await virtual_time.pause(back_s)
        return told


async def measured(venue: Venue, for_s: float) -> list[tuple[Offset, int]]:
    reports: list[tuple[Offset, int]] = []
    clock = VenueClock(
        venue,  # type: ignore[arg-type]
        "/time",
        int,
        lambda offset_ns, error_ns, now_ns: reports.append((Offset(offset_ns, error_ns), now_ns)),
        now_ns=venue.our_ns,
    )
    with suppress(TimeoutError):
        await asyncio.wait_for(clock.run(), for_s)
    return reports


@given(
    ahead_ns=st.integers(-5_000 * MS, 5_000 * MS),
    ways=st.lists(st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)), min_size=3, max_size=3),
)
def test_the_truth_is_within_the_error_whatever_the_way_takes(ahead_ns, ways):
    ((offset, _),) = virtual_time.run(measured(Venue(ahead_ns, *ways), 10.0))
    assert abs(offset.offset_ns - ahead_ns) <= offset.error_ns
    assert offset.error_ns <= min(there + back for there, back in ways) / 2 * 1e9 + MS


def test_the_quickest_of_a_few_answers_counts():
    ((offset, _),) = virtual_time.run(measured(Venue(70 * MS, (0.2, 0.0), (0.001, 0.001), (0.0, 0.3)), 10.0))
    assert offset.error_ns == 1.5 * MS
    assert abs(offset.offset_ns - 70 * MS) <= 0.5 * MS


def test_it_is_measured_again_and_again():
    reports = virtual_time.run(measured(Venue(0), 100.0))
    times_s = [(now_ns - START_NS) / 1e9 for _, now_ns in reports]
    assert len(times_s) == 4
    assert [after - before for before, after in pairwise(times_s)] == pytest.approx([30.0] * 3, abs=0.1)


def test_a_venue_that_wants_to_be_left_alone_is_and_then_asked_again():
    venue = Venue(0)
    venue.failures = [RestError("/time: HTTP 418", pause_s=120.0)]
    assert len(virtual_time.run(measured(venue, 130.0))) == 1
    assert venue.asked_s[1] >= 120.0


def test_an_answer_without_a_time_is_none():
    class Wordy(Venue):
        async def get(self, path: str, params: dict[str, str]) -> bytes:
            return b"<html>"

    assert virtual_time.run(measured(Wordy(0), 100.0)) == []


def test_what_the_receiver_raises_is_not_swallowed():
    class JournalFullError(Exception):
        pass

    def refuse(*_: int) -> None:
        raise JournalFullError

    async def run() -> None:
        venue = Venue(0)
        await VenueClock(venue, "/time", int, refuse, now_ns=venue.our_ns).run()  # type: ignore[arg-type]

    with pytest.raises(JournalFullError):
        virtual_time.run(run())
