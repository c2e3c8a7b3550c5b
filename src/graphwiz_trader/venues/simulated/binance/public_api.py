"""What anybody may ask of a market: what is listed, books, trades and candles, over REST and over the WebSocket API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias, TypeVar

import msgspec

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated.binance import errors, public_forms
from graphwiz_trader.venues.simulated.binance.coinm_frames import pair_of
from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.history import Span
from graphwiz_trader.venues.simulated.binance.listed import Listed
from graphwiz_trader.venues.simulated.binance.market_frames import MarketFrames
from graphwiz_trader.venues.simulated.binance.numbers import Numbers
from graphwiz_trader.venues.simulated.binance.parameters import Parameters
from graphwiz_trader.venues.simulated.binance.trade_history import Aggregate, TradeHistory
from graphwiz_trader.venues.simulated.candles import Bar
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.orders import PublicTrade

ExchangeInfo: TypeAlias = Callable[[Iterable[Listing], int], bytes]
SnapshotSource: TypeAlias = Callable[[str], bytes | None]
"""Symbol → the snapshot that a recording has for this moment, or None when the book as it stands is to answer."""
Told = TypeVar("Told", PublicTrade, Aggregate)
_CONTRACT = "PERPETUAL"


class DepthRules(msgspec.Struct, frozen=True):
    """Levels a side of a depth answer, by default and at most, and what an answer weighs up to how many."""

    default: int
    at_most: int
    weights: tuple[tuple[int, int], ...]

    def weight(self, parameters: Parameters) -> int:
        limit = parameters.optional_integer("limit") or self.default
        return next((weight for up_to, weight in self.weights if limit <= up_to), self.weights[-1][1])


class KlineRules(msgspec.Struct, frozen=True):
    """The candles there are, by name, and how many an answer has at most."""

    intervals: Mapping[str, Bar]
    at_most: int


class PublicApi:
    """One venue's public answers, each a JSON body."""

    def __init__(
        self,
        listed: Listed,
        frames: Mapping[str, MarketFrames],
        numbers: Mapping[str, Numbers],
        history: TradeHistory,
        exchange_info: ExchangeInfo,
        depth_rules: DepthRules,
        kline_rules: KlineRules,
    ) -> None:
        self._listed = listed
        self._frames = frames
        self._numbers = numbers
        self._history = history
        self._exchange_info = exchange_info
        self._kline_rules = kline_rules
        self.depth_rules = depth_rules
        self.snapshot_source: SnapshotSource | None = None
        """A market that brings its own snapshots sets this."""

    def ping(self, _parameters: Parameters, _now_ms: int) -> bytes:
        return b"{}"

    def time(self, _parameters: Parameters, now_ms: int) -> bytes:
        return b'{"serverTime":%d}' % now_ms

    def exchange_info(self, parameters: Parameters, now_ms: int) -> bytes:
        """All symbols, or the ones named in ``symbol`` or ``symbols`` (a JSON list)."""
        listings = (self._listed.books[symbol].listing for symbol in self._listed.several(parameters))
        return self._exchange_info(listings, now_ms)

    def depth(self, parameters: Parameters, now_ms: int) -> bytes:
        """A snapshot of the book, from the best price outward."""
        symbol = self._listed.one(parameters)
        limit = parameters.optional_integer("limit") or self.depth_rules.default
        recorded = self.snapshot_source(symbol) if self.snapshot_source is not None else None
        if recorded is not None:
            return recorded
        limit = min(max(limit, 1), self.depth_rules.at_most)
        book = self._listed.books[symbol]
        matcher = book.matcher
        bids, asks = matcher.levels(Side.BUY, limit), matcher.levels(Side.SELL, limit)
        if self.snapshot_source is not None and not (bids or asks):
            raise BinanceError(*errors.TRY_AGAIN)  # the recording has not come to its snapshot yet
        return self._frames[symbol].snapshot(book.update_id, bids, asks, now_ms)

    def trades(self, parameters: Parameters, _now_ms: int) -> bytes:
        """The last, or from an id or a time on."""
        symbol, numbers = self._symbol(parameters)
        chosen = _chosen(parameters, self._history.symbols[symbol].trades, lambda one: one.trade_id)
        return msgspec.json.encode([public_forms.trade(one, numbers) for one in chosen])

    def aggregates(self, parameters: Parameters, _now_ms: int) -> bytes:
        """The last, or from an id or a time on."""
        symbol, numbers = self._symbol(parameters)
        chosen = _chosen(parameters, self._history.symbols[symbol].aggregates, lambda one: one.aggregate_id)
        listing = self._listed.books[symbol].listing
        return msgspec.json.encode([public_forms.aggregate(one, listing, numbers) for one in chosen])

    def klines(self, parameters: Parameters, now_ms: int) -> bytes:
        """By the clock of ``timeZone``; the last, or from ``startTime`` on."""
        return self._klines(self._listed.one(parameters), parameters, now_ms)

    def continuous_klines(self, parameters: Parameters, now_ms: int) -> bytes:
        """Futures', of the ``pair``'s contracts of a kind, of which there are perpetual ones."""
        if parameters.text("contractType") != _CONTRACT:
            raise BinanceError(*errors.BAD_CONTRACT_TYPE)
        pair = parameters.text("pair")
        of_pair = (symbol for symbol in self._listed.books if pair_of(symbol) == pair)
        return self._klines(self._listed.known(next(of_pair, pair)), parameters, now_ms)

    def _klines(self, symbol: str, parameters: Parameters, now_ms: int) -> bytes:
        interval = self._kline_rules.intervals.get(parameters.text("interval"))
        if interval is None:
            raise BinanceError(*errors.BAD_INTERVAL)
        bar = Bar(interval.length_ms, parameters.time_zone_ms())
        candles = self._history.symbols[symbol].candles(bar)
        begins = candles.begins(bar, now_ms)
        span = Span.of(parameters, at_most=self._kline_rules.at_most)
        chosen = span.choose(begins, lambda begin: begin, lambda begin: begin)
        numbers = self._numbers[symbol]
        return msgspec.json.encode([public_forms.kline(one, bar, numbers) for one in candles.made(bar, chosen)])

    def _symbol(self, parameters: Parameters) -> tuple[str, Numbers]:
        symbol = self._listed.one(parameters)
        return symbol, self._numbers[symbol]


def _chosen(parameters: Parameters, of: Iterable[Told], id_of: Callable[[Told], int]) -> Sequence[Told]:
    """What a request wants of what was traded."""
    from_id = parameters.optional_integer("fromId")
    return Span.of(parameters).choose(list(of), id_of, lambda one: one.time_ms, from_id)
