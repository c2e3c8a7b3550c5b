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

import numpy as np

from graphwiz_trader.hft.kernels.jit import inlined, kernel
from graphwiz_trader.hft.kernels.ladder import lots_at, next_key
from graphwiz_trader.hft.kernels.layout import NO_KEY, PIECES, Record

_LEVELS = 25
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
    state = _BEFORE_SEPARATOR
    bid = book.best[0]
    ask = book.best[1]
    for _ in range(_LEVELS):
        if bid != NO_KEY:
            state = _continued(book, 0, bid, state)
            bid = next_key(book, 0, bid)
        if ask != NO_KEY:
            state = _continued(book, 1, ask, state)
            ask = next_key(book, 1, ask)
    return (state ^ _ONES) == (checksum & _ONES)


@inlined
def _continued(book: Record, side: int, key: int, state: int) -> int:
    """The register after the piece of the level at ``key``."""
    lots = lots_at(book, side, key)
    place = key & (PIECES - 1)
    if book.piece_key[side, place] != key or book.piece_lots[side, place] != lots:
        book.piece_key[side, place] = key
        book.piece_lots[side, place] = lots
        book.piece[side, place] = _piece(book, abs(key), lots)
    piece = book.piece[side, place]
    moved = _MOVED_ON[piece >> 32]
    total = piece & _ONES
    for nibble in range(8):
        total ^= np.int64(moved[nibble, (state >> (4 * nibble)) & 15])
    return total


@kernel
def _piece(book: Record, ticks: int, lots: int) -> np.int64:
    """``length << 32 | sum`` of ``:price:size``, read from its end."""
    total, length = _decimal(lots * book.lot_step, book.size_decimals, np.uint32(0), 0)
    total ^= _CONTRIBUTION[length, _SEPARATOR]
    total, length = _decimal(ticks * book.tick_step, book.price_decimals, total, length + 1)
    total ^= _CONTRIBUTION[length, _SEPARATOR]
    return (length + 1) << 32 | np.int64(total)


@inlined
def _decimal(number: int, decimals: int, total: np.uint32, length: int) -> tuple[np.uint32, int]:
    """Put the shortest text of ``number × 10^-decimals`` before a text of this sum and length."""
    value = np.uint64(number)  # unsigned, because Python's rules for dividing negative numbers cost twice the time
    rest = value // _TEN
    while decimals > 0 and value == rest * _TEN:
        value = rest
        rest = value // _TEN
        decimals -= 1
    if decimals > 0:
        for _ in range(decimals):
            total ^= _CONTRIBUTION[length, value - rest * _TEN]
            value = rest
            rest = value // _TEN
            length += 1
        total ^= _CONTRIBUTION[length, _POINT]
        length += 1
    while True:
        total ^= _CONTRIBUTION[length, value - rest * _TEN]
        length += 1
        if rest == 0:
            return total, length
        value = rest
        rest = value // _TEN
