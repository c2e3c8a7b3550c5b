"""One side of a book as a ladder indexed by price tick: constant-time updates, the best level always known.

Levels near the best stand in a window of ``WINDOW`` slots, one a tick, with a two-level bitmap of which are
occupied; the few beyond it stand in a sorted array. When the best price leaves the window's good part, the window
moves. A sorted array of all levels, which is what most books are, costs five to ten times as much an update.

Keys are explained in ``layout``: on both sides the best level is the lowest key.
"""

from __future__ import annotations

import numpy as np

from graphwiz_trader.hft.kernels.bits import trailing_zeros
from graphwiz_trader.hft.kernels.jit import inlined, kernel
from graphwiz_trader.hft.kernels.layout import BOOK, FAR, MARGIN, NO_KEY, SUMMARY_WORDS, WINDOW, Array, Record
from graphwiz_trader.hft.kernels.prefetch import prefetch

_LOTS_AT = dict(BOOK.fields or {})["lots"][1]
"""Where in a book's record the windows' slots begin, in bytes."""


@kernel
def set_level(book: Record, side: int, key: int, lots: int) -> bool:
    """Make the level at ``key`` hold ``lots``; 0 deletes it. False when the far store is full: resynchronise."""
    if book.count[side] == 0:
        if lots == 0:
            return True
        book.base[side] = key - MARGIN
    slot = key - book.base[side]
    if slot < 0:
        if lots == 0:
            return True
        if not _move_window(book, side, key - MARGIN):
            return False
        slot = key - book.base[side]
    if slot >= WINDOW:
        return _set_far(book, side, key, lots)
    # Whether a level comes, changes or goes, nobody foresees: what differs is computed, not branched on.
    stands = lots != 0
    book.count[side] += stands - (book.lots[side, slot] != 0)
    book.lots[side, slot] = lots
    word = slot >> 6
    bits = _with_bit(book.occupied[side, word], slot, stands)
    book.occupied[side, word] = bits
    book.summary[side, word >> 6] = _with_bit(book.summary[side, word >> 6], word, bits != 0)
    if not stands and key == book.best[side]:
        return _find_best(book, side, slot)
    book.best[side] = min(book.best[side], key if stands else NO_KEY)
    return True


@inlined
def expect_level(book: Record, side: int, key: int) -> None:
    """The level at ``key`` is about to be set: its slot is fetched while the rest of it is still being read."""
    slot = key - book.base[side]
    prefetch(book, _LOTS_AT + 8 * (side * WINDOW + slot))


@kernel
def clear_side(book: Record, side: int) -> None:
    """Delete every level; touches only what is occupied."""
    slot = _next_slot(book, side, 0)
    while slot >= 0:
        book.lots[side, slot] = 0
        _clear_slot(book, side, slot)
        slot = _next_slot(book, side, slot + 1)
    book.far_count[side] = 0
    book.count[side] = 0
    book.best[side] = NO_KEY


@kernel
def next_key(book: Record, side: int, after: int) -> int:
    """The lowest key above ``after``, NO_KEY when there is none. Start with ``best - 1``."""
    slot = max(after + 1 - book.base[side], 0)
    if slot < WINDOW and book.count[side] > book.far_count[side]:
        found = _next_slot(book, side, slot)
        if found >= 0:
            return book.base[side] + found
    place = _far_place(book, side, after + 1)
    if place < book.far_count[side]:
        return book.far_key[side, place]
    return NO_KEY


@kernel
def lots_at(book: Record, side: int, key: int) -> int:
    """The size at ``key``, 0 when no level stands there."""
    slot = key - book.base[side]
    if slot < 0 or book.count[side] == 0:
        return 0
    if slot < WINDOW:
        return book.lots[side, slot]
    place = _far_place(book, side, key)
    if place < book.far_count[side] and book.far_key[side, place] == key:
        return book.far_lots[side, place]
    return 0


@kernel
def copy_levels(books: Array, row: int, side: int, ticks: Array, lots: Array) -> int:
    """Write the best ``len(ticks)`` levels, best first, into two int64 arrays; returns how many there were."""
    book = books[row]
    sign = -1 if side == 0 else 1
    key = book.best[side]
    done = 0
    while key != NO_KEY and done < len(ticks):
        ticks[done] = key * sign
        lots[done] = lots_at(book, side, key)
        done += 1
        key = next_key(book, side, key)
    return done


@kernel
def level_lots(books: Array, row: int, side: int, ticks: int) -> int:
    """The size at a price, 0 when no level stands there."""
    return lots_at(books[row], side, -ticks if side == 0 else ticks)


