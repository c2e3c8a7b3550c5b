"""The simulated OKX with a market that moves by a seed, and its own books as the measure of every trusted one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from random import Random
from time import time_ns
from typing import Any

import pytest

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.hft.instruments import Instrument, Instruments
from graphwiz_trader.venues.base import Endpoints
from graphwiz_trader.venues.simulated import SimulatedExchange
from graphwiz_trader.venues.simulated.dialect import ServedVenue
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.matching import MatchingEngine
from graphwiz_trader.venues.simulated.okx import public_channels
from graphwiz_trader.venues.simulated.okx.server import OkxVenue
from oracle.okx import Book
from venues.okx.scripted import OkxSink

INSTRUMENTS = Instruments(
    [
        Instrument(
            book=0,
            exchange="okx",
            symbol="BTC/USDT",
            venue_symbol="BTC-USDT",
            base="BTC",
            quote="USDT",
            tick_size="0.1",
            lot_size="0.0001",
        ),
        Instrument(
            book=1,
            exchange="okx",
            symbol="BTC/USDT:USDT",
            venue_symbol="BTC-USDT-SWAP",
            base="BTC",
            quote="USDT",
            tick_size="0.1",
            lot_size="0.01",
            contract_size="0.01",
            can_short=True,
        ),
    ]
)
SPOT, SWAP = INSTRUMENTS
_MIDDLE = 300_000
_BOOKS_MS = 10
"""How often the simulated channel ``books`` tells its changes here: ten times as often as the real one."""

State = tuple[list[tuple[int, int]], list[tuple[int, int]]]
"""Bids and asks as (ticks, lots), best first."""


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


class Truth:
    """What each book was at each number, off the venue's own frames, and which best bids and offers it told."""

    def __init__(self) -> None:
        self._books: dict[tuple[int, str], Book] = {}
        self._states: dict[tuple[int, int], State] = {}
        self._tops: dict[int, dict[int, State]] = {i.book: {} for i in INSTRUMENTS}

    def see(self, connection: int, frame: bytes) -> None:
        """A frame as the venue sent it, of that connection."""
        body: dict[str, Any] = json.loads(frame) if frame != b"pong" else {}
        if "data" not in body:
            return
        name, message = body["arg"]["instId"], body["data"][0]
        instrument = INSTRUMENTS.by_venue_symbol("okx", name)
        assert instrument is not None
        if body["arg"]["channel"] == "books":
            book = self._books.setdefault((connection, name), Book())
            book.on_message(body["action"], message)
            assert book.trusted
            state = _state(instrument, book.levels("bids"), book.levels("asks"))
            assert self._states.setdefault((instrument.book, message["seqId"]), state) == state
        elif body["arg"]["channel"] == "bbo-tbt":
            top = _state(instrument, *([level[:2] for level in message[side]] for side in ("bids", "asks")))
            self._tops[instrument.book][message["seqId"]] = top

    def assert_right(self, sink: OkxSink) -> None:
        """Whatever the sink trusts is what the venue had at that number, and its top is that or one told later."""
        for instrument in INSTRUMENTS:
            book = sink.books[instrument.book]
            if not book.is_trusted:
                continue
            state = self._states[instrument.book, book.last_update_id]
            assert (book.levels(Side.BUY), book.levels(Side.SELL)) == state
            top = ([book.best_bid] if book.best_bid else [], [book.best_ask] if book.best_ask else [])
            told = [top for seq, top in self._tops[instrument.book].items() if seq > book.last_update_id]
            assert top in [(state[0][:1], state[1][:1]), *told]


class CheckedSink(OkxSink):
    """Looks at every trusted book after every frame."""

    def __init__(self, truth: Truth, lines: int = 1) -> None:
        super().__init__(lines, INSTRUMENTS)
        self._truth = truth
        self.wrong: list[AssertionError] = []
        self.keeps_looking = True

    def on_market_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        super().on_market_frame(line, frame, now_ns)
        try:
            if self.keeps_looking:
                self._truth.assert_right(self)
        except AssertionError as wrong:
            self.wrong.append(wrong)
            self.changed()


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


def _state(instrument: Instrument, bids: Any, asks: Any) -> State:
    def levels(side: Any) -> list[tuple[int, int]]:
        return [(instrument.ticks_from_text(price), instrument.lots_from_text(size)) for price, size in side]

    return levels(bids), levels(asks)
