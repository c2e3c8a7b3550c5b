"""What every feed keeps when its venue says what no venue should: over real sockets, frame by frame.

In every case: no wrong book is trusted, what cannot be used is counted and said once, the other book is as it was, and
all is well again within the bound.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest
from picows import WSMsgType

from graphwiz_trader.hft.events import RecordKind, Side, Trust
from graphwiz_trader.hft.records import Notice
from venues import grounds
from venues.fault_bench import CheckedSink, FaultBench, FaultGround, MovingMarket
from venues.feed_bench import LEVELS, MIDDLE, TIMING
from venues.frame_relay import untouched
from venues.grounds import quick_books, short_waits
from venues.harness import on_uvloop

__all__ = ["quick_books", "short_waits"]

NO_PINGS = TIMING._replace(ping_s=60.0)
TEXT, BINARY, MORE, PING = WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION, WSMsgType.PING
STRAY_PARTS = ([(MORE, True)], [(TEXT, False), (TEXT, False)], [(BINARY, False), (TEXT, False)])
"""Frames, each the last of its message or not, that RFC 6455 (5.4) has no message for."""
_HUGE = 1_000_000
"""In steps of size: more than a side of a book holds."""


class NotingSink(CheckedSink):
    """Keeps what a journal would say of trouble."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.said: Counter[str] = Counter()

    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        super().append(kind, source, time_ns, payload)
        if kind == RecordKind.NOTICE:
            self.said[msgspec.json.decode(payload, type=Notice).kind] += 1


class EmptyMarket(MovingMarket):
    """Opens with nothing in its books; one side is quoted, and now and then taken away whole."""

    def open(self, venues: Any, _now_ms: int) -> None:
        self._venues = venues

    def stir(self) -> None:
        self._stirred += 1
        for book in self.books():
            self.quote(book, Side.BUY, MIDDLE - self._stirred % 3, 10)
            if self._stirred % 5 == 0:
                self.quote(book, Side.SELL, MIDDLE - 2, 50)


def kind_of(frame: bytes) -> WSMsgType:
    return BINARY if b"\0" in frame else TEXT


