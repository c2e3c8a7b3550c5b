"""The simulated binary streams: bytes as the schema has them, on an address of their own, for Ed25519 keys alone."""

from __future__ import annotations

import asyncio
import json
import random
import struct

import pytest
import websockets

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated import DEMO_API_KEY, Credentials
from hft.wires import binary, binary_levels
from oracle import sbe
from oracle.decoder import Rules
from patience import PATIENCE_S
from venues.binance.binary import KEY, PEM
from venues.simulated.clients import in_loop, serving
from venues.simulated.house import NOW_MS, Listener, quote
from venues.simulated.test_streams import still_venue, stir

NOW_US = NOW_MS * 1_000
CENTS, LOTS = 10**6, 10**3
"""A tick and a lot as mantissas with eight decimals."""


def follow(at, *streams):
    listener = Listener()
    for stream in streams:
        at.sbe.hub.subscribe(stream, listener)
    return listener


def test_a_best_bid_and_offer_is_written_byte_for_byte():
    at = still_venue("binance")
    listener = follow(at, "btcusdt@bestBidAsk")
    quote(at.venue, Side.BUY, 6_170_000, 5)
    at.venue.publish(NOW_MS)
    quote(at.venue, Side.SELL, 6_180_000, 7)
    at.venue.publish(NOW_MS)
    root = struct.Struct("<qqbbqqqq")
    bid = (6_170_000 * CENTS, 5 * LOTS)
    assert listener.frames == [
        binary(10001, root.pack(NOW_US, 1, -8, -8, *bid, 0, 0)),
        binary(10001, root.pack(NOW_US, 2, -8, -8, *bid, 6_180_000 * CENTS, 7 * LOTS)),
    ]


def test_depth_tells_what_has_changed_every_20_ms_and_depth20_the_top_every_50():
    at = still_venue("binance")
    changes, tops = follow(at, "btcusdt@depth"), follow(at, "btcusdt@depth20")
    for step, lots in enumerate((1, 2, 3)):
        quote(at.venue, Side.BUY, 6_170_000, lots)
        at.venue.publish(NOW_MS + 10 * step)
        at.sbe.flush(NOW_MS + 10 * step)
    at.sbe.flush(NOW_MS + 50)
    root = struct.Struct("<qqqbb")

    def diff(at_ms: int, first: int, last: int, lots: int) -> bytes:
        levels = binary_levels((6_170_000 * CENTS, lots * LOTS)) + binary_levels()
        return binary(10003, root.pack(at_ms * 1_000, first, last, -8, -8), levels)

    assert changes.frames == [diff(NOW_MS, 1, 1, 1), diff(NOW_MS + 20, 2, 3, 6)]
    assert [struct.unpack_from("<HHHHqq", frame)[1:6:2] for frame in tops.frames] == [
        (10002, 0, 1), (10002, 0, 3),
    ]  # fmt: skip


def test_trades_of_one_moment_are_one_message_in_their_order():
    at = still_venue("binance")
    listener = follow(at, "btcusdt@trade")
    for price in (6_170_000, 6_170_100):
        quote(at.venue, Side.SELL, price, 2)
    quote(at.venue, Side.BUY, 6_180_000, 4)
    at.venue.publish(NOW_MS)
    (frame,) = listener.frames
    entries = b"".join(
        struct.pack("<qqqB", number, price * CENTS, 2 * LOTS, 0) for number, price in ((1, 6_170_000), (2, 6_170_100))
    )
    assert frame == binary(10000, struct.pack("<qqbb", NOW_US, NOW_US, -8, -8), struct.pack("<HI", 25, 2) + entries)


def test_a_book_rebuilt_by_spot_s_rule_from_binary_messages_equals_the_venue_s_book():
    rng, at, orders = random.Random(5), still_venue("binance"), list[int]()
    for _ in range(200):
        stir(at, rng, orders)
    at.venue.publish(NOW_MS)
    listener, clock_ms = follow(at, "btcusdt@depth"), NOW_MS
    book = at.venue.books["BTCUSDT"]
    last, sides = book.update_id, [dict(book.matcher.levels(side, 10_000)) for side in (Side.BUY, Side.SELL)]
    for _ in range(600):
        stir(at, rng, orders)
        clock_ms += rng.randint(1, 60)
        at.venue.publish(clock_ms)
        at.sbe.flush(clock_ms)
    at.sbe.flush(clock_ms + 1_000)
    assert len(listener.frames) > 100
    for frame in listener.frames:
        event = sbe.decode(frame, {"BTCUSDT": Rules("0.01", "0.00001", futures=False)})
        assert isinstance(event, sbe.Depth)
        assert event.first_id <= last + 1
        for side, levels in zip(sides, (event.bids, event.asks), strict=True):
            side.update(levels)
        last = event.final_id
    rebuilt = [{price: lots for price, lots in side.items() if lots} for side in sides]
    assert rebuilt == [dict(book.matcher.levels(side, 10_000)) for side in (Side.BUY, Side.SELL)]


async def opened(url: str, key: str | None):
    return await websockets.connect(url, additional_headers={} if key is None else {"X-MBX-APIKEY": key})


def serving_a_holder_of_an_ed25519_key():
    return serving("binance", accounts={"binance": Credentials(KEY, PEM)})


def test_data_is_binary_without_envelope_and_all_else_is_text():
    async def check() -> None:
        async with serving_a_holder_of_an_ed25519_key() as exchange:
            urls = exchange.urls["binance"]
            assert urls.stream_sbe == f"{urls.stream}/sbe"
            for path in ("/ws/btcusdt@bestBidAsk", "/stream?streams=btcusdt@bestBidAsk"):
                async with await opened(urls.stream_sbe + path, KEY) as socket:
                    await socket.send('{"id":1,"method":"SUBSCRIBE","params":["ethusdt@depth"]}')
                    assert json.loads(await socket.recv()) == {"result": None, "id": 1}
                    quote(exchange.venues["binance"].venue, Side.BUY, 6_170_000, 1)
                    exchange.venues["binance"].venue.publish(NOW_MS)
                    data = await asyncio.wait_for(socket.recv(), PATIENCE_S)
                    assert isinstance(data, bytes)
                    assert struct.unpack_from("<HHHH", data) == (50, 10001, 1, 0)
                    for connection in exchange.venues["binance"].front.connections:
                        connection.announce_shutdown(NOW_MS)
                    notice = await asyncio.wait_for(socket.recv(), PATIENCE_S)
                    assert isinstance(notice, str)
                    assert "serverShutdown" in notice

    in_loop(check)


@pytest.mark.parametrize(
    ("key", "code"),
    [(None, -2014), ("two words", -2014), ("unknown", -2015), (DEMO_API_KEY, -2015)],
    ids=["none", "no key's form", "unknown", "an HMAC key"],
)
def test_who_has_no_ed25519_key_is_turned_away_at_the_door(key, code):
    async def check() -> None:
        async with serving("binance") as exchange:
            with pytest.raises(websockets.InvalidStatus) as refused:
                await opened(exchange.urls["binance"].stream_sbe + "/ws/btcusdt@depth", key)
            assert refused.value.response.status_code == 401
            assert json.loads(refused.value.response.body)["code"] == code

    in_loop(check)


def test_usdm_and_coinm_have_no_binary_streams():
    async def check() -> None:
        async with serving("binanceusdm", "binancecoinm") as exchange:
            for urls in exchange.urls.values():
                assert urls.stream_sbe == ""
                with pytest.raises(websockets.InvalidStatus) as refused:
                    await opened(f"{urls.stream}/sbe/ws", KEY)
                assert refused.value.response.status_code == 404

    in_loop(check)
