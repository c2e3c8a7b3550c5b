"""A live market whose upstream breaks: what is served of it was so, or is empty, and is right again afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from graphwiz_trader.assembly.exchange_markets import LiveMarket
from graphwiz_trader.assembly.warmup import warm_up
from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.venues.base import Endpoints
from graphwiz_trader.venues.exchanges import load_instruments
from graphwiz_trader.venues.simulated import SimulatedExchange, SyntheticMarket
from graphwiz_trader.venues.simulated.faults.kinds import Fault
from graphwiz_trader.venues.simulated.faults.plan import FaultPlan
from graphwiz_trader.venues.simulated.matching import LevelChange
from graphwiz_trader.venues.simulated.okx.limits import Rate, Windows
from graphwiz_trader.venues.simulated.okx.server import OkxVenue
from graphwiz_trader.venues.simulated.orders import NewOrder, OrderStatus, PublicTrade
from graphwiz_trader.venues.simulated.venue_book import VenueBook
from patience import PATIENCE_S
from venues.harness import on_uvloop
from venues.simulated.clients import now_ms, serving, until

SYMBOLS = {"binance": ("BTC/USDT",), "binanceusdm": ("BTC/USDT",), "okx": ("BTC/USDT", "BTC/USDT:USDT")}
STEP_MS = 20
Level = tuple[int, int]


@pytest.fixture(autouse=True, scope="module")
def _compiled() -> None:
    warm_up(lambda *_: None, {name: name for name in ("binance", "binanceusdm", "okx")})


class DrivenMarket(SyntheticMarket):
    """A synthetic market that moves when it is told to."""

    elapsed_ms = 0

    async def run(self, _clock_ms: object) -> None:
        await asyncio.Event().wait()

    async def move(self, steps: int = 1) -> None:
        until_ms = self.elapsed_ms + steps * STEP_MS
        while self.elapsed_ms < until_ms:
            self.elapsed_ms += STEP_MS
            self.advance(self.elapsed_ms, now_ms())
            await asyncio.sleep(0.005)


class Seen:
    """Every pair of best levels that a venue's books have had."""

    def __init__(self) -> None:
        self.tops: set[tuple[str, Level, Level]] = set()

    def traded(self, trade: PublicTrade) -> None: ...

    def book_changed(self, book: VenueBook, _changes: Sequence[LevelChange], _now_ms: int) -> None:
        bids, asks = (book.matcher.levels(side, 1) for side in Side)
        if bids and asks:
            self.tops.add((book.listing.symbol, units(book, bids[0]), units(book, asks[0])))


def units(book: VenueBook, level: Level) -> Level:
    """A level without tick and lot, which the two venues may not share."""
    instrument = book.listing.instrument
    return level[0] * instrument.tick_units, level[1] * instrument.lot_units


def whole(book: VenueBook) -> list[list[Level]]:
    return [[units(book, level) for level in book.matcher.levels(side, 100)] for side in Side]


class Mirrored:
    """The market that stands for the real one, and the exchange that serves it on."""

    def __init__(self, market: DrivenMarket, source: SimulatedExchange, served: SimulatedExchange) -> None:
        self.market = market
        self.source = source
        self.served = served
        self.shown = 0
        self.seen = {name: Seen() for name in SYMBOLS}
        for name, seen in self.seen.items():
            source.venues[name].venue.market_listeners.append(seen)
        self.pairs = [
            (name, book, source.venues[name].venue.books[symbol])
            for name, venue in served.venues.items()
            for symbol, book in venue.venue.books.items()
        ]

    def untrue(self) -> list[str]:
        """Books that show a best bid and ask which their source never had together. Counts those that show any."""
        found = []
        for name, book, _ in self.pairs:
            bids, asks = (book.matcher.levels(side, 1) for side in Side)
            if bids and asks:
                top = book.listing.symbol, units(book, bids[0]), units(book, asks[0])
                self.shown += 1
                if top not in self.seen[name].tops:
                    found.append(f"{name} {top}")
        return found

    def is_same(self) -> bool:
        return all(whole(book) == whole(of) for _, book, of in self.pairs)

    async def until_same(self) -> None:
        """The market moves, and stands still to be looked at."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                await self.market.move(20)
                for _ in range(40):
                    if self.is_same():
                        return
                    await asyncio.sleep(0.01)


@asynccontextmanager
async def mirrored(seed: int) -> AsyncIterator[Mirrored]:
    market = DrivenMarket(seed=seed)
    async with serving(*SYMBOLS, market=market) as source:
        okx = source.venues["okx"]
        assert isinstance(okx, OkxVenue)
        okx.connects = Windows(Rate(10**6, 1))
        endpoints = {name: Endpoints(urls.rest, urls.stream, "") for name, urls in source.urls.items()}
        instruments = await load_instruments(SYMBOLS, endpoints)
        live = LiveMarket(instruments, endpoints)
        async with serving(*SYMBOLS, market=live, instruments=instruments) as served:
            both = Mirrored(market, source, served)
            await both.until_same()
            yield both


FAULTS = (
    Fault(fault="drop", probability=0.01),
    Fault(fault="duplicate", probability=0.02),
    Fault(fault="disconnect", probability=0.002),
    Fault(fault="gap", probability=0.005),
)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
@on_uvloop
async def test_under_an_upstreams_faults_no_book_is_shown_that_was_not_so_and_all_are_right_afterwards(seed):
    async with mirrored(seed) as both:
        both.source.faults.arm(FaultPlan(seed, FAULTS))
        for _ in range(300):
            await both.market.move()
            assert both.untrue() == []
        fired = {entry["fault"] for entry in both.source.faults.listing() if entry["fired"]}
        assert {"drop", "duplicate", "disconnect", "gap"} <= fired
        assert both.shown > 300, "there was something to look at"
        both.source.faults.clear()
        await both.until_same()


@pytest.mark.parametrize("name", SYMBOLS)
@on_uvloop
async def test_while_the_upstream_is_away_its_books_are_empty_and_orders_find_nothing(name):
    async with mirrored(3) as both:
        venue = next(book for at, book, _ in both.pairs if at == name)
        served = both.served.venues[name].venue
        account = served.open_account("a", {"USDT": "1000000"})
        both.source.faults.arm(FaultPlan(3, (Fault(fault="restart", venue=name, at_s=(0.0,), down_s=0.5),)))
        await until(lambda: not any(venue.matcher.levels(side, 1) for side in Side))
        wanted = NewOrder(
            symbol=venue.listing.symbol,
            side=Side.BUY,
            price_ticks=None,
            size_lots=10**6,
            time_in_force=TimeInForce.IOC,
            client_id="while-away",
        )
        assert served.place(account, wanted, now_ms()).status is OrderStatus.EXPIRED
        await both.until_same()
