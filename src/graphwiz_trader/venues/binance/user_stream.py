"""USD-M's user data: a private stream of its own, opened by a listen key that has to be kept alive.

Source: USD-M futures docs, "User Data Streams": a key lives for 60 minutes after it was last asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

import msgspec
from picows import WSTransport

from graphwiz_trader.venues.binance.api_session import ApiSession
from graphwiz_trader.venues.connection import Connection, NotReadyError, Receive, Timing
from graphwiz_trader.venues.pacing import Allowance

_KEEP_ALIVE_S = 30 * 60.0
_EXPIRED, _SHUTDOWN = b"listenKeyExpired", b"serverShutdown"


class _ListenKey(msgspec.Struct, rename="camel"):
    listen_key: str


class _EventName(msgspec.Struct):
    e: str = ""


_decode_key = msgspec.json.Decoder(_ListenKey).decode
_decode_name = msgspec.json.Decoder(_EventName).decode


class UserStream:
    """The private connection. ``url`` is what the listen key is put behind; the callbacks are as a session's."""

    def __init__(
        self,
        url: str,
        session: ApiSession,
        *,
        changed: Callable[[str], None],
        on_rotate: Callable[[str], None],
        attempts: Allowance,
        timing: Timing,
        random: Random,
    ) -> None:
        self._url = url
        self._session = session
        self._changed = changed
        self._on_rotate = on_rotate
        self._connection = Connection(self, attempts=attempts, timing=timing, random=random)
        self._keeping: asyncio.Task[None] | None = None
        self.is_open = False

    @property
    def last_failure(self) -> str:
        return self._connection.last_failure

    async def run(self, deliver: Receive) -> None:
        """Keep the stream until cancelled; ``deliver`` gets its events."""
        await self._connection.run(self._filtering(deliver))

    async def address(self) -> str:
        await self._session.ready.wait()
        result = await self._session.request("userDataStream.start", self._session.key_params())
        try:
            return self._url + _decode_key(result).listen_key
        except (msgspec.MsgspecError, ValueError):
            raise NotReadyError("userDataStream.start: the answer holds no listen key") from None

    def on_open(self, _transport: WSTransport) -> None:
        self._keeping = asyncio.create_task(self._keep_alive())
        self.is_open = True
        self._changed("subscribed")

    async def get_ready(self) -> None:
        """The key in the address is the subscription."""

    def on_closed(self, reason: str) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
        self.is_open = False
        self._changed(f"user data: {reason}")

    def _filtering(self, deliver: Receive) -> Receive:
        """Everything is handed on but the message that repeats the listen key."""

        def receive(message: bytes, now_ns: int) -> None:
            if _EXPIRED in message and _name(message) == "listenKeyExpired":
                self._connection.drop("the listen key has expired")
                return
            if _SHUTDOWN in message and _name(message) == "serverShutdown":
                self._on_rotate("the venue shuts the server down")
            deliver(message, now_ns)

        return receive

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(_KEEP_ALIVE_S)
            try:
                await self._session.request("userDataStream.ping", self._session.key_params())
            except NotReadyError as failure:
                self._connection.drop(f"the listen key cannot be kept alive: {failure}")
                return


def _name(message: bytes) -> str:
    try:
        return _decode_name(message).e
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""
