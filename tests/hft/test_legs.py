"""Legs that fill alike, legs that do not, and what is done about it."""

from __future__ import annotations

import pytest

from graphwiz_trader.hft.events import OrderState, RecordKind, Side, Trade
from graphwiz_trader.hft.executor import NotSentError
from graphwiz_trader.hft.instruments import units_from_text
from graphwiz_trader.hft.orders import Order
from hft.desk import INSTRUMENTS, MS, PERP, SECOND, SPOT, START, Desk, a_resting_intent, a_trade, an_intent

BUY, SELL = Side.BUY, Side.SELL
OPEN, UNKNOWN = OrderState.OPEN, OrderState.UNKNOWN
FILLED, REJECTED, EXPIRED = OrderState.FILLED, OrderState.REJECTED, OrderState.EXPIRED
ROUTE = ("arb", "BTC/USDT")
SECOND_TRY = START + 100 * MS


@pytest.fixture
def desk() -> Desk:
    return Desk()


def send(desk: Desk, lots: int = 10) -> tuple[Order, Order]:
    """Buy spot, sell the perpetual."""
    spot, perp = desk.legs.place(desk.approve(an_intent(SPOT, BUY, lots), an_intent(PERP, SELL, lots)), START)
    return spot, perp


def fill(desk: Desk, order: Order, lots: int, now: int = START) -> None:
    """An immediate-or-cancel order ends with so many lots filled, at its limit."""
    price_ticks = order.intent.price_ticks
    trades = [a_trade("t", lots, price_ticks)] if lots else []
    desk.report(order, FILLED if lots == order.intent.size_lots else EXPIRED, *trades, filled_lots=lots, now=now)


def unwinding(desk: Desk) -> Order:
    """The one order that is live: the coordinator's own."""
    (order,) = desk.executor.open_orders()
    return order


def events(desk: Desk) -> list[str]:
    return [record["event"] for record in desk.recorder.of(RecordKind.LEGS)]


def net_units(desk: Desk) -> int:
    return desk.positions.size_units(SPOT) + desk.positions.size_units(PERP)


def test_legs_are_sent_together_under_one_group(desk: Desk) -> None:
    send(desk)
    send(desk)
    assert [record["legs"] for record in desk.recorder.of(RecordKind.ORDER)] == [1, 1, 2, 2]


@pytest.mark.parametrize(("lots", "event"), [(10, "even"), (6, "even"), (0, "none")])
def test_legs_that_fill_alike_need_nothing_and_pause_nothing(desk: Desk, lots: int, event: str) -> None:
    for leg in send(desk):
        assert desk.legs.is_paused(ROUTE, START), "while they are in flight"
        fill(desk, leg, lots)
    assert events(desk) == [event]
    assert not desk.legs.is_paused(ROUTE, START)
    assert desk.executor.open_orders() == ()


def test_what_one_leg_bought_too_much_is_sold_where_it_was_bought(desk: Desk) -> None:
    spot, perp = send(desk)
    fill(desk, spot, 10)
    assert len(desk.executor.open_orders()) == 1, "nothing is done before every leg has ended"
    fill(desk, perp, 4)
    order = unwinding(desk)
    intent = order.intent
    assert (intent.book, intent.side, intent.size_lots, intent.reduces) == (SPOT, SELL, 6, True)
    assert (intent.strategy, order.legs) == ("arb", spot.legs)
    fill(desk, order, 6)
    assert net_units(desk) == 0
    assert events(desk) == ["uneven", "unwind", "even"]


def test_what_one_leg_sold_too_much_is_bought_back_where_it_was_sold(desk: Desk) -> None:
    spot, perp = send(desk)
    fill(desk, perp, 10)
    fill(desk, spot, 3)
    intent = unwinding(desk).intent
    assert (intent.book, intent.side, intent.size_lots) == (PERP, BUY, 7)


def test_the_price_of_unwinding_is_bounded_from_the_mid_and_rounded_inwards(desk: Desk) -> None:
    desk.marks.mid2 |= {SPOT: 120_001, PERP: 120_001}
    spot, perp = send(desk)
    fill(desk, spot, 10)
    fill(desk, perp, 0)
    assert unwinding(desk).intent.price_ticks == 59_881, "60 000.5 less 20 bps is 59 880.499"
    spot, perp = send(other := Desk())
    fill(other, perp, 10)
    fill(other, spot, 0)
    assert unwinding(other).intent.price_ticks == 60_120


