"""Recorded markets through the product's market data, and through the oracle: the same books, level by level.

What the recordings are (found with the oracle, 2024-08-08, 346 s): no gap, no frame that crosses its book, no
price twice on a side of one frame; each snapshot lies inside or at the end of a buffered update, so that all four
books come live. Wherever a bookTicker and a depth update carry the same update id they agree on the top of book.
Spot lists bids best first, USD-M worst first. Spot carries sizes finer than the present lot, from older orders.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import pytest

import recordings
from graphwiz_trader.hft.events import Side
from graphwiz_trader.hft.instruments import Instrument, Instruments
from graphwiz_trader.hft.market_data import MarketData, binance_decoder
from graphwiz_trader.hft.orderbook import OrderBook, OrderBookManager
from oracle import books as oracle
from oracle import figures

pytestmark = pytest.mark.recorded

LOOKS = 100
"""Random messages about each book behind which it is compared whole; where there are fewer, all of them."""


class Silent:
    """A recorder that forgets."""

    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        pass


class Product:
    """The product's market data on one exchange."""

    def __init__(self, symbols: Sequence[recordings.Symbol]) -> None:
        self.instruments = Instruments(
            Instrument(
                book=row,
                exchange=symbol.exchange,
                symbol=f"{symbol.base}/{symbol.quote}",
                venue_symbol=symbol.symbol,
                base=symbol.base,
                quote=symbol.quote,
                tick_size=symbol.tick_size,
                lot_size=symbol.lot_size,
            )
            for row, symbol in enumerate(symbols)
        )
        exchange = symbols[0].exchange
        self.books = OrderBookManager(self.instruments)
        self._rows = {symbol.symbol: row for row, symbol in enumerate(symbols)}
        decoder = binance_decoder(self.instruments, exchange)
        self.market_data = MarketData(self.books, [decoder], Silent(), request_snapshot=lambda book: None)

    def feed(self, event: oracle.Event) -> None:
        if event.is_snapshot:
            self.market_data.on_snapshot(self._rows[event.symbol], event.payload, event.time_ns)
        else:
            self.market_data.on_frame(0, event.payload, event.time_ns)

    def book(self, symbol: str) -> OrderBook:
        return self.books[self._rows[symbol]]


def _levels(levels: list[figures.Level], instrument: Instrument) -> list[tuple[int, int]]:
    tick, lot = Decimal(instrument.tick_size), Decimal(instrument.lot_size)
    counted = [(price / tick, size / lot) for price, size in levels]
    assert all(ticks == int(ticks) and lots == int(lots) for ticks, lots in counted)
    return [(int(ticks), int(lots)) for ticks, lots in counted]


def _assert_same_levels(found: OrderBook, expected: oracle.Book) -> None:
    assert found.levels(Side.BUY) == _levels(figures.bids(expected), found.instrument)
    assert found.levels(Side.SELL) == _levels(figures.asks(expected), found.instrument)


def _assert_same_figures(found: OrderBook, expected: oracle.Book, ticker: oracle.Event | None) -> None:
    """Top, spread and mid are of the newer of book and bookTicker, by update id; imbalance and depth of the book."""
    bid, ask = figures.bids(expected)[0], figures.asks(expected)[0]
    if ticker is not None and ticker.body["u"] > expected.id:
        bid, ask = ((Decimal(ticker.body[p]), Decimal(ticker.body[s])) for p, s in ("bB", "aA"))
    assert [found.best_bid, found.best_ask] == _levels([bid, ask], found.instrument)
    mid = (bid[0] + ask[0]) / 2
    assert found.mid_price == pytest.approx(float(mid), rel=1e-12)
    assert found.spread == pytest.approx(float(ask[0] - bid[0]), rel=1e-9)
    assert found.spread_bps == pytest.approx(float((ask[0] - bid[0]) / mid * 10_000), rel=1e-9)
    assert found.imbalance == pytest.approx(float(figures.imbalance(expected)), abs=1e-12)
    shown = found.depth(20)
    for side, levels in (("bids", figures.bids(expected)), ("asks", figures.asks(expected))):
        assert [(Fraction(price), Fraction(size)) for price, size in shown[side]] == [
            (Fraction(price), Fraction(size)) for price, size in levels[:20]
        ]


def _events(symbols: Sequence[recordings.Symbol], lines: int | None = None) -> list[oracle.Event]:
    names = dict.fromkeys(name for symbol in symbols for name in symbol.files)
    return oracle.events([recordings.need(name) for name in names], lines)


