"""Which market moves the books of ``graphwiz exchange serve``, as the command line names it.

``synthetic``        makers and takers around hidden prices, from a seed
``recording:SOURCE`` a recording: a directory that `graphwiz record` has made, or EXCHANGE=FILE, several by commas
``live``             the real venues' public market data
"""

from __future__ import annotations

from graphwiz_trader.cli.wanted_market import CannotServeError, Wanted
from graphwiz_trader.errors import did_you_mean
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.venues.simulated import SyntheticMarket
from graphwiz_trader.venues.simulated.exchange import Market

MARKETS = ("synthetic", "recording:SOURCE", "live")


async def make_market(wanted: Wanted) -> tuple[Market, Instruments | None]:
    """The market, and what it is of; None: what a simulated exchange lists by default.

    Raises CannotServeError, RecordingError or VenueError.
    """
    kind, _, source = wanted.name.partition(":")
    if wanted.name == "synthetic":
        return SyntheticMarket(seed=wanted.seed, rate_per_s=wanted.rate_per_s or None), None
    if wanted.name == "live" or (kind == "recording" and source):
        from graphwiz_trader.cli import market_elsewhere  # noqa: PLC0415 - a synthetic market starts without the core

        return await market_elsewhere.make_market(wanted, source)
    raise CannotServeError(f"no market {wanted.name!r}; {did_you_mean(kind, MARKETS)}")
