"""Reading JSON in place: white space, strings, whole numbers and fixed-point decimals out of a frame's bytes.

Frames are hostile. Every read is checked against the frame's end, every function says by a negative position
that it met something else than it reads, and no number is accepted that is not exact. Positions are indexes into
the frame.
"""

from __future__ import annotations

import numpy as np

from graphwiz_trader.hft.kernels.frames import Frame, byte_at, view
from graphwiz_trader.hft.kernels.jit import inlined, kernel
from graphwiz_trader.hft.kernels.layout import MAX_SYMBOL, SYMBOL_SLOTS, Array, Record

REFUSED = -1
MAX_DIGITS = 18
"""More digits do not fit an int64."""

_POWERS = np.array([10**exponent for exponent in range(MAX_DIGITS + 1)], np.int64)
_QUOTE, _BACKSLASH, _COMMA, _COLON = 0x22, 0x5C, 0x2C, 0x3A
_OPEN_OBJECT, _CLOSE_OBJECT, _OPEN_ARRAY, _CLOSE_ARRAY = 0x7B, 0x7D, 0x5B, 0x5D
_MAX_DEPTH = 60


@inlined
def skip_space(frame: Frame, position: int) -> int:
    """The first position at or after ``position`` that is not white space."""
    while position < frame[1]:
        byte = byte_at(frame, position)
        if byte > 0x20 or (byte != 0x20 and byte != 0x0A and byte != 0x0D and byte != 0x09):
            break
        position += 1
    return position


@inlined
def at(frame: Frame, position: int) -> int:
    """The byte there, or 0 at and beyond the end. 0 never stands in valid JSON."""
    return byte_at(frame, position) if position < frame[1] else 0


@inlined
def skip_plain_string(frame: Frame, position: int) -> int:
    """From behind the opening quote to behind the closing one. Escapes and control characters are refused."""
    while position < frame[1]:
        byte = byte_at(frame, position)
        if byte == _QUOTE:
            return position + 1
        if byte == _BACKSLASH or byte < 0x20:
            return REFUSED
        position += 1
    return REFUSED


@kernel
def whole_number(frame: Frame, position: int) -> tuple[int, int]:
    """A JSON integer without a sign: (value, position behind it), or (0, REFUSED)."""
    start = position
    value = 0
    while position < frame[1]:
        digit = byte_at(frame, position) - 0x30
        if digit < 0 or digit > 9:
            break
        value = value * 10 + digit
        position += 1
        if position - start > MAX_DIGITS:
            return 0, REFUSED
    if position == start or (byte_at(frame, start) == 0x30 and position - start > 1):
        return 0, REFUSED
    following = at(frame, position)
    if following == 0x2E or following | 0x20 == 0x65:  # a fraction or an exponent
        return 0, REFUSED
    return value, position


@inlined
def steps(frame: Frame, position: int, decimals: int, step: int) -> tuple[int, int]:
    """A decimal in quotes as a whole number of steps of ``step × 10^-decimals``.

    ``position`` is behind the opening quote; the answer is (steps, position behind the closing quote). Anything but
    digits with at most one point, more than 18 digits in all, or no whole number of steps: (0, REFUSED).
    """
    start = position
    value = 0
    while position < frame[1]:
        digit = byte_at(frame, position) - 0x30
        if digit < 0 or digit > 9:
            break
        value = value * 10 + digit
        position += 1
    if position == start or position - start + decimals > MAX_DIGITS:
        return 0, REFUSED
    missing = decimals
    if position < frame[1] and byte_at(frame, position) == 0x2E:
        position += 1
        fraction = position
        while position < frame[1] and missing > 0:
            digit = byte_at(frame, position) - 0x30
            if digit < 0 or digit > 9:
                break
            value = value * 10 + digit
            missing -= 1
            position += 1
        while position < frame[1] and byte_at(frame, position) == 0x30:
            position += 1
        if position == fraction:
            return 0, REFUSED
    if position >= frame[1] or byte_at(frame, position) != _QUOTE:
        return 0, REFUSED
    value *= _POWERS[missing]
    if step != 1:
        if value % step != 0:
            return 0, REFUSED
        value //= step
    return value, position + 1


@inlined
def symbol_hash(frame: Frame, start: int, stop: int) -> int:
    """FNV-1a over the symbol's bytes, kept non-negative."""
    value = np.uint64(0xCBF29CE484222325)
    for position in range(start, stop):
        value = (value ^ np.uint64(byte_at(frame, position))) * np.uint64(0x100000001B3)
    return int(np.int64(value >> np.uint64(1)))


@kernel
def find_symbol(frame: Frame, start: int, stop: int, feed: Record) -> int:
    """The book of the symbol written at ``frame[start:stop]``, or REFUSED."""
    length = stop - start
    if length == 0 or length > MAX_SYMBOL:
        return REFUSED
    slot = symbol_hash(frame, start, stop) % SYMBOL_SLOTS
    while feed.symbol_length[slot] != 0:
        if feed.symbol_length[slot] == length:
            same = True
            for i in range(length):
                if feed.symbol_name[slot, i] != byte_at(frame, start + i):
                    same = False
                    break
            if same:
                return feed.symbol_book[slot]
        slot = (slot + 1) % SYMBOL_SLOTS
    return REFUSED


