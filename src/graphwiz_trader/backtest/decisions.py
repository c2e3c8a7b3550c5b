"""A hash over every decision in order: two runs that decided the same have the same."""

from __future__ import annotations

from hashlib import blake2b

from graphwiz_trader.hft.events import Recorder, RecordKind

_DECISION = int(RecordKind.DECISION)


class DecisionHash:
    """A Recorder that hashes decisions, with the time and the book of each, and passes everything on."""

    def __init__(self, onward: Recorder | None = None) -> None:
        self._hash = blake2b(digest_size=16)
        self._onward = onward
        self.decisions = 0

    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        if kind == _DECISION:
            self.decisions += 1
            self._hash.update(b"%d %d %d " % (source, time_ns, len(payload)))
            self._hash.update(payload)
        if self._onward is not None:
            self._onward.append(kind, source, time_ns, payload)

    @property
    def text(self) -> str:
        """Hexadecimal, of the decisions so far."""
        return self._hash.hexdigest()
