"""How fast a venue may be asked: random pauses that grow with failures, and allowances per time window."""

from __future__ import annotations

import asyncio
from collections import deque
from math import inf
from random import Random


class BackOff:
    """Full-jitter back-off: each pause is anywhere from nothing to a bound that doubles with every failure.

    Source: AWS Architecture Blog, "Exponential Backoff And Jitter". Many clients that failed together do not come
    back together.
    """

    def __init__(self, *, first_s: float, most_s: float, random: Random) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._random = random
        self.failures = 0

    def next_s(self) -> float:
        """The pause after one more failure."""
        bound_s = min(self._most_s, self._first_s * 2.0 ** min(self.failures, 60))
        self.failures += 1
        return self._random.uniform(0.0, bound_s)

    def reset(self) -> None:
        self.failures = 0


class Allowance:
    """So much in any window of so many seconds: connection attempts, request weight."""

    def __init__(self, most: int, per_s: float) -> None:
        self._most = most
        self._per_s = per_s
        self._taken: deque[tuple[float, int]] = deque()
        self._sum = 0

    async def take(self, amount: int = 1) -> None:
        """Wait until the window has room, then use it. Raises ValueError for more than a whole window."""
        if amount > self._most:
            raise ValueError(f"{amount} at once; the allowance is {self._most} in {self._per_s:g} s")
        now_s = asyncio.get_running_loop().time
        while True:
            while self._taken and self._taken[0][0] <= now_s() - self._per_s:
                self._sum -= self._taken.popleft()[1]
            if self._sum + amount <= self._most:
                break
            await asyncio.sleep(self._taken[0][0] + self._per_s - now_s())
        self._taken.append((now_s(), amount))
        self._sum += amount


class Ration:
    """So many messages in any window of so many seconds, each of which may carry much.

    While less than half is used up they go at once, ``least_s`` apart, so that what comes up together goes together;
    then evenly, so that the window is never used up and what waits goes in the next message.
    """

    def __init__(self, most: int, per_s: float, *, least_s: float) -> None:
        self._half = most // 2
        self._per_s = per_s
        self._least_s = least_s
        self._even_s = per_s / (most - self._half)
        self._times: deque[float] = deque()

    def pause_s(self, now_s: float) -> float:
        """How long the next message has to wait; 0 when it may go."""
        while self._times and self._times[0] <= now_s - self._per_s:
            self._times.popleft()
        if not self._times:
            return 0.0
        apart_s = self._least_s if len(self._times) < self._half else self._even_s
        return max(0.0, self._times[-1] + apart_s - now_s)

    def note(self, now_s: float) -> None:
        """A message went."""
        self._times.append(now_s)


async def pause(for_s: float, unless: asyncio.Event) -> None:
    """Wait for so long, ``inf`` for ever, or until the event is set."""
    try:
        async with asyncio.timeout(for_s if for_s < inf else None):
            await unless.wait()
    except TimeoutError:
        pass
