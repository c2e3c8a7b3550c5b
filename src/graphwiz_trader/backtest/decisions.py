"""A hash over every decision in order, and one over every order: two runs that did the same have the same."""

from __future__ import annotations

from hashlib import blake2b

from graphwiz_trader.hft.events import Recorder, RecordKind

_DECISION, _ORDER = int(RecordKind.DECISION), int(RecordKind.ORDER)


class DecisionHash:
    """A Recorder that hashes decisions and orders, with the time and the book of each, and passes everything on."""

    def __init__(self, onward: Recorder | None = None) -> None:
        self._hashes = {kind: blake2b(digest_size=16) for kind in (_DECISION, _ORDER)}
        self._onward = onward
        self.decisions = 0

    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        hashed = self._hashes.get(kind)
        if hashed is not None:
            self.decisions += kind == _DECISION
            hashed.update(b"%d %d %d " % (source, time_ns, len(payload)))
            hashed.update(payload)
        if self._onward is not None:
            self._onward.append(kind, source, time_ns, payload)

    @property
    def text(self) -> str:
        """Hexadecimal, of the decisions so far."""
        return self._hashes[_DECISION].hexdigest()

    def did_the_same(self, other: DecisionHash) -> bool:
        """Whether both saw the same decisions and the same orders, each in the same order."""
        return all(self._hashes[kind].digest() == other._hashes[kind].digest() for kind in self._hashes)
