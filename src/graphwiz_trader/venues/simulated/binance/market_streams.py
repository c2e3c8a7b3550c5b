"""A venue's public events as Binance streams: trades and best prices at once, the others when they are due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated.binance.channels import Channel, Sources
from graphwiz_trader.venues.simulated.binance.depth_streams import DepthChannel
from graphwiz_trader.venues.simulated.binance.market_frames import MarketFrames
from graphwiz_trader.venues.simulated.binance.stream_hub import StreamHub
from graphwiz_trader.venues.simulated.binance.trade_history import Aggregate
from graphwiz_trader.venues.simulated.faults import Faults
from graphwiz_trader.venues.simulated.matching import LevelChange
from graphwiz_trader.venues.simulated.orders import PublicTrade
from graphwiz_trader.venues.simulated.venue_book import VenueBook


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
        self.depths = [
            DepthChannel(name + suffix, interval, book, frames) for suffix, interval in depth_intervals_ms.items()
        ]
        self.best: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))


class MarketStreams:
    """Listens to a venue and publishes to a hub.

    ``depth_intervals_ms``: the depth streams there are, by what follows the symbol in their names, as
    ``{"@depth@100ms": 100}``. ``channels``: what else collects.
    """

    def __init__(
        self,
        hub: StreamHub,
        sources: Sources,
        depth_intervals_ms: Mapping[str, int],
        channels: Iterable[Channel],
        faults: Faults,
    ) -> None:
        self._hub = hub
        self._faults = faults
        self._symbols = {
            symbol: SymbolStreams(source.book, source.frames, depth_intervals_ms) for symbol, source in sources.items()
        }
        self._depths = {depth.stream: symbol for symbol, streams in self._symbols.items() for depth in streams.depths}
        depths = [depth for streams in self._symbols.values() for depth in streams.depths]
        self._channels: dict[str, Channel] = {channel.stream: channel for channel in (*depths, *channels)}
        hub.on_joined.append(self._joined)

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
        for depth in symbol.depths:
            if self._hub.has_subscribers(depth.stream):
                depth.add(changes)
                if depth.is_immediate:
                    self._tell_collected(depth, now_ms)
        self._tell_best(symbol, now_ms)

    def flush(self, now_ms: int) -> None:
        """Publish what has collected and is due, and the trades that no other joins any more."""
        for symbol in self._symbols.values():
            self._tell_aggregate(symbol)
        for stream in self._hub.followed:
            channel = self._channels.get(stream)
            if channel is not None:
                self._tell_collected(channel, now_ms)

    def start_over(self) -> None:
        """Every book's ids begin anew; what has been collected was told under the old ones."""
        for symbol in self._symbols.values():
            symbol.book.count_anew()
            for depth in symbol.depths:
                depth.start_over()

    def _tell_collected(self, channel: Channel, now_ms: int) -> None:
        for frame in channel.collected(now_ms):
            chained = self._depths.get(channel.stream)
            if chained is None or not self._faults.drops_depth(chained):
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

    def _joined(self, stream: str, is_first: bool) -> None:
        channel = self._channels.get(stream)
        if channel is not None:
            channel.joined(is_first=is_first)
