"""What anybody may ask a venue: ping, time, exchangeInfo and depth, the same over REST and over the WebSocket API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated.binance import errors
from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.market_frames import MarketFrames
from graphwiz_trader.venues.simulated.binance.parameters import Parameters
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.venue_book import VenueBook

ExchangeInfo = Callable[[Iterable[Listing], int], bytes]
SnapshotSource = Callable[[str], bytes | None]
"""Symbol → the snapshot that a recording has for this moment, or None when the book as it stands is to answer."""


class PublicApi:
    """One venue's public answers, each a JSON body."""

    def __init__(
        self,
        books: Mapping[str, tuple[VenueBook, MarketFrames]],
        exchange_info: ExchangeInfo,
        depth_limits: tuple[int, int],
    ) -> None:
        """``depth_limits``: how many levels a depth answer has by default, and at most."""
        self._books = books
        self._exchange_info = exchange_info
        self._default_limit, self._max_limit = depth_limits
        self.snapshot_source: SnapshotSource | None = None
        """A market that brings its own snapshots sets this."""

    def methods(self, prefix: str = "") -> dict[str, Callable[[Parameters, int], bytes]]:
        """Name → answer, for the WebSocket API; with a prefix, path → answer for REST."""
        return {
            f"{prefix}ping": self.ping,
            f"{prefix}time": self.time,
            f"{prefix}exchangeInfo": self.exchange_info,
            f"{prefix}depth": self.depth,
        }

    def ping(self, _parameters: Parameters, _now_ms: int) -> bytes:
        return b"{}"

    def time(self, _parameters: Parameters, now_ms: int) -> bytes:
        return b'{"serverTime":%d}' % now_ms

    def exchange_info(self, parameters: Parameters, now_ms: int) -> bytes:
        """All symbols, or the ones named in ``symbol`` or ``symbols`` (a JSON list)."""
        wanted = self._wanted_symbols(parameters)
        return self._exchange_info((self._books[symbol][0].listing for symbol in wanted), now_ms)

    def depth(self, parameters: Parameters, now_ms: int) -> bytes:
        """A snapshot of the book, from the best price outward."""
        symbol = parameters.text("symbol")
        book, frames = self._book(symbol)
        limit = parameters.optional_integer("limit") or self._default_limit
        recorded = self.snapshot_source(symbol) if self.snapshot_source is not None else None
        if recorded is not None:
            return recorded
        limit = min(max(limit, 1), self._max_limit)
        matcher = book.matcher
        bids, asks = matcher.levels(Side.BUY, limit), matcher.levels(Side.SELL, limit)
        if self.snapshot_source is not None and not (bids or asks):
            raise BinanceError(*errors.TRY_AGAIN)  # the recording has not come to its snapshot yet
        return frames.snapshot(matcher.change_count, bids, asks, now_ms)

    def _book(self, symbol: str) -> tuple[VenueBook, MarketFrames]:
        found = self._books.get(symbol)
        if found is None:
            raise BinanceError(*errors.BAD_SYMBOL)
        return found

    def _wanted_symbols(self, parameters: Parameters) -> list[str]:
        one, several = parameters.optional("symbol"), parameters.optional("symbols")
        if one is not None:
            wanted = [one]
        elif several is not None:
            try:
                wanted = msgspec.json.decode(several, type=list[str])
            except msgspec.DecodeError:
                raise BinanceError(-1130, "Data sent for parameter 'symbols' is not valid.") from None
        else:
            return list(self._books)
        for symbol in wanted:
            self._book(symbol)
        return wanted
