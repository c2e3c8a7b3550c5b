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
    """ccxt's client for ``binance``, ``binanceusdm``, ``binancecoinm`` or ``okx``."""
    client = _okx(served) if exchange == "okx" else _binance(served, exchange)
    try:
        yield client
    finally:
        await client.close()


def _binance(served: Served, exchange: str) -> Any:
    spot, usdm, coinm = (served.urls[name] for name in ("binance", "binanceusdm", "binancecoinm"))
    futures = {"fapi": usdm, "dapi": coinm}
    client = getattr(ccxt.pro, exchange)(dict(_KEYS))
    addresses = client.urls["api"]
    for name, address in addresses.items():
        if isinstance(address, str):
            host, _, path = address.partition("://")[2].partition("/")
            addresses[name] = f"{futures.get(host[:4], spot).rest}/{path}"
    addresses["ws"]["spot"] = f"{spot.stream}/stream/ws"
    addresses["ws"]["ws-api"]["spot"] = spot.orders
    for name in ("future", "linear"):  # what ccxt calls USD-M has changed between its versions
        addresses["ws"][name] = f"{usdm.stream}/ws"
        addresses["ws"]["ws-api"][name] = usdm.orders
    addresses["ws"]["inverse"] = f"{coinm.stream}/ws"
    return client


def _okx(served: Served) -> Any:
    at = served.urls["okx"]
    client = ccxt.pro.okx({**_KEYS, "password": DEMO_PASSPHRASE})
    client.urls["api"]["rest"] = at.rest
    client.urls["api"]["ws"] = f"{at.stream}/ws/v5"
    return client
