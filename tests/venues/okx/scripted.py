"""OKX's public socket as a test wants it: it answers, refuses, forgets and says what it is told to, and counts."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from graphwiz_trader.hft.decoders import okx_decoder
from graphwiz_trader.hft.events import RecordKind, Side, Trust
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.hft.market_data import MarketData
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.hft.records import TrustChange
from graphwiz_trader.venues.base import Endpoints
from hft.floor import START
from hft.okx_floor import INSTRUMENTS, OkxFloor, best, depth
from venues.harness import Watched

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


class OkxSink(Watched):
    """Where the feed delivers: books kept as the trader keeps them, and everything in lists."""

    def __init__(self, lines: int = 1, instruments: Instruments = INSTRUMENTS) -> None:
        super().__init__()
        self.frames: list[tuple[int, bytes]] = []
        self.lines: list[tuple[int, bool, str]] = []
        self.clocks: list[tuple[int, int, int]] = []
        """(line, offset, error) in ns."""
        self.asked: Counter[int] = Counter()
        self.trust: list[tuple[int, Trust]] = []
        """Every change of a book's trust, as the journal would have it."""
        self.request_snapshot: Callable[[int], None] = lambda _book: None
        self.books = OrderBookManager(instruments)
        self.market_data = MarketData(
            self.books,
            [okx_decoder(instruments, "okx") for _ in range(lines)],
            self,
            request_snapshot=self._ask,
        )

    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        """As a recorder."""
        if kind == RecordKind.TRUST:
            self.trust.append((source, msgspec.json.decode(payload, type=TrustChange).trust))

    def on_market_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        self.frames.append((line, frame))
        self.market_data.on_frame(line, frame, now_ns)
        self.changed()

    def on_line(self, line: int, up: bool, reason: str, now_ns: int) -> None:
        self.lines.append((line, up, reason))
        self.market_data.on_line(line, up, now_ns)
        self.changed()

    def on_clock(self, line: int, offset_ns: int, error_ns: int, now_ns: int) -> None:
        self.clocks.append((line, offset_ns, error_ns))
        self.changed()

    def on_snapshot(self, book: int, body: bytes, now_ns: int) -> None:
        assert not body, "OKX's snapshots come in the stream"
        self.market_data.on_snapshot(book, body, now_ns)

    def on_order_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        raise AssertionError("no orders here")

    def trusts(self, book: int) -> bool:
        return self.books[book].is_trusted

    def _ask(self, book: int) -> None:
        self.asked[book] += 1
        self.request_snapshot(book)


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
