"""A symbol's public figures, as REST tells them and streams repeat them: days and other spans, averages, mark prices.

Sources: Binance spot API docs, "Market Data endpoints"; USD-M futures docs, "Market Data".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated.binance.numbers import Numbers, amount, fixed
from graphwiz_trader.venues.simulated.binance.trade_history import TradeHistory
from graphwiz_trader.venues.simulated.candles import DAY_MS, HOUR_MS, MINUTE_MS, Bar, Candle
from graphwiz_trader.venues.simulated.venue_book import VenueBook

AVERAGED_MINUTES = 5
_FUNDING_EVERY_MS = 8 * HOUR_MS
_NOTHING = Candle(0, 0)


class Figures:
    """The figures of every symbol of a market; times in ms since the epoch."""

    def __init__(self, books: Mapping[str, VenueBook], numbers: Mapping[str, Numbers], history: TradeHistory) -> None:
        self._books = books
        self._numbers = numbers
        self._history = history

    def day(self, symbol: str, now_ms: int) -> dict[str, Any]:
        """A line of ``ticker/24hr``. Futures' have neither best prices nor the price before."""
        candles, numbers = self._history.symbols[symbol].minutes, self._numbers[symbol]
        window, last = candles.window(DAY_MS, now_ms), candles.last
        figures = self._of(symbol, window.candle if window is not None else _NOTHING, now_ms - DAY_MS, now_ms)
        figures["lastQty"] = numbers.size(last.size_lots if last is not None else 0)
        if self._books[symbol].listing.is_spot:
            figures["prevClosePrice"] = numbers.price(window.before_ticks if window is not None else 0)
            figures |= self.best(symbol)
        return figures

    def window(self, symbol: str, span_ms: int, now_ms: int) -> dict[str, Any]:
        """A line of ``ticker``: it opens on a minute."""
        window = self._history.symbols[symbol].minutes.window(span_ms, now_ms)
        opened_ms = Bar(MINUTE_MS).begin_ms(now_ms - span_ms)
        return self._of(symbol, window.candle if window is not None else _NOTHING, opened_ms, now_ms)

    def trading_day(self, symbol: str, early_ms: int, now_ms: int) -> dict[str, Any]:
        """A line of ``ticker/tradingDay``. ``early_ms``: how much earlier than by UTC it begins."""
        bar = Bar(DAY_MS, early_ms)
        today = self._history.symbols[symbol].minutes.newest(bar, now_ms) or _NOTHING
        begin_ms = bar.begin_ms(now_ms)
        return self._of(symbol, today, begin_ms, begin_ms + DAY_MS - 1)

    def best(self, symbol: str) -> dict[str, Any]:
        """The best prices, as spot's ``ticker/bookTicker`` tells them."""
        matcher, numbers = self._books[symbol].matcher, self._numbers[symbol]
        (bid, bid_lots), (ask, ask_lots) = ((matcher.levels(side, 1) or [(0, 0)])[0] for side in (Side.BUY, Side.SELL))
        return {
            "symbol": symbol,
            "bidPrice": numbers.price(bid),
            "bidQty": numbers.size(bid_lots),
            "askPrice": numbers.price(ask),
            "askQty": numbers.size(ask_lots),
        }

    def last_price(self, symbol: str) -> dict[str, Any]:
        return {"symbol": symbol, "price": self._numbers[symbol].price(self._books[symbol].last_price_ticks)}

    def last_traded_ms(self, symbol: str) -> int:
        """0 before the first trade."""
        last = self._history.symbols[symbol].minutes.last
        return last.time_ms if last is not None else 0

    def average(self, symbol: str, now_ms: int) -> str:
        """Of the last five minutes; the last price when nothing traded in them."""
        window = self._history.symbols[symbol].minutes.window((AVERAGED_MINUTES - 1) * MINUTE_MS, now_ms)
        numbers = self._numbers[symbol]
        if window is None:
            return numbers.price(self._books[symbol].last_price_ticks)
        return self._average(symbol, window.candle)

    def premium(self, symbol: str, now_ms: int) -> dict[str, Any]:
        """A line of the futures' ``premiumIndex``: there is no index but the mark, and no funding."""
        mark = self._numbers[symbol].price(self._books[symbol].mark_ticks() or 0)
        return {
            "symbol": symbol,
            "markPrice": mark,
            "indexPrice": mark,
            "estimatedSettlePrice": mark,
            "lastFundingRate": "0.00000000",
            "interestRate": "0.00000000",
            "nextFundingTime": (now_ms // _FUNDING_EVERY_MS + 1) * _FUNDING_EVERY_MS,
            "time": now_ms,
        }

    def _of(self, symbol: str, span: Candle, open_ms: int, close_ms: int) -> dict[str, Any]:
        numbers = self._numbers[symbol]
        change = span.close - span.open
        return {
            "symbol": symbol,
            "priceChange": numbers.price(change),
            "priceChangePercent": fixed(change * 100_000 // span.open if span.open else 0, 3),
            "weightedAvgPrice": self._average(symbol, span),
            "openPrice": numbers.price(span.open),
            "highPrice": numbers.price(span.high),
            "lowPrice": numbers.price(span.low),
            "lastPrice": numbers.price(span.close),
            "volume": numbers.size(span.lots),
            "quoteVolume": amount(span.units),
            "openTime": open_ms,
            "closeTime": close_ms,
            "firstId": span.first_id,
            "lastId": span.last_id,
            "count": span.count,
        }

    def _average(self, symbol: str, span: Candle) -> str:
        """What a whole of the base asset cost on average, with the decimals of a price."""
        decimals = self._numbers[symbol].price_decimals
        paid_units, bought_units = self._books[symbol].listing.exchanged_units(span.lots, span.units)
        return fixed(paid_units * 10**decimals // bought_units if bought_units else 0, decimals)
