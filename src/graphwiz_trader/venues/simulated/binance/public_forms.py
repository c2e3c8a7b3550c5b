"""Public answers in Binance's wire form: trades, candles, tickers; spot's fields and USD-M's.

Sources: Binance spot API docs, "Market Data endpoints"; USD-M futures docs, "Market Data".
"""

from __future__ import annotations

from typing import Any

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated.binance.numbers import Numbers, amount, fixed
from graphwiz_trader.venues.simulated.binance.trade_history import DAY_MS, Aggregate, Candle
from graphwiz_trader.venues.simulated.orders import PublicTrade
from graphwiz_trader.venues.simulated.venue_book import VenueBook


def trade(one: PublicTrade, numbers: Numbers) -> dict[str, Any]:
    """A line of ``trades``."""
    return {
        "id": one.trade_id,
        "price": numbers.price(one.price_ticks),
        "qty": numbers.size(one.size_lots),
        "quoteQty": amount(one.listing.notional_units(one.price_ticks, one.size_lots)),
        "time": one.time_ms,
        "isBuyerMaker": one.buyer_is_maker,
        "isBestMatch": True,
    }


def aggregate(one: Aggregate, numbers: Numbers) -> dict[str, Any]:
    """A line of ``aggTrades``."""
    return {
        "a": one.aggregate_id,
        "p": numbers.price(one.price_ticks),
        "q": numbers.size(one.size_lots),
        "f": one.first_id,
        "l": one.last_id,
        "T": one.time_ms,
        "m": one.buyer_is_maker,
        "M": True,
    }


def kline(candle: Candle, span_ms: int, numbers: Numbers) -> list[Any]:
    """A line of ``klines``."""
    return [
        candle.open_ms,
        *(numbers.price(price) for price in (candle.open, candle.high, candle.low, candle.close)),
        numbers.size(candle.lots),
        candle.open_ms + span_ms - 1,
        amount(candle.units),
        candle.count,
        numbers.size(candle.bought_lots),
        amount(candle.bought_units),
        "0",
    ]


def book_ticker(book: VenueBook, numbers: Numbers) -> dict[str, Any]:
    """A line of ``ticker/bookTicker``."""
    (bid, bid_lots), (ask, ask_lots) = ((book.matcher.levels(side, 1) or [(0, 0)])[0] for side in (Side.BUY, Side.SELL))
    return {
        "symbol": book.listing.symbol,
        "bidPrice": numbers.price(bid),
        "bidQty": numbers.size(bid_lots),
        "askPrice": numbers.price(ask),
        "askQty": numbers.size(ask_lots),
    }


def last_price(book: VenueBook, numbers: Numbers) -> dict[str, Any]:
    """A line of ``ticker/price``."""
    return {"symbol": book.listing.symbol, "price": numbers.price(book.last_price_ticks)}


def day_ticker(book: VenueBook, day: Candle | None, numbers: Numbers, now_ms: int) -> dict[str, Any]:
    """A line of ``ticker/24hr``."""
    opened, high, low, close = (day.open, day.high, day.low, day.close) if day is not None else (0, 0, 0, 0)
    lots, units = (day.lots, day.units) if day is not None else (0, 0)
    first_id, last_id, count = (day.first_id, day.last_id, day.count) if day is not None else (-1, -1, 0)
    percent = (close - opened) * 100_000 // opened if opened else 0
    return {
        **book_ticker(book, numbers),
        "priceChange": numbers.price(close - opened),
        "priceChangePercent": fixed(percent, 3),
        "weightedAvgPrice": average_price(lots, units, numbers),
        "prevClosePrice": numbers.price(opened),
        "lastPrice": numbers.price(close),
        "lastQty": numbers.size(0),
        "openPrice": numbers.price(opened),
        "highPrice": numbers.price(high),
        "lowPrice": numbers.price(low),
        "volume": numbers.size(lots),
        "quoteVolume": amount(units),
        "openTime": now_ms - DAY_MS,
        "closeTime": now_ms,
        "firstId": first_id,
        "lastId": last_id,
        "count": count,
    }


def average_price(lots: int, units: int, numbers: Numbers) -> str:
    """What a lot cost on average, with eight decimals."""
    return fixed(units * 10**8 // (lots * numbers.lot_units), 8) if lots else "0.00000000"


def premium_index(book: VenueBook, numbers: Numbers, now_ms: int) -> dict[str, Any]:
    """A line of USD-M's ``premiumIndex``: there is no index but the mark, and no funding."""
    mark = numbers.price(book.mark_ticks() or 0)
    return {
        "symbol": book.listing.symbol,
        "markPrice": mark,
        "indexPrice": mark,
        "estimatedSettlePrice": mark,
        "lastFundingRate": "0.00000000",
        "interestRate": "0.00000000",
        "nextFundingTime": (now_ms // (DAY_MS // 3) + 1) * (DAY_MS // 3),
        "time": now_ms,
    }
