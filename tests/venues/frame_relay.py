"""A network between a client's WebSockets and a venue's that does to whole frames what networks and venues do."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any

from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_connect, ws_create_server

from venues.harness import Watched

Meddle = Callable[[bytes], Iterable[tuple[float, bytes]]]
"""A frame from the venue → what the client gets in its place: frames, each after so many seconds."""


def untouched(frame: bytes) -> Iterable[tuple[float, bytes]]:
    return ((0.0, frame),)


class FrameRelay(Watched):
    """As an async context. ``seen``: told every frame of the venue's, as it was, and the number of its connection."""

    def __init__(self, address: str, seen: Callable[[int, bytes], None] = lambda _pair, _frame: None) -> None:
        super().__init__()
        self._far = address
        self._seen = seen
        self.meddle: Meddle = untouched
        self.pairs: list[Pair] = []
        self.said: list[bytes] = []
        """By the client, over all connections."""
        self.is_mute = False
        """New connections are accepted, and nothing comes over them."""
        self.path_of: Callable[[str], str] = lambda path: path
        """Where the venue is connected to, by where the client wants to."""
        self.drops_after = -1
        """The connection is dropped once so many more frames of the venue's have come; -1: never."""

    @property
    def connections(self) -> int:
        return len(self.pairs)

    @property
    def sockets(self) -> Sequence[Any]:
        """Those that listen."""
        return self._server.sockets

    async def __aenter__(self) -> FrameRelay:
        self._server = await ws_create_server(self._accept, "127.0.0.1", 0)
        self.address = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for pair in self.pairs:
            await pair.end()

    def drop_all(self) -> None:
        """Every connection there is breaks without a word."""
        for pair in self.pairs:
            pair.drop()

    def freeze(self) -> None:
        """Nothing passes any more on the connections there are, and none is closed."""
        for pair in self.pairs:
            pair.freeze()

    def from_venue(self, pair: Pair, frame: bytes) -> None:
        self._seen(pair.number, frame)
        loop = asyncio.get_running_loop()
        for after_s, changed in (pair.meddle or self.meddle)(frame) if not pair.is_frozen else ():
            loop.call_later(after_s, pair.to_client, changed) if after_s else pair.to_client(changed)
        if self.drops_after > 0:
            self.drops_after -= 1
        if self.drops_after == 0:
            self.drops_after = -1
            pair.drop()
        self.changed()

    def from_client(self, frame: bytes) -> None:
        self.said.append(frame)
        self.changed()

    def _accept(self, request: WSUpgradeRequest) -> WSListener:
        key = request.headers.get("X-MBX-APIKEY", "")
        pair = Pair(self, len(self.pairs), self._far + self.path_of(request.path.decode()), key)
        self.pairs.append(pair)
        self.changed()
        return pair


class Pair(WSListener):
    """A client's connection and the one to the venue behind it."""

    def __init__(self, relay: FrameRelay, number: int, far: str, key: str) -> None:
        self.number = number
        self._relay = relay
        self._far = far
        self._headers = {"X-MBX-APIKEY": key} if key else {}
        self._client: WSTransport | None = None
        self._venue: WSTransport | None = None
        self._waiting: list[bytes] = []
        self._dialling: asyncio.Task[None] | None = None
        self.meddle: Meddle | None = None
        """In place of the relay's."""
        self.is_frozen = relay.is_mute

    @property
    def venue_socket(self) -> Any:
        assert self._venue is not None
        return self._venue.underlying_transport.get_extra_info("socket")

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._client = transport
        if self.is_frozen:
            self.freeze()
        self._dialling = asyncio.create_task(self._dial())

    def on_ws_frame(self, _transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.CLOSE:
            self.drop()
        elif frame.msg_type is WSMsgType.TEXT:
            said = frame.get_payload_as_bytes()
            self._relay.from_client(said)
            self._waiting.append(said)
            self._pass_on()

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        self._client = None
        self.drop()

    def pause_writing(self) -> None:
        """A network holds no more than its buffers: what the client does not read, the venue cannot send."""
        if self._venue is not None:
            self._venue.underlying_transport.pause_reading()

    def resume_writing(self) -> None:
        if self._venue is not None:
            self._venue.underlying_transport.resume_reading()

    def to_client(self, frame: bytes) -> None:
        """Text holds no zero byte, and every binary message has one in its header."""
        self.say(WSMsgType.BINARY if b"\0" in frame else WSMsgType.TEXT, frame)

    def say(self, kind: WSMsgType, payload: bytes, *, fin: bool = True) -> None:
        """A WebSocket frame to the client, of whatever kind, the last of its message or not."""
        if self._client is not None and not self.is_frozen:
            self._client.send(kind, payload, fin)

    def freeze(self) -> None:
        """Not even a ping is answered any more."""
        self.is_frozen = True
        if self._client is not None:
            self._client.underlying_transport.pause_reading()

    def drop(self) -> None:
        self.is_frozen = True
        for transport in (self._client, self._venue):
            if transport is not None:
                transport.disconnect(graceful=False)

    async def end(self) -> None:
        self.drop()
        if self._dialling is not None:
            self._dialling.cancel()
            await asyncio.gather(self._dialling, return_exceptions=True)

    async def _dial(self) -> None:
        try:
            self._venue, _ = await ws_connect(lambda: _Far(self._relay, self), self._far, extra_headers=self._headers)
        except Exception:
            self.drop()
            raise
        self._pass_on()

    def _pass_on(self) -> None:
        if self._venue is not None and not self.is_frozen:
            waiting, self._waiting = self._waiting, []
            for said in waiting:
                self._venue.send(WSMsgType.TEXT, said)


class _Far(WSListener):
    def __init__(self, relay: FrameRelay, pair: Pair) -> None:
        self._relay = relay
        self._pair = pair

    def on_ws_frame(self, _transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.CLOSE:
            self._pair.drop()
        elif frame.msg_type in (WSMsgType.TEXT, WSMsgType.BINARY):
            self._relay.from_venue(self._pair, frame.get_payload_as_bytes())

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        self._pair.drop()


class Mischief:
    """A `Meddle` with a seed: a share of the frames for which ``concerns`` is true meets one of ``kinds``.

    dropped, duplicated (again at once, or much later), reordered (behind the next ones), delayed (with all behind it).
    """

    KINDS = ("dropped", "duplicated", "reordered", "delayed")
    _OLD = 20

    def __init__(self, seed: int, kinds: Iterable[str], share: float, concerns: Callable[[bytes], bool]) -> None:
        self._random = Random(seed)
        self._kinds = tuple(kinds)
        self._share = share
        self._concerns = concerns
        self._old: deque[bytes] = deque(maxlen=self._OLD)
        self._kept: list[bytes] = []
        self.done: Counter[str] = Counter()
        self.is_over = False

    def __call__(self, frame: bytes) -> Iterable[tuple[float, bytes]]:
        if self.is_over or not self._concerns(frame):
            return ((0.0, frame),)
        kept, self._kept = self._kept, []
        behind = [(0.0, each) for each in kept]
        self._old.append(frame)
        if self._random.random() >= self._share:
            return ((0.0, frame), *behind)
        kind = self._random.choice(self._kinds)
        self.done[kind] += 1
        if kind == "dropped":
            return behind
        if kind == "duplicated":
            again = self._random.choice((frame, self._old[0]))
            return ((0.0, frame), (0.0, again), *behind)
        if kind == "reordered":
            self._kept = [frame]
            return behind
        return ((self._random.uniform(0.0, 0.02), frame), *behind)
