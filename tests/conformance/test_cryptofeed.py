"""cryptofeed, unmodified and over TLS: books and trades of the simulated exchanges."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from cryptofeed.defines import L2_BOOK, TRADES

from conformance.cryptofeed_client import cryptofeed
from conformance.served import Served, bounded
from graphwiz_trader.hft.events import Side

EVERYWHERE = pytest.mark.parametrize(
    ("exchange", "symbol"), [("binance", "BTCUSDT"), ("binanceusdm", "BTCUSDT"), ("okx", "BTC-USDT")]
)


@EVERYWHERE
def test_it_builds_the_exchanges_own_book(secure: Served, exchange: str, symbol: str):
    async def check() -> None:
        async with cryptofeed(secure, exchange) as client:
            step = 0
            while await client.book() != secure.book(exchange, symbol):
                secure.quote(exchange, symbol, Side.BUY, str(61_000 + step % 50), "0.5")
                await asyncio.sleep(0.3)
                step += 1

    secure.fill_book(exchange, symbol, "61800")
    bounded(check())


@pytest.mark.parametrize(
    ("exchange", "symbol", "path"),
    [("binance", "BTCUSDT", ""), ("binanceusdm", "BTCUSDT", "/market"), ("okx", "BTC-USDT", "")],
)
def test_it_hears_trades(secure: Served, exchange: str, symbol: str, path: str):
    """USD-M's on their path alone: cryptofeed does not know of it, and without one there are books only."""

    async def check() -> None:
        async with cryptofeed(secure, exchange, [TRADES] if path else [L2_BOOK, TRADES], path) as client:
            while not client.trades:
                secure.quote(exchange, symbol, Side.SELL, "61700", "0.03")
                secure.quote(exchange, symbol, Side.BUY, "61700", "0.03")
                await client.book()
                await asyncio.sleep(0.1)
            trade = client.trades[0]
            assert (Decimal(trade["price"]), Decimal(trade["amount"])) == (61_700, Decimal("0.03"))
            assert (trade["symbol"].startswith("BTC-USDT"), trade["side"]) == (True, "buy")

    bounded(check())
