"""ccxt.pro's own order book handler on OKX's frames, with its own client and order book objects and no network."""

from __future__ import annotations

import asyncio
from typing import Any

import ccxt.pro

_SYMBOL = "BTC/USDT"
_URL = "wss://ws.okx.com:8443/ws/v5/public"


class CcxtOkxBook:
    """One symbol's book as ccxt.pro keeps it. ``handle`` takes parsed messages: ccxt parses JSON before its handler."""

    def __init__(self, start: dict[str, Any]) -> None:
        self._start = start
        self._exchange = ccxt.pro.okx()
        market = {
            "instType": "SPOT",
            "instId": start["arg"]["instId"],
            "baseCcy": "BTC",
            "quoteCcy": "USDT",
            "tickSz": "0.01",
            "lotSz": "0.00001",
            "minSz": "0.00001",
            "maxLmtSz": "100",
            "state": "live",
        }
        self._exchange.set_markets([self._exchange.parse_market(market)])
        self._loop = asyncio.new_event_loop()
        self._client = self._loop.run_until_complete(self._make_client())
        self.reset()

    async def _make_client(self) -> Any:
        return self._exchange.client(_URL)

    def reset(self) -> None:
        """Back to the snapshot."""
        self._client.subscriptions[f"books:{_SYMBOL}"] = True
        self.handle([self._start])

    def handle(self, messages: list[dict[str, Any]]) -> None:
        handler, client = self._exchange.handle_order_book, self._client
        for message in messages:
            handler(client, message)

    def close(self) -> None:
        self._loop.run_until_complete(self._exchange.close())
        self._loop.close()

    @property
    def last_id(self) -> int:
        """The sequence id that the book has come to: proof that nothing was passed over."""
        return int(self._exchange.orderbooks[_SYMBOL]["nonce"])