def _looked_at(events: Sequence[oracle.Event], symbol: str) -> list[int]:
    """Random messages about a symbol, by their place, from the first update that is newer than its snapshot."""
    own = [place for place, event in enumerate(events) if event.symbol == symbol]
    snapshot = next(place for place in own if events[place].is_snapshot)
    newest = events[snapshot].body["lastUpdateId"]
    updates = (place for place in own if place > snapshot and events[place].is_depth)
    begun = next(place for place in updates if events[place].body["u"] > newest)
    in_sequence = [place for place in own if place >= begun]
    return random.Random(20240808).sample(in_sequence, min(LOOKS, len(in_sequence)))


def _assert_whole_books_equal_the_oracles(symbols: Sequence[recordings.Symbol]) -> None:
    """Feed both; compare each book at random messages about it, then once at the end."""
    product, books, tickers = Product(symbols), dict[str, oracle.Book](), dict[str, oracle.Event]()
    rule = "usdm" if symbols[0].rule == "usdm" else "spot"
    events = _events(symbols)
    looked_at = {symbol.symbol: _looked_at(events, symbol.symbol) for symbol in symbols}
    places = {place for of_symbol in looked_at.values() for place in of_symbol}
    compared: Counter[str] = Counter()

    def compare(symbol: str) -> None:
        found, expected = product.book(symbol), books[symbol]
        assert found.is_trusted
        assert expected.trusted
        _assert_same_levels(found, expected)
        _assert_same_figures(found, expected, tickers.get(symbol))
        compared[symbol] += 1

    for place, event in enumerate(events):
        product.feed(event)
        oracle.feed(books, event, rule)
        if isinstance(event.body.get("b"), str):
            tickers[event.symbol] = event
        if place in places:
            compare(event.symbol)
    assert not product.market_data.refused
    for symbol in symbols:
        compare(symbol.symbol)
        assert books[symbol.symbol].gaps == 0
    assert compared == {symbol: len(of_symbol) + 1 for symbol, of_symbol in looked_at.items()}


@pytest.mark.slow
@pytest.mark.parametrize(
    "recorded", recordings.FOUR_OF_2024, ids=lambda recorded: f"{recorded.exchange}-{recorded.symbol}"
)
def test_a_recorded_book_equals_the_oracles_level_by_level(recorded: recordings.Symbol) -> None:
    _assert_whole_books_equal_the_oracles([recorded])


def test_the_four_symbols_of_one_recorded_socket_equal_the_oracles() -> None:
    """2021. Snapshots and updates are in two files; NKNUSDT has prices off its tick, aggTrade and kline pass by.

    They are quiet: the busiest has two hundred messages, the others a dozen, each of which is looked at.
    """
    _assert_whole_books_equal_the_oracles(recordings.FOUR_OF_2021)


@pytest.mark.parametrize("recorded", [recordings.SPOT_ETH, recordings.USDM_ETH], ids=lambda recorded: recorded.exchange)
def test_a_lost_update_takes_the_trust_until_a_snapshot_that_continues(recorded: recordings.Symbol) -> None:
    """A snapshot of the moment is made from the whole recording's book; the one from before the gap is of no use."""
    whole, product = oracle.Book("usdm" if recorded.rule == "usdm" else "spot"), Product([recorded])
    events = [event for event in _events([recorded], 4_000) if event.is_depth or event.is_snapshot]
    snapshot = next(event for event in events if event.is_snapshot)
    lost, again = 100, 130
    for number, event in enumerate(events):
        (whole.on_snapshot if event.is_snapshot else whole.on_depth)(event.body)
        found = product.book(recorded.symbol)
        if number != lost:
            product.feed(event)
        if lost < number < again:
            assert not found.is_trusted
            product.feed(snapshot)
            assert not found.is_trusted
        if number == again:
            product.market_data.on_snapshot(0, _snapshot_of(whole), event.time_ns)
    assert found.is_trusted
    _assert_same_levels(found, whole)


def _snapshot_of(book: oracle.Book) -> bytes:
    sides = (",".join(f'["{price}","{size}"]' for price, size in side.items()) for side in (book.bids, book.asks))
    return '{{"lastUpdateId":{},"bids":[{}],"asks":[{}]}}'.format(book.id, *sides).encode()
