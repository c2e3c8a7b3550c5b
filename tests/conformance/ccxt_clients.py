"""ccxt.pro with every address replaced, and nothing else changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import ccxt.pro

from conformance.served import Served
from graphwiz_trader.venues.simulated import DEMO_API_KEY, DEMO_API_SECRET
from graphwiz_trader.venues.simulated.defaults import DEMO_PASSPHRASE

_KEYS = {"apiKey": DEMO_API_KEY, "secret": DEMO_API_SECRET}


@asynccontextmanager
async def ccxt_client(served: Served, exchange: str) -> AsyncIterator[Any]:
    """ccxt.pro's client for ``binance``, ``binanceusdm``, ``binancecoinm`` or ``okx``."""
    client = addressed(served, getattr(ccxt.pro, exchange))
    try:
        yield client
    finally:
        await client.close()


def addressed(served: Served, kind: Any) -> Any:
    """A client of any of ccxt's kinds for an exchange; those that only ask have no WebSockets."""
    client = kind({**_KEYS, "password": DEMO_PASSPHRASE} if kind.__name__ == "okx" else dict(_KEYS))
    addresses = client.urls["api"]
    sockets = addresses.get("ws")
    if client.id == "okx":
        at = served.urls["okx"]
        addresses["rest"] = at.rest
        if sockets:
            addresses["ws"] = f"{at.stream}/ws/v5"
        return client
    spot, usdm, coinm = (served.urls[name] for name in ("binance", "binanceusdm", "binancecoinm"))
    futures = {"fapi": usdm, "dapi": coinm}
    for name, address in addresses.items():
        if isinstance(address, str):
            host, _, path = address.partition("://")[2].partition("/")
            addresses[name] = f"{futures.get(host[:4], spot).rest}/{path}"
    if sockets:
        sockets["spot"], sockets["ws-api"]["spot"] = f"{spot.stream}/stream/ws", spot.orders
        for name in ("future", "linear"):  # what ccxt calls USD-M has changed between its versions
            sockets[name], sockets["ws-api"][name] = f"{usdm.stream}/ws", usdm.orders
        sockets["inverse"] = f"{coinm.stream}/ws"
    return client
