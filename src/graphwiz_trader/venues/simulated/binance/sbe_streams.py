"""Spot's public events as binary streams: ``@trade``, ``@bestBidAsk``, ``@depth`` (20 ms), ``@depth20`` (50 ms).

Beside the JSON streams of the same names, on an address of their own, for holders of an Ed25519 key. Data is in binary
messages without an envelope; control messages, their answers and ``serverShutdown`` are JSON text.
Source: Binance spot API docs, "SBE Market Data Streams".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from picows import WSMsgType

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated.binance.authentication import ApiKeys
from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.market_streams import DepthChannel
from graphwiz_trader.venues.simulated.binance.numbers import Numbers
from graphwiz_trader.venues.simulated.binance.sbe_frames import SbeFrames
from graphwiz_trader.venues.simulated.binance.stream_hub import StreamHub
from graphwiz_trader.venues.simulated.binance.stream_socket import StreamSocket
from graphwiz_trader.venues.simulated.faults import Faults
from graphwiz_trader.venues.simulated.http_messages import HttpRequest
from graphwiz_trader.venues.simulated.matching import LevelChange
from graphwiz_trader.venues.simulated.orders import PublicTrade
from graphwiz_trader.venues.simulated.venue_book import VenueBook

PREFIX = "/sbe"
"""What the paths of binary streams begin with here, where the real venue has another host for them."""
_DEPTH_MS, _TOP_MS, _TOP_LEVELS = 20, 50, 20
_TEXT_BEGINS = b"{"
"""No binary message begins so: its first byte is the length of a root block, 18, 26 or 50."""


class SbeSocket(StreamSocket):
    """One connection to the binary streams."""

    def kind_of(self, payload: bytes) -> WSMsgType:
        return WSMsgType.TEXT if payload.startswith(_TEXT_BEGINS) else WSMsgType.BINARY


class _SymbolStreams:
    """All binary streams of one symbol."""

    def __init__(self, book: VenueBook, numbers: Numbers) -> None:
        name = book.listing.symbol.lower()
        self.book = book
        self.frames = SbeFrames(book.listing.symbol, numbers)
        self.trade_stream, self.best_stream, self.top_stream = f"{name}@trade", f"{name}@bestBidAsk", f"{name}@depth20"
        self.depth = DepthChannel(f"{name}@depth", _DEPTH_MS, self.frames)
        self.trades: list[PublicTrade] = []
        """Of one moment, still to be told together."""
        self.best: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))
        self.top_due_ms = 0
        self.top_told_id = 0

    def tops(self, count: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        matcher = self.book.matcher
        return matcher.levels(Side.BUY, count), matcher.levels(Side.SELL, count)


class SbeStreams:
    """Listens to a venue and publishes its own streams in SBE to a hub of their own."""

    def __init__(self, books: Mapping[str, VenueBook], numbers: Mapping[str, Numbers], faults: Faults) -> None:
        self.hub = StreamHub()
        self._faults = faults
        self._symbols = {symbol: _SymbolStreams(book, numbers[symbol]) for symbol, book in books.items()}
        self._depths = {symbol.depth.stream: symbol for symbol in self._symbols.values()}
        self.hub.on_first_subscriber.append(self._start_depth)

    def traded(self, trade: PublicTrade) -> None:
        symbol = self._symbols[trade.listing.symbol]
        if symbol.trades and symbol.trades[0].time_ms != trade.time_ms:
            self._tell_trades(symbol)
        symbol.trades.append(trade)

    def book_changed(self, book: VenueBook, changes: Sequence[LevelChange], now_ms: int) -> None:
        symbol = self._symbols[book.listing.symbol]
        self._tell_trades(symbol)
        if changes:
            if self.hub.has_subscribers(symbol.depth.stream):
                symbol.depth.add(changes, book.matcher.change_count)
            self._tell_best(symbol, now_ms)

    def flush(self, now_ms: int) -> None:
        """Publish what collects over an interval and is due."""
        for symbol in self._symbols.values():
            self._tell_trades(symbol)
            self._tell_top(symbol, now_ms)
            frame = symbol.depth.flush(now_ms) if self.hub.has_subscribers(symbol.depth.stream) else None
            if frame is not None and not self._faults.drops_depth(symbol.book.listing.symbol):
                self._publish(symbol.depth.stream, frame)

    def _tell_trades(self, symbol: _SymbolStreams) -> None:
        trades, symbol.trades = symbol.trades, []
        if trades and self.hub.has_subscribers(symbol.trade_stream):
            self._publish(symbol.trade_stream, symbol.frames.trades(trades))

    def _tell_best(self, symbol: _SymbolStreams, now_ms: int) -> None:
        if not self.hub.has_subscribers(symbol.best_stream):
            return
        bids, asks = symbol.tops(1)
        best = (bids or [(0, 0)])[0], (asks or [(0, 0)])[0]
        if best != symbol.best:
            symbol.best = best
            update_id = symbol.book.matcher.change_count
            self._publish(symbol.best_stream, symbol.frames.best(update_id, *best, now_ms))

    def _tell_top(self, symbol: _SymbolStreams, now_ms: int) -> None:
        update_id = symbol.book.matcher.change_count
        is_due = now_ms >= symbol.top_due_ms and update_id != symbol.top_told_id
        if is_due and self.hub.has_subscribers(symbol.top_stream):
            symbol.top_due_ms, symbol.top_told_id = now_ms - now_ms % _TOP_MS + _TOP_MS, update_id
            self._publish(symbol.top_stream, symbol.frames.top(update_id, *symbol.tops(_TOP_LEVELS), now_ms))

    def _publish(self, stream: str, payload: bytes) -> None:
        """A binary message has no envelope, whatever the connection wants around JSON."""
        for subscriber in self.hub.subscribers(stream):
            subscriber.send(payload, stream)

    def _start_depth(self, stream: str) -> None:
        symbol = self._depths.get(stream)
        if symbol is not None:
            symbol.depth.start(symbol.book.matcher.change_count)


def check_key(keys: ApiKeys, request: HttpRequest) -> None:
    """Raises BinanceError for who may not read binary streams: no key, an unknown one, or one of another kind."""
    key = keys.known(request.headers.get("x-mbx-apikey", ""))
    if key is None or not key.is_ed25519:
        raise BinanceError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
