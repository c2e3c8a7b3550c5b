"""What recordings of real markets measured: the figures that the synthetic market is set from and tested against.

Source: Binance spot and USD-M, BTCUSDT and ETHUSDT, 345 s on 8 August 2024, the example data of hftbacktest (MIT).
``python -m benchmarks.synthetic_market.compare`` measures them anew; a test holds these to it.
"""

from __future__ import annotations

from typing import NamedTuple


class Figures(NamedTuple):
    """A market in numbers. Medians and means of the book are over time; rates are by the second."""

    spread_median_bps: float
    spread_mean_bps: float
    top_usd: float
    """Median of what stands at the best prices, both sides' mean."""
    depth_1_bps_usd: float
    """Mean of a side's value within so much of the mid."""
    depth_10_bps_usd: float
    tops_per_s: float
    """Changes of price or size at the best bid or ask."""
    moves_per_s: float
    """Changes of the mid."""
    trades_per_s: float
    trade_median_usd: float
    trade_mean_usd: float
    trade_dispersion: float
    """Variance by mean of the number of trades in a second."""
    volatility_bps: float
    """Standard deviation of the mid's returns over a second."""


_MARKETS = (("binance", "BTC"), ("binance", "ETH"), ("binanceusdm", "BTC"), ("binanceusdm", "ETH"))
_MEASURED = {
    "spread_median_bps": (0.00162, 0.0373, 0.0162, 0.0373),
    "spread_mean_bps": (0.0058, 0.0395, 0.0185, 0.0388),
    "top_usd": (139_900, 32_190, 198_300, 49_540),
    "depth_1_bps_usd": (298_400, 91_500, 584_500, 113_000),
    "depth_10_bps_usd": (2_720_000, 1_595_000, 13_330_000, 3_885_000),
    "tops_per_s": (81.1, 69.6, 189.4, 155.8),
    "moves_per_s": (7.73, 6.73, 5.75, 6.88),
    "trades_per_s": (28.2, 17.7, 61.9, 40.9),
    "trade_median_usd": (37, 24, 989, 190),
    "trade_mean_usd": (1_341, 994, 7_031, 1_746),
    "trade_dispersion": (206, 39.2, 389, 80.8),
    "volatility_bps": (1.24, 1.15, 1.30, 1.21),
}
"""A column for each of the markets."""
RECORDED = {
    market: Figures(**{figure: values[column] for figure, values in _MEASURED.items()})
    for column, market in enumerate(_MARKETS)
}
"""By exchange and base asset."""
RECORDED_LAG_MS = {"BTC": 43.5, "ETH": 47.2}
"""How far apart in time spot and the perpetual move."""
RECORDED_CORRELATION = 0.66
"""Of BTC's and ETH's returns on spot over a second."""
ALIKE_WITHIN = Figures(
    spread_median_bps=1.05,
    spread_mean_bps=1.5,
    top_usd=1.5,
    depth_1_bps_usd=2.5,
    depth_10_bps_usd=1.5,
    tops_per_s=1.5,
    moves_per_s=2,
    trades_per_s=2,
    trade_median_usd=2.5,
    trade_mean_usd=2,
    trade_dispersion=1.5,
    volatility_bps=1.35,
)
"""By what factor at most the synthetic market differs, either way."""
