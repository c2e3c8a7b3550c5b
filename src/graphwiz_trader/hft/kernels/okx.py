"""OKX's market data: from a frame's bytes to an applied snapshot, update, best bid and offer or trade, in one call.

Read are the channels ``books``, ``books5``, ``books50-l2-tbt``, ``books-l2-tbt``, ``bbo-tbt`` and ``trades``, as
``{"arg":{"channel","instId"},"action","data":[{…}]}``. Keys may come in any order and unknown ones are passed over,
white space is allowed; everything that we read must be there once, be of its right type and be exact, or the frame
is refused as a whole. Several messages in one frame's ``data`` are one: updates that chain, or the newest of a kind.

Subscribe to one of the three ``books…`` channels with updates for an instrument: each chains for itself.
"""

from __future__ import annotations

from numba import typeof, types

from graphwiz_trader.hft.kernels import outcome
from graphwiz_trader.hft.kernels.book import apply_event
from graphwiz_trader.hft.kernels.frames import Frame, view
from graphwiz_trader.hft.kernels.jit import kernel
from graphwiz_trader.hft.kernels.json_members import behind_key, is_text
from graphwiz_trader.hft.kernels.json_scan import REFUSED, at, find_symbol, skip_plain_string, skip_space, skip_value
from graphwiz_trader.hft.kernels.layout import (
    ANOTHER,
    CHAINED,
    DEPTH,
    NO_ID,
    NONE,
    PARTIAL,
    SNAPSHOT,
    TICKER,
    TRADE,
    Array,
    Record,
    new_books,
    new_feed,
)
from graphwiz_trader.hft.kernels.okx_messages import read_depth, read_trade

_ARG, _DATA, _ACTION, _EVENT = 1, 2, 4, 8
_MARKET_DATA = _ARG | _DATA
_CHANNEL, _INSTRUMENT = 1, 2
_CHANGES, _WHOLE, _NO_ACTION = 1, 2, 3
_PONG = b"pong"
_BOOKS50, _BOOKS, _BOOKS_L2 = CHAINED, CHAINED + 1, CHAINED + 2

_QUOTE, _COMMA = 0x22, 0x2C
_OPEN_OBJECT, _CLOSE_OBJECT, _OPEN_ARRAY, _CLOSE_ARRAY = 0x7B, 0x7D, 0x5B, 0x5D

FRAME_ARGUMENTS = (*map(typeof, (b"", new_feed(), new_books(0))), types.int64)
"""The Numba types of `on_frame`'s arguments, for `jit.direct`."""


@kernel
def on_frame(data: bytes, feeds: Array, books: Array, received_ns: int) -> int:
    """Decode one frame and apply it. Returns ``code | book << 8`` (see ``outcome``). ``feeds``: shape (1,)."""
    feed = feeds[0]
    return apply_event(books, feed, _decode(view(data), feed, books), received_ns)


@kernel
def decode(data: bytes, feeds: Array, books: Array) -> int:
    """Decode one frame without applying it: QUIET, or the problem's code."""
    return _decode(view(data), feeds[0], books)


@kernel
def _decode(frame: Frame, feed: Record, books: Array) -> int:
    feed.book = outcome.NO_BOOK
    feed.kind = NONE
    if frame[1] == len(_PONG) and is_text(frame, 0, _PONG):
        return outcome.QUIET
    position = _decode_object(frame, skip_space(frame, 0), feed, books)
    if position < 0:
        return -position
    return outcome.QUIET if skip_space(frame, position) == frame[1] else outcome.MALFORMED


@kernel
def _decode_object(frame: Frame, start: int, feed: Record, books: Array) -> int:
    """Read the frame's object into ``feed``. Returns the position behind it, or minus the problem.

    ``data`` is read where it stands if it is known by then of what it is, as the venue writes it, and else at the end.
    """
    if at(frame, start) != _OPEN_OBJECT:
        return -outcome.MALFORMED
    seen = action = data = read = 0
    position = skip_space(frame, start + 1)
    if at(frame, position) == _CLOSE_OBJECT:
        return position + 1
    while True:
        field = _field(frame, position)
        position = behind_key(frame, position)
        if position < 0 or seen & field:
            return -outcome.MALFORMED
        seen |= field
        if field == _ARG:
            position = _read_argument(frame, position, feed)
        elif field == _DATA and feed.book != outcome.NO_BOOK and (feed.kind != DEPTH or action != 0):
            read = 1
            position = _read_messages(frame, position, feed, books[feed.book], action)
            if position < 0:
                return position
        else:
            if field == _ACTION:
                action = _action(frame, position)
            elif field == _DATA:
                data = position
            position = skip_value(frame, position)
        if position < 0:
            return -outcome.MALFORMED
        position = skip_space(frame, position)
        byte = at(frame, position)
        if byte == _CLOSE_OBJECT:
            break
        if byte != _COMMA:
            return -outcome.MALFORMED
        position = skip_space(frame, position + 1)
    problem = _complete(frame, feed, books, seen, action, data if read == 0 else 0)
    return position + 1 if problem >= 0 else problem


