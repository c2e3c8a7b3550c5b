"""The page is for the person at this machine: it shows everything, changes nothing and talks to nobody else."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from typing import TYPE_CHECKING

import httpx
import pytest
import uvicorn
import websockets
from starlette.websockets import WebSocketDisconnect

from graphwiz_trader.observers.dashboard import live
from graphwiz_trader.observers.dashboard.app import build_app
from graphwiz_trader.observers.dashboard.guard import is_local, is_same_origin
from graphwiz_trader.observers.dashboard.live import BROWSERS_MAX

if TYPE_CHECKING:
    from starlette.testclient import TestClient

pytestmark = pytest.mark.filterwarnings("ignore:Using `httpx` with")
HOST = "127.0.0.1:8080"
STATIC = resources.files("graphwiz_trader.observers.dashboard").joinpath("static")


class Source:
    """A state that counts how often it was asked for."""

    def __init__(self, pad: int = 0) -> None:
        self.asked = 0
        self._pad = "x" * pad

    def state_json(self) -> bytes:
        self.asked += 1
        return json.dumps({"number": self.asked, "pad": self._pad}).encode()


def client(source: Source | None = None) -> TestClient:
    from starlette.testclient import TestClient  # Its import warns, which the mark above cannot catch earlier.

    app = build_app(state_json=(source or Source()).state_json, metrics_text=lambda: b"graphwiz_up 1\n")
    return TestClient(app, base_url=f"http://{HOST}")


@pytest.mark.parametrize("path", ["/", "/page.css", "/page.js", "/tables.js", "/chart.js", "/icon.svg"])
def test_every_file_of_the_page_is_served_with_its_type_and_a_strict_policy(path: str) -> None:
    answer = client().get(path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert "*" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in policy


def test_the_page_takes_nothing_from_elsewhere_and_has_no_inline_code() -> None:
    page = STATIC.joinpath("index.html").read_text()
    assert not re.search(r"https?://|style=|\son\w+=", page)
    assert re.findall(r"<script[^>]*>", page) == ['<script type="module" src="/page.js">']
    assert "//" not in "".join(re.findall(r"url\([^)]*\)|@import[^;]*", STATIC.joinpath("page.css").read_text()))


def test_the_scripts_insert_text_only_as_text() -> None:
    for name in ("page.js", "tables.js", "chart.js"):
        script = STATIC.joinpath(name).read_text()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(", script), name


def test_every_element_that_the_script_looks_up_is_on_the_page() -> None:
    wanted = set(re.findall(r'\bat\("([^"]+)"\)', STATIC.joinpath("page.js").read_text()))
    wanted |= {f"pnl-{part}" for part in ("net", "realised", "unrealised")}
    present = set(re.findall(r'\bid="([^"]+)"', STATIC.joinpath("index.html").read_text()))
    assert wanted <= present


def test_metrics_and_state_are_on_the_same_server() -> None:
    with client() as browser:
        assert browser.get("/metrics").text == "graphwiz_up 1\n"
        assert browser.get("/metrics").headers["content-type"].startswith("text/plain; version=0.0.4")
        assert browser.get("/state.json").json()["number"] == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(method: str) -> None:
    assert client().request(method, "/").status_code == 405


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "", "0.0.0.0:8080"])
def test_a_foreign_host_name_is_refused(host: str) -> None:
    for path in ("/", "/state.json", "/metrics"):
        assert client().get(path, headers={"host": host}).status_code == 421


def test_a_foreign_page_cannot_open_the_live_connection() -> None:
    for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {"host": "evil.example:8080"}):
        with (
            client() as browser,
            pytest.raises(WebSocketDisconnect),
            browser.websocket_connect("/live", headers={"host": HOST} | headers),
        ):
            pass


def test_the_page_itself_gets_live_states_newer_each_time() -> None:
    with (
        client() as browser,
        browser.websocket_connect("/live", headers={"host": HOST, "origin": f"http://{HOST}"}) as page,
    ):
        numbers = [page.receive_json()["number"] for _ in range(3)]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1:8080", True),
        ("localhost:9", True),
        ("LOCALHOST", True),
        ("[::1]:8080", True),
        ("[::1]", True),
        ("::1", False),
        ("127.0.0.1:", False),
        ("127.0.0.1:80:80", False),
        ("127.0.0.1:x", False),
        ("127.0.0.1:8080.evil.example", False),
        ("localhost.evil.example:8080", False),
        ("evil.example", False),
        ("", False),
    ],
)
def test_local_means_the_loopback_names_and_nothing_like_them(host: str, local: bool) -> None:
    assert is_local(host) is local


def test_an_origin_must_be_the_very_host_and_port() -> None:
    assert is_same_origin(["http://localhost:8080"], "localhost:8080")
    assert is_same_origin([], "localhost:8080")
    assert not is_same_origin(["http://localhost:9999"], "localhost:8080")
    assert not is_same_origin(["http://localhost:8080", "http://evil.example"], "localhost:8080")


@asynccontextmanager
async def served(source: Source) -> AsyncIterator[str]:
    """The application on a real server and an ephemeral port; gives its host:port."""
    app = build_app(state_json=source.state_json, metrics_text=lambda: b"")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="error", ws_per_message_deflate=False, timeout_graceful_shutdown=1)
        )
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        async with httpx.AsyncClient() as http:
            while True:
                try:
                    await http.get(f"http://{host}/icon.svg")
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.01)
        try:
            yield host
        finally:
            server.should_exit = True
            await serving


class SlowBrowser:
    """A WebSocket client that takes nothing from its socket but when asked to; libraries read ahead."""

    def __init__(self, host: str) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        self._socket.setblocking(False)
        self._host = host

    async def connect(self) -> None:
        name, port = self._host.split(":")
        await asyncio.get_running_loop().sock_connect(self._socket, (name, int(port)))
        request = (
            f"GET /live HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        self._socket.sendall(request.encode())
        while not (await self._take(1) == b"\n" and await self._take(3) == b"\r\n\x81"):
            pass
        self._begun = True

    async def number(self) -> int:
        """The number in the next state. Messages over 64 kB, unmasked: opcode, 127, eight bytes of length."""
        if not self._begun:
            assert await self._take(1) == b"\x81"
        self._begun = False
        assert await self._take(1) == b"\x7f"
        size = int.from_bytes(await self._take(8), "big")
        number: int = json.loads(await self._take(size))["number"]
        return number

    async def _take(self, count: int) -> bytes:
        taken = bytearray()
        while len(taken) < count:
            taken += await asyncio.get_running_loop().sock_recv(self._socket, count - len(taken))
        return bytes(taken)

    def close(self) -> None:
        self._socket.close()


def test_a_browser_that_does_not_read_misses_states_instead_of_queueing_them() -> None:
    async def run() -> None:
        async with served(Source(pad=4_000_000)) as host:
            slow = SlowBrowser(host)
            await slow.connect()
            async with websockets.connect(f"ws://{host}/live", max_size=None) as quick:
                quick_saw = [json.loads(await quick.recv())["number"] for _ in range(9)]
            slow_saw = [await slow.number() for _ in range(4)]
            slow.close()
            # Two or three states were under way to the slow one; the next is the newest of all.
            assert slow_saw == sorted(set(slow_saw))
            assert slow_saw[-1] >= quick_saw[-1] > slow_saw[0] + 4

    asyncio.run(run())


def test_nothing_is_encoded_while_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "INTERVAL_S", 0)
    source = Source()

    async def run() -> None:
        renewing = asyncio.create_task(live.LiveState(source.state_json).run())
        for _ in range(100):
            await asyncio.sleep(0)
        renewing.cancel()

    asyncio.run(run())
    assert source.asked == 0


def test_one_browser_too_many_is_told_to_try_later() -> None:
    async def run() -> None:
        async with served(Source()) as host:
            browsers = [await websockets.connect(f"ws://{host}/live") for _ in range(BROWSERS_MAX)]
            with pytest.raises(websockets.InvalidStatus):
                await websockets.connect(f"ws://{host}/live")
            for browser in browsers:
                await browser.close()

    asyncio.run(run())
