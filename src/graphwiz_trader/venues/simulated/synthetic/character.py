"""How deep and how busy each book of the synthetic market is: measured figures where there are recordings.

Source: Binance spot and USD-M, BTCUSDT and ETHUSDT, 345 s on 8 August 2024 (docs/synthetic_market.md). SOL and the
pairs with BTC are set in proportion.
"""

from __future__ import annotations

from typing import NamedTuple

from graphwiz_trader.hft.instruments import Instrument


class Character(NamedTuple):
    """One book's. Values are in dollars, rates in events a second."""

    top: float
    """The median of what stands at the best price of a side."""
    depth_a_bps: float
    """What stands further out on a side, per basis point of distance."""
    quotes_per_s: float
    """How often a maker moves a quote."""
    takers_per_s: float
    """How often somebody takes."""
    taken: float
    """The median of what one takes."""
    branching: float
    """How many others a taker brings along, on average: what clusters trades. Below 1."""
    hesitation: float
    """How often the best quote that the price leaves behind waits until somebody acts again."""


_SPOT = {
    ("BTC", "USDT"): Character(100_000, 270_000, 120, 9.4, 215, 0.87, 0.3),
    ("ETH", "USDT"): Character(26_000, 190_000, 110, 5.6, 110, 0.70, 0.1),
    ("SOL", "USDT"): Character(15_000, 60_000, 50, 3.0, 100, 0.74, 0.1),
    ("ETH", "BTC"): Character(100_000, 40_000, 15, 0.8, 100, 0.7, 0.1),
    ("SOL", "BTC"): Character(30_000, 15_000, 10, 0.4, 100, 0.7, 0.1),
}
_PERPETUAL = {
    "BTC": Character(180_000, 1_500_000, 300, 15.8, 1_850, 0.91, 0.1),
    "ETH": Character(42_000, 480_000, 240, 10.2, 560, 0.80, 0.1),
    "SOL": Character(25_000, 150_000, 90, 5.0, 300, 0.74, 0.1),
}
_OTHER = Character(10_000, 20_000, 20, 1.0, 100, 0.7, 0.1)


def character_of(instrument: Instrument) -> Character:
    """What the book of an instrument is like."""
    if instrument.can_short:
        return _PERPETUAL.get(instrument.base, _OTHER)
    return _SPOT.get((instrument.base, instrument.quote), _OTHER)
