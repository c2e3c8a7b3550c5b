"""Rows of the tables that a recording keeps: the top of a book as it stands now, and the trade decoded last."""

from __future__ import annotations

import numpy as np
from numba import typeof

from graphwiz_trader.hft.kernels.jit import kernel
from graphwiz_trader.hft.kernels.layout import TRADE, Array, new_books, new_feed

TOP_ROW = np.dtype(
    [
        ("book", np.int64),
        ("event_ms", np.int64),  # the venue's time, 0 when its message had none
        ("received_ns", np.int64),
        ("update_id", np.int64),
        ("bid_ticks", np.int64),  # 0 while a side is empty
        ("bid_lots", np.int64),
        ("ask_ticks", np.int64),
        ("ask_lots", np.int64),
        ("line", np.int64),  # by which of its exchange's the message came, -1 by none
    ]
)
TRADE_ROW = np.dtype(
    [
        ("book", np.int64),
        ("event_ms", np.int64),
        ("received_ns", np.int64),
        ("trade_id", np.int64),
        ("ticks", np.int64),
        ("lots", np.int64),
        ("is_sell", np.int64),  # 1 when the taker sold
        ("line", np.int64),
    ]
)

_MARKET = (new_books(0), new_feed(), 0)
TOP_ARGUMENTS = tuple(map(typeof, (*_MARKET, np.empty(0, TOP_ROW), 0, 0, 0)))
TRADE_ARGUMENTS = tuple(map(typeof, (*_MARKET, np.empty(0, TRADE_ROW), 0, np.empty(0, np.int64), 0)))
"""The Numba types of `note_top`'s and `note_trade`'s arguments, for `jit.direct`."""


@kernel
def note_top(books: Array, feeds: Array, received_ns: int, tops: Array, at: int, row: int, line: int) -> int:
    """Write the top of the book ``row`` to ``tops[at]``. ``feeds``: the decoder's, with the message that changed it,
    which came by ``line``.

    Returns how many rows were written: 1.
    """
    book = books[row]
    top = tops[at]
    top.book = row
    top.event_ms = feeds[0].event_ms
    top.received_ns = received_ns
    top.update_id = max(book.last_id, book.bbo_id)
    top.bid_ticks = book.top_ticks[0]
    top.bid_lots = book.top_lots[0]
    top.ask_ticks = book.top_ticks[1]
    top.ask_lots = book.top_lots[1]
    top.line = line
    return 1


@kernel
def note_trade(books: Array, feeds: Array, received_ns: int, trades: Array, at: int, noted: Array, line: int) -> int:
    """Write the message decoded last to ``trades[at]`` if it is a trade that its book took and that is new.

    ``noted``: int64, the id of the last trade noted of each book; it is brought up to date. Returns how many rows were
    written: 0 or 1.
    """
    feed = feeds[0]
    row = feed.book
    if feed.kind != TRADE or row >= len(books):
        return 0
    book = books[row]
    if feed.trade_id != book.trade_id or feed.trade_id <= noted[row]:
        return 0
    noted[row] = feed.trade_id
    trade = trades[at]
    trade.book = row
    trade.event_ms = feed.event_ms
    trade.received_ns = received_ns
    trade.trade_id = feed.trade_id
    trade.ticks = book.trade_ticks
    trade.lots = book.trade_lots
    trade.is_sell = book.trade_is_sell
    trade.line = line
    return 1
