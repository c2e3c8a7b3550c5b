"""Every fault as a client sees it: over real sockets, armed at a venue that serves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated import SimulatedExchange
from graphwiz_trader.venues.simulated.faults import Fault, FaultPlan
from graphwiz_trader.venues.simulated.faults.kinds import KINDS, Delay
from patience import PATIENCE_S
from venues.simulated.clients import Client, get, in_loop, serving, until
from venues.simulated.house import quote

DEPTH = "btcusdt@depth@100ms"
SOON_S = 0.3
"""How long a client listens to be sure that nothing comes."""


class Desk:
    """A spot venue whose book moves when told, and a client that follows it."""

    def __init__(self, exchange: SimulatedExchange) -> None:
        self.exchange = exchange
        self.at = exchange.venues["binance"]
        self.urls = self.at.urls
        self._price = 6_000_000

    def arm(self, fault: str, **named: Any) -> None:
        self.at.faults.add(Fault(fault=fault, **named))

    def move(self, times: int = 1) -> None:
        """Each move is one depth event by the next flush, and one change of the best bid."""
        for _ in range(times):
            self._price += 1
            quote(self.at.venue, Side.BUY, self._price, 10)
            self.at.venue.publish(0)
            self.at.flush(10**15 + self._price * 1_000)

    @asynccontextmanager
    async def follow(self, *streams: str) -> AsyncIterator[websockets.ClientConnection]:
        known = self.at.open_connections
        address = f"{self.urls.stream}/stream?streams={'/'.join(streams or (DEPTH,))}"
        # To say goodbye on a connection that is half open takes the client four times as long as this.
        async with websockets.connect(address, close_timeout=SOON_S) as socket:
            await until(lambda: self.at.open_connections > known)
            yield socket


def with_desk(test):
    def run():
        async def body():
            async with serving("binance") as exchange:
                await test(Desk(exchange))

        in_loop(body)

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


async def updates(socket: websockets.ClientConnection, count: int) -> list[tuple[int, int]]:
    """(first, last) ids of the next depth events."""
    events = [json.loads(await asyncio.wait_for(socket.recv(), PATIENCE_S))["data"] for _ in range(count)]
    return [(event["U"], event["u"]) for event in events]


async def hears_nothing(socket: websockets.ClientConnection) -> bool:
    try:
        await asyncio.wait_for(socket.recv(), SOON_S)
    except TimeoutError:
        return True
    return False


@with_desk
async def test_a_disconnect_drops_the_connection_without_a_word_and_a_new_one_works(desk):
    async with desk.follow() as socket:
        desk.arm("disconnect")
        desk.move()
        with pytest.raises(websockets.ConnectionClosedError) as closed:
            await asyncio.wait_for(socket.recv(), PATIENCE_S)
        assert closed.value.rcvd is None
    async with desk.follow() as socket:
        desk.move()
        assert await updates(socket, 1)


@with_desk
async def test_a_connection_can_be_made_to_drop_at_a_time_by_its_path(desk):
    async with desk.follow() as socket, Client(desk.urls.orders) as orders:
        desk.arm("disconnect", channel="/stream", at_s=(0.0,))
        with pytest.raises(websockets.ConnectionClosedError):
            await asyncio.wait_for(socket.recv(), PATIENCE_S)
        assert (await orders.ask("ping"))["status"] == 200


@with_desk
async def test_a_half_open_connection_answers_no_ping_and_stays_open(desk):
    async with desk.follow() as socket:
        desk.arm("half_open", at_s=(0.0,))
        await until(lambda: desk.at.faults.armed[0].fired == 1)
        pong = await socket.ping()
        desk.move()
        assert await hears_nothing(socket)
        assert not pong.done()
        assert desk.at.open_connections == 1
        socket.transport.abort()  # nobody would answer a close


@with_desk
async def test_a_dropped_message_never_comes(desk):
    async with desk.follow() as socket:
        desk.arm("drop", after=1)
        desk.move(3)
        (_, first), (third, _) = await updates(socket, 2)
        assert third == first + 2


@with_desk
async def test_a_duplicated_message_comes_twice(desk):
    async with desk.follow() as socket:
        desk.arm("duplicate")
        desk.move(2)
        one, again, two = await updates(socket, 3)
        assert one == again != two


@with_desk
async def test_a_reordered_message_comes_after_the_next_one_or_alone_after_a_while(desk):
    async with desk.follow() as socket:
        desk.arm("reorder", count=1)
        desk.move(2)
        second, first = await updates(socket, 2)
        assert second[0] == first[1] + 1
        desk.arm("reorder", delay_ms=Delay("fixed", 20))
        desk.move()
        assert await updates(socket, 1)


@with_desk
async def test_a_delayed_message_comes_late_and_what_follows_waits_behind_it(desk):
    async with desk.follow() as socket:
        desk.arm("delay", delay_ms=Delay("fixed", 150))
        began = asyncio.get_running_loop().time()
        desk.move(2)
        first, second = await updates(socket, 2)
        assert asyncio.get_running_loop().time() - began > 0.149, "a loop counts whole milliseconds"
        assert second[0] == first[1] + 1


@with_desk
async def test_a_gap_is_one_for_everybody(desk):
    async with desk.follow() as one, desk.follow() as two:
        desk.at.faults.drop_depth("BTCUSDT", 1)
        desk.move(2)
        missed = await updates(one, 1)
        assert await updates(two, 1) == missed
        assert missed[0][0] > 1


@with_desk
async def test_a_stale_book_stops_while_other_streams_and_pings_go_on(desk):
    async with desk.follow(DEPTH, "btcusdt@trade") as socket:
        desk.arm("stale_book", for_s=60)
        desk.move(2)
        quote(desk.at.venue, Side.SELL, 6_000_000, 5)
        desk.at.venue.publish(0)
        assert json.loads(await asyncio.wait_for(socket.recv(), PATIENCE_S))["data"]["e"] == "trade"
        await asyncio.wait_for(await socket.ping(), PATIENCE_S)
        assert await hears_nothing(socket)


@pytest.mark.parametrize(("status", "code"), [(429, -1003), (418, -1003), (503, -1001), (500, -1001)])
def test_a_status_is_answered_in_the_venues_words(status, code):
    @with_desk
    async def run(desk):
        desk.arm("http_status", status=status, retry_after_s=3, channel="GET /api/*")
        answer = await get(desk.urls.rest, "/api/v3/time")
        assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (status, code, "3")
        assert (await get(desk.urls.rest, "/api/v3/time")).status_code == 200

    run()


@with_desk
async def test_a_handshake_can_be_refused(desk):
    desk.arm("http_status", status=503, channel="GET /stream")
    with pytest.raises(websockets.InvalidStatus, match="503"):
        async with desk.follow():
            pass


@with_desk
async def test_an_answer_over_rest_can_be_late_or_lost(desk):
    desk.arm("delay", delay_ms=Delay("fixed", 150), channel="GET *time")
    began = asyncio.get_running_loop().time()
    await get(desk.urls.rest, "/api/v3/time")
    assert asyncio.get_running_loop().time() - began > 0.149
    desk.arm("lost_answer", channel="GET *time")
    with pytest.raises(httpx.RemoteProtocolError):
        await get(desk.urls.rest, "/api/v3/time")


@with_desk
async def test_an_order_whose_answer_is_lost_was_placed(desk):
    async with Client(desk.urls.orders) as client:
        desk.arm("lost_answer", channel="order.place")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.place(price="50000.00", quantity="0.002", newClientOrderId="mine"), SOON_S)
        found = await client.signed("order.status", symbol="BTCUSDT", origClientOrderId="mine")
        assert found["result"]["status"] == "NEW"


@pytest.mark.parametrize("processed", [True, False])
def test_an_unknown_outcome_may_mean_either(processed):
    @with_desk
    async def run(desk):
        async with Client(desk.urls.orders) as client:
            desk.arm("unknown_outcome", channel="order.place", processed=processed)
            answer = await client.place(price="50000.00", quantity="0.002", newClientOrderId="mine")
            assert (answer["status"], answer["error"]["code"]) == (503, -1007)
            found = await client.signed("order.status", symbol="BTCUSDT", origClientOrderId="mine")
            assert (found["status"] == 200) is processed

    run()


@pytest.mark.parametrize(
    ("says", "code", "words"),
    [
        ("timeout", -1007, "Timeout waiting for response from backend server."),
        ("unexpected", -1006, "An unexpected response was received from the message bus."),
        ("busy", -1000, "Unknown error, please check your request or try again later."),
    ],
)
@pytest.mark.parametrize(("exchange", "path"), [("binance", "/api/v3/order"), ("binanceusdm", "/fapi/v1/order")])
def test_the_venue_has_several_words_for_an_outcome_it_does_not_know(exchange, path, says, code, words):
    async def run():
        async with serving(exchange) as served:
            at, urls = served.venues[exchange], served.urls[exchange]
            at.faults.add(Fault(fault="unknown_outcome", says=says, count=2))
            async with httpx.AsyncClient(base_url=urls.rest) as client, Client(urls.orders) as socket:
                over_rest = await client.post(path)
                over_socket = await socket.place(price="50000.00", quantity="0.002")
            assert over_rest.status_code == over_socket["status"] == 503
            for error in (over_rest.json(), over_socket["error"]):
                assert (error["code"], error["msg"].startswith(words)) == (code, True)

    in_loop(run)


@with_desk
async def test_an_answer_comes_after_its_events(desk):
    async with Client(desk.urls.orders) as client:
        await client.signed("userDataStream.subscribe.signature")
        desk.arm("answer_after_event")
        await client.place(price="50000.00", quantity="0.002")
        assert [m["event"]["e"] for m in client.passed_over] == ["executionReport", "outboundAccountPosition"]


async def reports(client: Client, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [m["event"] for m in client.passed_over if "event" in m]
    while sum(event["e"] == "executionReport" for event in found) < count:
        message = await client.receive()
        found += [message["event"]] if "event" in message else []
    return [event for event in found if event["e"] == "executionReport"]


@with_desk
async def test_a_fill_comes_after_the_cancel_was_confirmed_and_is_paid_for(desk):
    async with Client(desk.urls.orders) as client:
        await client.signed("userDataStream.subscribe.signature")
        await client.place(price="50000.00", quantity="0.002", newClientOrderId="mine")
        desk.arm("late_fill", channel="BTCUSDT", fraction=0.5, delay_ms=Delay("fixed", 20))
        canceled = await client.signed("order.cancel", symbol="BTCUSDT", origClientOrderId="mine")
        assert (canceled["result"]["status"], canceled["result"]["executedQty"]) == ("CANCELED", "0.00000000")
        told = [(r["x"], r["X"], r["z"]) for r in await reports(client, 3)]
        assert told[1:] == [("CANCELED", "CANCELED", "0.00000000"), ("TRADE", "CANCELED", "0.00100000")]
        account = (await client.signed("account.status"))["result"]
        usdt = next(b for b in account["balances"] if b["asset"] == "USDT")
        assert (usdt["free"], usdt["locked"]) == ("999950.00000000", "0.00000000")


@with_desk
async def test_a_duplicate_fill_is_told_twice_and_booked_once(desk):
    async with Client(desk.urls.orders) as client:
        await client.signed("userDataStream.subscribe.signature")
        desk.arm("duplicate_fill")
        quote(desk.at.venue, Side.SELL, 5_000_000, 200)
        await client.place(price="50000.00", quantity="0.002")
        told = [report for report in await reports(client, 3) if report["x"] == "TRADE"]
        assert told[0] == told[1]
        trades = (await client.signed("myTrades", symbol="BTCUSDT", orderId=told[0]["i"]))["result"]
        assert len(trades) == 1


@with_desk
async def test_a_venue_whose_clock_is_behind_refuses_requests_from_its_future(desk):
    async with Client(desk.urls.orders) as client:
        desk.arm("clock_skew", skew_ms=-5_000)
        await until(lambda: desk.at.faults.armed[0].fired == 1)
        refused = await client.place(price="50000.00", quantity="0.002")
        assert refused["error"]["code"] == -1021
        desk.at.faults.clear()
        assert (await client.place(price="50000.00", quantity="0.002"))["status"] == 200


@with_desk
async def test_a_restart_drops_everybody_refuses_for_a_while_and_comes_back_with_the_orders(desk):
    async with Client(desk.urls.orders) as client, desk.follow() as socket:
        await client.place(price="50000.00", quantity="0.002", newClientOrderId="mine")
        desk.arm("restart", down_s=0.3)
        await asyncio.wait_for(socket.wait_closed(), PATIENCE_S)
        with pytest.raises(ConnectionRefusedError):
            await websockets.connect(desk.urls.orders)
    await until(lambda: desk.at.front.is_listening)
    async with Client(desk.urls.orders) as client:
        found = await client.signed("order.status", symbol="BTCUSDT", origClientOrderId="mine")
        assert found["result"]["status"] == "NEW"


@with_desk
async def test_a_shutdown_is_announced_on_every_connection_before_it_is_closed(desk):
    raw = websockets.connect(f"{desk.urls.stream}/ws/{DEPTH}")
    async with desk.follow() as combined, raw as bare, Client(desk.urls.orders) as client:
        await until(lambda: desk.at.open_connections == 3)
        desk.arm("shutdown_notice", closes_after_s=0.05)
        assert json.loads(await combined.recv())["stream"] == "!serverShutdown"
        assert json.loads(await bare.recv())["e"] == "serverShutdown"
        assert (await client.receive())["event"]["e"] == "serverShutdown"
        with pytest.raises(websockets.ConnectionClosedOK):
            await asyncio.wait_for(bare.recv(), PATIENCE_S)


def test_a_plan_is_armed_when_the_exchange_starts():
    plan = FaultPlan(7, (Fault(fault="http_status", status=429, venue="binance"),))

    async def run():
        async with serving("binance", "binanceusdm", faults=plan) as exchange:
            assert (await get(exchange.urls["binanceusdm"].rest, "/fapi/v1/time")).status_code == 200
            assert (await get(exchange.urls["binance"].rest, "/api/v3/time")).status_code == 429

    in_loop(run)


def test_the_same_seed_and_traffic_lose_the_same_messages():
    async def run() -> list[tuple[int, int]]:
        plan = FaultPlan(5, (Fault(fault="drop", channel=DEPTH, probability=0.5),))
        async with serving("binance", faults=plan) as exchange:
            desk = Desk(exchange)
            async with desk.follow() as socket:
                desk.move(40)
                desk.exchange.faults.clear()
                desk.move()
                heard = []
                while not heard or heard[-1][1] < 41:
                    heard += await updates(socket, 1)
                return heard

    async def twice():
        first = await run()
        assert first == await run()
        assert 10 < len(first) < 35

    in_loop(twice)


def test_every_kind_of_fault_is_seen_here():
    seen = Path(__file__).read_text()
    assert [name for name in KINDS if f'"{name}"' not in seen and name != "gap"] == []
