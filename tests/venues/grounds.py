"""Whose feeds are sent through what befalls every feed: one class for each, to be put before a suite of rules."""

from __future__ import annotations

import pytest

from graphwiz_trader.venues.binance import subscriptions as binance_subscriptions
from graphwiz_trader.venues.okx import subscriptions as okx_subscriptions
from venues.binance.binary import BinaryBench, OverBinaryStreams
from venues.fault_bench import BinanceBench, FaultGround, OkxBench
from venues.okx.simulated import quick_books

__all__ = ["BinarySpot", "Coinm", "Okx", "Spot", "Usdm", "quick_books", "short_waits"]


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A venue that does not answer is asked again soon."""
    monkeypatch.setattr(binance_subscriptions, "_ANSWER_S", 0.5)
    monkeypatch.setattr(okx_subscriptions, "ANSWER_S", 0.5)
    monkeypatch.setattr(okx_subscriptions, "SNAPSHOT_S", 0.5)


@pytest.mark.usefixtures("short_waits")
class Spot(FaultGround):
    exchange = "binance"
    symbols = ("BTC/USDT", "ETH/USDT")
    bench_kind = BinanceBench


class BinarySpot(OverBinaryStreams, Spot):
    """By SBE."""

    bench_kind = BinaryBench


class Usdm(Spot):
    exchange = "binanceusdm"


class Coinm(Spot):
    exchange = "binancecoinm"
    symbols = ("BTC/USD", "ETH/USD")


@pytest.mark.usefixtures("short_waits", "quick_books")
class Okx(FaultGround):
    exchange = "okx"
    symbols = ("BTC/USDT", "BTC/USDT:USDT")
    bench_kind = OkxBench
