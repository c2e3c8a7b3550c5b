"""Timing in interleaved rounds: every contender runs once a round, and ratios are taken within a round.

Measured is processor time, so that a contender does not pay for a neighbour that took the core away meanwhile.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from statistics import median
from time import thread_time_ns
from typing import NamedTuple


class Contender(NamedTuple):
    """``run`` is timed; ``prepare`` puts its state back before each round."""

    run: Callable[[], object]
    prepare: Callable[[], object] = lambda: None


class Timing(NamedTuple):
    """Median time per frame over the rounds, and the median of its ratio to the yardstick in the same round."""

    ns_per_frame: float
    ratio: float


def measure(contenders: Mapping[str, Contender], yardstick: str, frames: int, rounds: int) -> dict[str, Timing]:
    """Run all contenders in turns, the order rotating by one each round. One round before them is not counted."""
    names = list(contenders)
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds + 1):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            spent = _time(contenders[name])
            if number > 0:
                times[name].append(spent / frames)
    return {
        name: Timing(median(times[name]), median(t / y for t, y in zip(times[name], times[yardstick], strict=True)))
        for name in names
    }


def _time(contender: Contender) -> int:
    gc.collect()
    gc.disable()
    try:
        contender.prepare()
        start = thread_time_ns()
        contender.run()
        return thread_time_ns() - start
    finally:
        gc.enable()
