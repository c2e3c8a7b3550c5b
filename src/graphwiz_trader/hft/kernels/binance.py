"""Binance's market data, spot, USD-M and COIN-M futures: from a frame's bytes to an applied update, in one call.

Read are ``depthUpdate``, ``bookTicker`` and ``trade``, raw or wrapped as ``{"stream","data"}``, and the REST answer
of ``depth``. Keys may come in any order and unknown ones are passed over, white space is allowed; everything that we
read must be there once, be of its right type and be exact, or the frame is refused as a whole.
"""

from __future__ import annotations

from numba import typeof, types

from graphwiz_trader.hft.kernels import outcome
from graphwiz_trader.hft.kernels.book import apply_bbo, apply_snapshot, apply_trade, apply_update
from graphwiz_trader.hft.kernels.frames import Frame, byte_at, view
from graphwiz_trader.hft.kernels.jit import kernel
from graphwiz_trader.hft.kernels.json_members import behind_key, decimal_at, is_text
from graphwiz_trader.hft.kernels.json_scan import (
    at,
    find_symbol,
    skip_plain_string,
    skip_space,
    skip_value,
    steps,
    whole_number,
)
from graphwiz_trader.hft.kernels.layout import (
    ANOTHER,
    CHAINED,
    DEPTH,
    MAX_LEVELS,
    NONE,
    SEQUENCE_FUTURES,
    SNAPSHOT,
    TICKER,
    TRADE,
    Array,
    Record,
    new_books,
    new_feed,
)

# A bit per key that we read, to refuse a key that comes twice and to require those that an event needs.
_HAS_EVENT, _HAS_SYMBOL, _HAS_FIRST, _HAS_FINAL, _HAS_PREVIOUS = 1, 2, 4, 8, 16
_HAS_BIDS, _HAS_ASKS, _HAS_BID_SIZE, _HAS_ASK_SIZE = 32, 64, 128, 256
_HAS_PRICE, _HAS_SIZE, _HAS_TRADE_ID, _HAS_MAKER = 512, 1024, 2048, 4096
_HAS_TIME, _HAS_LAST_ID, _HAS_BID_LIST, _HAS_ASK_LIST = 8192, 16384, 32768, 65536

_NUMBERS = _HAS_FIRST | _HAS_FINAL | _HAS_PREVIOUS | _HAS_TRADE_ID | _HAS_TIME | _HAS_LAST_ID
_NEEDS_DEPTH = _HAS_SYMBOL | _HAS_FIRST | _HAS_FINAL | _HAS_BIDS | _HAS_ASKS
_NEEDS_TICKER = _HAS_SYMBOL | _HAS_FINAL | _HAS_BIDS | _HAS_ASKS | _HAS_BID_SIZE | _HAS_ASK_SIZE
_NEEDS_TRADE = _HAS_SYMBOL | _HAS_TRADE_ID | _HAS_PRICE | _HAS_SIZE | _HAS_MAKER
_NEEDS_SNAPSHOT = _HAS_LAST_ID | _HAS_BID_LIST | _HAS_ASK_LIST

_QUOTE, _COMMA, _COLON = 0x22, 0x2C, 0x3A
_OPEN_OBJECT, _CLOSE_OBJECT, _OPEN_ARRAY, _CLOSE_ARRAY = 0x7B, 0x7D, 0x5B, 0x5D


FRAME_ARGUMENTS = (*map(typeof, (b"", new_feed(), new_books(0))), types.int64)
"""The Numba types of `on_frame`'s arguments, for `jit.direct`."""
SNAPSHOT_ARGUMENTS = (*FRAME_ARGUMENTS, types.int64)


@kernel
def on_frame(data: bytes, feeds: Array, books: Array, received_ns: int) -> int:
    """Decode one stream frame and apply it. Returns ``code | book << 8`` (see ``outcome``). ``feeds``: shape (1,)."""
    feed = feeds[0]
    code = _decode(view(data), feed, books)
    row = feed.book
    if code == outcome.QUIET:
        kind = feed.kind
        if kind == DEPTH:
            code = apply_update(books[row], feed, received_ns)
        elif kind == TICKER:
            code = apply_bbo(books[row], feed, received_ns)
        elif kind == TRADE:
            code = apply_trade(books[row], feed)
        else:
            code = outcome.OTHER
    return code | row << 8


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
    position = _decode_event(frame, 0, feed, books)
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
        position = _decode_event(frame, start, feed, books)
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
            position = _decode_event(frame, position, feed, books)
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


