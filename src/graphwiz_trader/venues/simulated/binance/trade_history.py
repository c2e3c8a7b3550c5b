"""What the public may ask of the past: a symbol's last trades, one by one and aggregated, and its minutes' prices."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.matching import LevelChange
from graphwiz_trader.venues.simulated.orders import PublicTrade
from graphwiz_trader.venues.simulated.venue_book import VenueBook

REMEMBERED = 1_000
MINUTE_MS = 60_000
DAY_MS = 86_400_000
_REMEMBERED_MINUTES = 2 * DAY_MS // MINUTE_MS


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


class Candle:
    """The trades of one span of time. Prices in ticks, sizes in lots, amounts in units of the quote asset."""

    __slots__ = (
        "bought_lots",
        "bought_units",
        "close",
        "count",
        "first_id",
        "high",
        "last_id",
        "lots",
        "low",
        "open",
        "open_ms",
        "units",
    )

    def __init__(self, open_ms: int, trade: PublicTrade) -> None:
        self.open_ms = open_ms
        self.open = self.high = self.low = self.close = trade.price_ticks
        self.first_id = self.last_id = trade.trade_id
        self.lots = self.units = self.count = self.bought_lots = self.bought_units = 0

    def add(self, trade: PublicTrade) -> None:
        units = trade.listing.notional_units(trade.price_ticks, trade.size_lots)
        self.high, self.low = max(self.high, trade.price_ticks), min(self.low, trade.price_ticks)
        self.close, self.last_id = trade.price_ticks, trade.trade_id
        self.lots += trade.size_lots
        self.units += units
        self.count += 1
        if not trade.buyer_is_maker:
            self.bought_lots += trade.size_lots
            self.bought_units += units

    def join(self, later: Candle) -> None:
        """Add a later one."""
        self.high, self.low = max(self.high, later.high), min(self.low, later.low)
        self.close, self.last_id = later.close, later.last_id
        self.lots += later.lots
        self.units += later.units
        self.count += later.count
        self.bought_lots += later.bought_lots
        self.bought_units += later.bought_units

    def copy(self, open_ms: int) -> Candle:
        """A candle that goes on from this one."""
        same = Candle.__new__(Candle)
        for name in Candle.__slots__:
            setattr(same, name, getattr(self, name))
        same.open_ms = open_ms
        return same


class SymbolHistory:
    """One symbol's past, as much as is remembered."""

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.trades: deque[PublicTrade] = deque(maxlen=REMEMBERED)
        self.aggregates: deque[Aggregate] = deque(maxlen=REMEMBERED)
        self._minutes: deque[Candle] = deque(maxlen=_REMEMBERED_MINUTES)

    def add(self, trade: PublicTrade) -> None:
        self.trades.append(trade)
        if not self.aggregates or not self.aggregates[-1].takes(trade):
            last = self.aggregates[-1].aggregate_id if self.aggregates else 0
            self.aggregates.append(Aggregate(last + 1, trade))
        minute = trade.time_ms - trade.time_ms % MINUTE_MS
        if not self._minutes or self._minutes[-1].open_ms != minute:
            self._minutes.append(Candle(minute, trade))
        self._minutes[-1].add(trade)

    def candles(self, span_ms: int) -> list[Candle]:
        """Those of a whole number of minutes, oldest first; spans without a trade have none."""
        made: list[Candle] = []
        for minute in self._minutes:
            open_ms = minute.open_ms - minute.open_ms % span_ms
            if made and made[-1].open_ms == open_ms:
                made[-1].join(minute)
            else:
                made.append(minute.copy(open_ms))
        return made

    def last_day(self, now_ms: int) -> Candle | None:
        """The last 24 hours as one; None when nothing has traded."""
        day: Candle | None = None
        for minute in self._minutes:
            if minute.open_ms > now_ms - DAY_MS:
                if day is None:
                    day = minute.copy(minute.open_ms)
                else:
                    day.join(minute)
        return day


class TradeHistory:
    """Listens to a venue and remembers for all its symbols."""

    def __init__(self, listings: Iterable[Listing]) -> None:
        self.symbols = {listing.symbol: SymbolHistory(listing) for listing in listings}

    def traded(self, trade: PublicTrade) -> None:
        self.symbols[trade.listing.symbol].add(trade)

    def book_changed(self, book: VenueBook, changes: Sequence[LevelChange], now_ms: int) -> None:
        """A book has no past here."""
