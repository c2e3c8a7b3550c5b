"""The streams of a market that tell their news once an interval and whole: tops of books, candles, tickers, marks.

All markets share most. Spot alone has rolling windows, averages, and candles by the clock of UTC+8; futures alone have
mark prices, and all symbols' best prices and days in one stream. (Spot's ``!ticker@arr`` was retired in 2026-03.)
Sources: Binance spot API docs, "WebSocket Streams"; USD-M futures docs, "WebSocket Market Streams" (2026-06); COIN-M
futures docs, the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple, Protocol

import msgspec

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated.binance import stream_forms
from graphwiz_trader.venues.simulated.binance.coinm_frames import pair_of
from graphwiz_trader.venues.simulated.binance.depth_streams import TopChannel
from graphwiz_trader.venues.simulated.binance.figures import Figures
from graphwiz_trader.venues.simulated.binance.intervals import SPOT_INTERVALS, USDM_INTERVALS, WINDOWS_MS
from graphwiz_trader.venues.simulated.binance.market_frames import MarketFrames
from graphwiz_trader.venues.simulated.binance.numbers import Numbers
from graphwiz_trader.venues.simulated.binance.summary_streams import Form, KlineMaker, Maker, SummaryChannel
from graphwiz_trader.venues.simulated.binance.trade_history import SymbolHistory
from graphwiz_trader.venues.simulated.candles import HOUR_MS, SECOND_MS, Bar
from graphwiz_trader.venues.simulated.venue_book import VenueBook

_LEVELS = (5, 10, 20)
_USDM = 1
"""The kind of symbol, told since 2026-06."""
_BEST_EVERY_MS = 5 * SECOND_MS
_EAST_MS = 8 * HOUR_MS
_FUTURES_TOPS_MS = {"": 250, "@100ms": 100, "@500ms": 500}
_MINI_TICKERS_MS = {"": SECOND_MS, "@1000ms": SECOND_MS, "@3000ms": 3 * SECOND_MS}
"""The docs name the first alone; clients use the others."""
_MARKS = {"": 3 * SECOND_MS, "@1s": SECOND_MS}


class Channel(Protocol):
    """A stream that collects before it speaks."""

    @property
    def stream(self) -> str: ...
    def joined(self, *, is_first: bool) -> None:
        """Somebody subscribed; ``is_first``: nobody else had."""
        ...

    def collected(self, now_ms: int) -> list[bytes]:
        """What there is to tell and due."""
        ...


class Source(NamedTuple):
    """What the streams of one symbol are made from."""

    book: VenueBook
    frames: MarketFrames
    numbers: Numbers
    history: SymbolHistory


Sources = Mapping[str, Source]


def spot_channels(sources: Sources, figures: Figures) -> list[Channel]:
    """Every symbol's, and those of all symbols."""
    channels: list[Channel] = []
    for symbol, source in sources.items():
        name = symbol.lower()
        channels += _tops(source, {"": 1_000, "@100ms": 100})
        for interval, bar in SPOT_INTERVALS.items():
            every_ms = SECOND_MS if bar.length_ms == SECOND_MS else 2_000
            east = Bar(bar.length_ms, _EAST_MS)
            channels += [
                SummaryChannel(f"{name}@kline_{interval}", every_ms, [_klines(source, interval, bar)]),
                SummaryChannel(f"{name}@kline_{interval}@+08:00", every_ms, [_klines(source, interval, east)]),
            ]
        channels += [
            SummaryChannel(f"{name}@ticker", SECOND_MS, [partial(_ticker, figures, symbol)]),
            SummaryChannel(f"{name}@miniTicker", SECOND_MS, [partial(_mini_ticker, figures, symbol)]),
            SummaryChannel(f"{name}@avgPrice", SECOND_MS, [partial(_average, figures, symbol)]),
        ]
        channels += [
            SummaryChannel(f"{name}@ticker_{window}", SECOND_MS, [partial(_window, figures, symbol, window)])
            for window in WINDOWS_MS
        ]
    minis = [partial(_mini_ticker, figures, symbol) for symbol in sources]
    channels += [
        SummaryChannel(f"!miniTicker@arr{suffix}", every_ms, minis, is_array=True)
        for suffix, every_ms in _MINI_TICKERS_MS.items()
    ]
    for window in WINDOWS_MS:
        windows = [partial(_window, figures, symbol, window) for symbol in sources]
        channels.append(SummaryChannel(f"!ticker_{window}@arr", SECOND_MS, windows, is_array=True))
    return channels


def usdm_channels(sources: Sources, figures: Figures) -> list[Channel]:
    """Every symbol's, and those of all symbols."""
    kind: Form = {"st": _USDM}
    names = {symbol: Named(symbol, {"ps": symbol, **kind}, kind) for symbol in sources}
    marks = [partial(_mark_price, figures, symbol, kind) for symbol in sources]
    return _futures_channels(sources, figures, names) + _mark_arrays("!markPrice@arr", marks)


