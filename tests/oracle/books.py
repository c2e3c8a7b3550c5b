"""Books by the venues' own rules, in dicts of Decimals: what the compiled books must equal, level by level.

Binance spot ("How to manage a local order book correctly"): buffer events; take a snapshot; drop events with
``u <= lastUpdateId``; afterwards an event with ``u <=`` the book's id is old, one with ``U > id + 1`` reveals a gap,
every other is applied and ``id = u``. Binance USD-M, DIFFERENT FROM SPOT: drop events with ``u < lastUpdateId``; the
first applied event has ``U <= lastUpdateId <= u``; every later one has ``pu`` equal to the book's id, or there is a
gap. Quantities are absolute, 0 deletes.

Where those rules leave a choice:

- After a gap the book is untrusted until a snapshot that its buffered events continue; the event that revealed the
  gap is the first one buffered.
- A snapshot older than the buffered events can continue into none of them and is ignored. A spot snapshot with
  ``lastUpdateId == U - 1`` of the first buffered event misses nothing and is accepted.
- A snapshot that comes while the book is in sequence replaces it when it is newer than the book, and is ignored
  otherwise: a recording that continues after a lost connection brings its snapshot before the gap can be seen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from .recording_lines import Line, read

Rule = Literal["spot", "usdm"]
Levels = dict[Decimal, Decimal]


@dataclass
class Book:
    """One symbol's book. ``trusted`` is False before the first snapshot and from a gap to the next good snapshot."""

    rule: Rule
    bids: Levels = field(default_factory=dict)
    asks: Levels = field(default_factory=dict)
    trusted: bool = False
    id: int = -1
    gaps: int = 0
    applied: int = 0
    dropped: int = 0
    _first: bool = False
    _buffer: list[dict[str, Any]] = field(default_factory=list)

    def on_snapshot(self, snapshot: dict[str, Any]) -> None:
        id_ = snapshot["lastUpdateId"]
        if self.trusted and id_ <= self.id:
            return
        if self._buffer and id_ < self._buffer[0]["U"] - (1 if self.rule == "spot" else 0):
            return
        self.bids = {Decimal(price): Decimal(size) for price, size in snapshot["bids"]}
        self.asks = {Decimal(price): Decimal(size) for price, size in snapshot["asks"]}
        self.id, self.trusted, self._first = id_, True, True
        waiting, self._buffer = self._buffer, []
        for event in waiting:
            self.on_depth(event)

    def on_depth(self, event: dict[str, Any]) -> None:
        if not self.trusted:
            self._buffer.append(event)
        elif self._is_old(event):
            self.dropped += 1
        elif self._continues(event):
            self._apply(self.bids, event["b"])
            self._apply(self.asks, event["a"])
            self.id, self._first = event["u"], False
            self.applied += 1
        else:
            self.trusted = False
            self.gaps += 1
            self.bids, self.asks, self._buffer = {}, {}, [event]

    def _is_old(self, event: dict[str, Any]) -> bool:
        if self.rule == "spot":
            return bool(event["u"] <= self.id)
        return bool(event["u"] < self.id) if self._first else bool(event["u"] <= self.id)

    def _continues(self, event: dict[str, Any]) -> bool:
        if self.rule == "spot":
            return bool(event["U"] <= self.id + 1)
        if self._first:
            return bool(event["U"] <= self.id <= event["u"])
        return bool(event["pu"] == self.id)

    @staticmethod
    def _apply(side: Levels, levels: list[list[str]]) -> None:
        for price, size in levels:
            if Decimal(size) == 0:
                side.pop(Decimal(price), None)
            else:
                side[Decimal(price)] = Decimal(size)


@dataclass
class Event:
    """A line of a recording with its meaning: the symbol it is about, and its JSON without the stream's envelope."""

    time_ns: int
    payload: bytes
    symbol: str
    body: dict[str, Any]

    @property
    def is_snapshot(self) -> bool:
        return "lastUpdateId" in self.body

    @property
    def is_depth(self) -> bool:
        return self.body.get("e") == "depthUpdate"


def events(paths: Iterable[Path], lines: int | None = None) -> list[Event]:
    """What several recordings of one exchange say, merged by receive time (files in the given order where equal).

    ``lines``: of each file the first so many alone.
    """
    merged = [event for path in paths for event in _events_of(list(islice(read(path), lines)))]
    return sorted(merged, key=lambda event: event.time_ns)


def _events_of(lines: list[Line]) -> Iterator[Event]:
    bodies = [_body(json.loads(line.payload)) for line in lines if line.what in ("frame", "rest")]
    # Of snapshots only COIN-M's name their symbol, and a REST line's URL does; otherwise the file is about one symbol,
    # which its frames name.
    only_symbol = next((body["s"] for body in bodies if "s" in body), "")
    received = (line for line in lines if line.what in ("frame", "rest"))
    for line, body in zip(received, bodies, strict=True):
        in_url = parse_qs(urlsplit(line.url).query).get("symbol", [only_symbol])
        yield Event(line.time_ns, line.payload, body.get("s") or body.get("symbol", in_url[0]), body)


def _body(frame: Any) -> dict[str, Any]:
    """Without its envelope; nothing of what says nothing of a book: several symbols' frames, partial and RPI depth."""
    if not isinstance(frame, dict) or re.search("@(depth[0-9]|rpiDepth)", frame.get("stream", "")):
        return {}
    body = frame.get("data", frame)
    return body if isinstance(body, dict) else {}


def feed(books: dict[str, Book], event: Event, rule: Rule) -> Book | None:
    """Give a depth event or snapshot to its symbol's book, which comes to be here; other events touch no book."""
    if not (event.is_depth or event.is_snapshot):
        return None
    book = books.setdefault(event.symbol, Book(rule))
    if event.is_snapshot:
        book.on_snapshot(event.body)
    else:
        book.on_depth(event.body)
    return book


def final_books(paths: Iterable[Path], rule: Rule) -> dict[str, Book]:
    """The books by symbol after every event of the recordings."""
    books: dict[str, Book] = {}
    for event in events(paths):
        feed(books, event, rule)
    return books
