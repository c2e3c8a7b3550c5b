"""An order's life from approval to proven end, with messages lost, late, doubled and out of order."""

from __future__ import annotations

import itertools

import pytest

from graphwiz_trader.hft.events import ExecutionReport, OrderState, RecordKind, Side
from graphwiz_trader.hft.executor import FastOrderExecutor, NotSentError
from graphwiz_trader.hft.instruments import money_from_text
from graphwiz_trader.hft.orders import Order
from hft.desk import (
    ETH,
    INSTRUMENTS,
    MS,
    PERP,
    SECOND,
    SPOT,
    START,
    Desk,
    Gateway,
    a_resting_intent,
    a_trade,
    an_intent,
)

SENT, OPEN, UNKNOWN = OrderState.SENT, OrderState.OPEN, OrderState.UNKNOWN
FILLED, CANCELED, REJECTED, EXPIRED = OrderState.FILLED, OrderState.CANCELED, OrderState.REJECTED, OrderState.EXPIRED
LOT_AT_60_000 = money_from_text("60")


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def order(desk: Desk) -> Order:
    """A purchase of 10 lots in the perpetual, sent and not answered."""
    return desk.place(an_intent())


def gateway(desk: Desk, exchange: str = "binanceusdm") -> Gateway:
    return desk.gateways[exchange]


def reserved_lots(desk: Desk) -> int:
    """What is reserved beside the positions, in lots of BTC at 60 000."""
    held = sum(abs(desk.positions.position(b).value_money(desk.marks.mid2[b])) for b in desk.positions.open_books)
    return (desk.risk.exposure_money() - held) // LOT_AT_60_000


# Placing


def test_an_order_is_in_the_journal_before_its_gateway_sees_it(desk: Desk) -> None:
    desk.place(an_intent())
    assert gateway(desk).recorded_before == [[RecordKind.ORDER]]


def test_an_order_that_cannot_be_written_down_is_not_sent(desk: Desk) -> None:
    (approved,) = desk.approve(an_intent())
    desk.recorder.full = True
    with pytest.raises(OSError, match="full"):
        desk.executor.place(approved, START)
    assert gateway(desk).requests == []
    assert desk.executor.open_orders() == ()


def test_the_journal_tells_the_whole_order(desk: Desk) -> None:
    order = desk.place(a_resting_intent(side=Side.SELL, size_lots=7, price_ticks=60_500))
    assert desk.recorder.of(RecordKind.ORDER) == [
        {
            "client_id": order.client_id,
            "strategy": "arb",
            "book": PERP,
            "side": 1,
            "order_type": 0,
            "time_in_force": 0,
            "price_ticks": 60_500,
            "size_lots": 7,
            "legs": 0,
        }
    ]


def test_only_an_approved_order_is_placed_and_only_once(desk: Desk) -> None:
    with pytest.raises(TypeError, match="OrderIntent cannot be placed"):
        desk.executor.place(an_intent(), START)  # type: ignore[arg-type]
    (approved,) = desk.approve(an_intent())
    desk.executor.place(approved, START)
    with pytest.raises(TypeError, match="placed already"):
        desk.executor.place(approved, START)
    (twice,) = desk.approve(an_intent())
    with pytest.raises(TypeError, match="placed already"):
        desk.executor.place_simultaneous_orders((twice, twice), START)
    assert gateway(desk).count("place") == 1


def test_client_ids_are_unique_the_same_in_every_run_and_fit_every_venue() -> None:
    runs = []
    for _ in range(2):
        desk = Desk(max_position=10**9, max_exposure=10**9, max_orders_per_second=10**6)
        runs.append([desk.place(an_intent(size_lots=1)).client_id for _ in range(1_400)])
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == 1_400
    assert (runs[0][0], runs[0][-1]) == ("t1000001", "t1001400")
    assert all(client_id.isalnum() and len(client_id) <= 32 for client_id in runs[0])


@pytest.mark.parametrize("prefix", ["", "a-b", "thirteenchars", "ä"])
def test_a_prefix_that_a_venue_would_refuse_is_refused_at_the_start(desk: Desk, prefix: str) -> None:
    with pytest.raises(ValueError, match="1 to 12 letters and digits"):
        FastOrderExecutor(
            INSTRUMENTS,
            prefix=prefix,
            risk=desk.risk,
            positions=desk.positions,
            gateways=desk.gateways,
            recorder=desk.recorder,
        )


