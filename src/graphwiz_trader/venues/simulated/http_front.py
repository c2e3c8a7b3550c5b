"""The front door of a simulated venue: one port that answers REST requests and opens WebSockets, plain or TLS.

A dialect is a ``Site``: it answers a complete ``HttpRequest``, or gives the ``Connection`` that an upgrade opens.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from graphwiz_trader.venues.simulated.connection import Connection
from graphwiz_trader.venues.simulated.http_client import REQUEST_TIMEOUT_S, HttpClient
from graphwiz_trader.venues.simulated.http_messages import Answer, HttpRequest, HttpResponse


class Site(Protocol):
    """What stands behind a front: a dialect."""

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Answer a REST request."""
        ...

    def upgrade(self, request: HttpRequest) -> Answer:
        """What handles the WebSocket that is asked for, or the response that refuses it."""
        ...


Intercept: TypeAlias = Callable[[HttpRequest, Callable[[], Answer]], Answer | None]
"""Stands between a request and the site: calls the site or does not, and gives that answer or another. None drops
the connection without an answer."""


class HttpFront:
    """A listening port with a site behind it. May be started again after ``stop``."""

    def __init__(self, site: Site, tls: ssl.SSLContext | None = None) -> None:
        self.intercept: Intercept | None = None
        """Faults put themselves here."""
        self.connections: set[Connection] = set()
        """The open WebSockets."""
        self.port = 0
        """0 until it listens."""
        self._site = site
        self._tls = tls
        self._clients: set[HttpClient] = set()
        self._server: asyncio.Server | None = None

    @property
    def is_listening(self) -> bool:
        return self._server is not None

    @property
    def rest_url(self) -> str:
        """Raises RuntimeError before ``start``."""
        return self._url("http")

    @property
    def stream_url(self) -> str:
        """Raises RuntimeError before ``start``."""
        return self._url("ws")

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; port 0 takes a free one. Raises OSError when the port is taken."""
        secure: dict[str, Any] = {"ssl": self._tls, "ssl_handshake_timeout": REQUEST_TIMEOUT_S} if self._tls else {}
        self._server = await asyncio.get_running_loop().create_server(
            lambda: HttpClient(self._handle, self._clients), "127.0.0.1", port, **secure
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        for connection in list(self.connections):
            connection.close()
        for client in list(self._clients):
            client.drop()
        await server.wait_closed()

    def disconnect_all(self) -> None:
        """Drop every WebSocket without a word."""
        for connection in list(self.connections):
            connection.abort()

    def _url(self, scheme: str) -> str:
        if not self.port:
            raise RuntimeError("a simulated venue has no address before start()")
        return f"{scheme}{'s' if self._tls else ''}://127.0.0.1:{self.port}"

    def _handle(self, request: HttpRequest) -> Answer | None:
        serve = self._site.upgrade if request.is_upgrade else self._site.answer
        answer = serve(request) if self.intercept is None else self.intercept(request, lambda: serve(request))
        if isinstance(answer, Connection):
            answer.path = request.path
            answer.count_in(self.connections)
        return answer
