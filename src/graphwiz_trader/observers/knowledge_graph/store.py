"""The graph's file, shared between processes: written in short batches, read in between.

LadybugDB itself lets one process open a database for writing, and lets others open it for reading at the same time,
but a reader that opens it during a checkpoint finds half of it. So every use, writing or reading, is a short
opening of the database under a lock file: exclusive to write a batch, shared to read. A process that dies gives its
lock back by dying; what it had not committed the next opening rolls back.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import ladybug

from graphwiz_trader.observers.knowledge_graph.errors import GraphBusyError, GraphDamagedError, GraphQueryError
from graphwiz_trader.observers.knowledge_graph.schema import MERGES, TABLES, Batch

_BUFFER_BYTES = 64 << 20
_ROWS_A_STATEMENT = 2_000
_LOCK_RETRY_S = 0.05


class Answer(NamedTuple):
    """A query's answer."""

    columns: list[str]
    rows: list[list[Any]]


class GraphStore:
    """The database in ``directory``. Holds nothing open between calls."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / "graph.lbug"
        self._lock_path = directory / "graph.lock"
        self._has_tables = False

    @property
    def exists(self) -> bool:
        return self.path.exists()

    def write(self, *batches: Batch, wait_s: float = 0.0) -> bool:
        """Writes each batch in a transaction of its own.

        False, with nothing written, when another process still has the graph after `wait_s`.
        """
        with self._locked(fcntl.LOCK_EX, wait_s) as locked:
            if locked:
                self._write_locked(batches)
            return locked

    def read(self, cypher: str, parameters: dict[str, Any] | None = None, *, wait_s: float = 30.0) -> Answer:
        """A query's answer; nothing can be written through it.

        GraphQueryError when the database refuses it, GraphBusyError when a writer holds the graph for `wait_s`.
        """
        with self._locked(fcntl.LOCK_SH, wait_s) as locked:
            if not locked:
                raise GraphBusyError(f"another process has held {self._lock_path} for {wait_s:.0f} s; try again")
            if not self.exists:
                return Answer([], [])
            try:
                with _opened(self.path, read_only=True) as connection:
                    return _answer(connection, cypher, parameters)
            except GraphDamagedError:
                pass
        # A writer died inside a batch: what it left can only be rolled back by opening the database for writing.
        with self._locked(fcntl.LOCK_EX, wait_s) as locked:
            if not locked:
                raise GraphBusyError(f"another process has held {self._lock_path} for {wait_s:.0f} s; try again")
            with _opened(self.path, read_only=False):
                pass
            with _opened(self.path, read_only=True) as connection:
                return _answer(connection, cypher, parameters)

    def replace_with(self, other: GraphStore, last: Callable[[], Batch], *, wait_s: float) -> None:
        """Writes what `last` returns to `other` and puts that database in this one's place, in one locked step."""
        with self._locked(fcntl.LOCK_EX, wait_s) as locked:
            if not locked:
                raise GraphBusyError(f"another process has held {self._lock_path} for {wait_s:.0f} s; try again")
            other.write(last())
            # The log first: one that outlived its database would be taken for the new one's.
            for path in self.directory.glob(f"{self.path.name}.*"):
                path.unlink()
            other.path.replace(self.path)

    def delete(self) -> None:
        """Removes the database with its directory. For one that nobody else uses."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _write_locked(self, batches: tuple[Batch, ...]) -> None:
        if not self.exists:
            self._has_tables = False
        with _opened(self.path, read_only=False) as connection:
            if not self._has_tables:
                for statement in TABLES:
                    connection.execute(statement)
                self._has_tables = True
            for batch in batches:
                connection.execute("BEGIN TRANSACTION")
                for kind, merge in MERGES.items():
                    rows = list(batch.get(kind, {}).values())
                    for start in range(0, len(rows), _ROWS_A_STATEMENT):
                        connection.execute(merge, {"rows": rows[start : start + _ROWS_A_STATEMENT]})
                connection.execute("COMMIT")

    @contextmanager
    def _locked(self, how: int, wait_s: float) -> Iterator[bool]:
        self.directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield _lock(descriptor, how, wait_s)
        finally:
            os.close(descriptor)


def _lock(descriptor: int, how: int, wait_s: float) -> bool:
    deadline_s = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline_s:
                return False
            time.sleep(_LOCK_RETRY_S)
        else:
            return True


@contextmanager
def _opened(path: Path, *, read_only: bool) -> Iterator[Any]:
    try:
        database = ladybug.Database(path, read_only=read_only, buffer_pool_size=_BUFFER_BYTES, max_num_threads=1)
    except RuntimeError as error:
        raise GraphDamagedError(
            f"{path} cannot be opened ({_first_line(error)}); `graphwiz graph rebuild` makes it anew from the journals"
        ) from error
    try:
        connection = ladybug.Connection(database)
        try:
            yield connection
        finally:
            connection.close()
    finally:
        database.close()


def _answer(connection: Any, cypher: str, parameters: dict[str, Any] | None) -> Answer:
    try:
        result = connection.execute(cypher, parameters or {})
    except RuntimeError as error:
        raise GraphQueryError(f"the graph refused the query: {_first_line(error)}") from error
    if isinstance(result, list):
        raise GraphQueryError("one statement at a time; found several separated by ';'")
    with result:
        return Answer(result.get_column_names(), result.get_all())


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
