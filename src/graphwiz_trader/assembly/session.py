"""A trading session: the core, the venues' lines around it, the clock, and an orderly end.

Where its orders go is the mode's business (`order_side`); everything else is the same in every mode.

Everything slow stands around the hot path, not in it: the timer every 100 ms, the breaker's file and the latency
record every second. Whatever ends the session, its orders are cancelled first and its journal is closed last.
"""

from __future__ import annotations

import asyncio
import secrets
import signal
import time
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from graphwiz_trader.assembly.core import Core, build_books, build_core, session_start
from graphwiz_trader.assembly.fees import fees_paid
from graphwiz_trader.assembly.lines import trading_lines
from graphwiz_trader.assembly.measured import MeasuredEngine, OrderTimes
from graphwiz_trader.assembly.order_side import Connected, order_side
from graphwiz_trader.assembly.polling import keep_awake, spare_percent
from graphwiz_trader.assembly.profiling import profiled
from graphwiz_trader.assembly.rehearsal import Rehearsal
from graphwiz_trader.assembly.timer import TIMER_S, timer
from graphwiz_trader.assembly.venues import make_feeds, new_attempts
from graphwiz_trader.config import HftConfig
from graphwiz_trader.errors import GraphwizError
from graphwiz_trader.hft.events import Command, RecordKind
from graphwiz_trader.hft.instruments import Instruments, text_from_units
from graphwiz_trader.hft.performance import PerformanceMonitor
from graphwiz_trader.hft.records import Notice, SessionEnd, encode
from graphwiz_trader.journal.breaker import BreakerFile
from graphwiz_trader.journal.data_lock import data_dir_lock
from graphwiz_trader.journal.trader_id import new_prefix, trader_id
from graphwiz_trader.journal.writer import JournalWriter
from graphwiz_trader.venues.base import ApiKey, Credentials, Endpoints, Feed
from graphwiz_trader.venues.exchanges import load_instruments
from graphwiz_trader.venues.together import end

JOURNAL_FOLDER = "journal"
_TURNS_A_SECOND = 10
_LAST_ORDERS_S = 3.0
"""How long a stopping session waits for the venues to end its orders."""


class SessionError(GraphwizError):
    """A session cannot begin, or had to end."""


class _Parts(NamedTuple):
    core: Core
    sink: MeasuredEngine
    orders: Connected
    feeds: dict[str, Feed]


