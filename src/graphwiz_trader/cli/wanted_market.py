"""What ``graphwiz exchange serve`` was told of the market it is to serve."""

from __future__ import annotations

from typing import NamedTuple

from graphwiz_trader.errors import GraphwizError


class CannotServeError(GraphwizError):
    """The exchange cannot be started as asked."""


class Wanted(NamedTuple):
    """What the command line says of the market."""

    name: str
    venues: tuple[str, ...]
    seed: int
    rate_per_s: float
    """0: the market's own."""
    speed: float
    is_looped: bool
    """Whether a recording begins anew at its end."""
    symbols: tuple[str, ...]
    """Followed where the market is live."""
    endpoints: str
    """JSON, as this command prints addresses; empty: the real venues' own."""
