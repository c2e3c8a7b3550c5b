"""A recording of parallel lines as one: what the venue has sent, in its order, each message once.

For whoever plays the venue: it has one stream to send, not what several lines made of it. One line is followed; what
the others bring meanwhile is kept until the followed one has brought it too. When that breaks, the one that has brought
most goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from graphwiz_trader.backtest.recordings import RecordedFrame, RecordedLine

_REMEMBERED = 10_000
"""Frames by which one line may be behind another."""


def as_one_line(history: Iterable[RecordedFrame | RecordedLine]) -> Iterator[RecordedFrame]:
    """The frames of a recording's `history`, snapshots included."""
    exchanges: dict[str, _Lines] = {}
    for recorded in history:
        lines = exchanges.setdefault(recorded.exchange, _Lines())
        if isinstance(recorded, RecordedLine):
            if not recorded.up:
                yield from lines.on_down(recorded.line, recorded.time_ns)
        elif recorded.snapshot_of:
            yield recorded
        else:
            yield from lines.on_frame(recorded)


class _Lines:
    """One exchange's."""

    def __init__(self) -> None:
        self._followed: int | None = None
        self._sent: dict[bytes, None] = {}
        """Oldest first."""
        self._ahead: dict[int, dict[bytes, RecordedFrame]] = {}
        """By line, what it has brought and the followed one has not."""

    def on_frame(self, frame: RecordedFrame) -> Iterator[RecordedFrame]:
        """What the venue sends now: nothing, the frame, or first what the followed line has lost before it."""
        if frame.payload in self._sent:
            return
        if self._followed is None:
            self._followed = frame.line
        if frame.line != self._followed:
            self._ahead.setdefault(frame.line, {})[frame.payload] = frame
            return
        for ahead in self._ahead.values():
            if frame.payload in ahead:
                yield from self._send(ahead, frame.payload, frame.time_ns)
        self._note(frame.payload)
        yield frame

    def on_down(self, line: int, now_ns: int) -> Iterator[RecordedFrame]:
        """What another line has brought beyond the one that has broken is sent now."""
        self._ahead.pop(line, None)
        if line == self._followed:
            self._followed = max(self._ahead, key=lambda each: len(self._ahead[each]), default=None)
            if self._followed is not None:
                yield from self._send(self._ahead.pop(self._followed), None, now_ns)

    def _send(self, ahead: dict[bytes, RecordedFrame], until: bytes | None, now_ns: int) -> Iterator[RecordedFrame]:
        """What a line has brought before some message, or all of it, as far as it was not sent."""
        while ahead:
            payload = next(iter(ahead))
            frame = ahead.pop(payload)
            if payload == until:
                return
            if payload not in self._sent:
                self._note(payload)
                yield frame._replace(time_ns=now_ns)

    def _note(self, payload: bytes) -> None:
        self._sent[payload] = None
        if len(self._sent) > _REMEMBERED:
            del self._sent[next(iter(self._sent))]
