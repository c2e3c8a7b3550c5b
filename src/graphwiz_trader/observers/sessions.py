"""Which sessions there are under a journal root, oldest first, and reading the newest one as it is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from graphwiz_trader.journal.errors import JournalError
from graphwiz_trader.journal.layout import Record, read_header, segment_numbers, segment_path
from graphwiz_trader.journal.reader import JournalReader

_LOOK_EVERY_S = 1.0

Writer = Literal["missing", "alive", "closed", "gone"]
"""Nobody yet; a living process; one that closed the journal in order; one that died without closing it."""


def session_directories(root: Path) -> list[Path]:
    """The directories under ``root`` that hold a journal, by the time of their first record. [] when there is none."""
    if not root.is_dir():
        return []
    found: list[tuple[int, str, Path]] = []
    for directory in root.iterdir():
        try:
            numbers = segment_numbers(directory)
            header = read_header(segment_path(directory, numbers[0])) if numbers else None
        except JournalError:
            continue  # Not a journal of this format: whoever asks for it by name is told so.
        if header is not None:
            found.append((header.first_time_ns, directory.name, directory))
    return [directory for *_, directory in sorted(found)]


class FollowedSession:
    """Reads the session that ``find`` gives, waits while it gives none, and moves on when it gives another."""

    def __init__(self, find: Callable[[], Path | None]) -> None:
        self.directory: Path | None = None
        self.problem = ""
        """Why the present session cannot be read any further; empty while it can."""
        self._find = find
        self._records: Iterator[Record | None] = iter(())
        self._reader: JournalReader | None = None
        self._looked_s = -_LOOK_EVERY_S
        self._heard_s = time.monotonic()

    def poll(self, limit: int) -> list[Record]:
        """Up to `limit` records that have come since the last call; [] when there are none."""
        records: list[Record] = []
        try:
            while len(records) < limit and (record := next(self._records, None)) is not None:
                records.append(record)
        except JournalError as error:
            self.problem = str(error)
            self._records = iter(())
        if records:
            self._heard_s = time.monotonic()
        else:
            self._look()
        return records

    @property
    def silent_s(self) -> float:
        """Since the last record was read."""
        return time.monotonic() - self._heard_s

    @property
    def writer(self) -> Writer:
        """What is known about the process that writes the session."""
        if self._reader is None:
            return "missing"
        if self._reader.ended:
            return "closed"
        try:
            return "alive" if self._reader.being_written() else "gone"
        except OSError:  # The directory was deleted.
            return "gone"

    def _look(self) -> None:
        now_s = time.monotonic()
        if now_s - self._looked_s < _LOOK_EVERY_S:
            return
        self._looked_s = now_s
        directory = self._find()
        if directory is not None and directory != self.directory:
            self.directory = directory
            self.problem = ""
            self._reader = JournalReader(self.directory)
            self._records = self._reader.follow()


class NewestSession(FollowedSession):
    """Whatever session is the newest under ``root``."""

    def __init__(self, root: Path) -> None:
        def find() -> Path | None:
            directories = session_directories(root)
            return directories[-1] if directories else None

        super().__init__(find)


class OneSession(FollowedSession):
    """The session in ``directory``, which may not exist yet."""

    def __init__(self, directory: Path) -> None:
        super().__init__(lambda: directory if segment_numbers(directory) else None)
