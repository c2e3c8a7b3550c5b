"""Clients that misbehave: each gets the venue's own error or a clean close, and the server serves on."""

from __future__ import annotations

import asyncio
import os
import random
import struct
from contextlib import suppress

import msgspec
import pytest
import websockets
from hypothesis import given, settings
from hypothesis import strategies as st

from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.parameters import Parameters
from graphwiz_trader.venues.simulated.connection import MAX_BACKLOG_BYTES, MAX_INBOUND_BYTES
from patience import PATIENCE_S
from venues.simulated.clients import Client, get, hmac_signed, in_loop, serving, until


async def is_alive(exchange) -> bool:
    urls = exchange.urls["binance"]
    async with Client(urls.orders) as client:
        answered = (await client.signed("account.status"))["status"] == 200
    return answered and (await get(urls.rest, "/api/v3/ping")).status_code == 200


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("", -1135),
        ("{", -1135),
        ("null", -1135),
        ("[]", -1135),
        ('{"id":1}', -1135),
        ('{"id":1,"method":5}', -1135),
        ('{"id":1,"method":"order.place","params":[]}', -1135),
        ('{"id":{"a":1},"method":"ping"}', -1130),
        ('{"id":"' + "x" * 200 + '","method":"ping"}', -1130),
        ('{"id":1,"method":"no.such"}', -1020),
        ('{"id":1,"method":"order.place","params":{"apiKey":[1],"timestamp":{}}}', -1135),
        ('{"id":1,"method":"order.place","params":{"apiKey":"k","timestamp":"x","signature":""}}', -2015),
        ('{"id":1,"method":"depth","params":{"symbol":"BTCUSDT","limit":"many"}}', -1100),
        ('{"id":1,"method":"depth","params":{"symbol":"BTCUSDT","limit":"' + "9" * 40 + '"}}', -1100),
        ('{"id":1,"method":"exchangeInfo","params":{"symbols":"x"}}', -1130),
        ('{"id":1,"method":"depth","params":' + "[" * 20_000 + "}", -1135),
        ('{"id":1,"method":"\\ud800"}', -1135),
    ],
)
def test_a_request_that_is_wrong_gets_the_venues_error(sent, code):
    async def run():
        async with serving() as exchange, Client(exchange.urls["binance"].orders) as client:
            await client.socket.send(sent)
            assert (await client.receive())["error"]["code"] == code
            assert (await client.ask("ping"))["result"] == {}

    in_loop(run)


@given(st.dictionaries(st.text(max_size=8), st.one_of(st.none(), st.text(max_size=12), st.floats(), st.booleans())))
def test_whatever_the_parameters_are_reading_them_ends_in_a_value_or_in_the_venues_error(params):
    parameters = Parameters.of_json(msgspec.json.encode(params))
    for name in [*params, "missing"]:
        for read in (parameters.text, parameters.integer, parameters.flag):
            with suppress(BinanceError):
                read(name)
    with suppress(BinanceError):
        parameters.check_time(1_700_000_000_000)


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_no_bytes_are_taken_for_parameters_that_are_none(body):
    with suppress(BinanceError):
        Parameters.of_json(body).signed_payload()


def test_a_message_beyond_the_limit_closes_the_connection_and_no_other():
    async def run():
        async with serving() as exchange:
            urls = exchange.urls["binance"]
            async with Client(urls.orders) as bystander:
                for url in (urls.orders, urls.stream + "/ws"):
                    socket = await websockets.connect(url)
                    await socket.send("x" * (MAX_INBOUND_BYTES + 1))
                    await asyncio.wait_for(socket.wait_closed(), PATIENCE_S)
                    assert socket.close_code == 1009
                assert (await bystander.ask("ping"))["status"] == 200

    in_loop(run)


def test_a_message_in_fragments_is_put_together_up_to_the_limit():
    async def run():
        async with serving() as exchange, Client(exchange.urls["binance"].orders) as client:
            await client.socket.send(['{"id":1,', '"method"', ':"ping"}'])
            assert (await client.receive())["status"] == 200
            await client.socket.send("y" * 10_000 for _ in range(20))
            await asyncio.wait_for(client.socket.wait_closed(), PATIENCE_S)
            assert client.socket.close_code == 1009
            assert await is_alive(exchange)

    in_loop(run)


