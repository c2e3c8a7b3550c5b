"""One WebSocket connection that is kept open: connects, notices when it is dead, comes back within the venue's limits.

What is said on it is its owner's business. Whole messages are handed over as bytes in the reader's call stack.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from random import Random
from time import time_ns
from typing import NamedTuple, NoReturn, Protocol

from picows import WSError, WSFrame, WSHandshakeError, WSListener, WSMsgType, WSTransport, ws_connect

from graphwiz_trader.venues.pacing import Allowance, BackOff

_TEXT, _BINARY = WSMsgType.TEXT, WSMsgType.BINARY
_MAX_MESSAGE_BYTES = 16 << 20
"""Larger than any message a venue sends; one within it reaches the decoder, which refuses and counts what it is not."""
_CONNECT_TIMEOUT_S = 10.0

# Below INFO picows would log the address and the bytes on the wire, and with them listen keys: never let it.
_log = logging.getLogger(__name__)
_log.setLevel(logging.INFO)
_log.addHandler(logging.NullHandler())

Receive = Callable[[bytes, int], None]
"""(message, time of arrival in ns)"""


class NotReadyError(Exception):
    """A connection cannot be made or cannot be used; it is tried again. The message is shown: it holds no secret."""


class ConnectionOwner(Protocol):
    """What a connection is for."""

    async def address(self) -> str:
        """Where to connect, asked before every attempt; may take its time. May raise NotReadyError."""

    def on_open(self, transport: WSTransport) -> None:
        """It is open; no message has been handed over yet."""

    async def get_ready(self) -> None:
        """Log on, subscribe: whatever must be said first. Raises NotReadyError when that fails."""

    def on_closed(self, reason: str) -> None:
        """It is gone; called once for every `on_open`."""


class Timing(NamedTuple):
    """When a connection counts as dead and how soon it is tried again; seconds.

    ``ping_s``, ``pong_s``: after how long without data the peer is pinged, and how long it may take to answer: a
    half-open socket is found after their sum. ``silence_s``: how long a peer that answers pings may send no message;
    0 for ever. ``stable_after_s``: a connection that lasted this long starts the back-off anew when it breaks.
    ``ready_s``: how long `ConnectionOwner.get_ready` may take. ``lifetime_s``: when a line of a feed is replaced by a
    fresh one, 0 for never; ``overlap_s``: how long both then carry the same.
    """

    ping_s: float = 5.0
    pong_s: float = 5.0
    silence_s: float = 0.0
    first_pause_s: float = 0.25
    longest_pause_s: float = 30.0
    stable_after_s: float = 10.0
    ready_s: float = 10.0
    lifetime_s: float = 0.0
    overlap_s: float = 1.0


class TextPing(NamedTuple):
    """How a peer is asked whether it lives where it wants that as a message."""

    ping: bytes
    pong: bytes


class Connection:
    """Keeps a connection open while `run` runs. ``attempts`` is shared by the connections to one venue.

    ``text_ping``: in place of WebSocket's own ping; its answer is nobody's message. ``headers`` are added to the
    request that opens it.
    """

    def __init__(
        self,
        owner: ConnectionOwner,
        *,
        attempts: Allowance,
        timing: Timing,
        random: Random,
        text_ping: TextPing | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._owner = owner
        self._headers = dict(headers or {})
        self._text_ping = text_ping
        self._attempts = attempts
        self._timing = timing
        self._back_off = BackOff(first_s=timing.first_pause_s, most_s=timing.longest_pause_s, random=random)
        self._listener: _Listener | None = None
        self.last_failure = ""
        """Why the last connection ended or could not be made; empty at first."""

    async def run(self, receive: Receive, receive_binary: Receive | None = None) -> NoReturn:
        """Hand every text message to ``receive`` until cancelled, and binary ones to ``receive_binary``.

        Raises what they or `ConnectionOwner.on_open` raised: the network is not to blame for that.
        """
        loop = asyncio.get_running_loop()
        while True:
            began_s = loop.time()
            self.last_failure = await self._live(receive, receive_binary or _ignore)
            if loop.time() - began_s >= self._timing.stable_after_s:
                self._back_off.reset()
            await asyncio.sleep(self._back_off.next_s())

    def drop(self, reason: str) -> None:
        """Close the connection for a reason of the owner's; it is then made again."""
        if self._listener is not None:
            self._listener.drop(reason)

    def fail(self, failure: Exception) -> None:
        """Close the connection for good: `run` raises ``failure``."""
        if self._listener is not None:
            self._listener.fail(failure)

    async def _live(self, receive: Receive, receive_binary: Receive) -> str:
        """One connection, from the attempt to its end. Returns why it ended."""
        self._listener = listener = _Listener(self._owner, receive, receive_binary, self._text_ping)
        reason = "stopped"
        try:
            reason = await self._converse(listener)
        except asyncio.CancelledError as ended:
            reason = str(ended) or reason
            raise
        finally:
            self._listener = None
            listener.close()
            if listener.opened:
                self._owner.on_closed(reason)
            if listener.failure is not None:  # counts more than having been cancelled meanwhile
                raise listener.failure
        return reason

    async def _converse(self, listener: _Listener) -> str:
        try:
            url = await self._owner.address()
            await self._attempts.take()
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                transport = await self._connect(url, listener)
        except (OSError, WSError, NotReadyError, TimeoutError) as failure:
            return listener.reason or f"no connection: {_words(failure)}"
        ended = asyncio.create_task(_end(transport))
        ready = asyncio.create_task(self._owner.get_ready())
        watch = asyncio.create_task(self._watch(listener))
        try:
            await asyncio.wait((ended, ready), timeout=self._timing.ready_s, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                if not ready.done():
                    return f"not ready in {self._timing.ready_s:g} s"
                ready.result()
            await ended
        except NotReadyError as failure:
            return f"not ready: {failure}"
        finally:
            for task in (ended, ready, watch):
                task.cancel()
            await asyncio.gather(ended, ready, watch, return_exceptions=True)
        return listener.reason or "the connection was lost"

    async def _connect(self, url: str, listener: _Listener) -> WSTransport:
        transport, _ = await ws_connect(
            lambda: listener,
            url,
            logger_name=_log,
            websocket_handshake_timeout=_CONNECT_TIMEOUT_S,
            enable_auto_ping=True,
            auto_ping_idle_timeout=self._timing.ping_s,
            auto_ping_reply_timeout=self._timing.pong_s,
            max_frame_size=_MAX_MESSAGE_BYTES,
            max_redirects=0,
            extra_headers=self._headers,
        )
        return transport

    async def _watch(self, listener: _Listener) -> None:
        """End a connection that lives, but says nothing."""
        silence_s = self._timing.silence_s
        while silence_s:
            listener.heard = False
            await asyncio.sleep(silence_s)
            if not listener.heard:
                listener.drop(f"silent for {silence_s:g} s")
                return


class _Listener(WSListener):
    """The socket's side: puts messages together, and knows why it ended."""

    def __init__(
        self, owner: ConnectionOwner, receive: Receive, receive_binary: Receive, text_ping: TextPing | None
    ) -> None:
        self._owner = owner
        self._text_ping = text_ping
        self._receive = receive
        self._receive_binary = receive_binary
        self._transport: WSTransport | None = None
        self._fragments = bytearray()
        self._begun: WSMsgType | None = None
        """The kind of the message that the fragments are of; None between messages."""
        self.opened = False
        self.heard = False
        self.reason = ""
        """Why we ended it, or the venue's own word; empty when it just broke."""
        self.failure: Exception | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        self.opened = True
        try:
            self._owner.on_open(transport)
        except Exception as failure:
            self.fail(failure)

    def on_ws_frame(self, _transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind is _TEXT and frame.fin:
            now_ns = time_ns()
            self.heard = True
            try:
                self._receive(frame.get_payload_as_bytes(), now_ns)
            except Exception as failure:  # a bug of ours or a full journal: trying the network again helps neither
                self.fail(failure)
        elif kind is _BINARY and frame.fin:
            self._hand_over(_BINARY, frame.get_payload_as_bytes())
        else:
            self._on_unusual_frame(frame)

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        self._transport = None

    def send_user_specific_ping(self, transport: WSTransport) -> None:
        if self._text_ping is None:
            transport.send_ping()
        else:
            transport.send(_TEXT, self._text_ping.ping)

    def is_user_specific_pong(self, frame: WSFrame) -> bool:
        if self._text_ping is None:
            return frame.msg_type is WSMsgType.PONG
        return frame.msg_type is _TEXT and frame.get_payload_as_bytes() == self._text_ping.pong

    def pause_writing(self) -> None:
        self.drop("the venue does not read what is sent")

    def resume_writing(self) -> None:
        """It has been dropped."""

    def drop(self, reason: str) -> None:
        """End it at once; what it may still bring is no longer wanted."""
        self.reason = self.reason or reason
        self._receive = self._receive_binary = _ignore
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    def close(self) -> None:
        """End it in good order, if it has not ended."""
        self._receive = self._receive_binary = _ignore
        if self._transport is not None:
            self._transport.send_close()
            self._transport.disconnect()

    def fail(self, failure: Exception) -> None:
        """End it at once and for good."""
        self.failure = failure
        self.drop(f"failed: {type(failure).__name__}")

    def _on_unusual_frame(self, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind is WSMsgType.CLOSE:
            self.drop(f"closed by the venue with code {frame.get_close_code().value}")
        elif kind is _TEXT or kind is _BINARY or kind is WSMsgType.CONTINUATION:
            self._collect(frame)

    def _collect(self, frame: WSFrame) -> None:
        """One part of a message (RFC 6455, 5.4)."""
        begins = frame.msg_type is not WSMsgType.CONTINUATION
        if begins is (self._begun is not None):
            self.drop("parts of messages that do not belong together")
            return
        if begins:
            self._begun = frame.msg_type
        self._fragments += frame.get_payload_as_bytes()
        if len(self._fragments) > _MAX_MESSAGE_BYTES:
            self.drop(f"a message of more than {_MAX_MESSAGE_BYTES} bytes")
        elif frame.fin:
            kind, self._begun = self._begun, None
            message = bytes(self._fragments)
            self._fragments.clear()
            self._hand_over(kind, message)

    def _hand_over(self, kind: WSMsgType | None, message: bytes) -> None:
        self.heard = True
        try:
            (self._receive if kind is _TEXT else self._receive_binary)(message, time_ns())
        except Exception as failure:
            self.fail(failure)


async def _end(transport: WSTransport) -> None:
    """Until the connection is gone, however it went."""
    with suppress(WSError):
        await transport.wait_disconnected()


def _ignore(_message: bytes, _now_ns: int) -> None:
    """What comes after the end."""


def _words(failure: Exception) -> str:
    """A failure in words; an address may hold a key and is never among them."""
    if isinstance(failure, WSHandshakeError):
        return f"the venue answered HTTP {failure.response.status}" if failure.response else "no WebSocket there"
    if isinstance(failure, TimeoutError):
        return "timed out"
    return f"{type(failure).__name__}: {failure}" if isinstance(failure, OSError | NotReadyError) else "no WebSocket"
