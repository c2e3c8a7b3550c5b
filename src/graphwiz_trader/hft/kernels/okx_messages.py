"""One message of OKX's: a book's levels, or a trade, as an object in a frame's ``data``.

Several messages in a frame come one after the other into the same record. Of updates the levels follow each other and
the ids must chain; of snapshots and of best bids and offers the last stands; of trades the last stands first.
"""

from __future__ import annotations

from graphwiz_trader.hft.kernels import outcome
from graphwiz_trader.hft.kernels.frames import Frame
from graphwiz_trader.hft.kernels.jit import kernel
from graphwiz_trader.hft.kernels.json_levels import read_levels
from graphwiz_trader.hft.kernels.json_members import behind_key, is_text, signed_number
from graphwiz_trader.hft.kernels.json_scan import (
    REFUSED,
    at,
    find_symbol,
    skip_plain_string,
    skip_space,
    skip_value,
    steps,
)
from graphwiz_trader.hft.kernels.layout import DEPTH, MAX_LEVELS, NO_ID, TICKER, Record

_ASKS, _BIDS, _TIME, _SEQUENCE, _PREVIOUS, _CHECKSUM = 1, 2, 4, 8, 16, 32
_TRADE_ID, _PRICE, _SIZE, _SIDE, _INSTRUMENT = 64, 128, 256, 512, 1024
_NEEDS_DEPTH = _ASKS | _BIDS | _TIME
_NEEDS_TRADE = _TRADE_ID | _PRICE | _SIZE | _SIDE | _TIME
_CHAIN = _SEQUENCE | _PREVIOUS

_QUOTE, _COMMA = 0x22, 0x2C
_OPEN_OBJECT, _CLOSE_OBJECT = 0x7B, 0x7D


@kernel
def read_depth(frame: Frame, position: int, feed: Record, book: Record, number: int) -> int:
    """Read the message ``number`` of a frame: a book's snapshot or update, or a best bid and offer.

    Returns the position behind it, or minus the problem.
    """
    if at(frame, position) != _OPEN_OBJECT:
        return -outcome.MALFORMED
    if feed.kind != DEPTH or number == 0:
        feed.count[0] = 0
        feed.count[1] = 0
    seen = sequence = previous = checksum = 0
    byte = _COMMA
    while byte == _COMMA:
        position = skip_space(frame, position + 1)
        field = _depth_field(frame, position)
        position = behind_key(frame, position)
        if position < 0 or seen & field:
            return -outcome.MALFORMED
        seen |= field
        if field & (_ASKS | _BIDS):
            position = _levels(frame, position, book, 0 if field == _BIDS else 1, feed)
            if position < 0:
                return position
        elif field == _SEQUENCE:
            sequence, position = signed_number(frame, position)
        elif field == _PREVIOUS:
            previous, position = signed_number(frame, position)
        elif field == _CHECKSUM:
            checksum, position = signed_number(frame, position)
        elif field == _TIME:
            position = _read_time(frame, position, feed)
        elif field == _INSTRUMENT:
            position = _same_instrument(frame, position, feed)
        else:
            position = skip_value(frame, position)
        if position < 0:
            return -outcome.MALFORMED
        position = skip_space(frame, position)
        byte = at(frame, position)
    if byte != _CLOSE_OBJECT or seen & _NEEDS_DEPTH != _NEEDS_DEPTH or sequence < 0 or previous < -1:
        return -outcome.MALFORMED
    problem = _enter_ids(feed, seen & _CHAIN, sequence, previous, checksum, number)
    return position + 1 if problem == outcome.QUIET else -problem


@kernel
def _enter_ids(feed: Record, chain: int, sequence: int, previous: int, checksum: int, number: int) -> int:
    """Where the message stands in the venue's sequence: QUIET, or the problem.

    An update says it by both ids, or, from before there were ids, proves itself by a checksum.
    """
    feed.checksum = checksum
    if feed.kind == DEPTH:
        if chain != _CHAIN and (chain != 0 or checksum == 0):
            return outcome.MALFORMED
        if chain == 0:
            previous = NO_ID
        if number != 0:
            if (chain == 0) != (feed.previous_id == NO_ID):
                return outcome.MALFORMED
            if chain != 0 and previous != feed.final_id:
                return outcome.GAP
            previous = feed.previous_id
        feed.previous_id = previous
    elif feed.kind == TICKER:
        feed.final_id = sequence if chain & _SEQUENCE else NO_ID
        return _settle_sides(feed)
    feed.final_id = sequence
    return outcome.QUIET


@kernel
def _settle_sides(feed: Record) -> int:
    """A best bid and offer has a level a side; an empty side is price 0, size 0."""
    for side in range(2):
        if feed.count[side] > 1:
            return outcome.MALFORMED
        if feed.count[side] == 0:
            feed.ticks[side, 0] = 0
            feed.lots[side, 0] = 0
            feed.count[side] = 1
        elif feed.lots[side, 0] == 0:
            return outcome.BAD_NUMBER
    if feed.ticks[1, 0] != 0 and feed.ticks[0, 0] >= feed.ticks[1, 0]:
        return outcome.CROSSED
    return outcome.QUIET


