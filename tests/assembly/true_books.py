"""Whether a book that a trader trusts is one that its venue ever had."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from graphwiz_trader.hft.events import Side
from graphwiz_trader.hft.instruments import Instrument
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.venues.simulated.matching import LevelChange
from graphwiz_trader.venues.simulated.orders import PublicTrade
from graphwiz_trader.venues.simulated.venue import Venue
from graphwiz_trader.venues.simulated.venue_book import VenueBook

_LEVELS = 5
State = tuple[list[tuple[int, int]], list[tuple[int, int]]]
"""Bids and asks as (price, size) in units, best first: trader and venue count in ticks and lots of their own."""


class BookHistory:
    """The first levels of a venue's books at every update, as it had them itself."""

    def __init__(self, venue: Venue) -> None:
        self.is_numbered_alike = venue.name.startswith("binance")
        """Whether what it tells bears the numbers of its books; OKX's own are others."""
        self.states: dict[str, dict[int, State]] = defaultdict(dict)
        for book in venue.books.values():
            self._note(book)
        venue.market_listeners.append(self)

    def traded(self, trade: PublicTrade) -> None:
        """Only books are kept."""

    def book_changed(self, book: VenueBook, changes: Sequence[LevelChange], now_ms: int) -> None:
        self._note(book)

    def _note(self, book: VenueBook) -> None:
        self.states[book.listing.symbol][book.update_id] = _state(book.listing.instrument, book.matcher.levels)


class Watcher:
    """Asks of every trusted book, whenever a strategy is shown it, whether the venue ever had it so."""

    def __init__(self, histories: Mapping[str, BookHistory]) -> None:
        self.looks = 0
        self.wrong: list[str] = []
        self._histories = histories

    def look(self, books: OrderBookManager, number: int) -> None:
        book = books[number]
        instrument = book.instrument
        history = self._histories[instrument.exchange]
        self.looks += 1
        shown = _state(instrument, book.levels)
        states = history.states[instrument.venue_symbol]
        ever = [states.get(book.last_update_id)] if history.is_numbered_alike else states.values()
        if shown not in ever:
            self.wrong.append(f"{instrument.exchange} {instrument.symbol} was never this: {shown}")


def _state(instrument: Instrument, levels: Callable[[Side, int], list[tuple[int, int]]]) -> State:
    bids, asks = (
        [(ticks * instrument.tick_units, lots * instrument.lot_units) for ticks, lots in levels(side, _LEVELS)]
        for side in Side
    )
    return bids, asks
