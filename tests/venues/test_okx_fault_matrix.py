"""OKX's feed against the simulated OKX through a network that goes bad by a seed, over real sockets.

In every case: no book is ever trusted that is not the venue's own at its number, every book is trusted again within
`BOUND_S` after the fault is over, and the venue is asked no more than the faults explain.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random

import pytest

from graphwiz_trader.hft.events import Trust
from graphwiz_trader.hft.instruments import Instrument
from graphwiz_trader.venues.base import Endpoints
from graphwiz_trader.venues.connection import Timing
from graphwiz_trader.venues.okx import feed as feed_module
from graphwiz_trader.venues.okx import subscriptions
from graphwiz_trader.venues.okx.feed import FEED_TIMING, OkxFeed
from graphwiz_trader.venues.simulated.okx import books as simulated_books
from venues.frame_relay import FrameRelay, Mischief, untouched
from venues.harness import Unhurried, on_uvloop
from venues.okx.scripted import cancelled, compile_kernels
from venues.okx.simulated import INSTRUMENTS, SPOT, SWAP, CheckedSink, SimulatedOkx, Truth, quick_books

BOUND_S = 2.0
"""Of the time between a fault's end and trust in every book; answers are waited for a tenth as long as in earnest."""
QUICK = FEED_TIMING._replace(ping_s=0.2, pong_s=0.2)
__all__ = ["quick_books"]
pytestmark = pytest.mark.usefixtures("quick_books", "short_waits")


@pytest.fixture(scope="session", autouse=True)
def _compiled() -> None:
    compile_kernels()


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "ANSWER_S", 0.5)
    monkeypatch.setattr(subscriptions, "SNAPSHOT_S", 0.5)


class Matrix:
    """A feed, its venue, the network between them, and what is right."""

    def __init__(self, okx: SimulatedOkx, relay: FrameRelay, sink: CheckedSink, feed: OkxFeed) -> None:
        self.okx = okx
        self.relay = relay
        self.sink = sink
        self.feed = feed

    @property
    def requests(self) -> list[tuple[str, set[tuple[str, str]]]]:
        """What was asked of the venue: (op, {(channel, instId)})."""
        said = [json.loads(frame) for frame in self.relay.said if frame != b"ping"]
        return [(each["op"], {(arg["channel"], arg["instId"]) for arg in each["args"]}) for each in said]

    def count(self, op: str) -> int:
        return sum(said == op for said, _ in self.requests)

    def snapshots(self, instrument: Instrument) -> int:
        """How many have come of a book."""
        words = b'"instId":"%s"},"action":"snapshot"' % instrument.venue_symbol.encode()
        return sum(words in frame for _, frame in self.sink.frames)

    def trusts_all(self) -> bool:
        return all(self.sink.trusts(i.book) for i in INSTRUMENTS)

    async def until_trusted(self) -> None:
        await self.sink.until(self.trusts_all)

    async def until_trusted_within(self, bound_s: float = BOUND_S) -> None:
        """From now on, with updates that have come since: a loss shows itself in the next."""
        began_s = asyncio.get_running_loop().time()
        updates = [book.updates for book in self.sink.books]
        await self.sink.until(
            lambda: (
                self.trusts_all()
                and all(
                    self.sink.books[i.book].updates > before + 2 for i, before in zip(INSTRUMENTS, updates, strict=True)
                )
            )
        )
        assert asyncio.get_running_loop().time() - began_s <= bound_s


@asynccontextmanager
async def matrix(
    seed: int = 1,
    *,
    timing: Timing = QUICK,
    random: Random | None = None,
    mute: bool = False,
    lines: Sequence[int] = (0,),
    spare: int | None = None,
) -> AsyncIterator[Matrix]:
    truth = Truth()
    async with SimulatedOkx(seed) as okx, FrameRelay(okx.endpoints.stream, truth.see) as relay:
        relay.is_mute = mute
        sink = CheckedSink(truth, len(lines) + (spare is not None))
        feed = OkxFeed(
            INSTRUMENTS,
            "okx",
            endpoints=Endpoints("", relay.address, ""),
            lines=lines,
            spare=spare,
            sink=sink,
            timing=timing,
            random=random or Unhurried(),
        )
        sink.request_snapshot = feed.request_snapshot
        running = asyncio.create_task(feed.run())
        try:
            yield Matrix(okx, relay, sink, feed)
        finally:
            await cancelled(running)
        assert not sink.wrong, sink.wrong[0]


