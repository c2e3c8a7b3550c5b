"""All books of the synthetic market together, driven through virtual time by ``advance`` alone.

Everything it does is an order in a book, so that a user's orders compete with it by price and time. The same seed
gives the same sequence of market actions.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Protocol

from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.matching import MatchingEngine
from graphwiz_trader.venues.simulated.synthetic.character import character_of
from graphwiz_trader.venues.simulated.synthetic.makers import Makers
from graphwiz_trader.venues.simulated.synthetic.prices import FairPrice, SymbolPrice, VenueView
from graphwiz_trader.venues.simulated.synthetic.rhythm import Rhythm
from graphwiz_trader.venues.simulated.synthetic.takers import Takers
from graphwiz_trader.venues.simulated.venue import Venue
from graphwiz_trader.venues.simulated.venue_book import VenueBook

START_PRICES = {"BTC": 61_800.0, "ETH": 2_680.0, "SOL": 152.0}
"""In dollars."""
DEFAULT_START_PRICE = 100.0
DOLLARS = frozenset({"USDT", "USDC", "USD"})
RUN_EVERY_S = 0.002
MAX_CATCH_UP_MS = 100


class Hosted(Protocol):
    """What stands around a venue: its server."""

    @property
    def venue(self) -> Venue: ...


class _Crowd:
    """Everybody who trades one symbol on one venue."""

    def __init__(
        self, venue: Venue, book: VenueBook, engine: MatchingEngine, view: VenueView, pace: float, rng: Random
    ) -> None:
        self._venue = venue
        self._view = view
        character = character_of(book.listing.instrument)
        self._rhythm = Rhythm(character, pace, rng)
        self._makers = Makers(venue, book, engine, view, character, rng)
        self._takers = Takers(venue, book, view, character, rng)
        self._taker_is_next = False

    def open(self, now_ms: int) -> float:
        """Fill the book. Returns when somebody acts first."""
        self._makers.open(now_ms)
        return self._done(0.0, now_ms)

    def act(self, time_ms: float, now_ms: int) -> float:
        """One action of somebody. Returns when the next is."""
        if self._taker_is_next:
            self._takers.act(self._makers.best_bid_ticks, self._rhythm.excitement, now_ms)
        else:
            self._makers.act(time_ms, now_ms)
        return self._done(time_ms, now_ms)

    def _done(self, time_ms: float, now_ms: int) -> float:
        self._venue.publish(now_ms)
        next_ms, self._taker_is_next = self._rhythm.next(time_ms, self._view.is_bursting)
        return next_ms


class SyntheticMarket:
    """A market for any number of venues that share one hidden price an asset.

    ``rate_per_s``: actions (a quote that moves, somebody who takes) a second, over all venues and symbols; None: each
    book is as busy as recordings of its kind. ``is_dislocated``: whether now and then one venue's price is far from
    the others', as real ones' seldom is.
    """

    def __init__(self, *, seed: int, rate_per_s: float | None = None, is_dislocated: bool = True) -> None:
        if rate_per_s is not None and rate_per_s <= 0:
            raise ValueError(f"a market's rate is above 0 actions a second, not {rate_per_s}")
        self._seed = seed
        self._rate_per_s = rate_per_s
        self._is_dislocated = is_dislocated
        self._assets: dict[str, FairPrice] = {}
        self._engines: dict[tuple[str, str], MatchingEngine] = {}
        self._crowds: list[_Crowd] = []
        self._due: list[tuple[float, int]] = []

    def matcher(self, exchange: str, listing: Listing) -> MatchingEngine:
        """Where a symbol's orders meet on a venue: one matching engine each."""
        return self._engines.setdefault((exchange, listing.symbol), MatchingEngine())

    def open(self, venues: Mapping[str, Hosted], now_ms: int) -> None:
        """Quote on all venues; virtual time begins at 0."""
        pace = self._pace([book for hosted in venues.values() for book in hosted.venue.books.values()])
        for exchange, hosted in venues.items():
            for book in hosted.venue.books.values():
                instrument = book.listing.instrument
                rng = Random(f"{self._seed} {exchange} {instrument.symbol}")  # noqa: S311  # a market, not a secret
                quote = None if instrument.quote in DOLLARS else self._asset(instrument.quote)
                fair = SymbolPrice(self._asset(instrument.base), quote)
                view = VenueView(fair, instrument, rng, is_dislocated=self._is_dislocated)
                engine = self._engines[exchange, book.listing.symbol]
                self._crowds.append(_Crowd(hosted.venue, book, engine, view, pace, rng))
        self._due = [(crowd.open(now_ms), index) for index, crowd in enumerate(self._crowds)]
        heapq.heapify(self._due)

    def advance(self, time_ms: float, now_ms: int) -> None:
        """Do everything that happens up to a virtual time; ``now_ms`` is the venues' clock."""
        while self._due and self._due[0][0] <= time_ms:
            action_ms, index = self._due[0]
            heapq.heapreplace(self._due, (self._crowds[index].act(action_ms, now_ms), index))

    async def run(self, clock_ms: Callable[[], int]) -> None:
        """Let virtual time follow the clock. Time the process was held up for is left out, not caught up."""
        virtual_ms, before_ms = 0, clock_ms()
        while True:
            await asyncio.sleep(RUN_EVERY_S)
            now_ms = clock_ms()
            virtual_ms += min(max(0, now_ms - before_ms), MAX_CATCH_UP_MS)
            before_ms = now_ms
            self.advance(virtual_ms, now_ms)

    def _pace(self, books: Iterable[VenueBook]) -> float:
        """Times the books' own rates."""
        if self._rate_per_s is None:
            return 1.0
        characters = (character_of(book.listing.instrument) for book in books)
        return self._rate_per_s / sum(own.quotes_per_s + own.takers_per_s for own in characters)

    def _asset(self, asset: str) -> FairPrice:
        if asset not in self._assets:
            start = START_PRICES.get(asset, DEFAULT_START_PRICE)
            common = Random(f"{self._seed} common")  # noqa: S311
            self._assets[asset] = FairPrice(start, Random(f"{self._seed} {asset}"), common)  # noqa: S311
        return self._assets[asset]
