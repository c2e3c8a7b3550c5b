"""One event of Binance's market data, read from its JSON object into the decoder's memory.

Members may come in any order, so each is noted as it comes: whole numbers are read, other values are remembered by
where they stand. Levels are read on the way when the event has named its kind and symbol before them, as it does on
the wire. What an event of its kind needs is checked at the end.
"""

from __future__ import annotations

from graphwiz_trader.hft.kernels import outcome
from graphwiz_trader.hft.kernels.frames import Frame, byte_at
from graphwiz_trader.hft.kernels.jit import kernel
from graphwiz_trader.hft.kernels.json_levels import read_levels
from graphwiz_trader.hft.kernels.json_members import behind_key, decimal_at, is_text
from graphwiz_trader.hft.kernels.json_scan import (
    at,
    find_symbol,
    skip_plain_string,
    skip_space,
    skip_value,
    whole_number,
)
from graphwiz_trader.hft.kernels.layout import (
    ANOTHER,
    CHAINED,
    DEPTH,
    NONE,
    SEQUENCE_FUTURES,
    SNAPSHOT,
    TICKER,
    TRADE,
    Array,
    Record,
)

# Members that we read, as places in ``feed.value_at`` and ``feed.number``; their bits in ``seen``, ``wrong``, ``read``.
_EVENT, _SYMBOL, _FIRST, _FINAL, _PREVIOUS, _TRADE_ID, _TIME, _LAST_ID = 0, 1, 2, 3, 4, 5, 6, 7
_BIDS, _ASKS, _BID_SIZE, _ASK_SIZE, _BID_LIST, _ASK_LIST, _PRICE, _SIZE, _MAKER = 8, 9, 10, 11, 12, 13, 14, 15, 16
_UNREAD = 17

_HAS_EVENT, _HAS_PREVIOUS, _HAS_TIME = 1 << _EVENT, 1 << _PREVIOUS, 1 << _TIME
_NEEDS_DEPTH = 1 << _SYMBOL | 1 << _FIRST | 1 << _FINAL | 1 << _BIDS | 1 << _ASKS
_NEEDS_TICKER = 1 << _SYMBOL | 1 << _FINAL | 1 << _BIDS | 1 << _ASKS | 1 << _BID_SIZE | 1 << _ASK_SIZE
_NEEDS_TRADE = 1 << _SYMBOL | 1 << _TRADE_ID | 1 << _PRICE | 1 << _SIZE | 1 << _MAKER
_NEEDS_SNAPSHOT = 1 << _LAST_ID | 1 << _BID_LIST | 1 << _ASK_LIST

_QUOTE, _COMMA, _T, _F = 0x22, 0x2C, 0x74, 0x66
_OPEN_OBJECT, _CLOSE_OBJECT = 0x7B, 0x7D

_LETTERS = b"baupqUEsetBAm"
_LETTER_FIELDS = (
    _BIDS,
    _ASKS,
    _FINAL,
    _PRICE,
    _SIZE,
    _FIRST,
    _TIME,
    _SYMBOL,
    _EVENT,
    _TRADE_ID,
    _BID_SIZE,
    _ASK_SIZE,
    _MAKER,
)


@kernel
def read_event(frame: Frame, start: int, feed: Record, books: Array) -> int:
    """Read the event object at ``start`` into ``feed``. Returns the position behind it, or minus the problem.

    A book that stands in ``feed`` already is the one that was asked about: the event's own symbol is not looked at.
    """
    is_asked = feed.book != outcome.NO_BOOK
    feed.kind = NONE
    feed.channel = CHAINED
    feed.event_ms = 0
    feed.count[0] = 0
    feed.count[1] = 0
    feed.seen = 0
    feed.wrong = 0
    feed.read = 0
    position = skip_space(frame, start)
    if at(frame, position) != _OPEN_OBJECT:
        return -outcome.MALFORMED
    position = skip_space(frame, position + 1)
    if at(frame, position) == _CLOSE_OBJECT:
        return position + 1
    while True:
        position = _read_member(frame, position, feed, books, is_asked)
        if position < 0:
            return position
        position = skip_space(frame, position)
        byte = at(frame, position)
        if byte == _CLOSE_OBJECT:
            break
        if byte != _COMMA:
            return -outcome.MALFORMED
        position = skip_space(frame, position + 1)
    if not feed.seen & _HAS_EVENT:
        if is_asked:  # in a stream it is partial depth, which names no symbol
            if feed.seen & _NEEDS_SNAPSHOT == _NEEDS_SNAPSHOT:
                feed.kind = SNAPSHOT
        elif feed.seen & _NEEDS_TICKER == _NEEDS_TICKER:
            feed.kind = TICKER  # spot's bookTicker does not name itself
    problem = _complete(frame, feed, books)
    return position + 1 if problem == outcome.QUIET else -problem