def test_an_exchange_without_a_gateway_is_an_error_at_the_start(desk: Desk) -> None:
    with pytest.raises(ValueError, match="no order gateway for binanceusdm"):
        FastOrderExecutor(
            INSTRUMENTS,
            prefix="t1",
            risk=desk.risk,
            positions=desk.positions,
            gateways={"binance": gateway(desk, "binance")},
            recorder=desk.recorder,
        )


def test_all_legs_are_in_the_journal_before_the_first_is_sent(desk: Desk) -> None:
    approved = desk.approve(an_intent(SPOT), an_intent(PERP, Side.SELL))
    desk.executor.place_simultaneous_orders(approved, START, legs=4)
    both = [RecordKind.ORDER, RecordKind.ORDER]
    assert gateway(desk, "binance").recorded_before == gateway(desk).recorded_before == [both]
    assert [record["legs"] for record in desk.recorder.of(RecordKind.ORDER)] == [4, 4]


@pytest.mark.parametrize(
    ("failure", "state", "reserved"), [(NotSentError("line is down"), REJECTED, 10), (RuntimeError("?"), UNKNOWN, 20)]
)
def test_a_leg_that_fails_to_leave_holds_up_no_other_and_is_not_lost(
    desk: Desk, failure: Exception, state: OrderState, reserved: int
) -> None:
    gateway(desk, "binance").fails["place"] = failure
    approved = desk.approve(an_intent(SPOT), an_intent(PERP, Side.SELL))
    spot, perp = desk.executor.place_simultaneous_orders(approved, START)
    assert (spot.state, perp.state) == (state, SENT)
    assert gateway(desk).requests == [("place", perp.client_id)]
    assert reserved_lots(desk) == reserved, "only proof that nothing left gives the reserve back"


# Reports


def test_an_order_is_open_then_filled_and_its_fills_are_positions(desk: Desk, order: Order) -> None:
    assert desk.report(order, OPEN, venue_id="77", filled_lots=0) == ()
    (first,) = desk.report(order, OPEN, a_trade("a", 4), filled_lots=4)
    assert (order.state, reserved_lots(desk)) == (OPEN, 6)
    (second,) = desk.report(order, FILLED, a_trade("b", 6), filled_lots=10)
    assert (first.trade.size_lots, second.trade.size_lots, second.strategy) == (4, 6, "arb")
    assert desk.positions.size_units(PERP) == 10 * INSTRUMENTS[PERP].lot_units
    assert (order.state, order.venue_id, reserved_lots(desk)) == (FILLED, "77", 0)
    assert desk.executor.open_orders() == ()
    assert desk.recorder.of(RecordKind.ORDER_UPDATE)[-1] == {
        "client_id": order.client_id,
        "state": FILLED,
        "filled_lots": 10,
        "venue_id": "77",
        "reason": "",
    }
    assert len(desk.recorder.of(RecordKind.FILL)) == 2


def test_any_order_and_any_repetition_of_messages_ends_alike() -> None:
    """The answer, the events and a repeated event of one order, in every order they can arrive in."""

    def messages(order: Order) -> list[ExecutionReport]:
        a, b = a_trade("a", 4), a_trade("b", 3)
        return [
            ExecutionReport(client_id=order.client_id, state=OPEN, filled_lots=0),
            ExecutionReport(client_id=order.client_id, state=OPEN, filled_lots=4, trades=(a,)),
            ExecutionReport(client_id=order.client_id, state=OPEN, filled_lots=7, trades=(b,)),
            ExecutionReport(client_id=order.client_id, state=EXPIRED, filled_lots=7, trades=(a, b)),
            ExecutionReport(client_id=order.client_id, state=EXPIRED, filled_lots=7),
        ]

    for permutation in itertools.permutations(range(5)):
        desk = Desk()
        order = desk.place(an_intent())
        heard = messages(order)
        fills = [fill for n in (*permutation, permutation[0]) for fill in desk.executor.on_report(heard[n], START)]
        assert sorted(fill.trade.trade_id for fill in fills) == ["a", "b"]
        assert desk.positions.size_units(PERP) == 7 * INSTRUMENTS[PERP].lot_units
        assert (order.state, reserved_lots(desk)) == (EXPIRED, 0)
        assert desk.recorder.notices() == []


def test_a_final_state_waits_for_the_trades_that_explain_it(desk: Desk, order: Order) -> None:
    desk.report(order, FILLED, filled_lots=10)
    assert (order.state, reserved_lots(desk)) == (OPEN, 10)
    desk.executor.on_timer(START + SECOND)
    assert order.state is UNKNOWN
    assert gateway(desk).count("query") == 1
    desk.report(order, OPEN, a_trade("a", 10), filled_lots=10)
    assert (order.state, reserved_lots(desk)) == (FILLED, 0)


