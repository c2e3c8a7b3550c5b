"""What a book may be trusted for: every way to lose trust, to get it back, and what is said and asked meanwhile."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphwiz_trader.hft import market_data as module
from graphwiz_trader.hft.events import RecordKind, Side, Trust
from graphwiz_trader.hft.kernels import outcome
from hft.floor import (
    MS,
    PERP,
    PERP_ETH,
    SECOND,
    SPOT,
    SPOT_ETH,
    START,
    Floor,
    snapshot,
    spot_depth,
    ticker,
    trade,
    usdm_depth,
)

LIVE, STALE, SYNCING, CROSSED, BROKEN = Trust.LIVE, Trust.STALE, Trust.SYNCING, Trust.CROSSED, Trust.BROKEN


def said_at(event_ms: int, frame: bytes) -> bytes:
    return frame.replace(b'"E":1', b'"E":%d' % event_ms)


def _levels(floor: Floor, book: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    return floor.book(book).levels(Side.BUY), floor.book(book).levels(Side.SELL)


# Synchronising


def test_updates_are_held_until_the_snapshot_and_then_continue_it_on_spot() -> None:
    floor = Floor()
    held = [spot_depth(98, 100, bids=[("99.8", "5")]), spot_depth(101, 103, bids=[("99.9", "2")])]
    assert floor.frames(SPOT, *held) == [-1, -1]
    assert floor.asked == [SPOT]

    assert floor.snapshot(SPOT, snapshot(100)) == SPOT

    assert _levels(floor, SPOT) == ([(999, 2000)], [(1001, 1000)])
    assert floor.book(SPOT).last_update_id == 103
    assert floor.journal.trust_of(SPOT) == [(LIVE, "snapshot")]
    assert floor.asked == [SPOT]


def test_the_first_usdm_update_must_span_the_snapshot_and_older_ones_are_dropped() -> None:
    floor = Floor()
    floor.frames(PERP, usdm_depth(90, 95, 89, bids=[("99.0", "9")]), usdm_depth(96, 104, 95, bids=[("99.9", "3")]))
    assert floor.snapshot(PERP, snapshot(100)) == PERP
    assert _levels(floor, PERP)[0] == [(999, 3000)]
    assert floor.frames(PERP, usdm_depth(130, 140, 104, asks=[("100.1", "7")])) == [PERP]
    assert floor.journal.trust_of(PERP) == [(LIVE, "snapshot")]


@pytest.mark.parametrize(
    ("book", "held"),
    [(SPOT, spot_depth(150, 160, bids=[("99.9", "4")])), (PERP, usdm_depth(150, 160, 149, bids=[("99.9", "4")]))],
)
def test_a_snapshot_older_than_what_is_held_is_asked_for_again_and_the_frames_are_kept(book: int, held: bytes) -> None:
    floor = Floor()
    floor.frames(book, held)
    assert floor.snapshot(book, snapshot(100)) == -1
    assert not floor.book(book).is_trusted
    assert floor.asked == [book, book]

    assert floor.snapshot(book, snapshot(155)) == book
    assert floor.book(book).last_update_id == 160
    assert floor.book(book).best_bid == (999, 4000)


def test_a_snapshot_alone_gives_no_trust_because_it_may_be_of_any_age() -> None:
    floor = Floor()
    assert floor.snapshot(SPOT, snapshot(100)) == -1
    assert floor.book(SPOT).trust is SYNCING
    assert floor.frames(SPOT, spot_depth(101, 101)) == [SPOT]
    assert floor.journal.trust_of(SPOT) == [(LIVE, "in sequence")]


def test_held_frames_are_bounded_and_the_lost_ones_show_as_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HELD_FRAMES", 3)
    floor = Floor()
    floor.frames(SPOT, *[spot_depth(i, i) for i in range(101, 111)])
    floor.snapshot(SPOT, snapshot(100))
    assert not floor.book(SPOT).is_trusted
    floor.snapshot(SPOT, snapshot(107))
    assert floor.book(SPOT).is_trusted
    assert floor.book(SPOT).last_update_id == 110


def test_a_gap_within_the_held_frames_asks_again_and_keeps_what_comes_behind_it() -> None:
    floor = Floor()
    floor.frames(SPOT, spot_depth(101, 102, bids=[("99.9", "2")]), spot_depth(110, 111, bids=[("99.8", "3")]))
    assert floor.snapshot(SPOT, snapshot(100)) == -1
    assert not floor.book(SPOT).is_trusted
    assert floor.asked == [SPOT, SPOT]
    assert floor.snapshot(SPOT, snapshot(109)) == SPOT
    assert _levels(floor, SPOT)[0] == [(999, 1000), (998, 3000)]


def test_a_held_frame_that_crosses_the_book_leaves_it_untrusted() -> None:
    floor = Floor()
    crossing = spot_depth(102, 102, bids=[("100.5", "1")])
    floor.frames(SPOT, spot_depth(101, 101, bids=[("99.9", "2")]), crossing, spot_depth(103, 103))
    assert floor.snapshot(SPOT, snapshot(100)) == -1
    assert floor.book(SPOT).trust is CROSSED
    assert not floor.books.is_tradable(SPOT)
    assert floor.asked == [SPOT, SPOT]
    assert floor.snapshot(SPOT, snapshot(103)) == -1
    assert floor.frames(SPOT, spot_depth(104, 104)) == [SPOT]
    assert floor.book(SPOT).is_trusted


# In sequence, and not


@pytest.mark.parametrize(
    ("book", "missing_one"), [(SPOT, spot_depth(103, 104)), (PERP, usdm_depth(103, 104, 102, bids=[("99.9", "2")]))]
)
def test_a_gap_makes_the_book_untrusted_until_the_next_snapshot(book: int, missing_one: bytes) -> None:
    floor = Floor()
    floor.make_live(book)
    assert floor.frames(book, missing_one) == [-1]
    assert floor.asked == [book]
    assert not floor.book(book).is_trusted
    floor.snapshot(book, snapshot(103))
    assert floor.journal.trust_of(book)[1:] == [(BROKEN, "gap in the sequence"), (LIVE, "snapshot")]


@pytest.mark.parametrize(
    ("book", "continued", "anew"),
    [
        (SPOT, spot_depth(102, 102), spot_depth(1, 2, bids=[("99.9", "2")])),
        (PERP, usdm_depth(102, 102, 101), usdm_depth(1, 2, 0, bids=[("99.9", "2")])),
    ],
    ids=["spot", "usdm"],
)
def test_a_venue_that_counts_anew_says_small_ids_late_and_the_book_is_begun_again(
    book: int, continued: bytes, anew: bytes
) -> None:
    floor = Floor()
    floor.make_live(book)
    assert floor.frames(book, said_at(10_000, continued)) == [-1]
    old = [said_at(time_ms, anew) for time_ms in (9_000, 10_000, 11_500)]
    assert floor.frames(book, *old) == [-1, -1, -1]
    assert floor.book(book).is_trusted, "they were told before, or for the same time by another server"
    floor.frames(book, said_at(11_501, anew))
    assert floor.book(book).trust is BROKEN
    assert floor.asked == [book]
    assert floor.snapshot(book, snapshot(1)) == book
    assert floor.book(book).last_update_id == 2
    assert floor.book(book).best_bid == (999, 2000)


def test_on_a_line_that_is_alone_no_id_is_told_twice_for_different_times() -> None:
    """Small ids may soon be where the old ones were, and then continue a book that is another."""
    floor = Floor(up=True)
    floor.make_live(SPOT)
    floor.frames(SPOT, said_at(10_000, spot_depth(102, 104)))
    floor.frames(SPOT, said_at(9_900, spot_depth(101, 101)), said_at(10_000, spot_depth(102, 104)))
    assert floor.book(SPOT).is_trusted, "what comes twice, or late, has its old time"
    floor.frames(SPOT, said_at(10_001, spot_depth(101, 103)))
    assert floor.book(SPOT).trust is BROKEN


def test_what_a_line_that_has_gone_said_is_not_held_against_the_other() -> None:
    floor = Floor(lines=["binance", "binance"], up=True)
    floor.make_live(SPOT)
    floor.frames(SPOT, said_at(10_000, spot_depth(102, 104)))
    floor.market_data.on_line(1, up=False, now_ns=START)
    again = said_at(10_060, spot_depth(103, 104))
    floor.frames(SPOT, again, now=START + 1_500 * MS)
    assert floor.book(SPOT).is_trusted
    floor.frames(SPOT, again, now=START + 1_500 * MS + 1)
    assert floor.book(SPOT).trust is BROKEN


@pytest.mark.parametrize(
    ("book", "update"), [(SPOT, spot_depth(101, 102)), (PERP, usdm_depth(99, 102, 98))], ids=["spot", "usdm"]
)
def test_a_snapshot_whose_id_the_stream_does_not_reach_is_not_waited_for_for_ever(book: int, update: bytes) -> None:
    floor = Floor()
    floor.snapshot(book, snapshot(10**15))
    floor.frames(book, update, now=START + 5 * SECOND)
    assert floor.asked == []
    floor.frames(book, update, now=START + 5 * SECOND + 1)
    assert floor.book(book).trust is BROKEN
    assert floor.asked == [book]
    assert floor.snapshot(book, snapshot(100)) == book
    assert floor.book(book).last_update_id == 102


def test_a_spot_update_may_overlap_what_is_known_but_a_usdm_update_must_continue_it() -> None:
    floor = Floor()
    floor.make_live(SPOT)
    floor.make_live(PERP)
    floor.frames(SPOT, spot_depth(95, 102))
    assert floor.book(SPOT).is_trusted
    floor.frames(PERP, usdm_depth(95, 102, 94))
    assert not floor.book(PERP).is_trusted


@pytest.mark.parametrize("book", [SPOT, PERP])
def test_an_update_that_comes_twice_is_ignored(book: int) -> None:
    floor = Floor()
    floor.make_live(book)
    bids, asks = [("99.9", "7")], [("100.1", "7")]
    once = spot_depth(102, 105, bids, asks) if book == SPOT else usdm_depth(102, 105, 101, bids, asks)
    later = spot_depth(106, 106, [("99.9", "8")]) if book == SPOT else usdm_depth(106, 106, 105, [("99.9", "8")])
    assert floor.frames(book, once, later, once, later) == [book, book, -1, -1]
    assert floor.book(book).best_bid == (999, 8000)
    assert floor.book(book).is_trusted
    assert floor.asked == []
    assert floor.journal.notices() == []


@pytest.mark.parametrize("book", [SPOT, PERP])
def test_two_updates_that_change_places_are_a_gap_and_one_snapshot_settles_it(book: int) -> None:
    floor = Floor()
    floor.make_live(book)
    first, second = (
        (spot_depth(102, 103, [("99.9", "3")]), spot_depth(104, 105, [("99.8", "4")]))
        if book == SPOT
        else (usdm_depth(102, 103, 101, [("99.9", "3")]), usdm_depth(104, 105, 103, [("99.8", "4")]))
    )
    floor.frames(book, second, first)
    assert not floor.book(book).is_trusted
    floor.snapshot(book, snapshot(104))
    assert floor.book(book).is_trusted
    assert floor.book(book).last_update_id == 105
    assert floor.asked == [book]


def test_an_update_that_crosses_the_book_breaks_it() -> None:
    floor = Floor()
    floor.make_live(SPOT)
    assert floor.frames(SPOT, spot_depth(102, 102, bids=[("100.1", "1")])) == [-1]
    assert floor.journal.trust_of(SPOT)[-1] == (CROSSED, "crossed book")
    assert floor.asked == [SPOT]
    assert floor.frames(SPOT, spot_depth(103, 103)) == [-1]
    floor.snapshot(SPOT, snapshot(102))
    assert floor.journal.trust_of(SPOT)[-1] == (LIVE, "snapshot")


# Bad input

DEPTH = spot_depth(102, 102, bids=[("99.9", "2")])
BAD_DEPTH = {
    "cut off": DEPTH[:-9],
    "a price off the tick": spot_depth(102, 102, bids=[("99.95", "2")]),
    "a price of 0": spot_depth(102, 102, bids=[("0.0", "2")]),
    "a number for a text": DEPTH.replace(b'"99.9"', b"99.9"),
    "a negative size": spot_depth(102, 102, bids=[("99.9", "-2")]),
    "a giant number": spot_depth(102, 102, bids=[("9" * 40, "2")]),
    "a giant id": DEPTH.replace(b'"u":102', b'"u":' + b"9" * 30),
    "an id from nowhere": spot_depth(102, 10**17),
    "a missing side": DEPTH.replace(b',"a":[]', b""),
    "a key twice": DEPTH[:-1] + b',"u":102}',
    "ids the wrong way round": spot_depth(103, 102),
    "too many levels": spot_depth(102, 102, bids=[("99.9", "2")] * 10_001),
    "10 MB": DEPTH[:-1] + b',"x":[' + b"1," * 5_000_000,
}


@pytest.mark.parametrize("what", BAD_DEPTH)
def test_a_depth_frame_that_cannot_be_read_breaks_its_book_and_asks_for_a_snapshot(what: str) -> None:
    floor = Floor()
    floor.make_live(SPOT)
    floor.make_live(PERP)
    before = _levels(floor, SPOT)
    assert floor.frames(SPOT, BAD_DEPTH[what]) == [-1]
    assert floor.book(SPOT).trust is BROKEN
    assert floor.asked == [SPOT]
    assert _levels(floor, SPOT) == before
    assert floor.book(PERP).is_trusted
    assert len(floor.journal.notices()) == 1
    floor.frames(SPOT, spot_depth(103, 103))
    floor.snapshot(SPOT, snapshot(102))
    assert floor.book(SPOT).is_trusted


@pytest.mark.parametrize(
    "frame",
    [
        ticker(200, ("99.95", "1"), ("100.1", "1")),
        ticker(10**17, ("99.9", "7"), ("100.1", "1")),
        ticker(200, ("abc", "1"), ("100.1", "1")),
        ticker(200, ("100.1", "1"), ("100.1", "1")),
        ticker(200, ("100.2", "1"), ("100.1", "1")),
        ticker(200, ("99.9", "1"), ("100.1", "1"), e="bookTicker")[:-8],
        trade(1, "100.05", "1"),
        trade(1, "-1", "1"),
        trade(1, "100.0", "1")[:-3],
    ],
)
def test_a_ticker_or_trade_that_cannot_be_read_costs_no_book_its_trust(frame: bytes) -> None:
    floor = Floor()
    floor.make_live(SPOT)
    assert floor.frames(SPOT, frame) == [-1]
    assert floor.book(SPOT).is_trusted
    assert floor.book(SPOT).best_bid == (999, 1000)
    assert floor.asked == []
    assert len(floor.journal.notices()) == 1


def test_what_names_no_known_book_touches_none() -> None:
    floor = Floor()
    floor.make_live(SPOT)
    bad = [
        b"",
        b"\x00\xff",
        b"{",
        b"[,]",
        b'{"e":"depthUpdate","E":1',
        b"null",
        b"0",
        spot_depth(1, 1, symbol="NOSUCH"),
    ]
    assert set(floor.frames(SPOT, *bad)) == {-1}
    assert floor.book(SPOT).is_trusted
    assert floor.asked == []
    assert floor.market_data.refused.total() == len(bad)


def test_each_kind_of_bad_input_is_noticed_once_for_each_line_however_often_it_comes() -> None:
    floor = Floor()
    floor.make_live(SPOT)
    unknown, malformed = spot_depth(1, 1, symbol="NOSUCH"), b"{"
    floor.frames(SPOT, *[unknown, malformed, b"}"] * 100)
    floor.frames(PERP, *[unknown] * 100)
    assert floor.journal.notices() == ["unknown symbol", "malformed", "unknown symbol"]
    assert floor.market_data.refused == {
        (0, outcome.UNKNOWN_SYMBOL): 100,
        (0, outcome.MALFORMED): 200,
        (1, outcome.UNKNOWN_SYMBOL): 100,
    }


@pytest.mark.parametrize("frame", [b'{"result":null,"id":1}', b'{"e":"kline","s":"BTCUSDT"}', snapshot(1), b"{}"])
def test_what_is_no_market_data_is_passed_over_without_a_word(frame: bytes) -> None:
    floor = Floor()
    floor.make_live(SPOT)
    assert floor.frames(SPOT, frame) == [-1]
    assert floor.book(SPOT).is_trusted
    assert floor.market_data.refused.total() == 0
    assert floor.journal.notices() == []


@pytest.mark.parametrize("problem", [spot_depth(103, 103), DEPTH[:-9]])
def test_one_problem_is_one_request_and_another_only_when_no_snapshot_comes(problem: bytes) -> None:
    """Who bounds the rest: the edge never has two requests under way for a book, and slows down who asks often."""
    floor = Floor()
    floor.make_live(SPOT)
    floor.frames(SPOT, problem, *[spot_depth(i, i) for i in range(104, 1104)])
    assert floor.asked == [SPOT]
    floor.frames(SPOT, spot_depth(1104, 1104), now=START + 11 * SECOND)
    assert floor.asked == [SPOT, SPOT]


def test_frames_held_for_one_book_do_not_wait_for_anothers_snapshot() -> None:
    floor = Floor()
    floor.frames(SPOT, spot_depth(101, 101), spot_depth(501, 501, symbol="ETHUSDT"))
    floor.snapshot(SPOT_ETH, snapshot(500))
    assert [book.is_trusted for book in floor.books] == [False, False, True, False]
    assert floor.asked == [SPOT, SPOT_ETH]


def test_a_frame_from_nowhere_does_not_keep_its_book_from_ever_being_trusted_again() -> None:
    floor = Floor()
    floor.make_live(SPOT)
    floor.frames(SPOT, spot_depth(10**17, 10**17), spot_depth(102, 103))
    asked = 0
    for number in range(104, 130):
        floor.frames(SPOT, spot_depth(number, number))
        if len(floor.asked) > asked:
            asked = len(floor.asked)
            floor.snapshot(SPOT, snapshot(number))
    assert floor.book(SPOT).is_trusted
    assert floor.book(SPOT).last_update_id == 129


# Snapshots that nobody needed


def test_an_older_snapshot_while_live_is_ignored() -> None:
    floor = Floor()
    floor.make_live(SPOT)
    floor.snapshot(SPOT, snapshot(90, bids=[("50.0", "1")]))
    floor.snapshot(SPOT, snapshot(101, bids=[("50.0", "1")]))
    assert floor.book(SPOT).is_trusted
    assert floor.book(SPOT).best_bid == (999, 1000)
    assert len(floor.journal.trust_of(SPOT)) == 1


def test_a_newer_snapshot_while_live_begins_the_book_anew_and_needs_an_update_that_continues_it() -> None:
    floor = Floor()
    floor.make_live(SPOT)
    floor.snapshot(SPOT, snapshot(200, bids=[("99.5", "1")]))
    assert not floor.books.is_tradable(SPOT)
    assert floor.frames(SPOT, spot_depth(150, 200), spot_depth(195, 201)) == [-1, SPOT]
    assert _levels(floor, SPOT) == ([(995, 1000)], [(1001, 1000)])
    assert floor.journal.trust_of(SPOT)[1:] == [(SYNCING, "snapshot"), (LIVE, "in sequence")]


def test_a_book_that_is_unsubscribed_is_forgotten_at_once_and_asks_for_nothing() -> None:
    floor = Floor()
    floor.make_live(SPOT)
    assert floor.snapshot(SPOT, b"") == -1
    assert floor.book(SPOT).trust is STALE
    assert floor.journal.trust_of(SPOT)[1:] == [(STALE, "unsubscribed")]
    assert floor.asked == []


@pytest.mark.parametrize("body", [b" ", b"not found", snapshot(200)[:-4], snapshot(200, bids=[("99.95", "1")])])
def test_a_snapshot_that_cannot_be_read_says_nothing_about_a_book_that_needs_none(body: bytes) -> None:
    floor = Floor()
    floor.make_live(SPOT)
    assert floor.snapshot(SPOT, body) == -1
    assert floor.book(SPOT).is_trusted
    assert floor.frames(SPOT, spot_depth(102, 102, bids=[("99.9", "5")])) == [SPOT]
    assert floor.asked == []
    assert len(floor.journal.notices()) == 1


@pytest.mark.parametrize("body", [b"not found", snapshot(200, bids=[("100.1", "1")])])
def test_a_snapshot_that_cannot_be_used_is_asked_for_again_and_the_frames_are_kept(body: bytes) -> None:
    floor = Floor()
    floor.frames(SPOT, spot_depth(101, 101))
    assert floor.snapshot(SPOT, body) == -1
    assert not floor.book(SPOT).is_trusted
    assert floor.asked == [SPOT, SPOT]
    floor.snapshot(SPOT, snapshot(100))
    assert floor.book(SPOT).is_trusted


def test_a_crossed_snapshot_while_live_takes_the_book_with_it() -> None:
    floor = Floor()
    floor.make_live(SPOT)
    floor.snapshot(SPOT, snapshot(200, bids=[("100.1", "1")]))
    assert not floor.book(SPOT).is_trusted
    assert floor.asked == [SPOT]


# Lines and silence


def test_a_broken_line_takes_the_trust_of_its_own_exchanges_books_and_of_no_others() -> None:
    floor = Floor()
    for book in range(4):
        floor.make_live(book)
    floor.market_data.on_line(0, up=False, now_ns=START)
    assert [book.trust for book in floor.books] == [STALE, LIVE, STALE, LIVE]
    assert floor.journal.trust_of(SPOT)[-1] == floor.journal.trust_of(SPOT_ETH)[-1] == (STALE, "line down")
    assert floor.asked == []
    floor.market_data.on_line(0, up=True, now_ns=START)
    assert floor.frames(SPOT, spot_depth(300, 301)) == [-1]
    assert floor.asked == [SPOT]
    floor.snapshot(SPOT, snapshot(300))
    assert floor.book(SPOT).is_trusted


def test_after_a_broken_line_an_update_that_seems_to_continue_is_not_believed() -> None:
    floor = Floor()
    floor.make_live(SPOT)
    floor.market_data.on_line(0, up=False, now_ns=START)
    assert floor.frames(SPOT, spot_depth(102, 102)) == [-1]
    assert not floor.book(SPOT).is_trusted


def test_a_venue_that_begins_its_ids_anew_is_followed_and_the_old_ticker_forgotten() -> None:
    floor = Floor()
    floor.make_live(SPOT, last=10_000_000)
    floor.frames(SPOT, ticker(10_000_010, ("99.9", "3"), ("100.0", "3")))
    floor.market_data.on_line(0, up=False, now_ns=START)
    floor.make_live(SPOT, last=10, bids=[("89.9", "1")], asks=[("90.1", "1")])
    assert floor.book(SPOT).best_bid == (899, 1000)
    assert floor.book(SPOT).best_ask == (901, 1000)
    floor.frames(SPOT, ticker(12, ("89.9", "2"), ("90.0", "2")))
    assert floor.book(SPOT).best_ask == (900, 2000)


def test_silence_makes_a_book_stale_and_the_next_update_in_sequence_gives_the_trust_back() -> None:
    floor = Floor(stale_after_ms=5_000)
    floor.make_live(SPOT)
    floor.market_data.on_timer(START + 5 * SECOND)
    assert floor.book(SPOT).is_trusted
    floor.market_data.on_timer(START + 5 * SECOND + MS)
    assert floor.book(SPOT).trust is STALE
    floor.market_data.on_timer(START + 6 * SECOND)
    floor.frames(SPOT, spot_depth(102, 102, bids=[("99.9", "2")]), now=START + 7 * SECOND)
    assert floor.journal.trust_of(SPOT)[1:] == [(STALE, "silent"), (LIVE, "in sequence")]
    assert floor.asked == []


def test_a_stale_book_is_not_trusted_again_for_a_ticker() -> None:
    floor = Floor(stale_after_ms=5_000)
    floor.make_live(SPOT)
    floor.market_data.on_timer(START + 6 * SECOND)
    assert floor.frames(SPOT, ticker(200, ("99.9", "1"), ("100.0", "1")), now=START + 6 * SECOND) == [-1]
    assert floor.book(SPOT).trust is STALE


def test_tickers_alone_do_not_keep_a_book_alive_whose_levels_are_no_longer_updated() -> None:
    floor = Floor(stale_after_ms=5_000)
    floor.make_live(SPOT)
    for i in range(6):
        floor.frames(SPOT, ticker(200 + i, ("99.9", "1"), ("100.0", f"1.{i}")), now=START + i * SECOND)
    floor.market_data.on_timer(START + 6 * SECOND)
    assert floor.book(SPOT).trust is STALE


def test_a_book_that_never_was_live_does_not_go_stale() -> None:
    floor = Floor()
    floor.frames(PERP_ETH, usdm_depth(1, 2, 0, symbol="ETHUSDT"))
    floor.market_data.on_timer(START + 60 * SECOND)
    assert floor.book(PERP_ETH).trust is SYNCING
    assert floor.journal.of(RecordKind.TRUST) == []


def test_a_book_that_is_trusted_again_is_news_even_if_its_top_is_as_it_was() -> None:
    floor = Floor()
    floor.make_live(SPOT)
    floor.market_data.on_timer(START + 60 * SECOND)
    assert floor.frames(SPOT, spot_depth(102, 102), spot_depth(103, 103)) == [SPOT, -1]
    floor.frames(SPOT, spot_depth(200, 200))
    assert floor.snapshot(SPOT, snapshot(199)) == SPOT


# Whatever comes, in whatever order

_EVENTS = st.one_of(
    st.tuples(st.just("next"), st.integers(1, 3)),
    st.tuples(st.just("snapshot"), st.integers(-4, 4)),
    st.sampled_from([("lost", 1), ("again", 0), ("crossing", 0), ("cut", 0), ("down", 0), ("silence", 0)]),
)


@given(st.sampled_from([SPOT, PERP]), st.lists(_EVENTS, max_size=40))
def test_a_trusted_book_is_the_venues_book_whatever_was_lost_doubled_or_damaged(
    book: int, events: list[tuple[str, int]]
) -> None:
    """The venue's own book is one bid whose size is the id of the last update that it sent."""
    floor = Floor(stale_after_ms=1_000)
    last, now, frame = 100, START, b"{}"
    for what, count in events:
        now += MS
        if what in ("next", "lost", "crossing", "cut"):
            previous, last = last, last + max(count, 1)
            bid = ("100.5" if what == "crossing" else "99.9", f"0.{last:03d}")
            frame = (
                spot_depth(previous + 1, last, [bid])
                if book == SPOT
                else usdm_depth(previous + 1, last, previous, [bid])
            )
            if what == "crossing":
                back = [("100.5", "0"), ("99.9", f"0.{last:03d}")]
                floor.frames(book, frame, now=now)
                previous, last = last, last + 1
                back[1] = ("99.9", f"0.{last:03d}")
                frame = spot_depth(last, last, back) if book == SPOT else usdm_depth(last, last, previous, back)
            if what != "lost":
                floor.frames(book, frame[:-5] if what == "cut" else frame, now=now)
        elif what == "again":
            floor.frames(book, frame, now=now)
        elif what == "snapshot":
            at = last + min(count, 0)
            floor.snapshot(book, snapshot(at, bids=[("99.9", f"0.{at:03d}")]), now)
        elif what == "down":
            floor.market_data.on_line(floor.line_of(book), up=False, now_ns=now)
        else:
            now += 2 * SECOND
            floor.market_data.on_timer(now)
        if floor.book(book).is_trusted:
            assert floor.book(book).last_update_id <= last
            assert floor.book(book).best_bid == (999, floor.book(book).last_update_id)
        recorded = floor.journal.trust_of(book)
        assert (recorded[-1][0] if recorded else SYNCING) is floor.book(book).trust
