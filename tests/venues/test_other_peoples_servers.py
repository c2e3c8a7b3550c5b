"""Feeds against servers that others have written: aiohttp and websockets, with habits that ours have not.

They offer compression, send pongs that nobody asked for, cut messages into fragments, answer in chunks and gzipped,
take their time, keep no connection alive, and end one each in its own way.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple, Protocol

import pytest
from aiohttp import WSMsgType, web
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from graphwiz_trader.hft.decoders import DECODERS
from graphwiz_trader.hft.events import Side
from graphwiz_trader.hft.instruments import Instrument, Instruments
from graphwiz_trader.venues.base import Endpoints
from graphwiz_trader.venues.exchanges import exchange_of
from venues.harness import Unhurried, on_uvloop
from venues.sinks import MarketSink

FRAGMENT_BYTES = 37


class Wire(Protocol):
    """A server's end of a connection."""

    async def receive(self) -> str:
        """Raises ConnectionError when the client has gone."""
        ...

    async def send(self, text: str) -> None: ...
    async def end(self) -> None: ...


class _Aiohttp:
    """Whole messages, ended in good order."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket

    async def receive(self) -> str:
        message = await self._socket.receive()
        if message.type is not WSMsgType.TEXT:
            raise ConnectionError
        return str(message.data)

    async def send(self, text: str) -> None:
        await self._socket.pong(b"unasked")
        await self._socket.send_str(text)

    async def end(self) -> None:
        await self._socket.close(code=1012, message=b"service restart")


class _Websockets:
    """Fragments with pongs between the messages, and an end without a word."""

    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket

    async def receive(self) -> str:
        try:
            return str(await self._socket.recv())
        except ConnectionClosed:
            raise ConnectionError from None

    async def send(self, text: str) -> None:
        with suppress(ConnectionClosed):
            await self._socket.pong(b"unasked")
            await self._socket.send(text[i : i + FRAGMENT_BYTES] for i in range(0, len(text), FRAGMENT_BYTES))

    async def end(self) -> None:
        self._socket.transport.abort()


Talk = Callable[[Wire], Awaitable[None]]


@asynccontextmanager
async def aiohttp_server(talk: Talk) -> AsyncIterator[str]:
    async def upgrade(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=True, heartbeat=0.2)
        await socket.prepare(request)
        with suppress(ConnectionError):
            await talk(_Aiohttp(socket))
        return socket

    app = web.Application()
    app.router.add_get("/{path:.*}", upgrade)
    async with _running(app) as host:
        yield f"ws://{host}"


@asynccontextmanager
async def websockets_server(talk: Talk) -> AsyncIterator[str]:
    async def handle(socket: ServerConnection) -> None:
        with suppress(ConnectionError):
            await talk(_Websockets(socket))

    async with serve(handle, "127.0.0.1", 0, ping_interval=0.2) as server:
        host, port = next(iter(server.sockets)).getsockname()
        yield f"ws://{host}:{port}"


@asynccontextmanager
async def rest_server(snapshot: Callable[[], str]) -> AsyncIterator[str]:
    """Answers in gzipped chunks, one connection each, slowly; it thinks little of the first request."""
    asked = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        if asked == 1:
            assert request.transport is not None
            request.transport.abort()
        response = web.StreamResponse(headers={"content-type": "application/json", "connection": "close"})
        response.enable_chunked_encoding()
        response.enable_compression(web.ContentCoding.gzip)
        await response.prepare(request)
        body = snapshot().encode()
        for start in range(0, len(body), 50):
            await response.write(body[start : start + 50])
            await asyncio.sleep(0)
        await response.write_eof()
        return response

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with _running(app) as host:
        yield f"http://{host}"


@asynccontextmanager
async def _running(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"{host}:{port}"
    finally:
        await runner.cleanup()


class Venue:
    """The least that a venue is: one book, whose best size is the number of its last update."""

    symbol = ""

    def __init__(self) -> None:
        self.number = 1
        self.connections = 0

    async def talk(self, wire: Wire) -> None:
        """Answer what is asked, and from the first subscription on stir the book; the first connections end soon."""
        self.connections += 1
        ends_at = self.number + 20 if self.connections <= 2 else None
        stirring: asyncio.Task[None] | None = None
        try:
            while True:
                for answer in self.answers(await wire.receive()):
                    await wire.send(answer)
                stirring = stirring or asyncio.create_task(self._stir(wire, ends_at))
        finally:
            if stirring is not None:
                stirring.cancel()

    async def _stir(self, wire: Wire, ends_at: int | None) -> None:
        while self.number != ends_at:
            self.number += 1
            await wire.send(self.update())
            await asyncio.sleep(0.01)
        await wire.end()

    def answers(self, text: str) -> list[str]:
        raise NotImplementedError

    def update(self) -> str:
        raise NotImplementedError

    def snapshot(self) -> str:
        raise NotImplementedError


class Binance(Venue):
    symbol = "BTCUSDT"

    def answers(self, text: str) -> list[str]:
        return [json.dumps({"result": None, "id": json.loads(text)["id"]})]

    def update(self) -> str:
        n, levels = self.number, {"b": [["100.00", f"{self.number}.000"]], "a": []}
        event = {"e": "depthUpdate", "E": n, "s": self.symbol, "U": n, "u": n, **levels}
        return json.dumps({"stream": "btcusdt@depth@100ms", "data": event}, separators=(",", ":"))

    def snapshot(self) -> str:
        levels: dict[str, Any] = {"bids": [["100.00", f"{self.number}.000"]], "asks": [["101.00", "1.000"]]}
        return json.dumps({"lastUpdateId": self.number, **levels})


class Okx(Venue):
    symbol = "BTC-USDT"

    def answers(self, text: str) -> list[str]:
        if text == "ping":
            return ["pong"]
        asked = json.loads(text)
        found = [json.dumps({"event": asked["op"], "arg": arg, "connId": "x"}) for arg in asked["args"]]
        is_wanted = asked["op"] == "subscribe" and any(arg["channel"] == "books" for arg in asked["args"])
        return [*found, self._book("snapshot", -1, [["101", "1", "0", "1"]])] if is_wanted else found

    def update(self) -> str:
        return self._book("update", self.number - 1, [])

    def _book(self, action: str, previous: int, asks: list[list[str]]) -> str:
        bids = [["100", str(self.number), "0", "1"]]
        data = {"asks": asks, "bids": bids, "ts": str(self.number), "seqId": self.number, "prevSeqId": previous}
        return json.dumps({"arg": {"channel": "books", "instId": self.symbol}, "action": action, "data": [data]})


class Case(NamedTuple):
    exchange: str
    venue: Callable[[], Venue]
    server: Callable[[Talk], Any]


CASES = [
    Case(exchange, venue, server)
    for exchange, venue in (("binance", Binance), ("okx", Okx))
    for server in (aiohttp_server, websockets_server)
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.exchange}-{case.server.__name__}")
@on_uvloop
async def test_a_feed_keeps_the_book_of_a_server_that_others_have_written(case: Case) -> None:
    venue = case.venue()
    instrument = Instrument(
        book=0,
        exchange=case.exchange,
        symbol="BTC/USDT",
        venue_symbol=venue.symbol,
        base="BTC",
        quote="USDT",
        tick_size="0.01",
        lot_size="0.001",
    )
    instruments = Instruments([instrument])
    sink = MarketSink(instruments, [DECODERS[case.exchange](instruments, case.exchange)])
    async with rest_server(venue.snapshot) as rest, case.server(venue.talk) as stream:
        feed = exchange_of(case.exchange).feeds[case.exchange](
            instruments,
            case.exchange,
            endpoints=Endpoints(rest, stream, ""),
            lines=(0,),
            sink=sink,
            random=Unhurried(),
        )
        sink.request_snapshot = feed.request_snapshot
        running = asyncio.create_task(feed.run())
        try:
            await sink.until(lambda: venue.connections >= 3 and sink.trusts(0))
            since = venue.number
            await sink.until(lambda: sink.trusts(0) and sink.books[0].levels(Side.BUY, 1)[0][1] > (since + 5) * 1000)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    assert sink.books[0].levels(Side.BUY) == [(10_000, sink.books[0].last_update_id * 1000)]
    assert not sink.market_data.refused
