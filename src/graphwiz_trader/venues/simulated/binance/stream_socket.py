"""A client's connection to the market streams: the subscriptions in its address and its control messages.

Source: Binance spot API docs, "Live subscribing/unsubscribing to streams".
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from picows import WSCloseCode

from graphwiz_trader.venues.simulated.binance.stream_hub import StreamHub
from graphwiz_trader.venues.simulated.binance.time_unit import in_microseconds
from graphwiz_trader.venues.simulated.connection import NO_RULES, Connection, LineRules

MAX_STREAMS = 1024
_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_ACCOUNT_EVENTS = frozenset({"ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "TRADE_LITE"})
_MISSING = object()


class ControlError(Exception):
    """A control message is answered with ``{"error":{"code","msg"},"id"}``."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class StreamSocket(Connection):
    """One connection to ``/ws/…`` or ``/stream?streams=…``.

    ``accepts`` says whether a stream belongs on the connection's route; one that does not is acknowledged but
    stays silent, as on Binance's routed USD-M paths.
    """

    def __init__(
        self,
        hub: StreamHub,
        streams: list[str],
        *,
        combined: bool,
        accepts: Callable[[str], bool],
        rules: LineRules = NO_RULES,
        in_microseconds: bool = False,
        max_messages_per_s: int | None = None,
        events: Sequence[str] = (),
    ) -> None:
        """``max_messages_per_s``: a client that sends more, pings and pongs included, is disconnected. ``events``: of
        an account's events only these; none named are all."""
        super().__init__(rules)
        self._in_microseconds = in_microseconds
        self._max_messages_per_s = max_messages_per_s
        self._events = frozenset(events)
        self._received_s: deque[float] = deque(maxlen=(max_messages_per_s or 0) + 1)
        self.combined = combined
        self._hub = hub
        self._accepts = accepts
        self._wanted = dict.fromkeys(streams)
        self.on_closed(self._leave)

    def on_opened(self) -> None:
        if self._is_full():
            return
        for stream in self._wanted:
            self._join(stream)

    def announce_shutdown(self, now_ms: int) -> None:
        notice = b'{"e":"serverShutdown","E":%d}' % now_ms
        combined = b'{"stream":"!serverShutdown","data":%b}' % notice
        self.send(combined if self.combined else notice, "serverShutdown")

    def send(self, payload: bytes, channel: str = "") -> None:
        if self._events and channel in _ACCOUNT_EVENTS and channel not in self._events:
            return
        super().send(in_microseconds(payload) if self._in_microseconds else payload, channel)

    def on_control(self) -> None:
        self._count()

    def on_message(self, payload: bytes) -> None:
        if not self._count():
            return
        request_id: Any = None
        try:
            request = _decode(payload)
            request_id = _request_id(request)
            answer: dict[str, Any] = {"result": self._control(request), "id": request_id}
        except ControlError as error:
            answer = {"error": {"code": error.code, "msg": error.message}}
            if request_id is not None:
                answer["id"] = request_id
        self.send(msgspec.json.encode(answer))

    def _count(self) -> bool:
        """Count what the client sent; False when that was too much and the connection is closed."""
        if self._max_messages_per_s is None:
            return True
        now_s = asyncio.get_running_loop().time()
        self._received_s.append(now_s)
        if len(self._received_s) <= self._max_messages_per_s or now_s - self._received_s[0] >= 1.0:
            return True
        self.close(WSCloseCode.POLICY_VIOLATION, "Too many requests")
        return False

    def _control(self, request: dict[str, Any]) -> Any:
        method = request.get("method", _MISSING)
        if method is _MISSING:
            raise ControlError(2, "Invalid request: missing field `method`")
        params = request.get("params", [])
        if not isinstance(params, list):
            raise ControlError(2, "Invalid request: params must be a list")
        if method == "SUBSCRIBE":
            return self._subscribe(_names(params))
        if method == "UNSUBSCRIBE":
            return self._unsubscribe(_names(params))
        if method == "LIST_SUBSCRIPTIONS":
            return list(self._wanted)
        if method in ("SET_PROPERTY", "GET_PROPERTY"):
            return self._property(method, params)
        expected = ", ".join(f"`{name}`" for name in _METHODS)
        raise ControlError(2, f"Invalid request: unknown variant `{method}`, expected one of {expected}")

    def _subscribe(self, streams: list[str]) -> None:
        for stream in streams:
            self._wanted[stream] = None
        if self._is_full():
            return
        for stream in streams:
            self._join(stream)

    def _is_full(self) -> bool:
        """Whether it wants too many streams; then it is closed."""
        if len(self._wanted) <= MAX_STREAMS:
            return False
        self.close(WSCloseCode.POLICY_VIOLATION, "Too many streams")
        return True

    def _unsubscribe(self, streams: list[str]) -> None:
        for stream in streams:
            self._wanted.pop(stream, None)
            self._hub.unsubscribe(stream, self)

    def _property(self, method: str, params: list[Any]) -> Any:
        if not params or not isinstance(params[0], str):
            raise ControlError(2, "Invalid request: property name must be a string")
        if params[0] != "combined":
            raise ControlError(0, "Unknown property")
        if method == "GET_PROPERTY":
            return self.combined
        if len(params) != 2 or not isinstance(params[1], bool):
            raise ControlError(1, "Invalid value type: expected Boolean")
        self.combined = params[1]
        return None

    def _join(self, stream: str) -> None:
        if self._accepts(stream):
            self._hub.subscribe(stream, self)

    def _leave(self) -> None:
        for stream in self._wanted:
            self._hub.unsubscribe(stream, self)


def _decode(payload: bytes) -> dict[str, Any]:
    try:
        request = msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ControlError(3, f"Invalid JSON: {error}") from None
    if not isinstance(request, dict):
        raise ControlError(2, "Invalid request: expected an object")
    return request


def _request_id(request: dict[str, Any]) -> int | str | None:
    request_id = request.get("id")
    is_number = isinstance(request_id, int) and not isinstance(request_id, bool) and abs(request_id) < 2**63
    if request_id is None or is_number or (isinstance(request_id, str) and len(request_id) <= 36):
        return request_id
    raise ControlError(2, "Invalid request: request ID must be an unsigned integer")


def _names(params: list[Any]) -> list[str]:
    if not all(isinstance(name, str) for name in params):
        raise ControlError(2, "Invalid request: stream name must be a string")
    return params