def test_the_route_rests_after_uneven_legs_and_no_other_route_does(desk: Desk) -> None:
    spot, perp = send(desk)
    fill(desk, spot, 10)
    fill(desk, perp, 4)
    assert desk.legs.is_paused(ROUTE, START)
    fill(desk, unwinding(desk), 6, now=START + SECOND)
    assert desk.legs.is_paused(ROUTE, START + 31 * SECOND - 1)
    assert not desk.legs.is_paused(ROUTE, START + 31 * SECOND)
    assert not desk.legs.is_paused(("arb", "ETH/USDT"), START)
    assert not desk.legs.is_paused(("other", "BTC/USDT"), START)
    assert desk.recorder.of(RecordKind.RISK)[-1]["event"] == "legs_paused"


def test_an_unknown_leg_is_waited_for_and_never_hedged_on_a_guess(desk: Desk) -> None:
    spot, perp = send(desk)
    fill(desk, spot, 10)
    for second in range(1, 600):
        desk.executor.on_timer(START + second * SECOND)
        desk.legs.on_timer(START + second * SECOND)
    assert perp.state is UNKNOWN
    assert desk.executor.open_orders() == (perp,)
    assert desk.legs.is_paused(ROUTE, START + 600 * SECOND)
    fill(desk, perp, 10, now=START + 600 * SECOND)
    assert events(desk) == ["even"]


def test_a_leg_that_never_left_is_unwound_at_the_other_venue(desk: Desk) -> None:
    desk.gateways["binanceusdm"].fails["place"] = NotSentError("line is down")
    spot, perp = send(desk)
    assert perp.state is REJECTED
    fill(desk, spot, 10)
    assert unwinding(desk).intent.book == SPOT
    fill(desk, unwinding(desk), 10)
    assert net_units(desk) == 0


def test_legs_of_which_none_left_end_the_group_at_once(desk: Desk) -> None:
    for gateway in desk.gateways.values():
        gateway.fails["place"] = NotSentError("line is down")
    send(desk)
    assert events(desk) == ["none"]
    assert not desk.legs.is_paused(ROUTE, START)


def test_an_attempt_that_fills_in_part_is_followed_at_once_by_one_for_the_rest(desk: Desk) -> None:
    spot, perp = send(desk)
    fill(desk, spot, 10)
    fill(desk, perp, 0)
    fill(desk, unwinding(desk), 6)
    assert unwinding(desk).intent.size_lots == 4


def test_an_attempt_that_fills_nothing_is_followed_by_one_at_the_other_book_a_little_later(desk: Desk) -> None:
    spot, perp = send(desk)
    fill(desk, spot, 10)
    fill(desk, perp, 0)
    fill(desk, unwinding(desk), 0)
    assert desk.executor.open_orders() == ()
    desk.legs.on_timer(SECOND_TRY - 1)
    assert desk.executor.open_orders() == ()
    desk.legs.on_timer(SECOND_TRY)
    intent = unwinding(desk).intent
    assert (intent.book, intent.side, intent.size_lots) == (PERP, SELL, 10)


def test_after_the_allowed_attempts_the_residual_is_left_and_reported(desk: Desk) -> None:
    spot, perp = send(desk)
    fill(desk, spot, 10)
    fill(desk, perp, 0)
    now = START
    for _ in range(3):
        fill(desk, unwinding(desk), 0, now=now)
        now += SECOND
        desk.legs.on_timer(now)
    assert desk.executor.open_orders() == ()
    assert events(desk) == ["uneven", "unwind", "unwind", "unwind", "residual"]
    last = desk.recorder.of(RecordKind.LEGS)[-1]
    assert (last["residual"], last["detail"]) == ("0.01", "after 3 attempts")
    assert desk.legs.is_paused(ROUTE, now)


def test_an_untrusted_book_is_waited_for_while_the_other_may_serve(desk: Desk) -> None:
    spot, perp = send(desk)
    fill(desk, spot, 10)
    desk.marks.untrusted |= {SPOT, PERP}
    fill(desk, perp, 0)
    assert desk.executor.open_orders() == ()
    desk.marks.untrusted = {SPOT}
    desk.legs.on_timer(START + SECOND)
    assert unwinding(desk).intent.book == PERP


