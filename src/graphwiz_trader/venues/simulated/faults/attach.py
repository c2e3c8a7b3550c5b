"""Puts a venue's faults where they strike: into its front door, its connections, its orders and its time."""

from __future__ import annotations

from graphwiz_trader.venues.simulated.faults.http import HttpFaults, Words
from graphwiz_trader.venues.simulated.faults.timed import TimedFaults
from graphwiz_trader.venues.simulated.faults.venue_faults import Faults
from graphwiz_trader.venues.simulated.http_front import HttpFront
from graphwiz_trader.venues.simulated.venue import Venue


def attach(faults: Faults, venue: Venue, front: HttpFront, words: Words) -> TimedFaults:
    """Returns what has to be ticked, and stopped before the front is."""
    venue.order_faults = faults
    front.intercept = HttpFaults(faults, words)
    return TimedFaults(faults, front)
