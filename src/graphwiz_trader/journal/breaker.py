"""The circuit breaker's memory: one small file that outlives the trading process.

It is written in place, at its full size, so that a trip can be noted on a full disk; and a file that cannot be read
counts as tripped, because a breaker that has forgotten must not let anyone trade.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec

from graphwiz_trader.journal.errors import JournalError

FILE_NAME = "breaker.json"
_FILE_BYTES = 4_096
_TEXT_MAX = 1_000


class Breaker(msgspec.Struct, frozen=True, kw_only=True):
    """``tripped``: why the breaker is open, empty while it is closed. ``by``: who last set it."""

    tripped: str
    by: str
    reason: str
    changed_ns: int


class BreakerFile:
    """The breaker of a data directory, which outlives its traders. Raises JournalError when it cannot be made."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / FILE_NAME
        if not self.path.exists():
            try:
                data_dir.mkdir(parents=True, exist_ok=True)
                self._write(Breaker(tripped="", by="", reason="", changed_ns=0))
            except OSError as error:
                raise JournalError(f"cannot make the breaker's file {self.path}: {error.strerror}") from error

    def read(self) -> Breaker:
        """What the file says; tripped when it says nothing that can be read."""
        try:
            return msgspec.json.decode(self.path.read_bytes().rstrip(b"\0 \n"), type=Breaker)
        except (OSError, msgspec.DecodeError) as error:
            return Breaker(tripped=f"{self.path} cannot be read ({error})", by="", reason="", changed_ns=0)

    def trip(self, why: str, *, by: str = "trader") -> None:
        """Open the breaker. The first reason stays: later ones follow from it."""
        if not self.read().tripped:
            self._write(Breaker(tripped=why[:_TEXT_MAX], by=by[:_TEXT_MAX], reason="", changed_ns=time.time_ns()))

    def reset(self, *, by: str, reason: str) -> None:
        """Close the breaker in a person's name, for a reason. Raises JournalError when either is missing."""
        if not by.strip() or not reason.strip():
            raise JournalError("the breaker is reset by a person for a reason: give both --by and --reason")
        self._write(Breaker(tripped="", by=by[:_TEXT_MAX], reason=reason[:_TEXT_MAX], changed_ns=time.time_ns()))

    def _write(self, breaker: Breaker) -> None:
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(descriptor, msgspec.json.encode(breaker).ljust(_FILE_BYTES, b" "), 0)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