def coinm_channels(sources: Sources, figures: Figures) -> list[Channel]:
    """USD-M's, with the pair beside the symbol; and marks by pair instead of all in one stream."""
    names = {symbol: Named(pair_of(symbol), {"ps": pair_of(symbol)}, {}) for symbol in sources}
    channels = _futures_channels(sources, figures, names)
    for symbol in sources:
        of_pair = partial(_mark_price, figures, symbol, {})
        channels += _mark_arrays(f"{pair_of(symbol).lower()}@markPrice", [of_pair])
    return channels


def _mark_arrays(stream: str, marks: Sequence[Maker]) -> list[Channel]:
    return [
        SummaryChannel(f"{stream}{suffix}", every_ms, marks, is_array=True, repeats=True)
        for suffix, every_ms in _MARKS.items()
    ]


class Named(NamedTuple):
    """What a futures market says besides a symbol."""

    pair: str
    day: Form
    """In its tickers."""
    mark: Form
    """In its mark prices."""


def _futures_channels(sources: Sources, figures: Figures, names: Mapping[str, Named]) -> list[Channel]:
    channels: list[Channel] = []
    for symbol, source in sources.items():
        stream, pair = symbol.lower(), names[symbol].pair
        channels += _tops(source, _FUTURES_TOPS_MS)
        for interval, bar in USDM_INTERVALS.items():
            whole = SummaryChannel(f"{stream}@kline_{interval}", 250, [_klines(source, interval, bar)])
            of_pair = _continuous(source, pair, interval, bar)
            channels += [whole, SummaryChannel(f"{pair.lower()}_perpetual@continuousKline_{interval}", 250, [of_pair])]
        for suffix, every_ms in _MARKS.items():
            mark = partial(_mark_price, figures, symbol, names[symbol].mark)
            channels.append(SummaryChannel(f"{stream}@markPrice{suffix}", every_ms, [mark], repeats=True))
    days = {symbol: partial(_futures_ticker, figures, symbol, names[symbol].day) for symbol in sources}
    minis = {symbol: partial(_futures_mini_ticker, figures, symbol, names[symbol].day) for symbol in sources}
    channels += [SummaryChannel(f"{symbol.lower()}@ticker", 2_000, [day]) for symbol, day in days.items()]
    channels += [SummaryChannel(f"{symbol.lower()}@miniTicker", 2_000, [mini]) for symbol, mini in minis.items()]
    best = [partial(_best, source) for source in sources.values()]
    return [
        *channels,
        SummaryChannel("!ticker@arr", SECOND_MS, list(days.values()), is_array=True),
        SummaryChannel("!miniTicker@arr", SECOND_MS, list(minis.values()), is_array=True),
        SummaryChannel("!bookTicker", _BEST_EVERY_MS, best, no_news=frozenset({"u", "E", "T"})),
    ]


def _tops(source: Source, intervals_ms: Mapping[str, int]) -> list[TopChannel]:
    name = source.book.listing.symbol.lower()
    return [
        TopChannel(f"{name}@depth{levels}{suffix}", every_ms, levels, source.book, source.frames)
        for suffix, every_ms in intervals_ms.items()
        for levels in _LEVELS
    ]


def _klines(source: Source, interval: str, bar: Bar) -> KlineMaker:
    form = partial(stream_forms.kline, source.book.listing.symbol, interval, bar, source.numbers)
    return KlineMaker(source.history.candles(bar), bar, form)


def _continuous(source: Source, pair: str, interval: str, bar: Bar) -> KlineMaker:
    """Of the only contract of its pair."""
    form = partial(stream_forms.continuous_kline, pair, interval, bar, source.numbers)
    return KlineMaker(source.history.candles(bar), bar, form)


def _ticker(figures: Figures, symbol: str, now_ms: int) -> list[Form]:
    return [stream_forms.ticker(figures.day(symbol, now_ms))]


def _mini_ticker(figures: Figures, symbol: str, now_ms: int) -> list[Form]:
    return [stream_forms.mini_ticker(figures.day(symbol, now_ms))]


def _futures_ticker(figures: Figures, symbol: str, more: Form, now_ms: int) -> list[Form]:
    return [form | more for form in _ticker(figures, symbol, now_ms)]


def _futures_mini_ticker(figures: Figures, symbol: str, more: Form, now_ms: int) -> list[Form]:
    return [form | more for form in _mini_ticker(figures, symbol, now_ms)]


def _window(figures: Figures, symbol: str, window: str, now_ms: int) -> list[Form]:
    return [stream_forms.window_ticker(window, figures.window(symbol, WINDOWS_MS[window], now_ms))]


def _average(figures: Figures, symbol: str, now_ms: int) -> list[Form]:
    price, traded_ms = figures.average(symbol, now_ms), figures.last_traded_ms(symbol)
    return [stream_forms.average(symbol, price, traded_ms, now_ms)]


def _mark_price(figures: Figures, symbol: str, more: Form, now_ms: int) -> list[Form]:
    return [stream_forms.mark_price(figures.premium(symbol, now_ms)) | more]


def _best(source: Source, now_ms: int) -> list[Form]:
    matcher = source.book.matcher
    bid, ask = ((matcher.levels(side, 1) or [(0, 0)])[0] for side in (Side.BUY, Side.SELL))
    return [msgspec.json.decode(source.frames.ticker(source.book.update_id, bid, ask, now_ms))]
