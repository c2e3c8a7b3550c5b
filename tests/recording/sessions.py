"""Recording sessions against simulated exchanges over real sockets, and what a replay makes of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from graphwiz_trader.assembly.recorder import RecordingSession, Settings
from graphwiz_trader.assembly.replays import direct_replay
from graphwiz_trader.backtest.recordings import Recording
from graphwiz_trader.backtest.survey import survey, wires
from graphwiz_trader.config import HftConfig
from graphwiz_trader.hft.events import Side
from graphwiz_trader.hft.orderbook import OrderBook, OrderBookManager
from graphwiz_trader.recording.reader import segments_in
from graphwiz_trader.venues.base import ApiKey, Endpoints
from graphwiz_trader.venues.simulated import BinanceVenue, Credentials, SimulatedExchange, SyntheticMarket
from patience import PATIENCE_S

CONFIG = HftConfig()
EXCHANGES = ("binance", "binanceusdm")
FEES = dict.fromkeys((*EXCHANGES, "binancecoinm", "okx"), (0, 0))

Levels = tuple[list[tuple[str, str]], list[tuple[str, str]]]


class BookState(NamedTuple):
    """A whole book as numbers that do not depend on tick and lot, its place in the sequence and its trust."""

    levels: Levels
    last_update_id: int
    is_trusted: bool


class Recordings:
    """A running market, and recording sessions of it."""

    def __init__(self, simulated: SimulatedExchange, config: HftConfig, account: Credentials | None) -> None:
        self._config = config
        self._api_keys = {"binance": ApiKey(account.key)} if account is not None else {}
        self.venues: dict[str, BinanceVenue] = simulated.venues
        exchanges = config.enabled_exchanges
        self.endpoints = {
            e: Endpoints(u.rest, u.stream_sbe if exchanges[e].format == "sbe" else u.stream, u.orders)
            for e, u in simulated.urls.items()
        }

    def session(self, settings: Settings) -> RecordingSession:
        return RecordingSession(self._config, self.endpoints, settings, api_keys=self._api_keys)

    @asynccontextmanager
    async def recording(self, settings: Settings) -> AsyncIterator[RecordingSession]:
        """A session from when all of its books are trusted until it has ended in order."""
        session = self.session(settings)
        async with self.running(session):
            yield session

    @asynccontextmanager
    async def running(self, session: RecordingSession) -> AsyncIterator[None]:
        """As `recording`, of a session that is made otherwise."""
        running = asyncio.create_task(session.run())
        try:
            await until(lambda: all_trusted(session), running)
            yield
        finally:
            session.stop("the test is over")
            await running


@asynccontextmanager
async def market(
    rate_per_s: float = 3_000, config: HftConfig = CONFIG, account: Credentials | None = None
) -> AsyncIterator[Recordings]:
    """What the configuration wants recorded, simulated. ``account``: on Binance, where a key is asked for."""
    simulated = SimulatedExchange(
        tuple(config.enabled_exchanges),
        SyntheticMarket(seed=7, rate_per_s=rate_per_s),
        accounts={"binance": account} if account is not None else None,
    )
    await simulated.start()
    try:
        yield Recordings(simulated, config, account)
    finally:
        await simulated.stop()


async def until(is_so: Callable[[], bool], running: asyncio.Task[Any] | None = None) -> None:
    """Look again and again until something is so; a session that has ended meanwhile says why."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():
            if running is not None and running.done():
                running.result()
            await asyncio.sleep(0.01)


def all_trusted(session: RecordingSession) -> bool:
    return session.recorded is not None and all(book.is_trusted for book in session.recorded.books)


def frames(session: RecordingSession) -> int:
    assert session.recorded is not None
    return sum(exchange.frames for exchange in session.recorded.figures().exchanges.values())


async def until_more(session: RecordingSession, count: int) -> None:
    enough = frames(session) + count
    await until(lambda: frames(session) >= enough)


def states(books: OrderBookManager) -> dict[tuple[str, str], BookState]:
    return {(book.instrument.exchange, book.instrument.symbol): _state(book) for book in books}


def live_states(session: RecordingSession) -> dict[tuple[str, str], BookState]:
    assert session.recorded is not None
    return states(session.recorded.books)


def replayed_states(recording: Recording) -> dict[tuple[str, str], BookState]:
    instruments = survey(recording, FEES, lambda _: None)
    replay = direct_replay(CONFIG, instruments, latency_ms=0.0, wires=wires(recording), market_lines=recording.lines)
    replay.run(recording, lambda _: None)
    return states(replay.core.books)


def recording_in(directory: Path) -> Recording:
    return Recording(segments_in(directory))


def _state(book: OrderBook) -> BookState:
    tick, lot = book.instrument.tick_units, book.instrument.lot_units
    levels = tuple(
        [(str(ticks * tick), str(lots * lot)) for ticks, lots in book.levels(side)] for side in (Side.BUY, Side.SELL)
    )
    return BookState(levels, book.last_update_id, book.is_trusted)  # type: ignore[arg-type]
