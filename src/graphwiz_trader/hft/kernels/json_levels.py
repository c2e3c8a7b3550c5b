"""A book's levels as JSON: ``[["price","size"],…]`` of Binance, ``[["price","size","0","orders"],…]`` of OKX."""

from __future__ import annotations

import numpy as np

from graphwiz_trader.hft.kernels import outcome
from graphwiz_trader.hft.kernels.frames import Frame, byte_at, word_at
from graphwiz_trader.hft.kernels.jit import inlined
from graphwiz_trader.hft.kernels.json_scan import REFUSED, at, skip_space, steps
from graphwiz_trader.hft.kernels.ladder import expect_level
from graphwiz_trader.hft.kernels.layout import MAX_LEVELS, Record

_FIRST_COUNT = np.uint64(int.from_bytes(b',"0","', "little"))
"""A level's first count as the venue always writes it: one look at six bytes instead of one at each."""
_SIX_BYTES = np.uint64((1 << 48) - 1)

_QUOTE, _COMMA, _OPEN_ARRAY, _CLOSE_ARRAY = 0x22, 0x2C, 0x5B, 0x5D


@inlined
def read_levels(
    frame: Frame, position: int, book: Record, side: int, feed: Record, count: int, has_counts: bool
) -> int:
    """Read levels into a side of ``feed``, behind the ``count`` that stand there: the position behind, or -problem.

    ``has_counts``: two whole numbers stand behind each size; they are not read. Give it as a constant.
    """
    price_decimals = book.price_decimals
    tick_step = book.tick_step
    size_decimals = book.size_decimals
    lot_step = book.lot_step
    if at(frame, position) != _OPEN_ARRAY:
        return -outcome.MALFORMED
    position = skip_space(frame, position + 1)
    if at(frame, position) == _CLOSE_ARRAY:
        feed.count[side] = count
        return position + 1
    while True:
        if at(frame, position) != _OPEN_ARRAY:
            return -outcome.MALFORMED
        position = skip_space(frame, position + 1)
        if at(frame, position) != _QUOTE:
            return -outcome.MALFORMED
        ticks, position = steps(frame, position + 1, price_decimals, tick_step)
        if position < 0 or ticks == 0:
            return -outcome.BAD_NUMBER
        expect_level(book, side, -ticks if side == 0 else ticks)
        position = _next_text(frame, position)
        if position < 0:
            return -outcome.MALFORMED
        lots, position = steps(frame, position, size_decimals, lot_step)
        if position < 0:
            return -outcome.BAD_NUMBER
        if has_counts:
            position = _skip_counts(frame, position)
            if position < 0:
                return -outcome.MALFORMED
        position = skip_space(frame, position)
        if at(frame, position) != _CLOSE_ARRAY:
            return -outcome.MALFORMED
        if count == MAX_LEVELS:
            return -outcome.TOO_MANY_LEVELS
        feed.ticks[side, count] = ticks
        feed.lots[side, count] = lots
        count += 1
        position = skip_space(frame, position + 1)
        byte = at(frame, position)
        if byte == _CLOSE_ARRAY:
            feed.count[side] = count
            return position + 1
        if byte != _COMMA:
            return -outcome.MALFORMED
        position = skip_space(frame, position + 1)


@inlined
def _next_text(frame: Frame, position: int) -> int:
    """From behind a value to behind the opening quote of the next, or REFUSED."""
    position = skip_space(frame, position)
    if at(frame, position) != _COMMA:
        return REFUSED
    position = skip_space(frame, position + 1)
    return position + 1 if at(frame, position) == _QUOTE else REFUSED


@inlined
def _skip_counts(frame: Frame, position: int) -> int:
    """Behind the two counts of a level, or REFUSED."""
    if position + 8 <= frame[1] and word_at(frame, position) & _SIX_BYTES == _FIRST_COUNT:
        return _behind_digits(frame, position + 6)
    return _skip_count(frame, _skip_count(frame, position))


@inlined
def _skip_count(frame: Frame, position: int) -> int:
    """Behind the next value, digits in quotes; REFUSED for anything else, and when ``position`` is that already."""
    start = _next_text(frame, position) if position >= 0 else REFUSED
    return _behind_digits(frame, start) if start >= 0 else REFUSED


@inlined
def _behind_digits(frame: Frame, start: int) -> int:
    """From behind an opening quote to behind the closing one, with digits and nothing else between; or REFUSED."""
    position = start
    while position < frame[1]:
        byte = byte_at(frame, position)
        if byte < 0x30 or byte > 0x39:
            return position + 1 if byte == _QUOTE and position > start else REFUSED
        position += 1
    return REFUSED
