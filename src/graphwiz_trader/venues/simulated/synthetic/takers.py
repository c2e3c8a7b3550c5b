"""Those who take what stands in a book of the synthetic market: mostly little, seldom much, and often in slices.

A real taker's order prints a trade for every small order it meets; makers here stand with one order a level, so it is
the taker's order that comes in parts, all in one instant.
"""

from __future__ import annotations

import math
from random import Random

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.venues.simulated.synthetic.character import Character
from graphwiz_trader.venues.simulated.synthetic.prices import VenueView
from graphwiz_trader.venues.simulated.venue import Venue
from graphwiz_trader.venues.simulated.venue_book import VenueBook

SPREAD_OF_SIZES = 2.4
"""Standard deviation of the logarithm of what one takes."""
EXCITED_SIZES = 0.5
"""While takers come x times as often, they take about x to this power as much."""
SLICING = 0.6
"""One who takes x times the median comes in about x to this power slices."""
SLICES_MAX = 200
SPREAD_OF_SLICES = 3.0
"""As SPREAD_OF_SIZES, of the parts of one order."""
LEAST = 5.0
"""In dollars, as venues ask of an order."""
REACH_BPS = 1.2
"""How far beyond the best price one takes."""
HERD = 0.3
"""How often the next taker does what the one before did, beyond chance."""


class Takers:
    """Of one symbol on one venue."""

    def __init__(self, venue: Venue, book: VenueBook, view: VenueView, character: Character, rng: Random) -> None:
        self._venue = venue
        self._book = book
        self._view = view
        self._character = character
        self._rng = rng
        self._side = Side.BUY

    def act(self, best_bid_ticks: int, excitement: float, now_ms: int) -> None:
        """One takes, near where makers stand: more in times when many do."""
        if self._rng.random() >= HERD:
            self._side = self._rng.choice((Side.BUY, Side.SELL))
        side = self._side
        limit_ticks = max(1, round(best_bid_ticks * (1 + side.sign * REACH_BPS * 1e-4)) + side.sign)
        medians = self._rng.lognormvariate(0.0, SPREAD_OF_SIZES) * excitement**EXCITED_SIZES
        slices = min(SLICES_MAX, max(1, round(medians**SLICING)))
        lot_dollars = self._view.lot_dollars()
        lots = self._character.taken * medians / lot_dollars
        shares = [self._rng.lognormvariate(0.0, SPREAD_OF_SLICES) for _ in range(slices)]
        whole = sum(shares)
        least = max(1, math.ceil(LEAST / lot_dollars))
        for share in shares:
            size_lots = max(least, round(lots * share / whole))
            self._venue.place_for_market(self._book, side, limit_ticks, size_lots, TimeInForce.IOC, now_ms)
