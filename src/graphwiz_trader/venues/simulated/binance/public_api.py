"""What anybody may ask a venue: books, trades, candles, tickers, the same over REST and over the WebSocket API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import msgspec

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated.binance import errors, public_forms
from graphwiz_trader.venues.simulated.binance.desk import Public
from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.history import Span
from graphwiz_trader.venues.simulated.binance.market_frames import MarketFrames
from graphwiz_trader.venues.simulated.binance.numbers import Numbers
from graphwiz_trader.venues.simulated.binance.parameters import Parameters
from graphwiz_trader.venues.simulated.binance.trade_history import MINUTE_MS, TradeHistory
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.venue_book import VenueBook

ExchangeInfo: TypeAlias = Callable[[Iterable[Listing], int], bytes]
SnapshotSource: TypeAlias = Callable[[str], bytes | None]
"""Symbol → the snapshot that a recording has for this moment, or None when the book as it stands is to answer."""
_UNITS_MS = {"m": MINUTE_MS, "h": 60 * MINUTE_MS, "d": 1_440 * MINUTE_MS}
INTERVALS_MS = {
    name: int(name[:-1]) * _UNITS_MS[name[-1]]
    for name in ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d")
}


class DepthRules(msgspec.Struct, frozen=True):
    """Levels a side of a depth answer, by default and at most, and what an answer weighs up to how many."""

    default: int
    at_most: int
    weights: tuple[tuple[int, int], ...]

    def weight(self, parameters: Parameters) -> int:
        limit = parameters.optional_integer("limit") or self.default
        return next((weight for up_to, weight in self.weights if limit <= up_to), self.weights[-1][1])


class PublicApi:
    """One venue's public answers, each a JSON body."""

    def __init__(
        self,
        books: Mapping[str, tuple[VenueBook, MarketFrames]],
        numbers: Mapping[str, Numbers],
        history: TradeHistory,
        exchange_info: ExchangeInfo,
        depth_rules: DepthRules,
    ) -> None:
        self._books = books
        self._numbers = numbers
        self._history = history
        self._exchange_info = exchange_info
        self._depth_rules = depth_rules
        self.snapshot_source: SnapshotSource | None = None
        """A market that brings its own snapshots sets this."""

    def methods(self) -> dict[str, Public]:
        """Name → answer, for the WebSocket API."""
        return {
            "ping": Public(self.ping),
            "time": Public(self.time),
            "exchangeInfo": Public(self.exchange_info, 20),
            "depth": Public(self.depth, self._depth_rules.weight),
            "trades.recent": Public(self.trades, 25),
            "trades.aggregate": Public(self.aggregates, 4),
            "klines": Public(self.klines, 2),
            "avgPrice": Public(self.average_price, 2),
            "ticker.24hr": Public(self.day_tickers, _ticker_weight),
            "ticker.price": Public(self.prices, 2),
            "ticker.book": Public(self.book_tickers, 2),
        }

    def routes(self, prefix: str) -> dict[str, Public]:
        """Route → answer, for REST."""
        paths = {
            "ping": "ping",
            "time": "time",
            "exchangeInfo": "exchangeInfo",
            "depth": "depth",
            "trades": "trades.recent",
            "aggTrades": "trades.aggregate",
            "klines": "klines",
            "uiKlines": "klines",
            "avgPrice": "avgPrice",
            "ticker/24hr": "ticker.24hr",
            "ticker/price": "ticker.price",
            "ticker/bookTicker": "ticker.book",
        }
        methods = self.methods()
        return {f"GET {prefix}{path}": methods[name] for path, name in paths.items()}

    def ping(self, _parameters: Parameters, _now_ms: int) -> bytes:
        return b"{}"

    def time(self, _parameters: Parameters, now_ms: int) -> bytes:
        return b'{"serverTime":%d}' % now_ms

    def exchange_info(self, parameters: Parameters, now_ms: int) -> bytes:
        """All symbols, or the ones named in ``symbol`` or ``symbols`` (a JSON list)."""
        listings = (self._books[symbol][0].listing for symbol in self._symbols(parameters))
        return self._exchange_info(listings, now_ms)

    def depth(self, parameters: Parameters, now_ms: int) -> bytes:
        """A snapshot of the book, from the best price outward."""
        symbol = parameters.text("symbol")
        book, frames = self._book(symbol)
        limit = parameters.optional_integer("limit") or self._depth_rules.default
        recorded = self.snapshot_source(symbol) if self.snapshot_source is not None else None
        if recorded is not None:
            return recorded
        limit = min(max(limit, 1), self._depth_rules.at_most)
        matcher = book.matcher
        bids, asks = matcher.levels(Side.BUY, limit), matcher.levels(Side.SELL, limit)
        if self.snapshot_source is not None and not (bids or asks):
            raise BinanceError(*errors.TRY_AGAIN)  # the recording has not come to its snapshot yet
        return frames.snapshot(book.update_id, bids, asks, now_ms)

    def trades(self, parameters: Parameters, _now_ms: int) -> bytes:
        symbol = self._symbol(parameters)
        limit = Span.of(parameters).limit
        last = list(self._history.symbols[symbol].trades)[-limit:]
        return msgspec.json.encode([public_forms.trade(one, self._numbers[symbol]) for one in last])

    def aggregates(self, parameters: Parameters, _now_ms: int) -> bytes:
        """From an id or a time on, or the last."""
        symbol = self._symbol(parameters)
        chosen = Span.of(parameters).choose(
            list(self._history.symbols[symbol].aggregates),
            lambda one: one.aggregate_id,
            lambda one: one.time_ms,
            parameters.optional_integer("fromId"),
        )
        return msgspec.json.encode([public_forms.aggregate(one, self._numbers[symbol]) for one in chosen])

    def klines(self, parameters: Parameters, _now_ms: int) -> bytes:
        symbol = self._symbol(parameters)
        span_ms = INTERVALS_MS.get(parameters.text("interval"))
        if span_ms is None:
            raise BinanceError(-1120, "Invalid interval.")
        candles = self._history.symbols[symbol].candles(span_ms)
        chosen = Span.of(parameters, at_most=1_500).choose(candles, lambda one: one.open_ms, lambda one: one.open_ms)
        return msgspec.json.encode([public_forms.kline(one, span_ms, self._numbers[symbol]) for one in chosen])

    def average_price(self, parameters: Parameters, now_ms: int) -> bytes:
        """Of the last five minutes; the last price when nothing traded in them."""
        symbol = self._symbol(parameters)
        candles = [c for c in self._history.symbols[symbol].candles(MINUTE_MS) if c.open_ms > now_ms - 5 * MINUTE_MS]
        lots, units = sum(candle.lots for candle in candles), sum(candle.units for candle in candles)
        numbers = self._numbers[symbol]
        price = (
            public_forms.average_price(lots, units, numbers)
            if lots
            else numbers.price(self._books[symbol][0].last_price_ticks)
        )
        return msgspec.json.encode({"mins": 5, "price": price, "closeTime": now_ms})

    def day_tickers(self, parameters: Parameters, now_ms: int) -> bytes:
        def of(symbol: str) -> dict[str, Any]:
            day = self._history.symbols[symbol].last_day(now_ms)
            return public_forms.day_ticker(self._books[symbol][0], day, self._numbers[symbol], now_ms)

        return self._each(parameters, of)

    def prices(self, parameters: Parameters, _now_ms: int) -> bytes:
        return self._each(parameters, lambda s: public_forms.last_price(self._books[s][0], self._numbers[s]))

    def book_tickers(self, parameters: Parameters, _now_ms: int) -> bytes:
        return self._each(parameters, lambda s: public_forms.book_ticker(self._books[s][0], self._numbers[s]))

    def premium_index(self, parameters: Parameters, now_ms: int) -> bytes:
        """USD-M alone has it."""
        return self._each(parameters, lambda s: public_forms.premium_index(self._books[s][0], self._numbers[s], now_ms))

    def _each(self, parameters: Parameters, form: Callable[[str], dict[str, Any]]) -> bytes:
        """One object for ``symbol``, else a list."""
        symbols = self._symbols(parameters)
        is_one = parameters.optional("symbol") is not None
        return msgspec.json.encode(form(symbols[0]) if is_one else [form(symbol) for symbol in symbols])

    def _book(self, symbol: str) -> tuple[VenueBook, MarketFrames]:
        found = self._books.get(symbol)
        if found is None:
            raise BinanceError(*errors.BAD_SYMBOL)
        return found

    def _symbol(self, parameters: Parameters) -> str:
        symbol = parameters.text("symbol")
        self._book(symbol)
        return symbol

    def _symbols(self, parameters: Parameters) -> list[str]:
        one, several = parameters.optional("symbol"), parameters.json("symbols", list[str])
        wanted = [one] if one is not None else several
        if wanted is None:
            return list(self._books)
        for symbol in wanted:
            self._book(symbol)
        return wanted


def _ticker_weight(parameters: Parameters) -> int:
    return 2 if "symbol" in parameters else 80
