"""What the public may ask of the past: a symbol's last trades, one by one and aggregated, and its minutes' prices."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from graphwiz_trader.venues.simulated.candles import MINUTE_MS, SECOND_MS, Bar, Candles
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.matching import LevelChange
from graphwiz_trader.venues.simulated.orders import PublicTrade
from graphwiz_trader.venues.simulated.venue_book import VenueBook

REMEMBERED = 1_000


class Aggregate:
    """Trades that one order made at one price, told as one."""

    __slots__ = ("aggregate_id", "buyer_is_maker", "first_id", "last_id", "price_ticks", "size_lots", "time_ms")

    def __init__(self, aggregate_id: int, trade: PublicTrade) -> None:
        self.aggregate_id = aggregate_id
        self.price_ticks = trade.price_ticks
        self.size_lots = trade.size_lots
        self.first_id = self.last_id = trade.trade_id
        self.time_ms = trade.time_ms
        self.buyer_is_maker = trade.buyer_is_maker

    def takes(self, trade: PublicTrade) -> bool:
        """Add a trade; False when it does not belong here."""
        if (trade.price_ticks, trade.buyer_is_maker, trade.time_ms) != (
            self.price_ticks,
            self.buyer_is_maker,
            self.time_ms,
        ):
            return False
        self.size_lots += trade.size_lots
        self.last_id = trade.trade_id
        return True


class SymbolHistory:
    """One symbol's past, as much as is remembered."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.trades: deque[PublicTrade] = deque(maxlen=REMEMBERED)
        self.aggregates: deque[Aggregate] = deque(maxlen=REMEMBERED)
        self.minutes = Candles()
        self.seconds = Candles(SECOND_MS, REMEMBERED)

    def add(self, trade: PublicTrade) -> None:
        self.trades.append(trade)
        if not self.aggregates or not self.aggregates[-1].takes(trade):
            last = self.aggregates[-1].aggregate_id if self.aggregates else 0
            self.aggregates.append(Aggregate(last + 1, trade))
        self.minutes.traded(trade)
        self.seconds.traded(trade)

    def candles(self, bar: Bar) -> Candles:
        """What candles of that length are made of."""
        return self.minutes if bar.length_ms >= MINUTE_MS else self.seconds


class TradeHistory:
    """Listens to a venue and remembers for all its symbols."""

    def __init__(self, listings: Iterable[Listing]) -> None:
        self.symbols = {listing.symbol: SymbolHistory(listing) for listing in listings}

    def traded(self, trade: PublicTrade) -> None:
        self.symbols[trade.listing.symbol].add(trade)

    def book_changed(self, book: VenueBook, changes: Sequence[LevelChange], now_ms: int) -> None:
        """A book has no past here."""