def test_trades_missing_from_the_end_of_a_resting_order_are_asked_about(desk: Desk, order: Order) -> None:
    desk.report(order, OPEN, filled_lots=0)
    desk.report(order, FILLED, filled_lots=10, now=START + SECOND)
    desk.executor.on_timer(START + 2 * SECOND - 1)
    assert gateway(desk).count("query") == 0
    desk.executor.on_timer(START + 2 * SECOND)
    assert gateway(desk).count("query") == 1


def test_a_canceled_order_keeps_reserved_what_filled_before_and_is_not_seen_yet(desk: Desk, order: Order) -> None:
    desk.report(order, CANCELED, filled_lots=3)
    assert (order.state, reserved_lots(desk)) == (OPEN, 3)
    desk.report(order, OPEN, a_trade("a", 3))
    assert (order.state, reserved_lots(desk)) == (CANCELED, 0)


def test_a_trade_the_venue_named_and_never_sent_is_asked_about(desk: Desk, order: Order) -> None:
    desk.report(order, OPEN, filled_lots=4)
    assert order.state is OPEN
    desk.executor.on_timer(START + SECOND)
    assert order.state is UNKNOWN
    assert gateway(desk).requests[-1] == ("query", order.client_id)


def test_all_trades_seen_is_filled_even_if_nobody_says_so(desk: Desk, order: Order) -> None:
    desk.report(order, OPEN, a_trade("a", 10), filled_lots=-1)
    assert order.state is FILLED


def test_a_fill_after_the_end_still_counts_and_is_reported(desk: Desk, order: Order) -> None:
    desk.report(order, CANCELED)
    assert order.state is CANCELED
    (late,) = desk.report(order, OPEN, a_trade("a", 2))
    assert late.trade.size_lots == 2
    assert (order.state, order.filled_lots) == (CANCELED, 2)
    assert desk.positions.size_units(PERP) == 2 * INSTRUMENTS[PERP].lot_units
    assert desk.recorder.notices() == ["LATE_FILL"]
    assert desk.report(order, OPEN, a_trade("a", 2)) == ()


def test_an_ended_order_that_turns_out_to_have_filled_more_lives_again(desk: Desk, order: Order) -> None:
    desk.report(order, CANCELED, filled_lots=0)
    desk.report(order, FILLED, filled_lots=10)
    assert (order.state, reserved_lots(desk)) == (UNKNOWN, 10)
    assert desk.executor.open_orders() == (order,)
    assert desk.recorder.notices() == ["ENDED_ORDER_LIVES"]
    desk.report(order, OPEN, a_trade("a", 10))
    assert (order.state, reserved_lots(desk)) == (FILLED, 0)


def test_a_rejected_order_that_the_venue_shows_alive_lives_again(desk: Desk, order: Order) -> None:
    desk.report(order, REJECTED, reason="-2010")
    assert (order.state, reserved_lots(desk)) == (REJECTED, 0)
    desk.report(order, OPEN, filled_lots=0)
    assert (order.state, reserved_lots(desk)) == (OPEN, 10)
    assert desk.recorder.notices() == ["ENDED_ORDER_LIVES"]


@pytest.mark.parametrize(
    ("first", "then", "reserved"),
    [
        ((OPEN, 0), (REJECTED, 0), 10),
        ((OPEN, 4), (CANCELED, 3), 6),
        ((CANCELED, 3), (CANCELED, 4), 10),
        ((OPEN, 4), (FILLED, 9), 6),
        ((OPEN, 4), (EXPIRED, 11), 6),
    ],
)
def test_a_word_that_contradicts_what_was_proven_makes_the_order_unknown_and_is_asked_about(
    desk: Desk, order: Order, first: tuple[OrderState, int], then: tuple[OrderState, int], reserved: int
) -> None:
    trades = [a_trade("a", 4)] if first == (OPEN, 4) else []
    desk.report(order, first[0], *trades, filled_lots=first[1])
    desk.report(order, then[0], filled_lots=then[1])
    assert order.state is UNKNOWN
    assert reserved_lots(desk) == reserved
    assert desk.recorder.notices() == ["CONTRADICTION"]
    assert gateway(desk).count("query") == 1


def test_repeating_a_contradiction_does_not_settle_it_and_is_reported_and_asked_about_once(
    desk: Desk, order: Order
) -> None:
    desk.report(order, OPEN, a_trade("a", 4), filled_lots=4)
    for _ in range(3):
        desk.report(order, CANCELED, filled_lots=3)
    assert (order.state, reserved_lots(desk)) == (UNKNOWN, 6)
    assert desk.recorder.notices() == ["CONTRADICTION"]
    assert gateway(desk).count("query") == 1
    desk.report(order, CANCELED, filled_lots=4)
    assert (order.state, reserved_lots(desk)) == (CANCELED, 0)


