"""Orders against a market that cannot see them: the queue, trades at and through a price, quotes that come to it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphwiz_trader.hft.events import MarketTrade, Side, TimeInForce
from graphwiz_trader.hft.fill_model import FillModel, RestingFill
from graphwiz_trader.hft.queue_position import QueuePosition, QueueRule
from oracle.fills import NaiveFills

BUY, SELL = Side.BUY, Side.SELL
GTC, IOC, FOK, POST_ONLY = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.POST_ONLY
RISK_AVERSE, PROBABILISTIC = QueueRule.RISK_AVERSE, QueueRule.PROBABILISTIC


class Market:
    """A book that does as it is told: bids at 99 and 98, asks at 101 and 102."""

    def __init__(self, rule: QueueRule = RISK_AVERSE) -> None:
        self.sizes: tuple[dict[int, int], dict[int, int]] = ({99: 10, 98: 20}, {101: 10, 102: 20})
        self.last_trade = MarketTrade(0, 0, 0, BUY)
        self.is_trusted = True
        self.model = FillModel(self, rule)

    def levels(self, side: Side, depth: int) -> list[tuple[int, int]]:
        return sorted(self.sizes[side].items(), key=lambda level: -level[0] * side.sign)[:depth]

    def lots_at(self, side: Side, ticks: int) -> int:
        return self.sizes[side].get(ticks, 0)

    def reaches(self, side: Side, ticks: int) -> bool:
        return any((ticks - price) * side.sign >= 0 for price in self.sizes[side])

    def rest(self, order_id: int, side: Side, price: int, lots: int) -> None:
        assert self.model.place(order_id, side, price, lots, POST_ONLY).resting_lots == lots

    def show(self, side: Side, price: int, lots: int) -> list[RestingFill]:
        """A level changes."""
        self._set(side, price, lots)
        return self.model.observe()

    def _set(self, side: Side, price: int, lots: int) -> None:
        if lots:
            self.sizes[side][price] = lots
        else:
            self.sizes[side].pop(price, None)

    def trade(self, taker: Side, price: int, lots: int) -> list[RestingFill]:
        self.last_trade = MarketTrade(self.last_trade.trade_id + 1, price, lots, taker)
        return self.model.observe()


def test_an_order_joins_behind_everything_that_is_shown_at_its_price():
    market = Market()
    market.rest(1, BUY, 99, 5)
    assert market.model.ahead_lots(1) == 10


def test_trades_at_the_price_take_from_the_front_and_what_goes_beyond_fills_in_parts():
    market = Market()
    market.rest(1, BUY, 99, 5)
    assert market.trade(SELL, 99, 8) == []
    assert market.trade(SELL, 99, 4) == [(1, 99, 2)]
    assert market.trade(SELL, 99, 1) == [(1, 99, 1)]
    assert market.trade(SELL, 99, 7) == [(1, 99, 2)]
    assert 1 not in market.model


def test_a_taker_of_the_same_side_and_a_trade_at_a_better_price_mean_nothing():
    market = Market()
    market.rest(1, BUY, 98, 5)
    assert market.trade(BUY, 98, 99) == []
    assert market.trade(SELL, 99, 99) == []
    assert market.model.ahead_lots(1) == 20


def test_a_trade_through_the_price_fills_at_the_orders_own_price_up_to_the_trades_size():
    market = Market()
    market.rest(1, BUY, 99, 5)
    assert market.trade(SELL, 98, 3) == [(1, 99, 3)]
    assert market.trade(SELL, 97, 9) == [(1, 99, 2)]


def test_a_sale_rests_and_fills_as_a_mirror():
    market = Market()
    market.rest(1, SELL, 101, 5)
    assert market.trade(BUY, 101, 12) == [(1, 101, 2)]
    assert market.trade(BUY, 102, 1) == [(1, 101, 1)]


def test_averse_to_risk_a_cancellation_advances_nobody():
    market = Market()
    market.rest(1, BUY, 98, 5)
    market.show(BUY, 98, 30)
    market.show(BUY, 98, 25)
    assert market.model.ahead_lots(1) == 20


def test_probably_a_cancellation_stood_ahead_as_often_as_lots_do():
    market = Market(PROBABILISTIC)
    market.rest(1, BUY, 98, 5)
    market.show(BUY, 98, 40)
    market.show(BUY, 98, 30)  # a quarter of the level, so a quarter of the 20 ahead
    assert market.model.ahead_lots(1) == 15


def test_small_cancellations_add_up():
    market = Market(PROBABILISTIC)
    market.rest(1, BUY, 98, 5)
    market.show(BUY, 98, 40)
    for shown in range(39, 19, -1):
        market.show(BUY, 98, shown)
    assert market.model.ahead_lots(1) in (10, 11)


@pytest.mark.parametrize("rule", QueueRule)
def test_no_more_stands_ahead_than_is_shown(rule):
    market = Market(rule)
    market.rest(1, BUY, 98, 5)
    market.show(BUY, 98, 3)
    assert market.model.ahead_lots(1) <= 3


@pytest.mark.parametrize("rule", QueueRule)
def test_a_decrease_that_trades_explain_is_no_cancellation(rule):
    market = Market(rule)
    market.rest(1, BUY, 99, 5)
    market.show(BUY, 99, 20)
    market.trade(SELL, 99, 4)
    market.show(BUY, 99, 16)
    assert market.model.ahead_lots(1) == 6


def test_a_later_order_of_ours_stands_behind_the_earlier_and_one_trade_is_shared():
    market = Market()
    market.rest(1, BUY, 99, 5)
    market.rest(2, BUY, 99, 5)
    assert market.trade(SELL, 99, 17) == [(1, 99, 5), (2, 99, 2)]


def test_a_better_priced_order_of_ours_is_met_first():
    market = Market()
    market.rest(1, BUY, 98, 5)
    market.rest(2, BUY, 99, 5)
    assert market.trade(SELL, 98, 24) == [(2, 99, 5), (1, 98, 4)]


def test_quotes_of_the_other_side_at_the_price_fill_it_each_lot_once():
    market = Market()
    market.rest(1, BUY, 99, 9)
    market.sizes = ({98: 20}, {99: 4, 101: 10})
    assert market.model.observe() == [(1, 99, 4)]
    assert market.model.observe() == []
    assert market.show(SELL, 99, 6) == [(1, 99, 5)]


def test_only_trades_after_the_arrival_count():
    market = Market()
    market.trade(SELL, 98, 50)
    market.rest(1, BUY, 99, 5)
    assert market.model.observe() == []


def test_post_only_rests_or_is_not_placed():
    market = Market()
    assert market.model.place(1, BUY, 101, 5, POST_ONLY) == ([], 0, 5)
    assert market.model.place(2, BUY, 100, 5, POST_ONLY) == ([], 5, 0)


def test_what_a_limit_order_does_not_take_rests_at_its_price():
    market = Market()
    assert market.model.place(1, BUY, 101, 15, GTC) == ([(101, 10)], 5, 0)
    assert market.model.place(2, BUY, 101, 15, IOC) == ([], 0, 15)
    assert market.model.place(3, SELL, 98, 31, FOK) == ([], 0, 31)
    assert market.model.place(4, SELL, None, 31, GTC) == ([(99, 10), (98, 20)], 0, 1)


def test_a_smaller_order_keeps_its_place_and_a_cancelled_one_is_gone():
    market = Market()
    market.rest(1, BUY, 99, 5)
    market.trade(SELL, 99, 6)
    market.model.reduce(1, 3)
    assert market.model.ahead_lots(1) == 4
    assert market.model.cancel(1) == 2
    assert market.trade(SELL, 98, 50) == []
    with pytest.raises(KeyError):
        market.model.cancel(1)


def test_a_book_without_trust_shows_nothing_and_what_rests_keeps_its_place():
    market = Market(PROBABILISTIC)
    market.rest(1, BUY, 98, 5)
    market.is_trusted = False
    assert market.model.place(2, SELL, 98, 1, IOC) == ([], 0, 1)
    assert market.trade(SELL, 97, 50) == []
    market.show(BUY, 98, 90)
    market.is_trusted = True
    market.show(BUY, 98, 80)
    assert market.model.ahead_lots(1) == 20


def test_an_order_that_came_while_nothing_was_shown_stands_behind_what_is_shown_then():
    market = Market()
    market.is_trusted = False
    market.rest(1, BUY, 99, 5)
    market.is_trusted = True
    market.show(BUY, 99, 7)
    assert market.model.ahead_lots(1) == 7


def test_an_order_beyond_the_visible_book_stands_behind_what_is_shown_when_its_price_comes_in_view():
    market = Market()
    market.rest(1, BUY, 97, 5)
    assert market.trade(SELL, 97, 50) == [], "who stood before it is not known"
    market.show(BUY, 97, 30)
    assert market.model.ahead_lots(1) == 30
    assert market.trade(SELL, 97, 32) == [(1, 97, 2)]


def test_an_order_that_comes_in_view_where_nobody_is_shown_stands_first():
    market = Market()
    market.rest(1, BUY, 97, 5)
    market.show(BUY, 96, 30)
    assert market.model.ahead_lots(1) == 0


@pytest.mark.parametrize("rule", QueueRule)
def test_a_price_that_goes_out_of_view_and_comes_back_costs_no_place_and_brings_none(rule):
    market = Market(rule)
    market.rest(1, BUY, 98, 5)
    market.show(BUY, 98, 0)
    assert market.model.ahead_lots(1) == 20
    market.show(BUY, 98, 40)
    assert market.model.ahead_lots(1) == 20
    market.show(BUY, 98, 12)
    assert market.model.ahead_lots(1) <= 12


def test_a_trade_through_its_price_fills_an_order_beyond_the_visible_book():
    market = Market()
    market.rest(1, BUY, 97, 5)
    assert market.trade(SELL, 96, 3) == [(1, 97, 3)]


SIDES, PRICES, LOTS = st.sampled_from(Side), st.integers(96, 104), st.integers(1, 12)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("place"), SIDES, PRICES, LOTS, st.sampled_from(TimeInForce)),
        st.tuples(st.just("show"), SIDES, PRICES, st.integers(0, 30)),
        st.tuples(st.just("trade"), SIDES, PRICES, LOTS),
        st.tuples(st.just("cancel"), st.integers(0, 20)),
    ),
    max_size=40,
)


@pytest.mark.parametrize("rule", QueueRule)
@given(steps=STEPS)
def test_it_fills_what_its_naive_twin_fills(rule, steps):
    market, twin = Market(rule), NaiveFills(probabilistic=rule is PROBABILISTIC)
    for number, (what, *terms) in enumerate(steps):
        if what == "place":
            side, price, lots, force = terms
            would = NaiveFills(probabilistic=False)
            would.taken = dict(twin.taken)
            now = sum(n for _, n in would.take(side, price, lots, market.sizes))
            dies = (force is POST_ONLY and now) or (force is FOK and now < lots)
            expected = [] if dies else twin.take(side, price, lots, market.sizes)
            rests = 0 if dies or force in (IOC, FOK) else lots - sum(n for _, n in expected)
            if rests:
                twin.rest(number, side, price, rests, market.sizes)
            assert market.model.place(number, side, price, lots, force) == (
                expected,
                rests,
                lots - rests - sum(n for _, n in expected),
            )
        elif what == "cancel":
            if terms[0] in market.model:
                assert market.model.cancel(terms[0]) == twin.cancel(terms[0])
        else:
            side, price, lots = terms
            fills = []
            if what == "trade":
                seen = market.trade(side, price, lots)
                fills += twin.trade(market.last_trade)
            else:
                seen = market.show(side, price, lots)
            twin.sizes(market.sizes)
            assert seen == fills + twin.quotes(market.sizes)


@given(
    steps=st.lists(st.tuples(st.sampled_from(["show", "trade"]), PRICES, st.integers(1, 30)), max_size=40),
    price=st.integers(97, 99),
)
def test_one_order_is_never_filled_later_by_the_probable_rule_than_by_the_averse(steps, price):
    markets = Market(RISK_AVERSE), Market(PROBABILISTIC)
    filled = [0, 0]
    for market in markets:
        market.rest(1, BUY, price, 25)
    for what, at, lots in steps:
        for index, market in enumerate(markets):
            fills = market.trade(SELL, at, lots) if what == "trade" else market.show(BUY, min(at, 99), lots)
            filled[index] += sum(fill.size_lots for fill in fills)
        assert filled[0] <= filled[1]


def test_a_begun_lot_ahead_counts_as_a_whole_one():
    place = QueuePosition(10, PROBABILISTIC)
    place.shrank(1, 20)
    assert place.ahead_lots == 10
    assert place.traded(10) == 0
    assert place.traded(1) == 1
