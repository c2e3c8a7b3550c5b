"""A trader that never rests, on simulated venues that break on command, and the accounts it has to answer for.

Time is real and every patience is short: answers are overdue after `ANSWER_S`, lines are found dead in half a second.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvloop

from assembly.reckoning import Reckoning, account_of, held_by
from assembly.restless import Restless
from assembly.true_books import BookHistory, Watcher
from graphwiz_trader.assembly import core as core_module
from graphwiz_trader.assembly import order_side
from graphwiz_trader.assembly.session import TradingSession
from graphwiz_trader.config import HftConfig
from graphwiz_trader.hft.events import (
    Command,
    Decision,
    OrderState,
)
from graphwiz_trader.hft.executor import FastOrderExecutor
from graphwiz_trader.hft.instruments import units_from_text
from graphwiz_trader.hft.legs import LegSettings
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.hft.strategies.base import HFTStrategy
from graphwiz_trader.journal.breaker import BreakerFile
from graphwiz_trader.venues import exchanges
from graphwiz_trader.venues.base import Credentials, Endpoints
from graphwiz_trader.venues.binance import snapshots
from graphwiz_trader.venues.binance.feed import FEED_TIMING, BinanceFeed
from graphwiz_trader.venues.binance.order_line import ORDER_TIMING, BinanceOrderLine
from graphwiz_trader.venues.okx import subscriptions
from graphwiz_trader.venues.okx.feed import FEED_TIMING as OKX_TIMING
from graphwiz_trader.venues.okx.feed import OkxFeed
from graphwiz_trader.venues.simulated import DEMO_API_KEY, DEMO_API_SECRET, SimulatedExchange, SyntheticMarket
from graphwiz_trader.venues.simulated.faults import FaultPlan, read_plan
from graphwiz_trader.venues.simulated.in_process import InProcessVenues
from graphwiz_trader.venues.simulated.venue import Venue

EXCHANGES = ("binance", "binanceusdm")
FOLLOWED = (*EXCHANGES, "okx")
ANSWER_S, PAUSE_MAX_S, MISSING_S = 0.25, 0.5, 1.0
CALM_S = 20.0
"""From the end of the faults until everything is known again. The longest way is a line that backs off, then an order
that has to be `MISSING_S` old before its absence proves anything: two seconds, more on a busy machine."""
_NS = 10**9
_QUICK = {"ping_s": 0.25, "pong_s": 0.25, "first_pause_s": 0.02, "longest_pause_s": 0.2, "ready_s": 1.0}


def weather_out(storm: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run to the end, or fail when it takes longer than even a busy machine needs."""

    async def bounded() -> None:
        async with asyncio.timeout(6 * CALM_S):
            await storm()

    uvloop.run(bounded())


class Storm:
    """A session under way, its venues, and what must be true of both."""

    def __init__(self, exchange: SimulatedExchange, session: TradingSession) -> None:
        self.exchange = exchange
        self.session = session

    @property
    def core(self) -> core_module.Core:
        return self.session.core

    def arm(self, *faults: Mapping[str, object], seed: int = 7) -> None:
        plan: FaultPlan = read_plan({"seed": seed, "faults": list(faults)}, self.exchange.faults.venues)
        self.exchange.faults.arm(plan)

    def fired(self) -> Counter[str]:
        """How often each kind of fault has struck."""
        fired: Counter[str] = Counter()
        for armed in self.exchange.faults.listing():
            fired[armed["fault"]] += armed["fired"]
        return +fired

    def halt_and_go_on(self) -> None:
        """A person stops everything, so that all orders are cancelled, and lets it go on at once."""
        engine, now_ns = self.core.engine, time.time_ns()
        engine.on_command(_command("trip", "a test of cancels"), now_ns)
        BreakerFile(self.session.directory.parent.parent).reset(by="a test", reason="seen")
        engine.on_command(_command("reset", "seen"), now_ns)

    def trip(self) -> None:
        """A person stops everything."""
        self.core.engine.on_command(_command("trip", "a test"), time.time_ns())

    def open_at_venues(self) -> list[str]:
        """The orders that the venues have open."""
        return [
            order.client_id
            for at in self.exchange.venues.values()
            for order in at.venue.open_orders(account_of(at.venue))
        ]

    async def trade(self, seconds: float, *, halts_every_s: float = 0.3) -> None:
        until_s = _loop_s() + seconds
        while (left_s := until_s - _loop_s()) > 0:
            await asyncio.sleep(min(halts_every_s, left_s))
            self.halt_and_go_on()

    async def until(self, is_so: Callable[[], bool], what: str, bound_s: float = CALM_S) -> None:
        until_s = _loop_s() + bound_s
        while not is_so():
            assert _loop_s() < until_s, f"not in {bound_s:g} s: {what}; {self.state()}"
            await asyncio.sleep(0.02)

    async def until_trading(self, orders: int = 20) -> None:
        placed = self.core.executor.placed
        await self.until(self.is_whole, "every line up and every book trusted")
        await self.until(lambda: self.core.executor.placed >= placed + orders, f"{orders} more orders", 3 * CALM_S)

    def is_whole(self) -> bool:
        executor = self.core.executor
        books = self.core.books
        return all(executor.is_reachable(i.book) and books[i.book].is_trusted for i in books.instruments)

    def doubtful(self) -> list[str]:
        return [o.client_id for o in self.core.executor.open_orders() if o.state is OrderState.UNKNOWN]

    def state(self) -> str:
        """For a failure's message."""
        executor = self.core.executor
        orders = [f"{o.client_id} {o.state.name} {o.filled_lots} of {o.told_lots}" for o in executor.open_orders()]
        books = [
            f"{b.instrument.exchange} {b.instrument.symbol} {b.trust.name} reachable: {executor.is_reachable(number)}"
            for number, b in enumerate(self.core.books)
        ]
        return "; ".join(orders + books)

    async def calm(self) -> None:
        """The faults are over: within `CALM_S` everything is known again, and trading goes on."""
        self.exchange.faults.clear()
        doubtful = self.doubtful()
        await self.until(lambda: not set(doubtful) & set(self.doubtful()), f"what was in doubt is known: {doubtful}")
        await self.until(self.is_whole, "every line up and every book trusted")
        await self.until_trading()


