"""A session on Binance's WebSocket API: logs on where the key allows it, subscribes, and keeps its own talk apart.

Answers to the session's own requests hold keys (``apiKey``, ``listenKey``). They are taken out here and never reach
the sink, and so never the journal; everything else is handed on untouched.

Sources: Binance spot API docs, "WebSocket API", "Session Authentication", "User Data Stream requests".
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from itertools import count
from random import Random

import msgspec
from picows import WSMsgType, WSTransport

from graphwiz_trader.hft.gateways import NotSentError
from graphwiz_trader.venues.base import Credentials
from graphwiz_trader.venues.binance.order_messages import ErrorBody
from graphwiz_trader.venues.binance.signing import Signer, signed
from graphwiz_trader.venues.binance.venue_time import OUT_OF_TIME, VenueTime
from graphwiz_trader.venues.connection import Connection, NotReadyError, Receive, Timing
from graphwiz_trader.venues.pacing import Allowance

_ANSWER_TIMEOUT_S = 5.0
_OWN = "s"
"""What the ids of a session's own requests begin with; no order's request does."""
_END_MARKS = (b'"id":null', b"eventStreamTerminated", b"serverShutdown")
"""One of these is in every message that ends a session; what holds one is looked at closely."""


class SessionAnswer(msgspec.Struct):
    id: str | int | None = None
    status: int = 0
    result: msgspec.Raw = msgspec.Raw()
    error: ErrorBody | None = None


class _EventName(msgspec.Struct, frozen=True):
    e: str = ""


class _MaybeEnd(msgspec.Struct):
    id: str | int | None = None
    status: int = 0
    event: _EventName = _EventName()


_decode_answer = msgspec.json.Decoder(SessionAnswer).decode
_decode_end = msgspec.json.Decoder(_MaybeEnd).decode


class ApiSession:
    """The connection that orders are sent over, and what is said on it before and besides them.

    ``changed(reason)`` is called when orders can be sent (``transport`` is then set) and when they no longer can,
    ``on_rotate(reason)`` when the venue says that it will soon end the connection.
    ``subscribes``: user data comes over this very connection. ``key_check``: a signed request to begin with where
    nothing else would show that the key is refused. ``time``: what requests are signed with.
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        signer: Signer,
        *,
        subscribes: bool,
        key_check: str = "",
        time: VenueTime,
        changed: Callable[[str], None],
        on_rotate: Callable[[str], None],
        attempts: Allowance,
        timing: Timing,
        random: Random,
    ) -> None:
        self._url = url
        self._credentials = credentials
        self._signer = signer
        self._subscribes = subscribes
        self._key_check = key_check
        self._time = time
        self._changed = changed
        self._on_rotate = on_rotate
        self._connection = Connection(self, attempts=attempts, timing=timing, random=random)
        self._pending: dict[str, asyncio.Future[SessionAnswer]] = {}
        self._numbers = count(1)
        self._opened: WSTransport | None = None
        self.transport: WSTransport | None = None
        """Where orders are sent; None until the session is ready."""
        self.ready = asyncio.Event()

    @property
    def last_failure(self) -> str:
        return self._connection.last_failure

    def fail(self, failure: Exception) -> None:
        """End `run` with what went wrong elsewhere."""
        self._connection.fail(failure)

    async def run(self, deliver: Receive) -> None:
        """Keep the session until cancelled; ``deliver`` gets every message that is not its own."""
        await self._connection.run(self._filtering(deliver))

    async def address(self) -> str:
        return self._url

    def on_open(self, transport: WSTransport) -> None:
        self._opened = transport

    async def get_ready(self) -> None:
        if self._signer.can_log_on:
            await self.request("session.logon", self.sign({}))
        elif self._key_check:
            await self.request(self._key_check, self.sign({}))
        if self._subscribes and self._signer.can_log_on:
            await self.request("userDataStream.subscribe", {})
        elif self._subscribes:
            await self.request("userDataStream.subscribe.signature", self.sign({}))
        self.transport = self._opened
        self.ready.set()
        self._changed("logged on" if self._signer.can_log_on else "connected")

    def on_closed(self, reason: str) -> None:
        self._opened = self.transport = None
        self.ready.clear()
        pending, self._pending = self._pending, {}
        for answer in pending.values():
            answer.cancel()
        self._changed(reason)

    def _filtering(self, deliver: Receive) -> Receive:
        key = self._credentials.key.encode()

        def receive(message: bytes, now_ns: int) -> None:
            if OUT_OF_TIME in message:
                self._time.doubt()
            if (self._pending and self._take_answer(message)) or key in message:
                return
            deliver(message, now_ns)
            for mark in _END_MARKS:
                if mark in message:
                    self._note_end(message)

        return receive

    async def request(self, method: str, params: Mapping[str, str | int]) -> msgspec.Raw:
        """Ask and wait. Raises NotReadyError for a refusal, for silence, and when the connection is gone."""
        if self._opened is None:
            raise NotReadyError(f"{method}: not connected")
        request_id = f"{_OWN}{next(self._numbers)}"
        answer: asyncio.Future[SessionAnswer] = asyncio.get_running_loop().create_future()
        # It stays pending if no answer comes in time: a late one must be kept from the journal as well.
        self._pending[request_id] = answer
        self._opened.send(
            WSMsgType.TEXT, msgspec.json.encode({"id": request_id, "method": method, "params": dict(params)})
        )
        try:
            async with asyncio.timeout(_ANSWER_TIMEOUT_S):
                answered = await asyncio.shield(answer)
        except TimeoutError:
            raise NotReadyError(f"{method}: no answer in {_ANSWER_TIMEOUT_S:g} s") from None
        except asyncio.CancelledError:
            if answer.cancelled():
                raise NotReadyError(f"{method}: the connection was lost") from None
            raise
        if answered.status != 200 or answered.error is not None:
            error = answered.error or ErrorBody(0)
            raise NotReadyError(f"{method}: refused with status {answered.status}, {error.code} {error.msg}")
        return answered.result

    def send(self, request_id: str, method: str, params: Mapping[str, str | int]) -> None:
        """A signed request whose answer is for `run`'s ``deliver``. Raises NotSentError."""
        if self.transport is None or self.transport.is_disconnected:
            raise NotSentError(f"{method}: not connected")
        request = {"id": request_id, "method": method, "params": self.sign(params)}
        self.transport.send(WSMsgType.TEXT, msgspec.json.encode(request))

    def key_params(self) -> dict[str, str | int]:
        """What a request for this key needs, but no signature: nothing once the session is logged on."""
        return {} if self._signer.can_log_on else {"apiKey": self._credentials.key}

    def sign(self, params: Mapping[str, str | int]) -> dict[str, str | int]:
        """A request's parameters with time, key and signature."""
        timed = {**params, "apiKey": self._credentials.key, "timestamp": self._time.now_ms()}
        return signed(timed, self._signer)

    def _take_answer(self, message: bytes) -> bool:
        """Whether the message answers one of our own requests. What cannot be read is none of them."""
        try:
            answer = _decode_answer(message)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return False
        waiting = self._pending.pop(answer.id, None) if isinstance(answer.id, str) else None
        if waiting is None:
            return False
        if not waiting.done():
            waiting.set_result(answer)
        return True

    def _note_end(self, message: bytes) -> None:
        """Start anew when the venue takes the session back: the key is revoked, the events end. Its server stops."""
        try:
            end = _decode_end(message)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return
        if end.event.e == "serverShutdown":
            self._on_rotate("the venue shuts the server down")
        elif end.event.e == "eventStreamTerminated":
            self._connection.drop("the venue ends it: eventStreamTerminated")
        elif end.id is None and end.status == 401:
            self._connection.drop("the venue has revoked the session")
