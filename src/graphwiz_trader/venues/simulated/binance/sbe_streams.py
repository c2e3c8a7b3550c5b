"""Spot's public events as binary streams: ``@trade``, ``@bestBidAsk``, ``@depth`` (20 ms), ``@depth20`` (50 ms).

Beside the JSON streams of the same names, on an address of their own, for holders of an Ed25519 key. Data is in binary
messages without an envelope; control messages, their answers and ``serverShutdown`` are JSON text.
Source: Binance spot API docs, "SBE Market Data Streams".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from picows import WSMsgType

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated.binance import errors
from graphwiz_trader.venues.simulated.binance.authentication import ApiKeys
from graphwiz_trader.venues.simulated.binance.channels import Channel
from graphwiz_trader.venues.simulated.binance.depth_streams import DepthChannel, TopChannel
from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.numbers import Numbers
from graphwiz_trader.venues.simulated.binance.sbe_frames import SbeFrames
from graphwiz_trader.venues.simulated.binance.stream_hub import StreamHub
from graphwiz_trader.venues.simulated.binance.stream_socket import StreamSocket
from graphwiz_trader.venues.simulated.faults import Faults
from graphwiz_trader.venues.simulated.http_messages import HttpRequest
from graphwiz_trader.venues.simulated.matching import LevelChange
from graphwiz_trader.venues.simulated.orders import PublicTrade
from graphwiz_trader.venues.simulated.venue import Venue
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
        self.trade_stream, self.best_stream = f"{name}@trade", f"{name}@bestBidAsk"
        self.depth = DepthChannel(f"{name}@depth", _DEPTH_MS, book, self.frames)
        self.top = TopChannel(f"{name}@depth{_TOP_LEVELS}", _TOP_MS, _TOP_LEVELS, book, self.frames)
        self.trades: list[PublicTrade] = []
        """Of one moment, still to be told together."""
        self.best: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))


class SbeStreams:
    """Listens to a venue and publishes what it hears in SBE, to a hub of its own."""

    def __init__(self, venue: Venue, numbers: Mapping[str, Numbers], faults: Faults) -> None:
        self.hub = StreamHub()
        self._faults = faults
        self._symbols = {symbol: _SymbolStreams(book, numbers[symbol]) for symbol, book in venue.books.items()}
        collecting = [(each.depth, each.top) for each in self._symbols.values()]
        self._channels: dict[str, Channel] = {channel.stream: channel for pair in collecting for channel in pair}
        self.hub.on_joined.append(self._joined)
        venue.market_listeners.append(self)

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
                symbol.depth.add(changes)
            self._tell_best(symbol, now_ms)

    def flush(self, now_ms: int) -> None:
        """Publish what has collected over an interval and is due."""
        for name, symbol in self._symbols.items():
            self._tell_trades(symbol)
            for frame in self._collected(symbol.depth, now_ms):
                if not self._faults.drops_depth(name):
                    self._publish(symbol.depth.stream, frame)
            for frame in self._collected(symbol.top, now_ms):
                self._publish(symbol.top.stream, frame)

    def start_over(self) -> None:
        """The books' ids have begun anew; what has been collected was told under the old ones."""
        for symbol in self._symbols.values():
            symbol.depth.start_over()

    def _collected(self, channel: Channel, now_ms: int) -> list[bytes]:
        return channel.collected(now_ms) if self.hub.has_subscribers(channel.stream) else []

    def _tell_trades(self, symbol: _SymbolStreams) -> None:
        trades, symbol.trades = symbol.trades, []
        if trades and self.hub.has_subscribers(symbol.trade_stream):
            self._publish(symbol.trade_stream, symbol.frames.trades(trades))

    def _tell_best(self, symbol: _SymbolStreams, now_ms: int) -> None:
        if not self.hub.has_subscribers(symbol.best_stream):
            return
        matcher = symbol.book.matcher
        bid, ask = ((matcher.levels(side, 1) or [(0, 0)])[0] for side in (Side.BUY, Side.SELL))
        if (bid, ask) != symbol.best:
            symbol.best = (bid, ask)
            self._publish(symbol.best_stream, symbol.frames.best(symbol.book.update_id, bid, ask, now_ms))

    def _publish(self, stream: str, payload: bytes) -> None:
        """A binary message has no envelope, whatever the connection wants around JSON."""
        for subscriber in self.hub.subscribers(stream):
            subscriber.send(payload, stream)

    def _joined(self, stream: str, is_first: bool) -> None:
        channel = self._channels.get(stream)
        if channel is not None:
            channel.joined(is_first=is_first)


def check_key(keys: ApiKeys, request: HttpRequest) -> None:
    """Raises BinanceError for who may not read binary streams: no key, an unknown one, or one of another kind."""
    if not keys.find(request.headers.get("x-mbx-apikey", "")).is_ed25519:
        raise BinanceError(*errors.BAD_KEY)