@kernel
def _decode_event(frame: Frame, start: int, feed: Record, books: Array) -> int:
    """Read one event object at ``start`` into ``feed``. Returns the position behind it, or minus the problem.

    A book that stands in ``feed`` already is the one that was asked about: the event's own symbol is not looked at.
    """
    feed.kind = NONE
    feed.channel = CHAINED
    feed.event_ms = 0
    feed.count[0] = 0
    feed.count[1] = 0
    row = feed.book
    is_asked = row != outcome.NO_BOOK
    kind = NONE
    seen = 0
    wrong = 0  # of another type than we read: only an event that needs it is refused
    read = 0  # lists of levels already read on the way
    last_id = bids = asks = bid_list = ask_list = bid_size = ask_size = price = size = 0
    position = skip_space(frame, start)
    if at(frame, position) != _OPEN_OBJECT:
        return -outcome.MALFORMED
    position = skip_space(frame, position + 1)
    if at(frame, position) == _CLOSE_OBJECT:
        return position + 1
    while True:
        behind = behind_key(frame, position)
        if behind < 0:
            return -outcome.MALFORMED
        field = _field(frame, position + 1)
        position = behind
        if seen & field:
            return -outcome.MALFORMED
        seen |= field
        value = position
        if field & (_HAS_BIDS | _HAS_ASKS) and kind == DEPTH and row != outcome.NO_BOOK:
            position = _levels(frame, position, books[row], 0 if field == _HAS_BIDS else 1, feed)
            if position < 0:
                return position
            read |= field
        elif field & _NUMBERS:
            number, position = whole_number(frame, position)
            if position < 0:
                wrong |= field
                position = skip_value(frame, value)
            elif field == _HAS_FIRST:
                feed.first_id = number
            elif field == _HAS_FINAL:
                feed.final_id = number
            elif field == _HAS_PREVIOUS:
                feed.previous_id = number
            elif field == _HAS_TRADE_ID:
                feed.trade_id = number
            elif field == _HAS_TIME:
                feed.event_ms = number
            else:
                last_id = number
        elif field == _HAS_EVENT and at(frame, position) == _QUOTE:
            position = skip_plain_string(frame, position + 1)
            kind = _kind(frame, value + 1) if position > 0 else NONE
            feed.kind = kind
        elif field == _HAS_SYMBOL and at(frame, position) == _QUOTE:
            position = skip_plain_string(frame, position + 1)
            if position > 0 and not is_asked:
                row = find_symbol(frame, value + 1, position - 1, feed)
                if row < 0:
                    row = outcome.NO_BOOK
                feed.book = row
        else:
            position = skip_value(frame, position)
            if field == _HAS_BIDS:
                bids = value
            elif field == _HAS_ASKS:
                asks = value
            elif field == _HAS_BID_LIST:
                bid_list = value
            elif field == _HAS_ASK_LIST:
                ask_list = value
            elif field == _HAS_BID_SIZE:
                bid_size = value
            elif field == _HAS_ASK_SIZE:
                ask_size = value
            elif field == _HAS_PRICE:
                price = value
            elif field == _HAS_SIZE:
                size = value
            elif field == _HAS_MAKER:
                byte = at(frame, value)
                feed.trade_is_sell = 1 if byte == 0x74 else 0
                if byte != 0x74 and byte != 0x66:  # true, false
                    wrong |= field
        if position < 0:
            return -outcome.MALFORMED
        position = skip_space(frame, position)
        byte = at(frame, position)
        position += 1
        if byte == _CLOSE_OBJECT:
            break
        if byte != _COMMA:
            return -outcome.MALFORMED
        position = skip_space(frame, position)
    feed.book = row
    if not seen & _HAS_EVENT:
        if is_asked:  # in a stream it is partial depth, which names no symbol
            if seen & _NEEDS_SNAPSHOT == _NEEDS_SNAPSHOT:
                kind = SNAPSHOT
                feed.final_id = last_id
                bids = bid_list
                asks = ask_list
        elif seen & _NEEDS_TICKER == _NEEDS_TICKER:
            kind = TICKER  # spot's bookTicker does not name itself
    feed.kind = kind
    problem = _complete(frame, books, feed, seen, wrong, read, bids, asks, bid_size, ask_size, price, size)
    return position if problem == outcome.QUIET else -problem


