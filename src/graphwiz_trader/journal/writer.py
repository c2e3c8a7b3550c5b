"""The writing end of a journal: ``append`` is one compiled call; everything slow happens ahead of need elsewhere."""

from __future__ import annotations

import errno
import os
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np

from graphwiz_trader.hft.kernels.jit import direct
from graphwiz_trader.hft.kernels.journal_append import APPEND_ARGUMENTS, SEAL_KIND, append_record
from graphwiz_trader.journal.errors import (
    JournalError,
    JournalExistsError,
    JournalFullError,
    RecordTooLargeError,
)
from graphwiz_trader.journal.layout import (
    PAYLOAD_BYTES_MAX,
    SEAL_CONTINUES,
    SEAL_ENDS,
    SEGMENT_HEADER_BYTES,
    SUFFIX,
    SegmentHeader,
    lock_for_writing,
    pack_identity,
    segment_path,
)
from graphwiz_trader.journal.segment import WritableSegment, segment_bytes_for

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NOWHERE = np.zeros(SEGMENT_HEADER_BYTES, dtype=np.uint8)
"""A segment header of zeros: its limit lets no record in, so an append while no segment is open takes the slow way."""


class JournalWriter:
    """Writes one session's journal into ``directory``, made if missing. For one thread.

    While records go into one segment, a thread prepares the next: allocates it on the disk and touches its pages.
    Two segments are resident at any time (64 MiB by default), whatever the session's length.

    Raises JournalExistsError when the directory holds a journal already (one directory is one session), and
    JournalFullError when there is no room for the first segment.
    """

    __slots__ = (
        "_address",
        "_append",
        "_current",
        "_directory",
        "_lock",
        "_next",
        "_refusal",
        "_segment_bytes",
        "_session",
        "_worker",
    )

    def __init__(self, directory: Path, *, session: str, segment_bytes: int = 32 << 20) -> None:
        page_bytes = segment_bytes_for(0)
        if not page_bytes <= segment_bytes <= PAYLOAD_BYTES_MAX:
            raise ValueError(f"segment_bytes is {segment_bytes}, allowed: {page_bytes} to {PAYLOAD_BYTES_MAX}")
        pack_identity(SegmentHeader(session, 0, 0))  # refuses a name that does not fit, before anything is made
        directory.mkdir(parents=True, exist_ok=True)
        found = sorted(path.name for path in directory.glob(f"*{SUFFIX}"))
        if found:
            raise JournalExistsError(
                f"{directory} already holds a journal ({found[0]} and {len(found) - 1} more): "
                "a session is never appended to, give the new one a directory of its own"
            )
        self._directory = directory
        self._session = session
        self._segment_bytes = segment_bytes // page_bytes * page_bytes
        self._append = direct(append_record, APPEND_ARGUMENTS)
        self._address = int(_NOWHERE.ctypes.data)
        self._current: WritableSegment | None = None
        self._refusal: JournalError | None = None
        first = self._make_segment(0, self._segment_bytes)
        self._lock = lock_for_writing(directory)
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._next: Future[WritableSegment] | None = self._worker.submit(lambda: first)

    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        """Record ``payload``; it can be read from other processes when this returns.

        ``kind`` is a ``hft.events.RecordKind``, ``source`` a line or book id (0…65535). JournalFullError when the
        disk is full, RecordTooLargeError past ``PAYLOAD_BYTES_MAX``, ValueError for numbers out of range.
        """
        if not self._append(self._address, kind, source, time_ns, payload):
            self._append_to_next_segment(kind, source, time_ns, payload)

    def close(self) -> None:
        """Seal the journal as cleanly ended and wait until the disk has its last segment. Again: does nothing."""
        if self._lock < 0:
            return
        self._refuse(JournalError(f"the journal in {self._directory} is closed"))
        if self._current is not None:
            self._current.seal(SEAL_ENDS)
            self._current.finish()
        if self._next is not None:
            with suppress(OSError):
                self._next.result().discard()
        self._worker.shutdown()
        os.close(self._lock)
        self._lock = -1

    def _append_to_next_segment(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        if self._refusal is not None:
            raise self._refusal.with_traceback(None)
        if not (0 < kind < SEAL_KIND and 0 <= source <= 0xFFFF):
            raise ValueError(f"kind {kind}, source {source}: allowed are 1 to {SEAL_KIND - 1} and 0 to {0xFFFF}")
        if len(payload) > PAYLOAD_BYTES_MAX:
            raise RecordTooLargeError(f"a payload of {len(payload)} bytes: a record holds at most {PAYLOAD_BYTES_MAX}")
        segment = self._take_next_segment(len(payload))
        # Sealed first, begun second: whoever finds a segment begun knows that the one before is complete.
        if self._current is not None:
            self._current.seal(SEAL_CONTINUES)
            self._worker.submit(self._current.release)
        segment.begin(self._session, time_ns)
        self._current = segment
        self._address = segment.address
        self._next = self._worker.submit(WritableSegment, self._directory, segment.number + 1, self._segment_bytes)
        appended = self._append(self._address, kind, source, time_ns, payload)
        assert appended, f"a new segment of {segment.size_bytes} bytes has no room for {len(payload)}"

    def _take_next_segment(self, payload_bytes: int) -> WritableSegment:
        """The prepared segment; a new one when that is too small or could not be made then but can be now."""
        number = 0 if self._current is None else self._current.number + 1
        assert self._next is not None
        try:
            segment = self._next.result()
        except OSError:
            pass
        else:
            if segment.fits(payload_bytes):
                return segment
            segment.discard()
        self._next = None
        try:
            return self._make_segment(number, max(self._segment_bytes, segment_bytes_for(payload_bytes)))
        except JournalError as refusal:
            self._refuse(refusal)
            raise

    def _refuse(self, refusal: JournalError) -> None:
        """Refuse every append from now on: one that is smaller and would still fit must not leave a gap before it."""
        self._refusal = refusal
        self._address = int(_NOWHERE.ctypes.data)

    def _make_segment(self, number: int, size_bytes: int) -> WritableSegment:
        try:
            return WritableSegment(self._directory, number, size_bytes)
        except FileExistsError as error:
            raise JournalExistsError(
                f"{error.filename} exists: another process writes into {self._directory}"
            ) from error
        except OSError as error:
            path = segment_path(self._directory, number)
            if error.errno not in _NO_ROOM:
                raise JournalError(f"cannot make the journal segment {path}: {error.strerror}") from error
            raise JournalFullError(
                f"no room for the journal segment {path} of {size_bytes} bytes ({error.strerror}); every record before "
                "it is intact: free some space, then start a new session"
            ) from error
