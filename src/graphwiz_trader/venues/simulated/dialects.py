"""Which venues can be simulated, by exchange id, and how each is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from graphwiz_trader.hft.instruments import Instrument
from graphwiz_trader.venues.simulated.binance.flavours import FLAVOURS, Flavour
from graphwiz_trader.venues.simulated.binance.server import BinanceVenue
from graphwiz_trader.venues.simulated.dialect import Options, ServedVenue
from graphwiz_trader.venues.simulated.okx.server import OkxVenue


def _binance(flavour: Flavour, instruments: Iterable[Instrument], options: Options) -> ServedVenue:
    return BinanceVenue(
        flavour,
        instruments,
        options.matcher,
        clock_ms=options.clock_ms,
        events_first=options.events_first,
        spot_depth_interval_ms=options.spot_depth_interval_ms,
        tls=options.tls,
        is_limited=options.is_limited,
        faults=options.faults,
    )


DIALECTS: Mapping[str, Callable[[Iterable[Instrument], Options], ServedVenue]] = {
    **{exchange: partial(_binance, flavour) for exchange, flavour in FLAVOURS.items()},
    "okx": OkxVenue,
}
