"""OKX's feed in the matrix of faults, with those of its own: ids that begin anew, channels that say no."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from graphwiz_trader.venues.okx import feed as feed_module
from graphwiz_trader.venues.okx import subscriptions
from graphwiz_trader.venues.simulated.okx import books as simulated_books
from venues.fault_bench import OkxBench
from venues.fault_matrix import FaultMatrix
from venues.frame_relay import Mischief
from venues.harness import on_uvloop
from venues.okx.simulated import quick_books

SPOT, SWAP = 0, 1
BOOK_OF_SPOT = {("books", "BTC-USDT")}
__all__ = ["quick_books"]


@pytest.fixture
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "ANSWER_S", 0.5)
    monkeypatch.setattr(subscriptions, "SNAPSHOT_S", 0.5)


class Bench(OkxBench):
    @property
    def requests(self) -> list[tuple[str, set[tuple[str, str]]]]:
        """What was asked of the venue: (op, {(channel, instId)})."""
        said = [json.loads(frame) for frame in self.relay.said if frame != b"ping"]
        return [(each["op"], {(arg["channel"], arg["instId"]) for arg in each["args"]}) for each in said]

    def count(self, op: str) -> int:
        return sum(said == op for said, _ in self.requests)

    def ids(self) -> list[int]:
        return [self.sink.books[book].last_update_id for book in self.all]


@pytest.mark.usefixtures("quick_books", "_short_waits")
class TestOkx(FaultMatrix):
    exchange = "okx"
    symbols = ("BTC/USDT", "BTC/USDT:USDT")
    bench_kind = Bench

    @asynccontextmanager
    async def matrix(self, seed: int = 1, **options: Any) -> AsyncIterator[Bench]:
        async with super().matrix(seed, **options) as b:
            assert isinstance(b, Bench)
            yield b

    # Sequences

    @on_uvloop
    async def test_a_maintenance_that_numbers_anew_costs_no_trust(self):
        async with self.matrix() as b:
            await b.until_trusted()
            b.sink.trust.clear()
            high = b.ids()
            b.start_sequences_over()
            await b.until(lambda: all(now < before for now, before in zip(b.ids(), high, strict=True)))
            assert b.sink.trust == []
            assert not b.sink.asked

    @pytest.mark.parametrize("lost", [1, 2, 5])
    @on_uvloop
    async def test_a_maintenance_that_was_missed(self, lost):
        """The first messages after it are lost: small numbers are then no old ones."""
        async with self.matrix() as b:
            await b.until_trusted()
            b.relay.meddle = mischief = Mischief(lost, ["dropped"], 1.0, b.is_data)
            b.start_sequences_over()
            await b.until(lambda: mischief.done.total() >= 4 * lost)
            mischief.is_over = True
            await b.until_trusted_within()

    @on_uvloop
    async def test_a_maintenance_that_one_of_two_lines_tells_late_costs_no_trust(self):
        """The late line's messages from before it have large numbers, and are old all the same."""
        async with self.matrix(lines=(0, 1)) as b:
            await self._until_both_are_up(b)
            high = b.ids()
            b.relay.pairs[1].meddle = lambda frame: ((0.1, frame),)
            await b.until(lambda: b.ids()[SPOT] > high[SPOT] + 20)
            b.start_sequences_over()
            await b.until(lambda: all(now < before for now, before in zip(b.ids(), high, strict=True)))
            heard = b.sink.books[SPOT].updates
            await b.until(lambda: b.sink.books[SPOT].updates > heard + 50)
            assert b.sink.trust == []
            assert not b.sink.asked

    @on_uvloop
    async def test_a_book_that_nobody_moves_is_kept_alive_by_idle_messages(self, monkeypatch):
        monkeypatch.setattr(simulated_books, "HEARTBEAT_MS", 100)
        async with self.matrix() as b:
            await b.until_trusted()
            await b.until_equal()
            b.sink.trust.clear()
            before, updates = b.ids(), [b.sink.books[book].updates for book in b.all]
            await b.sink.until(
                lambda: all(b.sink.books[book].updates > count + 5 for book, count in zip(b.all, updates, strict=True))
            )
            assert [now - then for now, then in zip(b.ids(), before, strict=True)] == [0, 0]
            assert b.sink.trust == []
            assert not b.sink.asked

    # Subscriptions

    @on_uvloop
    async def test_a_path_where_the_channels_are_not_is_told_and_not_hammered(self, monkeypatch):
        monkeypatch.setattr(feed_module, "STREAM_PATH", "/ws/v5/business")
        async with self.matrix(random=Random(3)) as b:
            await b.until(lambda: "60018" in b.feed.last_failure)
            assert len(b.sink.frames) == 6
            assert len(b.requests) == 1
            assert not any(b.sink.trusts(book) for book in b.all)

    @on_uvloop
    async def test_an_acknowledged_book_that_stays_silent_is_asked_for_ever_more_rarely(self):
        async with self.matrix(random=Random(3)) as b:
            spot = b'"channel":"books","instId":"BTC-USDT"}'
            b.relay.meddle = mischief = Mischief(1, ["dropped"], 1.0, lambda frame: spot in frame and b.is_data(frame))
            await b.until(lambda: b.count("unsubscribe") >= 3)
            assert b.sink.trusts(SWAP)
            assert not b.sink.trusts(SPOT)
            assert all(topics == BOOK_OF_SPOT for _, topics in b.requests[1:])
            mischief.is_over = True
            await b.until_trusted_within()
            assert b.sink.asked[SWAP] == 0

    @on_uvloop
    async def test_a_symbol_left_while_its_neighbour_starts_over(self):
        async with self.matrix() as b:
            await b.until_trusted()
            b.feed.unsubscribe(SWAP)
            b.feed.request_snapshot(SPOT)
            await b.until(lambda: b.count("subscribe") == 2)
            assert b.requests[-1] == ("subscribe", BOOK_OF_SPOT)
            b.feed.subscribe(SWAP)
            await b.until_trusted_within()

    @on_uvloop
    async def test_a_connection_lost_is_made_good_with_one_request(self):
        async with self.matrix() as b:
            await b.until_trusted()
            b.relay.drop_all()
            await b.until_trusted_within()
            assert [op for op, _ in b.requests] == ["subscribe", "subscribe"]
