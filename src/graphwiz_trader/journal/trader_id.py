"""Who the trader of a data directory is: a few letters that begin the client ids of all its sessions' orders.

By them a session knows the orders of an earlier one, which was killed, from those of other traders on the same account.
Whoever loses the directory loses the claim to them: they are others' orders then.
"""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from graphwiz_trader.journal.errors import JournalError

FILE_NAME = "trader.id"
_MARK = "gw"
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LENGTH = 5
"""60 million traders, and as many sessions of each: two that share an account will hardly be called the same."""


def trader_id(data_dir: Path) -> str:
    """The directory's, made when it has none. Raises JournalError when it cannot be read or kept."""
    path = data_dir / FILE_NAME
    try:
        if not path.exists():
            _keep(path, _MARK + _random_letters())
        found = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise JournalError(f"cannot keep who the trader is in {path}: {error.strerror}") from error
    if not re.fullmatch(f"{_MARK}[{_LETTERS}]{{{_LENGTH}}}", found):
        raise JournalError(
            f"{path} holds no trader's name, which is {_MARK} and {_LENGTH} letters or digits; put the right one back, "
            "or delete the file and cancel at the exchange what this trader has left open"
        )
    return found


def new_prefix(trader: str) -> str:
    """Begins the client ids of one session of that trader."""
    return (trader or _MARK) + _random_letters()


def _random_letters() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))


def _keep(path: Path, name: str) -> None:
    """Whole or not at all, and before the first order bears it."""
    unfinished = path.with_suffix(".new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, f"{name}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    unfinished.replace(path)
