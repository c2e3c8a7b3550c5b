"""How far a venue's clock is ahead of ours: it is asked for its time again and again, and believed as far as that goes.

An answer was written at some moment between asking and receiving. Nobody knows at which, so the middle is taken, and
half of the round trip is how wrong that may be; of a few answers the quickest says most. Source: RFC 5905, "Clock
offset and delay", without its filters.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from time import time_ns
from typing import NamedTuple, NoReturn, Protocol

from graphwiz_trader.venues.pacing import pause
from graphwiz_trader.venues.rest import RestError

_SAMPLES = 3
_EVERY_S = 30.0
_AGAIN_S = 1.0
"""A measurement that is wanted soon comes no sooner after the last."""
_UNIT_NS = 1_000_000
"""Venues tell their time in whole milliseconds, rounded down: it is half of one later on average."""


class Asked(Protocol):
    """Whoever can be asked for a venue's time."""

    async def get(self, path: str, params: Mapping[str, str]) -> bytes:
        """Raises RestError."""
        ...


class Offset(NamedTuple):
    """The venue's clock minus ours, and how far it may be wrong either way."""

    offset_ns: int
    error_ns: int


class VenueClock:
    """Measures one venue's clock. ``read``: an answer at ``path`` → milliseconds; raises ValueError for no answer.

    ``report(offset_ns, error_ns, now_ns)`` gets every measurement.
    """

    def __init__(
        self,
        rest: Asked,
        path: str,
        read: Callable[[bytes], int],
        report: Callable[[int, int, int], None],
        *,
        now_ns: Callable[[], int] = time_ns,
    ) -> None:
        self._rest = rest
        self._path = path
        self._read = read
        self._report = report
        self._now_ns = now_ns
        self._wanted = asyncio.Event()

    def measure_soon(self) -> None:
        """There is reason to believe that the clock has moved."""
        self._wanted.set()

    async def measure(self) -> None:
        """Once. Raises RestError, or what ``report`` raised."""
        best = min([await self._sample() for _ in range(_SAMPLES)], key=lambda sample: sample.error_ns)
        self._report(*best, self._now_ns())

    async def run(self) -> NoReturn:
        """Until cancelled. Raises what ``report`` raised; a venue that does not answer is asked again later."""
        while True:
            pause_s = _EVERY_S
            self._wanted.clear()
            try:
                await self.measure()
            except RestError as failure:
                pause_s = max(pause_s, failure.pause_s)
            await asyncio.sleep(_AGAIN_S)
            await pause(pause_s - _AGAIN_S, self._wanted)

    async def _sample(self) -> Offset:
        asked_ns = self._now_ns()
        body = await self._rest.get(self._path, {})
        answered_ns = self._now_ns()
        try:
            told_ns = self._read(body) * _UNIT_NS + _UNIT_NS // 2
        except ValueError:
            raise RestError(f"{self._path}: no time in the answer") from None
        if answered_ns < asked_ns:
            raise RestError("our own clock was set back meanwhile")
        return Offset(told_ns - (asked_ns + answered_ns) // 2, (answered_ns - asked_ns + _UNIT_NS) // 2)
