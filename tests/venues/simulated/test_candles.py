"""Candles and windows that any dialect tells: they hold each trade once, and agree with a naive count."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from graphwiz_trader.venues.simulated.candles import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Bar, Candles
from graphwiz_trader.venues.simulated.orders import PublicTrade
from venues.simulated.house import NOW_MS, venue

LISTING = venue().books["BTCUSDT"].listing


def traded(rng: Random, count: int, gap_ms: int) -> list[PublicTrade]:
    trades, clock_ms = [], NOW_MS
    for number in range(1, count + 1):
        clock_ms += rng.randrange(gap_ms)
        price, lots = rng.randrange(6_000_000, 6_100_000), rng.randrange(1, 50)
        trades.append(PublicTrade(LISTING, number, price, lots, rng.random() < 0.5, clock_ms))
    return trades


def candles_of(trades: list[PublicTrade], step_ms: int = MINUTE_MS) -> Candles:
    candles = Candles(step_ms)
    for trade in trades:
        candles.traded(trade)
    return candles


@given(
    seed=st.integers(0, 2**32),
    bar=st.sampled_from([Bar(MINUTE_MS), Bar(HOUR_MS), Bar(DAY_MS), Bar(DAY_MS, 8 * HOUR_MS)]),
    skipped=st.integers(0, 3),
)
def test_a_candle_holds_the_trades_of_its_span_and_is_flat_without_any(seed, bar, skipped):
    trades = traded(Random(seed), 40, 20 * MINUTE_MS)
    candles = candles_of(trades)
    begins = candles.begins(bar, trades[-1].time_ms)[skipped:]
    assert [made.begin_ms for made in candles.made(bar, begins)] == list(begins)
    for made in candles.made(bar, begins):
        within = [t for t in trades if made.begin_ms <= t.time_ms < made.begin_ms + bar.length_ms]
        before = [t for t in trades if t.time_ms < made.begin_ms]
        prices = [t.price_ticks for t in within] or [before[-1].price_ticks]
        assert (made.open, made.high, made.low, made.close) == (prices[0], max(prices), min(prices), prices[-1])
        assert made.lots == sum(t.size_lots for t in within)
        assert made.units == sum(LISTING.notional_units(t.price_ticks, t.size_lots) for t in within)
        assert made.bought_lots == sum(t.size_lots for t in within if not t.buyer_is_maker)
        assert (made.count, made.first_id, made.last_id) == (
            (len(within), within[0].trade_id, within[-1].trade_id) if within else (0, -1, -1)
        )


@given(seed=st.integers(0, 2**32), span_ms=st.sampled_from([HOUR_MS, 4 * HOUR_MS, DAY_MS]))
def test_a_window_holds_what_was_traded_since_its_minute_began_however_often_it_is_asked(seed, span_ms):
    rng = Random(seed)
    trades, candles = traded(rng, 60, HOUR_MS), Candles()
    for number, trade in enumerate(trades, 1):
        candles.traded(trade)
        now_ms = trade.time_ms + rng.randrange(HOUR_MS)
        if number < len(trades):
            now_ms = min(now_ms, trades[number].time_ms)
        first_ms = Bar(MINUTE_MS).begin_ms(now_ms - span_ms)
        within = [t for t in trades[:number] if t.time_ms >= first_ms]
        window = candles.window(span_ms, now_ms)
        assert (window is None) == (not within)
        if window is not None:
            day, before = window.candle, [t for t in trades[:number] if t.time_ms < first_ms]
            assert (day.open, day.close) == (within[0].price_ticks, within[-1].price_ticks)
            assert (day.count, day.lots) == (len(within), sum(t.size_lots for t in within))
            assert window.before_ticks == (before[-1].price_ticks if before else 0)


def test_candles_of_a_second_are_made_of_steps_of_a_second():
    trades = traded(Random(1), 20, 3 * SECOND_MS)
    candles, bar = candles_of(trades, SECOND_MS), Bar(SECOND_MS)
    made = candles.made(bar, candles.begins(bar, trades[-1].time_ms))
    assert sum(one.count for one in made) == 20
    assert [b.begin_ms - a.begin_ms for a, b in pairwise(made)] == [SECOND_MS] * (len(made) - 1)


def test_before_the_first_trade_there_is_nothing():
    candles = Candles()
    assert list(candles.begins(Bar(MINUTE_MS), NOW_MS)) == []
    assert candles.newest(Bar(MINUTE_MS), NOW_MS) is None
    assert candles.window(DAY_MS, NOW_MS) is None