def test_a_trade_beyond_what_an_end_named_disproves_that_end(desk: Desk, order: Order) -> None:
    desk.report(order, CANCELED, filled_lots=3)
    desk.report(order, OPEN, a_trade("a", 4))
    assert (order.state, reserved_lots(desk)) == (UNKNOWN, 6)
    assert desk.recorder.notices() == ["CONTRADICTION"]


def test_more_filled_than_ordered_is_counted_and_reported(desk: Desk, order: Order) -> None:
    desk.report(order, FILLED, a_trade("a", 10), a_trade("b", 1), filled_lots=11)
    assert desk.positions.size_units(PERP) == 11 * INSTRUMENTS[PERP].lot_units
    assert (order.state, reserved_lots(desk)) == (FILLED, 0)
    assert desk.recorder.notices() == ["CONTRADICTION"]


def test_a_fill_worse_than_the_limit_is_counted_and_reported(desk: Desk, order: Order) -> None:
    desk.report(order, FILLED, a_trade("a", 10, price_ticks=60_001), filled_lots=10)
    assert desk.positions.size_units(PERP) == 10 * INSTRUMENTS[PERP].lot_units
    assert desk.recorder.notices() == ["FILL_BEYOND_LIMIT"]


def test_a_trade_of_nothing_or_at_no_price_is_not_counted(desk: Desk, order: Order) -> None:
    assert desk.report(order, OPEN, a_trade("a", -1), a_trade("b", 1, price_ticks=0)) == ()
    assert order.filled_lots == 0
    assert desk.recorder.notices() == ["BAD_TRADE", "BAD_TRADE"]


def test_fees_in_an_asset_without_a_price_are_reported_once_for_each_asset(desk: Desk, order: Order) -> None:
    for number, asset in enumerate(["BNB", "USDT", "BNB", "MX", "BNB"]):
        desk.report(order, OPEN, a_trade(f"x{number}", 1, 60_000, 10**9, asset), filled_lots=number + 1)
    assert [notice["what"] for notice in desk.recorder.of(RecordKind.NOTICE)] == [
        "fees are paid in BNB, without a price",
        "fees are paid in MX, without a price",
    ]
    assert desk.positions.unpriced_fees == {"BNB": 3 * 10**9, "MX": 10**9}


def test_a_report_on_an_order_nobody_placed_changes_nothing_and_is_reported(desk: Desk) -> None:
    report = ExecutionReport(client_id="stranger", state=FILLED, trades=(a_trade("a", 5),))
    assert desk.executor.on_report(report, START) == ()
    assert desk.recorder.notices() == ["UNKNOWN_ORDER"]
    assert desk.positions.open_books == []


# UNKNOWN


def test_no_answer_in_time_makes_an_order_unknown_and_never_rejected(desk: Desk, order: Order) -> None:
    desk.executor.on_timer(START + SECOND - 1)
    assert order.state is SENT
    desk.executor.on_timer(START + SECOND)
    assert (order.state, reserved_lots(desk)) == (UNKNOWN, 10)
    for second in range(2, 4_000):
        desk.executor.on_timer(START + second * SECOND)
    assert (order.state, reserved_lots(desk)) == (UNKNOWN, 10)
    assert gateway(desk).count("place") == 1, "nothing is sent again"


def test_questions_come_at_doubling_pauses_up_to_a_bound(desk: Desk, order: Order) -> None:
    asked = []
    for second in range(1, 40):
        before = gateway(desk).count("query")
        desk.executor.on_timer(START + second * SECOND)
        if gateway(desk).count("query") > before:
            asked.append(second)
    assert asked == [1, 2, 4, 8, 16, 24, 32]


def test_a_question_that_fails_to_leave_is_asked_again(desk: Desk, order: Order) -> None:
    gateway(desk).fails["query"] = RuntimeError("broken pipe")
    desk.executor.on_timer(START + SECOND)
    assert desk.recorder.notices() == ["QUERY_NOT_SENT"]
    gateway(desk).fails.clear()
    desk.executor.on_timer(START + 2 * SECOND)
    assert gateway(desk).count("query") == 1


def test_the_venues_answer_settles_an_unknown_order(desk: Desk, order: Order) -> None:
    desk.executor.on_timer(START + SECOND)
    desk.report(order, EXPIRED, filled_lots=0)
    assert (order.state, reserved_lots(desk)) == (EXPIRED, 0)
    assert desk.recorder.states(order.client_id) == [UNKNOWN, EXPIRED]


