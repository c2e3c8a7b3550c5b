"""OKX's feed keeps what every feed keeps: spot and swap over one line."""

from __future__ import annotations

from venues.feed_contract import FeedContract


class TestOkx(FeedContract):
    exchange = "okx"
    symbols = ("BTC/USDT", "BTC/USDT:USDT")
