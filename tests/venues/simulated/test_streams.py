"""The public streams: frames as the real venue writes them, books that can be rebuilt from them, control messages."""

from __future__ import annotations

import gzip
import json
import random
import re
from decimal import Decimal

import pytest

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.venues.simulated.binance.flavours import FLAVOURS
from graphwiz_trader.venues.simulated.binance.server import BinanceVenue
from graphwiz_trader.venues.simulated.defaults import default_instruments
from graphwiz_trader.venues.simulated.matching import MatchingEngine
from recordings import need
from venues.simulated.clients import Client, get, in_loop, now_ms, serving, until
from venues.simulated.house import NOW_MS, Listener, quote


def still_venue(exchange: str) -> BinanceVenue:
    instruments = default_instruments([exchange])
    return BinanceVenue(FLAVOURS[exchange], instruments, lambda _: MatchingEngine(), clock_ms=lambda: NOW_MS)


def follow(at: BinanceVenue, *streams: str) -> Listener:
    listener = Listener()
    for stream in streams:
        at.hub.subscribe(stream, listener)
    return listener


def shape(value):
    """A frame without its values: names in their order, and how many decimals numbers have."""
    if isinstance(value, dict):
        return [(name, shape(each)) for name, each in value.items() if name not in ("b", "a") or isinstance(each, str)]
    if isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?", value):
        return f"{len(value.partition('.')[2])} decimals"
    return type(value).__name__ if not isinstance(value, str) else "text"


def recorded(name: str) -> dict[str, dict]:
    """The first frame of each kind, and the snapshot."""
    found = {}
    with gzip.open(need(name)) as lines:
        for line in lines:
            frame = json.loads(line.split(b" ", 1)[1])
            kind = frame["stream"].split("@")[1] if "stream" in frame else "snapshot"
            found.setdefault(kind, frame)
            if len(found) == 4:
                return found
    raise AssertionError(f"{name} lacks a kind of frame: {sorted(found)}")


@pytest.mark.recorded
@pytest.mark.parametrize(
    ("exchange", "file", "depth"),
    [
        ("binance", "binance/spot_btcusdt_20240808.jsonl.gz", "depth"),
        ("binanceusdm", "binance/usdm_btcusdt_20240808.jsonl.gz", "depth@0ms"),
    ],
)
def test_frames_have_the_recorded_fields_in_their_order_with_their_decimals(exchange, file, depth):
    at = still_venue(exchange)
    real = recorded(file)
    stream = "btcusdt@depth@100ms" if exchange == "binance" else "btcusdt@depth@0ms"
    listener = follow(at, stream, "btcusdt@bookTicker", "btcusdt@trade")
    quote(at.venue, Side.SELL, 6_180_000 if exchange == "binance" else 618_000, 10)
    quote(at.venue, Side.BUY, 6_170_000 if exchange == "binance" else 617_000, 10)
    quote(at.venue, Side.BUY, 6_180_000 if exchange == "binance" else 618_000, 1)
    at.venue.publish(NOW_MS)
    at.streams.flush(NOW_MS)
    made = {json.loads(frame)["stream"].split("@")[1]: json.loads(frame) for frame in listener.frames}
    assert sorted(made) == ["bookTicker", "depth", "trade"]
    for kind, frame in made.items():
        for since_2026 in ("ps", "st"):
            frame["data"].pop(since_2026, None)
        assert shape(frame) == shape(real[kind]), kind
    level, real_level = made["depth"]["data"]["b"][0], real["depth"]["data"]["b"][0]
    assert [shape(text) for text in level] == [shape(text) for text in real_level]
    snapshot = json.loads(at.public.depth(_Asked(symbol="BTCUSDT"), NOW_MS))
    assert list(snapshot) == list(real["snapshot"])
    assert [shape(text) for text in snapshot["bids"][0]] == [shape(text) for text in real["snapshot"]["bids"][0]]


def _Asked(**texts):  # noqa: N802  # reads as the class it makes
    from graphwiz_trader.venues.simulated.binance.parameters import Parameters

    return Parameters(texts)


