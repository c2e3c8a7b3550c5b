"""A recording as the market: frames verbatim, snapshots when their time has come, orders filled from its book."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import NamedTuple

import pytest

from an_instrument import an_instrument
from graphwiz_trader.backtest.recordings import Recording
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.venues.simulated.recording import RecordingMarket
from oracle.books import final_books
from patience import PATIENCE_S
from recordings import SPOT_ETH, need
from venues.simulated.clients import Client, get, in_loop, serving, until

START_NS = 1_723_161_253_000_000_000


class Frame(NamedTuple):
    time_ns: int
    exchange: str
    payload: bytes
    snapshot_of: str = ""


INSTRUMENTS = Instruments([an_instrument(0, "binance", "BTC/USDT", "0.01", "0.00000001", size_step_lots=1_000)])
STREAMS = "/stream?streams=btcusdt@depth@100ms/btcusdt@bookTicker"
DEPTH = "/api/v3/depth?symbol=BTCUSDT"


def levels(pairs) -> str:
    return ",".join(f'["{price}.00000000","{size}.00000000"]' for price, size in pairs)


def depth(at_ms: int, first: int, last: int, bids=(), asks=()) -> Frame:
    payload = (
        f'{{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":{first},"u":{last},'
        f'"b":[{levels(bids)}],"a":[{levels(asks)}]}}}}'
    )
    return Frame(START_NS + at_ms * 1_000_000, "binance", payload.encode())


def snapshot(at_ms: int, last: int, bids, asks) -> Frame:
    body = f'{{"lastUpdateId":{last},"bids":[{levels(bids)}],"asks":[{levels(asks)}]}}'
    return Frame(START_NS + at_ms * 1_000_000, "binance", body.encode(), "BTCUSDT")


RECORDING = [
    depth(0, 1, 4, bids=[(99, 5)]),
    depth(10, 5, 6, asks=[(101, 2)]),
    snapshot(20, 6, bids=[(99, 5), (98, 7)], asks=[(101, 2), (103, 9)]),
    depth(30, 7, 9, asks=[(102, 4)]),
    Frame(START_NS + 40_000_000, "binance", b'{"stream":"btcusdt@bookTicker","data":{"damaged'),
    Frame(START_NS + 45_000_000, "binance", b"no frame at all"),
    depth(50, 10, 11, bids=[(99, 0), (100, 1)]),
]
STREAMED = [frame for frame in RECORDING if not frame.snapshot_of]


def held(frames):
    """The same recording, with a gate before its last frame."""
    gate = asyncio.Event()

    class Gated(RecordingMarket):
        async def _happen(self, frame, clock_ms, pace):
            if frame is frames[-1]:
                await gate.wait()
            await super()._happen(frame, clock_ms, pace)

    return Gated(frames, INSTRUMENTS, speed=None), gate


def play(test, *, frames=tuple(RECORDING), speed=None):
    async def run():
        market = RecordingMarket(frames, INSTRUMENTS, speed=speed)
        async with serving("binance", market=market, instruments=INSTRUMENTS) as exchange:
            await test(exchange, market)

    in_loop(run)


async def fetch_snapshot(base: str) -> dict:
    """As a client does: ask until there is one."""
    while True:
        answer = await get(base, DEPTH)
        if answer.status_code == 200:
            return answer.json()
        assert (answer.status_code, answer.json()["code"]) == (503, -1001)


def test_every_frame_arrives_verbatim_and_in_order_and_then_it_says_so():
    async def check(exchange, market):
        urls = exchange.urls["binance"]
        async with Client(urls.stream + STREAMS) as client:
            assert (await fetch_snapshot(urls.rest))["lastUpdateId"] == 6
            received = [await client.socket.recv(decode=False) for _ in STREAMED]
            await asyncio.wait_for(market.finished.wait(), PATIENCE_S)
            assert received == [frame.payload for frame in STREAMED]
            assert market.frames_sent == {"binance": len(STREAMED)}

    play(check)


def test_a_raw_connection_gets_the_payload_without_its_envelope():
    async def check(exchange, _market):
        urls = exchange.urls["binance"]
        async with Client(urls.stream + "/ws/btcusdt@depth@100ms") as client:
            await fetch_snapshot(urls.rest)
            assert (await client.receive())["U"] == 1

    play(check)


def bare(frame):
    """As a recorder of a raw connection has it."""
    payload = frame.payload
    if frame.snapshot_of or not payload.startswith(b'{"stream":"btcusdt@depth'):
        return frame
    return frame._replace(payload=payload[payload.index(b'{"e"') : -1])


@pytest.mark.parametrize(
    "frames",
    [
        [bare(frame) for frame in RECORDING],
        [frame._replace(payload=frame.payload.replace(b"@depth@100ms", b"@depth")) for frame in RECORDING],
        [frame._replace(payload=frame.payload.replace(b'{"stream":"', b'{ "stream" : "')) for frame in RECORDING],
    ],
    ids=["no envelope", "another interval", "white space"],
)
def test_frames_go_to_who_follows_the_same_as_what_was_recorded(frames):
    async def check(exchange, _market):
        urls = exchange.urls["binance"]
        async with Client(urls.stream + "/stream?streams=btcusdt@depth@100ms") as client:
            await fetch_snapshot(urls.rest)
            received = []
            while len(received) < 4:
                frame = await client.socket.recv(decode=False)
                if b"depthUpdate" in frame:
                    received.append(json.loads(frame))
        assert [frame["stream"] for frame in received] == ["btcusdt@depth@100ms"] * 4
        assert [frame["data"]["u"] for frame in received] == [4, 6, 9, 11]

    play(check, frames=frames)


def test_partial_depth_goes_to_nobody_who_follows_the_books_updates():
    partial = RECORDING[0]._replace(payload=RECORDING[0].payload.replace(b"@depth@100ms", b"@depth5@100ms"))

    async def check(exchange, _market):
        urls = exchange.urls["binance"]
        async with Client(urls.stream + "/stream?streams=btcusdt@depth@100ms") as client:
            assert (await client.receive())["data"]["u"] == 6

    play(check, frames=[partial, *RECORDING[1:]])


def test_it_begins_when_somebody_follows_every_book():
    async def check(exchange, market):
        async with Client(exchange.urls["binance"].stream + "/ws/btcusdt@trade"):
            for _ in range(20):
                await asyncio.sleep(0)
            assert not market.frames_sent
            async with Client(exchange.urls["binance"].stream + STREAMS):
                await until(lambda: market.frames_sent["binance"] > 0)

    play(check)


def test_there_is_no_snapshot_before_its_recorded_time():
    async def check(exchange, _market):
        answer = await get(exchange.urls["binance"].rest, DEPTH)
        assert (answer.status_code, answer.json()["code"]) == (503, -1001)

    play(check)


def test_the_recorded_snapshot_is_answered_verbatim_and_later_the_book_as_it_stands():
    async def check():
        market, gate = held(RECORDING)
        async with serving("binance", market=market, instruments=INSTRUMENTS) as exchange:
            urls = exchange.urls["binance"]
            async with Client(urls.stream + STREAMS):
                first = await fetch_snapshot(urls.rest)
                assert first == json.loads(RECORDING[2].payload)
                await until(lambda: market.frames_sent["binance"] == len(STREAMED) - 1)
                later = (await get(urls.rest, DEPTH)).json()
                assert later["lastUpdateId"] == 9
                assert [float(price) for price, _ in later["asks"]] == [101, 102, 103]
                gate.set()
                await asyncio.wait_for(market.finished.wait(), PATIENCE_S)

    in_loop(check)


def test_recorded_time_stands_still_until_the_snapshot_has_been_fetched():
    async def check(exchange, market):
        urls = exchange.urls["binance"]
        async with Client(urls.stream + STREAMS) as client:
            await client.receive()
            await client.receive()
            for _ in range(1_000):
                await asyncio.sleep(0)
            assert market.frames_sent["binance"] == 2
            await fetch_snapshot(urls.rest)
            await asyncio.wait_for(market.finished.wait(), PATIENCE_S)

    play(check)


def test_the_pace_is_the_recorded_one_times_the_speed():
    async def check(exchange, market):
        urls, loop = exchange.urls["binance"], asyncio.get_running_loop()
        async with Client(urls.stream + STREAMS) as client:
            await client.receive()
            began = loop.time()
            await fetch_snapshot(urls.rest)
            await asyncio.wait_for(market.finished.wait(), PATIENCE_S)
            assert loop.time() - began >= 0.1

    # 50 ms at a tenth of the pace: at least the 30 ms after the snapshot take 300.
    play(check, speed=0.1)


def test_an_order_takes_the_visible_levels_within_its_limit_once():
    async def check():
        market, gate = held(RECORDING)
        async with serving("binance", market=market, instruments=INSTRUMENTS) as exchange:
            urls = exchange.urls["binance"]
            async with Client(urls.stream + STREAMS), Client(urls.orders) as client:
                await fetch_snapshot(urls.rest)
                await until(lambda: market.frames_sent["binance"] == len(STREAMED) - 1)
                first = (await client.place(price="102.00", quantity="3", timeInForce="IOC"))["result"]
                assert [(f["price"], f["qty"]) for f in first["fills"]] == [
                    ("101.00000000", "2.00000000"),
                    ("102.00000000", "1.00000000"),
                ]
                second = (await client.place(price="102.00", quantity="9", timeInForce="IOC"))["result"]
                assert (second["status"], second["executedQty"]) == ("EXPIRED", "3.00000000")
                assert (await client.place(price="102.00", quantity="1", timeInForce="FOK"))["result"]["fills"] == []
                gate.set()

    in_loop(check)


def test_a_resting_order_is_filled_as_maker_when_the_recorded_market_comes_to_it():
    last = depth(60, 12, 13, asks=[(100, 3)], bids=[(100, 0)])

    async def check():
        market, gate = held([*RECORDING, last])
        async with serving("binance", market=market, instruments=INSTRUMENTS) as exchange:
            urls = exchange.urls["binance"]
            async with Client(urls.stream + STREAMS), Client(urls.orders) as client:
                await client.signed("userDataStream.subscribe.signature")
                await fetch_snapshot(urls.rest)
                await until(lambda: market.frames_sent["binance"] == len(STREAMED))
                placed = (await client.place(price="100.50", quantity="1"))["result"]
                assert placed["status"] == "NEW"
                gate.set()
                fill = None
                while fill is None:
                    event = (await client.receive())["event"]
                    fill = event if event.get("x") == "TRADE" else None
                assert (fill["X"], fill["L"], fill["m"]) == ("FILLED", "100.50000000", True)

    in_loop(check)


def test_an_order_finds_nothing_while_the_book_is_not_to_be_trusted():
    async def check(exchange, _market):
        async with Client(exchange.urls["binance"].orders) as client:
            placed = (await client.place(price="102.00", quantity="1", timeInForce="IOC"))["result"]
            assert (placed["status"], placed["fills"]) == ("EXPIRED", [])

    play(check)


def test_a_speed_is_above_nothing():
    with pytest.raises(ValueError, match="above 0"):
        RecordingMarket([], INSTRUMENTS, speed=0)


@pytest.mark.slow
@pytest.mark.recorded
def test_a_real_recording_arrives_whole_and_leaves_the_venue_with_the_oracles_book():
    path = need(SPOT_ETH.files[0])
    recording = Recording({"binance": [path]})
    instruments = Instruments([an_instrument(0, "binance", "ETH/USDT", SPOT_ETH.tick_size, SPOT_ETH.lot_size)])
    frames = list(recording.frames())
    streamed = [frame.payload for frame in frames if not frame.snapshot_of]
    streams = "/stream?streams=ethusdt@depth@100ms/ethusdt@bookTicker/ethusdt@trade"

    async def run():
        market = RecordingMarket(frames, instruments, speed=None)
        async with serving("binance", market=market, instruments=instruments) as exchange:
            urls = exchange.urls["binance"]
            async with Client(urls.stream + streams) as client:
                answer = asyncio.create_task(get(urls.rest, "/api/v3/depth?symbol=ETHUSDT&limit=5000"))
                received = []
                while len(received) < len(streamed):
                    if answer.done() and answer.result().status_code != 200:
                        answer = asyncio.create_task(get(urls.rest, "/api/v3/depth?symbol=ETHUSDT&limit=5000"))
                    received.append(await client.socket.recv(decode=False))
                assert received == streamed
                await asyncio.wait_for(market.finished.wait(), PATIENCE_S)
            book = (await get(urls.rest, "/api/v3/depth?symbol=ETHUSDT&limit=5000")).json()
        oracle = final_books([path], "spot")["ETHUSDT"]
        for name, side, reverse in (("bids", oracle.bids, True), ("asks", oracle.asks, False)):
            expected = sorted(side.items(), reverse=reverse)[:100]
            assert [(Decimal(price), Decimal(size)) for price, size in book[name]][:100] == expected

    in_loop(run)
