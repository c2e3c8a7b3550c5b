"""What strategies compute on every event: crosses between venues, their depth, and a rolling z-score.

Signals are floats: they decide whether to trade, never what was paid. Counts and sums that live from event to event
are integers, so that nothing drifts.
"""

from __future__ import annotations

import numpy as np
from numba import typeof, types

from graphwiz_trader.hft.kernels.book import LIVE
from graphwiz_trader.hft.kernels.jit import kernel
from graphwiz_trader.hft.kernels.ladder import lots_at, next_key
from graphwiz_trader.hft.kernels.layout import ASK, BID, NO_KEY, Array, Record, new_books

BPS = 10_000.0
_MAX_WALK = 100
"""Levels a side that a walk through depth looks at."""

# Columns of a z-score state row, before its ring of lookback values.
Z_COUNT, Z_NEXT, Z_ANCHOR, Z_SUM, Z_SUM_SQUARES, Z_RING = 0, 1, 2, 3, 4, 5
_ANCHOR_RANGE = 1 << 24
"""Deviations from the anchor stay below this, so that lookback times their squares fits an int64."""


_BOOKS = typeof(new_books(0))  # type: ignore[no-untyped-call]
_INTS, _NETS, _STATES = types.int64[::1], types.float64[:, ::1], types.int64[:, ::1]
SCAN_ARGUMENTS = (_BOOKS, _INTS, types.int64, types.int64, types.int64, types.int64, _NETS)
Z_ARGUMENTS = (_STATES, _BOOKS, types.int64)
"""The Numba types of `scan_crosses`' and `z_score`'s arguments, for `jit.direct`."""


@kernel
def scan_crosses(
    books: Array, peers: Array, row: int, now_ns: int, max_age_ns: int, max_skew_ns: int, net_bps: Array
) -> int:
    """Net profit in bps at the top of book of every trade between ``row`` and its ``peers``, both taker fees paid.

    ``peers``: int64 (n,). ``net_bps``: float64 (n, 2), written; column 0 buys on ``row`` and sells on the peer,
    column 1 the other way; -inf where either book is not to be trusted. Returns how many are above zero.
    """
    found = 0
    for i in range(len(peers)):
        peer = peers[i]
        usable = _pair_is_usable(books[row], books[peer], now_ns, max_age_ns, max_skew_ns)
        for direction in range(2):
            net = -np.inf
            if usable:
                net = _net_bps(books[row], books[peer]) if direction == 0 else _net_bps(books[peer], books[row])
                if net > 0.0:
                    found += 1
            net_bps[i, direction] = net
    return found


@kernel
def walk_cross(books: Array, buy_row: int, sell_row: int, min_bps: float, walked: Array) -> None:
    """How deep a cross goes while each further unit still nets ``min_bps``.

    ``walked``: int64 (4,), written: worst buy price in ticks, worst sell price in ticks, lots shown by the buy side
    down to it, lots shown by the sell side down to it; zeros when not even the top nets that much.
    """
    walked[:] = 0
    buy = books[buy_row]
    sell = books[sell_row]
    ask_key, ask_lots = buy.top_ticks[ASK], buy.top_lots[ASK]
    bid_key, bid_lots = -sell.top_ticks[BID], sell.top_lots[BID]
    ask_left = ask_lots * buy.lot_size
    bid_left = bid_lots * sell.lot_size
    ask_new = bid_new = True
    for _ in range(2 * _MAX_WALK):
        cost = ask_key * buy.tick_size * (1.0 + buy.taker_fee)
        if (-bid_key * sell.tick_size * (1.0 - sell.taker_fee) - cost) * BPS < min_bps * cost:
            return
        if ask_new:
            walked[0] = ask_key
            walked[2] += ask_lots
        if bid_new:
            walked[1] = -bid_key
            walked[3] += bid_lots
        taken = min(ask_left, bid_left)
        ask_left -= taken
        bid_left -= taken
        ask_new = ask_left == 0.0
        bid_new = bid_left == 0.0
        if ask_new:
            ask_key = next_key(buy, ASK, ask_key)
            if ask_key == NO_KEY:
                return
            ask_lots = lots_at(buy, ASK, ask_key)
            ask_left = ask_lots * buy.lot_size
        if bid_new:
            bid_key = next_key(sell, BID, bid_key)
            if bid_key == NO_KEY:
                return
            bid_lots = lots_at(sell, BID, bid_key)
            bid_left = bid_lots * sell.lot_size


@kernel
def z_score(states: Array, books: Array, row: int) -> float:
    """Enter the book's mid into its rolling window; the mid's distance from the window's mean, in deviations.

    ``states``: int64 (books, Z_RING + lookback). NaN until the window is full and while the book has no mid, 0 where
    the window has no deviation. Sums are kept up by the value that comes and the one that goes; they are exact.
    """
    state = states[row]
    lookback = len(state) - Z_RING
    bid, ask = books[row].top_ticks[BID], books[row].top_ticks[ASK]
    if bid == 0 or ask == 0:
        return np.nan
    mid2 = bid + ask
    if state[Z_COUNT] == 0 or abs(mid2 - state[Z_ANCHOR]) >= _ANCHOR_RANGE:
        # The first value, or a price that left the range the sums can hold: start again around it.
        state[Z_COUNT] = 0
        state[Z_NEXT] = 0
        state[Z_ANCHOR] = mid2
        state[Z_SUM] = 0
        state[Z_SUM_SQUARES] = 0
    deviation = mid2 - state[Z_ANCHOR]
    place = Z_RING + state[Z_NEXT]
    if state[Z_COUNT] == lookback:
        old = state[place]
        state[Z_SUM] -= old
        state[Z_SUM_SQUARES] -= old * old
    else:
        state[Z_COUNT] += 1
    state[place] = deviation
    state[Z_SUM] += deviation
    state[Z_SUM_SQUARES] += deviation * deviation
    state[Z_NEXT] = (state[Z_NEXT] + 1) % lookback
    if state[Z_COUNT] < lookback:
        return np.nan
    mean = state[Z_SUM] / lookback
    variance = state[Z_SUM_SQUARES] / lookback - mean * mean
    if variance <= 0.0:
        return 0.0
    return (deviation - mean) / np.sqrt(variance)


@kernel
def _pair_is_usable(a: Record, b: Record, now_ns: int, max_age_ns: int, max_skew_ns: int) -> bool:
    """Both books trusted, two-sided, young enough and seen close enough to each other."""
    if a.trust != LIVE or b.trust != LIVE:
        return False
    if a.top_ticks[BID] == 0 or a.top_ticks[ASK] == 0 or b.top_ticks[BID] == 0 or b.top_ticks[ASK] == 0:
        return False
    if now_ns - a.received_ns > max_age_ns or now_ns - b.received_ns > max_age_ns:
        return False
    return abs(a.received_ns - b.received_ns) <= max_skew_ns


@kernel
def _net_bps(buy: Record, sell: Record) -> float:
    cost = buy.top_ticks[ASK] * buy.tick_size * (1.0 + buy.taker_fee)
    return (sell.top_ticks[BID] * sell.tick_size * (1.0 - sell.taker_fee) - cost) / cost * BPS
