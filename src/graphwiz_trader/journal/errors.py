"""What can go wrong with a journal.

GraphwizError
└── JournalError
    ├── JournalExistsError       the directory already holds a journal; one directory is one session
    ├── JournalFullError         no room for the next segment; everything appended before is intact
    ├── DataDirInUseError        another trader runs with this data directory
    ├── RecordTooLargeError      a record past the format's limit
    ├── JournalMissingError      no journal there, or a segment was deleted while it was needed
    └── JournalCorruptError      bytes that no writer left; says in which file and where
"""

from __future__ import annotations

from pathlib import Path

from graphwiz_trader.errors import GraphwizError


class JournalError(GraphwizError):
    """Something is wrong with a journal."""


class JournalExistsError(JournalError):
    """The directory already holds a journal."""


class JournalFullError(JournalError):
    """The disk has no room for the next segment. Trading must stop: what it does now cannot be recorded."""


class DataDirInUseError(JournalError):
    """Another trader runs with this data directory."""


class RecordTooLargeError(JournalError):
    """The payload is past the format's limit; nothing was written."""


class JournalMissingError(JournalError):
    """No journal where one was expected, or a segment is gone."""


class JournalCorruptError(JournalError):
    """Bytes that no writer left. The records before ``offset`` of ``path`` are proven good."""

    def __init__(self, path: Path, offset: int, problem: str) -> None:
        super().__init__(f"{path} is damaged at byte {offset}: {problem}; the records before it are intact")
        self.path = path
        self.offset = offset
        self.problem = problem
