"""Venues in the trader's own process, in virtual time: what fills, when it is known, and what is said of the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from graphwiz_trader.hft.events import ExecutionReport, OrderIntent, OrderState, OrderType, Side, TimeInForce
from graphwiz_trader.hft.instruments import money_from_text, units_from_text
from graphwiz_trader.hft.limits import RiskLimits
from graphwiz_trader.hft.orders import Order
from graphwiz_trader.hft.positions import PositionTracker
from graphwiz_trader.hft.risk import HFTRiskManager
from graphwiz_trader.venues.simulated.in_process import InProcessVenues, Latency
from graphwiz_trader.venues.simulated.reports import decode_reports
from graphwiz_trader.venues.simulated.shadow import REASON, ShadowVenues
from hft.floor import MS, PERP, SPOT, START, Floor, trade, usdm_depth

LATENCY = 2 * MS
SAME = Latency(LATENCY, LATENCY, LATENCY)
LINES = {"binance": 2, "binanceusdm": 3}
RICH = {exchange: {"USDT": "1000000", "BTC": "1000"} for exchange in LINES}
BUY, SELL = Side.BUY, Side.SELL


class Venue:
    """InProcessVenues over the perpetual's book: asks 100.1 (1.0) and 100.2 (2.0), bids 99.9 (1.0) and 99.8 (2.0)."""

    def __init__(self, funds: Mapping[str, Mapping[str, str]] = RICH, latency: Latency = SAME) -> None:
        self.floor = Floor()
        levels = {"bids": [("99.9", "1"), ("99.8", "2")], "asks": [("100.1", "1"), ("100.2", "2")]}
        self.floor.make_live(PERP, **levels)
        self.venues = InProcessVenues(self.floor.books, LINES, latency=latency, funds=funds)
        self.delivered: list[tuple[int, int, ExecutionReport]] = []
        self.venues.agenda.deliver = self._keep
        big = money_from_text("1000000000")
        self._risk = HFTRiskManager(
            self.floor.instruments,
            RiskLimits(
                currency="USDT",
                max_position_money=big,
                max_exposure_money=big,
                max_orders_per_second=1_000,
                max_loss_money=big,
            ),
            holdings=PositionTracker(self.floor.instruments),
            marks=self.floor.books,
            recorder=self.floor.journal,
        )
        self._orders = 0

    def order(self, side: Side, price_ticks: int, size_lots: int, **terms: Any) -> Order:
        intent = OrderIntent(
            strategy="s", book=terms.pop("book", PERP), side=side, price_ticks=price_ticks, size_lots=size_lots, **terms
        )
        approved = self._risk.approve((intent,), START)
        assert isinstance(approved, tuple), approved
        self._orders += 1
        return Order(f"c{self._orders}", approved[0], self.floor.instruments[intent.book].exchange, START)

    def place(self, *order: Any, now: int = START, **terms: Any) -> Order:
        placed = self.order(*order, **terms)
        self.venues.place(placed, now)
        return placed

    def run(self, until: int | None = None) -> list[ExecutionReport]:
        """Everything that happens until then, or at all; what was newly delivered."""
        before = len(self.delivered)
        while self.venues.agenda.next_ns is not None and (until is None or self.venues.agenda.next_ns <= until):
            self.venues.agenda.run_next()
        return [report for _, _, report in self.delivered[before:]]

    def fill(self, *order: Any, **terms: Any) -> tuple[OrderState, list[tuple[int, int]]]:
        self.place(*order, **terms)
        (report,) = self.run()
        return report.state, [(trade.price_ticks, trade.size_lots) for trade in report.trades]

    def _keep(self, line: int, frame: bytes, now_ns: int) -> None:
        (report,) = decode_reports(frame)
        self.delivered.append((line, now_ns, report))


