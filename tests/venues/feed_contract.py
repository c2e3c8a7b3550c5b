"""What every feed keeps, whatever its venue speaks. A new venue's suite is a subclass of `FeedContract` with its id."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from graphwiz_trader.hft.events import Trust
from graphwiz_trader.venues.exchanges import exchange_of
from venues.feed_bench import LEVELS, TIMING, BenchSink, FeedOnBench
from venues.frame_relay import untouched
from venues.harness import on_uvloop


class FeedContract(FeedOnBench):
    """The rules. A subclass says whose: ``exchange``, and two ``symbols`` that its simulated server lists."""

    # Books

    @on_uvloop
    async def test_every_book_is_trusted_and_becomes_the_exchange_s_own(self):
        async with self.bench() as b:
            await b.until_trusted()
            for _ in range(100):
                b.market.stir()
            await b.until_equal()
            assert len(b.sink.levels(0)[0]) >= LEVELS
            assert {trust for _, trust in b.sink.trust} == {Trust.LIVE}

    @on_uvloop
    async def test_frames_are_handed_over_as_they_came_in_order_and_with_the_time(self):
        async with self.bench() as b:
            sent: list[bytes] = []

            def note(frame: bytes) -> Any:
                sent.append(frame)
                return untouched(frame)

            b.relay.meddle = note
            await b.until_trusted()
            await b.until(lambda: sum(b.is_data(frame) for _, frame, _ in b.sink.frames) > 10)
        sent = [frame for frame in sent if b.is_data(frame)]
        received = [frame for _, frame, _ in b.sink.frames if b.is_data(frame)]
        first = sent.index(received[0])
        assert received == sent[first : first + len(received)]
        times = [now_ns for _, _, now_ns in b.sink.frames]
        assert times == sorted(times)

    @on_uvloop
    async def test_what_one_symbol_loses_costs_no_other_and_is_made_good(self):
        async with self.bench() as b:
            await b.until_trusted()
            b.sink.trust.clear()
            asked = Counter(b.sink.asked)
            lost: list[bytes] = []
            concerns = b.is_data_of(0)

            def lose(frame: bytes) -> Any:
                if concerns(frame) and len(lost) < 100:
                    return lost.append(frame) or ()
                return untouched(frame)

            b.relay.meddle = lose
            await b.until(lambda: len(lost) == 100)
            await b.until_trusted()
            await b.until_equal()
            assert {book for book, _ in b.sink.trust} <= {0}
            assert b.sink.asked[0] > asked[0]
            assert b.sink.asked[1] == asked[1]
            assert b.relay.connections == 1

    @on_uvloop
    async def test_a_book_is_asked_for_by_whoever_knows_it_and_by_nobody_else(self):
        async with self.bench() as b:
            await b.until_trusted()
            for wrong in (2, -1):
                with pytest.raises(KeyError):
                    b.feed.request_snapshot(wrong)
            b.sink.trust.clear()
            b.feed.request_snapshot(0)
            b.feed.request_snapshot(0)
            await b.until_trusted()
            await b.until_equal()
            assert {book for book, _ in b.sink.trust} <= {0}

    # Lines

    @on_uvloop
    async def test_a_broken_line_takes_all_trust_at_once_and_it_comes_back(self):
        async with self.bench() as b:
            await b.until_trusted()
            assert b.feed.is_up
            b.sink.trust.clear()
            b.relay.drop_all()
            await b.until(lambda: len(b.sink.lines) >= 2)
            assert b.sink.trust[:2] == [(0, Trust.STALE), (1, Trust.STALE)]
            await b.until_trusted()
            await b.until_equal()
            assert [up for _, up, _ in b.sink.lines] == [True, False, True]

    @on_uvloop
    async def test_a_half_open_line_is_noticed_and_replaced(self):
        async with self.bench() as b:
            await b.until_trusted()
            b.relay.freeze()
            await b.until(lambda: len(b.sink.lines) == 3)
            await b.until_trusted()
            assert b.relay.connections == 2

    @on_uvloop
    async def test_stopping_reports_every_line_down_once(self):
        async with self.bench(lines=(0, 1)) as b:
            await b.until_trusted()
            await b.until(lambda: len(b.sink.lines) == 2)
        assert sorted(line for line, up, _ in b.sink.lines if not up) == [0, 1]
        assert not b.feed.is_up

    @on_uvloop
    async def test_the_loss_of_one_of_two_lines_costs_no_trust(self):
        async with self.bench(lines=(0, 1)) as b:
            await b.until_trusted()
            await b.until(lambda: {line for line, _, _ in b.sink.frames} == {0, 1})
            await b.until_trusted()
            b.sink.trust.clear()
            b.relay.pairs[0].drop()
            await b.until(lambda: len(b.sink.lines) == 4)
            await b.until_trusted()
            await b.until_equal()
            assert b.sink.trust == []

    @on_uvloop
    async def test_an_old_line_is_replaced_by_a_new_one_first_and_no_trust_is_lost(self):
        async with self.bench(spare=1, timing=TIMING._replace(lifetime_s=1.0)) as b:
            await b.until_trusted()
            b.sink.trust.clear()
            await b.until(lambda: len(b.sink.lines) >= 5)
            assert [(line, up) for line, up, _ in b.sink.lines[:5]] == [
                (0, True), (1, True), (0, False), (0, True), (1, False),
            ]  # fmt: skip
            await b.until_trusted()
            assert b.sink.trust == []

    @on_uvloop
    async def test_a_failure_is_told_in_words_and_the_next_attempt_waits(self):
        async with self.bench() as b:
            await b.until_trusted()
            assert b.feed.last_failure == ""
            b.relay.drop_all()
            await b.until(lambda: b.feed.last_failure != "")

    @on_uvloop
    async def test_the_exchange_s_clock_is_measured_against_ours(self):
        async with self.bench() as b:
            await b.until(lambda: bool(b.sink.clocks))
        line, offset_ns, error_ns = b.sink.clocks[0]
        assert line == 0
        assert abs(offset_ns) <= error_ns < 1e9

    # Symbols, while it runs

    @on_uvloop
    async def test_a_symbol_that_is_left_loses_its_trust_at_once_and_can_be_taken_up_again(self):
        async with self.bench() as b:
            await b.until_trusted()
            b.sink.trust.clear()
            b.feed.unsubscribe(1)
            assert b.sink.trust == [(1, Trust.STALE)]
            concerns = b.is_data_of(1)
            quiet = 0
            while quiet < 20:
                heard = len(b.sink.frames)
                await b.until(lambda heard=heard: len(b.sink.frames) > heard)
                quiet = 0 if any(concerns(frame) for _, frame, _ in b.sink.frames[heard:]) else quiet + 1
                assert not b.sink.trusts(1), "what was still on its way is no book"
            assert b.sink.trusts(0)
            b.feed.subscribe(1)
            await b.until_trusted()
            await b.until_equal()

    # Whose fault it is

    @pytest.mark.parametrize("where", ["on_market_frame", "on_line"])
    @on_uvloop
    async def test_what_the_sink_raises_ends_the_feed_with_it(self, where):
        class JournalFullError(Exception):
            pass

        def refuse(*_: object) -> None:
            raise JournalFullError

        async with self.bench() as b:
            broken = BenchSink(b.instruments, self.exchange, self.wire or exchange_of(self.exchange).wire, 1)
            setattr(broken, where, refuse)
            urls = b.served.urls
            at = self.endpoints(urls.rest, urls.stream)
            feed = self.make_feed(b.instruments, at, (0,), None, broken)
            running = asyncio.create_task(feed.run())
            await b.until(running.done)
            with pytest.raises(JournalFullError):
                running.result()
