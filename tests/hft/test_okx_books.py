"""OKX's books: what starts one, what continues it, what is old, what is a gap, and what a checksum proves."""

from __future__ import annotations

import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphwiz_trader.hft.events import Side, Trust
from graphwiz_trader.hft.kernels import checksum, layout, outcome
from graphwiz_trader.hft.kernels.ladder import set_level
from hft.floor import SECOND, START
from hft.okx_floor import BTC, UNI, OkxFloor, best, depth, frame
from oracle.okx import checksum_of

LIVE, STALE, BROKEN, CROSSED = Trust.LIVE, Trust.STALE, Trust.BROKEN, Trust.CROSSED
LOT = 10**8


def _bids(floor: OkxFloor, book: int = BTC) -> list[tuple[int, int]]:
    return floor.book(book).levels(Side.BUY)


# Starting, and continuing


def test_a_snapshot_of_the_stream_is_trusted_at_once() -> None:
    floor = OkxFloor()
    assert floor.frames(depth("snapshot", [("99.9", "9")], [("100.1", "9")], ids=(-1, 100))) == [BTC]
    assert floor.book().is_trusted
    assert floor.book().last_update_id == 100
    assert floor.asked == []


def test_an_update_that_names_the_one_before_it_continues_the_book() -> None:
    floor = OkxFloor()
    floor.make_live(100)
    assert floor.frames(depth("update", [("99.9", "0"), ("99.8", "2")], ids=(100, 117))) == [BTC]
    assert _bids(floor) == [(998, 2 * LOT)]
    assert floor.book().last_update_id == 117


def test_an_idle_message_keeps_the_book_live() -> None:
    floor = OkxFloor()
    floor.make_live(100)
    floor.market_data.on_timer(START + 60 * SECOND)
    assert floor.book().trust is STALE
    assert floor.frames(depth("update", ids=(100, 100), ts=60_000), now=START + 60 * SECOND) == [BTC]
    assert floor.book().is_trusted
    assert not floor.market_data.refused


def test_after_a_maintenance_the_venue_counts_anew_and_the_chain_goes_on() -> None:
    floor = OkxFloor()
    floor.make_live(1000)
    floor.frames(
        depth("update", [("99.8", "2")], ids=(1000, 3), ts=2),
        depth("update", [("99.7", "2")], ids=(3, 9), ts=3),
    )
    assert floor.book().is_trusted
    assert floor.book().last_update_id == 9
    assert len(_bids(floor)) == 3


def test_a_missed_update_is_a_gap_and_the_subscription_is_asked_for_once() -> None:
    floor = OkxFloor()
    floor.make_live(100)
    floor.frames(*(depth("update", ids=(i, i + 1), ts=2) for i in range(105, 110)))
    assert floor.book().trust is BROKEN
    assert floor.asked == [BTC]
    assert floor.market_data.refused == {(0, outcome.GAP): 1}
    assert floor.frames(depth("snapshot", [("99.5", "1")], [("99.6", "1")], ids=(-1, 110), ts=3)) == [BTC]
    assert _bids(floor) == [(995, LOT)]
    floor.frames(depth("update", [("99.4", "1")], ids=(110, 111), ts=4))
    assert floor.book().is_trusted
    floor.frames(depth("update", ids=(112, 113), ts=5))
    assert floor.asked == [BTC, BTC]


def test_an_update_before_any_snapshot_asks_for_one_and_is_not_kept() -> None:
    floor = OkxFloor()
    floor.frames(depth("update", [("99.9", "5")], ids=(99, 100)), depth("update", [("99.8", "5")], ids=(100, 101)))
    assert floor.asked == [BTC]
    floor.make_live(200)
    assert _bids(floor) == [(999, 9 * LOT)]


def test_an_update_that_came_twice_is_old() -> None:
    floor = OkxFloor()
    floor.make_live(100)
    first = depth("update", [("99.8", "2")], ids=(100, 101), ts=2)
    second = depth("update", [("99.8", "3")], ids=(101, 102), ts=3)
    floor.frames(first, second, first, second)
    assert floor.book().is_trusted
    assert _bids(floor) == [(999, 9 * LOT), (998, 3 * LOT)]


def test_after_a_missed_maintenance_small_ids_are_a_gap_and_not_old() -> None:
    floor = OkxFloor()
    floor.make_live(1000, ts=50)
    floor.frames(depth("update", [("99.8", "2")], ids=(3, 9), ts=51))
    assert floor.book().trust is BROKEN
    assert floor.asked == [BTC]


def test_a_snapshot_that_came_late_does_not_turn_the_book_back() -> None:
    floor = OkxFloor()
    floor.make_live(100, ts=5)
    floor.frames(depth("snapshot", [("90", "1")], [("91", "1")], ids=(-1, 90), ts=4))
    assert floor.book().last_update_id == 100
    floor.frames(depth("snapshot", [("90", "1")], [("91", "1")], ids=(-1, 4), ts=6))
    assert floor.book().last_update_id == 4, "the venue counts anew: its snapshot is newer by time"


