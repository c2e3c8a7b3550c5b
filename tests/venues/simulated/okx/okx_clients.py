"""A plain client of the simulated OKX, a house of its own for tests, and a book built from its frames."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Coroutine
from typing import Any

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.venues.simulated import DEMO_API_KEY, DEMO_API_SECRET
from graphwiz_trader.venues.simulated.defaults import DEMO_PASSPHRASE
from graphwiz_trader.venues.simulated.okx.limits import Rate, Windows
from graphwiz_trader.venues.simulated.okx.server import OkxVenue
from patience import PATIENCE_S
from venues.simulated.clients import JsonSocket, in_loop, now_ms, serving


class Client(JsonSocket):
    """One WebSocket connection to a route: public, business or private."""

    def __init__(self, at: OkxVenue, route: str = "public") -> None:
        super().__init__(f"{at.urls.stream}/ws/v5/{route}")

    async def receive(self) -> Any:
        """The next message, whatever it is."""
        message = await asyncio.wait_for(self.socket.recv(), PATIENCE_S)
        return json.loads(message) if message != "pong" else message

    async def receive_from(self, channel: str) -> Any:
        """The next push of a channel; what comes before it is passed over."""
        while True:
            message = await self.receive()
            if "event" not in message and message.get("arg", {}).get("channel") == channel:
                return message

    async def event(self) -> Any:
        """The next answer to a subscription, a login or nonsense; what comes before it is passed over."""
        while True:
            message = await self.receive()
            if "event" in message:
                return message

    async def say(self, op: str, *args: dict[str, Any], **more: Any) -> None:
        await self.socket.send(json.dumps({"op": op, "args": list(args), **more}))

    async def ask(self, op: str, *args: dict[str, Any], **more: Any) -> Any:
        await self.say(op, *args, **more)
        return await self.event()

    async def subscribe(self, channel: str, **arg: str) -> Any:
        return await self.ask("subscribe", {"channel": channel, **arg})

    async def log_in(self, **changed: Any) -> Any:
        return await self.ask("login", login(**changed))


def login(
    key: str = DEMO_API_KEY,
    secret: str = DEMO_API_SECRET,
    passphrase: str = DEMO_PASSPHRASE,
    timestamp: str | int | None = None,
    late_s: int = 0,
) -> dict[str, Any]:
    when = timestamp if timestamp is not None else str(now_ms() // 1000 - late_s)
    sign = hmac.new(secret.encode(), f"{when}GET/users/self/verify".encode(), hashlib.sha256).digest()
    return {"apiKey": key, "passphrase": passphrase, "timestamp": when, "sign": base64.b64encode(sign).decode()}


def at_okx(test: Callable[[OkxVenue], Coroutine[Any, Any, None]], **named: Any) -> None:
    """Run a test against a served venue that nobody else trades on, and that takes any number of connections."""

    async def run() -> None:
        async with serving("okx", **named) as exchange:
            at = exchange.venues["okx"]
            assert isinstance(at, OkxVenue)
            at.connects = Windows(Rate(10**6, 1))
            await test(at)

    in_loop(run)


def quote(at: OkxVenue, side: Side, price_ticks: int, size_lots: int, inst_id: str = "BTC-USDT") -> int:
    """An order of the market's own account, not yet published."""
    book = at.venue.books[inst_id]
    return at.venue.place_for_market(book, side, price_ticks, size_lots, TimeInForce.GTC, now_ms())


def fill_book(at: OkxVenue, inst_id: str = "BTC-USDT", lots: int = 1_000_000) -> None:
    """Twenty levels a side around 60,000.0, of 0.01 BTC and a little more each."""
    for step in range(20):
        quote(at, Side.SELL, 600_010 + step * 7, lots + step, inst_id)
        quote(at, Side.BUY, 599_990 - step * 7, lots + step, inst_id)
    at.venue.publish(now_ms())


class Book:
    """What a client builds from a channel that chains. ``apply`` fails the test when the chain is broken."""

    def __init__(self) -> None:
        self.sides: tuple[dict[str, str], dict[str, str]] = ({}, {})
        self.seq_id = -1

    def apply(self, message: Any) -> None:
        (data,) = message["data"]
        if message["action"] == "snapshot":
            assert data["prevSeqId"] == -1
            self.sides = ({}, {})
        else:
            assert data["prevSeqId"] == self.seq_id
        self.seq_id = data["seqId"]
        for levels, changes in zip(self.sides, (data["bids"], data["asks"]), strict=True):
            for price, size, zero, orders in changes:
                assert zero == "0"
                assert (orders == "0") == (size == "0")
                if size == "0":
                    del levels[price]
                else:
                    levels[price] = size

    def levels(self) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """Bids and asks, best first."""
        bids, asks = (sorted(side.items(), key=lambda level: float(level[0])) for side in self.sides)
        return bids[::-1], asks


def shown(at: OkxVenue, inst_id: str = "BTC-USDT", depth: int = 400) -> tuple[list[Any], list[Any]]:
    """The venue's own book in the client's form."""
    product = at.products[inst_id]
    bids, asks = (
        [(product.numbers.price(price), product.numbers.size(lots)) for price, lots in levels]
        for levels in (product.book.matcher.levels(side, depth) for side in Side)
    )
    return bids, asks
