"""The channels that anybody may subscribe to, on ``/public`` and ``/business``: books, trades, candles,
tickers, instruments.

Sources: OKX API v5 docs, "Public channel": what is collected goes out at most once per interval; everything else at
once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from graphwiz_trader.venues.simulated.candles import Candles
from graphwiz_trader.venues.simulated.faults import Faults
from graphwiz_trader.venues.simulated.matching import LevelChange
from graphwiz_trader.venues.simulated.okx import market_frames
from graphwiz_trader.venues.simulated.okx.books import BookChannel, Channel, TopChannel
from graphwiz_trader.venues.simulated.okx.candles import BARS, CandleChannel
from graphwiz_trader.venues.simulated.okx.products import TYPES, Product, Products
from graphwiz_trader.venues.simulated.okx.tickers import TickerChannel
from graphwiz_trader.venues.simulated.orders import PublicTrade
from graphwiz_trader.venues.simulated.venue_book import VenueBook

PUBLIC, BUSINESS, PRIVATE = "public", "business", "private"
CHAINED: Mapping[str, tuple[int, int]] = {
    "books": (400, 100),
    "books50-l2-tbt": (50, 10),
    "books-l2-tbt": (400, 10),
}
"""Channel → levels a side, interval in ms."""
TOPS: Mapping[str, tuple[int, int]] = {"books5": (5, 100), "bbo-tbt": (1, 10)}
FOR_VIPS = frozenset({"books50-l2-tbt", "books-l2-tbt"})
TRADES, EVERY_TRADE, TICKERS, INSTRUMENTS, STATUS = "trades", "trades-all", "tickers", "instruments", "status"
REMEMBERED_TRADES = 500
_BY_INSTRUMENT = {
    **dict.fromkeys((*CHAINED, *TOPS, TRADES, TICKERS), PUBLIC),
    **dict.fromkeys((EVERY_TRADE, *(f"candle{bar}" for bar in BARS)), BUSINESS),
}
"""Channels of one instrument, by where they are."""

Key = tuple[str, str]
"""Channel, and instrument or kind of instrument ("" for a channel of neither)."""


class Subscriber(Protocol):
    """A connection as a channel sees it."""

    @property
    def backlog_bytes(self) -> int: ...
    def send(self, payload: bytes, channel: str = "") -> None: ...
    def when_read(self, token: bytes, callback: Callable[[], None]) -> None: ...


class PublicChannels:
    """Who has subscribed to what, and what each of them is told. Listens to a venue."""

    def __init__(self, products: Products, faults: Faults) -> None:
        self._products = products
        self._faults = faults
        self._subscribers: dict[Key, dict[Subscriber, None]] = {}
        self._trades: list[PublicTrade] = []
        self._trade_seq_id = 0
        self.is_played = False
        """What is told comes from a recording: nothing by itself, and until the end to whoever has once subscribed."""
        self.candles = {product.inst_id: Candles() for product in products}
        self.tickers = {product.inst_id: TickerChannel(product, self.candles[product.inst_id]) for product in products}
        self.recent: dict[str, deque[PublicTrade]] = {
            product.inst_id: deque(maxlen=REMEMBERED_TRADES) for product in products
        }
        self.books: dict[Key, BookChannel] = {}
        self._collecting: dict[Key, Channel] = {}
        self._due_ms: dict[Key, int] = {}
        for product in products:
            self._open(product)

    def find(self, route: str, arg: Mapping[str, str]) -> Key | None:
        """The channel that a subscription's argument names; None when there is none on this route."""
        channel = arg["channel"]
        if _BY_INSTRUMENT.get(channel) == route:
            product = self._products.find(arg.get("instId", ""))
            return (channel, product.inst_id) if product is not None else None
        if route == PUBLIC and channel == INSTRUMENTS:
            inst_type = arg.get("instType", "")
            return (channel, inst_type) if inst_type in TYPES else None
        return (channel, "") if route == PUBLIC and channel == STATUS else None

    def join(self, key: Key, subscriber: Subscriber, now_ms: int) -> None:
        """Subscribe, and send what comes first."""
        collecting = self._collecting.get(key) if not self.is_played else None
        if collecting is not None:
            self._publish_collected(key, collecting, now_ms)
            subscriber.send(collecting.first(now_ms), _name(key))
        elif key[0] == INSTRUMENTS:
            subscriber.send(self._instruments(key[1]), INSTRUMENTS)
        self._subscribers.setdefault(key, {})[subscriber] = None

    def leave(self, key: Key, subscriber: Subscriber) -> None:
        """Does nothing when it was not subscribed."""
        subscribers = self._subscribers.get(key)
        if subscribers is not None:
            subscribers.pop(subscriber, None)
            if not subscribers:
                del self._subscribers[key]

    def subscribers(self, key: Key) -> list[Subscriber]:
        return list(self._subscribers.get(key, ()))

    def everyone(self) -> list[Subscriber]:
        """Every connection with at least one public channel, once."""
        return list({subscriber: None for every in self._subscribers.values() for subscriber in every})

    def traded(self, trade: PublicTrade) -> None:
        self.candles[trade.listing.symbol].traded(trade)
        self.recent[trade.listing.symbol].append(trade)
        inst_id = trade.listing.symbol
        if self._subscribers.get((EVERY_TRADE, inst_id)):
            self._publish((EVERY_TRADE, inst_id), market_frames.every_trade(self._products[inst_id], trade))
        if self._trades and not _is_of_one_taker(self._trades[-1], trade):
            self._tell_trades()
        self._trades.append(trade)

    def book_changed(self, book: VenueBook, changes: Sequence[LevelChange], now_ms: int) -> None:  # noqa: ARG002
        """All trades of what happened have been told by now; the books are looked at when they are due."""
        self._tell_trades()

    def flush(self, now_ms: int) -> None:
        """Publish what has collected and is due."""
        if self.is_played:
            return
        self._tell_trades()
        for key in list(self._subscribers):
            collecting = self._collecting.get(key)
            if collecting is not None and now_ms >= self._due_ms[key]:
                self._publish_collected(key, collecting, now_ms)

    def _open(self, product: Product) -> None:
        inst_id = product.inst_id
        for channel, (depth, interval_ms) in CHAINED.items():
            self.books[channel, inst_id] = BookChannel(product, channel, depth, interval_ms)
        for channel, (depth, interval_ms) in TOPS.items():
            self._collecting[channel, inst_id] = TopChannel(product, channel, depth, interval_ms)
        for bar in BARS:
            self._collecting[f"candle{bar}", inst_id] = CandleChannel(product, self.candles[inst_id], bar)
        self._collecting[TICKERS, inst_id] = self.tickers[inst_id]
        self._collecting.update(self.books)
        self._due_ms = dict.fromkeys(self._collecting, 0)

    def _publish_collected(self, key: Key, collecting: Channel, now_ms: int) -> None:
        self._due_ms[key] = now_ms - now_ms % collecting.interval_ms + collecting.interval_ms
        frame = collecting.collected(now_ms)
        if frame is None or (key in self.books and self._faults.drops_depth(key[1])):
            return
        self._publish(key, frame)

    def _publish(self, key: Key, frame: bytes) -> None:
        for subscriber in self.subscribers(key):
            subscriber.send(frame, _name(key))

    def _tell_trades(self) -> None:
        if not self._trades:
            return
        trades, self._trades = self._trades, []
        inst_id = trades[0].listing.symbol
        self._trade_seq_id += 1
        if self._subscribers.get((TRADES, inst_id)):
            self._publish((TRADES, inst_id), market_frames.trades(self._products[inst_id], trades, self._trade_seq_id))

    def _instruments(self, inst_type: str) -> bytes:
        data = [product.rules() for product in self._products.of_type(inst_type)]
        return msgspec.json.encode({"arg": {"channel": INSTRUMENTS, "instType": inst_type}, "data": data})


def _name(key: Key) -> str:
    """What faults call a channel: ``books:BTC-USDT``."""
    return ":".join(key)


def _is_of_one_taker(before: PublicTrade, trade: PublicTrade) -> bool:
    return (before.listing.symbol, before.price_ticks, before.buyer_is_maker, before.time_ms) == (
        trade.listing.symbol,
        trade.price_ticks,
        trade.buyer_is_maker,
        trade.time_ms,
    )
