"""A simulated exchange for other people's clients: in a thread with a loop of its own, so that a client may block.

Clients are installed as they are, at pinned versions, and told addresses, nothing else.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Self, TypeVar

import uvloop

from conformance.stirring import Stirring
from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.venues.simulated import SimulatedExchange, Urls
from graphwiz_trader.venues.simulated.dialect import ServedVenue
from graphwiz_trader.venues.simulated.tls import server_context
from graphwiz_trader.venues.simulated.venue_book import VenueBook
from patience import PATIENCE_S
from venues.simulated.clients import StillMarket

T = TypeVar("T")
Levels = list[tuple[Decimal, Decimal]]

ALL = ("binance", "binanceusdm", "binancecoinm", "okx")


class Served:
    """Simulated venues with a market that stands still until it is moved. ``with Served() as served``.

    ``certificates``: a folder for them; then everything is TLS.
    """

    def __init__(self, *exchanges: str, certificates: Path | None = None) -> None:
        self._exchanges = exchanges or ALL
        self._certificates = certificates
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._ahead_ms = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self.run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self.exchange.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def urls(self) -> dict[str, Urls]:
        return self.exchange.urls

    def run(self, work: Coroutine[Any, Any, T], patience_s: float = PATIENCE_S) -> T:
        """Do something in the exchange's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(patience_s)

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call something of the exchange's in its own thread."""

        async def called() -> T:
            return function(*arguments)

        return self.run(called())

    def quote(self, exchange: str, symbol: str, side: Side, price: str, size: str) -> None:
        """Somebody's limit order. ``symbol`` as the venue spells it."""
        self.call(self._quote, exchange, symbol, side, Decimal(price), Decimal(size))

    def fill_book(self, exchange: str, symbol: str, middle: str, levels: int = 20) -> None:
        """Something to trade with on both sides, a hundred ticks from level to level."""
        tick = self._tick(exchange, symbol)
        for level in range(1, levels + 1):
            away = tick * 100 * level
            self.quote(exchange, symbol, Side.BUY, str(Decimal(middle) - away), "1")
            self.quote(exchange, symbol, Side.SELL, str(Decimal(middle) + away), "1")

    def book(self, exchange: str, symbol: str) -> tuple[Levels, Levels]:
        """The exchange's own book: bids and asks, best first."""
        return self.call(self._book, exchange, symbol)

    def stirring(self, exchange: str, symbol: str, middle: str, seed: int) -> Stirring:
        """What changes a book at random; use it in the exchange's thread (`call`)."""
        middle_ticks = int(Decimal(middle) / self._tick(exchange, symbol))
        book = self._venue_book(exchange, symbol)
        return Stirring(self._venue(exchange), book, middle_ticks, self._skip_ms, Random(seed))

    async def _start(self) -> None:
        tls = server_context(self._certificates) if self._certificates is not None else None
        self.exchange = SimulatedExchange(self._exchanges, StillMarket(), tls=tls, clock_ms=self._now_ms)
        await self.exchange.start()

    def _now_ms(self) -> int:
        """The venues' clock."""
        return time.time_ns() // 1_000_000 + self._ahead_ms

    def _skip_ms(self, by_ms: int) -> int:
        """Put the venues' clock forward."""
        self._ahead_ms += by_ms
        return self._now_ms()

    def _quote(self, exchange: str, symbol: str, side: Side, price: Decimal, size: Decimal) -> None:
        venue, book = self._venue(exchange), self._venue_book(exchange, symbol)
        ticks = int(price / self._tick(exchange, symbol))
        lots = int(size / Decimal(book.listing.instrument.lot_size))
        venue.venue.place_for_market(book, side, ticks, lots, TimeInForce.GTC, self._now_ms())
        venue.venue.publish(self._now_ms())

    def _book(self, exchange: str, symbol: str) -> tuple[Levels, Levels]:
        book = self._venue_book(exchange, symbol)
        tick, lot = self._tick(exchange, symbol), Decimal(book.listing.instrument.lot_size)
        bids, asks = ([(p * tick, s * lot) for p, s in book.matcher.levels(side, 10_000)] for side in Side)
        return bids, asks

    def _tick(self, exchange: str, symbol: str) -> Decimal:
        return Decimal(self._venue_book(exchange, symbol).listing.instrument.tick_size)

    def _venue(self, exchange: str) -> ServedVenue:
        return self.exchange.venues[exchange]

    def _venue_book(self, exchange: str, symbol: str) -> VenueBook:
        return self._venue(exchange).venue.books[symbol]


async def until(is_so: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    """Wait, in the client's loop, for something that the exchange's thread brings about."""
    async with asyncio.timeout(patience_s):
        while not is_so():
            await asyncio.sleep(0.01)


def bounded(test: Awaitable[None], patience_s: float = 2 * PATIENCE_S) -> None:
    """Run a test's client in a loop of asyncio's own, as most people do, and not for ever."""

    async def run() -> None:
        async with asyncio.timeout(patience_s):
            await test

    asyncio.run(run())