def test_a_binary_message_is_not_taken():
    async def run():
        async with serving() as exchange:
            socket = await websockets.connect(exchange.urls["binance"].orders)
            await socket.send(b"\x00\x01")
            await asyncio.wait_for(socket.wait_closed(), PATIENCE_S)
            assert socket.close_code == 1003
            assert await is_alive(exchange)

    in_loop(run)


async def raw(exchange) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    port = int(exchange.urls["binance"].rest.rpartition(":")[2])
    return await asyncio.open_connection("127.0.0.1", port)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\r\n\r\n",
        b"GARBAGE\r\n\r\n",
        b"POST /api/v3/order HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
        b"GET /api/v3/ping HTTP/9.9\r\n\r\n",
        b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n",
        b"GET /nowhere HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade, close\r\n\r\n",
        b"GET /api/v3/depth?symbol=%ff%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET //[::1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /api/v3/depth?"
        + b"&".join(b"a=1" for _ in range(2_000))
        + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET /api/v3/ping HTTP/1.1\r\n" + b"X: " + b"y" * 40_000 + b"\r\n\r\n",
        bytes(range(256)) * 100,
    ],
)
def test_a_request_that_cannot_be_is_refused_and_the_connection_closed(request_bytes):
    async def run():
        async with serving() as exchange:
            reader, writer = await raw(exchange)
            writer.write(request_bytes)
            answer = await asyncio.wait_for(_all_of(reader), PATIENCE_S)
            assert answer == b"" or answer.split(b" ")[1][:1] in (b"4", b"5"), answer[:200]
            writer.close()
            assert await is_alive(exchange)

    in_loop(run)


async def _all_of(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


_HANDSHAKE = (
    b"GET /ws-api/v3 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.mark.parametrize("seed", range(12))
def test_random_bytes_after_the_handshake_end_that_connection_alone(seed):
    async def run():
        rng = random.Random(seed)
        async with serving() as exchange:
            reader, writer = await raw(exchange)
            writer.write(_HANDSHAKE)
            await reader.readuntil(b"\r\n\r\n")
            writer.write(bytes(rng.randrange(256) for _ in range(rng.randrange(1, 4_000))))
            writer.write_eof()
            await asyncio.wait_for(_all_of(reader), PATIENCE_S)
            writer.close()
            assert await is_alive(exchange)

    in_loop(run)


def test_a_frame_that_announces_more_than_the_limit_is_not_waited_for():
    async def run():
        async with serving() as exchange:
            reader, writer = await raw(exchange)
            writer.write(_HANDSHAKE)
            await reader.readuntil(b"\r\n\r\n")
            writer.write(struct.pack("!BBQ", 0x81, 0xFF, 1 << 40) + os.urandom(64))
            answer = await asyncio.wait_for(_all_of(reader), PATIENCE_S)
            assert struct.pack("!H", 1009) in answer
            writer.close()
            assert await is_alive(exchange)

    in_loop(run)


def test_a_reader_who_does_not_read_is_dropped_before_it_costs_memory():
    async def run():
        async with serving() as exchange:
            at = exchange.venues["binance"]
            socket = await websockets.connect(
                exchange.urls["binance"].stream + "/ws/btcusdt@trade", max_queue=1, max_size=None
            )
            async with Client(exchange.urls["binance"].stream + "/ws/btcusdt@trade") as reading:
                await until(lambda: len(at.hub.subscribers("btcusdt@trade")) == 2)
                sent = 0
                frame = b'{"t":"' + b"x" * 65_536 + b'"}'
                while len(at.hub.subscribers("btcusdt@trade")) == 2 and sent < 8 * MAX_BACKLOG_BYTES:
                    at.send_raw("btcusdt@trade", frame)
                    sent += len(frame)
                    assert all(s.backlog_bytes <= MAX_BACKLOG_BYTES + len(frame) for s in at.hub.everyone())
                    await reading.receive()
                assert len(at.hub.subscribers("btcusdt@trade")) == 1
                assert await is_alive(exchange)
            socket.transport.abort()

    in_loop(run)


def test_a_client_that_vanishes_with_open_requests_leaves_nothing_behind():
    async def run():
        async with serving() as exchange:
            at = exchange.venues["binance"]
            for _ in range(20):
                socket = await websockets.connect(exchange.urls["binance"].orders)
                subscribe = {"id": 1, "method": "userDataStream.subscribe.signature", "params": hmac_signed({})}
                await socket.send(msgspec.json.encode(subscribe).decode())
                socket.transport.abort()
            await until(lambda: not at.open_connections)
            assert await is_alive(exchange)

    in_loop(run)
