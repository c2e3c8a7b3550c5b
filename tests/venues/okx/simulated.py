"""The simulated OKX with a market that moves by a seed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from random import Random
from time import time_ns

import pytest

from an_instrument import an_instrument
from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.hft.instruments import Instrument, Instruments
from graphwiz_trader.venues.base import Endpoints
from graphwiz_trader.venues.simulated import SimulatedExchange
from graphwiz_trader.venues.simulated.dialect import ServedVenue
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.matching import MatchingEngine
from graphwiz_trader.venues.simulated.okx import public_channels
from graphwiz_trader.venues.simulated.okx.server import OkxVenue

INSTRUMENTS = Instruments(
    [
        an_instrument(0, "okx", "BTC/USDT", "0.1", "0.0001", venue_symbol="BTC-USDT"),
        an_instrument(
            1, "okx", "BTC/USDT:USDT", "0.1", "0.01", venue_symbol="BTC-USDT-SWAP", contract_size="0.01", can_short=True
        ),
    ]
)
SPOT, SWAP = INSTRUMENTS
_MIDDLE = 300_000
_BOOKS_MS = 10
"""How often the simulated channel ``books`` tells its changes here: ten times as often as the real one."""


class MovingMarket:
    """Nobody trades of his own accord; `move` changes a book somewhere near its top."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._venues: Mapping[str, ServedVenue] = {}
        self._resting: list[tuple[Instrument, int]] = []

    def matcher(self, _exchange: str, _listing: Listing) -> MatchingEngine:
        return MatchingEngine()

    def open(self, venues: Mapping[str, ServedVenue], now_ms: int) -> None:
        self._venues = venues
        for instrument in INSTRUMENTS:
            for level in range(1, 30):
                self._quote(instrument, Side.BUY, _MIDDLE - level, 10 * level, now_ms)
                self._quote(instrument, Side.SELL, _MIDDLE + level, 10 * level, now_ms)

    def move(self, now_ms: int = 0) -> None:
        """Somebody quotes or takes, in every book."""
        for instrument in INSTRUMENTS:
            side = self._random.choice((Side.BUY, Side.SELL))
            price = _MIDDLE + self._random.randint(-20, 20)
            self._quote(instrument, side, price, self._random.randint(1, 50), now_ms)

    async def run(self, _clock_ms: Callable[[], int]) -> None:
        await asyncio.Event().wait()

    def _quote(self, instrument: Instrument, side: Side, price: int, lots: int, now_ms: int) -> None:
        venue = self._venues["okx"].venue
        book = venue.books[instrument.venue_symbol]
        venue.place_for_market(book, side, price, lots, TimeInForce.GTC, now_ms)
        venue.publish(now_ms)


class SimulatedOkx:
    """As an async context: the venue, and a market that moves every few milliseconds while ``moves`` is true."""

    def __init__(self, seed: int = 1, ahead_ms: int = 0) -> None:
        """``ahead_ms``: its clock is so far ahead of ours."""
        self.moves = True
        self.market = MovingMarket(seed)
        self.simulated = SimulatedExchange(
            ["okx"], self.market, instruments=INSTRUMENTS, clock_ms=lambda: time_ns() // 1_000_000 + ahead_ms
        )
        venue = self.simulated.venues["okx"]
        assert isinstance(venue, OkxVenue)
        self.venue = venue

    @property
    def endpoints(self) -> Endpoints:
        urls = self.simulated.urls["okx"]
        return Endpoints(urls.rest, urls.stream, urls.orders)

    async def __aenter__(self) -> SimulatedOkx:
        await self.simulated.start()
        self._moving = asyncio.create_task(self._move())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._moving.cancel()
        await asyncio.gather(self._moving, return_exceptions=True)
        await self.simulated.stop()

    async def _move(self) -> None:
        while True:
            if self.moves:
                self.market.move()
            await asyncio.sleep(0.005)


@pytest.fixture
def quick_books(monkeypatch: pytest.MonkeyPatch) -> None:
    """The channel ``books`` every 10 ms."""
    monkeypatch.setitem(public_channels.CHAINED, "books", (400, _BOOKS_MS))
