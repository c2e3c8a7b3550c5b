"""Whatever a client of the simulated OKX sends, it gets the venue's error or a clean close, and the venue serves on."""

from __future__ import annotations

import asyncio
import json

import pytest
import websockets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphwiz_trader.venues.simulated.connection import MAX_BACKLOG_BYTES, MAX_INBOUND_BYTES
from graphwiz_trader.venues.simulated.okx.server import OkxVenue
from venues.simulated.clients import until
from venues.simulated.okx.okx_clients import Client, at_okx, fill_book
from venues.simulated.okx.test_order_operations import BUY, SHORT
from venues.simulated.okx.test_rest import ask

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
operations = st.sampled_from(
    ["subscribe", "unsubscribe", "login", "order", "batch-orders", "cancel-order", "amend-order", "batch-amend-orders"]
)
arguments = st.dictionaries(
    st.sampled_from(
        ["channel", "instId", "instType", "ccy", "apiKey", "sign", "timestamp", "passphrase", *BUY, "ordId", "newSz",
         "newPx", "clOrdId", "stpMode", "reduceOnly", "tgtCcy", "instIdCode", "expTime"]
    ),
    json_values | st.sampled_from(["orders", "books", "account", "SPOT", "ANY", "BTC-USDT", "1", "0.01", "60000"]),
    max_size=8,
)  # fmt: skip


async def still_serves(at: OkxVenue) -> None:
    async with Client(at) as client:
        await client.subscribe("books", instId="BTC-USDT")
        assert (await client.receive_from("books"))["action"] == "snapshot"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    messages=st.lists(
        st.builds(
            lambda op, args, more: json.dumps({"op": op, "args": args, **more}),
            operations,
            st.lists(arguments, max_size=3),
            st.dictionaries(st.sampled_from(["id", "expTime"]), json_values, max_size=2),
        )
        | json_values.map(json.dumps)
        | st.text(max_size=30),
        max_size=6,
    )
)
def test_any_words_are_answered_and_a_ping_after_them_too(messages):
    async def check(at: OkxVenue) -> None:
        fill_book(at)
        async with Client(at, "private") as client:
            await client.log_in()
            for message in messages:
                await client.socket.send(message)
            await client.socket.send("ping")
            while await client.receive() != "pong":
                pass
        await still_serves(at)

    at_okx(check)


def test_a_client_that_subscribes_without_end_is_disconnected():
    async def check(at: OkxVenue) -> None:
        async with Client(at, "private") as client:
            await client.log_in()
            arg = {"channel": "orders", "instType": "ANY"}
            await client.say("subscribe", *({**arg, "extra": str(number)} for number in range(300)))
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await client.receive_from("nothing")
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4008
        await until(lambda: not at.accounts.connections(at.venue.accounts[2], "orders"))
        await still_serves(at)

    at_okx(check)


def test_binary_is_closed_as_unsupported():
    async def check(at: OkxVenue) -> None:
        async with Client(at) as client:
            await client.socket.send(b"\x00\x01")
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await client.receive()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1003
        await still_serves(at)

    at_okx(check)


def test_a_message_beyond_the_limit_ends_its_connection_alone():
    async def check(at: OkxVenue) -> None:
        async with Client(at) as client:
            await client.socket.send("x" * (MAX_INBOUND_BYTES + 1))
            with pytest.raises(websockets.ConnectionClosed):
                await client.receive()
        await still_serves(at)

    at_okx(check)


def test_a_deep_message_and_a_long_number_are_refused():
    async def check(at: OkxVenue) -> None:
        async with Client(at) as client:
            for message in ("[" * 20_000, '{"op":"subscribe","args":[' + "9" * 5_000 + "]}"):
                await client.socket.send(message)
                assert (await client.event())["code"] == "60012"

    at_okx(check)


def test_a_reader_that_reads_nothing_is_disconnected_and_the_others_are_not():
    async def check(at: OkxVenue) -> None:
        async with Client(at) as good, Client(at) as idle:
            await good.subscribe("trades", instId="BTC-USDT")
            await idle.subscribe("bbo-tbt", instId="BTC-USDT")
            idle.socket.transport.pause_reading()
            (lazy,) = at.channels.subscribers(("bbo-tbt", "BTC-USDT"))
            frame = b"x" * (1 << 20)
            for _ in range(4 * MAX_BACKLOG_BYTES // len(frame)):
                lazy.send(frame)
            await until(lambda: not at.channels.subscribers(("bbo-tbt", "BTC-USDT")))
            await good.socket.send("ping")
            assert await good.receive() == "pong"
            idle.socket.transport.abort()

    at_okx(check)


@pytest.mark.parametrize("order", [BUY, SHORT])
def test_sizes_and_prices_of_any_length_are_refused_in_words(order):
    async def check(at: OkxVenue) -> None:
        for name in ("sz", "px"):
            for text in ("9" * 20, "0." + "0" * 18 + "1", "9" * 21, "-0", "0", "1_000", "٣", " 1", "1e3", "nan", "inf"):
                answer = (await ask(at, "trade/order", {**order, name: text})).json()
                assert answer["code"] == "1"
                assert answer["data"][0]["sCode"] in ("51000", "51020", "51121", "51202", "51008", "51006")

    at_okx(check)


def test_an_oversize_body_is_refused_and_the_venue_serves_on():
    async def check(at: OkxVenue) -> None:
        answer = await ask(at, "trade/order", raw=b" " * (1 << 20))
        assert answer.status_code == 413
        await still_serves(at)

    at_okx(check)


def test_a_client_that_leaves_in_the_middle_takes_its_subscriptions_along():
    async def check(at: OkxVenue) -> None:
        async with Client(at, "private") as client:
            await client.log_in()
            await client.subscribe("orders", instType="ANY")
            client.socket.transport.abort()
        await until(lambda: at.open_connections == 0)
        fill_book(at)
        answer = (await ask(at, "trade/order", {**BUY, "px": "60001"})).json()
        assert answer["code"] == "0"
        await asyncio.sleep(0)
        await still_serves(at)

    at_okx(check)