def test_an_order_meets_the_book_after_the_latency_and_its_answer_comes_after_another() -> None:
    venue = Venue()
    venue.place(BUY, 1001, 100)
    assert venue.run(START + 2 * LATENCY - 1) == []
    assert len(venue.run(START + 2 * LATENCY)) == 1
    line, now, report = venue.delivered[0]
    assert (line, now, report.client_id, report.time_ms) == (3, START + 2 * LATENCY, "c1", (START + LATENCY) // MS)


def test_the_book_that_counts_is_that_of_the_arrival() -> None:
    venue = Venue()
    venue.place(BUY, 1002, 3_000)
    venue.floor.frames(PERP, usdm_depth(102, 102, 101, asks=[("100.1", "0"), ("100.2", "0.5")]))
    (report,) = venue.run()
    assert [(trade.price_ticks, trade.size_lots) for trade in report.trades] == [(1002, 500)]


@pytest.mark.parametrize(
    ("order", "state", "fills"),
    [
        ((BUY, 1001, 400), OrderState.FILLED, [(1001, 400)]),
        ((BUY, 1002, 1_500), OrderState.FILLED, [(1001, 1_000), (1002, 500)]),
        ((BUY, 1002, 9_000), OrderState.EXPIRED, [(1001, 1_000), (1002, 2_000)]),
        ((BUY, 1000, 400), OrderState.EXPIRED, []),
        ((SELL, 999, 400), OrderState.FILLED, [(999, 400)]),
        ((SELL, 1, 9_000), OrderState.EXPIRED, [(999, 1_000), (998, 2_000)]),
    ],
)
def test_an_immediate_order_takes_what_is_shown_within_its_limit_and_expires(
    order: tuple[Side, int, int], state: OrderState, fills: list[tuple[int, int]]
) -> None:
    assert Venue().fill(*order) == (state, fills)


def test_fill_or_kill_takes_all_or_nothing() -> None:
    terms = {"time_in_force": TimeInForce.FOK}
    assert Venue().fill(BUY, 1002, 3_000, **terms) == (OrderState.FILLED, [(1001, 1_000), (1002, 2_000)])
    venue = Venue()
    assert venue.fill(BUY, 1002, 3_001, **terms) == (OrderState.REJECTED, [])
    assert venue.fill(BUY, 1002, 3_000, **terms)[0] is OrderState.FILLED


def test_post_only_rests_or_is_refused_but_never_takes() -> None:
    terms = {"time_in_force": TimeInForce.POST_ONLY}
    assert Venue().fill(BUY, 1001, 100, **terms) == (OrderState.REJECTED, [])
    assert Venue().fill(BUY, 1000, 100, **terms) == (OrderState.OPEN, [])


def test_a_market_order_ignores_its_price() -> None:
    assert Venue().fill(BUY, 1, 1_500, order_type=OrderType.MARKET)[1] == [(1001, 1_000), (1002, 500)]


def test_what_was_taken_is_not_offered_again_until_the_level_changes() -> None:
    venue = Venue()
    venue.fill(BUY, 1001, 700)
    assert venue.fill(BUY, 1001, 700) == (OrderState.EXPIRED, [(1001, 300)])
    venue.floor.frames(PERP, usdm_depth(102, 102, 101, asks=[("100.1", "0.9")]))
    assert venue.fill(BUY, 1001, 700) == (OrderState.FILLED, [(1001, 700)])


def test_a_resting_order_fills_at_its_own_price_when_the_market_comes_to_it() -> None:
    venue = Venue()
    assert venue.fill(BUY, 1000, 800, time_in_force=TimeInForce.GTC) == (OrderState.OPEN, [])
    venue.venues.observe(START)
    assert venue.run() == []
    venue.floor.frames(PERP, usdm_depth(102, 102, 101, bids=[("99.9", "0")], asks=[("99.9", "0.5")]))
    venue.venues.observe(START)
    (report,) = venue.run()
    assert (report.state, report.filled_lots) == (OrderState.OPEN, 500)
    assert [(t.price_ticks, t.size_lots, t.maker) for t in report.trades] == [(1000, 500, True)]
    venue.floor.frames(PERP, usdm_depth(103, 103, 102, asks=[("99.9", "0.6")]))
    venue.venues.observe(START)
    (report,) = venue.run()
    assert (report.state, report.filled_lots, len(report.trades)) == (OrderState.FILLED, 800, 1)


def test_the_part_of_a_resting_order_that_takes_pays_as_a_taker() -> None:
    venue = Venue()
    venue.place(BUY, 1001, 1_500, time_in_force=TimeInForce.GTC)
    (report,) = venue.run()
    (trade,) = report.trades
    assert (report.state, trade.size_lots, trade.maker) == (OrderState.OPEN, 1_000, False)


def test_fees_are_the_venues_rates_in_quote_exactly() -> None:
    venue = Venue()
    venue.place(BUY, 1001, 400)
    (report,) = venue.run()
    assert report.trades[0].fee_asset == "USDT"
    assert report.trades[0].fee_units == 40_040_000_000  # 40.04 × 1,000 ppm


def test_a_canceled_order_has_ended_and_a_cancel_of_none_says_so_of_itself_alone() -> None:
    venue = Venue()
    resting = venue.place(BUY, 990, 100, time_in_force=TimeInForce.GTC)
    venue.run()
    venue.venues.cancel(resting, START)
    venue.venues.cancel(resting, START)
    ended, missing = venue.run()
    assert (ended.state, ended.about_cancel) == (OrderState.CANCELED, False)
    assert (missing.state, missing.about_cancel) == (OrderState.UNKNOWN, True)
    venue.floor.frames(PERP, usdm_depth(102, 102, 101, bids=[("99.9", "0"), ("99.8", "0")], asks=[("98.0", "9")]))
    venue.venues.observe(START)
    assert venue.run() == []


def test_a_query_tells_what_is_open_and_how_an_order_ended() -> None:
    venue = Venue()
    resting = venue.place(BUY, 1001, 1_500, time_in_force=TimeInForce.GTC)
    taken = venue.place(SELL, 998, 50)
    venue.run()
    venue.venues.query(resting, START)
    venue.venues.query(taken, START)
    open_, ended = venue.run()
    assert (open_.state, open_.filled_lots, len(open_.trades)) == (OrderState.OPEN, 1_000, 1)
    assert (ended.state, ended.filled_lots) == (OrderState.FILLED, 50)


def test_a_query_for_an_order_that_never_came_says_so() -> None:
    venue = Venue()
    venue.venues.query(venue.order(BUY, 990, 100), START)
    (report,) = venue.run()
    assert report.not_found


def test_a_cancel_takes_its_own_time() -> None:
    venue = Venue(latency=Latency(entry_ns=1 * MS, cancel_ns=5 * MS, answer_ns=2 * MS))
    resting = venue.place(BUY, 990, 100, time_in_force=TimeInForce.GTC)
    venue.venues.cancel(resting, START)
    assert [report.state for report in venue.run()] == [OrderState.OPEN, OrderState.CANCELED]
    assert [now - START for _, now, _ in venue.delivered] == [3 * MS, 7 * MS]


def test_a_resting_order_waits_for_its_turn_in_the_queue() -> None:
    venue = Venue()
    venue.place(BUY, 999, 300, time_in_force=TimeInForce.POST_ONLY)  # behind 1,000 lots
    venue.run()
    for trade_id, size in ((1, "0.9"), (2, "0.3")):
        venue.floor.frames(PERP, trade(trade_id, "99.9", size, sold=True))
        venue.venues.observe(START)
    (report,) = venue.run()
    assert [(t.price_ticks, t.size_lots, t.maker) for t in report.trades] == [(999, 200, True)]


def test_an_account_that_has_too_little_gets_nothing_and_one_that_trades_pays() -> None:
    poor = Venue(funds={"binanceusdm": {"USDT": "1"}})
    poor.place(BUY, 1001, 1_000)
    (report,) = poor.run()
    assert (report.state, report.reason) == (OrderState.REJECTED, "insufficient funds")
    venue = Venue(funds={"binanceusdm": {"USDT": "100"}})
    venue.fill(BUY, 1001, 400)
    assert venue.venues.balances("binanceusdm")["USDT"] == units_from_text("99.95996")  # 1,000 ppm of 40.04


def test_without_a_trusted_book_an_order_expires() -> None:
    venue = Venue()
    venue.floor.make_live(SPOT)
    venue.place(BUY, 1001, 100, book=SPOT)
    venue.floor.market_data.on_line(0, up=False, now_ns=START)
    (report,) = venue.run()
    assert (report.state, report.trades) == (OrderState.EXPIRED, ())
    assert venue.delivered[0][0] == 2


def test_what_happens_at_the_same_moment_happens_in_the_order_it_was_asked_for() -> None:
    venue = Venue()
    orders = [venue.place(BUY, 1001, 400) for _ in range(4)]
    reports = venue.run()
    assert [report.client_id for report in reports] == [order.client_id for order in orders]
    assert [report.filled_lots for report in reports] == [400, 400, 200, 0]


def test_venues_that_are_connected_to_no_engine_say_so() -> None:
    venue = Venue()
    venue.venues = InProcessVenues(venue.floor.books, LINES, latency=SAME, funds=RICH)
    venue.place(BUY, 1001, 1)
    venue.venues.agenda.run_next()
    with pytest.raises(RuntimeError, match=r"connect it to Engine\.on_order_frame"):
        venue.venues.agenda.run_next()


def test_what_goes_nowhere_ends_at_once_unfilled_and_says_why() -> None:
    venue = Venue()
    shadow = ShadowVenues(LINES)
    shadow.agenda.deliver = venue._keep
    order = venue.order(BUY, 1001, 400)
    shadow.place(order, START)
    assert venue.delivered == [], "an answer never comes inside the call that asks"
    shadow.agenda.run_next()
    ((line, now, report),) = venue.delivered
    assert (line, now, report.client_id, report.state) == (3, START, order.client_id, OrderState.EXPIRED)
    assert (report.filled_lots, report.trades, report.reason) == (0, (), REASON)
