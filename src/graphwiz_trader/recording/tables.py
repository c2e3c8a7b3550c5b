"""The tables of a recording while they are made: rows of whole numbers, noted as the books change.

A row costs one compiled call in the reader's call stack; what columns come of it is `parquet`'s business.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from graphwiz_trader.hft.kernels.jit import direct
from graphwiz_trader.hft.kernels.layout import Array
from graphwiz_trader.hft.kernels.rows import (
    TOP_ARGUMENTS,
    TOP_ROW,
    TRADE_ARGUMENTS,
    TRADE_ROW,
    note_top,
    note_trade,
)

TOP_OF_BOOK, TRADES = "top_of_book", "trades"
NO_LINE = -1
"""In place of a line for what came by none: a REST snapshot."""
ROWS = 1 << 18
"""Rows of a table kept in memory, 16 MiB: more are handed over before their time."""

Rows = npt.NDArray[np.void]
HandOver = Callable[[str, Rows], None]
"""(table, its rows in the order received)"""


class Tables:
    """Notes rows of ``books`` (dtype BOOK) and hands them over a whole part at a time."""

    def __init__(self, books: Array, hand_over: HandOver) -> None:
        self._books = books
        self._hand_over = hand_over
        self._note_top = direct(note_top, TOP_ARGUMENTS)
        self._note_trade = direct(note_trade, TRADE_ARGUMENTS)
        self._tops, self._top_count = np.empty(ROWS, TOP_ROW), 0
        self._trades, self._trade_count = np.empty(ROWS, TRADE_ROW), 0
        self._noted_trades = np.full(len(books), -1, np.int64)

    def on_top(self, book: int, feed: Array, received_ns: int, line: int) -> None:
        """The best bid or ask of a trusted book has changed by the message in ``feed`` (dtype FEED) of a line."""
        self._top_count += self._note_top(self._books, feed, received_ns, self._tops, self._top_count, book, line)
        if self._top_count == ROWS:
            self._flush_tops()

    def on_message(self, feed: Array, received_ns: int, line: int) -> None:
        """Another message was decoded: a trade, or nothing for us."""
        self._trade_count += self._note_trade(
            self._books, feed, received_ns, self._trades, self._trade_count, self._noted_trades, line
        )
        if self._trade_count == ROWS:
            self._flush_trades()

    def flush(self) -> None:
        """Hand over what there is."""
        if self._top_count:
            self._flush_tops()
        if self._trade_count:
            self._flush_trades()

    def _flush_tops(self) -> None:
        part, self._tops = self._tops[: self._top_count], np.empty(ROWS, TOP_ROW)
        self._top_count = 0
        self._hand_over(TOP_OF_BOOK, part)

    def _flush_trades(self) -> None:
        part, self._trades = self._trades[: self._trade_count], np.empty(ROWS, TRADE_ROW)
        self._trade_count = 0
        self._hand_over(TRADES, part)
