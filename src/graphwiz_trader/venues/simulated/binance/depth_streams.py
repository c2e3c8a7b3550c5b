"""A symbol's depth streams: changes that chain, and tops that are whole each time.

Sources: Binance spot API docs, "Diff. Depth Stream", "Partial Book Depth Streams"; USD-M futures docs, the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated.binance.market_frames import DepthFrames, DepthSpan
from graphwiz_trader.venues.simulated.binance.schedule import Schedule
from graphwiz_trader.venues.simulated.matching import LevelChange
from graphwiz_trader.venues.simulated.venue_book import VenueBook


class DepthChannel:
    """Tells each level that has changed once per interval, with its latest size.

    Ids count the book's level changes, so that ``U`` and ``u`` span what an event covers. The 0 ms stream of USD-M
    tells every change at once.
    """

    def __init__(self, stream: str, interval_ms: int, book: VenueBook, frames: DepthFrames) -> None:
        self.stream = stream
        self.is_immediate = interval_ms == 0
        self._book = book
        self._frames = frames
        self._schedule = Schedule(interval_ms)
        self._pending: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._told_id = 0
        self._seen_id = 0

    def joined(self, *, is_first: bool) -> None:
        if is_first:  # what happened before is in the snapshot
            self.start_over()

    def add(self, changes: Sequence[LevelChange]) -> None:
        for side, price_ticks, size_lots in changes:
            self._pending[side][price_ticks] = size_lots
        self._seen_id = self._book.update_id

    def collected(self, now_ms: int) -> list[bytes]:
        if self._seen_id == self._told_id or not self._schedule.is_due(now_ms):
            return []
        bids, asks = self._pending
        span = DepthSpan(self._told_id + 1, self._seen_id, self._told_id)
        frame = self._frames.depth(span, list(bids.items()), list(asks.items()), now_ms)
        self._start(self._seen_id)
        return [frame]

    def start_over(self) -> None:
        """Nothing has been told of what comes from now on."""
        self._start(self._book.update_id)

    def _start(self, change_id: int) -> None:
        self._told_id = self._seen_id = change_id
        self._pending[0].clear()
        self._pending[1].clear()


class TopChannel:
    """The best 5, 10 or 20 levels a side, when the book has changed or somebody has joined."""

    def __init__(self, stream: str, interval_ms: int, depth: int, book: VenueBook, frames: DepthFrames) -> None:
        self.stream = stream
        self._book = book
        self._frames = frames
        self._depth = depth
        self._schedule = Schedule(interval_ms)
        self._told_id = 0
        self._is_awaited = False

    def joined(self, *, is_first: bool) -> None:  # noqa: ARG002  # everybody wants to see where it stands
        self._is_awaited = True

    def collected(self, now_ms: int) -> list[bytes]:
        matcher, last_id = self._book.matcher, self._book.update_id
        if (last_id == self._told_id and not self._is_awaited) or not self._schedule.is_due(now_ms):
            return []
        span = DepthSpan(min(self._told_id + 1, last_id), last_id, self._told_id)
        self._told_id, self._is_awaited = last_id, False
        bids, asks = (matcher.levels(side, self._depth) for side in (Side.BUY, Side.SELL))
        return [self._frames.top(span, bids, asks, now_ms)]
