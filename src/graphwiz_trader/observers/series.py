"""What changes over time, in bounded memory: event rates over the last seconds, PnL over the whole session.

Both take the records' time as an argument.
"""

from __future__ import annotations

from collections import deque

POINTS_MAX = 300
_WINDOW_NS = 5_000_000_000
_STEP_NS_FIRST = 250_000_000
_NS_PER_S = 1_000_000_000


class RateMeter:
    """Rates of many counters at once, over the last five seconds of samples."""

    def __init__(self) -> None:
        self._samples: deque[tuple[int, tuple[int, ...]]] = deque()

    def per_second(self, time_ns: int, counters: tuple[int, ...]) -> tuple[float, ...]:
        """The rate of each counter, in events a second; zeros until two samples span some time.

        `counters` has the same length on every call.
        """
        samples = self._samples
        samples.append((time_ns, counters))
        while len(samples) > 2 and samples[0][0] < time_ns - _WINDOW_NS:
            samples.popleft()
        then_ns, then = samples[0]
        elapsed_ns = time_ns - then_ns
        if elapsed_ns <= 0:
            return (0.0,) * len(counters)
        return tuple((now - before) * _NS_PER_S / elapsed_ns for now, before in zip(counters, then, strict=True))


class ThinningHistory:
    """A whole session's series in at most `POINTS_MAX` points.

    A point stands for the last value of its time step. When the points are used up, every second one goes and
    the step doubles. The newest point is always the newest value.
    """

    def __init__(self) -> None:
        self.points: list[tuple[int, str]] = []
        """(time_ms, value), oldest first."""
        self._step_ns = _STEP_NS_FIRST
        self._next_ns = 0

    def add(self, time_ns: int, value: str) -> None:
        point = (time_ns // 1_000_000, value)
        if self.points and time_ns < self._next_ns:
            self.points[-1] = point
            return
        if len(self.points) == POINTS_MAX:
            del self.points[1::2]
            self._step_ns *= 2
        self.points.append(point)
        self._next_ns = time_ns + self._step_ns