class HostileVenues(FaultGround):
    sink_kind = NotingSink

    async def until_it_is_well(self, b: FaultBench, connections: int) -> None:
        """Through so many connections in all; nothing has been asked for but at their beginnings."""
        await b.until_trusted_within()
        assert b.relay.connections == connections
        assert b.snapshots_asked <= connections * len(b.all)

    # Frames

    @on_uvloop
    async def test_text_that_comes_as_binary_and_binary_that_comes_as_text(self):
        async with self.matrix(timing=NO_PINGS) as b:
            await b.until_trusted()

            def swap(frame: bytes) -> Iterable[tuple[float, bytes]]:
                if not b.is_data(frame):
                    return untouched(frame)
                b.relay.pairs[0].say(TEXT if kind_of(frame) is BINARY else BINARY, frame)
                return ()

            b.relay.meddle = swap
            await self.until_it_is_well(b, connections=1)
            assert not b.sink.said

    @on_uvloop
    async def test_messages_in_many_parts_with_pings_between_them(self):
        async with self.matrix(timing=NO_PINGS) as b:
            await b.until_trusted()

            def cut(frame: bytes) -> Iterable[tuple[float, bytes]]:
                pair = b.relay.pairs[0]
                pair.say(kind_of(frame), frame[:1], fin=False)
                for at in range(1, len(frame), 20):
                    pair.say(PING, b"are you there")
                    pair.say(MORE, frame[at : at + 20], fin=False)
                pair.say(MORE, b"")
                return ()

            b.relay.meddle = cut
            await self.until_it_is_well(b, connections=1)
            assert not b.sink.said

    @on_uvloop
    async def test_a_flood_of_pings(self):
        async with self.matrix(timing=NO_PINGS) as b:
            await b.until_trusted()
            asked, since = b.snapshots_asked, len(b.sink.frames)
            for times in range(1, 11):
                for _ in range(500):
                    b.relay.pairs[0].say(PING, b"x" * 125)
                await b.until_changed(1, times, since)
            await self.until_it_is_well(b, connections=1)
            assert b.snapshots_asked == asked

    @pytest.mark.parametrize("parts", STRAY_PARTS)
    @on_uvloop
    async def test_parts_that_do_not_belong_together_end_the_connection(self, parts):
        async with self.matrix(timing=NO_PINGS) as b:
            await b.until_trusted()
            for kind, fin in parts:
                b.relay.pairs[0].say(kind, b"{", fin=fin)
            await b.until(lambda: b.relay.connections == 2)
            assert "do not belong together" in b.feed.last_failure
            await self.until_it_is_well(b, connections=2)

    @on_uvloop
    async def test_a_server_that_goes_in_the_middle_of_a_message(self):
        async with self.matrix(timing=NO_PINGS) as b:
            await b.until_trusted()

            def cut(frame: bytes) -> Iterable[tuple[float, bytes]]:
                b.relay.meddle = untouched
                b.relay.pairs[0].say(kind_of(frame), frame[: len(frame) // 2], fin=False)
                b.relay.pairs[0].drop()
                return ()

            b.relay.meddle = cut
            await b.until(lambda: b.relay.connections == 2)
            await self.until_it_is_well(b, connections=2)
            assert not b.sink.said

    @pytest.mark.parametrize("size", [1, 200, 10 << 20])
    @on_uvloop
    async def test_what_no_decoder_can_read_is_counted_each_time_and_said_once(self, size):
        async with self.matrix(timing=NO_PINGS) as b:
            await b.until_trusted()
            b.sink.trust.clear()
            for _ in range(3):
                b.relay.pairs[0].say(TEXT, b'{"stream":"' + b"x" * size)
            await b.until(lambda: b.sink.market_data.refused.total() == 3)
            assert b.sink.said == {"malformed": 1}
            await self.until_it_is_well(b, connections=1)
            assert not b.sink.trust

    @on_uvloop
    async def test_a_message_larger_than_any_ends_the_connection(self):
        async with self.matrix(timing=NO_PINGS) as b:
            await b.until_trusted()
            b.relay.pairs[0].say(TEXT, b"x" * (17 << 20))
            await b.until(lambda: b.relay.connections == 2)
            await self.until_it_is_well(b, connections=2)

    # Books

    @on_uvloop
    async def test_a_book_that_loses_a_side_is_trusted_without_it(self):
        async with self.matrix(timing=NO_PINGS) as b:
            await b.until_trusted()
            b.sink.trust.clear()
            asked, book = b.snapshots_asked, b.sink.books[0]
            own = b.served.venue.books[b.name_of(b.instruments[0])]
            for side, price, size in (
                (Side.SELL, MIDDLE - 5 * LEVELS, _HUGE),
                (Side.BUY, MIDDLE + 5 * LEVELS, 3 * _HUGE),
            ):
                b.market.quote(own, side, price, size)
                await b.until(lambda side=side: not book.levels(side.opposite) and b.sink.trusts(0))
                assert (book.best_bid if side is Side.SELL else book.best_ask) is None
                assert (book.mid_price, book.spread, b.sink.books.mid2_ticks(0)) == (None, None, 0)
            b.market.quote(own, Side.SELL, MIDDLE + 6 * LEVELS, 10)
            await b.until(lambda: book.mid_price is not None)
            assert b.snapshots_asked == asked
            assert b.sink.trust == []

    @on_uvloop
    async def test_a_book_that_has_one_side_when_it_begins(self):
        async with self.matrix(timing=NO_PINGS) as b:
            await b.until_trusted()
            own = b.served.venue.books[b.name_of(b.instruments[0])]
            b.market.quote(own, Side.SELL, MIDDLE - 5 * LEVELS, _HUGE)
            b.relay.drop_all()
            await b.until(lambda: b.relay.connections == 2)
            await self.until_it_is_well(b, connections=2)
            assert b.sink.books[0].best_bid is None

    @on_uvloop
    async def test_books_with_nothing_in_them(self):
        async with self.matrix(timing=NO_PINGS, market=EmptyMarket) as b:
            await self.until_it_is_well(b, connections=1)
            await b.until(lambda: not b.sink.levels(0)[0])
            await b.until(lambda: bool(b.sink.levels(0)[0]))
            assert b.sink.trusts(*b.all)
            assert not b.sink.said

    # Symbols

    @pytest.mark.slow
    @on_uvloop
    async def test_a_symbol_of_which_nothing_more_is_told_is_not_trusted_and_the_other_is(self):
        async with self.matrix(timing=NO_PINGS) as b:
            await b.until_trusted()
            b.sink.trust.clear()
            asked, concerns = b.snapshots_asked, b.is_data_of(0)
            b.relay.meddle = lambda frame: () if concerns(frame) else untouched(frame)
            await b.until(lambda: not b.sink.trusts(0))
            assert b.sink.trust == [(0, Trust.STALE)]
            assert b.snapshots_asked == asked
            b.relay.meddle = untouched
            await b.until_trusted_within()
            assert b.relay.connections == 1
            assert b.snapshots_asked == asked + 1


class TestSpot(grounds.Spot, HostileVenues):
    pass


class TestBinarySpot(grounds.BinarySpot, HostileVenues):
    """By SBE."""


class TestUsdm(grounds.Usdm, HostileVenues):
    pass


class TestCoinm(grounds.Coinm, HostileVenues):
    pass


class TestOkx(grounds.Okx, HostileVenues):
    pass
