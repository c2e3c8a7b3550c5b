"""ccxt itself: imported when it is first needed, because that takes seconds, and made to speak to given addresses."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from graphwiz_trader.errors import did_you_mean
from graphwiz_trader.venues.base import Endpoints, VenueError

_CLOSE_S = 2.0

OWN_ADDRESSES = Endpoints(rest="", stream="", orders="")
"""Those that ccxt knows."""

Client = Any
"""One of ccxt's exchanges. ccxt is not typed, and its names are its own documentation's."""


def new_client(exchange: str, endpoints: Endpoints = OWN_ADDRESSES) -> Client:
    """A client for ``exchange``, nothing asked yet; to be closed by `close`.

    ``endpoints``: where it is reached; empty ones leave ccxt's own addresses as they are. Raises VenueError for an
    unknown exchange, and without ccxt.
    """
    try:
        library = import_module("ccxt.pro")
    except ImportError:
        raise VenueError(
            f"{exchange!r} is spoken to through ccxt, which is not installed: pip install 'graphwiz-trader[ccxt]'"
        ) from None
    if exchange not in library.exchanges:
        raise VenueError(f"ccxt.pro knows no exchange {exchange!r}; {did_you_mean(exchange, library.exchanges)}")
    client = getattr(library, exchange)()
    client.urls["api"] = redirected(client.urls["api"], endpoints)
    return client


async def close(client: Client) -> None:
    """Close what a client has opened. A peer that is gone is not waited for; what closing raises, nobody can mend."""
    with suppress(Exception):
        async with asyncio.timeout(_CLOSE_S):
            await client.close()
    if client.session is not None:
        with suppress(Exception):
            await client.session.close()
        client.session = None


def redirected(addresses: Any, endpoints: Endpoints) -> Any:
    """ccxt's tree of addresses, each with its scheme and host replaced and its own path behind.

    Some clients read from a path what an address is for (Binance's: ``/stream`` is spot), so an endpoint may have
    one, which comes first.
    """
    if isinstance(addresses, dict):
        return {name: redirected(below, endpoints) for name, below in addresses.items()}
    if not isinstance(addresses, str):
        return addresses
    parts = urlsplit(addresses)
    to = endpoints.stream if parts.scheme in {"ws", "wss"} else endpoints.rest
    return f"{to.rstrip('/')}{parts.path}" if to else addresses


def asks_for_less(failure: BaseException) -> bool:
    """Whether an exchange wants to be asked less often. ccxt's errors know their bases; it is loaded, or none came."""
    return any(kind.__name__ in {"DDoSProtection", "RateLimitExceeded"} for kind in type(failure).__mro__)


def words(failure: BaseException) -> str:
    """A failure of ccxt's in words: its kind. Its message quotes addresses and answers, which may hold anything."""
    return type(failure).__name__
