"""A book as two sorted arrays, which is what most books are: found by bisection, changed by shifting the rest.

Rejected for the ladder of ``hft.kernels.ladder``: a venue's book grows to thousands of levels, and an insertion or
deletion in it moves the rest. The arrays here keep the best level last, so that changes near the top move least.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from graphwiz_trader.hft.kernels import binance, outcome
from graphwiz_trader.hft.kernels.json_scan import add_symbol
from graphwiz_trader.hft.kernels.layout import Array, new_books, new_feed

_CAPACITY = 1 << 14
_Ints = npt.NDArray[np.int64]


class SortedArrayBook:
    """One symbol's book; frames go through the product's own decoder, so that only the books differ."""

    def __init__(self, symbol: str, price_decimals: int, size_decimals: int, *, futures: bool) -> None:
        self._feed, self._rules = new_feed(), new_books(1)
        add_symbol(self._feed, symbol.encode(), 0)
        rules = self._rules[0]
        rules["price_decimals"], rules["size_decimals"] = price_decimals, size_decimals
        rules["tick_step"] = rules["lot_step"] = 1
        rules["sequence_rule"] = int(futures)
        self._keys = np.zeros((2, _CAPACITY), np.int64)
        self._lots = np.zeros((2, _CAPACITY), np.int64)
        self._counts = np.zeros(2, np.int64)

    def reset(self, snapshot: bytes) -> None:
        self._counts[:] = 0
        binance.on_snapshot(snapshot, self._feed, self._rules, 0, 0)
        _apply(self._feed, self._keys, self._lots, self._counts)

    def handle(self, frames: list[bytes]) -> None:
        for frame in frames:
            if binance.decode(frame, self._feed, self._rules) == outcome.QUIET:
                _apply(self._feed, self._keys, self._lots, self._counts)

    def best(self) -> tuple[int, int]:
        """Best bid and ask in ticks."""
        return int(self._keys[0, self._counts[0] - 1]), -int(self._keys[1, self._counts[1] - 1])


@numba.njit(cache=True)
def _apply(feeds: Array, keys: _Ints, lots: _Ints, counts: _Ints) -> None:
    feed = feeds[0]
    for side in range(2):
        for i in range(feed.count[side]):
            ticks = feed.ticks[side, i]
            _set(keys[side], lots[side], counts, side, ticks if side == 0 else -ticks, feed.lots[side, i])


@numba.njit(cache=True)
def _set(keys: _Ints, lots: _Ints, counts: _Ints, side: int, key: int, size: int) -> None:
    """Keys ascend, so the best level (highest bid, lowest ask, whose keys are negative) stands last."""
    count = counts[side]
    place = np.searchsorted(keys[:count], key)
    if place < count and keys[place] == key:
        if size != 0:
            lots[place] = size
            return
        for i in range(place, count - 1):
            keys[i] = keys[i + 1]
            lots[i] = lots[i + 1]
        counts[side] = count - 1
    elif size != 0:
        for i in range(count, place, -1):
            keys[i] = keys[i - 1]
            lots[i] = lots[i - 1]
        keys[place] = key
        lots[place] = size
        counts[side] = count + 1
