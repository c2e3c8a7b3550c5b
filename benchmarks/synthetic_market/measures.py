"""What is measured of a market, recorded or synthetic: spread, depth, the rhythm of events, volatility, lag.

Everything is read off `Tape`s: a symbol's book as the trader's own decoder keeps it, looked at after every frame.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from benchmarks.synthetic_market.recorded import Figures
from graphwiz_trader.backtest.recordings import RecordedFrame
from graphwiz_trader.hft.events import Side
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.hft.market_data import MarketData, binance_decoder
from graphwiz_trader.hft.orderbook import OrderBook, OrderBookManager

DEPTH_BPS = (1.0, 2.0, 5.0, 10.0, 20.0)
"""Distances from the mid within which liquidity is summed."""
GRID_MS = 20
LAGS_MS = tuple(range(-400, 401, GRID_MS))
_LOOK_EVERY_MS = 500

Floats = npt.NDArray[np.float64]


class Tape(NamedTuple):
    """One symbol on one venue. Times in ms."""

    top_ms: Floats
    """When price or size at the best bid or ask changed."""
    mids: Floats
    spreads_bps: Floats
    top_usd: Floats
    """What stands at the best prices, both sides' mean."""
    trade_ms: Floats
    trade_usd: Floats
    depth_usd: Floats
    """Mean value within each of DEPTH_BPS of the mid, both sides' mean."""


def tape(frames: Iterable[RecordedFrame], instruments: Instruments) -> Tape:
    """Follow the only instrument's book through its frames."""
    books = OrderBookManager(instruments)
    market = MarketData(
        books, [binance_decoder(instruments, instruments[0].exchange)], _Nowhere(), request_snapshot=lambda _: None
    )
    book = books[0]
    value = float(instruments[0].tick_size) * float(instruments[0].lot_size)
    tops: list[tuple[float, float, float, float]] = []
    trades: list[tuple[float, float]] = []
    depths: list[list[float]] = []
    last_top, last_trade, looked_ms = None, 0, 0.0
    for frame in frames:
        now_ms = frame.time_ns / 1e6
        if frame.snapshot_of:
            market.on_snapshot(0, frame.payload, frame.time_ns)
        else:
            market.on_frame(0, frame.payload, frame.time_ns)
        bid, ask = book.best_bid, book.best_ask
        if not book.is_trusted or bid is None or ask is None:
            continue
        if (bid, ask) != last_top:
            last_top = bid, ask
            usd = (bid[0] * bid[1] + ask[0] * ask[1]) * value / 2
            tops.append((now_ms, book.mid_price or math.nan, book.spread_bps or 0.0, usd))
        trade = book.last_trade
        if trade.trade_id != last_trade:
            last_trade = trade.trade_id
            trades.append((now_ms, trade.price_ticks * trade.size_lots * value))
        if now_ms - looked_ms >= _LOOK_EVERY_MS:
            looked_ms = now_ms
            depths.append(_depth_usd(book))
    return Tape(*np.array(tops).T, *np.array(trades).T, np.array(depths).mean(axis=0))


def figures(tape: Tape) -> Figures:
    """A market in numbers."""
    seconds = (tape.top_ms[-1] - tape.top_ms[0]) / 1e3
    held_ms = np.diff(tape.top_ms)
    return Figures(
        spread_median_bps=_median(tape.spreads_bps[:-1], held_ms),
        spread_mean_bps=float(np.average(tape.spreads_bps[:-1], weights=held_ms)),
        top_usd=_median(tape.top_usd[:-1], held_ms),
        depth_1_bps_usd=float(tape.depth_usd[DEPTH_BPS.index(1.0)]),
        depth_10_bps_usd=float(tape.depth_usd[DEPTH_BPS.index(10.0)]),
        tops_per_s=len(tape.mids) / seconds,
        moves_per_s=float(np.count_nonzero(np.diff(tape.mids))) / seconds,
        trades_per_s=len(tape.trade_ms) / seconds,
        trade_median_usd=float(np.median(tape.trade_usd)),
        trade_mean_usd=float(np.mean(tape.trade_usd)),
        trade_dispersion=dispersion(tape.trade_ms),
        volatility_bps=volatility_bps(tape),
    )


