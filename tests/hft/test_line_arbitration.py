"""Two lines that say the same: what one loses costs nothing while the other has it, and nothing is shown that is wrong.

A line is a copy of the venue's messages in the venue's order, each with a delay of its own. A seed makes the market,
the delays and the faults.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from graphwiz_trader.hft import market_data as module
from graphwiz_trader.hft.events import Side, Trust
from graphwiz_trader.hft.kernels import outcome
from graphwiz_trader.hft.market_data import MarketData
from graphwiz_trader.hft.orderbook import OrderBookManager
from hft.floor import MS, SECOND, SPOT, START, Floor, Journal, snapshot, spot_depth, ticker, trade
from hft.wires import WIRES, Market, Sides, Wire

A, B = 0, 1
LIVE, STALE, BROKEN = Trust.LIVE, Trust.STALE, Trust.BROKEN
DELAY_MS = 90
"""Less than what another line is waited for."""


class Floors(Floor):
    """A floor whose spot exchange is heard over two lines, both up."""

    def __init__(self, lines: int = 2) -> None:
        super().__init__(lines=("binance",) * lines, up=True)

    def on(self, line: int, *frames: bytes, now: int = START) -> list[int]:
        return [self.market_data.on_frame(line, frame, now) for frame in frames]


def _bid(number: int) -> list[tuple[str, str]]:
    return [("99.9", f"0.{number:03d}")]


def _update(number: int) -> bytes:
    return spot_depth(number, number, _bid(number))


# One rule at a time


def test_the_first_copy_moves_the_book_and_the_second_is_nothing_new() -> None:
    floor = Floors()
    floor.make_live(SPOT)
    assert floor.on(A, _update(102)) == [SPOT]
    assert floor.on(B, _update(102), _update(103)) == [-1, SPOT]
    assert floor.on(A, _update(103)) == [-1]
    assert not floor.market_data.refused


def test_which_line_was_the_first_is_counted_of_every_stream() -> None:
    floor = Floors()
    floor.make_live(SPOT)
    before = floor.market_data.news_by_line()
    said = (_update(102), ticker(103, ("99.9", "2"), ("100.1", "2")), trade(7, "100", "1"))
    floor.on(A, *said)
    floor.on(B, *said, _update(103))
    floor.on(A, _update(103))
    brought = [now - then for now, then in zip(floor.market_data.news_by_line(), before, strict=True)]
    assert brought == [3, 1]


def test_what_one_line_has_lost_the_other_brings_and_the_trust_stays() -> None:
    floor = Floors()
    floor.make_live(SPOT)
    assert floor.on(A, _update(103), _update(104)) == [-1, -1]
    assert floor.book(SPOT).is_trusted
    assert floor.book(SPOT).last_update_id == 101
    assert floor.on(B, _update(102)) == [SPOT]
    assert floor.book(SPOT).last_update_id == 104
    assert floor.journal.trust_of(SPOT) == [(LIVE, "in sequence")]
    assert floor.asked == []
    assert not floor.market_data.refused


def test_what_both_lines_have_lost_starts_the_book_over_at_once_with_what_is_held() -> None:
    floor = Floors()
    floor.make_live(SPOT)
    floor.on(A, _update(103))
    floor.on(B, _update(103))
    assert floor.book(SPOT).trust is BROKEN
    assert floor.asked == [SPOT]
    assert floor.snapshot(SPOT, snapshot(102)) == SPOT
    assert floor.book(SPOT).last_update_id == 103


@pytest.mark.parametrize("too_long_ns", [module.FILL_NS + 1, -3_600_000_000_000], ids=["in time", "clock set back"])
def test_a_gap_that_no_line_fills_in_time_starts_the_book_over(too_long_ns: int) -> None:
    floor = Floors()
    floor.make_live(SPOT)
    floor.on(A, _update(103))
    floor.market_data.on_timer(START + module.FILL_NS)
    assert floor.book(SPOT).is_trusted
    floor.market_data.on_timer(START + too_long_ns)
    assert floor.journal.trust_of(SPOT)[-1] == (BROKEN, "gap in the sequence")
    assert floor.asked == [SPOT]
    assert floor.market_data.refused == {(A, outcome.GAP): 1}


def test_a_gap_is_over_when_the_line_that_might_have_filled_it_breaks() -> None:
    floor = Floors()
    floor.make_live(SPOT)
    floor.on(A, _update(103))
    floor.market_data.on_line(B, up=False, now_ns=START)
    assert floor.book(SPOT).trust is BROKEN
    assert floor.asked == [SPOT]


def test_three_lines_fill_each_others_gaps() -> None:
    floor = Floors(3)
    floor.make_live(SPOT)
    floor.on(0, _update(103), _update(104))
    floor.on(1, _update(104))
    assert floor.book(SPOT).is_trusted
    floor.on(2, _update(102))
    assert floor.book(SPOT).last_update_id == 104


def test_the_loss_of_one_line_costs_nothing_and_of_the_last_everything() -> None:
    floor = Floors()
    floor.make_live(SPOT)
    floor.market_data.on_line(A, up=False, now_ns=START)
    assert floor.on(B, _update(102)) == [SPOT]
    floor.market_data.on_line(A, up=True, now_ns=START)
    assert floor.on(A, _update(103)) == [SPOT]
    assert floor.journal.trust_of(SPOT) == [(LIVE, "in sequence")]
    floor.market_data.on_line(A, up=False, now_ns=START)
    floor.market_data.on_line(B, up=False, now_ns=START)
    assert floor.journal.trust_of(SPOT)[-1] == (STALE, "line down")


def test_a_frame_that_cannot_be_read_is_lost_on_its_line_alone() -> None:
    floor = Floors()
    floor.make_live(SPOT)
    floor.on(A, _update(102)[:-4])
    assert floor.book(SPOT).is_trusted
    assert floor.on(B, _update(102)) == [SPOT]
    floor.market_data.on_timer(START + SECOND)
    assert floor.journal.trust_of(SPOT) == [(LIVE, "in sequence")]
    assert floor.market_data.refused == {(A, outcome.MALFORMED): 1}


def test_a_frame_that_cannot_be_read_on_any_line_breaks_the_book() -> None:
    floor = Floors()
    floor.make_live(SPOT)
    floor.on(A, _update(102)[:-4])
    floor.on(B, _update(102)[:-4])
    assert floor.book(SPOT).trust is BROKEN
    assert floor.asked == [SPOT]


def test_a_book_that_crosses_is_mended_by_no_other_line() -> None:
    floor = Floors()
    floor.make_live(SPOT)
    floor.on(A, spot_depth(102, 102, [("100.5", "1")]))
    assert floor.book(SPOT).trust is Trust.CROSSED
    assert floor.asked == [SPOT]


def test_an_id_from_nowhere_on_one_line_is_disproved_by_what_that_line_brings_next() -> None:
    floor = Floors()
    floor.make_live(SPOT)
    at = [spot_depth(n, n, _bid(n % 1000)).replace(b'"E":1', b'"E":%d' % n) for n in (102, 103)]
    nowhere = spot_depth(10**17, 10**17).replace(b'"E":1', b'"E":100')
    floor.on(A, nowhere)
    floor.on(B, *at)
    floor.on(A, *at)
    floor.market_data.on_timer(START + SECOND)
    assert floor.book(SPOT).is_trusted


def test_while_a_book_waits_for_its_snapshot_the_lines_complete_each_other() -> None:
    floor = Floors()
    floor.on(A, _update(101), _update(103), _update(104))
    floor.on(B, _update(102), _update(104), _update(105))
    assert floor.asked == [SPOT]
    assert floor.snapshot(SPOT, snapshot(100)) == SPOT
    assert floor.book(SPOT).last_update_id == 105


def test_a_trade_is_news_once() -> None:
    floor = Floors()
    floor.make_live(SPOT)
    code = [
        floor.market_data._on_frame[line](frame, floor.market_data._feeds[line], floor.books.records, START) & 0xFF
        for frame in (trade(7, "100.0", "1"), trade(8, "100.1", "2"))
        for line in (A, B)
    ]
    assert code == [outcome.TRADE, outcome.QUIET, outcome.TRADE, outcome.QUIET]


def test_trades_whose_ids_begin_anew_are_taken_up_and_what_a_slower_line_still_brings_is_not() -> None:
    floor = Floors()
    floor.make_live(SPOT)

    def at(trade_id: int, told_ms: int) -> bytes:
        return trade(trade_id, "100.0", f"0.{trade_id:03d}").replace(b'"E":1', b'"E":%d' % told_ms)

    floor.on(A, at(800, 10_000), at(3, 20_000), at(4, 20_100))
    assert floor.book(SPOT).last_trade.trade_id == 4
    floor.on(B, at(800, 10_000), at(3, 20_000))
    assert floor.book(SPOT).last_trade.trade_id == 4
    floor.on(A, at(5, 20_200))
    assert floor.book(SPOT).last_trade.trade_id == 5


def test_a_ticker_of_the_slower_line_does_not_turn_the_top_back() -> None:
    floor = Floors()
    floor.make_live(SPOT)
    floor.on(A, ticker(110, ("99.9", "1"), ("100.0", "1")))
    floor.on(B, ticker(109, ("99.9", "1"), ("99.95", "1")), ticker(110, ("99.9", "1"), ("100.0", "1")))
    assert floor.book(SPOT).best_ask == (1000, 1000)


# What is held, is bounded


def test_held_frames_are_bounded_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HELD_BYTES", 10 * len(_update(102)))
    floor = Floors(1)
    floor.on(A, *[_update(number) for number in range(102, 152)])
    assert len(floor.market_data._held[SPOT]) == 10
    floor.snapshot(SPOT, snapshot(141))
    assert floor.book(SPOT).last_update_id == 151


def test_a_frame_larger_than_all_that_may_be_held_is_not() -> None:
    floor = Floors(1)
    giant = _update(102)[:-1] + b',"x":[' + b"1," * (module.HELD_BYTES // 2) + b"1]}"
    floor.on(A, giant, _update(103))
    assert len(floor.market_data._held[SPOT]) == 1
    floor.snapshot(SPOT, snapshot(102))
    assert floor.book(SPOT).is_trusted


# Any market, any faults


class Heard(NamedTuple):
    """Something happens on a line: a frame, or, without one, the line goes up or down."""

    time_ms: int
    line: int
    frame: bytes | None
    up: bool = True


class Faults(NamedTuple):
    """How often, of a hundred: a message is lost, comes twice, is cut; the line breaks for a while."""

    lost: int = 0
    twice: int = 0
    cut: int = 0
    breaks: int = 0


NO_FAULTS, MANY = Faults(), Faults(lost=10, twice=10, cut=3, breaks=2)
MESSAGES = 60


class Sent(NamedTuple):
    """A message, and where the venue stood by then."""

    time_ms: int
    frame: bytes
    id: int
    sides: Sides


def _sent(wire: Wire, market: Market, random: Random) -> list[Sent]:
    """An update every 20 ms; on OKX the ids may begin anew somewhere."""
    sent = []
    maintenance = random.randrange(2 * MESSAGES) if wire.streams_snapshots else -1
    for number in range(MESSAGES):
        time_ms = 20 * number
        if number == maintenance:
            frame = wire.update(market.start_anew(time_ms, new_id=3))
        else:
            for _ in range(random.randrange(1, 4)):
                market.change()
            frame = wire.update(market.update(time_ms))
        sent.append(Sent(time_ms, frame, market.id, market.sides))
        if random.randrange(3) == 0:
            sent.append(sent[-1]._replace(frame=wire.best(market.id, market.sides, time_ms)))
    return sent


class Line:
    """One copy of what was sent: in the venue's order, each message after a delay of its own, with faults."""

    def __init__(self, wire: Wire, line: int, sent: list[Sent], faults: Faults, random: Random) -> None:
        self._wire = wire
        self._line = line
        self._now_ms = -1  # all lines are up before anything happens to one
        self.heard: list[Heard] = []
        self._up(sent[0])
        up_ms = 0
        for message in sent:
            self._now_ms = max(self._now_ms, message.time_ms + random.randrange(DELAY_MS))
            if message.time_ms < up_ms or random.randrange(100) < faults.lost:
                continue
            if random.randrange(100) < faults.breaks:
                up_ms = message.time_ms + random.randrange(400)
                self.heard.append(Heard(self._now_ms, line, None, up=False))
                self._now_ms = max(self._now_ms, up_ms)
                self._up(_newest(sent, up_ms))
                continue
            frame = message.frame[:-9] if random.randrange(100) < faults.cut else message.frame
            self.heard += [Heard(self._now_ms, line, frame)] * (1 + (random.randrange(100) < faults.twice))

    def _up(self, newest: Sent) -> None:
        self.heard.append(Heard(self._now_ms, self._line, None))
        if self._wire.streams_snapshots:
            body = self._wire.snapshot(newest.id, newest.sides, newest.time_ms)
            self.heard.append(Heard(self._now_ms, self._line, body))


