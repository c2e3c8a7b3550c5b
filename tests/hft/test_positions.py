"""Positions, average price, profit and loss, fees: exact against a twin in fractions, and by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphwiz_trader.hft.events import Fill, Side
from graphwiz_trader.hft.instruments import (
    MONEY_DECIMALS,
    UNIT_DECIMALS,
    money_from_text,
    text_from_units,
    units_from_text,
)
from graphwiz_trader.hft.positions import PositionTracker
from hft.desk import ETH, INSTRUMENTS, PERP, SPOT, a_fill

BUY, SELL = Side.BUY, Side.SELL


def money(amount: Fraction) -> int:
    scaled = amount * 10**MONEY_DECIMALS
    assert scaled.denominator == 1, "the twin's figure must fit money exactly"
    return int(scaled)


@dataclass
class NaiveAccount:
    """Cash and coins, as a child would count them: nothing about cost or profit."""

    cash: Fraction = Fraction(0)
    fees_in_bnb: Fraction = Fraction(0)
    coins: dict[int, Fraction] = field(default_factory=dict)

    def apply(self, fill: Fill) -> None:
        instrument, trade = INSTRUMENTS[fill.book], fill.trade
        size = trade.size_lots * Fraction(instrument.lot_size)
        price = trade.price_ticks * Fraction(instrument.tick_size)
        fee = Fraction(trade.fee_units, 10**UNIT_DECIMALS)
        self.cash -= fill.side.sign * size * price
        coins = self.coins.get(fill.book, Fraction(0)) + fill.side.sign * size
        if trade.fee_asset == instrument.base:
            coins -= fee
        elif trade.fee_asset == instrument.quote:
            self.cash -= fee
        else:
            self.fees_in_bnb += fee
        self.coins[fill.book] = coins

    def worth(self, mid2: dict[int, int]) -> Fraction:
        coins = sum(
            (
                size * Fraction(mid2[book], 2) * Fraction(INSTRUMENTS[book].tick_size)
                for book, size in self.coins.items()
            ),
            Fraction(0),
        )
        return self.cash + coins


fills = st.builds(
    a_fill,
    book=st.sampled_from([SPOT, PERP, ETH]),
    side=st.sampled_from(Side),
    price_ticks=st.integers(1, 200_000),
    size_lots=st.integers(1, 50),
    fee_units=st.integers(-(10**9), 10**10),
    fee_asset=st.sampled_from(["USDT", "BTC", "ETH", "BNB"]),
).filter(lambda fill: fill.trade.fee_asset in ("USDT", "BNB", INSTRUMENTS[fill.book].base))


@given(
    st.lists(fills, max_size=40),
    st.fixed_dictionaries({book: st.integers(2, 400_000) for book in (SPOT, PERP, ETH)}),
)
def test_realised_plus_unrealised_minus_fees_is_what_the_account_gained_to_the_last_digit(
    done: list[Fill], mid2: dict[int, int]
) -> None:
    tracker, account = PositionTracker(INSTRUMENTS), NaiveAccount()
    for fill in done:
        tracker.apply(fill)
        account.apply(fill)
        pnl = tracker.pnl(mid2.__getitem__)
        assert pnl.net == money(account.worth(mid2)) == tracker.net_money(mid2.__getitem__)
        assert tracker.closed_money == pnl.realised - pnl.fees
        assert tracker.unpriced_fees.get("BNB", 0) == account.fees_in_bnb * 10**UNIT_DECIMALS
        held = {book: size for book, size in account.coins.items() if size}
        assert tracker.open_books == sorted(held)
        for book, size in account.coins.items():
            assert tracker.size_units(book) == size * 10**UNIT_DECIMALS


@given(st.lists(fills, max_size=40))
def test_a_flat_position_has_no_cost_left_and_an_open_one_costs_what_its_side_says(done: list[Fill]) -> None:
    tracker = PositionTracker(INSTRUMENTS)
    for fill in done:
        tracker.apply(fill)
        position = tracker.position(fill.book)
        assert (position.cost_money > 0) == (position.size_units > 0)
        assert (position.cost_money < 0) == (position.size_units < 0)
        assert (position.average_price_units > 0) == (position.size_units != 0)


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 200_000)), min_size=1), st.data())
def test_closing_a_part_releases_its_share_of_the_cost_to_the_last_digit(
    bought: list[tuple[int, int]], data: st.DataObject
) -> None:
    tracker = PositionTracker(INSTRUMENTS)
    for lots, price_ticks in bought:
        tracker.apply(a_fill(PERP, BUY, price_ticks, lots))
    held = sum(lots for lots, _ in bought)
    cost = Fraction(tracker.position(PERP).cost_money)
    sold = data.draw(st.integers(1, held))
    tracker.apply(a_fill(PERP, SELL, 60_000, sold))
    assert abs(tracker.position(PERP).cost_money - cost * (held - sold) / held) < 1


def test_buying_twice_averages_and_selling_realises_against_the_average() -> None:
    tracker = PositionTracker(INSTRUMENTS)
    tracker.apply(a_fill(PERP, BUY, 60_000, 10))
    tracker.apply(a_fill(PERP, BUY, 60_300, 20))
    assert text_from_units(tracker.position(PERP).average_price_units) == "60200"
    tracker.apply(a_fill(PERP, SELL, 60_500, 15))
    position = tracker.position(PERP)
    assert position.realised_money == money_from_text("4.5")
    assert text_from_units(position.average_price_units) == "60200"
    assert position.unrealised_money(2 * 60_100) == money_from_text("-1.5")


def test_selling_more_than_is_held_turns_the_position_and_the_rest_costs_the_fill_price() -> None:
    tracker = PositionTracker(INSTRUMENTS)
    tracker.apply(a_fill(PERP, BUY, 60_000, 10))
    tracker.apply(a_fill(PERP, SELL, 61_000, 30))
    position = tracker.position(PERP)
    assert position.realised_money == money_from_text("10")
    assert position.size_units == units_from_text("-0.02")
    assert text_from_units(position.average_price_units) == "61000"
    assert position.unrealised_money(2 * 60_000) == money_from_text("20")


def test_a_fee_in_base_is_missing_from_the_holding_and_counts_at_the_fill_price() -> None:
    tracker = PositionTracker(INSTRUMENTS)
    tracker.apply(a_fill(SPOT, BUY, 60_000, 1_000, units_from_text("0.001"), "BTC"))
    position = tracker.position(SPOT)
    assert text_from_units(position.size_units) == "0.999"
    assert text_from_units(position.average_price_units) == "60000"
    assert position.fees_money == money_from_text("60")
    assert tracker.pnl(lambda _: 120_000).net == money_from_text("-60")


def test_a_fee_in_an_asset_without_a_price_is_kept_apart() -> None:
    tracker = PositionTracker(INSTRUMENTS)
    tracker.apply(a_fill(PERP, BUY, 60_000, 10, 7, "BNB"))
    tracker.apply(a_fill(PERP, BUY, 60_000, 10, 8, "BNB"))
    assert tracker.unpriced_fees == {"BNB": 15}
    assert tracker.pnl(lambda _: 120_000).net == 0


def test_without_a_mark_a_position_is_worth_its_last_fill() -> None:
    tracker = PositionTracker(INSTRUMENTS)
    tracker.apply(a_fill(PERP, BUY, 60_000, 10))
    tracker.apply(a_fill(PERP, BUY, 60_200, 10))
    assert tracker.position(PERP).value_money(0) == money_from_text("1204")


def test_a_round_trip_is_closed_when_purchases_and_sales_are_even() -> None:
    trips = (tracker := PositionTracker(INSTRUMENTS)).round_trips
    tracker.apply(a_fill(PERP, BUY, 60_000, 10))
    tracker.apply(a_fill(PERP, SELL, 60_100, 4))
    assert trips.closed == 0
    tracker.apply(a_fill(PERP, SELL, 60_100, 6, units_from_text("0.4")))
    assert (trips.winning, trips.losing, trips.profit_money) == (1, 0, money_from_text("0.6"))
    tracker.apply(a_fill(PERP, SELL, 60_000, 10))
    tracker.apply(a_fill(PERP, BUY, 60_050, 10))
    assert (trips.winning, trips.losing, trips.loss_money) == (1, 1, money_from_text("0.5"))
    assert trips.win_rate == pytest.approx(0.5)


def test_both_legs_of_an_arbitrage_are_one_round_trip() -> None:
    trips = (tracker := PositionTracker(INSTRUMENTS)).round_trips
    tracker.apply(a_fill(SPOT, BUY, 60_000, 1_000, units_from_text("0.001"), "BTC"))
    tracker.apply(a_fill(PERP, SELL, 60_100, 1_000, units_from_text("30")))
    assert (trips.closed, trips.winning) == (1, 1)
    assert trips.profit_money == money_from_text("10")


def test_what_a_fee_in_base_left_below_a_lot_does_not_keep_a_round_trip_open() -> None:
    trips = (tracker := PositionTracker(INSTRUMENTS)).round_trips
    tracker.apply(a_fill(SPOT, BUY, 60_000, 10, units_from_text("0.00001"), "BTC"))
    assert trips.closed == 0
    tracker.apply(a_fill(SPOT, SELL, 60_000, 9))
    assert (trips.closed, trips.losing, trips.loss_money) == (1, 1, money_from_text("0.6"))


def test_a_fill_that_turns_the_position_closes_one_round_trip_and_opens_the_next() -> None:
    trips = (tracker := PositionTracker(INSTRUMENTS)).round_trips
    tracker.apply(a_fill(PERP, BUY, 60_000, 10))
    tracker.apply(a_fill(PERP, SELL, 60_100, 30))
    assert (trips.closed, trips.profit_money) == (1, money_from_text("1"))
    tracker.apply(a_fill(PERP, BUY, 60_000, 20))
    assert (trips.closed, trips.profit_money) == (2, money_from_text("3"))


@given(st.lists(fills, max_size=60))
def test_closed_round_trips_and_the_open_ones_add_up_to_the_pnl(done: list[Fill]) -> None:
    """With every symbol even again at the end, what the trips brought is the tracker's whole net result."""
    done = [fill for fill in done if fill.trade.fee_asset != INSTRUMENTS[fill.book].base]
    tracker = PositionTracker(INSTRUMENTS)
    for fill in done:
        tracker.apply(fill)
    for book in (SPOT, PERP, ETH):
        lots = tracker.size_units(book) // INSTRUMENTS[book].lot_units
        if lots:
            tracker.apply(a_fill(book, SELL if lots > 0 else BUY, 1_000, abs(lots)))
    trips = tracker.round_trips
    assert trips.profit_money - trips.loss_money == tracker.closed_money
    assert trips.closed >= trips.winning + trips.losing