def is_data(frame: bytes) -> bool:
    return b'"data"' in frame


def altered(frame: bytes) -> list[tuple[float, bytes]]:
    """A level's price in an update is another's: the message chains, and the book is wrong."""
    return [(0.0, re.sub(rb'("bids":\[\[")(\d+)', lambda found: found[1] + b"2" + found[2][1:], frame))]


@on_uvloop
async def test_the_measure_notices_a_wrong_book():
    async with matrix() as m:
        await m.until_trusted()
        m.relay.meddle = altered
        await m.sink.until(lambda: bool(m.sink.wrong))
        m.sink.wrong.clear()
        m.sink.keeps_looking = False


# Frames


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("kind", Mischief.KINDS)
@on_uvloop
async def test_frames_of_data_that_the_network_mistreats(kind, seed):
    async with matrix(seed) as m:
        await m.until_trusted()
        m.relay.meddle = mischief = Mischief(seed, [kind], 0.2, is_data)
        await m.relay.until(lambda: mischief.done.total() >= 40)
        mischief.is_over = True
        await m.until_trusted_within()
        assert m.count("unsubscribe") <= mischief.done.total()
        assert m.count("subscribe") <= 1 + m.count("unsubscribe")
        assert kind != "duplicated" or not m.sink.asked, "what comes twice is old"
        assert m.relay.connections == 1


@pytest.mark.parametrize("seed", [11, 12, 13])
@on_uvloop
async def test_everything_mistreated_at_once_answers_and_notices_too(seed):
    async with matrix(seed) as m:
        m.relay.meddle = mischief = Mischief(seed, Mischief.KINDS, 0.3, lambda _frame: True)
        await m.relay.until(lambda: mischief.done.total() >= 60)
        mischief.is_over = True
        await m.until_trusted_within(2 * BOUND_S)
        assert len(m.requests) <= 2 * mischief.done.total()


# Connections


@pytest.mark.parametrize("frames", range(1, 14))
@on_uvloop
async def test_a_disconnection_at_every_step_of_synchronisation(frames):
    """Six answers, two snapshots and two tops make a book each: then come the first updates."""
    async with matrix() as m:
        m.relay.drops_after = frames
        await m.sink.until(lambda: len(m.sink.lines) == 3)
        await m.until_trusted_within()
        assert [up for _, up, _ in m.sink.lines] == [True, False, True]
        assert m.relay.connections == 2
        assert [op for op, _ in m.requests] == ["subscribe", "subscribe"]


@on_uvloop
async def test_a_connection_lost_takes_all_trust_until_the_next_snapshots():
    async with matrix() as m:
        await m.until_trusted()
        m.relay.drop_all()
        await m.sink.until(lambda: len(m.sink.lines) == 2)
        assert m.sink.trust[-2:] == [(SPOT.book, Trust.STALE), (SWAP.book, Trust.STALE)]
        await m.until_trusted_within()


@on_uvloop
async def test_a_half_open_connection():
    async with matrix() as m:
        await m.until_trusted()
        m.relay.freeze()
        began_s = asyncio.get_running_loop().time()
        await m.sink.until(lambda: len(m.sink.lines) == 2)
        assert asyncio.get_running_loop().time() - began_s <= QUICK.ping_s + QUICK.pong_s + 0.5
        await m.until_trusted_within()
        assert m.relay.connections == 2


@on_uvloop
async def test_a_server_that_accepts_and_says_nothing_is_not_hammered():
    async with matrix(mute=True, random=Random(5)) as m:
        began_s = asyncio.get_running_loop().time()
        await m.relay.until(lambda: m.relay.connections >= 3)
        lasted_s = asyncio.get_running_loop().time() - began_s
        assert lasted_s >= 2 * (QUICK.ping_s + QUICK.pong_s)
        assert not any(m.sink.trusts(i.book) for i in INSTRUMENTS)
        m.relay.is_mute = False
        await m.until_trusted_within(3 * BOUND_S)


