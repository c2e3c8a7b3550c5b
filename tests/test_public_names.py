"""The names that are promised stay importable from ``graphwiz_trader.hft``, and cost nothing until used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import graphwiz_trader.hft
from patience import PATIENCE_S

PROMISED = [
    "CrossExchangeArbitrage",
    "FastOrderExecutor",
    "HFTRiskManager",
    "HFTStrategy",
    "OrderBook",
    "OrderBookManager",
    "PerformanceMonitor",
    "StatisticalArbitrage",
    "WebSocketMarketData",
]


@pytest.mark.parametrize("name", PROMISED)
def test_a_promised_name_is_a_documented_class(name):
    value = getattr(graphwiz_trader.hft, name)
    assert isinstance(value, type)
    assert value.__name__ == name
    assert value.__doc__


def test_exactly_the_promised_names_are_public():
    assert graphwiz_trader.hft.__all__ == PROMISED
    assert set(PROMISED) <= set(dir(graphwiz_trader.hft))


def test_another_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'OrderBok'"):
        graphwiz_trader.hft.OrderBok  # noqa: B018 - the access is the test


def test_importing_the_core_s_package_compiles_nothing():
    code = "import sys, graphwiz_trader.hft; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    assert done.stdout == "False\n"
