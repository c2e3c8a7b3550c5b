"""Staleness stream by stream: each symbol's own rate says how long its silence may be."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import recordings
from graphwiz_trader.hft.events import Stream, Trust
from hft.floor import MS, PERP, SECOND, SPOT, START, Floor, spot_depth, ticker, trade, usdm_depth
from oracle import recording_lines
from oracle.silence import Silence

LEAST_MS, MOST_MS = 1_000, 5_000
TIMER_MS = 100


class Watched:
    """A floor with a clock; a timer every 100 ms. ``say`` has a stream of SPOT say something new."""

    def __init__(self) -> None:
        self.floor = Floor(stale_after_ms=MOST_MS, min_stale_after_ms=LEAST_MS)
        self.now_ms = 0
        self._id = 101
        self.floor.make_live(SPOT)

    @property
    def now_ns(self) -> int:
        return START + self.now_ms * MS

    def say(self, stream: Stream) -> None:
        self._id += 1
        frame = {
            Stream.DEPTH: spot_depth(102, self._id),
            Stream.BBO: ticker(self._id, ("99.9", "1"), ("100.0", "1")),
            Stream.TRADES: trade(self._id, "100.0", "1"),
        }[stream]
        self.floor.frames(SPOT, frame, now=self.now_ns)

    def pass_time(self, milliseconds: int) -> None:
        for _ in range(milliseconds // TIMER_MS):
            self.now_ms += TIMER_MS
            self.floor.market_data.on_timer(self.now_ns)

    def talk(self, *streams: Stream, every_ms: int, for_ms: int) -> None:
        for _ in range(for_ms // every_ms):
            for stream in streams:
                self.say(stream)
            self.pass_time(every_ms)

    @property
    def trust(self) -> Trust:
        return self.floor.book(SPOT).trust

    @property
    def silent(self) -> tuple[Stream, ...]:
        return self.floor.book(SPOT).silent_streams


def test_a_busy_book_that_stops_is_stale_within_the_least_limit() -> None:
    watched = Watched()
    watched.talk(Stream.DEPTH, every_ms=100, for_ms=20_000)
    watched.pass_time(LEAST_MS - 100)
    assert watched.trust is Trust.LIVE
    watched.pass_time(200)
    assert watched.trust is Trust.STALE
    assert watched.floor.journal.trust_of(SPOT)[-1] == (Trust.STALE, "silent")


def test_a_quiet_book_is_not_called_stale_before_the_most() -> None:
    watched = Watched()
    watched.talk(Stream.DEPTH, every_ms=2_000, for_ms=60_000)
    watched.pass_time(MOST_MS - 2_000)
    assert watched.trust is Trust.LIVE
    watched.pass_time(2_100)
    assert watched.trust is Trust.STALE


def test_before_a_books_rate_is_known_only_the_most_counts() -> None:
    watched = Watched()
    watched.talk(Stream.DEPTH, every_ms=100, for_ms=5_000)
    watched.pass_time(MOST_MS - 100)
    assert watched.trust is Trust.LIVE


@pytest.mark.parametrize("other", [Stream.BBO, Stream.TRADES])
def test_other_streams_do_not_speak_for_the_levels(other: Stream) -> None:
    watched = Watched()
    watched.talk(Stream.DEPTH, other, every_ms=100, for_ms=20_000)
    watched.talk(other, every_ms=100, for_ms=1_500)
    assert watched.trust is Trust.STALE
    assert watched.silent == (Stream.DEPTH,)


@pytest.mark.parametrize("stream", [Stream.BBO, Stream.TRADES])
def test_a_silent_stream_beside_the_levels_is_shown_and_costs_no_trust(stream: Stream) -> None:
    watched = Watched()
    watched.talk(Stream.DEPTH, stream, every_ms=100, for_ms=20_000)
    watched.talk(Stream.DEPTH, every_ms=100, for_ms=1_500)
    assert watched.trust is Trust.LIVE
    assert watched.silent == (stream,)
    watched.talk(Stream.DEPTH, stream, every_ms=100, for_ms=200)
    assert watched.silent == ()


def test_a_stream_that_was_never_heard_is_not_missed() -> None:
    watched = Watched()
    watched.talk(Stream.DEPTH, every_ms=100, for_ms=30_000)
    assert watched.silent == ()
    assert watched.floor.book(SPOT).heard(Stream.BBO) == (0, 0)


def test_a_fault_teaches_little_and_a_symbol_that_became_quieter_is_soon_known_to_be() -> None:
    watched = Watched()
    watched.talk(Stream.DEPTH, every_ms=100, for_ms=20_000)
    watched.pass_time(60_000)
    watched.talk(Stream.DEPTH, every_ms=100, for_ms=1_000)
    watched.pass_time(2 * LEAST_MS + 100)
    assert watched.trust is Trust.STALE, "a minute without a word is no reason to wait a minute next time"
    stale_before = len(watched.floor.journal.trust_of(SPOT))
    watched.talk(Stream.DEPTH, every_ms=1_500, for_ms=60_000)
    changes = [trust for trust, _ in watched.floor.journal.trust_of(SPOT)[stale_before:]]
    assert changes.count(Trust.STALE) <= 1


def test_a_line_that_broke_leaves_no_silence_behind() -> None:
    watched = Watched()
    watched.talk(*Stream, every_ms=100, for_ms=20_000)
    watched.floor.market_data.on_line(0, up=False, now_ns=watched.now_ns)
    watched.pass_time(10_000)
    assert watched.silent == ()
    watched.floor.make_live(SPOT, last=5_000, now=watched.now_ns)
    watched.pass_time(500)
    assert watched.trust is Trust.LIVE
    assert watched.silent == ()


def test_times_of_every_stream_stand_by_both_clocks() -> None:
    floor = Floor()
    floor.make_live(PERP)
    update = usdm_depth(102, 103, 101).replace(b'"E":1', b'"E":77')
    floor.frames(PERP, update, now=START + 5)
    floor.frames(PERP, ticker(200, ("99.9", "1"), ("100.0", "1"), e="bookTicker", E=78), now=START + 6)
    floor.frames(PERP, trade(5, "100.0", "1").replace(b'"E":1', b'"E":79'), now=START + 7)
    book = floor.book(PERP)
    assert [book.heard(stream) for stream in Stream] == [
        (77 * MS, START + 5),
        (78 * MS, START + 6),
        (79 * MS, START + 7),
    ]
    assert (book.exchange_time_ns, book.received_ns) == (77 * MS, START + 5)
    assert (book.last_trade.exchange_time_ns, book.last_trade.received_ns) == (79 * MS, START + 7)


_STEPS = st.lists(
    st.tuples(st.sampled_from([1, 1, 1, 2, 5, 20, 70]), st.sampled_from([*Stream, None])), min_size=150, max_size=400
)


@given(_STEPS)
@settings(max_examples=40)
def test_silences_are_what_the_oracle_says(steps: list[tuple[int, Stream | None]]) -> None:
    watched = Watched()
    oracle = {stream: Silence(LEAST_MS * MS, MOST_MS * MS) for stream in Stream}
    oracle[Stream.DEPTH].hear(watched.now_ns)
    for timers, stream in steps:
        for _ in range(timers):
            watched.pass_time(TIMER_MS)
            for each in oracle.values():
                each.look(watched.now_ns)
        assert watched.silent == tuple(each for each in Stream if oracle[each].is_silent)
        assert watched.trust is (Trust.STALE if oracle[Stream.DEPTH].is_silent else Trust.LIVE)
        learned = watched.floor.books.records[SPOT]["longest_silence_ns"].tolist()
        assert learned == [oracle[each].longest_ns for each in Stream]
        if stream is not None:
            watched.say(stream)
            oracle[stream].hear(watched.now_ns)
            if stream is Stream.DEPTH:
                assert watched.trust is Trust.LIVE


@pytest.mark.recorded
@pytest.mark.parametrize(
    "recorded", recordings.FOUR_OF_2024, ids=lambda recorded: f"{recorded.exchange}-{recorded.symbol}"
)
def test_no_recorded_book_is_called_silent_and_one_that_stops_is_known_soon(recorded: recordings.Symbol) -> None:
    """The rule alone, on the times at which depth updates were received."""
    silence = Silence(LEAST_MS * MS, MOST_MS * MS)
    lines = recording_lines.read(recordings.need(recorded.files[0]))
    timer_ns = 0
    for line in lines:
        if line.what != "frame" or b'"depthUpdate"' not in line.payload:
            continue
        timer_ns = timer_ns or line.time_ns
        while timer_ns < line.time_ns:
            timer_ns += TIMER_MS * MS
            silence.look(timer_ns)
            assert not silence.is_silent
        silence.hear(line.time_ns)
    assert silence.limit_ns < 2 * SECOND
