"""What ccxt reports, written down and read again: exact, whole, and in order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphwiz_trader.hft.events import Side, Trust
from graphwiz_trader.hft.kernels import outcome
from graphwiz_trader.venues.ccxt.wire import LEVELS, book_frame, decimal_text, has_side, lost_frame, trades_frame
from venues.ccxt.desk import BTC, ETH, Sink

BIDS, ASKS = [[99.99, 1.5], [99.5, 2.0]], [[100.01, 0.25], [101.0, 3e-07]]


def book(bids: Any = BIDS, asks: Any = ASKS, *, nonce: Any = None, time_ms: Any = None) -> bytes:
    return book_frame("BTC/USDT", {"bids": bids, "asks": asks, "nonce": nonce, "timestamp": time_ms}, 8)


def told(*frames: bytes) -> Sink:
    sink = Sink()
    for now_ns, frame in enumerate(frames, 1):
        sink.on_market_frame(0, frame, now_ns)
    return sink


def test_a_book_is_trusted_at_once_and_has_every_level():
    sink = told(book())
    assert sink.trusts(BTC.book)
    assert sink.levels(BTC) == tuple([(Decimal(str(p)), Decimal(str(s))) for p, s in side] for side in (BIDS, ASKS))


def test_each_book_replaces_the_one_before():
    assert told(book(), book([[98.0, 1.0]])).levels(BTC)[0] == [(Decimal(98), Decimal(1))]


def test_only_the_best_levels_are_told():
    levels = [[100.0 + step, 1.0] for step in range(LEVELS + 7)]
    assert len(told(book([], levels)).levels(BTC)[1]) == LEVELS


def test_a_size_is_never_told_larger_than_it_is():
    assert told(book([[99.0, 0.123456789999]])).levels(BTC)[0] == [(Decimal(99), Decimal("0.12345678"))]
    assert told(book([[99.0, 1e-9], [98.0, 1.0]])).levels(BTC)[0] == [(Decimal(98), Decimal(1))]


def test_what_is_older_by_id_and_time_is_passed_over():
    newest, older = book(nonce=7, time_ms=70), book([[90.0, 1.0]], nonce=6, time_ms=60)
    assert told(newest, older).levels(BTC) == told(newest).levels(BTC)


def test_an_exchange_that_counts_anew_is_followed():
    assert told(book(nonce=7, time_ms=70), book([[90.0, 1.0]], nonce=1, time_ms=80)).levels(BTC)[0][0][0] == 90


def test_without_a_time_an_id_alone_holds_nothing_back():
    assert told(book(nonce=7), book([[90.0, 1.0]], nonce=1)).levels(BTC)[0][0][0] == 90


def test_a_lost_book_is_not_trusted_and_is_asked_for():
    sink = told(book(), lost_frame("BTC/USDT"))
    assert sink.books[BTC.book].trust is Trust.BROKEN
    assert sink.asked == {BTC.book: 1}
    sink.on_market_frame(0, book(), 9)
    assert sink.trusts(BTC.book)


def test_a_symbol_that_is_lost_leaves_the_others_alone():
    other = book_frame("ETH/USDT", {"bids": BIDS, "asks": ASKS}, 8)
    sink = told(book(), other, lost_frame("BTC/USDT"), lost_frame("NOPE/USDT"))
    assert sink.trusts(ETH.book)
    assert sink.market_data.refused == {(0, outcome.GAP): 1, (0, outcome.UNKNOWN_SYMBOL): 1}


def test_a_crossed_book_is_not_trusted():
    assert told(book([[100.5, 1.0]])).books[BTC.book].trust is Trust.CROSSED


@pytest.mark.parametrize("level", [[99.999, 1.0], [99.0, float("nan")], [-1.0, 1.0], [1e300, 1.0]])
def test_a_book_that_is_not_exact_is_refused(level):
    sink = told(book(), book([level]))
    assert not sink.trusts(BTC.book)
    assert sink.market_data.refused.total() == 1


def test_trades_are_numbered_and_the_last_one_stands():
    trades = [
        {"price": 99.5, "amount": 2.0, "side": "sell", "timestamp": 5},
        {"price": 99.0, "amount": 1, "side": "buy"},
    ]
    last = told(book(), trades_frame("BTC/USDT", trades, 41, 8)).books[BTC.book].last_trade
    assert (last.trade_id, last.price_ticks, last.size_lots, last.taker) == (42, 9_900, 10**8, Side.BUY)


def test_a_trade_that_does_not_say_who_took_is_not_told():
    assert [has_side({"side": side}) for side in ("buy", "sell", None, "")] == [True, True, False, False]


@given(st.floats(min_value=0, max_value=1e15, allow_nan=False))
def test_a_float_is_written_so_that_it_reads_as_the_same_float(number):
    text = decimal_text(number)
    assert float(text) == number
    assert set(text) <= set("0123456789.")


@given(st.decimals(min_value=0, max_value=10**6, places=8))
def test_what_an_exchange_wrote_as_decimals_is_written_so_again(number):
    assert Decimal(decimal_text(float(number))) == number
