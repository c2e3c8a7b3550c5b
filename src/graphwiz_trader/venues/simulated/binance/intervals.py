"""The lengths of Binance's candles, by their names.

Source: Binance spot API docs, "Kline/Candlestick chart intervals". Longer ones than a day are not kept here.
"""

from __future__ import annotations

from collections.abc import Mapping

from graphwiz_trader.venues.simulated.candles import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Bar

USDM_INTERVALS: Mapping[str, Bar] = {
    **{f"{minutes}m": Bar(minutes * MINUTE_MS) for minutes in (1, 3, 5, 15, 30)},
    **{f"{hours}h": Bar(hours * HOUR_MS) for hours in (1, 2, 4, 6, 8, 12)},
    "1d": Bar(DAY_MS),
}
SPOT_INTERVALS: Mapping[str, Bar] = {"1s": Bar(SECOND_MS), **USDM_INTERVALS}
WINDOWS_MS: Mapping[str, int] = {"1h": HOUR_MS, "4h": 4 * HOUR_MS, "1d": DAY_MS}
"""Of spot's rolling windows that are streams."""