@on_uvloop
async def test_a_venue_that_is_restarted_is_found_again():
    async with matrix() as m:
        await m.until_trusted()
        m.okx.venue.disconnect_all()
        await m.sink.until(lambda: len(m.sink.lines) == 3)
        await m.until_trusted_within()


@on_uvloop
async def test_connections_stay_within_what_the_venue_allows():
    """3 a second: were it more, the simulated venue would refuse it."""
    async with matrix() as m:
        for number in range(5):
            await m.sink.until(lambda number=number: len(m.sink.lines) == 2 * number + 1)
            m.relay.drop_all()
        await m.until_trusted_within(2 * BOUND_S)
        assert m.relay.connections == 6
        assert "HTTP" not in m.feed.last_failure


# Sequences


@on_uvloop
async def test_a_maintenance_that_numbers_anew_costs_no_trust():
    async with matrix() as m:
        await m.until_trusted()
        high = m.sink.books[SPOT.book].last_update_id
        m.okx.venue.start_sequences_over()
        await m.sink.until(lambda: all(m.sink.books[i.book].last_update_id < high for i in INSTRUMENTS))
        assert m.trusts_all()
        assert not m.sink.asked


@on_uvloop
async def test_a_book_that_nobody_moves_is_kept_alive_by_idle_messages(monkeypatch):
    monkeypatch.setattr(simulated_books, "HEARTBEAT_MS", 100)
    async with matrix() as m:
        await m.until_trusted()
        m.okx.moves = False
        await m.until_trusted_within()
        last = [book.last_update_id for book in m.sink.books]
        await m.until_trusted_within()
        assert [book.last_update_id - before for book, before in zip(m.sink.books, last, strict=True)] == [0, 0]
        assert not m.sink.asked


@pytest.mark.parametrize("lost", [1, 2, 5])
@on_uvloop
async def test_a_maintenance_that_was_missed(lost):
    """The first messages after it are lost: small numbers are then no old ones."""
    async with matrix() as m:
        await m.until_trusted()
        m.relay.meddle = mischief = Mischief(lost, ["dropped"], 1.0, is_data)
        m.okx.venue.start_sequences_over()
        await m.relay.until(lambda: mischief.done.total() >= 4 * lost)
        mischief.is_over = True
        await m.until_trusted_within()


@on_uvloop
async def test_a_maintenance_while_the_line_was_down():
    async with matrix() as m:
        await m.until_trusted()
        m.relay.drop_all()
        m.okx.venue.start_sequences_over()
        await m.until_trusted_within()


# Subscriptions


@on_uvloop
async def test_a_path_where_the_channels_are_not_is_told_and_not_hammered(monkeypatch):
    monkeypatch.setattr(feed_module, "STREAM_PATH", "/ws/v5/business")
    async with matrix(random=Random(3)) as m:
        await m.sink.until(lambda: "60018" in m.feed.last_failure)
        heard = len(m.sink.frames)
        assert heard == 6
        assert len(m.requests) == 1
        assert not any(m.sink.trusts(i.book) for i in INSTRUMENTS)


@on_uvloop
async def test_an_acknowledged_book_that_stays_silent_is_asked_for_ever_more_rarely():
    async with matrix(random=Random(3)) as m:
        spot = b'"channel":"books","instId":"BTC-USDT"}'
        m.relay.meddle = mischief = Mischief(1, ["dropped"], 1.0, lambda frame: spot in frame and is_data(frame))
        await m.relay.until(lambda: m.count("unsubscribe") >= 3)
        assert m.sink.trusts(SWAP.book)
        assert not m.sink.trusts(SPOT.book)
        assert {topics for op, topics in ((op, frozenset(topics)) for op, topics in m.requests[1:])} == {
            frozenset({("books", "BTC-USDT")})
        }
        mischief.is_over = True
        await m.until_trusted_within(3 * BOUND_S)
        assert m.sink.asked[SWAP.book] == 0


@on_uvloop
async def test_a_symbol_left_while_its_neighbour_starts_over():
    async with matrix() as m:
        await m.until_trusted()
        m.feed.unsubscribe(SWAP.book)
        m.feed.request_snapshot(SPOT.book)
        await m.relay.until(lambda: m.count("subscribe") == 2)
        assert m.requests[-1] == ("subscribe", {("books", "BTC-USDT")})
        m.feed.subscribe(SWAP.book)
        await m.until_trusted_within()