def test_a_line_that_broke_leaves_no_trust_until_its_next_snapshot() -> None:
    floor = OkxFloor()
    floor.make_live(100)
    floor.market_data.on_line(0, False, START)
    assert floor.book().trust is STALE
    floor.frames(depth("update", ids=(100, 101), ts=2))
    assert not floor.book().is_trusted
    floor.make_live(150, ts=3)


def test_a_frame_that_cannot_be_read_costs_its_book_and_no_other() -> None:
    floor = OkxFloor()
    floor.make_live(100)
    floor.frames(depth("snapshot", [("5.1", "7")], [("5.2", "7")], ids=(-1, 7), book=UNI))
    floor.frames(depth("update", [("99.95", "1")], ids=(100, 101)))
    assert floor.book(BTC).trust is BROKEN
    assert floor.book(UNI).is_trusted
    assert floor.asked == [BTC]


def test_a_bad_trade_costs_no_book() -> None:
    floor = OkxFloor()
    floor.make_live(100)
    floor.frames(frame("trades", {"tradeId": "1", "px": "99.95", "sz": "1", "side": "buy", "ts": "1"}))
    assert floor.book().is_trusted
    assert floor.market_data.refused == {(0, outcome.BAD_NUMBER): 1}


def test_a_crossed_book_is_not_trusted() -> None:
    floor = OkxFloor()
    floor.make_live(100)
    floor.frames(depth("update", [("100.1", "1")], ids=(100, 101)))
    assert floor.book().trust is CROSSED
    assert floor.asked == [BTC]


def test_answers_and_notices_are_counted_and_touch_nothing() -> None:
    floor = OkxFloor()
    floor.make_live(100)
    floor.frames(b"pong", b'{"event":"notice","code":"64008","msg":"upgrade"}')
    assert floor.market_data.passed_over == {0: 2}
    assert floor.book().is_trusted


# Channels beside each other


def test_five_levels_do_not_replace_a_whole_book_but_stand_in_while_there_is_none() -> None:
    floor = OkxFloor()
    few = [("99.8", "1")], [("100.2", "1")]
    floor.frames(depth("", *few, ids=(0, 101), ts=2, channel="books5"))
    assert _bids(floor) == [(998, LOT)]
    assert floor.book().is_trusted
    floor.frames(depth("update", ids=(100, 102), ts=3))
    assert floor.asked == [BTC], "an update does not continue five levels"
    assert floor.book().is_trusted
    floor.make_live(103, ts=4)
    floor.frames(depth("", *few, ids=(0, 104), ts=5, channel="books5"))
    assert _bids(floor) == [(999, 9 * LOT)]
    floor.frames(depth("update", ids=(103, 105), ts=6))
    assert floor.book().is_trusted


def test_two_channels_that_chain_do_not_mix() -> None:
    floor = OkxFloor()
    floor.make_live(100)
    floor.frames(depth("update", [("99.8", "1")], ids=(100, 101), ts=2, channel="books50-l2-tbt"))
    assert _bids(floor) == [(999, 9 * LOT)]
    floor.frames(depth("update", [("99.7", "1")], ids=(100, 101), ts=2))
    assert _bids(floor) == [(999, 9 * LOT), (997, LOT)]


def test_the_top_is_the_newest_that_the_venue_said_by_id_and_not_by_arrival() -> None:
    floor = OkxFloor()
    floor.make_live(100)
    assert floor.frames(best(103, ("99.95", "1"), ("100.1", "1")), best(103, ("99.9", "1"), ("100.0", "1"))) == [
        -1,
        BTC,
    ]
    assert floor.book().best_ask == (1000, LOT)
    floor.frames(best(102, ("99.8", "1"), ("99.9", "1")))
    assert floor.book().best_ask == (1000, LOT)
    floor.frames(depth("update", [("99.8", "1")], ids=(100, 104)))
    assert floor.book().best_ask == (1001, 9 * LOT)


def test_a_best_bid_and_offer_from_before_a_maintenance_does_not_stay_the_newest() -> None:
    floor = OkxFloor()
    floor.make_live(1000, ts=1)
    floor.frames(best(1005, ("99.8", "1"), ("99.9", "1")), depth("update", ids=(1000, 3), ts=2))
    assert floor.book().best_ask == (1001, 9 * LOT)
    floor.frames(best(5, ("99.9", "1"), ("100.0", "1"), ts=3))
    assert floor.book().best_ask == (1000, LOT)