def _newest(sent: list[Sent], time_ms: int) -> Sent:
    return next((message for message in reversed(sent) if message.time_ms <= time_ms), sent[0])


class Run:
    """A market over two lines, and the product's market data that hears them."""

    def __init__(self, wire: Wire, seed: int, *faults: Faults) -> None:
        random = Random(seed)
        self._wire = wire
        self._random = random
        self.market = Market(random, first_id=100_000)
        self.sent = _sent(wire, self.market, random)
        lines = [Line(wire, line, self.sent, fault, random) for line, fault in enumerate(faults)]
        self._heard = sorted((heard for line in lines for heard in line.heard), key=lambda heard: heard.time_ms)
        instruments = wire.instruments()
        self.books = OrderBookManager(instruments)
        self.journal = Journal()
        decoders = [wire.decoder(instruments, wire.exchange) for _ in lines]
        self.asked: list[int] = []
        self.market_data = MarketData(self.books, decoders, self.journal, request_snapshot=self.asked.append)

    def play(self) -> None:
        """Everything, in the order of arrival; what is trusted meanwhile must be right."""
        timer_ms = served = 0
        for heard in self._heard:
            while timer_ms + 100 <= heard.time_ms:
                timer_ms += 100
                self.market_data.on_timer(START + timer_ms * MS)
            self._hear(heard)
            while served < len(self.asked):
                served += 1
                self._serve(heard.time_ms)
            self.assert_right()
        self.market_data.on_timer(START + timer_ms * MS + SECOND)

    def _hear(self, heard: Heard) -> None:
        now_ns = START + heard.time_ms * MS
        if heard.frame is None:
            self.market_data.on_line(heard.line, heard.up, now_ns)
        else:
            self.market_data.on_frame(heard.line, heard.frame, now_ns)

    def _serve(self, time_ms: int) -> None:
        """A snapshot as the venue stands, with REST; on OKX a line, whichever is asked, is given it on its stream."""
        newest = _newest(self.sent, time_ms)
        body = self._wire.snapshot(newest.id, newest.sides, newest.time_ms)
        if self._wire.streams_snapshots:
            self.market_data.on_frame(self._random.randrange(2), body, START + time_ms * MS)
        else:
            self.market_data.on_snapshot(0, body, START + time_ms * MS)

    def assert_right(self) -> None:
        book = self.books[0]
        if book.is_trusted:
            assert (book.levels(Side.BUY), book.levels(Side.SELL)) == self.market.books[book.last_update_id]


@pytest.mark.parametrize("name", WIRES)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=25)
def test_whatever_two_lines_lose_no_wrong_book_is_shown(name: str, seed: int) -> None:
    Run(WIRES[name], seed, MANY, MANY).play()


@pytest.mark.parametrize("name", WIRES)
@pytest.mark.parametrize("complete", [A, B])
@given(seed=st.integers(0, 2**32))
@example(seed=132_201)
@settings(max_examples=25)
def test_with_one_line_complete_the_trust_stays_whatever_the_other_does(name: str, complete: int, seed: int) -> None:
    run = Run(WIRES[name], seed, *((NO_FAULTS, MANY) if complete == A else (MANY, NO_FAULTS)))
    run.play()
    assert [trust for trust, _ in run.journal.trust_of(0)] == [LIVE]
    assert run.books[0].last_update_id == run.sent[-1].id
    run.assert_right()