def test_a_venue_that_does_not_know_itself_leaves_the_order_unknown_and_is_asked_at_once(
    desk: Desk, order: Order
) -> None:
    """Binance -1007: the engine did not answer in ten seconds; execution status unknown."""
    desk.report(order, UNKNOWN, reason="-1007")
    assert (order.state, gateway(desk).count("query")) == (UNKNOWN, 1)
    desk.report(order, OPEN, filled_lots=0)
    desk.report(order, UNKNOWN, reason="-1007")
    assert order.state is OPEN, "the event proves more than the answer"


def test_no_such_order_proves_nothing_about_an_order_just_sent(desk: Desk, order: Order) -> None:
    desk.executor.on_timer(START + SECOND)
    desk.report(order, SENT, not_found=True, now=START + SECOND)
    assert (order.state, reserved_lots(desk)) == (UNKNOWN, 10)
    desk.report(order, OPEN, filled_lots=0, now=START + 2 * SECOND)
    assert order.state is OPEN


def test_no_such_order_long_after_it_was_sent_proves_that_it_never_arrived(desk: Desk, order: Order) -> None:
    for second in (1, 2, 4, 8, 16):
        desk.executor.on_timer(START + second * SECOND)
        assert order.state is UNKNOWN
        desk.report(order, SENT, not_found=True, reason="-2013", now=START + second * SECOND + MS)
    assert (order.state, reserved_lots(desk)) == (REJECTED, 0)
    assert desk.recorder.of(RecordKind.ORDER_UPDATE)[-1]["reason"] == "-2013"


def test_no_such_order_proves_nothing_when_it_may_answer_a_question_asked_too_early(desk: Desk, order: Order) -> None:
    desk.executor.on_timer(START + 9 * SECOND)
    desk.executor.on_timer(START + 10 * SECOND)
    desk.report(order, SENT, not_found=True, now=START + 11 * SECOND)
    assert order.state is UNKNOWN
    desk.report(order, SENT, not_found=True, now=START + 11 * SECOND)
    assert order.state is REJECTED


def test_a_new_connection_owes_no_answers_to_questions_over_the_old_one(desk: Desk, order: Order) -> None:
    desk.executor.on_timer(START + 9 * SECOND)
    desk.executor.on_line("binanceusdm", False, START + 10 * SECOND)
    desk.executor.on_line("binanceusdm", True, START + 20 * SECOND)
    desk.report(order, SENT, not_found=True, now=START + 20 * SECOND)
    assert order.state is REJECTED


def test_a_question_that_never_left_is_owed_no_answer(desk: Desk, order: Order) -> None:
    gateway(desk).fails["query"] = NotSentError("line is down")
    desk.executor.on_timer(START + 9 * SECOND)
    gateway(desk).fails.clear()
    desk.executor.on_timer(START + 10 * SECOND)
    desk.report(order, SENT, not_found=True, now=START + 10 * SECOND)
    assert order.state is REJECTED


def test_no_such_order_proves_nothing_while_the_line_is_down(desk: Desk, order: Order) -> None:
    desk.executor.on_timer(START + 10 * SECOND)
    desk.executor.on_line("binanceusdm", False, START + 10 * SECOND)
    desk.report(order, SENT, not_found=True, now=START + 10 * SECOND)
    assert (order.state, reserved_lots(desk)) == (UNKNOWN, 10)


def test_no_such_order_contradicts_an_order_that_was_accepted(desk: Desk, order: Order) -> None:
    desk.report(order, OPEN, filled_lots=0)
    desk.executor.on_line("binanceusdm", False, START)
    desk.executor.on_line("binanceusdm", True, START + 60 * SECOND)
    desk.report(order, SENT, not_found=True, now=START + 61 * SECOND)
    assert (order.state, reserved_lots(desk)) == (UNKNOWN, 10)
    assert desk.recorder.notices() == ["CONTRADICTION"]


def test_a_line_going_down_makes_unanswered_orders_unknown_and_leaves_resting_ones(desk: Desk) -> None:
    sent, resting, canceling = (desk.place(a_resting_intent(size_lots=n)) for n in (1, 2, 3))
    elsewhere = desk.place(an_intent(SPOT))
    for order in (resting, canceling):
        desk.report(order, OPEN, filled_lots=0)
    desk.executor.cancel(canceling, START, "test")
    desk.executor.on_line("binanceusdm", False, START)
    states = [order.state for order in (sent, resting, canceling, elsewhere)]
    assert states == [UNKNOWN, OPEN, UNKNOWN, SENT]
    desk.executor.on_timer(START + 60 * SECOND)
    assert gateway(desk).count("query") == 0, "nothing is asked over a line that is down"
    assert gateway(desk, "binance").count("query") == 1


