"""What every feed keeps when its venue and the network go bad, by seeds, over real sockets.

In every case: no book is ever trusted that is not the venue's own at its number (looked at after whatever comes), every
book is trusted again within a stated bound after the fault is over, and the venue is asked no more than the faults
explain. A venue's matrix is a subclass of `FaultMatrix`, with the faults of its own added.
"""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from graphwiz_trader.hft.events import Trust
from graphwiz_trader.venues.simulated.faults.kinds import Fault
from venues.fault_bench import SOME_FRAMES, FaultBench, FaultGround
from venues.feed_bench import TIMING
from venues.frame_relay import Mischief, untouched
from venues.harness import on_uvloop

SILENCE_S = 0.3
_DEAD_AFTER_S = TIMING.ping_s + TIMING.pong_s


class FaultMatrix(FaultGround):
    """The rules. A subclass says whose: ``exchange``, two ``symbols``, and a ``bench_kind``."""

    @on_uvloop
    async def test_the_measure_notices_a_wrong_book(self):
        async with self.matrix() as b:
            await b.until_trusted()
            b.relay.meddle = lambda frame: untouched(b.spoilt(frame))
            await b.until(lambda: bool(b.sink.wrong))
            b.sink.wrong.clear()
            b.sink.truth.of = lambda instrument, _number: None  # it need not go on
            b.relay.meddle = lambda _frame: ()

    # Frames

    @pytest.mark.parametrize("seed", [1, 2])
    @pytest.mark.parametrize("kind", Mischief.KINDS)
    @on_uvloop
    async def test_frames_of_data_that_the_network_mistreats(self, kind, seed):
        async with self.matrix(seed) as b:
            await b.until_trusted()
            asked = b.snapshots_asked
            b.relay.meddle = mischief = Mischief(seed, [kind], 0.2, b.is_data)
            await b.until(lambda: mischief.done.total() >= 40)
            mischief.is_over = True
            await b.until_trusted_within()
            assert b.snapshots_asked - asked <= mischief.done.total()
            assert kind != "duplicated" or b.snapshots_asked == asked, "what comes twice is old"
            assert b.relay.connections == 1

    @pytest.mark.parametrize("seed", [11, 12, 13])
    @on_uvloop
    async def test_everything_mistreated_at_once_answers_and_notices_too(self, seed):
        async with self.matrix(seed) as b:
            b.relay.meddle = mischief = Mischief(seed, Mischief.KINDS, 0.3, lambda _frame: True)
            await b.until(lambda: mischief.done.total() >= 60)
            mischief.is_over = True
            await b.until_trusted_within()
            assert b.snapshots_asked + len(b.relay.said) <= 2 * mischief.done.total()
            assert b.relay.connections == 1

    # Connections

    @pytest.mark.parametrize("frames", range(1, SOME_FRAMES + 1))
    @on_uvloop
    async def test_a_disconnection_after_so_many_frames(self, frames):
        async with self.matrix() as b:
            b.relay.drops_after = frames
            await b.until(lambda: b.relay.connections == 2)
            await b.until_trusted_within()
            assert b.relay.connections == 2
            assert b.snapshots_asked <= b.relay.connections * len(b.all)

    @on_uvloop
    async def test_a_disconnection_before_anything_is_answered(self):
        async with self.matrix() as b:
            b.drop_once(lambda _frame: True)
            await b.until(lambda: b.relay.connections == 2)
            await b.until_trusted_within()
            assert b.relay.connections == 2
            assert b.snapshots_asked <= b.relay.connections * len(b.all)

    @on_uvloop
    async def test_a_disconnection_as_soon_as_a_book_is_live(self):
        async with self.matrix() as b:
            await b.until(lambda: bool(b.sink.trust))
            b.relay.drop_all()
            await b.until_trusted_within()
            assert (0, Trust.LIVE) in b.sink.trust
            assert b.relay.connections == 2
            assert b.snapshots_asked <= b.relay.connections * len(b.all)

    @on_uvloop
    async def test_a_half_open_connection(self):
        async with self.matrix() as b:
            await b.until_trusted()
            b.relay.freeze()
            await b.until(lambda: len(b.sink.lines) >= 2)  # the system itself would take a quarter of an hour
            await b.until_trusted_within()
            assert b.relay.connections == 2

    @on_uvloop
    async def test_a_server_that_accepts_and_answers_nothing_is_not_hammered(self):
        async with self.matrix(is_mute=True, random=Random(5)) as b:
            began_s = asyncio.get_running_loop().time()
            await b.until(lambda: b.relay.connections >= 3)
            assert asyncio.get_running_loop().time() - began_s >= 2 * _DEAD_AFTER_S
            assert not any(b.sink.trusts(book) for book in b.all)
            b.relay.is_mute = False
            await b.until_trusted_within()
            assert b.snapshots_asked <= len(b.all)

    @on_uvloop
    async def test_a_server_that_answers_pings_and_says_nothing_else_is_left(self):
        async with self.matrix(timing=TIMING._replace(silence_s=SILENCE_S), random=Random(5)) as b:
            b.relay.meddle = lambda frame: untouched(frame) if b.relay.connections >= 3 else ()
            began_s = asyncio.get_running_loop().time()
            await b.until(lambda: b.relay.connections >= 3)
            assert asyncio.get_running_loop().time() - began_s >= 2 * SILENCE_S
            await b.until_trusted_within()

    @on_uvloop
    async def test_a_server_that_falls_silent_is_left_and_found_again(self):
        async with self.matrix(timing=TIMING._replace(silence_s=SILENCE_S)) as b:
            await b.until_trusted()
            b.relay.pairs[0].meddle = lambda _frame: ()
            await b.until(lambda: b.relay.connections == 2)
            await b.until_trusted_within()
            assert [up for _, up, _ in b.sink.lines] == [True, False, True]

    @on_uvloop
    async def test_a_venue_that_is_restarted_is_found_again(self):
        async with self.matrix(random=Random(2)) as b:
            await b.until_trusted()
            since = len(b.sink.trust)
            b.served.faults.add(Fault(fault="restart", at_s=(0.0,), down_s=0.5))
            await b.until(lambda: len(b.sink.lines) >= 2)
            assert {book for book, trust in b.sink.trust[since:] if trust is Trust.STALE} == set(b.all)
            await b.until_trusted_within()
            assert b.relay.connections <= 8

    @on_uvloop
    async def test_a_network_that_loses_every_connection_is_met_with_pauses(self):
        async with self.matrix(random=Random(7)) as b:
            for number in range(1, 6):
                await b.until(lambda number=number: len(b.sink.lines) == 2 * number - 1)
                b.relay.drop_all()
            await b.until_trusted_within()
            assert b.relay.connections == 6
            assert "HTTP" not in b.feed.last_failure, "the venue refuses who comes too often"

    # Sequences

    @on_uvloop
    async def test_sequences_that_begin_anew_while_the_line_is_down(self):
        async with self.matrix() as b:
            await b.until_trusted()
            high = [b.sink.books[book].last_update_id for book in b.all]
            b.relay.drop_all()
            b.start_sequences_over()
            await b.until_trusted_within()
            assert all(b.sink.books[book].last_update_id < high[book] for book in b.all)
            assert b.snapshots_asked <= b.relay.connections * len(b.all) + len(b.all)

    # Readers

    @on_uvloop
    async def test_what_has_piled_up_before_a_slow_reader_comes_at_once_and_nothing_is_asked_for(self):
        async with self.matrix(timing=TIMING._replace(ping_s=5.0)) as b:
            await b.until_trusted()
            asked = b.snapshots_asked
            piled_up: list[bytes] = []
            b.relay.meddle = lambda frame: piled_up.append(frame) or ()
            await b.until(lambda: len(piled_up) >= 100)
            b.relay.meddle = untouched
            for frame in piled_up:
                b.relay.pairs[0].to_client(frame)
            await b.until_trusted_within()
            assert b.snapshots_asked == asked
            assert b.relay.connections == 1

    @on_uvloop
    async def test_a_book_is_as_quick_while_the_other_starts_over_and_over(self):
        """Each of its frames is applied as it comes; its trust never changes, and nobody asks anything about it."""
        async with self.matrix() as b:
            await b.until_trusted()
            b.sink.trust.clear()
            asked, since = b.snapshots_asked, len(b.sink.frames)
            for times in range(1, 5):
                b.feed.request_snapshot(0)
                await b.until(lambda times=times: b.snapshots_asked >= asked + times)
                await b.until_trusted(0)
                await b.until_changed(1, 5 * times, since)
            b.assert_nothing_was_missed(1, since)
            assert {book for book, _ in b.sink.trust} <= {0}
            assert b.snapshots_asked == asked + 4

    # Two lines, and one after the other

    async def _until_both_are_up(self, b: FaultBench) -> None:
        await b.until(lambda: len(b.sink.lines) == 2)
        await b.until(lambda: {line for line, _, _ in b.sink.frames[-50:]} == {0, 1})
        await b.until_trusted()
        b.sink.trust.clear()

    @pytest.mark.parametrize("seed", [21, 22])
    @pytest.mark.parametrize("kind", Mischief.KINDS)
    @on_uvloop
    async def test_what_one_of_two_lines_suffers_costs_no_trust(self, kind, seed):
        async with self.matrix(seed, lines=(0, 1)) as b:
            await self._until_both_are_up(b)
            asked = b.snapshots_asked
            b.relay.pairs[0].meddle = mischief = Mischief(seed, [kind], 0.2, b.is_data)
            await b.until(lambda: mischief.done.total() >= 40)
            assert b.sink.trust == []
            assert b.snapshots_asked == asked

    @on_uvloop
    async def test_the_loss_of_one_of_two_lines_costs_no_trust_and_it_comes_back(self):
        async with self.matrix(lines=(0, 1)) as b:
            await self._until_both_are_up(b)
            b.relay.pairs[0].drop()
            await b.until(lambda: len(b.sink.lines) == 4)
            await b.until_trusted_within()
            assert b.sink.trust == []

    @on_uvloop
    async def test_a_server_that_will_be_shut_down_is_left_for_a_new_line_before_it_closes_and_no_trust_is_lost(self):
        async with self.matrix(spare=1) as b:
            await b.until_trusted()
            b.sink.trust.clear()
            for times, (old, new) in enumerate(((0, 1), (1, 0)), 1):
                b.served.faults.add(Fault(fault="shutdown_notice", at_s=(0.0,), closes_after_s=1.0))
                await b.until(lambda times=times: len(b.sink.lines) == 1 + 2 * times)
                assert b.sink.lines[-2:] == [(new, True, "connected"), (old, False, "replaced")]
                await b.until_trusted_within()
            await b.until(lambda: not b.served.faults.due())
            assert b.sink.trust == []
            assert b.relay.connections == 3

    @on_uvloop
    async def test_a_server_that_closes_at_its_notice_costs_no_more_than_the_line(self):
        async with self.matrix(spare=1) as b:
            await b.until_trusted()
            b.served.faults.add(Fault(fault="shutdown_notice", at_s=(0.0,), closes_after_s=0.0))
            await b.until(lambda: any(not up for _, up, _ in b.sink.lines))
            await b.until_trusted_within()
            assert b.relay.connections <= 4
