"""Raw frames on their way to disk: kept in memory for a moment by the reader of the socket, written by a thread.

The socket's side only adds to a list; a whole block at a time goes to the thread, which joins, compresses and writes
it in calls that run without Python's lock. When the disk falls behind by ``QUEUE_BYTES`` frames are refused, counted,
and the recording says so as a broken line: whoever replays it knows that something is missing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import SimpleQueue

from graphwiz_trader.recording.layout import SegmentHead, frame_record, line_record, snapshot_record
from graphwiz_trader.recording.segments import Rotation, Segments

BLOCK_BYTES = 256 << 10
"""A block is handed over when it holds this much. Larger ones pack no better and hold Python's lock longer."""
QUEUE_BYTES = 256 << 20


class RawStream:
    """One exchange's side of the socket. Times are those of receipt, in ns. Used by the socket's thread."""

    def __init__(self, hand_over: Callable[[RawStream, list[bytes], int, int], None], segments: Segments) -> None:
        self._hand_over = hand_over
        self.segments = segments
        self._records: list[bytes] = []
        self._bytes = 0
        self._first_ns = 0
        self.is_refusing = False
        """The disk is behind; set by `RawWriter`."""
        self.lost = 0
        """Frames and snapshots that were refused."""
        self.frames = 0
        self.snapshots = 0
        self.raw_bytes = 0
        """Of all payloads kept."""

    def frame(self, time_ns: int, payload: bytes, line: int = 0) -> None:
        """``line``: which of the exchange's parallel lines it came by."""
        self.frames += 1
        self._keep(time_ns, payload, frame_record(time_ns, payload, line))

    def snapshot(self, time_ns: int, symbol: str, payload: bytes) -> None:
        self.snapshots += 1
        self._keep(time_ns, payload, snapshot_record(time_ns, symbol, payload))

    def line(self, time_ns: int, up: bool, reason: str, line: int = 0) -> None:
        self._keep(time_ns, b"", line_record(time_ns, up, reason, line))

    def flush(self) -> None:
        """Hand over what there is."""
        if self._records:
            records, self._records = self._records, []
            size_bytes, self._bytes = self._bytes, 0
            self._hand_over(self, records, size_bytes, self._first_ns)

    def _keep(self, time_ns: int, payload: bytes, record: bytes) -> None:
        if not self._records:
            self._first_ns = time_ns
        self.raw_bytes += len(payload)
        self._records.append(record)
        self._bytes += len(record)
        if self._bytes >= BLOCK_BYTES:
            self.flush()


class RawWriter:
    """The thread that writes, and the streams that feed it. ``heads``: exchange → how its segments' heads are made."""

    def __init__(
        self,
        directory: Path,
        heads: Mapping[str, Callable[[int], SegmentHead]],
        *,
        rotation: Rotation,
        queue_bytes: int = QUEUE_BYTES,
    ) -> None:
        self._queue: SimpleQueue[tuple[RawStream, list[bytes], int, int] | None] = SimpleQueue()
        self._queue_bytes = queue_bytes
        self._handed_over = self._done = 0
        self.streams = {
            exchange: RawStream(self._put, Segments(directory, head, rotation)) for exchange, head in heads.items()
        }
        self.failure: Exception | None = None
        """Why nothing is written any more: a RecorderError, or a bug of ours."""
        self._thread = threading.Thread(target=self._run, name="raw frames", daemon=True)
        self._thread.start()

    @property
    def queued_bytes(self) -> int:
        """Handed over and not yet written."""
        return self._handed_over - self._done

    def has_caught_up(self) -> bool:
        """Whether there is room again for a stream that refuses."""
        return self.failure is None and self.queued_bytes <= self._queue_bytes // 2

    def close(self) -> None:
        """Write what was kept and finish the segments. Raises RecorderError when that was not possible."""
        for stream in self.streams.values():
            stream.flush()
        self._queue.put(None)
        self._thread.join()
        if self.failure is not None:
            raise self.failure

    def _put(self, stream: RawStream, records: list[bytes], size_bytes: int, time_ns: int) -> None:
        self._handed_over += size_bytes
        self._queue.put((stream, records, size_bytes, time_ns))
        if self.queued_bytes > self._queue_bytes or self.failure is not None:
            stream.is_refusing = True

    def _run(self) -> None:
        while (block := self._queue.get()) is not None:
            stream, records, size_bytes, time_ns = block
            if self.failure is None:
                self._attempt(lambda: stream.segments.append(b"".join(records), time_ns))  # noqa: B023  # called at once
            self._done += size_bytes
        for stream in self.streams.values():
            self._attempt(stream.segments.close)

    def _attempt(self, write: Callable[[], None]) -> None:
        try:
            write()
        except Exception as failure:  # told to whoever records; a thread that ends silently would lose everything
            self.failure = self.failure or failure