def test_a_line_coming_up_asks_about_every_live_order_on_it(desk: Desk) -> None:
    sent, resting, ended = (desk.place(a_resting_intent(size_lots=n)) for n in (1, 2, 3))
    desk.report(resting, OPEN, filled_lots=0)
    desk.report(ended, CANCELED, filled_lots=0)
    desk.executor.on_line("binanceusdm", False, START)
    desk.executor.on_line("binanceusdm", True, START + SECOND)
    assert gateway(desk).requests[-2:] == [("query", sent.client_id), ("query", resting.client_id)]
    desk.executor.on_timer(START + 2 * SECOND)
    assert resting.state is UNKNOWN, "a question without an answer is doubt too"


def test_a_line_coming_up_asks_again_about_what_ended_unfilled_just_before(desk: Desk) -> None:
    old, filled, ended = (desk.place(a_resting_intent(size_lots=n)) for n in (1, 2, 3))
    desk.report(old, CANCELED, filled_lots=0, venue_id="v1")
    later = START + 30 * SECOND
    desk.report(filled, FILLED, a_trade("x1", 2, 60_000), filled_lots=2, venue_id="v2", now=later)
    desk.report(ended, CANCELED, filled_lots=0, venue_id="v3", now=later)
    desk.executor.on_line("binanceusdm", False, later + SECOND)
    desk.executor.on_line("binanceusdm", True, later + 2 * SECOND)
    assert [asked for asked in gateway(desk).requests if asked[0] == "query"] == [("query", ended.client_id)]
    desk.report(ended, CANCELED, filled_lots=1, now=later + 3 * SECOND)
    assert (ended.state, reserved_lots(desk)) == (UNKNOWN, 1), "it filled, and which trade that was is not known yet"
    desk.report(ended, CANCELED, a_trade("x2", 1, 60_000), filled_lots=1, now=later + 4 * SECOND)
    assert (ended.state, ended.filled_lots, reserved_lots(desk)) == (CANCELED, 1, 0)
    assert desk.positions.size_units(PERP) == 3 * 10**9


def queries(desk: Desk) -> list[str]:
    return [client_id for asked, client_id in gateway(desk).requests if asked == "query"]


