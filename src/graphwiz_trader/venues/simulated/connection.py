"""One client's WebSocket connection to a simulated venue: bounded in both directions, in no protocol's words.

Inbound, a message has at most ``MAX_INBOUND_BYTES`` and is put together from its fragments here. Outbound, a
reader who lets ``MAX_BACKLOG_BYTES`` pile up is disconnected: the server's memory never depends on its clients.
"""

from __future__ import annotations

from collections.abc import Callable

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

MAX_INBOUND_BYTES = 64 << 10
MAX_BACKLOG_BYTES = 8 << 20


class Connection(WSListener):
    """A subclass handles ``on_message``; everything about the socket itself is here."""

    def __init__(self) -> None:
        self._transport: WSTransport | None = None
        self._fragments = bytearray()
        self._on_echo: dict[bytes, Callable[[], None]] = {}
        self._on_closed: list[Callable[[], None]] = []

    def on_message(self, payload: bytes) -> None:
        """A complete text message has arrived."""
        raise NotImplementedError

    def on_opened(self) -> None:
        """The connection may be written to."""

    def on_closed(self, callback: Callable[[], None]) -> None:
        """Call back once when the connection is gone."""
        self._on_closed.append(callback)

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    @property
    def backlog_bytes(self) -> int:
        """What the client has not read yet, as far as this process holds it."""
        return self._transport.underlying_transport.get_write_buffer_size() if self._transport is not None else 0

    def send(self, payload: bytes) -> None:
        """Send a text message; does nothing when the connection is gone."""
        if self._transport is not None:
            self._transport.send(WSMsgType.TEXT, payload)

    def when_read(self, token: bytes, callback: Callable[[], None]) -> None:
        """Call back when the client has read everything sent so far: its pong to a ping sent now proves it."""
        if self._transport is None:
            callback()
            return
        self._on_echo[token] = callback
        self._transport.send_ping(token)

    def close(self, code: WSCloseCode = WSCloseCode.GOING_AWAY, reason: str = "") -> None:
        """Say goodbye and close."""
        if self._transport is not None:
            self._transport.send_close(code, reason.encode())
            self._transport.disconnect()

    def abort(self) -> None:
        """Drop the connection without a word, as a failing network does."""
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        transport.underlying_transport.set_write_buffer_limits(high=MAX_BACKLOG_BYTES)
        self.on_opened()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind is WSMsgType.TEXT and frame.fin:
            self.on_message(frame.get_payload_as_bytes())
        elif kind in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION):
            self._collect(transport, kind, frame)
        elif kind is WSMsgType.PONG:
            callback = self._on_echo.pop(frame.get_payload_as_bytes(), None)
            if callback is not None:
                callback()
        elif kind is WSMsgType.CLOSE:
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        self._transport = None
        waiting, self._on_echo = list(self._on_echo.values()), {}
        closed, self._on_closed = self._on_closed, []
        for callback in (*waiting, *closed):
            callback()

    def is_user_specific_pong(self, frame: WSFrame) -> bool:
        """A pong to the server's regular ping, not one that ``when_read`` waits for."""
        return frame.msg_type is WSMsgType.PONG and frame.get_payload_as_bytes() not in self._on_echo

    def pause_writing(self) -> None:
        """The transport holds more than MAX_BACKLOG_BYTES: the reader is too slow."""
        self.abort()

    def resume_writing(self) -> None:
        """Nothing was paused."""

    def _collect(self, transport: WSTransport, kind: WSMsgType, frame: WSFrame) -> None:
        if kind is WSMsgType.BINARY:
            transport.send_close(WSCloseCode.UNSUPPORTED_DATA)
            transport.disconnect()
            return
        self._fragments += frame.get_payload_as_bytes()
        if len(self._fragments) > MAX_INBOUND_BYTES:
            transport.send_close(WSCloseCode.MESSAGE_TOO_BIG)
            transport.disconnect()
        elif frame.fin:
            message = bytes(self._fragments)
            self._fragments.clear()
            self.on_message(message)
