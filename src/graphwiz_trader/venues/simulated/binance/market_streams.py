"""A venue's public events as Binance streams: ``@trade``, ``@bookTicker`` and ``@depth`` at its several speeds.

A depth stream tells each level once per interval, with its latest size; ids count the book's level changes, so
that ``U`` and ``u`` span what an event covers. The 0 ms stream of USD-M tells every change at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated.binance.market_frames import DepthSpan, MarketFrames
from graphwiz_trader.venues.simulated.binance.stream_hub import StreamHub
from graphwiz_trader.venues.simulated.binance.trade_history import Aggregate
from graphwiz_trader.venues.simulated.faults import Faults
from graphwiz_trader.venues.simulated.matching import LevelChange
from graphwiz_trader.venues.simulated.orders import PublicTrade
from graphwiz_trader.venues.simulated.venue_book import VenueBook


class DepthChannel:
    """One depth stream of one symbol, collecting changes between its events."""

    def __init__(self, stream: str, interval_ms: int, frames: MarketFrames) -> None:
        self.stream = stream
        self.interval_ms = interval_ms
        self._frames = frames
        self._pending: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._told_id = 0
        self._seen_id = 0
        self._due_ms = 0

    def start(self, change_id: int) -> None:
        """Somebody listens from now on: what happened before is in the snapshot."""
        self._told_id = self._seen_id = change_id
        self._pending[0].clear()
        self._pending[1].clear()

    def add(self, changes: Sequence[LevelChange], last_id: int) -> None:
        for side, price_ticks, size_lots in changes:
            self._pending[side][price_ticks] = size_lots
        self._seen_id = last_id

    def flush(self, now_ms: int) -> bytes | None:
        """The event that is due, None when nothing has changed or its time has not come."""
        if now_ms < self._due_ms or self._seen_id == self._told_id:
            return None
        if self.interval_ms:
            self._due_ms = now_ms - now_ms % self.interval_ms + self.interval_ms
        bids, asks = self._pending
        span = DepthSpan(self._told_id + 1, self._seen_id, self._told_id)
        frame = self._frames.depth(span, list(bids.items()), list(asks.items()), now_ms)
        self.start(self._seen_id)
        return frame


class SymbolStreams:
    """All streams of one symbol."""

    def __init__(self, book: VenueBook, frames: MarketFrames, depth_intervals_ms: Mapping[str, int]) -> None:
        name = book.listing.symbol.lower()
        self.book = book
        self.frames = frames
        self.trade_stream = f"{name}@trade"
        self.aggregate_stream = f"{name}@aggTrade"
        self.aggregate: Aggregate | None = None
        """Trades that are still to be told as one."""
        self.aggregates_told = 0
        self.ticker_stream = f"{name}@bookTicker"
        self.channels = [
            DepthChannel(name + suffix, interval, frames) for suffix, interval in depth_intervals_ms.items()
        ]
        self.best: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))


class MarketStreams:
    """Listens to a venue and publishes to a hub.

    ``depth_intervals_ms``: the depth streams there are, by what follows the symbol in their names, as
    ``{"@depth@100ms": 100}``.
    """

    def __init__(
        self,
        hub: StreamHub,
        books: Mapping[str, tuple[VenueBook, MarketFrames]],
        depth_intervals_ms: Mapping[str, int],
        faults: Faults,
    ) -> None:
        self._hub = hub
        self._faults = faults
        self._symbols = {
            symbol: SymbolStreams(book, frames, depth_intervals_ms) for symbol, (book, frames) in books.items()
        }
        self._channels = {
            channel.stream: (symbol, channel) for symbol in self._symbols.values() for channel in symbol.channels
        }
        hub.on_first_subscriber.append(self._start_channel)

    def traded(self, trade: PublicTrade) -> None:
        symbol = self._symbols[trade.listing.symbol]
        if self._hub.has_subscribers(symbol.trade_stream):
            self._hub.publish(symbol.trade_stream, symbol.frames.trade(trade))
        if symbol.aggregate is None or not symbol.aggregate.takes(trade):
            self._tell_aggregate(symbol)
            symbol.aggregates_told += 1
            symbol.aggregate = Aggregate(symbol.aggregates_told, trade)

    def book_changed(self, book: VenueBook, changes: Sequence[LevelChange], now_ms: int) -> None:
        if not changes:
            return
        symbol = self._symbols[book.listing.symbol]
        for channel in symbol.channels:
            if self._hub.has_subscribers(channel.stream):
                channel.add(changes, book.update_id)
                if channel.interval_ms == 0:
                    self._flush(symbol, channel, now_ms)
        self._tell_best(symbol, now_ms)

    def flush(self, now_ms: int) -> None:
        """Publish the depth events that are due, and the trades that no other joins any more."""
        for symbol in self._symbols.values():
            self._tell_aggregate(symbol)
        for symbol, channel in self._channels.values():
            if self._hub.has_subscribers(channel.stream):
                self._flush(symbol, channel, now_ms)

    def start_over(self) -> None:
        """Every book's ids begin anew; what has been collected was told under the old ones."""
        for symbol, channel in self._channels.values():
            symbol.book.count_anew()
            channel.start(symbol.book.update_id)

    def _flush(self, symbol: SymbolStreams, channel: DepthChannel, now_ms: int) -> None:
        frame = channel.flush(now_ms)
        if frame is not None and not self._faults.drops_depth(symbol.book.listing.symbol):
            self._hub.publish(channel.stream, frame)

    def _tell_aggregate(self, symbol: SymbolStreams) -> None:
        aggregate, symbol.aggregate = symbol.aggregate, None
        if aggregate is not None and self._hub.has_subscribers(symbol.aggregate_stream):
            self._hub.publish(symbol.aggregate_stream, symbol.frames.aggregate(aggregate))

    def _tell_best(self, symbol: SymbolStreams, now_ms: int) -> None:
        if not self._hub.has_subscribers(symbol.ticker_stream):
            return
        matcher = symbol.book.matcher
        bid, ask = (matcher.levels(side, 1) or [(0, 0)] for side in (Side.BUY, Side.SELL))
        if (bid[0], ask[0]) != symbol.best:
            symbol.best = (bid[0], ask[0])
            self._hub.publish(symbol.ticker_stream, symbol.frames.ticker(symbol.book.update_id, bid[0], ask[0], now_ms))

    def _start_channel(self, stream: str) -> None:
        found = self._channels.get(stream)
        if found is not None:
            symbol, channel = found
            channel.start(symbol.book.update_id)
