"""How much of the time the event loop is kept awake, on a loop and a clock of their own."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress

import pytest

from graphwiz_trader.assembly import polling
from graphwiz_trader.assembly.polling import keep_awake, spare_percent
from venues import virtual_time

_LOOK_S = 0.0001


class _Clock:
    """Each look at it is ``step_s`` after the one before; what the loop sleeps is not on it."""

    def __init__(self, step_s: float) -> None:
        self._step_s = step_s
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        return self.looks * self._step_s


async def _looks(percent: int, step_s: float, for_s: float) -> int:
    """How often the sockets were asked in a time of which only the sleeping parts count."""
    clock = _Clock(step_s)
    awake = asyncio.create_task(keep_awake(percent, clock))
    await virtual_time.pause(for_s)
    awake.cancel()
    with suppress(asyncio.CancelledError):
        await awake
    return clock.looks


@pytest.mark.parametrize(("percent", "awake_s"), [(50, 0.001), (75, 0.003), (90, 0.009)])
def test_a_percentage_is_the_share_of_time_spent_awake(percent: int, awake_s: float) -> None:
    naps = 100
    looks = virtual_time.run(_looks(percent, _LOOK_S, naps * 0.001))
    assert looks * _LOOK_S / naps == pytest.approx(awake_s, rel=0.15)


def test_who_loses_the_processor_to_others_leaves_it_to_them() -> None:
    """A process that is always awake has used up its turn, and would wait for milliseconds each time."""
    for_s = 10
    assert virtual_time.run(_looks(75, 0.005, for_s)) <= 2 * 10 * for_s + 2


def test_one_long_look_is_no_reason_to_stay_asleep() -> None:
    async def looks_after_a_theft() -> int:
        clock = _Clock(_LOOK_S)
        awake = asyncio.create_task(keep_awake(75, lambda: clock() + (0.01 if clock.looks > 50 else 0.0)))
        await virtual_time.pause(3.0)
        awake.cancel()
        return clock.looks

    assert virtual_time.run(looks_after_a_theft()) > 10_000


def test_with_one_processor_the_event_loop_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling.os, "sched_getaffinity", lambda _: {0}, raising=False)
    assert spare_percent(70) == 0


def test_with_two_processors_it_stays_awake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    assert spare_percent(70) == 70
