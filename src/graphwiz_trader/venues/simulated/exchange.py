"""The simulated exchange: several venues in one process that share a market, with a clock that drives it.

This is what ``graphwiz exchange serve`` runs and what tests and assembly use in their own loop.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Protocol

from graphwiz_trader.errors import GraphwizError, did_you_mean
from graphwiz_trader.hft.instruments import Instrument
from graphwiz_trader.venues.simulated.account_file import AccountEntry, AccountFileError
from graphwiz_trader.venues.simulated.defaults import DEMO_FUNDS, Credentials, credentials, default_instruments
from graphwiz_trader.venues.simulated.dialect import Options, ServedVenue, Urls
from graphwiz_trader.venues.simulated.dialects import DIALECTS
from graphwiz_trader.venues.simulated.faults import FaultPlan, Faults
from graphwiz_trader.venues.simulated.faults.desk import FaultDesk
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.venue_book import Matcher

FLUSH_EVERY_S = 0.005
"""How punctual the interval streams are."""
NO_FAULTS = FaultPlan()


class UnknownVenueError(GraphwizError):
    """There is no simulated venue of that name."""


class Market(Protocol):
    """What moves the venues' books."""

    def matcher(self, exchange: str, listing: Listing) -> Matcher:
        """Where the orders of a symbol meet. Asked once a symbol, before ``open``."""
        ...

    def open(self, venues: Mapping[str, ServedVenue], now_ms: int) -> None:
        """The venues stand; nobody is connected yet."""
        ...

    async def run(self, clock_ms: Callable[[], int]) -> None:
        """Move the market until it ends or is cancelled."""
        ...


class SimulatedExchange:
    """Venues with their servers, accounts and market. Use ``start`` and ``stop`` once each."""

    def __init__(
        self,
        exchanges: Sequence[str],
        market: Market,
        *,
        instruments: Iterable[Instrument] | None = None,
        accounts: Mapping[str, Credentials] | None = None,
        funds: Mapping[str, Mapping[str, str]] | None = None,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        events_first: bool = False,
        spot_depth_interval_ms: int = 100,
        more_accounts: Iterable[AccountEntry] = (),
        tls: ssl.SSLContext | None = None,
        is_limited: bool = False,
        faults: FaultPlan = NO_FAULTS,
    ) -> None:
        """``instruments`` of other exchanges are left out; ``funds``: asset → amount, per exchange.

        ``events_first``: an order's events arrive before its answer, which venues also do.
        ``more_accounts``: besides the demo account of each exchange. ``tls``: listen for TLS with these certificates.
        Raises UnknownVenueError, or AccountFileError for an account whose key cannot be used.
        """
        for exchange in exchanges:
            if exchange not in DIALECTS:
                raise UnknownVenueError(f"no simulated venue {exchange!r}; {did_you_mean(exchange, DIALECTS)}")
        listed = list(instruments) if instruments is not None else default_instruments(exchanges)
        self._market = market
        self._clock_ms = clock_ms
        self._tasks: list[asyncio.Task[None]] = []
        self._keys: set[tuple[str, str]] = set()
        self.venues: dict[str, ServedVenue] = {}
        for exchange in exchanges:
            own_faults = Faults(exchange, clock_ms, seed=faults.seed)
            options = Options(
                matcher=partial(market.matcher, exchange),
                clock_ms=own_faults.venue_ms,
                faults=own_faults,
                events_first=events_first,
                spot_depth_interval_ms=spot_depth_interval_ms,
                tls=tls,
                is_limited=is_limited,
            )
            own = [instrument for instrument in listed if instrument.exchange == exchange]
            venue = DIALECTS[exchange](own, options)
            who = (accounts or {}).get(exchange) or credentials(exchange, os.environ)
            venue.open_account("demo", who, dict((funds or DEMO_FUNDS)[exchange]))
            self._keys.add((exchange, who.key))
            self.venues[exchange] = venue
        for entry in more_accounts:
            self._open(entry, funds or DEMO_FUNDS)
        self.faults = FaultDesk({exchange: venue.faults for exchange, venue in self.venues.items()}, faults.seed)
        self._plan = faults
        market.open(self.venues, clock_ms())

    @property
    def urls(self) -> dict[str, Urls]:
        return {exchange: venue.urls for exchange, venue in self.venues.items()}

    async def start(self, port: int = 0) -> None:
        """Listen, on consecutive ports from ``port`` (0: any free ones), and start the market.

        Raises OSError when a port is taken; nothing is left listening then.
        """
        try:
            for offset, venue in enumerate(self.venues.values()):
                await venue.start(port + offset if port else 0)
        except OSError:
            await self.stop()
            raise
        self.faults.arm(self._plan)
        self._tasks = [asyncio.create_task(self._market.run(self._clock_ms)), asyncio.create_task(self._tick())]
        for task in self._tasks:
            task.add_done_callback(_report_failure)

    async def stop(self) -> None:
        """Stop the market and close every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for venue in self.venues.values():
            await venue.stop()

    def _open(self, entry: AccountEntry, funds: Mapping[str, Mapping[str, str]]) -> None:
        if entry.exchange is not None and entry.exchange not in self.venues:
            raise UnknownVenueError(
                f"account {entry.name!r} is for {entry.exchange!r}, which is not served; "
                f"{did_you_mean(entry.exchange, self.venues)}"
            )
        for exchange in [entry.exchange] if entry.exchange is not None else list(self.venues):
            if (exchange, entry.key) in self._keys:
                raise AccountFileError(f"account {entry.name!r} at {exchange} has the key of another; keys are unique")
            self._keys.add((exchange, entry.key))
            owns = entry.funds if entry.funds is not None else funds[exchange]
            try:
                self.venues[exchange].open_account(entry.name, entry.credentials, owns, entry.trade_group)
            except ValueError as error:
                raise AccountFileError(f"account {entry.name!r} at {exchange}: {error}") from None

    async def _tick(self) -> None:
        """Publish what collects over an interval."""
        while True:
            await asyncio.sleep(FLUSH_EVERY_S)
            for venue in self.venues.values():
                venue.flush(venue.faults.venue_ms())


def _report_failure(task: asyncio.Task[None]) -> None:
    """A market that fails is a bug: it must be seen, while the venues serve on."""
    if not task.cancelled() and task.exception() is not None:
        problem = {"message": "the simulated market has stopped", "exception": task.exception(), "task": task}
        task.get_loop().call_exception_handler(problem)