# Two lines, and one after the other


async def until_live(m: Matrix) -> None:
    """Every book trusted, on every line that there is; how it came to that is forgotten."""
    await m.until_trusted()
    await m.relay.until(lambda: m.count("subscribe") >= m.relay.connections)
    await m.until_trusted_within()
    m.sink.trust.clear()


@pytest.mark.parametrize("seed", [21, 22])
@pytest.mark.parametrize("kind", Mischief.KINDS)
@on_uvloop
async def test_what_one_of_two_lines_suffers_costs_no_trust(kind, seed):
    async with matrix(seed, lines=(0, 1)) as m:
        await until_live(m)
        m.relay.pairs[0].meddle = mischief = Mischief(seed, [kind], 0.2, is_data)
        await m.relay.until(lambda: mischief.done.total() >= 40)
        assert m.sink.trust == []
        assert not m.sink.asked


@on_uvloop
async def test_the_loss_of_one_of_two_lines_costs_no_trust_and_it_comes_back():
    async with matrix(lines=(0, 1)) as m:
        await until_live(m)
        m.relay.pairs[0].drop()
        await m.sink.until(lambda: len(m.sink.lines) == 4)
        await m.until_trusted_within()
        assert m.sink.trust == []
        assert not m.sink.asked


@on_uvloop
async def test_a_maintenance_that_one_of_two_lines_tells_late_costs_no_trust():
    """The late line's messages from before it have large numbers, and are old all the same."""
    async with matrix(lines=(0, 1)) as m:
        await until_live(m)
        high = m.sink.books[SPOT.book].last_update_id
        m.relay.pairs[1].meddle = lambda frame: ((0.1, frame),)
        await m.relay.until(lambda: m.sink.books[SPOT.book].last_update_id > high + 20)
        m.okx.venue.start_sequences_over()
        await m.sink.until(lambda: all(m.sink.books[i.book].last_update_id < high for i in INSTRUMENTS))
        heard = m.sink.books[SPOT.book].updates
        await m.sink.until(lambda: m.sink.books[SPOT.book].updates > heard + 50)
        assert m.sink.trust == []
        assert not m.sink.asked


@on_uvloop
async def test_a_line_that_the_venue_will_close_is_replaced_first_and_no_trust_is_lost():
    async with matrix(timing=QUICK._replace(overlap_s=0.2), spare=1) as m:
        await until_live(m)
        m.okx.venue.announce_upgrade()
        await m.sink.until(lambda: len(m.sink.lines) == 3)
        assert m.sink.lines == [(0, True, "connected"), (1, True, "connected"), (0, False, "replaced")]
        await m.until_trusted_within()
        assert m.sink.trust == []
        m.okx.venue.announce_upgrade()
        await m.sink.until(lambda: len(m.sink.lines) == 5)
        assert m.sink.lines[3:] == [(0, True, "connected"), (1, False, "replaced")]
        await m.until_trusted_within()
        assert m.sink.trust == []
        assert [op for op, _ in m.requests] == ["subscribe"] * 3


# A slow reader


@on_uvloop
async def test_what_has_piled_up_before_a_slow_reader_comes_at_once_and_nothing_is_asked_for():
    async with matrix(timing=QUICK._replace(ping_s=5.0)) as m:
        await m.until_trusted()
        piled_up: list[bytes] = []
        m.relay.meddle = lambda frame: piled_up.append(frame) or ()
        await m.relay.until(lambda: len(piled_up) >= 100)
        m.relay.meddle = untouched
        for frame in piled_up:
            m.relay.pairs[0].to_client(frame)
        await m.until_trusted_within()
        assert not m.sink.asked
        assert m.relay.connections == 1


@on_uvloop
async def test_a_book_is_quick_while_the_other_starts_over_and_over():
    """A resynchronisation of one symbol holds up no other: the quiet one misses none of its updates."""
    async with matrix() as m:
        await m.until_trusted()
        for times in range(2, 6):
            m.feed.request_snapshot(SPOT.book)
            await m.sink.until(lambda times=times: m.snapshots(SPOT) == times)
        assert m.snapshots(SWAP) == 1
        assert not m.sink.asked
        assert all(topics == {("books", "BTC-USDT")} for _, topics in m.requests[1:])
