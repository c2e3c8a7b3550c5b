"""Where Binance's spot, USD-M and COIN-M markets differ on the wire: paths, stream names, number forms, defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from graphwiz_trader.hft.instruments import Instrument
from graphwiz_trader.venues.simulated.binance.channels import (
    Channel,
    Sources,
    coinm_channels,
    spot_channels,
    usdm_channels,
)
from graphwiz_trader.venues.simulated.binance.coinm_frames import CoinmFrames
from graphwiz_trader.venues.simulated.binance.exchange_info import (
    coinm_exchange_info,
    spot_exchange_info,
    usdm_exchange_info,
)
from graphwiz_trader.venues.simulated.binance.figures import Figures
from graphwiz_trader.venues.simulated.binance.intervals import SPOT_INTERVALS, USDM_INTERVALS
from graphwiz_trader.venues.simulated.binance.limits import COINM_LIMITS, SPOT_LIMITS, USDM_LIMITS, Limits
from graphwiz_trader.venues.simulated.binance.market_frames import MarketFrames, SpotFrames, UsdmFrames
from graphwiz_trader.venues.simulated.binance.numbers import Numbers
from graphwiz_trader.venues.simulated.binance.public_api import DepthRules, ExchangeInfo, KlineRules
from graphwiz_trader.venues.simulated.connection import LineRules
from graphwiz_trader.venues.simulated.listing import Listing

_DAY_S = 86_400.0


class Flavour(msgspec.Struct, frozen=True, kw_only=True):
    """One of Binance's markets."""

    exchange: str
    is_routed: bool
    """Streams are split by path: ``/public``, ``/market``, ``/private``."""
    orders_path: str
    """Empty for a market that takes no orders here."""
    depth_rules: DepthRules
    limits: Limits
    kline_rules: KlineRules
    depth_intervals_ms: Mapping[str, int]
    channels: Callable[[Sources, Figures], list[Channel]]
    line_rules: LineRules
    frames: Callable[[str, Numbers], MarketFrames]
    exchange_info: ExchangeInfo
    list_instrument: Callable[[Instrument], Listing]


SPOT = Flavour(
    exchange="binance",
    is_routed=False,
    orders_path="/ws-api/v3",
    depth_rules=DepthRules(100, 5_000, ((100, 5), (500, 25), (1_000, 50), (5_000, 250))),
    limits=SPOT_LIMITS,
    kline_rules=KlineRules(SPOT_INTERVALS, 1_000),
    depth_intervals_ms={"@depth": 1000, "@depth@100ms": 100},
    channels=spot_channels,
    line_rules=LineRules(ping_every_s=20.0, pong_within_s=60.0, lifetime_s=_DAY_S),
    frames=SpotFrames,
    exchange_info=spot_exchange_info,
    list_instrument=lambda instrument: Listing.of(instrument, price_decimals=8, size_decimals=8),
)

USDM = Flavour(
    exchange="binanceusdm",
    is_routed=True,
    orders_path="/ws-fapi/v1",
    depth_rules=DepthRules(500, 1_000, ((50, 2), (100, 5), (500, 10), (1_000, 20))),
    limits=USDM_LIMITS,
    kline_rules=KlineRules(USDM_INTERVALS, 1_500),
    depth_intervals_ms={"@depth": 250, "@depth@100ms": 100, "@depth@500ms": 500, "@depth@0ms": 0},
    channels=usdm_channels,
    line_rules=LineRules(ping_every_s=180.0, pong_within_s=600.0, lifetime_s=_DAY_S),
    frames=UsdmFrames,
    exchange_info=usdm_exchange_info,
    list_instrument=lambda instrument: Listing.of(instrument, price_decimals=2, linear=True),
)

COINM = Flavour(
    exchange="binancecoinm",
    is_routed=False,
    orders_path="",
    depth_rules=USDM.depth_rules,
    limits=COINM_LIMITS,
    kline_rules=USDM.kline_rules,
    depth_intervals_ms={"@depth": 250, "@depth@100ms": 100, "@depth@500ms": 500},
    channels=coinm_channels,
    line_rules=USDM.line_rules,
    frames=CoinmFrames,
    exchange_info=coinm_exchange_info,
    list_instrument=Listing.of,
)

FLAVOURS = {flavour.exchange: flavour for flavour in (SPOT, USDM, COINM)}
