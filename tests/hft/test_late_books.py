"""What has waited for a slow reader: applied as it comes, and no book is live by it that the venue has long moved."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphwiz_trader.hft.events import Trust
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.hft.records import ClockOffset
from hft.floor import MS, PERP, SECOND, SPOT, START, Floor, snapshot, spot_depth, ticker, usdm_depth
from hft.okx_floor import OkxFloor, depth

MOST_AGE_MS = 2_000
"""How old a book may be, as `OrderBookManager` has it by itself."""
NOW_MS = START // MS
LIVE, STALE = Trust.LIVE, Trust.STALE


def told(frame: bytes, at_ms: int) -> bytes:
    """A frame of the venue's, written at that moment of its clock."""
    return frame.replace(b'"E":1', b'"E":%d' % at_ms)


def floor(offset_ms: int = 0, error_ms: int = 0) -> Floor:
    """Both venues' clocks are known."""
    made = Floor()
    for exchange in made.instruments.exchanges:
        made.books.note_clock(exchange, ClockOffset(offset_ms * MS, error_ms * MS))
    return made


def make_live(at: Floor, book: int) -> None:
    """By an update that took no time."""
    at.snapshot(book, snapshot(100))
    at.frames(book, told(spot_depth(101, 101) if book == SPOT else usdm_depth(100, 101, 99), NOW_MS))
    assert at.book(book).is_trusted


def is_late(took_ms: int, quickest_ms: int, offset_ms: int, error_ms: int) -> bool:
    """Whether an update is older than a book may be even by the youngest of the ages that the clocks allow.

    Where the quickest is as well, the clocks say nothing about it.
    """
    ages_ms = [each + offset_ms - error_ms for each in (took_ms, min(took_ms, quickest_ms))]
    return ages_ms[0] > MOST_AGE_MS >= ages_ms[1]


def test_an_update_that_waited_is_applied_and_its_book_is_live_again_with_the_first_young_one() -> None:
    at = floor()
    make_live(at, SPOT)
    late = told(spot_depth(102, 102, bids=[("99.9", "2")]), NOW_MS)
    assert at.frames(SPOT, late, now=START + 3 * SECOND) == [-1]
    assert at.book(SPOT).trust is STALE
    assert at.book(SPOT).lots_at(0, 999) == 2_000
    young = told(spot_depth(103, 103, bids=[("99.9", "3")]), NOW_MS + 2_900)
    assert at.frames(SPOT, young, now=START + 3 * SECOND) == [SPOT]
    assert at.journal.trust_of(SPOT)[1:] == [(STALE, "late"), (LIVE, "in sequence")]
    assert at.asked == []


def test_after_a_silence_what_piled_up_meanwhile_gives_no_trust_back() -> None:
    at = floor()
    make_live(at, SPOT)
    at.market_data.on_timer(START + 6 * SECOND)
    piled_up = [told(spot_depth(102 + i, 102 + i), NOW_MS + 1_000 * i) for i in range(6)]
    assert at.frames(SPOT, *piled_up, now=START + 6 * SECOND) == [-1, -1, -1, -1, SPOT, -1]


def test_a_ticker_that_waited_takes_the_trust_and_an_update_gives_it_back() -> None:
    at = floor()
    make_live(at, PERP)
    late, young = (
        told(ticker(200 + i, ("99.9", "5"), ("100.0", "1"), e="bookTicker", E=1), NOW_MS + 3_000 * i) for i in range(2)
    )
    update = told(usdm_depth(102, 201, 101, bids=[("99.9", "5")]), NOW_MS + 3_000)
    assert at.frames(PERP, late, young, update, now=START + 3 * SECOND) == [-1, -1, PERP]
    assert at.journal.trust_of(PERP)[1:] == [(STALE, "late"), (LIVE, "in sequence")]


def test_what_has_no_time_is_not_late() -> None:
    at = floor()
    make_live(at, SPOT)
    assert at.frames(SPOT, ticker(200, ("99.9", "5"), ("100.0", "1"))) == [SPOT]


def test_nothing_is_late_while_the_venues_clock_is_not_known() -> None:
    at = Floor()
    make_live(at, SPOT)
    at.frames(SPOT, told(spot_depth(102, 102), NOW_MS), now=START + 60 * SECOND)
    assert at.book(SPOT).is_trusted


