"""Binance's feeds in the matrix of faults, with those of its own: snapshots that come from REST, and routed paths."""

from __future__ import annotations

from venues.binance.binary import BinaryBench, OverBinaryStreams
from venues.fault_bench import BinanceBench
from venues.fault_matrix import FaultMatrix


class BinanceMatrix(FaultMatrix):
    bench_kind = BinanceBench


class TestSpot(BinanceMatrix):
    exchange = "binance"
    symbols = ("BTC/USDT", "ETH/USDT")


class TestUsdm(BinanceMatrix):
    exchange = "binanceusdm"
    symbols = ("BTC/USDT", "ETH/USDT")


class TestBinarySpot(OverBinaryStreams, BinanceMatrix):
    """By SBE."""

    bench_kind = BinaryBench


class TestCoinm(BinanceMatrix):
    exchange = "binancecoinm"
    symbols = ("BTC/USD", "ETH/USD")
