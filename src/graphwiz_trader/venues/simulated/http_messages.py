"""What passes between a simulated venue's front door and its dialect: complete requests, and what answers them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec

from graphwiz_trader.venues.simulated.connection import Connection

_JSON = (("Content-Type", "application/json;charset=UTF-8"),)


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One complete request. ``path`` and ``query`` are as they were sent; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    client: str
    """The client's IP address."""

    @property
    def is_upgrade(self) -> bool:
        """Whether a WebSocket is asked for."""
        return self.method == "GET" and self.headers.get("upgrade", "").lower() == "websocket"


class HttpResponse(msgspec.Struct, frozen=True):
    """A status, a body, and headers besides the lengths; sent ``after_s`` later."""

    status: int
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = _JSON
    after_s: float = 0.0


Answer: TypeAlias = HttpResponse | Connection
