"""Binance's market data, spot, USD-M and COIN-M futures: from a frame's bytes to an applied update, in one call.

Read are ``depthUpdate``, ``bookTicker`` and ``trade``, raw or wrapped as ``{"stream","data"}``, and the REST answer
of ``depth``. Keys may come in any order and unknown ones are passed over, white space is allowed; everything that we
read must be there once, be of its right type and be exact, or the frame is refused as a whole.
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

_COMMA, _OPEN_OBJECT, _CLOSE_OBJECT = 0x2C, 0x7B, 0x7D

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
    if is_text(frame, first, b'"stream"') or is_text(frame, first, b'"data"'):
        position = _decode_envelope(frame, start, feed, books)
    else:
        position = read_event(frame, start, feed, books)
    if position < 0:
        return -position
    return outcome.QUIET if skip_space(frame, position) == frame[1] else outcome.MALFORMED


@kernel
def _decode_envelope(frame: Frame, start: int, feed: Record, books: Array) -> int:
    """Read ``{"stream":…,"data":{event}}``. Returns the position behind it, or minus the problem."""
    if at(frame, start) != _OPEN_OBJECT:
        return -outcome.MALFORMED
    streams = events = 0
    position = start
    while True:
        position = skip_space(frame, position + 1)
        is_event = is_text(frame, position, b'"data"')
        events += is_event
        streams += is_text(frame, position, b'"stream"')
        position = behind_key(frame, position)
        if position < 0:
            return -outcome.MALFORMED
        if is_event and at(frame, position) == _OPEN_OBJECT:
            position = read_event(frame, position, feed, books)
            if position < 0:
                return position
        else:
            position = skip_value(frame, position)
            if position < 0:
                return -outcome.MALFORMED
        position = skip_space(frame, position)
        byte = at(frame, position)
        if byte == _CLOSE_OBJECT:
            return position + 1 if events == 1 and streams == 1 else -outcome.MALFORMED
        if byte != _COMMA:
            return -outcome.MALFORMED