@kernel
def _read_member(frame: Frame, position: int, feed: Record, books: Array, is_asked: bool) -> int:
    """Note one member. Returns the position behind its value, or minus the problem."""
    value = behind_key(frame, position)
    if value < 0:
        return -outcome.MALFORMED
    field = _field(frame, position + 1)
    if field == _UNREAD:
        behind = skip_value(frame, value)
        return behind if behind >= 0 else -outcome.MALFORMED
    bit = 1 << field
    if feed.seen & bit:
        return -outcome.MALFORMED
    feed.seen |= bit
    feed.value_at[field] = value
    if (field == _BIDS or field == _ASKS) and feed.kind == DEPTH and feed.book != outcome.NO_BOOK:
        feed.read |= bit
        return _levels(frame, value, books[feed.book], field - _BIDS, feed)
    if _FIRST <= field <= _LAST_ID:
        feed.number[field], behind = whole_number(frame, value)
        if behind < 0:
            feed.wrong |= bit  # of another type than we read: only an event that needs it is refused
            behind = skip_value(frame, value)
    elif field <= _SYMBOL and at(frame, value) == _QUOTE:
        behind = _read_name(frame, value, field, feed, is_asked)
    else:
        behind = skip_value(frame, value)
        if field == _MAKER and at(frame, value) != _T and at(frame, value) != _F:
            feed.wrong |= bit
    return behind if behind >= 0 else -outcome.MALFORMED


@kernel
def _read_name(frame: Frame, value: int, field: int, feed: Record, is_asked: bool) -> int:
    """Read the event's kind or its symbol. Returns the position behind it, or REFUSED."""
    behind = skip_plain_string(frame, value + 1)
    if behind > 0 and field == _EVENT:
        feed.kind = _kind(frame, value)
    elif behind > 0 and not is_asked:
        row = find_symbol(frame, value + 1, behind - 1, feed)
        feed.book = row if row >= 0 else outcome.NO_BOOK
    return behind


@kernel
def _complete(frame: Frame, feed: Record, books: Array) -> int:
    """Check that the event has what its kind needs, and read the values that had to wait. Returns an outcome code."""
    kind = feed.kind
    needs = _needs(kind)
    if needs == 0:
        return outcome.QUIET
    if feed.seen & needs != needs or feed.wrong & (needs | _HAS_TIME):
        return outcome.MALFORMED
    if feed.book == outcome.NO_BOOK:
        return outcome.UNKNOWN_SYMBOL
    book = books[feed.book]
    if feed.seen & _HAS_TIME:
        feed.event_ms = feed.number[_TIME]
    if kind == TRADE:
        return _complete_trade(frame, feed, book)
    feed.final_id = feed.number[_LAST_ID if kind == SNAPSHOT else _FINAL]
    if kind == TICKER:
        return _complete_ticker(frame, feed, book)
    if kind == SNAPSHOT:
        return _complete_levels(frame, feed, book, _BID_LIST)
    feed.first_id = feed.number[_FIRST]
    feed.previous_id = feed.number[_PREVIOUS]
    if feed.first_id > feed.final_id:
        return outcome.MALFORMED
    if book.sequence_rule == SEQUENCE_FUTURES and not feed.seen & ~feed.wrong & _HAS_PREVIOUS:
        return outcome.MALFORMED
    return _complete_levels(frame, feed, book, _BIDS)


