"""What Binance lets one address, one connection, one account and one key do, and how it says that it was too much."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote_plus, urlencode

import httpx
import msgspec
import pytest
import websockets
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated import DEMO_API_KEY, DEMO_API_SECRET
from graphwiz_trader.venues.simulated.binance.flavours import FLAVOURS
from graphwiz_trader.venues.simulated.binance.server import BinanceVenue
from graphwiz_trader.venues.simulated.binance.stream_socket import MAX_STREAMS
from graphwiz_trader.venues.simulated.connection import LineRules
from graphwiz_trader.venues.simulated.defaults import Credentials, default_instruments
from graphwiz_trader.venues.simulated.matching import MatchingEngine
from venues import virtual_time
from venues.simulated.clients import Client, hmac_signed, in_loop, payload, serving, until
from venues.simulated.house import NOW_MS, quote

BOTH = pytest.mark.parametrize("exchange", ["binance", "binanceusdm"])
HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
PONG = struct.pack("!BB4s", 0x8A, 0x80, b"\0\0\0\0")
PING = struct.pack("!BB4s", 0x89, 0x80, b"\0\0\0\0")
RESTING = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "60000",
           "quantity": "0.01"}  # fmt: skip


@asynccontextmanager
async def alone(exchange: str, rules: LineRules | None = None) -> AsyncIterator[BinanceVenue]:
    """A strict venue without a market, whose connections live by the loop's time and whose clock stands still."""
    flavour = FLAVOURS[exchange]
    at = BinanceVenue(
        flavour,
        default_instruments([exchange]),
        lambda _: MatchingEngine(),
        clock_ms=lambda: NOW_MS,
        is_limited=True,
    )
    if rules is not None:
        at.flavour = msgspec.structs.replace(flavour, line_rules=rules)
    await at.start()
    try:
        yield at
    finally:
        await at.stop()


