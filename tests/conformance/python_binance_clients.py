"""python-binance with every address replaced, and nothing else changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from binance import BinanceSocketManager
from binance.base_client import BaseClient

from conformance.served import Served


@contextmanager
def addressed(served: Served) -> Iterator[None]:
    """Its clients that are made meanwhile, of every kind, connect to what is served."""
    spot, usdm, coinm = (served.urls[name] for name in ("binance", "binanceusdm", "binancecoinm"))
    with pytest.MonkeyPatch.context() as patch:
        for name, address in {
            "API_URL": f"{spot.rest}/api",
            "MARGIN_API_URL": f"{spot.rest}/sapi",
            "FUTURES_URL": f"{usdm.rest}/fapi",
            "FUTURES_DATA_URL": f"{usdm.rest}/futures/data",
            "FUTURES_COIN_URL": f"{coinm.rest}/dapi",
            "FUTURES_COIN_DATA_URL": f"{coinm.rest}/futures/data",
            "WS_API_URL": spot.orders,
            "WS_FUTURES_URL": usdm.orders,
        }.items():
            patch.setattr(BaseClient, name, address)
        for name, address in {
            "STREAM_URL": f"{spot.stream}/",
            "FSTREAM_URL": f"{usdm.stream}/",
            "DSTREAM_URL": f"{coinm.stream}/",
        }.items():
            patch.setattr(BinanceSocketManager, name, address)
        yield
