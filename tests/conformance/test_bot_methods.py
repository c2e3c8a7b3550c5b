"""Each method that a trading bot calls of its client is answered as the client expects of the real venue."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import ccxt
import okx.Account
import okx.MarketData
import okx.PublicData
import okx.Trade
import pytest
from binance.client import Client
from binance_common.configuration import ConfigurationRestAPI
from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import DerivativesTradingUsdsFutures
from binance_sdk_spot.spot import Spot

from conformance import bot_methods as methods
from conformance.ccxt_clients import addressed as ccxt_addressed
from conformance.python_binance_clients import addressed
from conformance.served import Served
from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated import DEMO_API_KEY, DEMO_API_SECRET
from graphwiz_trader.venues.simulated.defaults import DEMO_PASSPHRASE

SYMBOLS = (
    ("binance", "BTCUSDT"),
    ("binanceusdm", "BTCUSDT"),
    ("binancecoinm", "BTCUSD_PERP"),
    ("okx", "BTC-USDT"),
    ("okx", "BTC-USDT-SWAP"),
)
CCXT = {
    "binance": methods.of_ccxt("BTC/USDT", 0.01),
    "binanceusdm": methods.of_ccxt("BTC/USDT:USDT", 0.01)
    | methods.of_ccxt_swaps("BTC/USDT:USDT", 0.01)
    | methods.USDM_OF_CCXT,
    "binancecoinm": methods.COINM_OF_CCXT,
    "okx": methods.of_ccxt("BTC/USDT", 0.01),
    "okx swaps": methods.of_ccxt("BTC/USDT:USDT", 1) | methods.of_ccxt_swaps("BTC/USDT:USDT", 1),
}


@pytest.fixture(scope="module")
def busy() -> Iterator[Served]:
    """Venues whose books stand around 60,000 and have traded."""
    with Served() as served:
        for exchange, symbol in SYMBOLS:
            served.fill_book(exchange, symbol, "60000")
            for price in ("60000.5", "60001", "60000"):
                served.quote(exchange, symbol, Side.BUY, price, "1")
                served.quote(exchange, symbol, Side.SELL, price, "1")
        yield served


@pytest.fixture(scope="module")
def python_binance(busy: Served) -> Iterator[Any]:
    with addressed(busy):
        made = Client(DEMO_API_KEY, DEMO_API_SECRET)
        yield made
        made.close_connection()


@pytest.fixture(scope="module")
def ccxts(busy: Served) -> dict[str, Any]:
    made = {}
    for name in CCXT:
        exchange, _, is_swaps = name.partition(" ")
        made[name] = ccxt_addressed(busy, getattr(ccxt, exchange))
        if is_swaps:
            made[name].options["defaultType"] = "swap"
        made[name].load_markets()
    return made


@pytest.fixture(scope="module")
def python_okx(busy: Served) -> Any:
    at = {"flag": "0", "domain": busy.urls["okx"].rest}
    keys = (DEMO_API_KEY, DEMO_API_SECRET, DEMO_PASSPHRASE)
    return SimpleNamespace(
        public=okx.PublicData.PublicAPI(**at),
        market=okx.MarketData.MarketAPI(**at),
        account=okx.Account.AccountAPI(*keys, **at),
        trade=okx.Trade.TradeAPI(*keys, **at),
    )


def sdk(busy: Served, exchange: str, kind: Any) -> Any:
    at = busy.urls[exchange].rest
    return kind(config_rest_api=ConfigurationRestAPI(DEMO_API_KEY, DEMO_API_SECRET, base_path=at, retries=0)).rest_api


@pytest.mark.parametrize("name", methods.PYTHON_BINANCE)
def test_python_binance(python_binance: Any, name: str):
    methods.PYTHON_BINANCE[name](python_binance)


@pytest.mark.parametrize(("client", "name"), [(client, name) for client, calls in CCXT.items() for name in calls])
def test_ccxt(ccxts: dict[str, Any], client: str, name: str):
    CCXT[client][name](ccxts[client])


@pytest.mark.parametrize("name", methods.PYTHON_OKX)
def test_python_okx(python_okx: Any, name: str):
    answer = methods.PYTHON_OKX[name](python_okx)
    assert answer["code"] == "0", answer
    assert all(each.get("sCode", "0") == "0" for each in answer["data"] if isinstance(each, dict)), answer


@pytest.mark.parametrize("name", methods.SPOT_SDK)
def test_binance_s_spot_sdk(busy: Served, name: str):
    read(methods.SPOT_SDK[name](sdk(busy, "binance", Spot)))


@pytest.mark.parametrize("name", methods.USDM_SDK)
def test_binance_s_usdm_sdk(busy: Served, name: str):
    read(methods.USDM_SDK[name](sdk(busy, "binanceusdm", DerivativesTradingUsdsFutures)))


def read(answer: Any) -> None:
    """Its models are made when they are looked at."""
    for each in answer if isinstance(answer, tuple) else (answer,):
        each.data()
