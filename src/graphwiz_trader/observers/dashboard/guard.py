"""Keeps the page to the person at this machine: local names only, no foreign pages, no changes, no foreign content.

Binding to 127.0.0.1 alone does not do that. Any web page can point a name of its own at 127.0.0.1 (DNS rebinding)
or open a WebSocket to it, so the Host header must be a local name, and a browser's Origin must be that same host.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOCAL_NAMES = {"127.0.0.1", "localhost", "[::1]"}
_READING = {"GET", "HEAD"}
_POLICY_VIOLATION = 1008
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' ws://{host}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = (
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cache-control", "no-store"),
)


class LocalOnly:
    """ASGI middleware: answers 421 to foreign hosts, 405 to anything but reading, closes foreign WebSockets."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if scope["type"] == "websocket":
            if is_local(host) and is_same_origin(headers.getlist("origin"), host):
                await self._app(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        if not is_local(host):
            refusal = PlainTextResponse(f"This page is served as http://127.0.0.1, not as {host[:80]!r}.\n", 421)
            await refusal(scope, receive, send)
            return
        if scope["method"] not in _READING:
            refusal = PlainTextResponse("This server only shows; it changes nothing.\n", 405, {"allow": "GET, HEAD"})
            await refusal(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                answer["content-security-policy"] = _CONTENT_SECURITY_POLICY.format(host=host)
                for name, value in _HEADERS:
                    answer[name] = value
            await send(message)

        await self._app(scope, receive, send_with_headers)


def is_local(host: str) -> bool:
    """Whether a Host header names this machine. Any port will do: a tunnel may end on another one."""
    name, colon, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
    if not colon:
        name, port = host, "80"
    return name.lower() in _LOCAL_NAMES and port.isascii() and port.isdigit()


def is_same_origin(origins: Iterable[str], host: str) -> bool:
    """Whether every Origin header names the page's own host. Programs that are no browser send none."""
    return all(origin.lower() == f"http://{host.lower()}" for origin in origins)