def volatility_bps(tape: Tape, step_ms: int = 1_000) -> float:
    """Standard deviation of the mid's returns over ``step_ms``, per square root of a second."""
    returns = np.diff(np.log(_on_grid(tape, step_ms))) * 1e4
    return float(returns.std() / math.sqrt(step_ms / 1_000))


def dispersion(times_ms: Floats, window_ms: int = 1_000) -> float:
    """Variance by mean of the counts in windows: 1 is Poisson, more is clustered."""
    counts = np.histogram(times_ms, np.arange(times_ms[0], times_ms[-1], window_ms))[0]
    return float(counts.var() / counts.mean())


def pauses_ms(times_ms: Floats) -> Floats:
    """Between one event and the next; what came in one instant counts as one event."""
    pauses = np.diff(times_ms)
    return pauses[pauses > 0]


def correlation(first: Tape, second: Tape, step_ms: int = 1_000) -> float:
    """Of the two mids' returns."""
    one, two = _together(first, second, step_ms)
    return float(np.corrcoef(np.diff(np.log(one)), np.diff(np.log(two)))[0, 1])


def lag_profile(leader: Tape, follower: Tape) -> Floats:
    """Correlation of returns at each of LAGS_MS: positive lags say that the follower came so much later."""
    one, two = (np.diff(np.log(mids)) for mids in _together(leader, follower, GRID_MS))
    return np.array([_shifted(one, two, lag // GRID_MS) for lag in LAGS_MS])


def lag_ms(first: Tape, second: Tape) -> float:
    """How far apart in time the two move, whoever leads: the mean distance of their correlation from no lag."""
    profile = np.maximum(lag_profile(first, second), 0.0)
    near = np.abs(LAGS_MS) <= _LAG_NEAR_MS
    return float(np.average(np.abs(LAGS_MS)[near], weights=profile[near]))


_LAG_NEAR_MS = 200
"""What correlates further apart is chance."""


def _median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values)
    below = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(below, below[-1] / 2)])


def _shifted(one: Floats, two: Floats, by: int) -> float:
    if by >= 0:
        one, two = one[: len(one) - by], two[by:]
    else:
        one, two = one[-by:], two[:by]
    return float(np.corrcoef(one, two)[0, 1])


def _together(first: Tape, second: Tape, step_ms: int) -> Sequence[Floats]:
    grid = np.arange(max(first.top_ms[0], second.top_ms[0]), min(first.top_ms[-1], second.top_ms[-1]), step_ms)
    return [t.mids[np.searchsorted(t.top_ms, grid, side="right") - 1] for t in (first, second)]


def _on_grid(tape: Tape, step_ms: int) -> Floats:
    grid = np.arange(tape.top_ms[0], tape.top_ms[-1], step_ms)
    return tape.mids[np.searchsorted(tape.top_ms, grid, side="right") - 1]


def _depth_usd(book: OrderBook) -> list[float]:
    instrument = book.instrument
    mid2 = book.mid2_ticks
    value = float(instrument.tick_size) * float(instrument.lot_size)
    sums = [0.0] * len(DEPTH_BPS)
    for side in Side:
        for ticks, lots in book.levels(side, 5_000):
            away_bps = abs(2 * ticks - mid2) / mid2 * 1e4
            if away_bps > DEPTH_BPS[-1]:
                break
            for index, bound in enumerate(DEPTH_BPS):
                if away_bps <= bound:
                    sums[index] += ticks * lots * value / 2
    return sums


class _Nowhere:
    """A recorder that keeps nothing."""

    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        pass
