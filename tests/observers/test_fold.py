"""The state an observer holds follows from the records alone."""

from __future__ import annotations

import msgspec
import pytest

from graphwiz_trader.hft.events import Opportunity, OrderState, RecordKind, Side, Trust
from graphwiz_trader.journal.layout import Record
from graphwiz_trader.observers import state
from graphwiz_trader.observers.fold import StateFold
from observers import market
from observers.market import MS, START_NS, MadeUpSession

SECOND = 1000 * MS


def folded(*records: Record) -> StateFold:
    fold = StateFold()
    for item in (market.session(), *records):
        fold.apply(item)
    return fold


def test_before_any_record_everything_is_empty() -> None:
    empty = StateFold().state
    assert (empty.session, empty.books, empty.records, empty.ended) == ("", [], 0, False)


def test_the_session_record_names_venues_and_books() -> None:
    now = folded().state
    assert now.session == "s1"
    assert [(v.exchange, v.books) for v in now.venues] == [("binance", 2), ("binanceusdm", 2)]
    assert [(b.exchange, b.symbol, b.trust) for b in now.books][3] == ("binanceusdm", "ETH/USDT", "syncing")


def test_a_clock_measurement_is_its_exchange_s_whatever_line_it_was_made_over() -> None:
    clock = market.record(RecordKind.CLOCK, {"offset_ns": -1_270 * MS, "error_ns": MS // 4}, source=1)
    now = folded(clock).state
    assert [(v.exchange, v.clock_offset_ms, v.clock_error_ms) for v in now.venues] == [
        ("binance", None, None),
        ("binanceusdm", -1_270.0, 0.25),
    ]


def test_each_line_knows_whether_it_is_up_and_how_often_it_broke() -> None:
    def line(source: int, *, up: bool, reason: str) -> Record:
        return market.record(RecordKind.LINE, {"up": up, "reason": reason}, source=source)

    binance, usdm = folded(
        line(0, up=True, reason="connected"),
        line(2, up=False, reason="warm-up"),
        market.record(RecordKind.MARKET_FRAME, b"{}", source=0),
        line(0, up=False, reason="no answer"),
        line(0, up=True, reason="connected"),
        line(7, up=True, reason="of no exchange"),
    ).state.venues
    assert [(each.line, each.role, each.up, each.breaks, each.frames) for each in binance.lines] == [
        (0, "market", True, 1, 1),
        (2, "orders", False, 0, 0),
    ]
    assert (binance.lines_up, usdm.lines_up) == (1, 0)
    assert binance.lines[1].reason == "warm-up"


def test_a_new_session_forgets_the_old_one() -> None:
    fold = folded(*MadeUpSession().records(2, frames_per_s=20))
    fold.apply(market.session("s2"))
    assert fold.state.session == "s2"
    assert (fold.state.orders, fold.state.fills, fold.state.pnl_history, fold.state.ended) == (
        [],
        [],
        [],
        False,
    )


def test_a_pulse_sets_top_of_book_positions_and_pnl_as_the_text_it_gives() -> None:
    top = {
        "book": 2,
        "trust": 1,
        "bid": "61837.6",
        "bid_size": "1.200",
        "ask": "61837.70",
        "ask_size": "3",
        "spread_bps": 0.016,
        "updates": 9,
        "age_ms": 2.5,
    }
    position = {"book": 2, "size": "-0.010", "realised": "0.30", "unrealised": None, "fees": "0.1"}
    now = folded(market.pulse(START_NS, net="12.340", books=[top], positions=[position], open_orders=3)).state
    book = now.books[2]
    assert (book.trust, book.bid, book.bid_size, book.ask) == ("live", "61837.6", "1.200", "61837.70")
    assert (now.positions[0].symbol, now.positions[0].position.size) == ("BTC/USDT", "-0.010")
    assert (now.pnl.net, now.open_orders) == ("12.340", 3)


def test_an_unknown_top_of_book_is_none_not_zero() -> None:
    empty = {"book": 0, "trust": 0, "bid": None, "ask": None, "spread_bps": None}
    book = folded(market.pulse(START_NS, books=[empty])).state.books[0]
    assert (book.bid, book.ask, book.spread_bps, book.trust) == (None, None, None, "syncing")


def test_lost_trust_shows_at_once_with_its_reason_and_leaves_the_venues_live_count() -> None:
    live = [{"book": b, "trust": 1} for b in range(4)]
    change = {"book": 1, "trust": Trust.SYNCING, "was": Trust.LIVE, "reason": "GAP"}
    now = folded(market.pulse(START_NS, books=live), market.record(RecordKind.TRUST, change)).state
    assert (now.books[1].trust, now.books[1].reason) == ("syncing", "GAP")
    assert [v.live for v in now.venues] == [1, 2]


def test_frames_count_for_the_venue_of_their_line() -> None:
    frames = [market.record(RecordKind.MARKET_FRAME, b"{}", source=line) for line in (0, 1, 1)]
    frames.append(market.record(RecordKind.ORDER_FRAME, b"{}", source=3))
    venues = folded(*frames).state.venues
    assert [(v.frames, v.order_frames) for v in venues] == [(1, 0), (2, 1)]


def test_rates_are_per_second_of_journal_time() -> None:
    pulses = [market.pulse(START_NS + n * SECOND, counts={"frames": n * 500, "fills": n * 2}) for n in range(4)]
    rates = folded(*pulses).state.rates
    assert (rates.frames, rates.fills) == (500.0, 2.0)


def test_an_order_lives_from_sent_to_final() -> None:
    sent = market.order("c1", 0, Side.BUY, 6183763, 1200, legs=7)
    fold = folded(sent)
    view = fold.state.orders[0]
    assert (view.state, view.filled, view.price, view.size, view.kind, view.legs) == (
        "sent",
        None,
        "61837.63",
        "0.01200",
        "limit ioc",
        7,
    )
    fold.apply(market.update("c1", OrderState.FILLED, 1200))
    assert (view.state, view.filled, view.final) == ("filled", "0.01200", True)


def test_an_update_of_an_order_never_seen_is_ignored() -> None:
    assert folded(market.update("nobody", OrderState.FILLED, 1)).state.orders == []


def test_old_finished_orders_make_room_before_open_ones() -> None:
    fold = folded(market.order("open", 0, Side.BUY, 1, 1))
    for n in range(state.ORDERS_MAX + 10):
        fold.apply(market.order(f"c{n}", 0, Side.BUY, 1, 1))
        fold.apply(market.update(f"c{n}", OrderState.CANCELED, 0))
    ids = [o.client_id for o in fold.state.orders]
    assert len(ids) == state.ORDERS_MAX
    assert ids[-1] == "open"
    assert ids[0] == f"c{state.ORDERS_MAX + 9}"


def test_a_fill_shows_price_size_and_fee_as_decimal_text() -> None:
    one = market.fill("c1", 3, Side.SELL, 268812, 250, fee_units=268_812_000_000, fee_asset="BNB")
    view = folded(one).state.fills[0]
    assert (view.side, view.price, view.size, view.fee, view.fee_asset) == (
        "sell",
        "2688.12",
        "0.250",
        "0.268812",
        "BNB",
    )


def test_an_opportunity_names_both_venues_and_prices() -> None:
    seen = Opportunity(
        symbol="BTC/USDT",
        buy_book=0,
        sell_book=2,
        buy_price_ticks=6183763,
        sell_price_ticks=618500,
        size=0.5,
        net_bps=1.25,
        time_ns=START_NS,
    )
    view = folded(market.record(RecordKind.OPPORTUNITY, seen)).state.opportunities[0]
    assert (view.buy, view.buy_price, view.sell, view.sell_price, view.size) == (
        "binance",
        "61837.63",
        "binanceusdm",
        "61850.0",
        "0.5",
    )


def test_refusals_are_counted_by_reason() -> None:
    refused = market.record(RecordKind.RISK, {"event": "refused", "reason": "MAX_EXPOSURE", "detail": "d"})
    tripped = market.record(RecordKind.RISK, {"event": "tripped", "reason": "LOSS", "detail": "d"})
    now = folded(refused, refused, tripped).state
    assert now.refusals_by_reason == {"MAX_EXPOSURE": 2}
    assert [e.event for e in now.risk_events] == ["tripped", "refused", "refused"]


def test_a_repeated_notice_keeps_one_row_with_the_newest_count() -> None:
    notices = [
        market.record(RecordKind.NOTICE, {"what": "binance", "kind": "TRUNCATED", "count": n}) for n in (1, 10, 100)
    ]
    assert [(n.kind, n.count) for n in folded(*notices).state.notices] == [("TRUNCATED", 100)]


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"\xff\xfe", b'{"books":7}', b'{"books":[{"book":"x"}]}'])
def test_an_unreadable_payload_is_counted_and_changes_nothing_else(payload: bytes) -> None:
    fold = folded(market.pulse(START_NS, net="5"))
    fold.apply(market.record(RecordKind.PULSE, payload))
    assert fold.state.unreadable == {"PULSE": 1}
    assert fold.state.pnl.net == "5"