@kernel
def _complete(frame: Frame, feed: Record, books: Array, seen: int, action: int, data: int) -> int:
    """Decide what the whole frame is, and read its ``data`` if that is still to be done: minus the problem, or more.

    Without ``arg`` or ``data`` it is an answer or a notice. With both, and an ``event`` besides, it is nothing we know.
    """
    if seen & _MARKET_DATA != _MARKET_DATA:
        feed.kind = NONE
        return 0
    if seen & _EVENT or feed.kind == NONE:
        return -outcome.MALFORMED
    if feed.kind == ANOTHER:
        return 0
    if feed.book == outcome.NO_BOOK:
        return -outcome.UNKNOWN_SYMBOL
    return _read_messages(frame, data, feed, books[feed.book], action) if data != 0 else 0


@kernel
def _read_argument(frame: Frame, position: int, feed: Record) -> int:
    """Read ``{"channel","instId"}``: channel, kind and book. Returns the position behind it, or REFUSED."""
    if at(frame, position) != _OPEN_OBJECT:
        return skip_value(frame, position)
    seen = 0
    row = REFUSED
    position = skip_space(frame, position + 1)
    if at(frame, position) == _CLOSE_OBJECT:
        return position + 1
    while True:
        field = _CHANNEL * is_text(frame, position, b'"channel"') + _INSTRUMENT * is_text(frame, position, b'"instId"')
        position = behind_key(frame, position)
        if position < 0 or seen & field:
            return REFUSED
        seen |= field
        if field != 0 and at(frame, position) == _QUOTE:
            name = position + 1
            position = skip_plain_string(frame, name)
            if position < 0:
                return REFUSED
            if field == _CHANNEL:
                _enter_channel(frame, name - 1, feed)
            else:
                row = find_symbol(frame, name, position - 1, feed)
        else:
            position = skip_value(frame, position)
        position = skip_space(frame, position) if position > 0 else REFUSED
        byte = at(frame, position) if position > 0 else 0
        if byte == _CLOSE_OBJECT:
            break
        if byte != _COMMA:
            return REFUSED
        position = skip_space(frame, position + 1)
    if row >= 0 and feed.kind != NONE and feed.kind != ANOTHER:
        feed.book = row
    return position + 1


@kernel
def _enter_channel(frame: Frame, start: int, feed: Record) -> None:
    """What comes on the channel whose quoted name stands at ``start``; DEPTH may turn out to be a SNAPSHOT."""
    feed.kind = DEPTH
    if is_text(frame, start, b'"books"'):
        feed.channel = _BOOKS
    elif is_text(frame, start, b'"trades"'):
        feed.kind = TRADE
    elif is_text(frame, start, b'"bbo-tbt"'):
        feed.kind = TICKER
    elif is_text(frame, start, b'"books5"'):
        feed.kind = SNAPSHOT
        feed.channel = PARTIAL
    elif is_text(frame, start, b'"books50-l2-tbt"'):
        feed.channel = _BOOKS50
    elif is_text(frame, start, b'"books-l2-tbt"'):
        feed.channel = _BOOKS_L2
    else:
        feed.kind = ANOTHER


@kernel
def _read_messages(frame: Frame, position: int, feed: Record, book: Record, action: int) -> int:
    """Read ``data``, an array of at least one message. Returns the position behind it, or minus the problem."""
    if feed.kind == DEPTH:
        if action == _WHOLE:
            feed.kind = SNAPSHOT
        elif action != _CHANGES:
            return -outcome.MALFORMED
    if at(frame, position) != _OPEN_ARRAY:
        return -outcome.MALFORMED
    count = 0
    while True:
        position = skip_space(frame, position + 1)
        if feed.kind == TRADE:
            position = read_trade(frame, position, feed, book, count)
        else:
            position = read_depth(frame, position, feed, book, count)
        if position < 0:
            return position
        count += 1
        position = skip_space(frame, position)
        byte = at(frame, position)
        if byte == _CLOSE_ARRAY:
            if feed.kind == TICKER and feed.final_id == NO_ID:
                feed.kind = ANOTHER  # it cannot be said whether it is newer than the book
            return position + 1
        if byte != _COMMA:
            return -outcome.MALFORMED


@kernel
def _action(frame: Frame, position: int) -> int:
    if is_text(frame, position, b'"update"'):
        return _CHANGES
    return _WHOLE if is_text(frame, position, b'"snapshot"') else _NO_ACTION


@kernel
def _field(frame: Frame, position: int) -> int:
    """The bit of the key that stands at ``position``, 0 for one that we do not read."""
    if is_text(frame, position, b'"arg"'):
        return _ARG
    if is_text(frame, position, b'"data"'):
        return _DATA
    if is_text(frame, position, b'"action"'):
        return _ACTION
    return _EVENT if is_text(frame, position, b'"event"') else 0