@kernel
def reaches(books: Array, row: int, side: int, ticks: int) -> bool:
    """Whether a level stands at a price or at a worse one."""
    return next_key(books[row], side, (-ticks if side == 0 else ticks) - 1) != NO_KEY


@inlined
def _with_bit(bits: np.uint64, place: int, is_set: bool) -> np.uint64:
    """The word with its bit at ``place``, modulo 64, set or cleared."""
    shift = np.uint64(place & 63)
    return (bits & ~(np.uint64(1) << shift)) | (np.uint64(is_set) << shift)


@kernel
def _clear_slot(book: Record, side: int, slot: int) -> None:
    word = slot >> 6
    book.occupied[side, word] &= ~(np.uint64(1) << np.uint64(slot & 63))
    if book.occupied[side, word] == 0:
        book.summary[side, word >> 6] &= ~(np.uint64(1) << np.uint64(word & 63))


@kernel
def _next_slot(book: Record, side: int, slot: int) -> int:
    """The first occupied slot from ``slot`` on, -1 when there is none."""
    if slot >= WINDOW:
        return -1
    word = slot >> 6
    bits = book.occupied[side, word] >> np.uint64(slot & 63)
    if bits != 0:
        return slot + trailing_zeros(bits)
    word += 1
    group = word >> 6
    if group >= SUMMARY_WORDS:
        return -1
    words = book.summary[side, group] >> np.uint64(word & 63) << np.uint64(word & 63)
    while words == 0:
        group += 1
        if group >= SUMMARY_WORDS:
            return -1
        words = book.summary[side, group]
    word = (group << 6) + trailing_zeros(words)
    return (word << 6) + trailing_zeros(book.occupied[side, word])


@kernel
def _find_best(book: Record, side: int, slot: int) -> bool:
    """After the best level went: the next one, moving the window when it is deep in it or beyond."""
    if book.count[side] == 0:
        book.best[side] = NO_KEY
        return True
    found = _next_slot(book, side, slot)
    key = book.base[side] + found if found >= 0 else book.far_key[side, 0]
    book.best[side] = key
    if key - book.base[side] > WINDOW // 2:
        return _move_window(book, side, key - MARGIN)
    return True


@kernel
def _far_place(book: Record, side: int, key: int) -> int:
    """Where ``key`` stands, or would stand, in the sorted far store."""
    low, high = 0, book.far_count[side]
    while low < high:
        middle = (low + high) >> 1
        if book.far_key[side, middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _set_far(book: Record, side: int, key: int, lots: int) -> bool:
    count = book.far_count[side]
    place = _far_place(book, side, key)
    if place < count and book.far_key[side, place] == key:
        if lots != 0:
            book.far_lots[side, place] = lots
            return True
        for i in range(place, count - 1):
            book.far_key[side, i] = book.far_key[side, i + 1]
            book.far_lots[side, i] = book.far_lots[side, i + 1]
        book.far_count[side] = count - 1
        book.count[side] -= 1
        return True
    if lots == 0:
        return True
    if count == FAR:
        return False
    for i in range(count, place, -1):
        book.far_key[side, i] = book.far_key[side, i - 1]
        book.far_lots[side, i] = book.far_lots[side, i - 1]
    book.far_key[side, place] = key
    book.far_lots[side, place] = lots
    book.far_count[side] = count + 1
    book.count[side] += 1
    return True


@kernel
def _move_window(book: Record, side: int, base: int) -> bool:
    """Place the window at ``base``. Rare: the price moved by a large part of the window since the last time."""
    total = book.count[side]
    keys = np.empty(total, np.int64)
    lots = np.empty(total, np.int64)
    done = 0
    slot = _next_slot(book, side, 0)
    while slot >= 0:
        keys[done] = book.base[side] + slot
        lots[done] = book.lots[side, slot]
        done += 1
        slot = _next_slot(book, side, slot + 1)
    for i in range(book.far_count[side]):
        keys[done] = book.far_key[side, i]
        lots[done] = book.far_lots[side, i]
        done += 1
    clear_side(book, side)
    book.base[side] = base
    for i in range(done):
        slot = keys[i] - base
        if slot < WINDOW:
            word = slot >> 6
            book.lots[side, slot] = lots[i]
            book.occupied[side, word] |= np.uint64(1) << np.uint64(slot & 63)
            book.summary[side, word >> 6] |= np.uint64(1) << np.uint64(word & 63)
        else:
            far = book.far_count[side]
            if far == FAR:
                return False
            book.far_key[side, far] = keys[i]
            book.far_lots[side, far] = lots[i]
            book.far_count[side] = far + 1
    book.count[side] = done
    book.best[side] = keys[0] if done != 0 else NO_KEY
    return True