def test_patience_ends(desk: Desk) -> None:
    spot, perp = send(desk)
    fill(desk, spot, 10)
    desk.marks.mid2 |= {SPOT: 0, PERP: 0}
    fill(desk, perp, 0)
    desk.legs.on_timer(START + 10 * SECOND - 1)
    assert events(desk) == ["uneven"]
    desk.legs.on_timer(START + 10 * SECOND)
    assert events(desk) == ["uneven", "residual"]


def test_a_tripped_breaker_leaves_the_residual_to_a_person(desk: Desk) -> None:
    spot, perp = send(desk)
    fill(desk, spot, 10)
    desk.risk.trip("LOSS", START)
    fill(desk, perp, 0)
    assert events(desk) == ["uneven", "residual"]
    assert desk.recorder.of(RecordKind.LEGS)[-1]["detail"] == "BREAKER, BREAKER"


def test_a_fee_taken_in_base_is_not_sold_again(desk: Desk) -> None:
    spot, perp = send(desk, lots=1_000)
    trade = a_trade("t", 1_000, fee_units=units_from_text("0.001"), fee_asset="BTC")
    desk.report(spot, FILLED, trade, filled_lots=1_000)
    fill(desk, perp, 0)
    order = unwinding(desk)
    assert (order.intent.book, order.intent.size_lots) == (SPOT, 999)
    fill(desk, order, 999)
    assert net_units(desk) == 0
    assert events(desk)[-1] == "even"


def test_a_fee_taken_in_base_from_legs_that_filled_alike_is_no_residual(desk: Desk) -> None:
    spot, perp = send(desk, lots=1_000)
    trade = a_trade("t", 1_000, fee_units=units_from_text("0.001"), fee_asset="BTC")
    desk.report(spot, FILLED, trade, filled_lots=1_000)
    fill(desk, perp, 1_000)
    assert events(desk) == ["even"]


def test_unwinding_passes_the_limits_for_exposure_only_where_it_reduces() -> None:
    desk = Desk(max_exposure=1_200)
    spot, perp = send(desk)
    fill(desk, spot, 10)
    desk.marks.mid2[SPOT] = 2 * 120_000
    desk.marks.untrusted.add(SPOT)
    fill(desk, perp, 0)
    assert desk.executor.open_orders() == (), "selling the perpetual would add exposure"
    desk.marks.untrusted.clear()
    desk.legs.on_timer(START + SECOND)
    assert unwinding(desk).intent.book == SPOT


def test_a_resting_leg_is_cancelled_when_another_has_ended_and_its_end_is_waited_for(desk: Desk) -> None:
    legs = desk.approve(an_intent(SPOT, BUY, 10), a_resting_intent(book=PERP, side=SELL, size_lots=10))
    spot, perp = desk.legs.place(legs, START)
    desk.report(perp, OPEN, a_trade("a", 4), filled_lots=4)
    assert desk.gateways["binanceusdm"].count("cancel") == 0
    fill(desk, spot, 10)
    assert desk.gateways["binanceusdm"].count("cancel") == 1
    assert desk.executor.open_orders() == (perp,)
    desk.report(perp, OrderState.CANCELED, filled_lots=4)
    assert unwinding(desk).intent.size_lots == 6


@pytest.mark.parametrize("late", [a_trade("late", 10), a_trade("late", 3)])
def test_a_leg_that_filled_after_its_group_was_closed_pauses_the_route(desk: Desk, late: Trade) -> None:
    spot, perp = send(desk)
    for leg in (spot, perp):
        fill(desk, leg, 0)
    assert not desk.legs.is_paused(ROUTE, START)
    desk.report(perp, OPEN, late, filled_lots=late.size_lots)
    assert events(desk) == ["none", "late"]
    assert desk.legs.is_paused(ROUTE, START)


def test_the_same_reports_give_the_same_orders() -> None:
    journals = []
    for _ in range(2):
        desk = Desk()
        spot, perp = send(desk)
        fill(desk, spot, 7)
        fill(desk, perp, 2)
        fill(desk, unwinding(desk), 1)
        fill(desk, unwinding(desk), 4)
        journals.append(desk.recorder.records)
    assert journals[0] == journals[1]
    assert INSTRUMENTS[SPOT].lot_units == INSTRUMENTS[PERP].lot_units
