"""A book that changes at random, each change told in a message of its own, however fast they come.

The venue's clock is put forward at each change by what its slowest depth stream collects over: ten thousand messages
take as long as somebody needs to read them, not the quarter of an hour that a venue would take.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.venues.simulated.dialect import ServedVenue
from graphwiz_trader.venues.simulated.venue_book import VenueBook

INTERVAL_MS = 250
"""No depth stream that a client here reads collects over more."""
_BAND_TICKS = 150
"""How far from the middle orders are placed: no more levels than the shortest of the venues' streams shows."""


class Stirring:
    """One book of a venue. ``skip_ms`` puts the venue's clock forward and gives its time."""

    def __init__(
        self, venue: ServedVenue, book: VenueBook, middle_ticks: int, skip_ms: Callable[[int], int], random: Random
    ) -> None:
        self._venue = venue
        self._book = book
        self._middle_ticks = middle_ticks
        self._skip_ms = skip_ms
        self._random = random
        self._resting: list[int] = []

    def change(self, times: int, *, is_cut: bool = False) -> None:
        """``is_cut``: somewhere between them every connection is dropped, and nobody hears of what follows."""
        cut_at = self._random.randrange(times) if is_cut else None
        for number in range(times):
            if number == cut_at:
                self._venue.disconnect_all()
            self._change()

    def _change(self) -> None:
        """An order more, or one less."""
        now_ms = self._skip_ms(INTERVAL_MS)
        random, venue = self._random, self._venue.venue
        if self._resting and random.random() < 0.4:
            venue.cancel_for_market(self._book, self._resting.pop(random.randrange(len(self._resting))))
        else:
            side = random.choice((Side.BUY, Side.SELL))
            ticks = self._middle_ticks - side.sign * random.randint(1, _BAND_TICKS)
            lots = random.randint(1, 10**5)
            order_id = venue.place_for_market(self._book, side, ticks, lots, TimeInForce.GTC, now_ms)
            self._resting.append(order_id)
        self._venue.flush(now_ms)
