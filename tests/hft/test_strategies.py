"""What the two strategies decide, on books that say exactly what the rule is about."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphwiz_trader.hft.events import Decision, Fill, OrderIntent, Side, TimeInForce, Trade
from graphwiz_trader.hft.instruments import Instruments, money_from_text
from graphwiz_trader.hft.strategies.base import HFTStrategy
from graphwiz_trader.hft.strategies.cross_exchange_arb import CrossExchangeArbitrage
from graphwiz_trader.hft.strategies.stat_arb import StatisticalArbitrage
from hft.floor import PERP, SECOND, SPOT, START, Floor, instrument, spot_depth, two_venues, usdm_depth

BUY, SELL = Side.BUY, Side.SELL


def _fill(
    intent: OrderIntent, size_lots: int, price_ticks: int = 0, fee_units: int = 0, fee_asset: str = "USDT"
) -> Fill:
    trade = Trade(
        trade_id="1",
        price_ticks=price_ticks or intent.price_ticks,
        size_lots=size_lots,
        fee_units=fee_units,
        fee_asset=fee_asset,
    )
    return Fill(client_id="t", strategy=intent.strategy, book=intent.book, side=intent.side, trade=trade, time_ns=START)


def _execute(strategy: HFTStrategy, decision: Decision, filled_lots: int | None = None) -> None:
    """Each order is sent, filled as far as given (wholly without it), and ends."""
    strategy.on_sent(decision)
    for intent in decision.intents:
        lots = intent.size_lots if filled_lots is None else filled_lots
        if lots:
            strategy.on_fill(_fill(intent, lots))
        strategy.on_final(intent)


class Mean:
    """StatisticalArbitrage on the perpetual (or the spot book), whose prices are moved in ticks around 100.0."""

    def __init__(
        self, book: int = PERP, *, max_position: str = "1000", min_profit_bps: float | None = None, **rules: Any
    ) -> None:
        self.floor = Floor(two_venues(**rules))
        self.book = book
        self.floor.make_live(book)
        self.strategy = StatisticalArbitrage(
            self.floor.books,
            lookback_period=4,
            z_score_threshold=1.5,
            max_position_money=money_from_text(max_position),
            min_profit_bps=min_profit_bps,
        )
        self._last = 101
        self._levels = (999, 1001)

    def move(self, by: int, size: str = "1", now: int = START) -> Decision | None:
        """Both prices at 100.0 plus ``by`` ticks and minus or plus one, with ``size`` each."""
        old, self._levels = self._levels, (999 + by, 1001 + by)
        bids, asks = (
            [(f"{was / 10:.1f}", "0"), (f"{new / 10:.1f}", size)] for was, new in zip(old, self._levels, strict=True)
        )
        before, self._last = self._last, self._last + 1
        frame = (
            spot_depth(self._last, self._last, bids, asks)
            if self.book == SPOT
            else usdm_depth(self._last, self._last, before, bids, asks)
        )
        self.floor.frames(self.book, frame, now=now)
        return self.strategy.on_book(self.book, now)

    def wait_for_full_window(self) -> None:
        for by in (0, 1, 0, -1):
            assert self.move(by) is None

    def jump(self, by: int, size: str = "1", now: int = START) -> Decision:
        decision = self.move(by, size, now)
        assert decision is not None
        return decision


# Statistical arbitrage: entry


@pytest.mark.parametrize(("by", "side", "price_ticks"), [(40, SELL, 1039), (-40, BUY, 961)])
def test_far_from_the_mean_the_side_is_taken_that_gains_by_the_return(by: int, side: Side, price_ticks: int) -> None:
    mean = Mean()
    mean.wait_for_full_window()
    decision = mean.jump(by)
    (intent,) = decision.intents
    assert (intent.book, intent.side, intent.price_ticks) == (PERP, side, price_ticks)
    assert intent.time_in_force is TimeInForce.IOC
    assert not intent.reduces
    assert decision.reason.startswith("entry z=")


def test_nothing_is_decided_before_the_window_is_full_nor_near_the_mean() -> None:
    mean = Mean()
    assert [mean.move(by) for by in (40, -40, 30)] == [None] * 3
    assert [mean.move(by) for by in (0, 1, 0, -1, 0, 1, 0)] == [None] * 7


@pytest.mark.parametrize("side", [1, -1])
def test_an_entry_must_net_what_is_asked_when_the_price_returns(side: int) -> None:
    """40 ticks from 100.0, with the jump itself in a mean of four: 30 to return, less a spread of 2 and twice 5 bps."""
    net_bps = 28 / (1039 if side > 0 else 961) * 1e4 - 10
    for asked_bps, enters in ((net_bps - 0.01, True), (net_bps + 0.01, False)):
        mean = Mean(min_profit_bps=asked_bps, taker_fee_ppm=500)
        mean.wait_for_full_window()
        assert (mean.move(40 * side) is not None) == enters


def test_what_is_held_is_closed_whatever_an_entry_must_net() -> None:
    mean = Mean(min_profit_bps=100.0, taker_fee_ppm=500)
    mean.wait_for_full_window()
    _execute(mean.strategy, mean.jump(-60))
    assert mean.jump(0).intents[0].reduces


def test_an_entry_is_no_larger_than_the_touch_shows() -> None:
    mean = Mean(max_position="1000000")
    mean.wait_for_full_window()
    assert mean.jump(40, size="0.123").intents[0].size_lots == 123


def test_an_entry_is_worth_no_more_than_the_largest_position() -> None:
    mean = Mean(max_position="50")
    mean.wait_for_full_window()
    (intent,) = mean.jump(-40).intents
    assert intent.size_lots == 520  # 0.520 at 96.1 is 49.972


def test_an_entry_keeps_to_the_venues_steps_and_asks_no_worse_a_price() -> None:
    mean = Mean(size_step_lots=100, price_step_ticks=5, min_size_lots=100)
    mean.wait_for_full_window()
    (sale,) = mean.jump(41, size="0.777").intents
    assert (sale.size_lots, sale.price_ticks) == (700, 1040)


@pytest.mark.parametrize("rules", [{"min_size_lots": 500}, {"min_notional": "30"}, {"size_step_lots": 500}])
def test_an_entry_that_the_venue_would_refuse_for_its_size_is_not_decided(rules: dict[str, Any]) -> None:
    mean = Mean(**rules)
    mean.wait_for_full_window()
    assert mean.move(40, size="0.250") is None


def test_what_cannot_be_sold_short_is_not_but_may_be_bought() -> None:
    mean = Mean(SPOT)
    mean.wait_for_full_window()
    assert mean.move(40) is None
    mean.wait_for_full_window()
    assert mean.jump(-40).intents[0].side is BUY


# Statistical arbitrage: exit


def test_a_position_is_closed_when_the_price_is_back_at_its_mean() -> None:
    mean = Mean()
    mean.wait_for_full_window()
    entry = mean.jump(-40)
    _execute(mean.strategy, entry)
    assert mean.move(-41) is None
    exit_ = mean.jump(0)
    (intent,) = exit_.intents
    assert (intent.side, intent.size_lots, intent.price_ticks, intent.reduces) == (SELL, 1000, 999, True)
    assert exit_.reason.startswith("exit z=")
    _execute(mean.strategy, exit_)
    assert mean.strategy.positions.size_units(PERP) == 0


def test_a_short_position_is_bought_back() -> None:
    mean = Mean()
    mean.wait_for_full_window()
    _execute(mean.strategy, mean.jump(40))
    (intent,) = mean.jump(0).intents
    assert (intent.side, intent.price_ticks, intent.reduces) == (BUY, 1001, True)


def test_an_exit_takes_what_the_touch_shows_and_the_rest_later() -> None:
    mean = Mean()
    mean.wait_for_full_window()
    _execute(mean.strategy, mean.jump(-40))
    first = mean.jump(10, size="0.4")
    assert first.intents[0].size_lots == 400
    _execute(mean.strategy, first)
    assert mean.jump(20, size="5").intents[0].size_lots == 600


def test_a_position_is_not_added_to() -> None:
    mean = Mean()
    mean.wait_for_full_window()
    _execute(mean.strategy, mean.jump(-40), filled_lots=300)
    assert mean.move(-80) is None
    assert mean.move(-200) is None


@pytest.mark.parametrize(
    ("rules", "left_lots"),
    [({}, 0), ({"min_size_lots": 10}, 9), ({"min_notional": "5"}, 49), ({"size_step_lots": 10}, 9)],
)
def test_a_rest_that_the_venue_would_not_buy_back_does_not_bar_the_next_entry(
    rules: dict[str, Any], left_lots: int
) -> None:
    mean = Mean(**rules)
    mean.wait_for_full_window()
    entry = mean.jump(-40)
    _execute(mean.strategy, entry, filled_lots=100 + left_lots)
    _execute(mean.strategy, mean.jump(10, size="0.100"))
    assert mean.strategy.positions.size_units(PERP) == left_lots * 10**9
    mean.wait_for_full_window()
    (again,) = mean.jump(-40, size="50").intents
    assert (again.side, again.reduces) == (BUY, False)
    assert again.size_lots + left_lots <= 10_405  # 1,000 at 96.1


def test_a_fee_taken_out_of_what_was_bought_does_not_bar_the_next_entry() -> None:
    mean = Mean(SPOT)
    mean.wait_for_full_window()
    entry = mean.jump(-40)
    mean.strategy.on_sent(entry)
    mean.strategy.on_fill(_fill(entry.intents[0], 1000, fee_units=10**9 * 3 // 2, fee_asset="BTC"))
    mean.strategy.on_final(entry.intents[0])
    exit_ = mean.jump(0)
    assert exit_.intents[0].size_lots == 998
    _execute(mean.strategy, exit_)
    assert mean.strategy.positions.size_units(SPOT) == 10**9 // 2
    mean.wait_for_full_window()
    assert mean.jump(-40).intents[0].side is BUY


# Every strategy: one order at a time in a book, and rest after a refusal


def test_while_an_order_works_in_a_book_no_other_is_decided_there() -> None:
    mean = Mean()
    mean.wait_for_full_window()
    entry = mean.jump(40)
    mean.strategy.on_sent(entry)
    assert mean.move(90) is None
    mean.strategy.on_final(entry.intents[0])
    assert mean.move(400) is not None


def test_the_end_of_an_order_that_was_not_the_strategys_own_frees_no_book() -> None:
    """Orders that put legs right carry the strategy's name; a late fill announces an order's end again."""
    mean = Mean()
    mean.wait_for_full_window()
    first = mean.jump(40)
    _execute(mean.strategy, first, filled_lots=0)
    second = mean.jump(160)
    mean.strategy.on_sent(second)
    mean.strategy.on_final(first.intents[0])
    assert mean.move(640) is None
    mean.strategy.on_final(second.intents[0])
    assert mean.move(2_000) is not None


def test_a_refused_decision_is_not_repeated_for_a_second() -> None:
    mean = Mean()
    mean.wait_for_full_window()
    mean.strategy.on_refused(mean.jump(40), START)
    assert mean.move(160, now=START + SECOND - 1) is None
    assert mean.move(640, now=START + SECOND) is not None


# Cross-exchange arbitrage


class Cross:
    """CrossExchangeArbitrage between the spot book (asks from 100.0) and the perpetual (bids from 101.0), no fees."""

    def __init__(
        self,
        *,
        min_profit_bps: float = 1.0,
        max_position: str = "10000",
        spot: dict[str, Any] | None = None,
        perp: dict[str, Any] | None = None,
        fee_ppm: int = 0,
    ) -> None:
        rules = {"taker_fee_ppm": fee_ppm}
        self.floor = Floor(
            Instruments(
                [
                    instrument(SPOT, "binance", **rules | (spot or {})),
                    instrument(PERP, "binanceusdm", **rules | (perp or {})),
                ]
            )
        )
        self.strategy = CrossExchangeArbitrage(
            self.floor.books, min_profit_bps=min_profit_bps, max_position_money=money_from_text(max_position)
        )

    def show(self, asks: list[tuple[str, str]], bids: list[tuple[str, str]], now: int = START) -> Decision | None:
        """What is asked on spot and bid on the perpetual."""
        self.floor.make_live(SPOT, last=self._next(), bids=[("90.0", "1")], asks=asks, now=now)
        self.floor.make_live(PERP, last=self._next(), bids=bids, asks=[("110.0", "1")], now=now)
        self.floor.books.scan(PERP, now)
        return self.strategy.on_book(PERP, now)

    def decide(self, *shown: Any) -> Decision:
        decision = self.show(*shown)
        assert decision is not None
        return decision

    def _next(self) -> int:
        return max(book.last_update_id for book in self.floor.books) + 10


def test_both_legs_go_out_together_as_immediate_or_cancel_limits_of_the_same_size() -> None:
    decision = Cross().decide([("100.0", "0.5")], [("101.0", "0.3")])
    bought, sold = decision.intents
    assert (bought.book, bought.side, bought.price_ticks, bought.size_lots) == (SPOT, BUY, 1000, 300)
    assert (sold.book, sold.side, sold.price_ticks, sold.size_lots) == (PERP, SELL, 1010, 300)
    assert {bought.time_in_force, sold.time_in_force} == {TimeInForce.IOC}
    assert decision.reason == "net 100.00 bps"
    assert decision.book == PERP


def test_the_other_direction_is_found_as_well() -> None:
    cross = Cross()
    cross.floor.make_live(SPOT, bids=[("105.0", "1")], asks=[("110.0", "1")])
    cross.floor.make_live(PERP, bids=[("90.0", "1")], asks=[("104.0", "1")])
    cross.floor.books.scan(SPOT, START)
    decision = cross.strategy.on_book(SPOT, START)
    assert decision is not None
    assert [(i.book, i.side, i.price_ticks) for i in decision.intents] == [(PERP, BUY, 1040), (SPOT, SELL, 1050)]


def test_legs_go_as_deep_as_each_further_unit_still_pays() -> None:
    asks, bids = [("100.0", "1"), ("100.4", "2"), ("100.9", "5")], [("101.0", "2"), ("100.8", "9")]
    bought, sold = Cross(min_profit_bps=1.0).decide(asks, bids).intents
    assert (bought.price_ticks, bought.size_lots) == (1004, 3000)
    assert (sold.price_ticks, sold.size_lots) == (1008, 3000)
    bought, sold = Cross(min_profit_bps=50.0).decide(asks, bids).intents
    assert (bought.price_ticks, bought.size_lots) == (1004, 2000)
    assert sold.price_ticks == 1010


@pytest.mark.parametrize(("min_profit_bps", "decides"), [(99.9, True), (100.1, False)])
def test_a_cross_below_the_least_profit_is_left(min_profit_bps: float, decides: bool) -> None:
    decision = Cross(min_profit_bps=min_profit_bps).show([("100.0", "1")], [("101.0", "1")])
    assert (decision is not None) is decides


@pytest.mark.parametrize(("fee_ppm", "decides"), [(4_900, True), (5_000, False)])
def test_both_venues_fees_are_paid_before_there_is_a_profit(fee_ppm: int, decides: bool) -> None:
    """100 bps between the prices: fees of 49 bps on each side leave about one, of 50 nothing."""
    decision = Cross(min_profit_bps=0.0, fee_ppm=fee_ppm).show([("100.0", "1")], [("101.0", "1")])
    assert (decision is not None) is decides


def test_sizes_fit_the_steps_of_both_venues() -> None:
    """0.004 and 0.006 have 0.012 in common."""
    cross = Cross(spot={"size_step_lots": 4}, perp={"size_step_lots": 6})
    bought, sold = cross.decide([("100.0", "0.047")], [("101.0", "1")]).intents
    assert (bought.size_lots, sold.size_lots) == (36, 36)
    cross = Cross(spot={"lot_size": "0.0001"}, perp={"lot_size": "0.01"})
    bought, sold = cross.decide([("100.0", "0.0377")], [("101.0", "1")]).intents
    assert (bought.size_lots, sold.size_lots) == (300, 3)


@pytest.mark.parametrize("perp", [{"min_size_lots": 400}, {"min_notional": "31"}, {"size_step_lots": 400}])
def test_neither_leg_goes_when_one_venue_would_refuse_its_size(perp: dict[str, Any]) -> None:
    assert Cross(perp=perp).show([("100.0", "0.3")], [("101.0", "1")]) is None


def test_limits_between_a_venues_price_steps_become_better_prices_not_worse() -> None:
    cross = Cross(spot={"price_step_ticks": 3}, perp={"price_step_ticks": 4})
    bought, sold = cross.decide([("100.0", "1")], [("101.0", "1")]).intents
    assert (bought.price_ticks, sold.price_ticks) == (999, 1012)


def test_no_position_grows_beyond_the_largest_on_either_venue() -> None:
    cross = Cross(max_position="250")
    asks, bids = [("100.0", "9")], [("101.0", "9")]
    first = cross.decide(asks, bids)
    assert first.intents[0].size_lots == 2475  # 250 / 101.0, the dearer side
    _execute(cross.strategy, first, filled_lots=1500)
    second = cross.decide(asks, bids)
    assert second.intents[0].size_lots == 975
    _execute(cross.strategy, second)
    assert cross.show(asks, bids) is None


def test_a_position_of_the_other_direction_makes_room() -> None:
    cross = Cross(max_position="250")
    decision = cross.decide([("100.0", "9")], [("101.0", "9")])
    _execute(cross.strategy, decision)
    cross.floor.make_live(SPOT, last=900, bids=[("105.0", "9")], asks=[("110.0", "1")])
    cross.floor.make_live(PERP, last=900, bids=[("90.0", "1")], asks=[("104.0", "9")])
    cross.floor.books.scan(SPOT, START)
    back = cross.strategy.on_book(SPOT, START)
    assert back is not None
    assert back.intents[0].size_lots == 2475 + 250_000 // 105


def test_nothing_is_decided_while_a_leg_works_or_after_a_refusal_of_either_book() -> None:
    cross = Cross()
    asks, bids = [("100.0", "1")], [("101.0", "1")]
    decision = cross.decide(asks, bids)
    cross.strategy.on_sent(decision)
    assert cross.show(asks, bids) is None
    cross.strategy.on_final(decision.intents[0])
    assert cross.show(asks, bids) is None
    cross.strategy.on_final(decision.intents[1])
    again = cross.decide(asks, bids)
    cross.strategy.on_refused(again, START)
    assert cross.show(asks, bids, START + SECOND - 1) is None
    assert cross.show(asks, bids, START + SECOND) is not None


@given(
    st.lists(st.tuples(st.integers(1000, 1020), st.integers(1, 500)), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(1000, 1020), st.integers(1, 500)), min_size=1, max_size=6),
    st.integers(0, 60),
    st.integers(0, 1_000),
    st.sampled_from(["10", "40", "100000"]),
)
def test_whatever_is_shown_the_legs_are_even_within_depth_and_profitable_at_their_limits(
    asks: list[tuple[int, int]], bids: list[tuple[int, int]], min_bps: int, fee_ppm: int, max_position: str
) -> None:
    cross = Cross(min_profit_bps=float(min_bps), fee_ppm=fee_ppm, max_position=max_position)
    shown_asks, shown_bids = dict(asks), dict(bids)
    decision = cross.show(
        [(f"{ticks / 10:.1f}", f"{lots / 1000:.3f}") for ticks, lots in shown_asks.items()],
        [(f"{ticks / 10:.1f}", f"{lots / 1000:.3f}") for ticks, lots in shown_bids.items()],
    )
    fee = Fraction(fee_ppm, 1_000_000)
    best = max(shown_bids) * (1 - fee) / (min(shown_asks) * (1 + fee)) - 1
    if decision is None:
        too_large = min(shown_asks) > 10 * int(max_position) * 10**3
        assert best * 10_000 < min_bps + Fraction(1, 10**6) or best <= 0 or too_large
        return
    bought, sold = decision.intents
    assert bought.size_lots == sold.size_lots
    assert bought.size_lots <= sum(lots for ticks, lots in shown_asks.items() if ticks <= bought.price_ticks)
    assert sold.size_lots <= sum(lots for ticks, lots in shown_bids.items() if ticks >= sold.price_ticks)
    assert bought.size_lots * max(bought.price_ticks, sold.price_ticks) <= int(max_position) * 10**4
    assert best * 10_000 >= min_bps - Fraction(1, 10**6)


# How a strategy did


def test_performance_is_that_of_its_own_closed_round_trips() -> None:
    mean = Mean()
    strategy = mean.strategy
    assert strategy.performance().trades == 0
    strategy.start()
    buy = OrderIntent(strategy=strategy.name, book=PERP, side=BUY, price_ticks=1000, size_lots=100)
    sell = OrderIntent(strategy=strategy.name, book=PERP, side=SELL, price_ticks=1000, size_lots=100)
    for bought, sold in ((1000, 1010), (1000, 995), (1000, 1020)):
        strategy.on_fill(_fill(buy, 100, bought, fee_units=10**10))
        strategy.on_fill(_fill(sell, 100, sold))
    found = strategy.performance()
    assert (found.trades, found.win_rate, found.active) == (3, 2 / 3, True)
    assert (found.profit, found.loss, found.pnl) == ("0.28", "0.06", "0.22")
    strategy.stop()
    assert not strategy.performance().active


def test_an_open_position_counts_in_the_result_at_the_mid() -> None:
    mean = Mean()
    buy = OrderIntent(strategy="x", book=PERP, side=BUY, price_ticks=990, size_lots=100)
    mean.strategy.on_fill(_fill(buy, 100))
    found = mean.strategy.performance()
    assert (found.trades, found.pnl) == (0, "0.1")