def test_a_trade_is_kept_and_changes_no_top() -> None:
    floor = OkxFloor()
    floor.make_live(100)
    trade = {"instId": "BTC-USDT", "tradeId": "7", "px": "100.1", "sz": "0.5", "side": "sell", "ts": "1"}
    assert floor.frames(frame("trades", trade), frame("trades", trade)) == [-1, -1]
    row = floor.books.records[BTC]
    assert (row["trade_id"], row["trade_ticks"], row["trade_lots"], row["trade_is_sell"]) == (7, 1001, LOT // 2, 1)


# Checksums


def _checked(bids: list[tuple[str, str]], asks: list[tuple[str, str]], **more: Any) -> dict[str, Any]:
    return {"bids": bids, "asks": asks, "checksum": checksum_of(bids, asks), **more}


def test_without_ids_a_checksum_decides() -> None:
    floor = OkxFloor()
    floor.frames(depth("snapshot", **_checked([("99.9", "9")], [("100", "0.08")])))
    assert floor.book().is_trusted
    whole = checksum_of([("99.9", "9"), ("99.8", "1")], [("100", "0.08")])
    floor.frames(depth("update", [("99.8", "1")], checksum=whole))
    assert floor.book().is_trusted
    floor.frames(depth("update", [("99.7", "1")], checksum=whole))
    assert floor.book().trust is BROKEN
    assert floor.asked == [BTC]
    assert floor.market_data.refused == {(0, outcome.CHECKSUM): 1}


def test_an_update_without_ids_and_without_a_checksum_is_refused() -> None:
    floor = OkxFloor()
    floor.make_live(100)
    floor.frames(depth("update", [("99.8", "1")], checksum=0))
    assert floor.book().trust is BROKEN


def test_with_ids_a_checksum_of_0_is_none_and_any_other_counts() -> None:
    floor = OkxFloor()
    floor.make_live(100)
    floor.frames(depth("update", [("99.8", "1")], ids=(100, 101)))
    assert floor.book().is_trusted
    right = checksum_of([("99.9", "9"), ("99.8", "1")], [("100.1", "9")])
    floor.frames(depth("update", ids=(101, 102), checksum=right))
    assert floor.book().is_trusted
    floor.frames(depth("update", ids=(102, 103), checksum=right + 1))
    assert floor.book().trust is BROKEN


def test_a_snapshot_with_a_wrong_checksum_starts_nothing() -> None:
    floor = OkxFloor()
    floor.frames(depth("snapshot", [("99.9", "9")], [("100", "1")], checksum=5))
    assert not floor.book().is_trusted
    assert floor.asked == [BTC]


def test_the_register_before_the_first_separator_leads_to_a_crcs_beginning() -> None:
    assert zlib.crc32(b":", checksum._BEFORE_SEPARATOR ^ 0xFFFFFFFF) ^ 0xFFFFFFFF == 0xFFFFFFFF


_SIDES = st.dictionaries(st.integers(1, 3_000), st.integers(1, 10**14) | st.integers(1, 999), max_size=40)


@given(
    bids=_SIDES,
    asks=_SIDES,
    scale=st.sampled_from([(0, 1, 0, 1), (1, 1, 8, 1), (3, 5, 2, 25), (8, 1, 3, 100)]),
    changes=st.lists(st.tuples(st.integers(0, 1), st.integers(1, 3_000), st.integers(0, 10**9)), max_size=20),
)
def test_a_checksum_is_zlibs_of_the_shortest_texts_after_every_change(
    bids: dict[int, int], asks: dict[int, int], scale: tuple[int, ...], changes: list[tuple[int, int, int]]
) -> None:
    books = layout.new_books(1)
    row = books[0]
    row["price_decimals"], row["tick_step"], row["size_decimals"], row["lot_step"] = scale
    sides: tuple[dict[int, int], dict[int, int]] = ({}, {})
    beginning = [*((0, *level) for level in bids.items()), *((1, *level) for level in asks.items())]
    for number, (side, ticks, lots) in enumerate([*beginning, *changes]):
        sides[side][ticks] = lots
        set_level(row, side, ticks if side else -ticks, lots)
        right = checksum_of(*(_texts(sides[side], scale, best_last=side == 0) for side in (0, 1)))
        if right and number >= len(beginning) - 1:
            assert checksum.is_right(row, right)
            assert not checksum.is_right(row, right ^ 1)


def _texts(side: dict[int, int], scale: tuple[int, ...], *, best_last: bool) -> list[tuple[str, str]]:
    """A side's best levels as the venue would write them."""
    levels = [(ticks, lots) for ticks, lots in sorted(side.items(), reverse=best_last) if lots][:25]
    return [(_shortest(ticks * scale[1], scale[0]), _shortest(lots * scale[3], scale[2])) for ticks, lots in levels]


def _shortest(value: int, decimals: int) -> str:
    if not decimals:
        return str(value)
    digits = str(value).rjust(decimals + 1, "0")
    return f"{digits[:-decimals]}.{digits[-decimals:]}".rstrip("0").rstrip(".")


@pytest.mark.parametrize("book", [BTC, UNI])
def test_each_book_has_its_own_remembered_pieces(book: int) -> None:
    floor = OkxFloor()
    for prices in (("99.9", "100"), ("25.5", "25.6"), ("99.9", "100")):
        levels = _checked([(prices[0], "9")], [(prices[1], "8")])
        floor.frames(depth("snapshot", book=book, **levels))
        assert floor.book(book).is_trusted
