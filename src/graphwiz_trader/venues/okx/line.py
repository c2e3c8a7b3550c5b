"""One connection to OKX's public socket: its subscriptions, its heartbeat, and everything that it hands on.

A frame goes from the socket to the sink as it came, in one call stack; answers and notices too, for a recording is of
all that was said. What is read of them here is read besides.

Source: OKX API v5 docs, "WebSocket: Connect": text ``ping`` when nothing has come for less than 30 s, else the
connection is closed with 4004; 480 subscribe and unsubscribe requests an hour.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from random import Random

from picows import WSMsgType, WSTransport

from graphwiz_trader.venues.base import LineState, Sink
from graphwiz_trader.venues.connection import Connection, TextPing, Timing
from graphwiz_trader.venues.okx.market import SUBSCRIPTIONS_PER_HOUR
from graphwiz_trader.venues.okx.messages import (
    CLOSING_SOON,
    ERROR,
    NOTICE,
    SUBSCRIBE,
    UNSUBSCRIBE,
    Topic,
    event,
    is_event,
    request,
    snapshot_of,
)
from graphwiz_trader.venues.okx.subscriptions import Subscriptions
from graphwiz_trader.venues.pacing import Allowance, Ration, pause

HEARTBEAT = TextPing(b"ping", b"pong")
_APART_S = 0.05
"""Between two requests: what comes up together, as after a loss, is asked for together."""


class OkxLine:
    """One line. ``line`` is its id in every call of the sink; ``topics`` are subscribed whenever it connects.

    ``urls`` are tried in turn. ``on_rotate`` is called when the venue says that it will end the connection.
    """

    def __init__(
        self,
        line: int,
        urls: Sequence[str],
        topics: Iterable[Topic],
        *,
        sink: Sink,
        attempts: Allowance,
        timing: Timing,
        random: Random,
        on_rotate: Callable[[str], None],
    ) -> None:
        self._line = line
        self._urls = urls
        self._connects = 0
        self._on_rotate = on_rotate
        self._sink = sink
        self._connection = Connection(self, attempts=attempts, timing=timing, random=random, text_ping=HEARTBEAT)
        self._subscriptions = Subscriptions(topics, random=random)
        self._state = LineState(line, sink)
        self._wake = asyncio.Event()
        self._talk: asyncio.Task[None] | None = None
        self.ready = asyncio.Event()
        """Everything is subscribed and every book has had its snapshot, but for what the venue refuses."""

    @property
    def is_up(self) -> bool:
        return self._state.is_up

    @property
    def last_failure(self) -> str:
        """Why the connection ended or could not be made, or else what a subscription suffered; empty at first."""
        return self._connection.last_failure or self._subscriptions.last_failure

    async def run(self) -> None:
        """Until cancelled: then it is closed and reported down. Raises what the sink raised."""
        await self._connection.run(self._receive, self._receive)

    def renew(self, topic: Topic) -> bool:
        """Have a book's snapshot again. Returns whether one is to come: not while the line is down."""
        if not self._state.is_up:
            return False
        self._wake.set()
        return self._subscriptions.renew(topic, self._now_s())

    def want(self, topics: Iterable[Topic]) -> None:
        for topic in topics:
            self._subscriptions.want(topic, self._now_s())
        self._wake.set()

    def unwant(self, topics: Iterable[Topic]) -> None:
        for topic in topics:
            self._subscriptions.unwant(topic, self._now_s())
        self._wake.set()

    async def address(self) -> str:
        self._connects += 1
        return self._urls[(self._line + self._connects - 1) % len(self._urls)]

    def on_open(self, transport: WSTransport) -> None:
        self._subscriptions.begin(self._now_s())
        self._talk = asyncio.create_task(self._converse(transport), name=f"subscriptions of line {self._line}")
        self._state.set(True, "connected")

    async def get_ready(self) -> None:
        """Subscribing goes on by itself: one topic that is not answered is no reason to give up the others."""

    def on_closed(self, reason: str) -> None:
        if self._talk is not None:
            self._talk.cancel()
        self.ready.clear()
        self._state.set(False, reason)

    async def _converse(self, transport: WSTransport) -> None:
        """Say what the subscriptions want said, within the ration of one connection."""
        ration = Ration(SUBSCRIPTIONS_PER_HOUR, 3_600.0, least_s=_APART_S)
        try:
            while True:
                self._wake.clear()
                now_s = self._now_s()
                pause_s = max(self._subscriptions.next_s() - now_s, ration.pause_s(now_s))
                if pause_s > 0:
                    await pause(pause_s, self._wake)
                elif (wanted := self._subscriptions.next_request(now_s)) is not None:
                    ration.note(now_s)
                    transport.send(WSMsgType.TEXT, request(wanted.op, wanted.topics))
        except Exception as failure:  # a bug of ours: without this task the line would live on and miss everything
            self._connection.fail(failure)

    def _receive(self, frame: bytes, now_ns: int) -> None:
        if self._subscriptions.awaits_snapshots:
            self._look_for_snapshot(frame)  # first, since the sink may ask for another when it cannot use this one
        self._sink.on_market_frame(self._line, frame, now_ns)
        if is_event(frame):
            self._on_event(frame)

    def _look_for_snapshot(self, frame: bytes) -> None:
        topic = snapshot_of(frame)
        if topic is not None:
            self._subscriptions.on_snapshot(topic, self._now_s())
            self._note_progress()

    def _on_event(self, frame: bytes) -> None:
        message = event(frame)
        if message is None:
            return
        if message.event == NOTICE:
            if message.code == CLOSING_SOON:
                self._on_rotate("the venue will close it for an upgrade")
            return
        topic, now_s = message.topic, self._now_s()
        if topic is None:
            return
        if message.event == SUBSCRIBE:
            self._subscriptions.on_subscribed(topic, now_s)
        elif message.event == UNSUBSCRIBE:
            self._subscriptions.on_unsubscribed(topic, now_s)
        elif message.event == ERROR:
            self._subscriptions.on_error(topic, message.words, now_s)
        self._note_progress()

    def _note_progress(self) -> None:
        self._wake.set()
        if not self.ready.is_set() and self._subscriptions.are_complete:
            self.ready.set()

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()
