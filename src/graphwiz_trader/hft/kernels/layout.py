"""The memory that kernels share: record types of a book, and of a decoder with its symbols.

The whole market is one NumPy array of ``BOOK`` records, one row a book; a kernel gets that array and a row, so a
call from Python passes one array however many books there are. The arrays are allocated zeroed and lazily: a
page of a ladder takes memory only once a level has stood on it.

Sides are rows 0 (bids) and 1 (asks). Inside a ladder a level is found by its *key*: the price in ticks for asks,
its negative for bids, so that on both sides the best level is the lowest key and one piece of code serves both.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

BID, ASK = 0, 1

WINDOW = 1 << 18
"""Ticks that a side holds by direct index: 2,600 USD deep at a tick of 0.01."""
MARGIN = WINDOW // 8
"""Free ticks kept on the better side of the best price when the window is placed."""
FAR = 1 << 16
"""Levels a side can hold beyond its window, in a sorted array: what days of one recording leave behind."""
WORDS = WINDOW // 64
SUMMARY_WORDS = WORDS // 64
HISTORY = 1_000
"""Mid prices remembered per book."""
MAX_LEVELS = 10_000
"""Levels a side of one message may carry; the venues' largest snapshot has 5,000."""
MAX_SYMBOL = 24
SYMBOL_SLOTS = 4_096
MAX_MEMBERS = 18
NO_KEY = 2**62
"""Key of the best level of an empty side."""

UNKNOWN = 2**62
"""In place of a time that would be compared."""
NO_ID = -2
"""In place of an id that a message does not have; -1 is one of OKX's own."""
CHECKED_LEVELS = 25
"""Levels a side that a checksum is of."""
PIECES = 256
"""Levels a side whose part of a checksum is remembered, by the low bits of their key."""

# How the venue chains its updates.
SEQUENCE_SPOT = 0
SEQUENCE_FUTURES = 1
SEQUENCE_CHAINED = 2

# The streams that a book is kept from (events.Stream), as places in the fields about silence.
STREAM_DEPTH, STREAM_BBO, STREAM_TRADES = 0, 1, 2
STREAMS = 3

# What a decoded message is.
NONE, DEPTH, TICKER, TRADE, SNAPSHOT, ANOTHER = 0, 1, 2, 3, 4, 5

# Which of its venue's depth channels a message or a book is of, by rank: a book in sequence is not given up for a
# lesser channel. In the partial ones every message is a snapshot of a few levels; above, updates continue a snapshot.
PARTIAL, CHAINED = 0, 1

