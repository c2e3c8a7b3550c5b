"""Binance's market data, spot, USD-M and COIN-M futures: from a frame's bytes to an applied update, in one call.

Read are ``depthUpdate``, ``bookTicker`` and ``trade``, raw or wrapped as ``{"stream","data"}``, and the REST answer
of ``depth``. Keys may come in any order and unknown ones are passed over, white space is allowed; everything that we
read must be there once, be of its right type and be exact, or the frame is refused as a whole.

The futures' streams ``@depth5``, ``@depth10``, ``@depth20`` and ``@rpiDepth`` call their events ``depthUpdate`` too,
with ids like its own, but those are no updates of the book that ``@depth`` keeps: where an envelope names such a
stream they are passed over.
"""

from __future__ import annotations

from numba import typeof, types

from graphwiz_trader.hft.kernels import outcome
from graphwiz_trader.hft.kernels.binance_messages import read_event
from graphwiz_trader.hft.kernels.book import apply_event, apply_snapshot
from graphwiz_trader.hft.kernels.frames import Frame, view
from graphwiz_trader.hft.kernels.jit import kernel
from graphwiz_trader.hft.kernels.json_members import behind_key, is_text
from graphwiz_trader.hft.kernels.json_scan import at, skip_space, skip_value
from graphwiz_trader.hft.kernels.layout import NONE, SNAPSHOT, Array, Record, new_books, new_feed

_QUOTE, _COMMA, _AT, _ZERO, _NINE = 0x22, 0x2C, 0x40, 0x30, 0x39
_OPEN_OBJECT, _CLOSE_OBJECT, _OPEN_ARRAY = 0x7B, 0x7D, 0x5B

FRAME_ARGUMENTS = (*map(typeof, (b"", new_feed(), new_books(0))), types.int64)
"""The Numba types of `on_frame`'s arguments, for `jit.direct`."""
SNAPSHOT_ARGUMENTS = (*FRAME_ARGUMENTS, types.int64)


@kernel
def on_frame(data: bytes, feeds: Array, books: Array, received_ns: int) -> int:
    """Decode one stream frame and apply it. Returns ``code | book << 8`` (see ``outcome``). ``feeds``: shape (1,)."""
    feed = feeds[0]
    return apply_event(books, feed, _decode(view(data), feed, books), received_ns)


@kernel
def on_snapshot(data: bytes, feeds: Array, books: Array, row: int, received_ns: int) -> int:
    """Decode the REST answer of ``depth`` for the book ``row`` and apply it. Returns an outcome code."""
    code = decode_snapshot(data, feeds, books, row)
    return code if code != outcome.QUIET else apply_snapshot(books[row], feeds[0], received_ns)


@kernel
def decode_snapshot(data: bytes, feeds: Array, books: Array, row: int) -> int:
    """Decode the REST answer of ``depth`` for the book ``row`` without applying it. Returns an outcome code."""
    feed = feeds[0]
    frame = view(data)
    feed.book = row
    position = read_event(frame, 0, feed, books)
    if position < 0:
        return -position
    if skip_space(frame, position) != frame[1] or feed.kind != SNAPSHOT:
        return outcome.MALFORMED
    return outcome.QUIET


@kernel
def decode(data: bytes, feeds: Array, books: Array) -> int:
    """Decode one stream frame without applying it: QUIET, or the problem's code."""
    return _decode(view(data), feeds[0], books)


@kernel
def _decode(frame: Frame, feed: Record, books: Array) -> int:
    feed.book = outcome.NO_BOOK
    feed.kind = NONE
    start = skip_space(frame, 0)
    first = skip_space(frame, start + 1)
    if at(frame, start) == _OPEN_ARRAY:  # streams of all symbols, as !miniTicker@arr
        position = skip_value(frame, start)
        position = position if position >= 0 else -outcome.MALFORMED
    elif is_text(frame, first, b'"stream"') or is_text(frame, first, b'"data"'):
        position = _decode_envelope(frame, start, feed, books)
    else:
        position = read_event(frame, start, feed, books)
    if position < 0:
        return -position
    return outcome.QUIET if skip_space(frame, position) == frame[1] else outcome.MALFORMED


@kernel
def _decode_envelope(frame: Frame, start: int, feed: Record, books: Array) -> int:
    """Read ``{"stream":…,"data":{event}}``. Returns the position behind it, or minus the problem.

    The event is read where it stands once its stream is known, as the venue writes it, and else at the end.
    """
    if at(frame, start) != _OPEN_OBJECT:
        return -outcome.MALFORMED
    streams = events = waiting = 0
    is_wanted = True
    position = start
    while True:
        position = skip_space(frame, position + 1)
        is_event = is_text(frame, position, b'"data"')
        is_stream = is_text(frame, position, b'"stream"')
        events += is_event
        streams += is_stream
        position = behind_key(frame, position)
        if position < 0:
            return -outcome.MALFORMED
        if is_stream:
            is_wanted = not _is_of_another_book(frame, position)
        is_event = is_event and at(frame, position) == _OPEN_OBJECT
        if is_event and is_wanted and streams != 0:
            position = read_event(frame, position, feed, books)
            if position < 0:
                return position
        else:
            waiting = position if is_event else waiting
            position = skip_value(frame, position)
            if position < 0:
                return -outcome.MALFORMED
        position = skip_space(frame, position)
        byte = at(frame, position)
        if byte == _CLOSE_OBJECT:
            break
        if byte != _COMMA:
            return -outcome.MALFORMED
    if events != 1 or streams != 1:
        return -outcome.MALFORMED
    if waiting != 0 and is_wanted:
        behind = read_event(frame, waiting, feed, books)
        if behind < 0:
            return behind
    return position + 1


@kernel
def _is_of_another_book(frame: Frame, position: int) -> bool:
    """Whether the quoted stream's name at ``position`` is one of partial or of RPI depth."""
    if at(frame, position) != _QUOTE:
        return False
    position += 1
    byte = at(frame, position)
    while byte != _AT:
        if byte == _QUOTE or byte == 0:
            return False
        position += 1
        byte = at(frame, position)
    if is_text(frame, position, b"@depth"):
        return _ZERO <= at(frame, position + len(b"@depth")) <= _NINE
    return is_text(frame, position, b"@rpiDepth")