@asynccontextmanager
async def connected(
    at: BinanceVenue, path: str = "/ws"
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A WebSocket, frame by frame."""
    reader, writer = await asyncio.open_connection("127.0.0.1", at.front.port)
    writer.write(HANDSHAKE.format(path=path).encode())
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    try:
        yield reader, writer
    finally:
        writer.close()


def text(message: str) -> bytes:
    body = message.encode()
    assert len(body) < 126
    return struct.pack("!BB4s", 0x81, 0x80 | len(body), b"\0\0\0\0") + body


async def frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Kind and payload of a short frame."""
    head = await reader.readexactly(2)
    return head[0] & 0x0F, await reader.readexactly(head[1] & 0x7F)


async def goodbye(reader: asyncio.StreamReader) -> tuple[int, str]:
    """Code and reason with which the venue closes; what comes before is passed over."""
    while True:
        kind, said = await frame(reader)
        if kind == 0x8:
            return struct.unpack("!H", said[:2])[0], said[2:].decode()


# One connection


@pytest.mark.parametrize(("exchange", "most"), [("binance", 5), ("binanceusdm", 10)])
@pytest.mark.parametrize("message", [text('{"method":"LIST_SUBSCRIPTIONS","id":1}'), PING, PONG])
def test_one_message_too_many_within_a_second_closes_the_connection(exchange, most, message):
    async def run():
        async with alone(exchange) as at, connected(at) as (reader, writer):
            for _ in range(2):  # a second later one may begin anew
                writer.write(message * most)
                await virtual_time.pause(1.01)
            assert at.open_connections == 1
            writer.write(message * (most + 1))
            assert await goodbye(reader) == (1008, "Too many requests")

    virtual_time.run(run())


@BOTH
def test_a_connection_takes_1024_streams_and_not_one_more(exchange):
    names = [f"s{number}@trade" for number in range(MAX_STREAMS)]

    async def run():
        async with serving(exchange) as served:
            url = served.urls[exchange].stream
            async with Client(f"{url}/public/stream" if exchange == "binanceusdm" else f"{url}/stream") as client:
                for _ in range(2):  # the same ones again are no more
                    assert (await client.ask("SUBSCRIBE", names))["result"] is None
                with pytest.raises(websockets.ConnectionClosed) as closed:
                    await client.ask("SUBSCRIBE", ["one@more"])
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1008
            async with Client(f"{url}/stream?streams={'/'.join(names[:700])}") as client:
                assert (await client.ask("GET_PROPERTY", ["combined"]))["result"] is True
                with pytest.raises(websockets.ConnectionClosed):
                    await client.ask("SUBSCRIBE", [f"t{number}@trade" for number in range(MAX_STREAMS - 699)])

    in_loop(run)


@pytest.mark.parametrize(
    ("exchange", "ping_every_s", "closed_after_s"), [("binance", 20, 80), ("binanceusdm", 180, 780)]
)
@pytest.mark.parametrize("is_api", [False, True])
def test_pings_that_are_not_answered_in_time_end_the_connection(exchange, ping_every_s, closed_after_s, is_api):
    async def run():
        async with alone(exchange) as at:
            path = at.flavour.orders_path if is_api else "/ws"
            async with connected(at, path) as (reader, writer):
                began_s = asyncio.get_running_loop().time()
                assert (await frame(reader))[0] == 0x9
                assert asyncio.get_running_loop().time() - began_s == pytest.approx(ping_every_s, abs=0.1)
                writer.write(PONG)
                assert (await frame(reader))[0] == 0x9
                assert await goodbye(reader) == (1008, "Pong timeout")
                took_s = asyncio.get_running_loop().time() - began_s
                assert took_s == pytest.approx(ping_every_s + closed_after_s, abs=0.5)

    virtual_time.run(run())


@BOTH
@pytest.mark.parametrize("is_api", [False, True])
def test_a_connection_is_cut_after_24_hours(exchange, is_api):
    lifetime_s = FLAVOURS[exchange].line_rules.lifetime_s
    assert lifetime_s == 24 * 3_600

    async def run():
        path = FLAVOURS[exchange].orders_path if is_api else "/ws"
        async with alone(exchange, LineRules(lifetime_s=lifetime_s)) as at, connected(at, path) as (reader, _writer):
            assert (await goodbye(reader))[0] == 1001
            assert asyncio.get_running_loop().time() == pytest.approx(lifetime_s, abs=1)

    virtual_time.run(run())


@pytest.mark.parametrize(
    ("events", "heard"),
    [
        ("", ["ORDER_TRADE_UPDATE", "TRADE_LITE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE"]),
        ("&events=ORDER_TRADE_UPDATE", ["ORDER_TRADE_UPDATE"] * 2),
        ("&events=TRADE_LITE/ACCOUNT_UPDATE", ["TRADE_LITE", "ACCOUNT_UPDATE"]),
    ],
)
def test_a_private_stream_brings_the_events_it_was_asked_for(events, heard):
    async def run():
        async with serving("binanceusdm") as served:
            at, urls = served.venues["binanceusdm"], served.urls["binanceusdm"]
            quote(at.venue, Side.SELL, 600_000, 100)
            async with Client(urls.orders) as client:
                key = (await client.ask("userDataStream.start", {"apiKey": DEMO_API_KEY}))["result"]["listenKey"]
                async with Client(f"{urls.stream}/private/ws?listenKey={key}{events}") as private:
                    await until(lambda: at.hub.has_subscribers(key))
                    await client.place(price="60000.0", quantity="0.01")
                    assert [(await private.receive())["e"] for _ in heard] == heard
                    await private.socket.send('{"method":"LIST_SUBSCRIPTIONS","id":7}')
                    assert (await private.receive())["id"] == 7, "nothing else came"

    in_loop(run)


# One address


@BOTH
def test_an_address_may_try_to_connect_300_times_in_five_minutes(exchange):
    clock = [NOW_MS - NOW_MS % 300_000]

    async def attempt(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HANDSHAKE.format(path="/ws").encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in answer:
            answer += await reader.readuntil(b"}")
        writer.close()
        return answer

    async def run():
        async with serving(exchange, is_limited=True, clock_ms=lambda: clock[0]) as served:
            port = served.venues[exchange].front.port
            for _ in range(300):
                assert b" 101 " in await attempt(port)
            refused = await attempt(port)
            assert b" 429 " in refused
            assert json.loads(refused.rpartition(b"\r\n\r\n")[2])["code"] == -1034
            assert b"Retry-After: 300\r\n" in refused
            clock[0] += 300_000
            assert b" 101 " in await attempt(port)

    in_loop(run)


@pytest.mark.parametrize(
    ("exchange", "path", "fitting", "said"),
    [
        (
            "binance",
            "/api/v3/depth?symbol=BTCUSDT&limit=5000",
            24,
            "Too much request weight used; current limit is 6000",
        ),
        (
            "binanceusdm",
            "/fapi/v1/depth?symbol=BTCUSDT&limit=1000",
            120,
            "Too many requests; current limit of IP(127.0.0.1)",
        ),
    ],
)
def test_who_asks_on_beyond_the_weight_is_banned_and_each_time_for_longer(exchange, path, fitting, said):
    clock = [NOW_MS - NOW_MS % 60_000]

    async def run():
        async with (
            serving(exchange, is_limited=True, clock_ms=lambda: clock[0]) as served,
            httpx.AsyncClient(base_url=served.urls[exchange].rest) as client,
        ):
            for ban_s in (120, 240):
                answers = [await client.get(path) for _ in range(fitting + 21)]
                assert [answer.status_code for answer in answers] == [200] * fitting + [429] * 20 + [418]
                assert answers[fitting].json() == {"code": -1003, "msg": answers[fitting].json()["msg"]}
                assert answers[fitting].json()["msg"].startswith(said)
                assert answers[fitting].headers["Retry-After"] == "60"
                assert answers[-1].headers["Retry-After"] == str(ban_s)
                assert str(clock[0] + ban_s * 1_000) in answers[-1].json()["msg"]
                clock[0] += ban_s * 1_000 - 1
                assert (await client.get(path)).status_code == 418
                clock[0] += 1

    in_loop(run)


def test_a_banned_address_is_told_until_when_over_the_websocket_api_and_disconnected():
    clock = [NOW_MS - NOW_MS % 60_000]

    async def run():
        async with (
            serving("binance", is_limited=True, clock_ms=lambda: clock[0]) as served,
            Client(served.urls["binance"].orders) as client,
        ):
            answers = [await client.ask("depth", {"symbol": "BTCUSDT", "limit": 5_000}) for _ in range(44)]
            assert [answer["status"] for answer in answers] == [200] * 23 + [429] * 20 + [418]
            assert answers[-2]["error"]["data"] == {"serverTime": clock[0], "retryAfter": clock[0] + 60_000}
            assert answers[-1]["error"]["data"]["retryAfter"] == clock[0] + 120_000
            with pytest.raises(websockets.ConnectionClosed):
                await client.receive()

    in_loop(run)


# One account


@pytest.mark.parametrize(
    ("exchange", "path", "counts"),
    [
        ("binance", "/api/v3/order", {"X-MBX-ORDER-COUNT-10S": "1", "X-MBX-ORDER-COUNT-1D": "1"}),
        ("binanceusdm", "/fapi/v1/order", {"X-MBX-ORDER-COUNT-10S": "2", "X-MBX-ORDER-COUNT-1M": "2"}),
    ],
)
def test_orders_are_counted_in_headers_and_forgiven_on_spot_when_they_fill(exchange, path, counts):
    async def run():
        async with (
            serving(exchange, clock_ms=lambda: NOW_MS) as served,
            httpx.AsyncClient(base_url=served.urls[exchange].rest, headers={"X-MBX-APIKEY": DEMO_API_KEY}) as client,
        ):
            tick = 6_000_000 if exchange == "binance" else 600_000
            quote(served.venues[exchange].venue, Side.SELL, tick, 10_000)
            filled = await client.post(signed(path, RESTING))
            assert (filled.status_code, filled.json()["executedQty"] != "0") == (200, True)
            await until(lambda: exchange != "binance" or _counted(served.venues[exchange]) == 0)
            resting = await client.post(
                signed(path, RESTING | {"price": "59000"}), headers={"X-MBX-APIKEY": DEMO_API_KEY}
            )
            assert {name: resting.headers.get(name) for name in counts} == counts
            refused = await client.post(signed(path, RESTING | {"side": "UP"}))
            assert refused.status_code == 400
            assert not any(name in refused.headers for name in counts)

    in_loop(run)


def _counted(at: BinanceVenue) -> int:
    return at.limiter.used_orders(at.venue.accounts[-1], NOW_MS)[0][1]


# One key


def signed(path: str, params: Mapping[str, Any], timestamp: int = NOW_MS) -> str:
    asked = urlencode({**params, "timestamp": timestamp})
    signature = hmac.new(DEMO_API_SECRET.encode(), asked.encode(), hashlib.sha256).hexdigest()
    return f"{path}?{asked}&signature={signature}"


def rsa_signature(private: RSAPrivateKey, asked: str) -> str:
    return base64.b64encode(private.sign(asked.encode(), PKCS1v15(), SHA256())).decode()


@pytest.mark.parametrize(("exchange", "path"), [("binance", "/api/v3/account"), ("binanceusdm", "/fapi/v3/account")])
def test_an_rsa_key_signs_over_rest_and_the_websocket_api_but_opens_no_session(exchange, path):
    private, other = (generate_private_key(public_exponent=65_537, key_size=2_048) for _ in range(2))
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    async def run():
        async with (
            serving(exchange, clock_ms=lambda: NOW_MS) as served,
            httpx.AsyncClient(base_url=served.urls[exchange].rest, headers={"X-MBX-APIKEY": "rsa"}) as client,
        ):
            served.venues[exchange].open_account("second", Credentials("rsa", pem), {"USDT": "1000"})
            asked = f"timestamp={NOW_MS}"
            right, wrong = (quote_plus(rsa_signature(key, asked)) for key in (private, other))
            assert (await client.get(f"{path}?{asked}&signature={right}")).status_code == 200
            assert (await client.get(f"{path}?{asked}&signature={wrong}")).json()["code"] == -1022
            async with Client(served.urls[exchange].orders) as socket:
                params = {"apiKey": "rsa", "timestamp": NOW_MS}
                params["signature"] = rsa_signature(private, payload(params))
                assert (await socket.ask("account.status", params))["status"] == 200
                assert (await socket.ask("session.logon", params))["error"]["code"] == -4056

    in_loop(run)


@pytest.mark.parametrize(
    ("params", "timestamp", "code"),
    [
        ({}, NOW_MS - 5_000, None),
        ({}, NOW_MS - 5_001, -1021),
        ({}, NOW_MS + 999, None),
        ({}, NOW_MS + 1_000, -1021),
        ({}, NOW_MS * 1_000, None),
        ({"recvWindow": 60_000}, NOW_MS - 60_000, None),
        ({"recvWindow": 60_000}, NOW_MS - 60_001, -1021),
        ({"recvWindow": 60_001}, NOW_MS, -1131),
        ({"recvWindow": 10.5}, NOW_MS - 11, -1021),
    ],
)
@pytest.mark.parametrize("over", ["rest", "websocket"])
def test_a_request_is_taken_within_its_window_to_the_millisecond(params, timestamp, code, over):
    async def run():
        async with (
            serving("binance", clock_ms=lambda: NOW_MS) as served,
            httpx.AsyncClient(base_url=served.urls["binance"].rest) as client,
            Client(served.urls["binance"].orders) as socket,
        ):
            if over == "rest":
                at = signed("/api/v3/account", params, timestamp)
                answer = (await client.get(at, headers={"X-MBX-APIKEY": DEMO_API_KEY})).json()
                assert answer.get("code") == code
            else:
                asked = {name: str(value) for name, value in params.items()}
                answer = await socket.ask("account.status", hmac_signed({**asked, "timestamp": timestamp}))
                assert answer.get("error", {}).get("code") == code

    in_loop(run)


@pytest.mark.parametrize(
    ("key", "signature", "code", "status"),
    [
        ("", None, -2014, 401),
        ("no key!", None, -2014, 401),
        ("x" * 64, None, -2015, 401),
        (DEMO_API_KEY, "0" * 64, -1022, 400),
        (DEMO_API_KEY, "", -1102, 400),
    ],
)
@BOTH
def test_who_asks_must_have_a_key_and_sign_with_its_secret(exchange, key, signature, code, status):
    path = "/api/v3/account" if exchange == "binance" else "/fapi/v3/account"

    async def run():
        async with (
            serving(exchange, clock_ms=lambda: NOW_MS) as served,
            httpx.AsyncClient(base_url=served.urls[exchange].rest) as client,
        ):
            at = signed(path, {})
            if signature is not None:
                at = at.partition("signature=")[0] + f"signature={signature}"
            answer = await client.get(at, headers={"X-MBX-APIKEY": key})
            assert (answer.status_code, answer.json()["code"]) == (status, code)

    in_loop(run)
