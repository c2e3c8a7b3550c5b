"""Recorded times turned into waiting."""

from __future__ import annotations

import asyncio

PAUSE_S = 0.001


class Pace:
    """``speed``: times the recorded pace; None waits for nothing."""

    def __init__(self, speed: float | None) -> None:
        if speed is not None and speed <= 0:
            raise ValueError(f"the speed of a recording is above 0, not {speed}; None is as fast as it is read")
        self._speed = speed
        self._first_ns = -1
        self._began_s = 0.0
        self._now_ns = 0

    async def wait_for(self, time_ns: int) -> None:
        self._now_ns = time_ns
        if self._speed is None:
            return
        loop = asyncio.get_running_loop()
        if self._first_ns < 0:
            self._first_ns, self._began_s = time_ns, loop.time()
        due_s = self._began_s + (time_ns - self._first_ns) / 1e9 / self._speed
        while (ahead_s := due_s - loop.time()) > 0:
            await asyncio.sleep(max(ahead_s, PAUSE_S))

    def stand_still(self) -> None:
        """The time since the last frame does not count."""
        self._first_ns, self._began_s = self._now_ns, asyncio.get_running_loop().time()