@kernel
def _complete(
    frame: Frame,
    books: Array,
    feed: Record,
    seen: int,
    wrong: int,
    read: int,
    bids: int,
    asks: int,
    bid_size: int,
    ask_size: int,
    price: int,
    size: int,
) -> int:
    """Check that the event has what its kind needs, and read the values that had to wait for its symbol."""
    kind = feed.kind
    row = feed.book
    if kind == DEPTH:
        needs = _NEEDS_DEPTH
    elif kind == TICKER:
        needs = _NEEDS_TICKER
    elif kind == TRADE:
        needs = _NEEDS_TRADE
    elif kind == SNAPSHOT:
        needs = _NEEDS_SNAPSHOT
    else:
        return outcome.QUIET
    if seen & needs != needs or wrong & (needs | _HAS_TIME):
        return outcome.MALFORMED
    if row == outcome.NO_BOOK:
        return outcome.UNKNOWN_SYMBOL
    book = books[row]
    if kind == TRADE:
        feed.ticks[0, 0] = decimal_at(frame, price, book.price_decimals, book.tick_step)
        feed.lots[0, 0] = decimal_at(frame, size, book.size_decimals, book.lot_step)
        if feed.ticks[0, 0] < 0 or feed.lots[0, 0] < 0:
            return outcome.BAD_NUMBER
        feed.count[0] = 1
        if feed.ticks[0, 0] == 0 or feed.lots[0, 0] == 0:
            feed.kind = ANOTHER  # futures publish what the insurance fund takes over as a trade at price 0
        return outcome.QUIET
    if kind == TICKER:
        feed.ticks[0, 0] = decimal_at(frame, bids, book.price_decimals, book.tick_step)
        feed.lots[0, 0] = decimal_at(frame, bid_size, book.size_decimals, book.lot_step)
        feed.ticks[1, 0] = decimal_at(frame, asks, book.price_decimals, book.tick_step)
        feed.lots[1, 0] = decimal_at(frame, ask_size, book.size_decimals, book.lot_step)
        for side in range(2):
            feed.count[side] = 1
            # An empty side is sent as price 0, size 0.
            if feed.ticks[side, 0] < 0 or feed.lots[side, 0] < 0:
                return outcome.BAD_NUMBER
            if (feed.ticks[side, 0] == 0) != (feed.lots[side, 0] == 0):
                return outcome.BAD_NUMBER
        if feed.ticks[1, 0] != 0 and feed.ticks[0, 0] >= feed.ticks[1, 0]:
            return outcome.CROSSED
        return outcome.QUIET
    if kind == DEPTH:
        if feed.first_id > feed.final_id:
            return outcome.MALFORMED
        if book.sequence_rule == SEQUENCE_FUTURES and not seen & ~wrong & _HAS_PREVIOUS:
            return outcome.MALFORMED
    if not read & _HAS_BIDS:
        position = _levels(frame, bids, book, 0, feed)
        if position < 0:
            return -position
    if not read & _HAS_ASKS:
        position = _levels(frame, asks, book, 1, feed)
        if position < 0:
            return -position
    return outcome.QUIET


@kernel
def _levels(frame: Frame, position: int, book: Record, side: int, feed: Record) -> int:
    """Read ``[["price","size"],…]`` into a side of ``feed``: the position behind it, or minus the problem."""
    price_decimals = book.price_decimals
    tick_step = book.tick_step
    size_decimals = book.size_decimals
    lot_step = book.lot_step
    count = 0
    if at(frame, position) != _OPEN_ARRAY:
        return -outcome.MALFORMED
    position = skip_space(frame, position + 1)
    if at(frame, position) == _CLOSE_ARRAY:
        feed.count[side] = 0
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
        position = skip_space(frame, position)
        if at(frame, position) != _COMMA:
            return -outcome.MALFORMED
        position = skip_space(frame, position + 1)
        if at(frame, position) != _QUOTE:
            return -outcome.MALFORMED
        lots, position = steps(frame, position + 1, size_decimals, lot_step)
        if position < 0:
            return -outcome.BAD_NUMBER
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


@kernel
def _field(frame: Frame, start: int) -> int:
    """The bit of the key that starts at ``start``, 0 for one that we do not read."""
    if at(frame, start + 1) == _QUOTE:
        byte = byte_at(frame, start)
        for i in range(len(_LETTERS)):
            if byte == _LETTERS[i]:
                return _LETTER_BITS[i]
        return 0
    if is_text(frame, start - 1, b'"pu"'):
        return _HAS_PREVIOUS
    if is_text(frame, start - 1, b'"bids"'):
        return _HAS_BID_LIST
    if is_text(frame, start - 1, b'"asks"'):
        return _HAS_ASK_LIST
    if is_text(frame, start - 1, b'"lastUpdateId"'):
        return _HAS_LAST_ID
    return 0


_LETTERS = b"baupqUEsetBAm"
_LETTER_BITS = (
    _HAS_BIDS,
    _HAS_ASKS,
    _HAS_FINAL,
    _HAS_PRICE,
    _HAS_SIZE,
    _HAS_FIRST,
    _HAS_TIME,
    _HAS_SYMBOL,
    _HAS_EVENT,
    _HAS_TRADE_ID,
    _HAS_BID_SIZE,
    _HAS_ASK_SIZE,
    _HAS_MAKER,
)


@kernel
def _kind(frame: Frame, start: int) -> int:
    if is_text(frame, start - 1, b'"depthUpdate"'):
        return DEPTH
    if is_text(frame, start - 1, b'"bookTicker"'):
        return TICKER
    if is_text(frame, start - 1, b'"trade"'):
        return TRADE
    return ANOTHER
