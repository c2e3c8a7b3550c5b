"""One client's WebSocket connection to a simulated venue: bounded in both directions, in no protocol's words.

Inbound, a message has at most ``MAX_INBOUND_BYTES`` and is put together from its fragments here. Outbound, a
reader who lets ``MAX_BACKLOG_BYTES`` pile up is disconnected: the server's memory never depends on its clients.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TypeAlias, cast

import msgspec
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

MAX_INBOUND_BYTES = 64 << 10
MAX_BACKLOG_BYTES = 8 << 20
_FINAL = 0x80
"""The bit of a frame that is its message's last."""
_logger = logging.getLogger("graphwiz.simulated")

Meddle: TypeAlias = Callable[[str, bytes], None]
"""Takes (channel, message) over: transmits it now, later, more than once or never."""


class LineRules(msgspec.Struct, frozen=True, kw_only=True):
    """How long a venue keeps a connection. None: as long as the client likes."""

    ping_every_s: float | None = None
    pong_within_s: float = 60.0
    lifetime_s: float | None = None


NO_RULES = LineRules()


class Connection(WSListener):
    """A subclass handles ``on_message``; everything about the socket itself is here."""

    def __init__(self, rules: LineRules = NO_RULES) -> None:
        self.meddle: Meddle | None = None
        """Faults put themselves here."""
        self.path = ""
        """Where the client connected."""
        self._rules = rules
        self._transport: WSTransport | None = None
        self._is_frozen = False
        self._is_in_parts = False
        """A message has begun that is not complete."""
        self._fragments = bytearray()
        self._on_echo: dict[bytes, Callable[[], None]] = {}
        self._on_closed: list[Callable[[], None]] = []
        self._timers: dict[Callable[[], None], asyncio.TimerHandle] = {}
        self._open: set[Connection] = set()

    def on_message(self, payload: bytes) -> None:
        """A complete text message has arrived."""
        raise NotImplementedError

    def on_control(self) -> None:
        """A ping or a pong has arrived; what has to be done about it is done."""

    def on_opened(self) -> None:
        """The connection may be written to."""

    def on_closed(self, callback: Callable[[], None]) -> None:
        """Call back once when the connection is gone."""
        self._on_closed.append(callback)

    def count_in(self, connections: set[Connection]) -> None:
        """Be one of ``connections`` for as long as it is open."""
        self._open = connections

    @property
    def account_name(self) -> str:
        """Whose connection it is; empty while nobody has logged on."""
        return ""

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    @property
    def backlog_bytes(self) -> int:
        """What the client has not read yet, as far as this process holds it."""
        return self._transport.underlying_transport.get_write_buffer_size() if self._transport is not None else 0

    def send(self, payload: bytes, channel: str = "") -> None:
        """Send a message; does nothing when the connection is gone. Faults choose by ``channel``."""
        if self.meddle is not None:
            self.meddle(channel, payload)
        else:
            self.transmit(payload)

    def transmit(self, payload: bytes) -> None:
        """Send a message past all faults.

        It goes through the loop's own transport, which sends what a turn of the loop has for a socket with one system
        call; picows would make one for each message.
        """
        transport = self._transport
        if transport is not None and not self._is_frozen and not transport.is_close_frame_sent:
            transport.underlying_transport.write(_framed(self.kind_of(payload), payload))

    def kind_of(self, payload: bytes) -> WSMsgType:  # noqa: ARG002  # for protocols that are not all text
        """What sort of message carries a payload."""
        return WSMsgType.TEXT

    def announce_shutdown(self, now_ms: int) -> None:
        """Tell the client, in the venue's words, that the connection will be closed; not every venue has such words."""

    def when_read(self, token: bytes, callback: Callable[[], None]) -> None:
        """Call back when the client has read everything sent so far: its pong to a ping sent now proves it."""
        if self._transport is None:
            callback()
            return
        self._on_echo[token] = callback
        self._transport.send_ping(token)

    def close(self, code: WSCloseCode | int = WSCloseCode.GOING_AWAY, reason: str = "") -> None:
        """Say goodbye and close."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.send_close(cast("WSCloseCode", code), reason.encode())  # it takes private codes as well
            transport.disconnect()

    def abort(self) -> None:
        """Drop the connection without a word, as a failing network does."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.disconnect(graceful=False)

    def freeze(self) -> None:
        """Neither read nor write any more but stay open, as behind a router that has forgotten the connection."""
        self._is_frozen = True
        self._stop_timers()
        if self._transport is not None:
            self._transport.underlying_transport.pause_reading()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        self._open.add(self)
        transport.underlying_transport.set_write_buffer_limits(high=MAX_BACKLOG_BYTES)
        if self._rules.ping_every_s is not None:
            self._do_after(self._rules.ping_every_s, self._ping)
        if self._rules.lifetime_s is not None:
            self._do_after(self._rules.lifetime_s, self._end_life)
        self.on_opened()

    def on_ws_frame(self, _transport: WSTransport, frame: WSFrame) -> None:
        if self._transport is None or self._transport.is_close_frame_sent:
            return  # what comes behind a goodbye, also picows' own, is not looked at
        try:
            self._take(self._transport, frame)
        except Exception:  # a bug must be seen, and must not take the venue with it
            _logger.exception("the simulated venue failed at a message on %s", self.path)
            self.close(WSCloseCode.INTERNAL_ERROR)

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        self._transport = None
        self._open.discard(self)
        self._stop_timers()
        waiting, self._on_echo = list(self._on_echo.values()), {}
        closed, self._on_closed = self._on_closed, []
        for callback in (*waiting, *closed):
            callback()

    def pause_writing(self) -> None:
        """The transport holds more than MAX_BACKLOG_BYTES: the reader is too slow."""
        self.abort()

    def resume_writing(self) -> None:
        """Nothing was paused."""

    def _ping(self) -> None:
        if self._transport is not None and self._rules.ping_every_s is not None:
            self._transport.send_ping(b"")
            if self._miss_pong not in self._timers:
                self._do_after(self._rules.pong_within_s, self._miss_pong)
            self._do_after(self._rules.ping_every_s, self._ping)

    def _ponged(self, token: bytes) -> None:
        callback = self._on_echo.pop(token, None)
        if callback is not None:
            callback()
            return
        missing = self._timers.pop(self._miss_pong, None)
        if missing is not None:
            missing.cancel()
        self.on_control()

    def _miss_pong(self) -> None:
        self.close(WSCloseCode.POLICY_VIOLATION, "Pong timeout")

    def _end_life(self) -> None:
        self.close(WSCloseCode.GOING_AWAY, "Connection lifetime reached")

    def _do_after(self, delay_s: float, what: Callable[[], None]) -> None:
        self._timers[what] = asyncio.get_running_loop().call_later(delay_s, what)

    def _stop_timers(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _take(self, transport: WSTransport, frame: WSFrame) -> None:
        """RFC 6455, 5.2 to 5.5, as far as picows has not looked."""
        kind = frame.msg_type
        if frame.rsv1 or frame.rsv2 or frame.rsv3:
            self.close(WSCloseCode.PROTOCOL_ERROR)
        elif kind is WSMsgType.PONG:
            self._ponged(frame.get_payload_as_bytes())
        elif kind is WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
            self.on_control()
        elif kind is WSMsgType.CLOSE:
            self.close(WSCloseCode.OK)
        elif (kind is WSMsgType.CONTINUATION) != self._is_in_parts:
            self.close(WSCloseCode.PROTOCOL_ERROR)
        elif kind is WSMsgType.BINARY:
            self.close(WSCloseCode.UNSUPPORTED_DATA)
        elif frame.fin and not self._is_in_parts:
            self.on_message(frame.get_payload_as_bytes())
        else:
            self._collect(frame)

    def _collect(self, frame: WSFrame) -> None:
        """One part of a message."""
        self._is_in_parts = not frame.fin
        self._fragments += frame.get_payload_as_bytes()
        if len(self._fragments) > MAX_INBOUND_BYTES:
            self.close(WSCloseCode.MESSAGE_TOO_BIG)
        elif frame.fin:
            message = bytes(self._fragments)
            self._fragments.clear()
            self.on_message(message)


def _framed(kind: WSMsgType, payload: bytes) -> bytes:
    """A message as one frame of a server, which masks nothing (RFC 6455, 5.2)."""
    first, size = _FINAL | kind.value, len(payload)
    if size < 126:
        return b"%c%c%b" % (first, size, payload)
    if size < 1 << 16:
        return b"%c\x7e%b%b" % (first, size.to_bytes(2, "big"), payload)
    return b"%c\x7f%b%b" % (first, size.to_bytes(8, "big"), payload)