def test_an_unknown_kind_and_an_unknown_book_are_let_pass() -> None:
    fold = folded(Record(61, 0, START_NS, b"later version"), market.pulse(START_NS, books=[{"book": 99}]))
    fold.apply(market.fill("c", 99, Side.BUY, 1, 1))
    fold.apply(market.order("c", 99, Side.BUY, 1, 1))
    assert fold.state.fills == []
    assert fold.state.orders[0].symbol == "book 99"


def test_the_end_record_ends_the_session_with_its_reason() -> None:
    now = folded(market.record(RecordKind.END, {"reason": "stopped by the user"})).state
    assert (now.ended, now.end_reason) == (True, "stopped by the user")


def test_the_same_records_give_the_same_state() -> None:
    one, two = (folded(*MadeUpSession().records(5, frames_per_s=50)).state for _ in range(2))
    assert msgspec.json.encode(one) == msgspec.json.encode(two)


def test_a_long_session_stays_in_bounded_memory() -> None:
    fold = StateFold()
    session = MadeUpSession()
    sizes = []
    for number, item in enumerate(session.records(400, frames_per_s=0)):
        fold.apply(item)
        if number % 500 == 0:
            sizes.append(len(msgspec.json.encode(fold.state)))
    assert max(sizes[len(sizes) // 2 :]) < 1.1 * max(sizes[: len(sizes) // 2])
    assert max(sizes) < 100_000
