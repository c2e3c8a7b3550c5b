"""Binance's feeds keep what every feed keeps."""

from __future__ import annotations

from venues.binance.binary import OverBinaryStreams
from venues.feed_contract import FeedContract


class TestSpot(FeedContract):
    exchange = "binance"
    symbols = ("BTC/USDT", "ETH/USDT")


class TestBinarySpot(OverBinaryStreams, FeedContract):
    """By SBE."""


class TestUsdm(FeedContract):
    exchange = "binanceusdm"
    symbols = ("BTC/USDT", "ETH/USDT")


class TestCoinm(FeedContract):
    exchange = "binancecoinm"
    symbols = ("BTC/USD", "ETH/USD")