class TradingSession:
    """One run of a trader. ``endpoints`` and ``credentials`` by exchange; the journal goes under ``data_dir``.

    In paper and shadow mode ``credentials`` are not looked at, nor the addresses for orders. ``api_keys``: for market
    data that asks for a key.

    ``instruments``: when they are known already; otherwise the venues are asked. ``core`` is there once it runs.
    """

    core: Core

    def __init__(
        self,
        config: HftConfig,
        endpoints: Mapping[str, Endpoints],
        credentials: Mapping[str, Credentials],
        *,
        instruments: Instruments | None = None,
        api_keys: Mapping[str, ApiKey] = MappingProxyType({}),
    ) -> None:
        self._instruments = instruments
        self._config = config
        self._endpoints = dict(endpoints)
        self._breaker = BreakerFile(config.data_dir)
        self._monitor = PerformanceMonitor(
            max_processing_latency_ms=float(config.performance.max_processing_latency_ms),
            max_order_latency_ms=float(config.performance.max_order_latency_ms),
        )
        self._order_times = OrderTimes(self._monitor)
        self._api_keys = api_keys
        self._order_side = order_side(config, self._endpoints, credentials, self._order_times.on_sent)
        self._stop = asyncio.Event()
        self._why = ""
        self._failure: Exception | None = None
        started = datetime.now(UTC)
        self.name = f"{started:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
        self.directory: Path = config.data_dir / JOURNAL_FOLDER / self.name

    def stop(self, why: str) -> None:
        """Ask the session to end; the first reason counts."""
        self._why = self._why or why
        self._stop.set()

    def _fail(self, failure: Exception) -> None:
        """The engine has raised: it decides nothing more."""
        self._failure = failure
        self.stop(f"failed: {type(failure).__name__}")

    async def run(self, duration_s: float = 0.0) -> str:
        """Trade until `stop`, SIGINT or SIGTERM, or for ``duration_s``. Returns why it ended.

        Raises SessionError when it cannot begin, DataDirInUseError while another session has its data directory,
        JournalError when nothing can be recorded any more.
        """
        profile = profiled(self.directory) if self._config.performance.enable_profiling else nullcontext()
        with data_dir_lock(self._config.data_dir, self.name), profile:
            return await self._run(duration_s)

    async def _run(self, duration_s: float) -> str:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop, "Ctrl-C" if number == signal.SIGINT else "SIGTERM")
        instruments = self._instruments or await self._load_instruments()
        inventory = await self._order_side.inventory(instruments)
        held = await self._order_side.positions(instruments.exchanges)
        journal = JournalWriter(self.directory, session=self.name)
        try:
            parts = self._assemble(instruments, inventory, journal)
            _note_positions(held, journal)
            await self._trade(parts, journal, duration_s)
        finally:
            journal.close()
        return self._why

    def _assemble(self, instruments: Instruments, inventory: dict[int, int], journal: JournalWriter) -> _Parts:
        """The core with its lines, journaled so that a replay can build the same core."""
        exchanges = instruments.exchanges
        # Where orders never leave this process none is left behind, and nothing has to be told apart.
        trader = trader_id(self._config.data_dir) if self._order_side.is_sending else ""
        lines = trading_lines(self._config, exchanges, self._order_side.wire)
        start = session_start(
            self._config,
            instruments,
            lines,
            session=self.name,
            started_ns=time.time_ns(),
            prefix=new_prefix(trader),
            trader=trader,
            tripped=self._breaker.read().tripped,
            inventory_lots=inventory,
        )
        journal.append(RecordKind.SESSION, 0, start.started_ns, encode(start))
        sink = MeasuredEngine(self._monitor, self._fail)
        attempts = new_attempts(exchanges)
        books = build_books(self._config, instruments)
        orders = self._order_side.connect(instruments, lines, books, sink, attempts)
        feeds = make_feeds(instruments, lines, self._endpoints, sink, attempts, self._api_keys)
        core = build_core(
            self._config,
            instruments,
            lines,
            recorder=journal,
            books=books,
            gateways=orders.gateways,
            request_snapshot=lambda book: feeds[instruments[book].exchange].request_snapshot(book),
            prefix=start.prefix,
            trader=start.trader,
            accounts=orders.accounts,
            tripped=start.tripped,
            inventory_lots=inventory,
        )
        core.risk.on_trip = self._breaker.trip
        sink.attach(orders.around(core.engine))
        self.core = core
        return _Parts(core, sink, orders, feeds)

    async def _trade(self, parts: _Parts, journal: JournalWriter, duration_s: float) -> None:
        tasks = [asyncio.create_task(run()) for run in parts.orders.runs]
        tasks += [asyncio.create_task(feed.run()) for feed in parts.feeds.values()]
        tasks.append(asyncio.create_task(self._clock(parts.core, journal)))
        interval_ms = self._config.performance.rehearsal_interval_ms
        if interval_ms and parts.orders.rehearsing:
            rehearsal = Rehearsal(self._config, parts.core.books.instruments, parts.orders.rehearsing)
            tasks.append(asyncio.create_task(rehearsal.keep_warm(interval_ms / 1_000)))
        awake_percent = spare_percent(self._config.performance.busy_poll_percent)
        if awake_percent:
            tasks.append(asyncio.create_task(keep_awake(awake_percent)))
        try:
            await self._until_stopped(tasks, duration_s)
            await self._end_orders(parts.core)
            self._raise_failure()
            parts.sink.detach()
            journal.append(RecordKind.END, 0, time.time_ns(), encode(SessionEnd(self._why)))
        except Exception:
            await self._cancel_unrecorded(parts)
            raise
        finally:
            await end(tasks)

    async def _until_stopped(self, tasks: list[asyncio.Task[None]], duration_s: float) -> None:
        """Wait for the end. A line that fails, unlike a network that does, ends the session with its error."""
        stopped = asyncio.create_task(self._stop.wait())
        done, _ = await asyncio.wait((stopped, *tasks), timeout=duration_s or None, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not done:
            self.stop(f"{duration_s:g} s are over")
        for task in done - {stopped}:
            task.result()
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def _clock(self, core: Core, journal: JournalWriter) -> None:
        async for turn in timer():
            core.engine.on_timer(time.time_ns())
            if turn % _TURNS_A_SECOND == 0:
                self._order_times.note_answers(core.executor)
                journal.append(RecordKind.LATENCY, 0, time.time_ns(), encode(self._monitor.latency()))
                self._heed_breaker(core)

    def _heed_breaker(self, core: Core) -> None:
        """The breaker's file is how a person speaks to a running session."""
        file = self._breaker.read()
        if file.tripped and not core.risk.tripped:
            core.engine.on_command(Command(command="trip", by=file.by, reason=file.tripped), time.time_ns())
        elif core.risk.tripped and not file.tripped and file.by and file.reason:  # a new file closes no breaker
            core.engine.on_command(Command(command="reset", by=file.by, reason=file.reason), time.time_ns())

    async def _end_orders(self, core: Core) -> None:
        """Cancel what is open and wait, within bounds, until the venues have said so."""
        core.engine.on_command(Command(command="stop", by="session", reason=self._why), time.time_ns())
        loop = asyncio.get_running_loop()
        until_s = loop.time() + _LAST_ORDERS_S
        while core.executor.open_orders() and loop.time() < until_s:
            await asyncio.sleep(TIMER_S)
        self._order_times.note_answers(core.executor)

    async def _cancel_unrecorded(self, parts: _Parts) -> None:
        """The engine failed or cannot record: nothing more may be decided, but what is open must not stay open."""
        parts.sink.detach()
        for order in parts.core.executor.open_orders():
            with suppress(Exception):  # one that cannot be cancelled keeps no other from it
                parts.orders.gateways[order.exchange].cancel(order, time.time_ns())
        await asyncio.sleep(TIMER_S)

    async def _load_instruments(self) -> Instruments:
        exchanges = self._config.market_data.exchanges
        symbols = {exchange: tuple(s.symbols) for exchange, s in exchanges.items() if s.enabled}
        if not symbols:
            raise SessionError("no exchange is enabled; enable one under hft.market_data.exchanges")
        missing = [exchange for exchange in symbols if exchange not in self._endpoints]
        if missing:
            raise SessionError(f"no address for {', '.join(missing)}; give hft.market_data.exchanges.<id>.endpoints")
        return await load_instruments(symbols, self._endpoints, fees_paid(self._config))


def _note_positions(held: Mapping[str, Mapping[str, int]], journal: JournalWriter) -> None:
    """A session's own positions begin at zero: what an account holds already is in no figure and in no limit."""
    for exchange, positions in held.items():
        for symbol, units in positions.items():
            notice = Notice(f"{exchange} {symbol}: {text_from_units(units)}", "HELD_AT_START", 1)
            journal.append(RecordKind.NOTICE, 0, time.time_ns(), encode(notice))
