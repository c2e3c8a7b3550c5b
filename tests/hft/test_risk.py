"""What risk lets through, what it refuses and why, and what it keeps reserved."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphwiz_trader.hft.events import OrderIntent, RecordKind, Side
from graphwiz_trader.hft.instruments import Instruments, money_from_text
from graphwiz_trader.hft.limits import Reason, Refusal
from graphwiz_trader.hft.positions import PositionTracker
from graphwiz_trader.hft.risk import ApprovedOrder, HFTRiskManager
from hft.desk import (
    ETH,
    FOREIGN,
    INSTRUMENTS,
    MS,
    PERP,
    SECOND,
    SPOT,
    START,
    Desk,
    a_fill,
    a_limits,
    a_market_intent,
    an_intent,
)

BUY, SELL = Side.BUY, Side.SELL


def refusal(desk: Desk, *intents: OrderIntent, now: int = START) -> Reason | None:
    """Why the orders are refused; None when they are approved."""
    outcome = desk.risk.approve(intents, now)
    return outcome.reason if isinstance(outcome, Refusal) else None


# Proof by type


def test_only_risk_can_make_an_approved_order() -> None:
    with pytest.raises(TypeError, match=r"HFTRiskManager\.approve"):
        ApprovedOrder(object(), an_intent(), 1)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_an_approval_cannot_be_copied(copied: Any) -> None:
    (approved,) = Desk().approve(an_intent())
    with pytest.raises(TypeError, match="reserves exposure once"):
        copied(approved)


def test_a_limit_that_is_not_positive_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="max_exposure_money is 0"):
        a_limits(max_exposure=0)


# The venue's rules


@pytest.mark.parametrize(
    ("intent", "reason"),
    [
        (an_intent(size_lots=0), Reason.BAD_INTENT),
        (an_intent(size_lots=-1), Reason.BAD_INTENT),
        (an_intent(price_ticks=0), Reason.BAD_INTENT),
        (an_intent(book=-1), Reason.BAD_INTENT),
        (an_intent(book=len(INSTRUMENTS)), Reason.BAD_INTENT),
        (an_intent(FOREIGN), Reason.FOREIGN_QUOTE),
        (an_intent(ETH, size_lots=1, price_ticks=3_000), Reason.MIN_SIZE),
        (an_intent(ETH, size_lots=2, price_ticks=3_000), None),
        (an_intent(SPOT, size_lots=10_001, price_ticks=6), Reason.MAX_SIZE),
        (an_intent(SPOT, size_lots=10_000, price_ticks=6), None),
        (an_intent(size_lots=1, price_ticks=4_999), Reason.MIN_NOTIONAL),
        (an_intent(size_lots=1, price_ticks=5_000), None),
    ],
)
def test_an_order_against_the_instruments_rules_is_refused(intent: OrderIntent, reason: Reason | None) -> None:
    assert refusal(Desk(), intent) == reason


def test_an_order_between_the_steps_of_its_instrument_is_refused() -> None:
    stepped = Instruments([msgspec.structs.replace(INSTRUMENTS[SPOT], size_step_lots=10, price_step_ticks=5)])
    desk = Desk()
    risk = HFTRiskManager(
        stepped, a_limits(), holdings=PositionTracker(stepped), marks=desk.marks, recorder=desk.recorder
    )
    for size_lots, price_ticks, reason in (
        (15, 60_000, Reason.OFF_STEP),
        (10, 60_001, Reason.OFF_STEP),
        (10, 60_000, None),
    ):
        outcome = risk.approve([an_intent(SPOT, size_lots=size_lots, price_ticks=price_ticks)], START)
        assert (outcome.reason if isinstance(outcome, Refusal) else None) is reason


def test_an_untrusted_book_is_not_traded_on() -> None:
    desk = Desk()
    desk.marks.untrusted.add(PERP)
    assert refusal(desk, an_intent(PERP)) is Reason.UNTRUSTED_BOOK
    desk.marks.untrusted.clear()
    assert refusal(desk, an_intent(PERP)) is None


def test_what_cannot_be_sold_short_is_sold_up_to_what_is_held_and_not_yet_for_sale() -> None:
    desk = Desk(inventory_lots={SPOT: 5})
    assert desk.risk.sellable_lots(PERP) is None
    assert refusal(desk, an_intent(SPOT, SELL, 6)) is Reason.SHORT_SALE
    desk.hold(SPOT, 10)
    assert desk.risk.sellable_lots(SPOT) == 15
    desk.approve(an_intent(SPOT, SELL, 9))
    assert desk.risk.sellable_lots(SPOT) == 6
    assert refusal(desk, an_intent(SPOT, SELL, 7)) is Reason.SHORT_SALE
    assert refusal(desk, an_intent(SPOT, SELL, 6)) is None


# Limits


def test_a_position_and_all_orders_in_its_direction_stay_within_the_position_limit() -> None:
    desk = Desk(max_position=1_200)
    desk.hold(PERP, 10)
    desk.approve(an_intent(size_lots=5))
    assert refusal(desk, an_intent(size_lots=6)) is Reason.POSITION_LIMIT
    assert refusal(desk, an_intent(size_lots=5)) is None
    assert refusal(desk, an_intent(size_lots=1)) is Reason.POSITION_LIMIT
    assert refusal(desk, an_intent(side=SELL, size_lots=30)) is None
    assert refusal(desk, an_intent(side=SELL, size_lots=1)) is Reason.POSITION_LIMIT
    assert refusal(desk, an_intent(SPOT, size_lots=20)) is None


def test_exposure_is_all_positions_and_all_orders_of_all_instruments_on_both_sides() -> None:
    desk = Desk(max_exposure=3_000)
    desk.hold(PERP, -10)
    desk.approve(an_intent(SPOT, size_lots=10))
    desk.approve(an_intent(ETH, SELL, size_lots=20, price_ticks=3_000))
    assert desk.risk.exposure_money() == money_from_text("1800")
    assert refusal(desk, an_intent(SPOT, size_lots=21)) is Reason.EXPOSURE_LIMIT
    assert refusal(desk, an_intent(SPOT, size_lots=20)) is None
    assert refusal(desk, an_intent(ETH, size_lots=2, price_ticks=3_000)) is Reason.EXPOSURE_LIMIT


def test_a_position_counts_at_the_mark_and_at_its_last_fill_without_one() -> None:
    desk = Desk()
    desk.hold(PERP, 10)
    desk.marks.mid2[PERP] = 2 * 70_000
    assert desk.risk.exposure_money() == money_from_text("700")
    desk.marks.mid2[PERP] = 0
    assert desk.risk.exposure_money() == money_from_text("600")


def test_a_sale_below_the_mark_counts_at_the_mark_and_a_market_order_at_its_worst_price() -> None:
    desk = Desk()
    desk.approve(an_intent(side=SELL, size_lots=10, price_ticks=50_000))
    assert desk.risk.exposure_money() == money_from_text("600")
    desk.approve(an_intent(side=SELL, size_lots=10, price_ticks=65_000))
    assert desk.risk.exposure_money() == money_from_text("1250")
    desk.approve(a_market_intent(size_lots=10, price_ticks=61_000))
    assert desk.risk.exposure_money() == money_from_text("1860")


def test_legs_are_approved_together_or_not_at_all() -> None:
    desk = Desk(max_exposure=1_000)
    legs = (an_intent(SPOT, BUY, 10), an_intent(PERP, SELL, 10))
    assert refusal(desk, *legs) is Reason.EXPOSURE_LIMIT
    assert desk.risk.exposure_money() == 0
    assert refusal(desk, legs[0]) is None


def test_an_approval_reserves_until_it_is_given_back() -> None:
    desk = Desk(max_exposure=1_000)
    (approved,) = desk.approve(an_intent(size_lots=10))
    assert refusal(desk, an_intent(size_lots=10)) is Reason.EXPOSURE_LIMIT
    desk.risk.hold(approved, 0)
    assert desk.risk.exposure_money() == 0
    assert refusal(desk, an_intent(size_lots=10)) is None


def test_an_order_that_reduces_passes_the_limits_for_exposure() -> None:
    desk = Desk(max_position=700, max_exposure=700)
    desk.hold(PERP, 10)
    desk.marks.mid2[PERP] = 2 * 69_000
    assert refusal(desk, an_intent(side=SELL, size_lots=10)) is Reason.EXPOSURE_LIMIT
    assert refusal(desk, an_intent(side=SELL, size_lots=10, reduces=True)) is None


def test_a_short_is_reduced_by_purchases_up_to_its_size() -> None:
    desk = Desk(max_position=600, max_exposure=600)
    desk.hold(PERP, -10)
    assert refusal(desk, an_intent(side=BUY, size_lots=11, reduces=True)) is Reason.EXPOSURE_LIMIT
    desk.approve(an_intent(side=BUY, size_lots=9, reduces=True))
    assert refusal(desk, an_intent(side=BUY, size_lots=2, reduces=True)) is Reason.EXPOSURE_LIMIT
    assert refusal(desk, an_intent(side=BUY, size_lots=1, reduces=True)) is None


def test_an_order_that_only_claims_to_reduce_is_held_to_the_limits() -> None:
    desk = Desk(max_position=700, max_exposure=700)
    desk.hold(PERP, 10)
    assert refusal(desk, an_intent(side=BUY, size_lots=2, reduces=True)) is Reason.POSITION_LIMIT
    assert refusal(desk, an_intent(side=SELL, size_lots=11, reduces=True)) is Reason.EXPOSURE_LIMIT
    desk.approve(an_intent(side=SELL, size_lots=9, reduces=True))
    assert refusal(desk, an_intent(side=SELL, size_lots=2, reduces=True)) is Reason.EXPOSURE_LIMIT


def test_no_more_orders_than_the_limit_in_any_second() -> None:
    desk = Desk(max_orders_per_second=3)
    assert refusal(desk, an_intent(), an_intent()) is None
    assert refusal(desk, an_intent(), an_intent(), now=START + 500 * MS) is Reason.RATE
    assert refusal(desk, an_intent(), now=START + 500 * MS) is None
    assert refusal(desk, an_intent(), now=START + SECOND - 1) is Reason.RATE
    assert refusal(desk, an_intent(), an_intent(), now=START + SECOND) is None
    assert refusal(desk, an_intent(), now=START + SECOND) is Reason.RATE


def test_a_clock_that_is_set_back_holds_orders_up_for_a_second_and_not_until_it_has_caught_up() -> None:
    desk, set_back = Desk(max_orders_per_second=3), START - 3_600 * SECOND
    assert refusal(desk, an_intent(), an_intent()) is None
    assert refusal(desk, an_intent(), an_intent(), now=set_back) is Reason.RATE
    assert refusal(desk, an_intent(), now=set_back) is None
    assert refusal(desk, an_intent(), now=set_back + SECOND - 1) is Reason.RATE
    assert refusal(desk, an_intent(), an_intent(), an_intent(), now=set_back + SECOND) is None


@given(st.lists(st.tuples(st.integers(0, 400 * MS), st.integers(1, 3)), max_size=60))
def test_the_rate_agrees_with_counting_the_last_second(asked: list[tuple[int, int]]) -> None:
    desk, approved_ns, now = Desk(max_orders_per_second=5, max_position=10**9, max_exposure=10**9), [], START
    for wait_ns, count in asked:
        now += wait_ns
        in_last_second = sum(now - SECOND < earlier <= now for earlier in approved_ns)
        expected = None if in_last_second + count <= 5 else Reason.RATE
        assert refusal(desk, *[an_intent(size_lots=1)] * count, now=now) == expected
        if expected is None:
            approved_ns += [now] * count


# The breaker


def test_the_breaker_trips_when_the_loss_reaches_its_limit_and_refuses_everything() -> None:
    desk = Desk(max_loss=10)
    desk.hold(PERP, 10)
    desk.marks.mid2[PERP] = 2 * 59_001
    assert not desk.risk.check_loss(START)
    desk.marks.mid2[PERP] = 2 * 59_000
    assert desk.risk.check_loss(START)
    assert not desk.risk.check_loss(START), "it trips once"
    assert refusal(desk, an_intent()) is Reason.BREAKER
    assert refusal(desk, an_intent(side=SELL, size_lots=1, reduces=True)) is Reason.BREAKER
    tripped, *_ = desk.recorder.of(RecordKind.RISK)
    assert tripped == {"event": "tripped", "reason": "LOSS of 10.00, the limit is 10.00", "detail": ""}


def test_fees_count_as_loss_even_when_everything_is_flat() -> None:
    desk = Desk(max_loss=10)
    desk.positions.apply(a_fill(PERP, BUY, 60_000, 10, 5 * 10**12))
    desk.positions.apply(a_fill(PERP, SELL, 60_000, 10, 5 * 10**12))
    assert desk.risk.check_loss(START)


def test_a_loss_counts_from_the_last_reset_and_a_reset_names_a_person_and_a_reason() -> None:
    desk = Desk(max_loss=10)
    desk.hold(PERP, 10)
    desk.marks.mid2[PERP] = 2 * 59_000
    assert desk.risk.check_loss(START)
    with pytest.raises(ValueError, match="give both"):
        desk.risk.reset("ana", " ", START)
    assert desk.risk.tripped
    desk.risk.reset("ana", "venue glitch", START)
    assert not desk.risk.tripped
    assert not desk.risk.check_loss(START)
    assert refusal(desk, an_intent()) is None
    desk.marks.mid2[PERP] = 2 * 58_000
    assert desk.risk.check_loss(START)
    assert desk.recorder.of(RecordKind.RISK)[1] == {"event": "reset", "reason": "venue glitch", "detail": "ana"}


def test_a_trip_survives_a_restart() -> None:
    desk = Desk()
    risk = HFTRiskManager(
        INSTRUMENTS,
        a_limits(),
        holdings=desk.positions,
        marks=desk.marks,
        recorder=desk.recorder,
        tripped="LOSS of 1000.00",
    )
    outcome = risk.approve((an_intent(),), START)
    assert isinstance(outcome, Refusal)
    assert outcome.reason is Reason.BREAKER
    assert "LOSS of 1000.00" in outcome.detail


def test_every_refusal_is_in_the_journal_with_its_code_and_figures() -> None:
    desk = Desk(max_exposure=1_000)
    assert refusal(desk, an_intent(size_lots=20)) is Reason.EXPOSURE_LIMIT
    kind, source, time_ns, payload = desk.recorder.records[-1]
    assert (kind, source, time_ns) == (RecordKind.RISK, PERP, START)
    assert payload == {
        "event": "refused",
        "reason": "EXPOSURE_LIMIT",
        "detail": "1200.00 with this order; at most 1000.00",
    }
