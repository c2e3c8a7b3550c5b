"""Books that are kept from frames, and rows of tables for what changes in them: while recording, and again later."""

from __future__ import annotations

from collections.abc import Sequence

from graphwiz_trader.hft.kernels.layout import Array
from graphwiz_trader.hft.market_data import MarketData
from graphwiz_trader.recording.tables import NO_LINE, Tables


class TabledBooks:
    """``feeds[line]``: the memory of the line's decoder; ``numbers[line]``: which of its exchange's lines it is.

    Without ``tables`` the books are kept alone.
    """

    def __init__(
        self, market_data: MarketData, feeds: Sequence[Array], numbers: Sequence[int], tables: Tables | None
    ) -> None:
        self._market_data = market_data
        self._feeds = tuple(feeds)
        self._numbers = tuple(numbers)
        self._tables = tables

    def on_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        book = self._market_data.on_frame(line, frame, now_ns)
        if self._tables is not None:
            if book >= 0:
                self._tables.on_top(book, self._feeds[line], now_ns, self._numbers[line])
            else:
                self._tables.on_message(self._feeds[line], now_ns, self._numbers[line])

    def on_snapshot(self, line: int, book: int, body: bytes, now_ns: int) -> None:
        """``line``: the first of the book's, whose decoder reads its snapshots."""
        changed = self._market_data.on_snapshot(book, body, now_ns)
        if changed >= 0 and self._tables is not None:
            self._tables.on_top(changed, self._feeds[line], now_ns, NO_LINE)

    def flush(self) -> None:
        """Have the tables' rows written."""
        if self._tables is not None:
            self._tables.flush()
