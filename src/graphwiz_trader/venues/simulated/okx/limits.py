"""How often something may be done: so many times within any window of time.

Sources: OKX API v5 docs, "WebSocket: Connect" (3 a second by IP; 480 subscribe, unsubscribe and login an hour by
connection), "Rate Limits" (orders by user and instrument; 1,000 new and amended ones in 2 s by account, spot left out).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Generic, NamedTuple, TypeVar

_REMEMBERED = 1_024
Subject = TypeVar("Subject", bound=Hashable)


class Rate(NamedTuple):
    """At most ``limit`` in any ``period_ms``."""

    limit: int
    period_ms: int


CONNECTS = Rate(3, 1_000)
SUBSCRIPTIONS = Rate(480, 3_600_000)


class Windows(Generic[Subject]):
    """Counts one thing for each of many subjects; those who have been quiet for a period are forgotten."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self._times: dict[Subject, deque[int]] = {}

    def take(self, subject: Subject, now_ms: int, count: int = 1) -> bool:
        """Whether it may be done ``count`` times now; if not, nothing is counted."""
        times = self._times.get(subject)
        if times is None:
            if len(self._times) >= _REMEMBERED:
                self._forget(now_ms)
            times = self._times[subject] = deque()
        while times and times[0] <= now_ms - self.rate.period_ms:
            times.popleft()
        if len(times) + count > self.rate.limit:
            return False
        times.extend([now_ms] * count)
        return True

    def _forget(self, now_ms: int) -> None:
        since_ms = now_ms - self.rate.period_ms
        self._times = {subject: times for subject, times in self._times.items() if times and times[-1] > since_ms}
