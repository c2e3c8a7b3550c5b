"""Which journal is meant: one segment file, one session's directory, or a directory of several sessions."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from graphwiz_trader.journal.errors import JournalCorruptError, JournalMissingError
from graphwiz_trader.journal.layout import MAGIC, SUFFIX, read_header, segment_numbers, segment_path

LATEST = "latest"
"""In the place of a session's name: the newest one."""
_EXPECTED = (
    f"expected a session's directory with segment files 00000000{SUFFIX}, …, one such file, or a directory of sessions"
)


class Journal(NamedTuple):
    """A journal that was found: a session's directory or one segment file, and why that one if there was a choice."""

    path: Path
    choice: str


def locate(path: Path) -> Journal:
    """The journal at ``path``; the newest session where there are several.

    JournalMissingError says what stands there instead.
    """
    if path.name == LATEST and not path.exists():
        return locate(path.parent)
    if path.is_file():
        with path.open("rb") as file:
            head = file.read(len(MAGIC))
        if head != MAGIC:
            raise JournalMissingError(f"{path} is a file that begins with {head!r}, no journal segment; {_EXPECTED}")
        return Journal(path, "")
    if not path.is_dir():
        raise JournalMissingError(f"nothing at {path}; {_EXPECTED}")
    if segment_numbers(path):
        return Journal(path, "")
    sessions = sessions_in(path)
    if sessions:
        choice = f"the newest of {len(sessions)} sessions in {path}" if len(sessions) > 1 else ""
        return Journal(sessions[-1], choice)
    if (path / "journal").is_dir():
        return locate(path / "journal")
    names = sorted(entry.name for entry in path.iterdir())
    found = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "") if names else "nothing"
    raise JournalMissingError(f"no journal in {path}: found {found}; {_EXPECTED}")


def sessions_in(directory: Path) -> list[Path]:
    """The sessions' directories, oldest first, by the time of the oldest record that each still has."""
    dated = []
    for session in sorted(entry for entry in directory.iterdir() if entry.is_dir()):
        numbers = segment_numbers(session)
        if numbers:
            try:
                header = read_header(segment_path(session, numbers[0]))
            except JournalCorruptError:
                header = None
            dated.append((header.first_time_ns if header else 0, session))
    return [session for _, session in sorted(dated)]