def let_pass(desk: Desk, seconds: int, since: int = START) -> None:
    for tenth in range(1, 10 * seconds + 1):
        desk.executor.on_timer(since + tenth * SECOND // 10)


def test_what_ended_unfilled_before_the_venue_fell_silent_is_asked_about_once(desk: Desk) -> None:
    filled, ended = (desk.place(a_resting_intent(size_lots=n)) for n in (1, 2))
    desk.report(filled, FILLED, a_trade("x1", 1, 60_000), filled_lots=1, venue_id="v1", unasked=True)
    desk.report(ended, CANCELED, filled_lots=0, venue_id="v2", unasked=True)
    let_pass(desk, 14)
    assert queries(desk) == []
    let_pass(desk, 2, START + 14 * SECOND)
    assert queries(desk) == [ended.client_id]
    desk.report(ended, CANCELED, filled_lots=0, now=START + 17 * SECOND)
    let_pass(desk, 60, START + 17 * SECOND)
    assert queries(desk) == [ended.client_id]


def test_a_late_fill_that_a_mute_stream_did_not_tell_is_found_and_counted(desk: Desk) -> None:
    ended = desk.place(a_resting_intent(size_lots=2))
    desk.report(ended, CANCELED, filled_lots=0, venue_id="v2")
    let_pass(desk, 16)
    desk.report(ended, CANCELED, filled_lots=2, now=START + 17 * SECOND)
    assert (ended.state, reserved_lots(desk)) == (UNKNOWN, 2)
    assert "ENDED_ORDER_LIVES" in desk.recorder.notices()
    desk.report(ended, CANCELED, a_trade("x2", 2, 60_000), filled_lots=2, now=START + 18 * SECOND)
    assert (ended.state, reserved_lots(desk), desk.positions.size_units(PERP)) == (FILLED, 0, 2 * 10**9)


def test_a_question_about_an_ended_order_that_is_not_answered_is_repeated(desk: Desk) -> None:
    ended = desk.place(a_resting_intent(size_lots=2))
    desk.report(ended, CANCELED, filled_lots=0, venue_id="v2")
    let_pass(desk, 46)
    assert queries(desk) == [ended.client_id] * 3, "after 15, 30 and 45 s"
    desk.report(ended, CANCELED, filled_lots=0, now=START + 46 * SECOND)
    let_pass(desk, 60, START + 46 * SECOND)
    assert len(queries(desk)) == 3


def test_while_the_venue_tells_of_orders_nothing_is_asked_about_those_that_have_ended(desk: Desk) -> None:
    talking = desk.place(a_resting_intent(size_lots=1))
    for second in range(60):
        now = START + second * SECOND
        ended = desk.place(a_resting_intent(size_lots=2), now=now)
        desk.report(ended, CANCELED, filled_lots=0, venue_id=f"v{second}", now=now)
        desk.report(talking, OPEN, filled_lots=0, now=now, unasked=second % 5 == 0)
        let_pass(desk, 1, now)
    assert queries(desk) == []


def test_many_that_ended_before_a_silence_are_asked_about_one_after_the_other_and_none_over_a_line_that_is_down(
    desk: Desk,
) -> None:
    for number in range(40):
        desk.report(desk.place(a_resting_intent(size_lots=1)), CANCELED, filled_lots=0, venue_id=f"v{number}")
    let_pass(desk, 16)
    assert len(queries(desk)) == 6, "five a second"
    desk.executor.on_line("binanceusdm", False, START + 16 * SECOND)
    let_pass(desk, 20, START + 16 * SECOND)
    assert len(queries(desk)) == 6
    desk.executor.on_line("binanceusdm", True, START + 36 * SECOND)
    asked = len(queries(desk))
    let_pass(desk, 20, START + 36 * SECOND)
    assert len(queries(desk)) == asked, "a line that comes up is asked about what it may have lost, and once"


def test_an_order_that_rests_unheard_of_is_asked_about(desk: Desk, order: Order) -> None:
    desk.report(order, OPEN, filled_lots=0)
    desk.executor.on_timer(START + 29 * SECOND)
    assert gateway(desk).count("query") == 0
    desk.executor.on_timer(START + 30 * SECOND)
    assert (gateway(desk).count("query"), order.state) == (1, OPEN)
    desk.report(order, OPEN, filled_lots=0, now=START + 30 * SECOND)
    desk.executor.on_timer(START + 59 * SECOND)
    assert gateway(desk).count("query") == 1


def test_an_order_that_the_venue_accepted_and_denies_for_long_has_ended_there(desk: Desk, order: Order) -> None:
    desk.report(order, OPEN, a_trade("x1", 4, 60_000), filled_lots=4)
    for second in (20, 50, 79):
        desk.report(order, SENT, not_found=True, now=START + second * SECOND)
        assert (order.state, reserved_lots(desk)) == (UNKNOWN, 6)
    desk.report(order, SENT, not_found=True, now=START + 80 * SECOND)
    assert (order.state, order.filled_lots, reserved_lots(desk)) == (EXPIRED, 4, 0)
    assert desk.recorder.notices() == ["CONTRADICTION", "LOST_BY_VENUE"]


def test_one_word_of_an_order_denied_begins_the_wait_anew(desk: Desk, order: Order) -> None:
    desk.report(order, OPEN, filled_lots=0)
    desk.report(order, SENT, not_found=True, now=START + 20 * SECOND)
    desk.report(order, OPEN, filled_lots=0, now=START + 70 * SECOND)
    desk.report(order, SENT, not_found=True, now=START + 90 * SECOND)
    assert (order.state, reserved_lots(desk)) == (UNKNOWN, 10)


def test_an_order_denied_whose_trades_are_not_all_known_stays_in_doubt(desk: Desk, order: Order) -> None:
    desk.report(order, OPEN, filled_lots=4)
    for second in (20, 200):
        desk.report(order, SENT, not_found=True, now=START + second * SECOND)
    assert (order.state, reserved_lots(desk)) == (UNKNOWN, 10)


# Cancelling


def test_a_cancel_is_journaled_then_sent_and_the_order_lives_until_its_end_is_proven(desk: Desk, order: Order) -> None:
    desk.report(order, OPEN, filled_lots=0)
    desk.executor.cancel(order, START, "too old")
    assert gateway(desk).recorded_before[-1][-1] is RecordKind.CANCEL
    assert desk.recorder.of(RecordKind.CANCEL) == [{"client_id": order.client_id, "reason": "too old"}]
    assert (order.state, reserved_lots(desk)) == (OPEN, 10)
    desk.report(order, CANCELED, filled_lots=0)
    assert (order.state, reserved_lots(desk)) == (CANCELED, 0)


def test_a_cancel_is_asked_once_and_never_of_an_ended_order(desk: Desk, order: Order) -> None:
    desk.executor.cancel(order, START, "a")
    desk.executor.cancel(order, START, "b")
    desk.report(order, CANCELED, filled_lots=0)
    desk.executor.cancel(order, START, "c")
    assert gateway(desk).count("cancel") == 1


def test_a_refused_cancel_says_nothing_about_the_order_and_is_asked_about(desk: Desk, order: Order) -> None:
    """Binance -2011 "Unknown order sent.": filled, cancelled, or it never existed."""
    desk.report(order, OPEN, filled_lots=0)
    desk.executor.cancel(order, START, "test")
    desk.report(order, REJECTED, about_cancel=True, reason="-2011")
    assert (order.state, reserved_lots(desk)) == (OPEN, 10)
    assert gateway(desk).requests[-1] == ("query", order.client_id)
    desk.report(order, FILLED, a_trade("a", 10), filled_lots=10)
    assert order.state is FILLED


def test_a_refused_cancel_does_not_start_a_storm_of_requests(desk: Desk, order: Order) -> None:
    desk.report(order, OPEN, filled_lots=0)
    desk.executor.cancel(order, START, "test")
    for _ in range(100):
        desk.report(order, OPEN, filled_lots=0)
    desk.report(order, OPEN, about_cancel=True)
    assert gateway(desk).count("cancel") == 1
    assert gateway(desk).count("query") == 1


def test_a_cancel_without_an_answer_is_repeated_until_the_order_has_ended(desk: Desk, order: Order) -> None:
    desk.report(order, OPEN, filled_lots=0)
    gateway(desk).fails["cancel"] = NotSentError("line is down")
    desk.executor.cancel(order, START, "test")
    assert desk.recorder.notices() == ["CANCEL_NOT_SENT"]
    gateway(desk).fails.clear()
    desk.executor.on_timer(START + SECOND)
    assert gateway(desk).requests[-2:] == [("query", order.client_id), ("cancel", order.client_id)]
    desk.report(order, OPEN, filled_lots=0)
    desk.executor.on_timer(START + 2 * SECOND)
    assert gateway(desk).count("cancel") == 2
    desk.report(order, CANCELED, filled_lots=0)
    desk.executor.on_timer(START + 100 * SECOND)
    assert gateway(desk).count("cancel") == 2


def test_cancel_all_asks_for_every_live_order_also_the_unknown_ones(desk: Desk) -> None:
    sent, resting, unknown, ended = (desk.place(a_resting_intent(size_lots=n)) for n in (1, 2, 3, 4))
    desk.report(resting, OPEN, filled_lots=0)
    desk.report(unknown, UNKNOWN)
    desk.report(ended, CANCELED, filled_lots=0)
    assert desk.executor.cancel_all(START, "breaker") == 3
    asked = [client_id for what, client_id in gateway(desk).requests if what == "cancel"]
    assert asked == [sent.client_id, resting.client_id, unknown.client_id]
    assert {record["reason"] for record in desk.recorder.of(RecordKind.CANCEL)} == {"breaker"}


# The table


def test_open_orders_are_those_that_have_not_ended_by_book_if_wanted(desk: Desk) -> None:
    spot, perp, eth = (
        desk.place(an_intent(SPOT)),
        desk.place(an_intent()),
        desk.place(an_intent(ETH, price_ticks=3_000)),
    )
    desk.report(eth, EXPIRED, filled_lots=0)
    assert desk.executor.open_orders() == (spot, perp)
    assert desk.executor.open_orders(PERP) == (perp,)
    assert desk.executor.find(eth.client_id) is eth
    assert desk.executor.find("stranger") is None


def test_the_end_of_an_order_is_announced_once(desk: Desk) -> None:
    ended: list[tuple[Order, int]] = []
    desk.executor.on_final = lambda order, now_ns: ended.append((order, now_ns))
    order = desk.place(an_intent())
    desk.report(order, OPEN, a_trade("a", 10))
    desk.report(order, FILLED, filled_lots=10)
    assert ended == [(order, START)]


def test_only_the_latest_ended_orders_are_kept(monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
    monkeypatch.setattr("graphwiz_trader.hft.ended_orders.KEPT", 3)
    orders = [desk.place(an_intent(size_lots=1)) for _ in range(5)]
    for order in orders:
        desk.report(order, REJECTED)
    assert [desk.executor.find(order.client_id) is order for order in orders] == [False, False, True, True, True]
