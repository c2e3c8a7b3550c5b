"""Snapshots are asked for gently: one at a time a book, with pauses that grow, and silence when it is wished for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from graphwiz_trader.venues.binance.market import SPOT
from graphwiz_trader.venues.binance.snapshots import Snapshots
from graphwiz_trader.venues.rest import RestClient, RestError
from patience import PATIENCE_S
from venues.harness import BTC, ETH, GOOD, RestVenue, Unhurried, Watched, on_uvloop


class Desk(Watched):
    """Who wants the snapshots."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[tuple[int, bytes]] = []
        self.failures: list[Exception] = []
        self.random = Unhurried()
        self.snapshots: Snapshots

    def deliver(self, book: int, body: bytes, _now_ns: int) -> None:
        self.got.append((book, body))
        self.changed()

    def fail(self, failure: Exception) -> None:
        self.failures.append(failure)
        self.changed()

    async def until_served(self, times: int) -> None:
        await self.until(lambda: len(self.got) == times)


@asynccontextmanager
async def a_desk(venue: RestVenue, desk: Desk | None = None) -> AsyncIterator[Desk]:
    desk = desk or Desk()
    async with RestClient(venue.endpoint) as rest:
        desk.snapshots = Snapshots(rest, SPOT, (BTC, ETH), deliver=desk.deliver, fail=desk.fail, random=desk.random)
        yield desk
        desk.snapshots.forget()


def symbols(asked: Sequence[str]) -> list[str]:
    return [path.partition("symbol=")[2].partition("&")[0] for path in asked]


@on_uvloop
async def test_a_snapshot_is_a_thousand_levels_of_the_book_handed_over_as_it_came():
    async with RestVenue() as venue, a_desk(venue) as desk:
        desk.snapshots.request(BTC.book)
        await desk.until_served(1)
        assert desk.got == [(BTC.book, GOOD[2])]
        assert venue.asked == ["/api/v3/depth?symbol=BTCUSDT&limit=1000"]


@on_uvloop
async def test_asking_again_while_one_is_under_way_asks_the_venue_once():
    async with RestVenue() as venue, a_desk(venue) as desk:
        venue.may_answer.clear()
        for _ in range(5):
            desk.snapshots.request(BTC.book)
            desk.snapshots.request(ETH.book)
        await venue.until(lambda: len(venue.asked) == 2)
        desk.snapshots.request(BTC.book)
        venue.may_answer.set()
        await desk.until_served(2)
        assert sorted(symbols(venue.asked)) == ["BTCUSDT", "ETHUSDT"]


@on_uvloop
async def test_a_book_may_ask_for_another_while_it_is_given_one():
    """So it does when the snapshot is older than its first update."""
    async with RestVenue() as venue:
        desk = Desk()
        deliver = desk.deliver

        def and_ask(book: int, body: bytes, now_ns: int) -> None:
            deliver(book, body, now_ns)
            if len(desk.got) < 3:
                desk.snapshots.request(book)

        desk.deliver = and_ask  # type: ignore[method-assign]
        async with a_desk(venue, desk):
            desk.snapshots.request(BTC.book)
            await desk.until_served(3)
            assert desk.random.bounds == [0.5, 1.0], "each repeated request waits longer"


@pytest.mark.parametrize("status", [500, 502, 503, 404, 301])
@on_uvloop
async def test_failures_are_followed_by_pauses_that_grow_and_one_request_each(status):
    async with RestVenue(*[(status, "", b"")] * 4) as venue, a_desk(venue) as desk:
        desk.snapshots.request(BTC.book)
        await desk.until_served(1)
        assert len(venue.asked) == 5
        assert desk.random.bounds == [0.5, 1.0, 2.0, 4.0]
        assert desk.snapshots.last_failure == f"/api/v3/depth: HTTP {status}"


