"""The front door of the simulated venues: HTTP as clients speak it, the way to WebSockets, what is not let in."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import websockets

from graphwiz_trader.venues.simulated.connection import NO_RULES, Connection, LineRules
from graphwiz_trader.venues.simulated.http_client import MAX_BODY_BYTES, MAX_CLIENTS, MAX_HEAD_BYTES
from graphwiz_trader.venues.simulated.http_front import HttpFront
from graphwiz_trader.venues.simulated.http_messages import Answer, HttpRequest, HttpResponse
from patience import PATIENCE_S
from venues import virtual_time
from venues.simulated.clients import in_loop, until

HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Echo(Connection):
    def on_message(self, payload: bytes) -> None:
        self.send(payload, "echo")


class EchoSite:
    """Answers with what it was asked, and opens sockets that echo."""

    def __init__(self, rules: LineRules = NO_RULES) -> None:
        self.seen: list[HttpRequest] = []
        self.rules = rules

    def answer(self, request: HttpRequest) -> HttpResponse:
        self.seen.append(request)
        if request.path == "/bug":
            raise ZeroDivisionError
        after_s = 0.2 if request.path == "/late" else 0.0
        body = f"{request.method} {request.path}?{request.query} {request.body.decode()}".encode()
        return HttpResponse(200, body, (("X-Told", "yes"),), after_s)

    def upgrade(self, request: HttpRequest) -> Answer:
        self.seen.append(request)
        return Echo(self.rules) if request.path == "/ws" else HttpResponse(404, b"{}")


@asynccontextmanager
async def fronted(rules: LineRules = NO_RULES) -> AsyncIterator[tuple[HttpFront, EchoSite]]:
    site = EchoSite(rules)
    front = HttpFront(site)
    await front.start()
    try:
        yield front, site
    finally:
        await front.stop()


async def raw(front: HttpFront) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", front.port)


def masked(text: bytes) -> bytes:
    return struct.pack("!BB4s", 0x81, 0x80 | len(text), b"\0\0\0\0") + text


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
def test_every_method_arrives_with_its_query_headers_and_body(method):
    async def run():
        async with fronted() as (front, site), httpx.AsyncClient(base_url=front.rest_url) as client:
            answer = await client.request(method, "/a/b?c=%20d", content="e=1&f=2", headers={"X-Mine": "7"})
            assert (answer.status_code, answer.text) == (200, f"{method} /a/b?c=%20d e=1&f=2")
            assert answer.headers["X-Told"] == "yes"
            assert (site.seen[0].headers["x-mine"], site.seen[0].client) == ("7", "127.0.0.1")
            head = await client.head("/a")
            assert (head.status_code, head.content) == (200, b"")

    in_loop(run)


def test_a_connection_serves_one_request_after_the_other_also_when_they_come_in_one_packet():
    async def run():
        async with fronted() as (front, _):
            reader, writer = await raw(front)
            first = b"POST /1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
            second = b"GET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            writer.write(first + second)
            answers = await asyncio.wait_for(reader.read(), PATIENCE_S)
            assert answers.index(b"POST /1? abc") < answers.index(b"GET /2? ")
            assert answers.count(b"HTTP/1.1 200 OK") == 2
            writer.close()

    in_loop(run)


def test_requests_behind_one_whose_answer_is_late_wait_for_their_turn():
    async def run():
        async with fronted() as (front, _):
            reader, writer = await raw(front)
            late = b"GET /late HTTP/1.1\r\nHost: x\r\n\r\n"
            writer.write(late + b"GET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answers = await asyncio.wait_for(reader.read(), PATIENCE_S)
            assert answers.index(b"GET /late?") < answers.index(b"GET /2?")
            writer.close()

    in_loop(run)


def test_frames_that_come_in_one_packet_with_the_handshake_are_not_lost():
    async def run():
        async with fronted() as (front, _):
            reader, writer = await raw(front)
            many = b"".join(masked(b"%d" % number) for number in range(10_000, 13_000))
            writer.write(b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n" + HANDSHAKE + many)
            echoed = b"".join(struct.pack("!BB", 0x81, 5) + b"%d" % number for number in range(10_000, 13_000))
            received = b""
            while not received.endswith(echoed):
                received += await asyncio.wait_for(reader.read(1 << 16), PATIENCE_S)
            assert b"HTTP/1.1 101 Switching Protocols" in received
            writer.close()
            await until(lambda: not front.connections)

    in_loop(run)


@pytest.mark.parametrize("size", [0, 125, 126, (1 << 16) - 1, 1 << 16, 1 << 20])
def test_a_message_of_any_size_arrives_whole_in_one_frame(size):
    async def run():
        async with fronted() as (front, _), websockets.connect(f"{front.stream_url}/ws", max_size=None) as client:
            await until(lambda: bool(front.connections))
            for text in (b"x" * size, b"y" * size, b"end"):
                next(iter(front.connections)).send(text)
            assert [await client.recv() for _ in range(3)] == ["x" * size, "y" * size, "end"]

    in_loop(run)


def test_what_the_site_refuses_or_fails_at_is_answered_and_the_front_serves_on(caplog):
    async def run():
        async with fronted() as (front, _), httpx.AsyncClient(base_url=front.rest_url) as client:
            with pytest.raises(websockets.InvalidStatus) as refused:
                await websockets.connect(front.stream_url + "/elsewhere")
            assert refused.value.response.status_code == 404
            assert (await client.get("/bug")).status_code == 500
            assert (await client.get("/1")).status_code == 200
            assert "failed to answer GET /bug" in caplog.text

    in_loop(run)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\nX: " + b"y" * MAX_HEAD_BYTES, b"431"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + b"z" * (MAX_BODY_BYTES + 1), b"413"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nq\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", b"505"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
    ],
)
def test_what_is_no_request_or_too_much_of_one_gets_its_status_and_the_connection_closes(sent, status):
    async def run():
        async with fronted() as (front, site):
            reader, writer = await raw(front)
            writer.write(sent)
            answer = await asyncio.wait_for(reader.read(), PATIENCE_S)
            assert answer.startswith(b"HTTP/1.1 " + status), answer
            assert not site.seen
            writer.close()

    in_loop(run)


@pytest.mark.parametrize(
    "begun", [b"", b"GET / HTTP/1.1\r\nHo", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"]
)
def test_a_request_that_is_not_completed_in_time_is_not_waited_for(begun):
    async def run():
        async with fronted() as (front, _):
            reader, writer = await raw(front)
            writer.write(begun)
            began_s = asyncio.get_running_loop().time()
            assert await reader.read() == b""
            assert asyncio.get_running_loop().time() - began_s == pytest.approx(10, abs=0.1)
            writer.close()

    virtual_time.run(run())


def test_a_byte_now_and_then_does_not_keep_a_request_alive():
    async def run():
        async with fronted() as (front, _):
            reader, writer = await raw(front)
            began_s = asyncio.get_running_loop().time()
            for byte in b"GET / HTTP/1.1\r\n" * 10:
                writer.write(bytes([byte]))
                await virtual_time.pause(1.0)
                if reader.at_eof() or reader.exception() is not None:
                    break
            assert asyncio.get_running_loop().time() - began_s < 12
            writer.close()

    virtual_time.run(run())


def test_an_idle_connection_is_kept_for_a_while_and_then_closed():
    async def run():
        async with fronted() as (front, _):
            reader, writer = await raw(front)
            for _ in range(3):
                writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                await reader.readuntil(b"GET /? ")
                await virtual_time.pause(60.0)
            assert await reader.read() == b""
            writer.close()

    virtual_time.run(run())


def test_more_clients_than_there_is_room_for_are_turned_away():
    async def run():
        async with fronted() as (front, _):
            crowd = [await raw(front) for _ in range(MAX_CLIENTS)]
            reader, writer = await raw(front)
            assert (await asyncio.wait_for(reader.read(), PATIENCE_S)).startswith(b"HTTP/1.1 503")
            for _, other in (*crowd, (reader, writer)):
                other.close()

    in_loop(run)


def test_a_front_that_was_stopped_has_closed_everything_and_can_start_again():
    async def run():
        async with fronted() as (front, _):
            socket = await websockets.connect(front.stream_url + "/ws")
            reader, writer = await raw(front)
            await until(lambda: len(front.connections) == 1)
            port = front.port
            await front.stop()
            await asyncio.wait_for(socket.wait_closed(), PATIENCE_S)
            assert socket.close_code == 1001
            assert await reader.read() == b""
            writer.close()
            await front.start(port)
            async with websockets.connect(front.stream_url + "/ws") as again:
                await again.send("there")
                assert await again.recv() == "there"

    in_loop(run)


def test_an_interceptor_may_answer_itself_answer_late_or_drop_the_connection():
    async def run():
        async with fronted() as (front, site), httpx.AsyncClient(base_url=front.rest_url) as client:
            front.intercept = lambda request, serve: HttpResponse(503, b"busy")
            assert (await client.get("/1")).status_code == 503
            assert not site.seen

            front.intercept = lambda request, serve: serve() and None
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get("/2")
            assert site.seen[-1].path == "/2"  # done, and the answer lost

    in_loop(run)


def test_a_meddler_decides_what_a_connection_sends():
    async def run():
        async with fronted() as (front, _), websockets.connect(front.stream_url + "/ws") as socket:
            await until(lambda: len(front.connections) == 1)
            (connection,) = front.connections
            taken = []
            connection.meddle = lambda channel, payload: taken.append((channel, payload))
            for text in "12":
                await socket.send(text)
            await until(lambda: len(taken) == 2)
            for channel, payload in reversed(taken):
                connection.transmit(channel.encode() + payload)
            assert [await asyncio.wait_for(socket.recv(), PATIENCE_S) for _ in range(2)] == ["echo2", "echo1"]

    in_loop(run)


async def _opened(front: HttpFront) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await raw(front)
    writer.write(HANDSHAKE)
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


def test_a_frozen_connection_stays_open_and_says_nothing():
    async def run():
        async with fronted(LineRules(ping_every_s=20, pong_within_s=60)) as (front, _):
            reader, writer = await _opened(front)
            (connection,) = front.connections
            connection.freeze()
            writer.write(masked(b"heard?"))
            connection.send(b"nothing")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 3_600)
            assert connection.is_open
            writer.close()

    virtual_time.run(run())


def test_a_client_that_does_not_answer_pings_is_told_so_and_disconnected():
    async def run():
        async with fronted(LineRules(ping_every_s=20, pong_within_s=60)) as (front, _):
            reader, writer = await _opened(front)
            assert await reader.read() == b"\x89\x00" * 3 + b"\x88\x0e\x03\xf0Pong timeout"
            assert asyncio.get_running_loop().time() == pytest.approx(80, abs=0.1)
            writer.close()

    virtual_time.run(run())


def test_a_client_that_answers_pings_stays_until_the_life_of_a_connection_is_over():
    async def run():
        async with fronted(LineRules(ping_every_s=20, pong_within_s=60, lifetime_s=600)) as (front, _):
            reader, writer = await _opened(front)
            pings = 0
            while (head := await reader.readexactly(2)) == b"\x89\x00":
                pings += 1
                writer.write(struct.pack("!BB4s", 0x8A, 0x80, b"\0\0\0\0"))
            assert (pings, head[0]) == (29, 0x88)
            assert await reader.readexactly(2) == struct.pack("!H", 1001)
            writer.close()

    virtual_time.run(run())


def test_large_messages_arrive_whole_also_when_the_reader_is_behind():
    async def run():
        async with fronted() as (front, _), websockets.connect(front.stream_url + "/ws", max_size=None) as socket:
            await until(lambda: len(front.connections) == 1)
            (connection,) = front.connections
            sizes = [(100, 9_000, 70_000)[number % 3] + number for number in range(240)]
            for size in sizes:
                connection.send(b"x" * size)
            assert connection.backlog_bytes  # so that the messages lay in the loop's queue
            assert [len(await asyncio.wait_for(socket.recv(), PATIENCE_S)) for _ in sizes] == sizes

    in_loop(run)
