"""Plain clients for the simulated exchange, and a market that stands still until a test moves it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self

import httpx
import uvloop
import websockets
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from graphwiz_trader.venues.simulated import DEMO_API_KEY, DEMO_API_SECRET, BinanceVenue, SimulatedExchange
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.matching import MatchingEngine
from patience import PATIENCE_S


class StillMarket:
    """Matching engines and nobody in them."""

    def matcher(self, exchange: str, listing: Listing) -> MatchingEngine:
        return MatchingEngine()

    def open(self, venues: Mapping[str, BinanceVenue], now_ms: int) -> None:
        pass

    async def run(self, clock_ms: Callable[[], int]) -> None:
        pass


def in_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run an async test to its end, or fail when it takes longer than any of them should."""

    async def bounded() -> None:
        async with asyncio.timeout(2 * PATIENCE_S):
            await test()

    uvloop.run(bounded())


@asynccontextmanager
async def serving(*exchanges: str, market: Any = None, **named: Any) -> AsyncIterator[SimulatedExchange]:
    exchange = SimulatedExchange(exchanges or ("binance",), market or StillMarket(), **named)
    await exchange.start()
    try:
        yield exchange
    finally:
        await exchange.stop()


_TRUSTING_ALL = httpx.create_ssl_context(verify=False)
"""What plain http never asks: to read whom https may trust would take 30 ms a client."""


async def get(base: str, path: str) -> httpx.Response:
    async with httpx.AsyncClient(verify=_TRUSTING_ALL) as client:
        return await client.get(base + path)


def payload(params: Mapping[str, Any]) -> str:
    return "&".join(f"{name}={params[name]}" for name in sorted(params))


def hmac_signed(params: Mapping[str, Any], key: str = DEMO_API_KEY, secret: str = DEMO_API_SECRET) -> dict[str, Any]:
    asked = {"timestamp": now_ms(), **params, "apiKey": key}
    asked["signature"] = hmac.new(secret.encode(), payload(asked).encode(), hashlib.sha256).hexdigest()
    return asked


def ed25519_signed(params: Mapping[str, Any], key: str, private: Ed25519PrivateKey) -> dict[str, Any]:
    asked = {"timestamp": now_ms(), **params, "apiKey": key}
    asked["signature"] = base64.b64encode(private.sign(payload(asked).encode())).decode()
    return asked


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class JsonSocket:
    """One WebSocket connection that speaks JSON, as an async context."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> Self:
        self.socket = await websockets.connect(self._url, max_size=None)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()

    async def receive(self) -> Any:
        """The next message, whatever it is."""
        return json.loads(await asyncio.wait_for(self.socket.recv(), PATIENCE_S))


class Client(JsonSocket):
    """Asks as Binance's WebSocket API is asked."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._numbers = iter(range(1, 1_000_000))
        self.passed_over: list[Any] = []

    async def ask(self, method: str, params: Any = None) -> Any:
        """The whole answer; what arrives before it is kept in ``passed_over``."""
        number = next(self._numbers)
        asked = {"id": number, "method": method} | ({} if params is None else {"params": params})
        await self.socket.send(json.dumps(asked))
        return await self._answer(number)

    async def _answer(self, number: int) -> Any:
        while True:
            message = await self.receive()
            if isinstance(message, dict) and message.get("id") == number:
                return message
            self.passed_over.append(message)

    async def place(self, **params: Any) -> Any:
        """A signed LIMIT GTC purchase of BTCUSDT unless told otherwise."""
        wanted = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", **params}
        return await self.ask("order.place", hmac_signed({k: v for k, v in wanted.items() if v is not None}))

    async def signed(self, method: str, **params: Any) -> Any:
        return await self.ask(method, hmac_signed(params))


async def until(condition: Callable[[], bool] | Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that another task brings about."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.001)
