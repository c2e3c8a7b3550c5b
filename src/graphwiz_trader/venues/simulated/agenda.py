"""What is under way between a trader and venues inside its own process: requests going out, answers coming back."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping

from graphwiz_trader.hft.events import ExecutionReport
from graphwiz_trader.venues.simulated.reports import encode_reports

Happening = Callable[[int], None]
"""Is told its own time, in ns."""


class Agenda:
    """What happens when, in the order of times; at one moment in the order it was asked for.

    ``order_lines``: exchange → the line that its answers come on.
    """

    def __init__(self, order_lines: Mapping[str, int]) -> None:
        self._order_lines = dict(order_lines)
        self._due: list[tuple[int, int, Happening]] = []
        self._count = 0
        self.deliver: Callable[[int, bytes, int], None] = _nobody
        """``Engine.on_order_frame``, set once the engine exists."""
        self.changed: Callable[[], None] = _nobody_waits
        """Called when something is added."""

    @property
    def next_ns(self) -> int | None:
        """When the next thing happens, None while nothing is under way."""
        return self._due[0][0] if self._due else None

    def run_next(self) -> None:
        at_ns, _, happen = heapq.heappop(self._due)
        happen(at_ns)

    def add(self, time_ns: int, happen: Happening) -> None:
        self._count += 1
        heapq.heappush(self._due, (time_ns, self._count, happen))
        self.changed()

    def answer(self, exchange: str, reports: Iterable[ExecutionReport], time_ns: int) -> None:
        """Have reports delivered at a time, a frame each, as frames of the exchange's order line."""
        line = self._order_lines[exchange]
        for report in reports:
            frame = encode_reports([report])
            self.add(time_ns, lambda at_ns, frame=frame: self.deliver(line, frame, at_ns))  # type: ignore[misc]


def _nobody(*_: object) -> None:
    raise RuntimeError("Agenda.deliver is not set: connect it to Engine.on_order_frame")


def _nobody_waits() -> None:
    """A replay asks by itself what is due."""