BOOK = np.dtype(
    [
        # the instrument's rules, constant in a session
        ("price_decimals", np.int64),
        ("tick_step", np.int64),  # ticks are multiples of tick_step × 10^-price_decimals
        ("size_decimals", np.int64),
        ("lot_step", np.int64),
        ("tick_size", np.float64),  # for signals; money never goes through a float
        ("lot_size", np.float64),
        ("taker_fee", np.float64),
        ("sequence_rule", np.int64),
        # where the book stands in the venue's sequence
        ("trust", np.int64),  # events.Trust
        ("synced", np.int64),  # 1 once a snapshot has been applied
        ("first_pending", np.int64),  # 1 until the first update after the snapshot
        ("channel", np.int64),  # the one that the book is kept from
        ("last_id", np.int64),
        ("left_id", np.int64),  # where the venue stood when it last began to count anew,
        ("left_ms", np.int64),  # and its time by then
        ("alone_ns", np.int64),  # since when one line only has brought its updates; 0: there are several, or unknown
        ("updates", np.int64),
        ("event_ms", np.int64),
        ("received_ns", np.int64),
        ("late_ns", np.int64),  # by how much an update may be received after its event_ms, by both clocks; or UNKNOWN
        ("quickest_ns", np.int64),  # by how much one was at least, since the line came up; or UNKNOWN
        # the ladder
        ("base", np.int64, (2,)),  # key of the window's first slot
        ("best", np.int64, (2,)),  # lowest key, NO_KEY when the side is empty
        ("count", np.int64, (2,)),  # levels in window and beyond
        ("far_count", np.int64, (2,)),
        ("lots", np.int64, (2, WINDOW)),
        ("occupied", np.uint64, (2, WORDS)),
        ("summary", np.uint64, (2, SUMMARY_WORDS)),
        ("far_key", np.int64, (2, FAR)),
        ("far_lots", np.int64, (2, FAR)),
        # the newest best bid and offer that the venue has sent by itself
        ("bbo_id", np.int64),
        ("bbo_ticks", np.int64, (2,)),
        ("bbo_lots", np.int64, (2,)),
        # top of book: ladder or bbo, whichever the venue numbered later
        ("top_ticks", np.int64, (2,)),  # 0 while a side is empty
        ("top_lots", np.int64, (2,)),
        # last trade
        ("trade_id", np.int64),
        ("trade_ticks", np.int64),
        ("trade_lots", np.int64),
        ("trade_is_sell", np.int64),  # 1 when the taker sold
        # when each stream last said something new, 0 when it has not since the book began; and how silent it is
        ("heard_ns", np.int64, (STREAMS,)),
        ("heard_ms", np.int64, (STREAMS,)),  # by the venue's clock
        ("seen_silence_ns", np.int64, (STREAMS,)),  # at the last look; see ``silence``
        ("longest_silence_ns", np.int64, (STREAMS,)),  # that was an ordinary one, fading
        ("looks", np.int64, (STREAMS,)),
        ("is_silent", np.int64, (STREAMS,)),
        # mid prices, newest at (history_count - 1) % HISTORY
        ("history_count", np.int64),
        ("history_mid2", np.int64, (HISTORY,)),  # bid + ask in ticks: twice the mid
        ("history_ns", np.int64, (HISTORY,)),
        # what levels contribute to a checksum: key, lots (0: nothing remembered here), piece; see ``checksum``
        ("pieces", np.int64, (2, PIECES, 4)),
        ("best_pieces", np.int64, (2, CHECKED_LEVELS)),  # best first, as the checksum was last made
    ],
    align=True,
)

FEED = np.dtype(
    [
        # which of its symbols are which books: open addressing by ``json_scan.symbol_hash``, length 0 is free
        ("symbol_length", np.int64, (SYMBOL_SLOTS,)),
        ("symbol_book", np.int64, (SYMBOL_SLOTS,)),
        ("symbol_name", np.uint8, (SYMBOL_SLOTS, MAX_SYMBOL)),
        # what a decoder notes of a message's members while it reads: bits, numbers, and where values stand
        ("seen", np.int64),
        ("wrong", np.int64),
        ("read", np.int64),
        ("number", np.int64, (MAX_MEMBERS,)),
        ("value_at", np.int64, (MAX_MEMBERS,)),
        ("news", np.int64),  # how many messages said of a book what no other line had said before
        # the message decoded last; a best bid and offer is one level a side, a trade one level of side 0
        ("kind", np.int64),
        ("channel", np.int64),
        ("book", np.int64),
        ("event_ms", np.int64),
        ("first_id", np.int64),
        ("final_id", np.int64),
        ("previous_id", np.int64),
        ("checksum", np.int64),  # 0 when there is none to compare
        ("trade_id", np.int64),
        ("trade_is_sell", np.int64),
        ("count", np.int64, (2,)),
        ("ticks", np.int64, (2, MAX_LEVELS)),
        ("lots", np.int64, (2, MAX_LEVELS)),
    ],
    align=True,
)
"""What a venue's decoder keeps: its symbol table, how often it was the first, and the message that it decoded last."""

Array: TypeAlias = npt.NDArray[Any]
Record: TypeAlias = Any
"""One row of such an array, as a kernel sees it: fields by name, no reference count."""


def new_books(count: int) -> Array:
    """Empty books, shape (count,), dtype BOOK. Their rules are to be filled in by the caller."""
    books = np.zeros(count, BOOK)
    books["best"] = NO_KEY
    books["late_ns"] = UNKNOWN
    books["quickest_ns"] = UNKNOWN
    return books


def new_feed() -> Array:
    """A decoder's memory with an empty symbol table, shape (1,), dtype FEED."""
    return np.zeros(1, FEED)
