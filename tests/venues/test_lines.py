"""Parallel lines, in virtual time: each replaced before it is cut, its replacement ready before it is closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random

import pytest

from graphwiz_trader.venues.connection import Timing
from graphwiz_trader.venues.lines import ParallelLines
from venues import virtual_time
from venues.virtual_time import pause

DAY = Timing(lifetime_s=1_000.0, overlap_s=2.0, ready_s=10.0)


class FakeLine:
    """A line that is ready ``ready_after_s`` after it is started; it notes what happens to it."""

    def __init__(self, line: int, on_rotate: Callable[[str], None], told: list[str], ready_after_s: float) -> None:
        self.line = line
        self.on_rotate = on_rotate
        self.ready = asyncio.Event()
        self.is_up = False
        self.last_failure = ""
        self.failure = asyncio.Event()
        self._told = told
        self._ready_after_s = ready_after_s

    async def run(self) -> None:
        self._told.append(f"open {self.line}")
        try:
            await pause(self._ready_after_s)
            self.ready.set()
            self.is_up = True
            await self.failure.wait()
            raise ZeroDivisionError
        except asyncio.CancelledError as ended:
            self.is_up = False
            self._told.append(f"close {self.line}: {ended}")
            raise


class Lines:
    """Parallel lines that run, and what was told in what order."""

    def __init__(self, line_ids: tuple[int, ...], spare: int | None, timing: Timing) -> None:
        self.told: list[str] = []
        self.made: list[FakeLine] = []
        self.ready_after_s = 0.5
        self.lines = ParallelLines(line_ids, spare, self._make, timing=timing, random=Random(1))

    def _make(self, line: int, on_rotate: Callable[[str], None]) -> FakeLine:
        self.made.append(FakeLine(line, on_rotate, self.told, self.ready_after_s))
        return self.made[-1]

    @property
    def up(self) -> list[int]:
        return sorted(line.line for line in self.lines.lines if line.is_up)


@asynccontextmanager
async def running(
    line_ids: tuple[int, ...] = (0,), spare: int | None = 1, timing: Timing = DAY
) -> AsyncIterator[Lines]:
    lines = Lines(line_ids, spare, timing)
    task = asyncio.create_task(lines.lines.run())
    await pause(1)
    try:
        yield lines
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_a_line_is_replaced_before_its_time_and_the_new_one_is_ready_before_the_old_one_is_closed():
    async def main() -> None:
        async with running() as lines:
            await pause(1_005)
            assert lines.told == ["open 0", "open 1", "close 0: replaced"]
            assert lines.up == [1]
            await pause(1_005)
            assert lines.told[3:] == ["open 0", "close 1: replaced"]

    virtual_time.run(main())


def test_both_carry_the_same_for_the_overlap():
    async def main() -> None:
        async with running() as lines:
            lines.made[0].on_rotate("shutdown")
            await pause(1.5)
            assert lines.up == [0, 1]
            await pause(1.5)
            assert lines.up == [1]

    virtual_time.run(main())


def test_a_notice_of_the_venue_has_the_line_replaced_at_once():
    async def main() -> None:
        async with running() as lines:
            lines.made[0].on_rotate("shutdown")
            await pause(5)
            assert lines.told == ["open 0", "open 1", "close 0: replaced"]

    virtual_time.run(main())


def test_a_replacement_that_does_not_get_ready_is_given_up_and_the_old_line_stays():
    async def main() -> None:
        async with running() as lines:
            lines.ready_after_s = 10_000.0
            lines.made[0].on_rotate("shutdown")
            await pause(10.5)
            assert lines.told == ["open 0", "open 1", "close 1: not ready"]
            assert lines.up == [0]
            lines.ready_after_s = 0.1
            await pause(100)
            assert lines.up == [1]
            assert lines.told[-2:] == ["open 1", "close 0: replaced"]

    virtual_time.run(main())


def test_parallel_lines_share_the_spare_and_are_replaced_one_after_the_other():
    async def main() -> None:
        async with running((0, 1), 2) as lines:
            for line in lines.made[:2]:
                line.on_rotate("shutdown")
            for _ in range(50):
                await pause(0.2)
                assert len(lines.up) >= 2
            assert lines.told[2:] == ["open 2", "close 0: replaced", "open 0", "close 1: replaced"]

    virtual_time.run(main())


def test_lines_that_came_up_together_are_not_replaced_together():
    async def main() -> None:
        async with running((0, 1, 2), 3) as lines:
            moments = []
            for second in range(1_010):
                seen = len(lines.told)
                await pause(1)
                if any("close" in told for told in lines.told[seen:]):
                    moments.append(second)
            assert len(moments) == 3
            assert moments[-1] - moments[0] > 20
            assert moments[0] > 750

    virtual_time.run(main())


def test_without_a_spare_a_line_is_closed_before_the_next_is_opened():
    async def main() -> None:
        async with running((0,), None) as lines:
            lines.made[0].on_rotate("shutdown")
            await pause(5)
            assert lines.told == ["open 0", "close 0: replaced", "open 0"]

    virtual_time.run(main())


def test_stopping_closes_every_line_a_replacement_under_way_included():
    async def main() -> None:
        async with running() as lines:
            lines.made[0].on_rotate("shutdown")
            await pause(1)
        assert sorted(lines.told) == ["close 0: stopped", "close 1: stopped", "open 0", "open 1"]
        assert lines.lines.lines == ()

    virtual_time.run(main())


@pytest.mark.parametrize("when_s", [0.1, 1.0], ids=["alone", "while it is replaced"])
def test_what_a_line_raises_ends_them_all_with_it(when_s):
    async def main() -> None:
        lines = Lines((0, 1), 2, DAY)
        task = asyncio.create_task(lines.lines.run())
        await pause(1)
        if when_s == 1.0:
            lines.made[0].on_rotate("shutdown")
            await pause(0.1)
        lines.made[1].failure.set()
        await pause(0.1)
        with pytest.raises(ZeroDivisionError):
            task.result()
        assert lines.lines.lines == ()

    virtual_time.run(main())
