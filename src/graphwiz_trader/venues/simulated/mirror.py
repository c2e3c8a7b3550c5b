"""A market that is elsewhere, recorded or real, as the market of simulated venues.

Frames come in as a feed or a recording brings them (`venues.base.Sink`) and keep the core's own books; what these show
is told on by the venues in their words and numbers, with the time of now. Orders fill by `hft.fill_model`: the market
does not react to them, and they do not stand in the books that are shown.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from graphwiz_trader.hft.decoders import Decoder
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.hft.market_data import MarketData
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.hft.queue_position import QueueRule
from graphwiz_trader.venues.simulated.dialect import ServedVenue
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.mirrored_book import MirroredBook
from graphwiz_trader.venues.simulated.venue import Venue
from graphwiz_trader.venues.simulated.venue_book import VenueBook


class Mirror:
    """``decoders[line]`` reads what comes on a line. ``request_snapshot(book)`` asks for what `on_snapshot` brings."""

    def __init__(
        self,
        instruments: Instruments,
        decoders: Sequence[Decoder],
        *,
        request_snapshot: Callable[[int], None],
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        rule: QueueRule = QueueRule.RISK_AVERSE,
    ) -> None:
        self._request_snapshot = request_snapshot
        self._clock_ms = clock_ms
        self._rule = rule
        self._matchers: dict[int, MirroredBook] = {}
        self._shown: dict[int, tuple[Venue, VenueBook]] = {}
        self._of_line = tuple(tuple(i.book for i in instruments.on_exchange(d.exchange)) for d in decoders)
        self._follow(OrderBookManager(instruments), decoders)

    def matcher(self, exchange: str, listing: Listing) -> MirroredBook:
        """Where a symbol's orders meet the mirrored book; part of `exchange.Market`."""
        book = self._books.get(exchange, listing.instrument.symbol)
        return self._matchers.setdefault(book.instrument.book, MirroredBook(book, self._rule))

    def open(self, venues: Mapping[str, ServedVenue], now_ms: int) -> None:  # noqa: ARG002  # Market's signature
        """The venues that show it stand."""
        for instrument in self._books.instruments:
            served = venues.get(instrument.exchange)
            if served is not None:
                self._shown[instrument.book] = served.venue, served.venue.books[instrument.venue_symbol]

    def begin_anew(self, decoders: Sequence[Decoder]) -> None:
        """The market is another one of the same symbols: its sequence begins anew, and nothing is known of it yet."""
        self._follow(OrderBookManager(self._books.instruments), decoders)
        for number, matcher in self._matchers.items():
            matcher.follow(self._books[number])
        self._tell(self._shown)

    def on_market_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        self._market_data.on_frame(line, frame, now_ns)
        self._tell((int(self._messages[line][0]["book"]),))

    def on_snapshot(self, book: int, body: bytes, now_ns: int) -> None:
        self._market_data.on_snapshot(book, body, now_ns)
        self._tell((book,))

    def on_line(self, line: int, up: bool, _reason: str, now_ns: int) -> None:
        self._market_data.on_line(line, up, now_ns)
        self._tell(self._of_line[line])

    def on_clock(self, line: int, offset_ns: int, error_ns: int, now_ns: int) -> None:
        """No age is measured here."""

    def on_order_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        """No order line belongs to this."""

    def on_timer(self, now_ns: int) -> None:
        """Silence takes a book's trust, and with it what is shown of it."""
        self._market_data.on_timer(now_ns)
        self._tell(self._shown)

    def _follow(self, books: OrderBookManager, decoders: Sequence[Decoder]) -> None:
        self._books = books
        self._market_data = MarketData(books, decoders, _Unrecorded(), request_snapshot=self._request_snapshot)
        self._messages = tuple(decoder.feed for decoder in decoders)

    def _tell(self, books: Iterable[int]) -> None:
        """Show what has moved, and let it trade with the orders that rest."""
        now_ms = self._clock_ms()
        for number in books:
            shown, matcher = self._shown.get(number), self._matchers.get(number)
            if shown is None or matcher is None:
                continue
            venue, book = shown
            trade = matcher.take_trade()
            if trade is not None:
                venue.show_trade(book, trade, now_ms)
            for order_id, match in matcher.match_resting():
                venue.fill_resting(book, order_id, match, now_ms)
            if matcher.has_moved():
                venue.show_changes(book)
            venue.publish(now_ms)


class _Unrecorded:
    """The journal of the exchange's own books: there is none."""

    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        pass
