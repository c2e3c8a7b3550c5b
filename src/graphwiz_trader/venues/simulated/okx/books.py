"""The order book channels of one instrument: changes that chain from a snapshot, and tops that are whole each time.

A channel tells each level once per interval, with its latest size. What it told last is remembered, so that levels
that enter or leave its depth are told as well.

Source: OKX API v5 docs, "Order book channel": the first message has ``prevSeqId`` -1, each later one names the
``seqId`` before it; a quiet book is told about every 60 s with no levels and both ids the same; after maintenance
``seqId`` may be smaller than ``prevSeqId``.
"""

from __future__ import annotations

from typing import Protocol

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated.okx import market_frames
from graphwiz_trader.venues.simulated.okx.market_frames import Levels
from graphwiz_trader.venues.simulated.okx.products import Product

HEARTBEAT_MS = 60_000


class Channel(Protocol):
    """One channel of one instrument that tells what has collected."""

    interval_ms: int

    def first(self, now_ms: int) -> bytes:
        """What a new subscriber is told. Those before it have been told everything up to now (``collected``)."""
        ...

    def collected(self, now_ms: int) -> bytes | None:
        """What there is to tell since the last call, None when nothing has changed."""
        ...


class BookChannel:
    """``books``, ``books50-l2-tbt`` or ``books-l2-tbt``."""

    def __init__(self, product: Product, channel: str, depth: int, interval_ms: int) -> None:
        self.interval_ms = interval_ms
        self._product = product
        self._channel = channel
        self._depth = depth
        self._told: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._told_ms = 0
        self._seen = -1
        self._seq_id = product.seq_id

    def first(self, now_ms: int) -> bytes:
        bids, asks = (list(side.items()) for side in self._told)
        self._told_ms = now_ms
        return self._frame("snapshot", bids, asks, (-1, self._seq_id), now_ms)

    def collected(self, now_ms: int) -> bytes | None:
        bids, asks = self._changes()
        if bids or asks:
            previous, self._seq_id = self._seq_id, self._product.seq_id
        elif now_ms - self._told_ms >= HEARTBEAT_MS:
            previous = self._seq_id
        else:
            return None
        self._told_ms = now_ms
        return self._frame("update", bids, asks, (previous, self._seq_id), now_ms)

    def _changes(self) -> tuple[Levels, Levels]:
        matcher = self._product.book.matcher
        if matcher.change_count == self._seen:
            return [], []
        self._seen = matcher.change_count
        before = self._told
        now = (dict(matcher.levels(Side.BUY, self._depth)), dict(matcher.levels(Side.SELL, self._depth)))
        self._told = now
        return _difference(before[0], now[0], Side.BUY), _difference(before[1], now[1], Side.SELL)

    def _frame(self, action: str, bids: Levels, asks: Levels, ids: tuple[int, int], now_ms: int) -> bytes:
        return market_frames.book(self._product, self._channel, action, bids, asks, ids=ids, ts=now_ms)


class TopChannel:
    """``bbo-tbt`` or ``books5``."""

    def __init__(self, product: Product, channel: str, depth: int, interval_ms: int) -> None:
        self.interval_ms = interval_ms
        self._product = product
        self._channel = channel
        self._depth = depth
        self._top: tuple[Levels, Levels] = ([], [])
        self._seq_id = product.seq_id

    def first(self, now_ms: int) -> bytes:
        return market_frames.top(self._product, self._channel, *self._top, seq_id=self._seq_id, ts=now_ms)

    def collected(self, now_ms: int) -> bytes | None:
        matcher = self._product.book.matcher
        top = (matcher.levels(Side.BUY, self._depth), matcher.levels(Side.SELL, self._depth))
        if top == self._top:
            return None
        self._top = top
        self._seq_id = self._product.seq_id
        return self.first(now_ms)


def _difference(before: dict[int, int], now: dict[int, int], side: Side) -> Levels:
    """The levels that changed, from the best outward."""
    gone = [(price, 0) for price in before if price not in now]
    changed = [(price, lots) for price, lots in now.items() if before.get(price) != lots]
    return sorted(gone + changed, reverse=side is Side.BUY)
