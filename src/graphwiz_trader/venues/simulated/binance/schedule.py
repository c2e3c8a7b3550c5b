"""When a stream that collects may speak: once an interval of the venue's clock."""

from __future__ import annotations


class Schedule:
    """``interval_ms`` 0: at any time."""

    def __init__(self, interval_ms: int) -> None:
        self._interval_ms = interval_ms
        self._due_ms = 0

    def is_due(self, now_ms: int) -> bool:
        """Whether its time has come; if so, the next begins with the clock's next interval."""
        if now_ms < self._due_ms:
            return False
        if self._interval_ms:
            self._due_ms = now_ms - now_ms % self._interval_ms + self._interval_ms
        return True
