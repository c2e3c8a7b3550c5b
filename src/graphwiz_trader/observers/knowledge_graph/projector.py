"""Brings the graph up to the journals: session after session, in batches, then on as the newest one is written.

A session is always read from its first record, because a round trip's result depends on all fills before it. What
the graph already has of it is merged again on the way and changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from graphwiz_trader.journal.errors import JournalError
from graphwiz_trader.journal.layout import Record
from graphwiz_trader.journal.reader import JournalReader
from graphwiz_trader.observers.knowledge_graph.projection import SessionProjection
from graphwiz_trader.observers.knowledge_graph.schema import Batch
from graphwiz_trader.observers.knowledge_graph.store import GraphStore
from graphwiz_trader.observers.sessions import session_directories

FLUSH_EVERY_S = 5.0
"""A batch costs a tenth of a second of one core whatever its size, most of it the checkpoint at its end."""
_PENDING_MAX = 5_000
_LAST_WORD_S = 30.0
"""How long a rebuilt graph waits for others to let go of the old one."""
_RECORDS_A_TURN = 2_000


class Rebuilt(NamedTuple):
    """What a rebuild read."""

    sessions: int
    records: int


class _Reading:
    """One session being read."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.projection = SessionProjection()
        self.reader = JournalReader(directory)
        self.records: Iterator[Record | None] = self.reader.follow()

    def advance(self) -> bool:
        """Applies what is there, at most one turn's worth. False when nothing was."""
        for turn in range(_RECORDS_A_TURN):
            record = next(self.records)
            if record is None:
                return turn > 0
            self.projection.apply(record)
        return True

    def finish(self) -> Batch:
        """Applies all that is left and takes it, complete when nobody can write any more."""
        was_written = not self.reader.ended and self.reader.being_written()
        while self.advance():
            pass
        return self.projection.take(complete=not was_written)


class GraphProjector:
    """Keeps the graph of `store` up to the journals under `root`; `report` is told what goes wrong, once each."""

    def __init__(self, store: GraphStore, root: Path, report: Callable[[str], None]) -> None:
        self._store = store
        self._root = root
        self._report = report
        self._reading: _Reading | None = None
        self._done: set[str] | None = None
        self._flushed_s = time.monotonic()

    def step(self) -> bool:
        """Reads and writes a little. False when there is nothing to do at present: the caller waits then."""
        if self._reading is None:
            self._reading = self._next_session()
            if self._reading is None:
                return False
        reading = self._reading
        # Asked before reading: what a writer wrote before it died is read after it is known to be dead.
        was_written = not reading.reader.ended and reading.reader.being_written()
        try:
            advanced = reading.projection.pending < _PENDING_MAX and reading.advance()
        except JournalError as error:
            self._report(f"the graph has what precedes the damage: {error}")
            advanced = was_written = False
        over = not advanced and not was_written and reading.projection.pending < _PENDING_MAX
        due = reading.projection.pending >= _PENDING_MAX or time.monotonic() - self._flushed_s >= FLUSH_EVERY_S
        if over or (due and reading.projection.pending):
            written = self._flush(reading.projection, complete=over)
            if over and written:
                self._mark_done(reading)
            return written
        return advanced

    def finish(self) -> None:
        """Writes what has been read, and what is still to be read at once. For an orderly stop."""
        reading = self._reading
        if reading is None:
            return
        try:
            while reading.projection.pending < _PENDING_MAX and reading.advance():
                pass
        except JournalError as error:
            self._report(f"the graph has what precedes the damage: {error}")
        if reading.projection.pending:
            self._flush(reading.projection, complete=reading.reader.ended, wait_s=FLUSH_EVERY_S)

    def _next_session(self) -> _Reading | None:
        """The oldest session that the graph does not have in full."""
        if self._done is None:
            self._done = complete_sessions(self._store)
        for directory in session_directories(self._root):
            if directory.name not in self._done:
                return _Reading(directory)
        return None

    def _mark_done(self, reading: _Reading) -> None:
        assert self._done is not None
        self._done.add(reading.directory.name)
        self._reading = None

    def _flush(self, projection: SessionProjection, *, complete: bool, wait_s: float = 0.0) -> bool:
        batch = projection.take(complete=complete)
        written = self._store.write(batch, wait_s=wait_s)
        if written:
            self._flushed_s = time.monotonic()
        else:
            projection.put_back(batch)
        return written


def complete_sessions(store: GraphStore) -> set[str]:
    """The ids of the sessions that the graph has to their end."""
    if not store.exists:
        return set()
    return {row[0] for row in store.read("MATCH (s:Session) WHERE s.complete RETURN s.id").rows}


def rebuild(store: GraphStore, root: Path, *, progress: Callable[[str, int], None]) -> Rebuilt:
    """Makes the graph anew from all journals under `root`, beside the old one, and puts it in its place at the end.

    `progress` is told the session and how many of its records are read. The observer may run meanwhile: what it
    writes to the old graph comes from journals, and the last records are read again while it is locked out.
    """
    fresh = GraphStore(store.directory / "rebuilding")
    fresh.delete()
    sessions = records = 0
    reading: _Reading | None = None
    for directory in session_directories(root):
        if reading is not None:
            fresh.write(reading.finish())
            records += reading.projection.position
        sessions += 1
        reading = _Reading(directory)
        while reading.advance():
            progress(directory.name, reading.projection.position)
            if reading.projection.pending >= _PENDING_MAX:
                fresh.write(reading.projection.take())
    store.replace_with(fresh, reading.finish if reading else dict, wait_s=_LAST_WORD_S)
    fresh.delete()
    return Rebuilt(sessions, records + (reading.projection.position if reading else 0))
