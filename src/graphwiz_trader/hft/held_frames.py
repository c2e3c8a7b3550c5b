"""Frames that a book cannot use yet: in the order received, bounded by count and by bytes.

They wait for a snapshot that they continue, or for a parallel line to bring what is missing before them. Frames of
one line are in the venue's order; of two lines either may be ahead.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from graphwiz_trader.hft.kernels import outcome


class _Held(NamedTuple):
    line: int
    frame: bytes
    event_ms: int
    """The venue's time."""
    received_ns: int


class HeldFrames:
    """One book's. Beyond ``max_frames`` or ``max_bytes`` the oldest go, and a gap will show it."""

    def __init__(self, max_frames: int, max_bytes: int) -> None:
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._bytes = 0
        self._frames: deque[_Held] = deque()

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def lines(self) -> set[int]:
        """Those whose frames wait."""
        return {held.line for held in self._frames}

    def append(self, line: int, frame: bytes, event_ms: int, received_ns: int) -> None:
        """Keep a frame; one that is larger than all that may be kept is lost."""
        if len(frame) > self._max_bytes:
            return
        while self._frames and (len(self._frames) == self._max_frames or self._bytes + len(frame) > self._max_bytes):
            self._bytes -= len(self._frames.popleft().frame)
        self._frames.append(_Held(line, frame, event_ms, received_ns))
        self._bytes += len(frame)

    def clear(self) -> None:
        self._frames.clear()
        self._bytes = 0

    def forget(self, line: int, before_ms: int) -> None:
        """A frame of this time was of use on this line: what the line brought before it no longer can be."""
        self._keep(held for held in self._frames if held.line != line or held.event_ms >= before_ms)

    def offer(self, use: Callable[[int, bytes, int], int]) -> int:
        """Give each to ``use(line, frame, received_ns)``, which answers with its outcome; what is behind a gap stays.

        Returns TOP_CHANGED when one changed the top, or else QUIET; or the first problem that is no gap: the frame
        that had it is gone, those behind it are not.
        """
        result = outcome.QUIET
        again = True
        while again:
            again = False
            waiting: list[_Held] = []
            blocked: set[int] = set()
            frames = self._frames
            while frames:
                held = frames.popleft()
                code = outcome.GAP if held.line in blocked else use(held.line, held.frame, held.received_ns)
                if code == outcome.GAP:
                    blocked.add(held.line)
                    waiting.append(held)
                elif code >= outcome.FIRST_PROBLEM:
                    self._keep([*waiting, *frames])
                    return code
                else:
                    again = bool(blocked)  # it may be what another line waits for
                    if code == outcome.TOP_CHANGED:
                        result = code
            self._keep(waiting)
        return result

    def _keep(self, frames: Iterable[_Held]) -> None:
        self._frames = deque(frames)
        self._bytes = sum(len(held.frame) for held in self._frames)