@kernel
def _complete_trade(frame: Frame, feed: Record, book: Record) -> int:
    feed.trade_id = feed.number[_TRADE_ID]
    feed.trade_is_sell = 1 if at(frame, feed.value_at[_MAKER]) == _T else 0
    feed.ticks[0, 0] = decimal_at(frame, feed.value_at[_PRICE], book.price_decimals, book.tick_step)
    feed.lots[0, 0] = decimal_at(frame, feed.value_at[_SIZE], book.size_decimals, book.lot_step)
    if feed.ticks[0, 0] < 0 or feed.lots[0, 0] < 0:
        return outcome.BAD_NUMBER
    feed.count[0] = 1
    if feed.ticks[0, 0] == 0 or feed.lots[0, 0] == 0:
        feed.kind = ANOTHER  # futures publish what the insurance fund takes over as a trade at price 0
    return outcome.QUIET


@kernel
def _complete_ticker(frame: Frame, feed: Record, book: Record) -> int:
    for side in range(2):
        feed.count[side] = 1
        ticks = decimal_at(frame, feed.value_at[_BIDS + side], book.price_decimals, book.tick_step)
        lots = decimal_at(frame, feed.value_at[_BID_SIZE + side], book.size_decimals, book.lot_step)
        # An empty side is sent as price 0, size 0.
        if ticks < 0 or lots < 0 or (ticks == 0) != (lots == 0):
            return outcome.BAD_NUMBER
        feed.ticks[side, 0] = ticks
        feed.lots[side, 0] = lots
    if feed.ticks[1, 0] != 0 and feed.ticks[0, 0] >= feed.ticks[1, 0]:
        return outcome.CROSSED
    return outcome.QUIET


@kernel
def _complete_levels(frame: Frame, feed: Record, book: Record, bids: int) -> int:
    """Read the sides that have not been read on the way; ``bids`` is the field of the first, the asks' follows it."""
    for side in range(2):
        if not feed.read & 1 << (bids + side):
            position = _levels(frame, feed.value_at[bids + side], book, side, feed)
            if position < 0:
                return -position
    return outcome.QUIET


@kernel
def _levels(frame: Frame, position: int, book: Record, side: int, feed: Record) -> int:
    """Read a side's levels: the position behind them, or minus the problem."""
    return read_levels(frame, position, book, side, feed, 0, False)


@kernel
def _needs(kind: int) -> int:
    """The bits of the members that an event of this kind must have, 0 for one that we do not read."""
    if kind == DEPTH:
        return _NEEDS_DEPTH
    if kind == TICKER:
        return _NEEDS_TICKER
    if kind == TRADE:
        return _NEEDS_TRADE
    return _NEEDS_SNAPSHOT if kind == SNAPSHOT else 0


@kernel
def _field(frame: Frame, start: int) -> int:
    """Which member's key starts at ``start``."""
    if at(frame, start + 1) == _QUOTE:
        byte = byte_at(frame, start)
        for i in range(len(_LETTERS)):
            if byte == _LETTERS[i]:
                return _LETTER_FIELDS[i]
        return _UNREAD
    if is_text(frame, start - 1, b'"pu"'):
        return _PREVIOUS
    if is_text(frame, start - 1, b'"bids"'):
        return _BID_LIST
    if is_text(frame, start - 1, b'"asks"'):
        return _ASK_LIST
    if is_text(frame, start - 1, b'"lastUpdateId"'):
        return _LAST_ID
    return _UNREAD


@kernel
def _kind(frame: Frame, value: int) -> int:
    """Which kind of event the text at ``value`` names."""
    if is_text(frame, value, b'"depthUpdate"'):
        return DEPTH
    if is_text(frame, value, b'"bookTicker"'):
        return TICKER
    if is_text(frame, value, b'"trade"'):
        return TRADE
    return ANOTHER
