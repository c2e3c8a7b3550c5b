"""The web application: the page's files, the live state over a WebSocket, the same state as JSON, and /metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from importlib import resources

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from graphwiz_trader.observers.dashboard.guard import LocalOnly
from graphwiz_trader.observers.dashboard.live import LiveState

_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/tables.js": ("tables.js", "text/javascript; charset=utf-8"),
    "/chart.js": ("chart.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"


def build_app(*, state_json: Callable[[], bytes], metrics_text: Callable[[], bytes]) -> Starlette:
    """The application over two sources, each asked when somebody looks: the state as JSON, the metrics as text."""
    live = LiveState(state_json)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        renewing = asyncio.create_task(live.run())
        try:
            yield
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing

    async def state(_: Request) -> Response:
        return Response(state_json(), media_type="application/json")

    async def metrics(_: Request) -> Response:
        return Response(metrics_text(), headers={"content-type": PROMETHEUS_TEXT})

    routes = [Route(path, _file(*file)) for path, file in _FILES.items()]
    return Starlette(
        routes=[
            *routes,
            Route("/state.json", state),
            Route("/metrics", metrics),
            WebSocketRoute("/live", live.serve),
        ],
        middleware=[Middleware(LocalOnly)],
        lifespan=lifespan,
    )


def _file(name: str, media_type: str) -> Callable[[Request], Response]:
    content = resources.files(__package__).joinpath("static", name).read_bytes()

    def serve(_: Request) -> Response:
        return Response(content, headers={"content-type": media_type})

    return serve
