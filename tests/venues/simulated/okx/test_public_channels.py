"""OKX's public channels: acknowledgements and refusals, books that chain, trades, tickers, silence and limits."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
import websockets
from hypothesis import given, settings
from hypothesis import strategies as st

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.venues.simulated.defaults import default_instruments
from graphwiz_trader.venues.simulated.dialect import Options
from graphwiz_trader.venues.simulated.matching import MatchingEngine
from graphwiz_trader.venues.simulated.okx.limits import CONNECTS, Windows
from graphwiz_trader.venues.simulated.okx.server import OkxVenue
from venues.simulated.clients import in_loop, now_ms, serving, until
from venues.simulated.okx.okx_clients import Book, Client, at_okx, fill_book, quote, shown

NOW_MS = 1_700_000_000_000


class Ear:
    """A subscriber that keeps what it hears."""

    backlog_bytes = 0

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def send(self, payload: bytes, channel: str = "") -> None:
        self.heard.append(json.loads(payload))


def unserved() -> OkxVenue:
    """A venue without a port, in virtual time."""
    options = Options(matcher=lambda _listing: MatchingEngine(), clock_ms=lambda: NOW_MS)
    return OkxVenue(default_instruments(["okx"]), options)


# Subscribing


def test_each_argument_is_acknowledged_or_refused_for_itself():
    async def check(at: OkxVenue) -> None:
        async with Client(at) as client:
            good, bad = {"channel": "books", "instId": "BTC-USDT"}, {"channel": "books", "instId": "BTC-EUR"}
            await client.say("subscribe", good, bad, id="7")
            said = await client.event()
            assert (said["event"], said["arg"], said["id"]) == ("subscribe", good, "7")
            assert (await client.receive_from("books"))["action"] == "snapshot"
            refused = await client.event()
            assert (refused["event"], refused["code"], refused["id"]) == ("error", "60018", "7")
            assert "channel:books,instId:BTC-EUR" in refused["msg"]
            gone = await client.ask("unsubscribe", good)
            assert (gone["event"], gone["arg"]) == ("unsubscribe", good)
            assert gone["connId"] == said["connId"]

    at_okx(check)


@pytest.mark.parametrize(
    ("route", "arg", "code"),
    [
        ("public", {"channel": "trades-all", "instId": "BTC-USDT"}, "60018"),
        ("business", {"channel": "books", "instId": "BTC-USDT"}, "60018"),
        ("public", {"channel": "instruments", "instType": "STOCKS"}, "60018"),
        ("public", {"channel": "books50-l2-tbt", "instId": "BTC-USDT"}, "64003"),
        ("public", {"channel": "nonsense"}, "60018"),
        ("public", {"instId": "BTC-USDT"}, "60013"),
        ("public", {"channel": 5, "instId": "BTC-USDT"}, "60013"),
    ],
)
def test_a_channel_that_is_not_there_is_refused(route, arg, code):
    async def check(at: OkxVenue) -> None:
        async with Client(at, route) as client:
            assert (await client.ask("subscribe", arg))["code"] == code

    at_okx(check)


def test_instruments_are_told_on_subscription():
    async def check(at: OkxVenue) -> None:
        async with Client(at) as client:
            await client.subscribe("instruments", instType="SWAP")
            data = (await client.receive_from("instruments"))["data"]
            assert (data[0]["instId"], data[0]["ctVal"], data[0]["settleCcy"]) == ("BTC-USDT-SWAP", "0.01", "USDT")
            assert all(isinstance(i["instIdCode"], int) for i in data)

    at_okx(check)


def test_a_text_ping_is_answered_with_a_text_pong():
    async def check(at: OkxVenue) -> None:
        async with Client(at) as client:
            await client.socket.send("ping")
            assert await client.receive() == "pong"

    at_okx(check)


# Books


@pytest.mark.slow
@pytest.mark.parametrize("channel", ["books", "books50-l2-tbt", "books-l2-tbt"])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_book_built_from_a_channel_is_the_venues_own_whenever_somebody_joined(channel, seed):
    at, rng = unserved(), Random(seed)
    depth = 50 if "50" in channel else 400
    key = (channel, "BTC-USDT")
    readers: list[tuple[Ear, Book]] = []
    clock_ms, resting = NOW_MS, []
    for _ in range(60):
        for _ in range(rng.randrange(8)):
            if resting and rng.random() < 0.4:
                order_id = resting.pop(rng.randrange(len(resting)))
                if order_id in at.venue.books["BTC-USDT"].matcher:
                    at.venue.cancel_for_market(at.venue.books["BTC-USDT"], order_id)
            else:
                side = rng.choice(list(Side))
                for level in range(rng.choice((1, 1, 40))):
                    price = 1_000 - side.sign * (rng.randrange(-3, 40) + level)
                    resting.append(quote(at, side, price, rng.randrange(1, 9)))
        clock_ms += rng.randrange(120)
        at.venue.publish(clock_ms)
        if rng.random() < 0.2 and len(readers) < 4:
            readers.append((Ear(), Book()))
            at.channels.join(key, readers[-1][0], clock_ms)
        at.flush(clock_ms)
    at.flush(clock_ms + 200)
    for ear, book in readers:
        for message in ear.heard:
            book.apply(message)
        assert book.levels() == shown(at, depth=depth)


def test_a_book_that_no_longer_fits_the_channel_tells_the_levels_that_come_back():
    at, ear, book = unserved(), Ear(), Book()
    for step in range(402):
        quote(at, Side.BUY, 1_000 - step, 5)
    at.channels.join(("books", "BTC-USDT"), ear, NOW_MS)
    at.venue.place_for_market(at.venue.books["BTC-USDT"], Side.SELL, 1_000, 5, TimeInForce.IOC, NOW_MS)
    at.flush(NOW_MS + 100)
    for message in ear.heard:
        book.apply(message)
    assert len(book.levels()[0]) == 400
    assert ear.heard[1]["data"][0]["bids"] == [["100", "0", "0", "0"], ["60", "0.00000005", "0", "1"]]


def test_a_quiet_book_is_told_about_every_minute_with_no_levels_and_one_number():
    at, ear = unserved(), Ear()
    quote(at, Side.BUY, 1_000, 5)
    at.channels.join(("books", "BTC-USDT"), ear, NOW_MS)
    at.flush(NOW_MS + 59_999)
    assert len(ear.heard) == 1
    at.flush(NOW_MS + 60_100)
    (first,), (second,) = (message["data"] for message in ear.heard)
    assert (second["bids"], second["asks"], second["prevSeqId"]) == ([], [], second["seqId"])
    assert second["seqId"] == first["seqId"]
    assert ear.heard[1]["action"] == "update"


def test_after_maintenance_the_numbers_begin_anew_and_still_chain():
    at, ear, book = unserved(), Ear(), Book()
    at.channels.join(("books", "BTC-USDT"), ear, NOW_MS)
    at.start_sequences_over()
    quote(at, Side.BUY, 1_000, 5)
    at.flush(NOW_MS + 100)
    quote(at, Side.BUY, 999, 5)
    at.flush(NOW_MS + 200)
    update = ear.heard[1]["data"][0]
    assert update["seqId"] < update["prevSeqId"]
    for message in ear.heard:
        book.apply(message)
    assert book.levels() == shown(at)


def test_a_lost_update_breaks_the_chain():
    at, ear, book = unserved(), Ear(), Book()
    at.channels.join(("books", "BTC-USDT"), ear, NOW_MS)
    at.faults.drop_depth("BTC-USDT", 1)
    for step in (1, 2):
        quote(at, Side.BUY, 1_000 + step, 5)
        at.flush(NOW_MS + 100 * step)
    book.apply(ear.heard[0])
    with pytest.raises(AssertionError):
        book.apply(ear.heard[1])


@pytest.mark.parametrize(("channel", "depth"), [("bbo-tbt", 1), ("books5", 5)])
def test_a_top_is_whole_each_time_and_told_when_it_has_changed(channel, depth):
    at, ear = unserved(), Ear()
    for step in range(9):
        quote(at, Side.BUY, 1_000 - step, 5)
        quote(at, Side.SELL, 1_010 + step, 5)
    at.channels.join((channel, "BTC-USDT"), ear, NOW_MS)
    at.flush(NOW_MS + 200)
    assert len(ear.heard) == 1
    quote(at, Side.BUY, 1_001, 7)
    at.flush(NOW_MS + 300)
    last = ear.heard[-1]
    assert "action" not in last
    (data,) = last["data"]
    assert len(ear.heard) == 2
    assert data["bids"][0] == ["100.1", "0.00000007", "0", "1"]
    assert (len(data["bids"]), len(data["asks"])) == (depth, depth)
    assert data["seqId"] > ear.heard[0]["data"][0]["seqId"]


# Trades and tickers


def test_trades_are_told_once_a_taker_and_price_and_every_one_of_them_on_business():
    at, few, every = unserved(), Ear(), Ear()
    at.channels.join(("trades", "BTC-USDT"), few, NOW_MS)
    at.channels.join(("trades-all", "BTC-USDT"), every, NOW_MS)
    for lots in (5, 6):
        quote(at, Side.SELL, 1_000, lots)
    quote(at, Side.SELL, 1_001, 7)
    at.venue.place_for_market(at.venue.books["BTC-USDT"], Side.BUY, 1_001, 18, TimeInForce.IOC, NOW_MS)
    at.venue.publish(NOW_MS)
    told = [message["data"][0] for message in few.heard]
    assert [(t["px"], t["sz"], t["side"], t["count"], t["tradeId"]) for t in told] == [
        ("100", "0.00000011", "buy", "2", "2"),
        ("100.1", "0.00000007", "buy", "1", "3"),
    ]
    assert [message["data"][0]["tradeId"] for message in every.heard] == ["1", "2", "3"]


def test_a_ticker_tells_the_last_trade_and_the_day():
    at, ear = unserved(), Ear()
    at.channels.join(("tickers", "BTC-USDT-SWAP"), ear, NOW_MS)
    assert ear.heard[0]["data"][0]["last"] == ""
    quote(at, Side.SELL, 600_000, 500, "BTC-USDT-SWAP")
    quote(at, Side.SELL, 600_100, 500, "BTC-USDT-SWAP")
    book = at.venue.books["BTC-USDT-SWAP"]
    at.venue.place_for_market(book, Side.BUY, 600_100, 700, TimeInForce.IOC, NOW_MS)
    at.venue.publish(NOW_MS)
    at.flush(NOW_MS + 100)
    (data,) = ear.heard[-1]["data"]
    assert (data["last"], data["lastSz"], data["open24h"]) == ("60010", "2", "60000")
    assert (data["vol24h"], data["volCcy24h"]) == ("7", "0.07")  # contracts of 0.01 BTC
    assert (data["askPx"], data["askSz"], data["bidPx"]) == ("60010", "3", "")


# Connections


def test_a_connection_on_which_nothing_passes_for_30_s_is_closed_with_4004():
    clock = [now_ms()]

    async def check(at: OkxVenue) -> None:
        async with Client(at) as client:
            await client.subscribe("books", instId="BTC-USDT")
            await client.receive_from("books")
            clock[0] += 30_001
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await client.receive()
            assert closed.value.rcvd is not None
            assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4004, "No data received in 30s")

    at_okx(check, clock_ms=lambda: clock[0])


def test_an_upgrade_is_announced_to_everybody():
    async def check(at: OkxVenue) -> None:
        async with Client(at) as client, Client(at, "private") as other:
            await until(lambda: at.open_connections == 2)
            at.announce_upgrade()
            for each in (client, other):
                notice = await each.event()
                assert (notice["event"], notice["code"]) == ("notice", "64008")

    at_okx(check)


def test_a_fourth_connection_within_a_second_is_refused():
    async def check() -> None:
        async with serving("okx", clock_ms=lambda: NOW_MS) as exchange:
            at = exchange.venues["okx"]
            clients = [Client(at) for _ in range(CONNECTS.limit)]
            for client in clients:
                await client.__aenter__()
            with pytest.raises(websockets.InvalidStatus) as refused:
                await Client(at).__aenter__()
            assert refused.value.response.status_code == 429
            for client in clients:
                await client.__aexit__()

    in_loop(check)


def test_480_subscriptions_an_hour_are_allowed_to_a_connection():
    async def check(at: OkxVenue) -> None:
        async with Client(at) as client:
            arg = {"channel": "status"}
            for _ in range(480):
                assert (await client.ask("subscribe", arg))["event"] == "subscribe"
            assert (await client.ask("subscribe", arg))["code"] == "60014"

    at_okx(check)


@given(gaps=st.lists(st.integers(0, 700), max_size=60))
def test_no_window_ever_holds_more_than_its_limit(gaps):
    windows, now, taken = Windows[str](CONNECTS), 0, []
    for gap in gaps:
        now += gap
        if windows.take("a", now):
            taken.append(now)
        recent = [time for time in taken if time > now - CONNECTS.period_ms]
        assert len(recent) <= CONNECTS.limit
        assert taken[-1:] == [now] or len(recent) == CONNECTS.limit


@pytest.mark.parametrize(
    "message", ["{", "[]", "5", '"ping"', '{"op":5,"args":[]}', '{"args":[]}', "", '{"op":"subscribe","args":[1]}']
)
def test_nonsense_is_refused_and_the_connection_lives_on(message):
    async def check(at: OkxVenue) -> None:
        fill_book(at)
        async with Client(at) as client:
            await client.socket.send(message)
            refused = await client.event()
            assert (refused["event"], refused["code"]) == ("error", "60012")
            assert (await client.subscribe("books", instId="BTC-USDT"))["event"] == "subscribe"

    at_okx(check)
