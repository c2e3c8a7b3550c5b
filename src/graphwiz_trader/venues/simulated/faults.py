"""Faults a test can ask of a venue, each small and exact: the next frames lost, the next snapshots refused."""

from __future__ import annotations

from collections import Counter, deque


class Faults:
    """The faults armed at one venue. Nothing is armed at first."""

    def __init__(self) -> None:
        self._depth_to_drop: Counter[str] = Counter()
        self._snapshot_failures: deque[int] = deque()

    def drop_depth(self, symbol: str, frames: int) -> None:
        """Lose the next depth frames of a symbol (``BTCUSDT``), so that its sequence has a gap."""
        self._depth_to_drop[symbol] += frames

    def fail_snapshot(self, status: int, times: int = 1) -> None:
        """Answer the next snapshot requests with this HTTP status."""
        self._snapshot_failures.extend([status] * times)

    def drops_depth(self, symbol: str) -> bool:
        """Whether this depth frame is to be lost; counts it."""
        if not self._depth_to_drop[symbol]:
            return False
        self._depth_to_drop[symbol] -= 1
        return True

    def snapshot_failure(self) -> int | None:
        """The status to fail this snapshot request with, None to answer it; counts it."""
        return self._snapshot_failures.popleft() if self._snapshot_failures else None
