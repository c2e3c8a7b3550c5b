"""One trader a data directory: two would share its breaker, and each would count the account as its own alone.

The lock is the system's own (flock): it is gone with the process that held it, however that ended.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from graphwiz_trader.journal.errors import DataDirInUseError, JournalError

FILE_NAME = "trader.lock"
_TEXT_MAX = 200


@contextmanager
def data_dir_lock(data_dir: Path, session: str) -> Iterator[None]:
    """Hold the directory for a session. Raises DataDirInUseError while another has it, JournalError without access."""
    path = data_dir / FILE_NAME
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise JournalError(f"cannot make the lock {path}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, _TEXT_MAX, 0).decode("utf-8", "replace").strip()
            raise DataDirInUseError(
                f"{data_dir} is in use by {holder or 'another trader'}; stop that one, or give this one a data_dir "
                "of its own"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"session {session}, process {os.getpid()}".encode(), 0)
        yield
    finally:
        os.close(descriptor)
