"""Binance spot's binary market data (SBE, schema 1): from a frame's bytes to an applied update, in one call.

Layout, little-endian, times in µs (Binance spot API docs, "SBE market data streams"): a header of four u16, then the
root block, then the groups, then the symbol as a u8 length and text. The message says how long its root block and its
group entries are, and a later version of the schema may make them longer: what we know stands at their beginning.

=====================  =====================================================  ===================================
template               root block                                             groups
=====================  =====================================================  ===================================
10000 Trades           event time, transaction time i64; exponents i8         u16 + u32; id, price, qty i64, u8
10001 BestBidAsk       event time, update id i64; exponents; 4 × i64          none
10002 DepthSnapshot    event time, update id i64; exponents                   2 × u16 + u16; price, qty i64
10003 DepthDiff        event time, first and last id i64; exponents           as DepthSnapshot
=====================  =====================================================  ===================================

Control answers and notices on the same socket are JSON text, and are passed over.
"""

from __future__ import annotations

from numba import typeof, types

from graphwiz_trader.hft.kernels import outcome
from graphwiz_trader.hft.kernels.book import apply_event
from graphwiz_trader.hft.kernels.frames import Frame, byte_at, view
from graphwiz_trader.hft.kernels.jit import inlined, kernel
from graphwiz_trader.hft.kernels.json_scan import REFUSED, find_symbol, skip_space, skip_value
from graphwiz_trader.hft.kernels.layout import (
    ANOTHER,
    CHAINED,
    DEPTH,
    MAX_LEVELS,
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
from graphwiz_trader.hft.kernels.mantissas import little_endian, scaled

_SCHEMA = 1
_TRADES, _BEST_BID_ASK, _DEPTH_SNAPSHOT, _DEPTH_DIFF = 10000, 10001, 10002, 10003
_HEADER_BYTES = 8
_TRADE_BYTES, _LEVEL_BYTES = 25, 16
_OPEN_OBJECT = 0x7B
_MICROSECONDS = 1_000

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
    size = frame[1]
    is_ours = size >= _HEADER_BYTES and little_endian(frame, 4, 2) == _SCHEMA
    if not is_ours:  # no JSON text has the schema's number there
        is_text = size > 0 and byte_at(frame, 0) == _OPEN_OBJECT
        end = skip_value(frame, 0) if is_text else REFUSED
        return outcome.QUIET if end > 0 and skip_space(frame, end) == size else outcome.MALFORMED
    template = little_endian(frame, 2, 2)
    least = _root_bytes(template)
    if least == 0:
        feed.kind = ANOTHER
        return outcome.QUIET
    groups = _HEADER_BYTES + little_endian(frame, 0, 2)
    if groups - _HEADER_BYTES < least or groups > size:
        return outcome.MALFORMED
    feed.kind = _kind(template)
    symbol = _behind_groups(frame, groups, template)
    if symbol < 0 or symbol >= size:
        return outcome.MALFORMED
    end = symbol + 1 + byte_at(frame, symbol)
    is_longer_version = little_endian(frame, 6, 2) > 0  # which may have more behind what we know
    if end > size or (end < size and not is_longer_version):
        return outcome.MALFORMED
    row = find_symbol(frame, symbol + 1, end, feed)
    if row < 0:
        return outcome.UNKNOWN_SYMBOL
    feed.book = row
    return _read(frame, feed, books[row], template, groups)


@kernel
def _read(frame: Frame, feed: Record, book: Record, template: int, groups: int) -> int:
    """Read a message whose extents are proven into ``feed``: QUIET, or the problem's code."""
    exponents = _HEADER_BYTES + (24 if template == _DEPTH_DIFF else 16)
    price_exponent = little_endian(frame, exponents, 1)
    size_exponent = little_endian(frame, exponents + 1, 1)
    event_us = little_endian(frame, _HEADER_BYTES, 8)
    first_id = little_endian(frame, _HEADER_BYTES + 8, 8)
    final_id = little_endian(frame, _HEADER_BYTES + 16, 8) if template == _DEPTH_DIFF else first_id
    if event_us < 0 or first_id < 0 or final_id < first_id:
        return outcome.MALFORMED
    feed.event_ms = event_us // _MICROSECONDS
    feed.first_id = first_id
    feed.final_id = final_id
    feed.checksum = 0
    feed.channel = PARTIAL if template == _DEPTH_SNAPSHOT else CHAINED
    price_exponent -= (price_exponent & 0x80) << 1
    size_exponent -= (size_exponent & 0x80) << 1
    if template == _TRADES:
        return _read_trades(frame, feed, book, groups, price_exponent, size_exponent)
    if template == _BEST_BID_ASK:
        return _read_best(frame, feed, book, price_exponent, size_exponent)
    for side in range(2):
        entry_bytes = little_endian(frame, groups, 2)
        count = little_endian(frame, groups + 2, 2)
        groups += 4
        if count > MAX_LEVELS:
            return outcome.TOO_MANY_LEVELS
        feed.count[side] = count
        for i in range(count):
            if not _read_level(frame, feed, book, side, i, groups, price_exponent, size_exponent):
                return outcome.BAD_NUMBER
            if feed.ticks[side, i] == 0:
                return outcome.BAD_NUMBER
            groups += entry_bytes
    return outcome.QUIET


@kernel
def _read_trades(frame: Frame, feed: Record, book: Record, groups: int, price_exponent: int, size_exponent: int) -> int:
    """The trades of one message, the last first: QUIET, or the problem's code."""
    entry_bytes = little_endian(frame, groups, 2)
    count = little_endian(frame, groups + 2, 4)
    if count > MAX_LEVELS:
        return outcome.TOO_MANY_LEVELS
    if count == 0:
        feed.kind = ANOTHER
        return outcome.QUIET
    feed.count[0] = count
    feed.count[1] = 0
    for i in range(count):
        entry = groups + 6 + (count - 1 - i) * entry_bytes
        is_buyer_maker = byte_at(frame, entry + 24)
        if is_buyer_maker > 1 or little_endian(frame, entry, 8) < 0:
            return outcome.MALFORMED
        if i == 0:
            feed.trade_id = little_endian(frame, entry, 8)
            feed.trade_is_sell = is_buyer_maker
        if not _read_level(frame, feed, book, 0, i, entry + 8, price_exponent, size_exponent):
            return outcome.BAD_NUMBER
        if feed.ticks[0, i] == 0 or feed.lots[0, i] == 0:
            return outcome.BAD_NUMBER
    return outcome.QUIET


@kernel
def _read_best(frame: Frame, feed: Record, book: Record, price_exponent: int, size_exponent: int) -> int:
    """The best bid and offer: QUIET, or the problem's code. An empty side is price 0, size 0."""
    for side in range(2):
        feed.count[side] = 1
        place = _HEADER_BYTES + 18 + side * _LEVEL_BYTES
        if not _read_level(frame, feed, book, side, 0, place, price_exponent, size_exponent):
            return outcome.BAD_NUMBER
        if (feed.ticks[side, 0] == 0) != (feed.lots[side, 0] == 0):
            return outcome.BAD_NUMBER
    if feed.ticks[1, 0] != 0 and feed.ticks[0, 0] >= feed.ticks[1, 0]:
        return outcome.CROSSED
    return outcome.QUIET


@inlined
def _read_level(
    frame: Frame,
    feed: Record,
    book: Record,
    side: int,
    i: int,
    position: int,
    price_exponent: int,
    size_exponent: int,
) -> bool:
    """A price and a size, i64 each, into the feed; False when one is no whole number of ticks or lots."""
    price, size = little_endian(frame, position, 8), little_endian(frame, position + 8, 8)
    feed.ticks[side, i] = scaled(price, price_exponent, book.price_decimals, book.tick_step)
    feed.lots[side, i] = scaled(size, size_exponent, book.size_decimals, book.lot_step)
    return feed.ticks[side, i] >= 0 and feed.lots[side, i] >= 0


@kernel
def _behind_groups(frame: Frame, position: int, template: int) -> int:
    """Where the symbol stands, or REFUSED; behind it every group lies inside the frame."""
    groups = 0 if template == _BEST_BID_ASK else 1 if template == _TRADES else 2
    count_bytes, least = (4, _TRADE_BYTES) if template == _TRADES else (2, _LEVEL_BYTES)
    for _ in range(groups):
        if position + 2 + count_bytes > frame[1]:
            return REFUSED
        entry_bytes = little_endian(frame, position, 2)
        count = little_endian(frame, position + 2, count_bytes)
        position += 2 + count_bytes + entry_bytes * count
        if (count > 0 and entry_bytes < least) or position > frame[1]:
            return REFUSED
    return position


@kernel
def _root_bytes(template: int) -> int:
    """The length of the root block as we know it, 0 for a template that we do not read."""
    if template == _TRADES or template == _DEPTH_SNAPSHOT:
        return 18
    if template == _BEST_BID_ASK:
        return 50
    return 26 if template == _DEPTH_DIFF else 0


@kernel
def _kind(template: int) -> int:
    if template == _TRADES:
        return TRADE
    if template == _BEST_BID_ASK:
        return TICKER
    return SNAPSHOT if template == _DEPTH_SNAPSHOT else DEPTH