def stir(at: BinanceVenue, rng: random.Random, open_orders: list[int]) -> None:
    """One random action of the market."""
    book = at.venue.books["BTCUSDT"]
    if open_orders and rng.random() < 0.4:
        order_id = open_orders.pop(rng.randrange(len(open_orders)))
        if order_id in book.matcher:
            at.venue.cancel_for_market(book, order_id)
    else:
        side, price = rng.choice(list(Side)), rng.randint(61_700, 61_740) * 100
        placed = at.venue.place_for_market(book, side, price, rng.randint(1, 50), TimeInForce.GTC, NOW_MS)
        if placed:
            open_orders.append(placed)


def apply(book: dict[str, dict[str, str]], frame: dict) -> None:
    for side in ("b", "a"):
        for price, size in frame[side]:
            if float(size):
                book[side][price] = size
            else:
                book[side].pop(price, None)


@pytest.mark.parametrize("exchange", ["binance", "binanceusdm"])
@pytest.mark.parametrize("snapshot_after", [0, 7, 100])
def test_a_book_rebuilt_by_the_venues_own_rule_equals_the_venues_book(exchange, snapshot_after):
    """Buffer, snapshot, drop what is older, chain the rest: spot by ``U``, USD-M by ``pu``."""
    rng, at, open_orders = random.Random(snapshot_after), still_venue(exchange), []
    for _ in range(200):
        stir(at, rng, open_orders)
    at.venue.publish(NOW_MS)
    listener = follow(at, "btcusdt@depth@100ms" if exchange == "binance" else "btcusdt@depth@0ms")
    clock_ms, snapshot = NOW_MS, {}
    for step in range(600):
        stir(at, rng, open_orders)
        clock_ms += rng.randint(1, 60)
        at.venue.publish(clock_ms)
        at.streams.flush(clock_ms)
        if step == snapshot_after:
            snapshot = json.loads(at.public.depth(_Asked(symbol="BTCUSDT", limit="1000"), clock_ms))
    at.streams.flush(clock_ms + 1_000)
    book = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}
    last, chained = snapshot["lastUpdateId"], 0
    for frame in listener.data():
        if frame["u"] <= last:
            continue
        if exchange == "binance":
            assert frame["U"] <= last + 1
        elif chained:
            assert frame["pu"] == last
        else:
            assert frame["U"] <= last + 1 <= frame["u"] + 1
        apply(book, frame)
        last, chained = frame["u"], chained + 1
    assert chained > 100
    final = json.loads(at.public.depth(_Asked(symbol="BTCUSDT", limit="1000"), clock_ms))
    assert final["lastUpdateId"] == last
    assert book == {"b": dict(final["bids"]), "a": dict(final["asks"])}


def test_the_immediate_stream_tells_every_change_and_the_slower_one_the_last_of_an_interval():
    at = still_venue("binanceusdm")
    fast, slow = follow(at, "btcusdt@depth@0ms"), follow(at, "btcusdt@depth@100ms")
    for lots in (1, 2, 3):
        quote(at.venue, Side.BUY, 617_000, lots)
        at.venue.publish(NOW_MS)
        at.streams.flush(NOW_MS + lots)
    assert [frame["b"] for frame in fast.data()] == [[["61700.00", s]] for s in ("0.001", "0.003", "0.006")]
    assert [frame["u"] for frame in slow.data()] == [1]
    at.streams.flush(NOW_MS + 100)
    assert [(frame["U"], frame["u"], frame["pu"], frame["b"]) for frame in slow.data()[1:]] == [
        (2, 3, 1, [["61700.00", "0.006"]])
    ]


def test_the_interval_of_the_spot_depth_stream_can_be_set():
    at = BinanceVenue(
        FLAVOURS["binance"],
        default_instruments(["binance"]),
        lambda _: MatchingEngine(),
        clock_ms=lambda: NOW_MS,
        spot_depth_interval_ms=0,
    )
    listener = follow(at, "btcusdt@depth@100ms")
    quote(at.venue, Side.BUY, 6_170_000, 1)
    at.venue.publish(NOW_MS)
    quote(at.venue, Side.BUY, 6_170_000, 1)
    at.venue.publish(NOW_MS)
    assert len(listener.frames) == 2