@kernel
def read_trade(frame: Frame, position: int, feed: Record, book: Record, number: int) -> int:
    """Read the message ``number`` of a frame, a trade. Returns the position behind it, or minus the problem."""
    if at(frame, position) != _OPEN_OBJECT:
        return -outcome.MALFORMED
    if number == MAX_LEVELS:
        return -outcome.TOO_MANY_LEVELS
    feed.ticks[0, number] = feed.ticks[0, 0]
    feed.lots[0, number] = feed.lots[0, 0]
    feed.count[0] = number + 1
    feed.count[1] = 0
    seen = 0
    byte = _COMMA
    while byte == _COMMA:
        position = skip_space(frame, position + 1)
        field = _trade_field(frame, position)
        position = behind_key(frame, position)
        if position < 0 or seen & field:
            return -outcome.MALFORMED
        seen |= field
        value = position
        if field & (_PRICE | _SIZE | _TRADE_ID):
            if at(frame, value) != _QUOTE:
                return -outcome.MALFORMED
            if field == _PRICE:
                feed.ticks[0, 0], position = steps(frame, value + 1, book.price_decimals, book.tick_step)
            elif field == _SIZE:
                feed.lots[0, 0], position = steps(frame, value + 1, book.size_decimals, book.lot_step)
            else:
                feed.trade_id, position = steps(frame, value + 1, 0, 1)
            if position < 0:
                return -outcome.BAD_NUMBER
        elif field == _SIDE:
            feed.trade_is_sell = is_text(frame, value, b'"sell"')
            position = skip_value(frame, value) if feed.trade_is_sell or is_text(frame, value, b'"buy"') else REFUSED
        elif field == _TIME:
            position = _read_time(frame, value, feed)
        elif field == _INSTRUMENT:
            position = _same_instrument(frame, value, feed)
        else:
            position = skip_value(frame, value)
        if position < 0:
            return -outcome.MALFORMED
        position = skip_space(frame, position)
        byte = at(frame, position)
    if byte != _CLOSE_OBJECT or seen & _NEEDS_TRADE != _NEEDS_TRADE:
        return -outcome.MALFORMED
    return position + 1 if feed.ticks[0, 0] > 0 and feed.lots[0, 0] > 0 else -outcome.BAD_NUMBER


@kernel
def _levels(frame: Frame, position: int, book: Record, side: int, feed: Record) -> int:
    """Read a side's levels behind what it has: the position behind them, or minus the problem."""
    return read_levels(frame, position, book, side, feed, feed.count[side], True)


@kernel
def _read_time(frame: Frame, position: int, feed: Record) -> int:
    """Milliseconds in quotes. Returns the position behind, or REFUSED."""
    if at(frame, position) != _QUOTE:
        return REFUSED
    feed.event_ms, position = steps(frame, position + 1, 0, 1)
    return position


@kernel
def _same_instrument(frame: Frame, position: int, feed: Record) -> int:
    """Behind a text that names the frame's own instrument, or REFUSED."""
    if at(frame, position) != _QUOTE:
        return REFUSED
    behind = skip_plain_string(frame, position + 1)
    if behind < 0 or find_symbol(frame, position + 1, behind - 1, feed) != feed.book:
        return REFUSED
    return behind


@kernel
def _depth_field(frame: Frame, position: int) -> int:
    """The bit of a book message's key that stands at ``position``, 0 for one that we do not read."""
    letter = at(frame, position + 1)
    if letter == 0x61:
        return _ASKS if is_text(frame, position, b'"asks"') else 0
    if letter == 0x62:
        return _BIDS if is_text(frame, position, b'"bids"') else 0
    if letter == 0x73:
        return _SEQUENCE if is_text(frame, position, b'"seqId"') else 0
    if letter == 0x70:
        return _PREVIOUS if is_text(frame, position, b'"prevSeqId"') else 0
    if letter == 0x63:
        return _CHECKSUM if is_text(frame, position, b'"checksum"') else 0
    return _common_field(frame, position)


@kernel
def _trade_field(frame: Frame, position: int) -> int:
    """As _depth_field, of a trade."""
    if is_text(frame, position, b'"px"'):
        return _PRICE
    if is_text(frame, position, b'"sz"'):
        return _SIZE
    if is_text(frame, position, b'"side"'):
        return _SIDE
    if is_text(frame, position, b'"tradeId"'):
        return _TRADE_ID
    return _common_field(frame, position)


@kernel
def _common_field(frame: Frame, position: int) -> int:
    if is_text(frame, position, b'"ts"'):
        return _TIME
    return _INSTRUMENT if is_text(frame, position, b'"instId"') else 0
