"""Where lines deliver in tests: books kept as the trader keeps them, and everything that came in lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from graphwiz_trader.hft.decoders import Decoder, binance_decoder
from graphwiz_trader.hft.events import ExecutionReport, OrderState, RecordKind, Side, Trust
from graphwiz_trader.hft.instruments import Instrument, Instruments
from graphwiz_trader.hft.market_data import MarketData
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.hft.records import ClockOffset, TrustChange
from graphwiz_trader.venues.binance.order_codec import OrderDecoder
from venues.harness import INSTRUMENTS, Watched


class MarketSink(Watched):
    """Where market data lines deliver, ``decoders[line]`` reading each.

    ``request_snapshot``, to be set: where a book's snapshot is asked for.
    """

    max_book_age_ms = 5_000
    """A machine that has much to do makes nothing late."""

    def __init__(self, instruments: Instruments, decoders: Sequence[Decoder]) -> None:
        super().__init__()
        self.books = OrderBookManager(instruments, max_book_age_ms=self.max_book_age_ms)
        self._exchange_of = [decoder.exchange for decoder in decoders]
        self.frames: list[tuple[int, bytes, int]] = []
        """(line, frame, time received)"""
        self.lines: list[tuple[int, bool, str]] = []
        self.clocks: list[tuple[int, int, int]] = []
        """(line, offset, error) in ns."""
        self.asked: Counter[int] = Counter()
        self.trust: list[tuple[int, Trust]] = []
        """Every change of a book's trust, as a journal would have it."""
        self.request_snapshot: Callable[[int], None] = lambda _book: None
        self.market_data = MarketData(
            self.books,
            decoders,
            self,
            request_snapshot=self._ask,
            min_stale_after_ms=5_000,  # a machine that has much to do is no silence
        )

    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        """As a recorder."""
        if kind == RecordKind.TRUST:
            self.trust.append((source, msgspec.json.decode(payload, type=TrustChange).trust))

    def on_market_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        self.frames.append((line, frame, now_ns))
        self.market_data.on_frame(line, frame, now_ns)
        self.changed()

    def on_snapshot(self, book: int, body: bytes, now_ns: int) -> None:
        self.market_data.on_snapshot(book, body, now_ns)
        self.changed()

    def on_line(self, line: int, up: bool, reason: str, now_ns: int) -> None:
        self.lines.append((line, up, reason))
        self.market_data.on_line(line, up, now_ns)
        self.changed()

    def on_clock(self, line: int, offset_ns: int, error_ns: int, now_ns: int) -> None:
        self.clocks.append((line, offset_ns, error_ns))
        self.books.note_clock(self._exchange_of[line], ClockOffset(offset_ns, error_ns))
        self.changed()

    def on_order_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        raise AssertionError("a feed brings no orders")

    def trusts(self, *books: int) -> bool:
        return all(self.books[book].is_trusted for book in books)

    def _ask(self, book: int) -> None:
        self.asked[book] += 1
        self.request_snapshot(book)


class Sink(MarketSink):
    """Where the lines of Binance deliver, spot's under number 0 and USD-M's under 1: feeds, or order lines."""

    def __init__(self) -> None:
        exchanges = ("binance", "binanceusdm")
        super().__init__(INSTRUMENTS, [binance_decoder(INSTRUMENTS, exchange) for exchange in exchanges])
        self._order_decoders = [OrderDecoder(INSTRUMENTS, exchange) for exchange in exchanges]
        self.order_frames: list[bytes] = []
        self.reports: list[ExecutionReport] = []
        self.snapshots: list[tuple[int, bytes]] = []

    def on_snapshot(self, book: int, body: bytes, now_ns: int) -> None:
        self.snapshots.append((book, body))
        super().on_snapshot(book, body, now_ns)

    def on_order_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        self.order_frames.append(frame)
        self.reports += self._order_decoders[line](frame)
        self.changed()

    def levels(self, instrument: Instrument) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        book = self.books[instrument.book]
        return book.levels(Side.BUY), book.levels(Side.SELL)

    def about(self, client_id: str) -> list[ExecutionReport]:
        return [report for report in self.reports if report.client_id == client_id]

    def states(self, client_id: str) -> list[OrderState]:
        return [report.state for report in self.about(client_id)]
