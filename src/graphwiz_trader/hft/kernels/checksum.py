"""OKX's checksum of a book: the CRC32 of its best 25 levels' text, without writing the text.

The venue's rule (OKX v5, "Checksum"; in force until June 2026): the best 25 bids and asks alternate, best first, each
as ``price:size`` in the venue's own text, all joined by ``:``; a side that has run out is left out. The CRC32 of that,
as a signed 32-bit number, comes with every message. OKX writes the shortest decimals, so the text follows from ticks
and lots: in the recordings no price or size has another form.

CRC32 is linear: the sum of a text is the xor of what each byte contributes from its place. So a level's *piece*,
``:price:size``, has a sum of its own that is computed once and remembered, and a book's sum is its pieces' put one
behind the other: for each, what came before moves on by the piece's length, which is eight look-ups, and the piece
is added. That takes the place of some 900 bytes of text.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from graphwiz_trader.hft.kernels.bits import trailing_zeros
from graphwiz_trader.hft.kernels.jit import inlined, kernel
from graphwiz_trader.hft.kernels.layout import CHECKED_LEVELS, PIECES, Record

_LONGEST_PIECE = 43
"""``:0.`` and 18 digits, twice, and one to spare."""
_TEN = np.uint64(10)
_POINT, _SEPARATOR = 10, 11
_SYMBOLS = b"0123456789.:"
_ONES = 0xFFFFFFFF


def _raw(state: int, text: bytes) -> int:
    """CRC32's register after ``text``, without the inversions before and after."""
    return zlib.crc32(text, state ^ _ONES) ^ _ONES


def _before(byte: int, state: int) -> int:
    """The register from which this byte leads to ``state``: a byte is undone by the only table entry that fits."""
    table = [_raw(0, bytes((value,))) for value in range(256)]
    entry = next(value for value in range(256) if table[value] >> 24 == state >> 24)
    return ((state ^ table[entry]) << 8 & _ONES | entry) ^ byte


_CONTRIBUTION = np.array(
    [[_raw(0, bytes((symbol,)) + bytes(behind)) for symbol in _SYMBOLS] for behind in range(_LONGEST_PIECE)], np.uint32
)
"""[bytes behind it, symbol] → what it adds to the sum."""
_MOVED_ON = np.array(
    [
        [[_raw(value << 4 * nibble, bytes(length)) for value in range(16)] for nibble in range(8)]
        for length in range(_LONGEST_PIECE)
    ],
    np.uint32,
)
"""[bytes, which four bits, their value] → what those bits have become after so many bytes."""
_BEFORE_SEPARATOR = _before(_SYMBOLS[_SEPARATOR], _ONES)
"""The register from which ``:`` leads to where a CRC32 begins: the first piece's separator is not in the text."""


@kernel
def is_right(book: Record, checksum: int) -> bool:
    """Whether the book's best levels have this checksum, the venue's signed 32-bit number."""
    bids = _gather(book, 0)
    asks = _gather(book, 1)
    state = _BEFORE_SEPARATOR
    for i in range(CHECKED_LEVELS):
        if i < bids:
            state = _continued(state, book.best_pieces[0, i])
        if i < asks:
            state = _continued(state, book.best_pieces[1, i])
    return (state ^ _ONES) == (checksum & _ONES)


@inlined
def _continued(state: int, piece: int) -> int:
    """The register after one more piece."""
    moved = _MOVED_ON[piece >> 32]
    total: Any = piece & _ONES
    for nibble in range(8):
        total ^= np.int64(moved[nibble, (state >> (4 * nibble)) & 15])
    return total


@kernel
def _gather(book: Record, side: int) -> int:
    """Put the pieces of a side's best levels into ``best_pieces``; returns how many there are."""
    wanted = min(book.count[side], CHECKED_LEVELS)
    near = min(book.count[side] - book.far_count[side], wanted)
    base = book.base[side]
    slot: Any = book.best[side] - base
    word = np.uint64(slot >> 6)
    bits = book.occupied[side, word] if near != 0 else np.uint64(0)
    for i in range(near):
        while bits == 0:
            word += np.uint64(1)
            bits = book.occupied[side, word]
        slot = np.int64(word << np.uint64(6)) + trailing_zeros(bits)
        bits &= bits - np.uint64(1)
        book.best_pieces[side, i] = _remembered(book, side, base + slot, book.lots[side, np.uint64(slot)])
    for i in range(near, wanted):
        far = i - near
        book.best_pieces[side, i] = _remembered(book, side, book.far_key[side, far], book.far_lots[side, far])
    return wanted


@inlined
def _remembered(book: Record, side: int, key: int, lots: int) -> int:
    """The piece of a level: remembered, or computed now."""
    place = np.uint64(key & (PIECES - 1))
    if book.pieces[side, place, 0] != key or book.pieces[side, place, 1] != lots:
        book.pieces[side, place, 0] = key
        book.pieces[side, place, 1] = lots
        book.pieces[side, place, 2] = _piece(book, abs(key), lots)
    return book.pieces[side, place, 2]


@kernel
def _piece(book: Record, ticks: int, lots: int) -> np.int64:
    """``length << 32 | sum`` of ``:price:size``, read from its end."""
    total, length = _decimal(lots * book.lot_step, book.size_decimals, np.uint32(0), 0)
    total ^= _CONTRIBUTION[length, _SEPARATOR]
    total, length = _decimal(ticks * book.tick_step, book.price_decimals, total, length + 1)
    total ^= _CONTRIBUTION[length, _SEPARATOR]
    return (length + 1) << 32 | np.int64(total)


@inlined
def _decimal(number: int, decimals: int, total: Any, length: int) -> tuple[Any, int]:
    """Put the shortest text of ``number × 10^-decimals`` before a text of this sum and length."""
    value = np.uint64(number)  # unsigned, because Python's rules for dividing negative numbers cost twice the time
    # 1 once a digit of the fraction is not a zero at its end. Counted, because a processor guesses such branches wrong.
    written: Any = np.uint32(0)
    for _ in range(decimals):
        rest = value // _TEN
        digit = value - rest * _TEN
        written |= np.uint32(digit != 0)
        total ^= _CONTRIBUTION[length, digit] * written
        length += written
        value = rest
    total ^= _CONTRIBUTION[length, _POINT] * written
    length += written
    while True:
        rest = value // _TEN
        total ^= _CONTRIBUTION[length, value - rest * _TEN]
        length += 1
        if rest == 0:
            return total, length
        value = rest
