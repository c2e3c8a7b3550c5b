"""Trades and candles in the wire form of public answers; spot's fields, and those of the futures.

Sources: Binance spot API docs, "Market Data endpoints"; USD-M and COIN-M futures docs, "Market Data".
"""

from __future__ import annotations

from typing import Any

from graphwiz_trader.venues.simulated.binance.numbers import Numbers, amount
from graphwiz_trader.venues.simulated.binance.trade_history import Aggregate
from graphwiz_trader.venues.simulated.candles import Bar, Candle
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.orders import PublicTrade


def trade(one: PublicTrade, numbers: Numbers) -> dict[str, Any]:
    """A line of ``trades``."""
    return {
        "id": one.trade_id,
        "price": numbers.price(one.price_ticks),
        "qty": numbers.size(one.size_lots),
        "baseQty" if one.listing.instrument.inverse else "quoteQty": amount(
            one.listing.traded_units(one.price_ticks, one.size_lots)
        ),
        "time": one.time_ms,
        "isBuyerMaker": one.buyer_is_maker,
        **({"isBestMatch": True} if one.listing.is_spot else {}),
    }


def aggregate(one: Aggregate, listing: Listing, numbers: Numbers) -> dict[str, Any]:
    """A line of ``aggTrades``."""
    return {
        "a": one.aggregate_id,
        "p": numbers.price(one.price_ticks),
        "q": numbers.size(one.size_lots),
        "f": one.first_id,
        "l": one.last_id,
        "T": one.time_ms,
        "m": one.buyer_is_maker,
        **({"M": True} if listing.is_spot else {}),
    }


def kline(candle: Candle, bar: Bar, numbers: Numbers) -> list[Any]:
    """A line of ``klines``."""
    return [
        candle.begin_ms,
        *(numbers.price(price) for price in (candle.open, candle.high, candle.low, candle.close)),
        numbers.size(candle.lots),
        candle.begin_ms + bar.length_ms - 1,
        amount(candle.units),
        candle.count,
        numbers.size(candle.bought_lots),
        amount(candle.bought_units),
        "0",
    ]
