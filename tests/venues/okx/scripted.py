"""OKX's public socket as a test wants it: it answers, refuses, forgets and says what it is told to, and counts."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from graphwiz_trader.hft.decoders import okx_decoder
from graphwiz_trader.hft.events import Side
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.venues.base import Endpoints
from hft.floor import START
from hft.okx_floor import INSTRUMENTS, OkxFloor, best, depth
from venues.harness import Watched
from venues.sinks import MarketSink

Arg = dict[str, str]


class ScriptedVenue(Watched):
    """As an async context. ``first``: what a subscription brings at once, by its argument."""

    def __init__(self, first: Callable[[Arg], Sequence[bytes]] = lambda _arg: ()) -> None:
        super().__init__()
        self.first = first
        self.sockets: list[Socket] = []
        self.paths: list[str] = []
        self.requests: list[tuple[str, list[Arg]]] = []
        """(op, args) of every request, over all connections."""
        self.refused: dict[str, str] = {}
        """instId → what the venue says of it, in place of an answer."""
        self.unanswered = 0
        """So many subscriptions to come are not answered."""
        self.aborts_batches = False
        """A request with a refused argument is dropped as a whole, with one error that does not say which it was."""
        self.answers_pings = True
        self.pings = 0

    def count(self, op: str) -> int:
        return sum(said == op for said, _ in self.requests)

    def asked(self) -> Counter[tuple[str, str, str]]:
        """How often each (op, channel, instId) was asked for."""
        return Counter((op, arg["channel"], arg["instId"]) for op, args in self.requests for arg in args)

    def say(self, frame: bytes | dict[str, Any], socket: int = -1) -> None:
        payload = frame if isinstance(frame, bytes) else json.dumps(frame, separators=(",", ":")).encode()
        transport = self.sockets[socket].transport
        assert transport is not None
        transport.send(WSMsgType.TEXT, payload)

    @property
    def endpoints(self) -> Endpoints:
        return Endpoints("http://127.0.0.1:9", self._url, "")

    async def __aenter__(self) -> ScriptedVenue:
        self._server = await ws_create_server(self._accept, "127.0.0.1", 0)
        self._url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for socket in self.sockets:
            if socket.transport is not None:
                socket.transport.disconnect(graceful=False)

    def _accept(self, request: WSUpgradeRequest) -> WSListener:
        self.paths.append(request.path.decode())
        return Socket(self)


class Socket(WSListener):
    def __init__(self, venue: ScriptedVenue) -> None:
        self._venue = venue
        self.transport: WSTransport | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self._venue.sockets.append(self)
        self._venue.changed()

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        self.transport = None

    def drop(self) -> None:
        """Without a word."""
        if self.transport is not None:
            self.transport.disconnect(graceful=False)

    def close(self, code: int) -> None:
        if self.transport is not None:
            self.transport.send_close(WSCloseCode(code) if code in set(WSCloseCode) else code, b"")

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is not WSMsgType.TEXT:
            return
        payload = frame.get_payload_as_bytes()
        if payload == b"ping":
            self._venue.pings += 1
            if self._venue.answers_pings:
                transport.send(WSMsgType.TEXT, b"pong")
        else:
            message = json.loads(payload)
            self._venue.requests.append((message["op"], message["args"]))
            self._answer(message["op"], message["args"])
        self._venue.changed()

    def _answer(self, op: str, args: list[Arg]) -> None:
        venue = self._venue
        if venue.aborts_batches and any(arg["instId"] in venue.refused for arg in args):
            venue.say({"event": "error", "code": "60012", "msg": "Invalid request"})
            return
        for arg in args:
            if arg["instId"] in venue.refused:
                venue.say({"event": "error", "code": "60018", "msg": venue.refused[arg["instId"]], "connId": "1"})
            elif venue.unanswered:
                venue.unanswered -= 1
            else:
                venue.say({"event": op, "arg": arg, "connId": "1"})
                for first in venue.first(arg) if op == "subscribe" else ():
                    venue.say(first)


class OkxSink(MarketSink):
    def __init__(self, lines: int = 1, instruments: Instruments = INSTRUMENTS) -> None:
        super().__init__(instruments, [okx_decoder(instruments, "okx") for _ in range(lines)])

    def on_snapshot(self, book: int, body: bytes, now_ns: int) -> None:
        assert not body, "OKX's snapshots come in the stream"
        super().on_snapshot(book, body, now_ns)


def compile_kernels() -> None:
    """Have what a sink calls compiled."""
    floor = OkxFloor()
    floor.make_live()
    floor.frames(depth("update", [("99.8", "2")], ids=(100, 101)), best(102, ("99.9", "1"), ("100.1", "1")))
    floor.book().levels(Side.BUY)
    floor.market_data.on_timer(START)
    floor.market_data.on_line(0, False, START)


async def cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