@given(
    st.integers(-1_000_000, 1_000_000),
    st.integers(-100_000, 100_000),
    st.integers(0, 5_000),
    st.sampled_from(["spot", "usdm"]),
)
def test_an_update_is_late_when_it_is_too_old_whatever_the_clocks_error(
    waited_ms: int, offset_ms: int, error_ms: int, venue: str
) -> None:
    at = floor(offset_ms, error_ms)
    book = SPOT if venue == "spot" else PERP
    make_live(at, book)
    frame = told(spot_depth(102, 102) if venue == "spot" else usdm_depth(102, 102, 101), NOW_MS)
    at.frames(book, frame, now=START + waited_ms * MS)
    assert at.book(book).is_trusted is not is_late(waited_ms, 0, offset_ms, error_ms)


def test_a_recording_that_is_served_is_not_late_whatever_its_pace() -> None:
    at = floor()
    at.snapshot(SPOT, snapshot(100))
    for second, told_ms in enumerate((0, 100, 200)):
        frame = told(spot_depth(101 + second, 101 + second), NOW_MS - 60_000 + told_ms)
        at.frames(SPOT, frame, now=START + second * SECOND)
        assert at.book(SPOT).is_trusted


def test_what_is_late_is_said_anew_once_the_line_has_been_down() -> None:
    at = floor()
    make_live(at, SPOT)
    at.market_data.on_line(0, up=False, now_ns=START)
    at.snapshot(SPOT, snapshot(110))
    at.frames(SPOT, told(spot_depth(111, 111), NOW_MS - 60_000))
    assert at.book(SPOT).is_trusted


def test_what_waited_for_its_snapshot_is_as_old_as_when_it_came() -> None:
    at = floor()
    at.frames(SPOT, told(spot_depth(102, 102), NOW_MS))
    assert at.snapshot(SPOT, snapshot(101), now=START + 3 * SECOND) == SPOT
    assert at.book(SPOT).received_ns == START


@pytest.mark.parametrize("last", ["late", "young"])
def test_behind_a_gap_that_another_line_fills_too(last: str) -> None:
    """What was held was young when it came; what fills the gap decides nothing by its own age."""
    at = Floor(lines=("binance", "binance"), up=True)
    at.books.note_clock("binance", ClockOffset(0, 0))
    make_live(at, SPOT)
    came = START + (3 * SECOND if last == "late" else 0)
    at.market_data.on_frame(0, told(spot_depth(103, 103), NOW_MS), came)
    at.market_data.on_frame(1, told(spot_depth(102, 102), NOW_MS), came + 50 * MS)
    assert at.book(SPOT).last_update_id == 103
    assert at.book(SPOT).is_trusted is (last == "young")


def okx() -> OkxFloor:
    """With a book that was live by an update that took no time, at 11."""
    at = OkxFloor()
    at.books.note_clock("okx", ClockOffset(0, 0))
    at.frames(
        depth("snapshot", [("99.9", "1")], ids=(-1, 10), ts=NOW_MS),
        depth("update", [("99.9", "2")], ids=(10, 11), ts=NOW_MS),
    )
    assert at.book().is_trusted
    return at


@pytest.mark.parametrize(
    ("what", "trust"),
    [
        (depth("snapshot", [("99.9", "1")], ids=(-1, 12), ts=NOW_MS + 1), LIVE),  # it has not moved since
        (depth("update", ids=(11, 11), ts=NOW_MS + 1), LIVE),  # nor has it, and that is all there is to say
        (depth("update", [("99.9", "3")], ids=(11, 12), ts=NOW_MS + 1), STALE),
    ],
)
def test_of_a_chain_an_update_that_says_something_may_be_late(what: bytes, trust: Trust) -> None:
    at = okx()
    at.frames(what, now=START + 30 * SECOND)
    assert at.book().trust is trust


def test_how_old_a_book_may_be_is_the_settings_word() -> None:
    at = floor()
    books = OrderBookManager(at.instruments, max_book_age_ms=700)
    books.note_clock("binance", ClockOffset(5 * MS, 2 * MS))
    assert books.records[SPOT]["late_ns"] == (700 + 2 - 5) * MS