@pytest.mark.parametrize("status", [429, 418])
@on_uvloop
async def test_the_venue_s_wish_for_silence_holds_for_every_book(status):
    async with RestVenue((status, "Retry-After: 1\r\n", b"")) as venue, a_desk(venue) as desk:
        desk.snapshots.request(BTC.book)
        await venue.until(lambda: len(venue.asked) == 1)
        async with asyncio.timeout(PATIENCE_S):
            while not desk.random.bounds:
                await asyncio.sleep(0)
        desk.snapshots.request(ETH.book)
        await desk.until_served(2)
        assert len(venue.asked) == 3
        assert min(venue.times[1:]) - venue.times[0] >= 1.0


@pytest.mark.parametrize(
    ("status", "headers", "pause_s"),
    [
        (429, "Retry-After: 7\r\n", 7.0),
        (418, "Retry-After: 600\r\n", 600.0),
        (429, "", 30.0),
        (418, "", 120.0),
        (429, "Retry-After: soon\r\n", 30.0),
        (429, "Retry-After: 99999999999\r\n", 3 * 24 * 3600.0),
        (503, "Retry-After: 7\r\n", 0.0),
    ],
)
@on_uvloop
async def test_how_long_to_be_silent_is_read_from_the_answer(status, headers, pause_s):
    async with RestVenue((status, headers, b"")) as venue, RestClient(venue.endpoint) as rest:
        with pytest.raises(RestError) as caught:
            await rest.get("/x", {})
        assert caught.value.pause_s == pause_s


@on_uvloop
async def test_a_venue_that_hangs_up_is_a_failure_like_another():
    async with RestVenue() as venue, RestClient(venue.endpoint) as rest:
        venue.may_answer.clear()
        asking = asyncio.create_task(rest.get("/x", {}))
        await venue.until(lambda: len(venue.asked) == 1)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    async with RestClient(venue.endpoint) as rest:
        with pytest.raises(RestError, match="/x: ConnectError"):
            await rest.get("/x", {})


@on_uvloop
async def test_no_more_than_a_few_requests_are_under_way_at_once():
    async with RestVenue() as venue, RestClient(venue.endpoint) as rest:
        desk = Desk()
        books = tuple(_numbered(row) for row in range(12))
        snapshots = Snapshots(rest, SPOT, books, deliver=desk.deliver, fail=desk.fail, random=desk.random)
        venue.may_answer.clear()
        for book in books:
            snapshots.request(book.book)
        await venue.until(lambda: venue.at_once == 4)
        venue.may_answer.set()
        await desk.until_served(12)
        assert venue.most_at_once == 4


@on_uvloop
async def test_what_is_given_up_is_not_delivered_and_may_be_asked_anew():
    async with RestVenue() as venue, a_desk(venue) as desk:
        venue.may_answer.clear()
        desk.snapshots.request(BTC.book)
        await venue.until(lambda: len(venue.asked) == 1)
        desk.snapshots.forget()
        venue.may_answer.set()
        desk.snapshots.request(BTC.book)
        await desk.until_served(1)
        assert len(venue.asked) == 2


@on_uvloop
async def test_what_the_receiver_raises_is_passed_on():
    async with RestVenue() as venue:
        desk = Desk()

        def refuse(*_: object) -> None:
            raise OSError("disk full")

        desk.deliver = refuse  # type: ignore[method-assign]
        async with a_desk(venue, desk):
            desk.snapshots.request(BTC.book)
            await desk.until(lambda: bool(desk.failures))
            assert str(desk.failures[0]) == "disk full"


@on_uvloop
async def test_another_exchange_s_book_is_a_mistake():
    async with RestVenue() as venue, a_desk(venue) as desk:
        with pytest.raises(KeyError):
            desk.snapshots.request(2)


def _numbered(row: int) -> object:
    import msgspec

    return msgspec.structs.replace(BTC, book=row, venue_symbol=f"S{row}USDT")


@on_uvloop
async def test_a_venue_that_wants_to_be_left_alone_is_by_everybody_who_shares_the_client():
    async with RestVenue((418, "Retry-After: 120\r\n", b"")) as venue, RestClient(venue.endpoint) as rest:
        with pytest.raises(RestError, match="HTTP 418"):
            await rest.get("/one", {})
        with pytest.raises(RestError, match="wants to be left alone") as silent:
            await rest.get("/other", {})
        assert 100 < silent.value.pause_s <= 120
        assert venue.asked == ["/one"]