@asynccontextmanager
async def storm(
    directory: Path, *, seed: int = 7, on_paper: bool = False, ends_with: type[Exception] | None = None
) -> AsyncIterator[Storm]:
    """A trader that has begun to trade; afterwards it is stopped and everything it has said is checked.

    ``on_paper``: it follows OKX too, and its orders stay in the process. ``ends_with``: what it is to fail with; then
    there is nothing to check.
    """
    market = SyntheticMarket(seed=seed, rate_per_s=300.0)
    exchange = SimulatedExchange(FOLLOWED if on_paper else EXCHANGES, market, spot_depth_interval_ms=20)
    await exchange.start()
    watcher = Watcher({name: BookHistory(at.venue) for name, at in exchange.venues.items()})
    _watched.append(watcher)
    config = HftConfig.model_validate(
        {
            "data_dir": directory,
            "mode": "paper" if on_paper else "simulated",
            "market_data": {"exchanges": {name: {} for name in exchange.venues}},
            "paper": {"latency_ms": 2.0},
            "risk": {"circuit_breaker_threshold": 100_000, "max_orders_per_second": 200},
            "performance": {"rehearsal_interval_ms": 0},
        }
    )
    endpoints = {name: Endpoints(urls.rest, urls.stream, urls.orders) for name, urls in exchange.urls.items()}
    keys = dict.fromkeys(EXCHANGES, Credentials(DEMO_API_KEY, DEMO_API_SECRET))
    session = TradingSession(config, endpoints, keys)
    found = Storm(exchange, session)
    began_with = (
        {name: {asset: units_from_text(str(n)) for asset, n in config.paper.balances.items()} for name in FOLLOWED}
        if on_paper
        else {name: held_by(account_of(at.venue)) for name, at in exchange.venues.items()}
    )
    running = asyncio.create_task(session.run())
    try:
        await found.until(lambda: running.done() or hasattr(session, "core"), "the session begins")
        if running.done():
            running.result()
        await found.until_trading()
        yield found
        if ends_with is not None:
            with pytest.raises(ends_with):
                await running
            return
        session.stop("the storm is over")
        await running
        assert watcher.looks
        assert not watcher.wrong, watcher.wrong[0]
        venues = dict(_inside) if on_paper else {name: at.venue for name, at in exchange.venues.items()}
        Reckoning(session, venues, began_with).check()
    finally:
        _watched.remove(watcher)
        session.stop("failed")
        await asyncio.gather(running, return_exceptions=True)
        await exchange.stop()


_watched: list[Watcher] = []
_inside: dict[str, Venue] = {}
"""The venues inside the latest session on paper."""


class _SeenVenues(InProcessVenues):
    """Venues inside a session that can be looked into."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        _inside.update({name: venue._venue for name, venue in self._venues.items()})


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trader that is as impatient as a test, with `Restless` for its strategy, here and in the replay."""

    class Watched(Restless):
        def on_book(self, book: int, now_ns: int) -> Decision | None:
            for watcher in _watched:
                watcher.look(self.books, book)
            return super().on_book(book, now_ns)

    def restless(_config: HftConfig, books: OrderBookManager) -> tuple[HFTStrategy, ...]:
        strategy = Watched(books)
        strategy.start()
        return (strategy,)

    impatient = partial(
        FastOrderExecutor,
        answer_timeout_ns=round(ANSWER_S * _NS),
        query_pause_max_ns=round(PAUSE_MAX_S * _NS),
        missing_after_ns=round(MISSING_S * _NS),
    )
    monkeypatch.setattr(order_side, "InProcessVenues", _SeenVenues)
    monkeypatch.setattr(core_module, "build_strategies", restless)
    monkeypatch.setattr(core_module, "FastOrderExecutor", impatient)
    monkeypatch.setattr(core_module, "LegSettings", partial(LegSettings, pause_ns=_NS // 10, patience_ns=2 * _NS))
    monkeypatch.setattr(snapshots, "_LONGEST_PAUSE_S", 1.0)
    monkeypatch.setattr(subscriptions, "ANSWER_S", 0.5)
    monkeypatch.setattr(subscriptions, "SNAPSHOT_S", 0.5)
    okx_feed = partial(OkxFeed, timing=OKX_TIMING._replace(silence_s=1.0, **_QUICK))
    quick_okx = msgspec.structs.replace(exchanges._EXCHANGES["okx"], feeds={"okx": okx_feed})
    monkeypatch.setitem(exchanges._EXCHANGES, "okx", quick_okx)
    for name in EXCHANGES:
        entry = exchanges._EXCHANGES[name]
        assert entry.orders is not None
        make_line = partial(BinanceOrderLine, timing=ORDER_TIMING._replace(**_QUICK))
        make_feed = partial(BinanceFeed, timing=FEED_TIMING._replace(silence_s=1.0, **_QUICK))
        orders = msgspec.structs.replace(entry.orders, make_line=make_line)
        quick_entry = msgspec.structs.replace(entry, orders=orders, feeds={name: make_feed})
        monkeypatch.setitem(exchanges._EXCHANGES, name, quick_entry)


def _command(command: str, reason: str) -> Command:
    return Command(command=command, by="a test", reason=reason)


def _loop_s() -> float:
    return asyncio.get_running_loop().time()