@kernel
def add_symbol(feeds: Array, name: bytes, book: int) -> bool:
    """Enter a symbol into a feed's table; False when the table is full or the name too long. ``feeds``: shape (1,)."""
    feed = feeds[0]
    frame = view(name)
    if len(name) == 0 or len(name) > MAX_SYMBOL:
        return False
    slot = symbol_hash(frame, 0, len(name)) % SYMBOL_SLOTS
    for _ in range(SYMBOL_SLOTS // 2):
        if feed.symbol_length[slot] == 0:
            feed.symbol_length[slot] = len(name)
            feed.symbol_book[slot] = book
            for i in range(len(name)):
                feed.symbol_name[slot, i] = name[i]
            return True
        slot = (slot + 1) % SYMBOL_SLOTS
    return False


@kernel
def skip_value(frame: Frame, position: int) -> int:
    """Behind one JSON value of any kind, which is checked for its grammar but not read; or REFUSED."""
    kinds = np.uint64(0)  # a bit per open bracket, 1 for an object
    depth = 0
    while True:
        position = skip_space(frame, position)
        byte = at(frame, position)
        if byte == _OPEN_OBJECT or byte == _OPEN_ARRAY:
            depth += 1
            if depth > _MAX_DEPTH:
                return REFUSED
            is_object = byte == _OPEN_OBJECT
            kinds = (kinds << np.uint64(1)) | np.uint64(is_object)
            inside = skip_space(frame, position + 1)
            closing = _CLOSE_OBJECT if is_object else _CLOSE_ARRAY
            if at(frame, inside) != closing:
                position = _skip_key(frame, inside) if is_object else inside
                if position < 0:
                    return REFUSED
                continue
            position = inside
        else:
            position = _skip_scalar(frame, position)
            if position < 0 or depth == 0:
                return position
            position = skip_space(frame, position)
        # Behind a value, or at the bracket that closes an empty one: close brackets until a comma opens the next value.
        while depth > 0:
            is_object = (kinds & np.uint64(1)) == 1
            byte = at(frame, position)
            if byte == _COMMA:
                position = skip_space(frame, position + 1)
                if is_object:
                    position = _skip_key(frame, position)
                    if position < 0:
                        return REFUSED
                break
            if byte != (_CLOSE_OBJECT if is_object else _CLOSE_ARRAY):
                return REFUSED
            kinds >>= np.uint64(1)
            depth -= 1
            position += 1
            if depth == 0:
                return position
            position = skip_space(frame, position)


@kernel
def _skip_key(frame: Frame, position: int) -> int:
    """Behind ``"key":``, or REFUSED."""
    if at(frame, position) != _QUOTE:
        return REFUSED
    position = _skip_string(frame, position + 1)
    if position < 0:
        return REFUSED
    position = skip_space(frame, position)
    return position + 1 if at(frame, position) == _COLON else REFUSED


@kernel
def _skip_string(frame: Frame, position: int) -> int:
    """As skip_plain_string, with escapes allowed."""
    while position < frame[1]:
        byte = byte_at(frame, position)
        if byte == _QUOTE:
            return position + 1
        if byte < 0x20:
            return REFUSED
        if byte == _BACKSLASH:
            position = _skip_escape(frame, position + 1)
            if position < 0:
                return REFUSED
        else:
            position += 1
    return REFUSED


@kernel
def _skip_escape(frame: Frame, position: int) -> int:
    byte = at(frame, position)
    if byte == 0x75:  # u and four hexadecimal digits
        for i in range(position + 1, position + 5):
            digit = at(frame, i)
            if not (0x30 <= digit <= 0x39 or 0x41 <= digit <= 0x46 or 0x61 <= digit <= 0x66):
                return REFUSED
        return position + 5
    for allowed in b'"\\/bfnrt':
        if byte == allowed:
            return position + 1
    return REFUSED


@kernel
def _skip_scalar(frame: Frame, position: int) -> int:
    byte = at(frame, position)
    if byte == _QUOTE:
        return _skip_string(frame, position + 1)
    if byte == 0x74:
        return _skip_word(frame, position, b"true")
    if byte == 0x66:
        return _skip_word(frame, position, b"false")
    if byte == 0x6E:
        return _skip_word(frame, position, b"null")
    return _skip_number(frame, position)


@kernel
def _skip_word(frame: Frame, position: int, word: bytes) -> int:
    if position + len(word) > frame[1]:
        return REFUSED
    for i in range(len(word)):
        if byte_at(frame, position + i) != word[i]:
            return REFUSED
    return position + len(word)


@kernel
def _skip_number(frame: Frame, position: int) -> int:
    if at(frame, position) == 0x2D:
        position += 1
    if at(frame, position) == 0x30:
        position += 1
    else:
        position = _skip_digits(frame, position)
    if position > 0 and at(frame, position) == 0x2E:
        position = _skip_digits(frame, position + 1)
    if position > 0 and (at(frame, position) | 0x20) == 0x65:
        position += 1
        if at(frame, position) == 0x2B or at(frame, position) == 0x2D:
            position += 1
        position = _skip_digits(frame, position)
    return position


@kernel
def _skip_digits(frame: Frame, position: int) -> int:
    """Behind at least one digit, or REFUSED."""
    start = position
    while position < frame[1] and 0x30 <= byte_at(frame, position) <= 0x39:
        position += 1
    return position if position > start else REFUSED
