"""``exchangeInfo``: what is listed, with the filters that orders must keep.

The filters are written from the same numbers the venue checks orders with, so that the two cannot differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from graphwiz_trader.hft.instruments import PPM
from graphwiz_trader.venues.simulated.binance.limits import COINM_LIMITS, SPOT_LIMITS, USDM_LIMITS
from graphwiz_trader.venues.simulated.binance.numbers import Numbers, fixed
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.matching import SelfTrade

_PERPETUAL_DELIVERY_MS = 4_133_404_800_000
_CONNECTIONS = {
    "rateLimitType": "CONNECTIONS",
    "interval": "MINUTE",
    "intervalNum": 5,
    "limit": SPOT_LIMITS.connects_per_5_minutes,
}


def spot_exchange_info(listings: Iterable[Listing], now_ms: int) -> bytes:
    """``GET /api/v3/exchangeInfo``."""
    return msgspec.json.encode(
        {
            "timezone": "UTC",
            "serverTime": now_ms,
            "rateLimits": [*SPOT_LIMITS.as_listed(), _CONNECTIONS],
            "exchangeFilters": [],
            "symbols": [_spot_symbol(listing) for listing in listings],
        }
    )


def usdm_exchange_info(listings: Iterable[Listing], now_ms: int) -> bytes:
    """``GET /fapi/v1/exchangeInfo``."""
    listed = list(listings)
    assets = sorted({listing.instrument.quote for listing in listed})
    return msgspec.json.encode(
        {
            "timezone": "UTC",
            "serverTime": now_ms,
            "futuresType": "U_MARGINED",
            "rateLimits": USDM_LIMITS.as_listed(),
            "exchangeFilters": [],
            "assets": [{"asset": asset, "marginAvailable": True, "autoAssetExchange": "0"} for asset in assets],
            "symbols": [_usdm_symbol(listing) for listing in listed],
        }
    )


def coinm_exchange_info(listings: Iterable[Listing], now_ms: int) -> bytes:
    """``GET /dapi/v1/exchangeInfo``: contracts are counted, and how much one is worth stands here alone."""
    return msgspec.json.encode(
        {
            "timezone": "UTC",
            "serverTime": now_ms,
            "rateLimits": COINM_LIMITS.as_listed(),
            "exchangeFilters": [],
            "symbols": [_coinm_symbol(listing) for listing in listings],
        }
    )


def _spot_symbol(listing: Listing) -> dict[str, Any]:
    instrument, numbers = listing.instrument, Numbers(listing)
    return {
        "symbol": listing.symbol,
        "status": "TRADING",
        "baseAsset": instrument.base,
        "baseAssetPrecision": 8,
        "quoteAsset": instrument.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            _price_filter(listing, numbers),
            _lot_filter("LOT_SIZE", listing, numbers),
            _lot_filter("MARKET_LOT_SIZE", listing, numbers),
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": _times(listing.price_up_ppm),
                "bidMultiplierDown": _times(listing.price_down_ppm),
                "askMultiplierUp": _times(listing.price_up_ppm),
                "askMultiplierDown": _times(listing.price_down_ppm),
                "avgPriceMins": 0,
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": instrument.min_notional,
                "applyMinToMarket": True,
                "maxNotional": "9000000.00000000",
                "applyMaxToMarket": False,
                "avgPriceMins": 0,
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": listing.max_open_orders},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": [mode.value for mode in SelfTrade],
    }


def _usdm_symbol(listing: Listing) -> dict[str, Any]:
    instrument = listing.instrument
    perpetual = _perpetual(listing)
    return {
        **perpetual,
        "pair": listing.symbol,
        "status": "TRADING",
        "marginAsset": instrument.quote,
        "filters": [*perpetual["filters"], {"filterType": "MIN_NOTIONAL", "notional": instrument.min_notional}],
    }


def _coinm_symbol(listing: Listing) -> dict[str, Any]:
    instrument = listing.instrument
    return {
        **_perpetual(listing),
        "pair": listing.symbol.removesuffix("_PERP"),
        "contractStatus": "TRADING",
        "contractSize": int(instrument.contract_value or 0),  # frames do not tell it: of an old recording it is unknown
        "marginAsset": instrument.base,
        "equalQtyPrecision": 4,
        "maxMoveOrderLimit": 10_000,
    }


def _perpetual(listing: Listing) -> dict[str, Any]:
    """What USD-M and COIN-M say alike of a perpetual contract."""
    instrument, numbers = listing.instrument, Numbers(listing)
    return {
        "symbol": listing.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": _PERPETUAL_DELIVERY_MS,
        "onboardDate": 0,
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": instrument.base,
        "quoteAsset": instrument.quote,
        "pricePrecision": listing.price_decimals,
        "quantityPrecision": listing.size_decimals,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "filters": [
            _price_filter(listing, numbers),
            _lot_filter("LOT_SIZE", listing, numbers),
            _lot_filter("MARKET_LOT_SIZE", listing, numbers),
            {"filterType": "MAX_NUM_ORDERS", "limit": listing.max_open_orders},
            {
                "filterType": "PERCENT_PRICE",
                "multiplierUp": _times(listing.price_up_ppm),
                "multiplierDown": _times(listing.price_down_ppm),
                "multiplierDecimal": "4",
            },
        ],
        "orderTypes": ["LIMIT", "MARKET"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
    }


def _price_filter(listing: Listing, numbers: Numbers) -> dict[str, Any]:
    return {
        "filterType": "PRICE_FILTER",
        "minPrice": numbers.price(listing.instrument.price_step_ticks),
        "maxPrice": numbers.price(listing.max_price_ticks),
        "tickSize": numbers.price(listing.instrument.price_step_ticks),
    }


def _lot_filter(kind: str, listing: Listing, numbers: Numbers) -> dict[str, Any]:
    return {
        "filterType": kind,
        "minQty": numbers.size(listing.instrument.min_size_lots),
        "maxQty": numbers.size(listing.instrument.max_size_lots),
        "stepSize": numbers.size(listing.instrument.size_step_lots),
    }


def _times(ppm: int) -> str:
    return fixed(ppm * 10_000 // PPM, 4)