def test_a_second_subscription_to_a_stream_loses_nothing():
    at = still_venue("binance")
    listener = follow(at, "btcusdt@depth@100ms")
    quote(at.venue, Side.BUY, 6_170_000, 1)
    at.venue.publish(NOW_MS)
    at.hub.subscribe("btcusdt@depth@100ms", listener)
    at.streams.flush(NOW_MS)
    assert [(frame["U"], frame["u"]) for frame in listener.data()] == [(1, 1)]


def test_dropped_depth_frames_leave_a_gap_in_the_sequence():
    at = still_venue("binanceusdm")
    listener = follow(at, "btcusdt@depth@0ms")
    at.faults.drop_depth("BTCUSDT", 2)
    for lots in range(1, 5):
        quote(at.venue, Side.BUY, 617_000, lots)
        at.venue.publish(NOW_MS)
    assert [(frame["pu"], frame["u"]) for frame in listener.data()] == [(2, 3), (3, 4)]


def test_raw_connections_get_bare_payloads_and_combined_ones_the_envelope():
    async def run():
        async with serving() as exchange:
            at, urls = exchange.venues["binance"], exchange.urls["binance"]
            async with (
                Client(f"{urls.stream}/ws/btcusdt@bookTicker") as raw,
                Client(f"{urls.stream}/stream?streams=btcusdt@bookTicker/ethusdt@bookTicker") as combined,
            ):
                await until(lambda: len(at.hub.subscribers("btcusdt@bookTicker")) == 2)
                quote(at.venue, Side.BUY, 6_170_000, 1)
                at.venue.publish(NOW_MS)
                frame = await raw.receive()
                assert frame["b"] == "61700.00000000"
                assert await combined.receive() == {"stream": "btcusdt@bookTicker", "data": frame}

    in_loop(run)


def test_streams_are_subscribed_listed_and_unsubscribed_over_the_socket():
    async def run():
        async with serving() as exchange, Client(f"{exchange.urls['binance'].stream}/ws") as client:
            at = exchange.venues["binance"]
            assert await client.ask("SUBSCRIBE", ["btcusdt@trade", "btcusdt@depth"]) == {"result": None, "id": 1}
            listed = {"result": ["btcusdt@trade", "btcusdt@depth"], "id": 2}
            assert await client.ask("LIST_SUBSCRIPTIONS") == listed
            assert await client.ask("UNSUBSCRIBE", ["btcusdt@trade"]) == {"result": None, "id": 3}
            assert not at.hub.has_subscribers("btcusdt@trade")
            assert await client.ask("GET_PROPERTY", ["combined"]) == {"result": False, "id": 4}
            assert await client.ask("SET_PROPERTY", ["combined", True]) == {"result": None, "id": 5}
            assert await client.ask("GET_PROPERTY", ["combined"]) == {"result": True, "id": 6}
        await until(lambda: not at.hub.has_subscribers("btcusdt@depth"))

    in_loop(run)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("{", 3),
        ("[1]", 2),
        ('{"id":1}', 2),
        ('{"method":"SUBSCRIBE","params":"x","id":1}', 2),
        ('{"method":"SUBSCRIBE","params":[1],"id":1}', 2),
        ('{"method":"NOPE","params":[],"id":1}', 2),
        ('{"method":"SUBSCRIBE","params":[],"id":1.5}', 2),
        ('{"method":"GET_PROPERTY","params":["x"],"id":1}', 0),
        ('{"method":"SET_PROPERTY","params":["combined",1],"id":1}', 1),
        ("[" * 30_000, 3),
    ],
)
def test_a_control_message_that_is_wrong_is_answered_and_the_connection_lives(sent, code):
    async def run():
        async with serving() as exchange, Client(f"{exchange.urls['binance'].stream}/ws") as client:
            await client.socket.send(sent)
            assert (await client.receive())["error"]["code"] == code
            assert "result" in await client.ask("LIST_SUBSCRIPTIONS")

    in_loop(run)


