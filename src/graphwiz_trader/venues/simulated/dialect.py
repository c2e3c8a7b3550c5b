"""What a simulated venue offers to the exchange that hosts it, whatever protocol it speaks."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.defaults import Credentials
from graphwiz_trader.venues.simulated.faults import Faults
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.venue import Venue
from graphwiz_trader.venues.simulated.venue_book import Matcher


class Urls(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a venue listens: ``http(s)://host:port``, ``ws(s)://host:port``, and the full address for orders, which is
    empty where none are taken. ``stream_sbe``: where its streams are binary; empty where there are none.

    The paths of the dialect's streams are appended to ``stream``.
    """

    rest: str
    stream: str
    orders: str
    stream_sbe: str = ""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What every dialect is told about how to serve."""

    matcher: Callable[[Listing], Matcher]
    """Where the orders of a symbol meet."""
    clock_ms: Callable[[], int]
    events_first: bool = False
    """An order's events arrive before its answer, which venues also do."""
    spot_depth_interval_ms: int = 100
    """How often a spot book's quickest collected stream tells its changes."""
    is_limited: bool = False
    """Whether rate limits are enforced; they are always counted and told."""
    tls: ssl.SSLContext | None = None
    """Listen for TLS, with these certificates."""
    faults: Faults = msgspec.field(default_factory=Faults)


class ServedVenue(Protocol):
    """A venue with its accounts' keys, its streams and its server. ``start`` and ``stop`` once each."""

    @property
    def venue(self) -> Venue: ...
    @property
    def faults(self) -> Faults: ...
    @property
    def urls(self) -> Urls:
        """Raises RuntimeError before ``start``."""
        ...

    def open_account(
        self, name: str, who: Credentials, funds: Mapping[str, str], trade_group: int | None = None
    ) -> Account:
        """An account with an API key. ``funds``: asset → amount. Raises ValueError for a key that cannot be used."""
        ...

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; port 0 takes a free one. Raises OSError when the port is taken."""
        ...

    async def stop(self) -> None:
        """Close the port and every connection."""
        ...

    def flush(self, now_ms: int) -> None:
        """Publish what collects over an interval and is due."""
        ...

    def disconnect_all(self) -> None:
        """Drop every connection without a word."""
        ...