def test_a_usdm_stream_on_the_wrong_route_is_acknowledged_but_silent():
    async def run():
        async with serving("binanceusdm") as exchange:
            at, url = exchange.venues["binanceusdm"], exchange.urls["binanceusdm"].stream
            async with Client(f"{url}/market/ws") as market, Client(f"{url}/public/stream") as public:
                for client in (market, public):
                    assert (await client.ask("SUBSCRIBE", ["btcusdt@bookTicker"]))["result"] is None
                assert len(at.hub.subscribers("btcusdt@bookTicker")) == 1
                quote(at.venue, Side.BUY, 617_000, 1)
                at.venue.publish(NOW_MS)
                assert (await public.receive())["stream"] == "btcusdt@bookTicker"

    in_loop(run)


def test_rest_answers_what_anybody_may_ask():
    async def run():
        async with serving("binance", "binanceusdm") as exchange:
            for name, prefix in (("binance", "/api/v3"), ("binanceusdm", "/fapi/v1")):
                base = exchange.urls[name].rest + prefix
                assert (await get(base, "/ping")).json() == {}
                assert abs((await get(base, "/time")).json()["serverTime"] - now_ms()) < 1_000
                info = (await get(base, "/exchangeInfo?symbol=ETHUSDT")).json()
                assert [symbol["symbol"] for symbol in info["symbols"]] == ["ETHUSDT"]
                every = (await get(base, "/exchangeInfo")).json()["symbols"]
                assert [symbol["symbol"] for symbol in every][:3] == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
                unknown = await get(base, "/depth?symbol=NOPE")
                assert (unknown.status_code, unknown.json()["code"]) == (400, -1121)
                missing = await get(base, "/depth")
                assert (missing.status_code, missing.json()["code"]) == (400, -1102)
                assert (await get(base, "/nothing")).status_code == 404

    in_loop(run)


def test_a_depth_answer_has_as_many_levels_as_asked_for():
    async def run():
        async with serving() as exchange:
            at = exchange.venues["binance"]
            for step in range(150):
                quote(at.venue, Side.BUY, 6_170_000 - step, 1)
            base = exchange.urls["binance"].rest + "/api/v3/depth?symbol=BTCUSDT"
            assert len((await get(base, "")).json()["bids"]) == 100
            assert len((await get(base, "&limit=5")).json()["bids"]) == 5
            assert len((await get(base, "&limit=99999")).json()["bids"]) == 150

    in_loop(run)


def test_the_next_snapshots_fail_as_often_as_asked():
    async def run():
        async with serving() as exchange:
            exchange.venues["binance"].faults.fail_snapshot(429, times=2)
            base = exchange.urls["binance"].rest + "/api/v3/depth?symbol=BTCUSDT"
            assert [(await get(base, "")).status_code for _ in range(3)] == [429, 429, 200]

    in_loop(run)


def test_raw_bytes_can_be_put_on_a_stream_and_every_connection_dropped():
    async def run():
        async with serving() as exchange:
            at = exchange.venues["binance"]
            async with Client(f"{exchange.urls['binance'].stream}/ws/btcusdt@trade") as client:
                await until(lambda: at.hub.has_subscribers("btcusdt@trade"))
                at.send_raw("btcusdt@trade", b'{"damaged":')
                assert await client.socket.recv() == '{"damaged":'
                at.disconnect_all()
                await client.socket.wait_closed()

    in_loop(run)


@pytest.mark.parametrize(("exchange", "path"), [("binance", "/ws"), ("binanceusdm", "/market/ws")])
def test_trades_of_one_order_at_one_price_are_told_as_one_aggregate(exchange, path):
    async def run():
        async with serving(exchange, clock_ms=lambda: NOW_MS) as served:
            at = served.venues[exchange]
            async with Client(served.urls[exchange].stream + path + "/btcusdt@aggTrade") as client:
                await until(lambda: at.hub.has_subscribers("btcusdt@aggTrade"))
                for price, lots in ((600_000, 10), (600_000, 20), (600_100, 5)):
                    quote(at.venue, Side.SELL, price, lots)
                quote(at.venue, Side.BUY, 600_100, 35)
                at.venue.publish(NOW_MS)
                first, second = await client.receive(), await client.receive()
        told = [tuple(one[name] for name in "aflm") for one in (first, second)]
        assert told == [(1, 1, 2, False), (2, 3, 3, False)]
        assert Decimal(first["q"]) == 6 * Decimal(second["q"])

    in_loop(run)
