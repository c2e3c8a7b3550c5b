"""A market floor on the table: frames as Binance writes them, and the real market data over as many venues as needed.

All venues trade BTC/USDT and the first two also ETH/USDT; prices stand around 100.0, the tick is 0.1, the lot 0.001.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from an_instrument import an_instrument
from graphwiz_trader.hft.events import RecordKind, Trust
from graphwiz_trader.hft.instruments import Instrument, Instruments
from graphwiz_trader.hft.market_data import MarketData, binance_decoder
from graphwiz_trader.hft.orderbook import OrderBook, OrderBookManager

MS = 1_000_000
SECOND = 1_000 * MS
START = 1_723_075_200 * SECOND

SPOT, PERP, SPOT_ETH, PERP_ETH = range(4)
"""Book ids of `two_venues`."""
Levels = Iterable[tuple[str, str]]


class Recorded(NamedTuple):
    """One record of a `Journal`, as it was appended."""

    kind: int
    source: int
    time_ns: int
    payload: bytes

    @property
    def read(self) -> Any:
        return json.loads(self.payload)


class Journal:
    """A Recorder that is a list."""

    def __init__(self) -> None:
        self.records: list[Recorded] = []

    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        self.records.append(Recorded(kind, source, time_ns, payload))

    def of(self, kind: RecordKind) -> list[Recorded]:
        return [record for record in self.records if record.kind == kind]

    def trust_of(self, book: int) -> list[tuple[Trust, str]]:
        """The book's changes of trust, each with its reason."""
        return [(Trust(r.read["trust"]), r.read["reason"]) for r in self.of(RecordKind.TRUST) if r.source == book]

    def notices(self) -> list[str]:
        return [record.read["kind"] for record in self.of(RecordKind.NOTICE)]


def instrument(book: int, exchange: str, symbol: str = "BTC/USDT", **changed: Any) -> Instrument:
    rules = {"tick_size": "0.1", "lot_size": "0.001", "can_short": exchange != "binance"} | changed
    return an_instrument(book, exchange, symbol, **rules)


def two_venues(**changed: Any) -> Instruments:
    """BTC/USDT and ETH/USDT on a spot and a USD-M venue."""
    return Instruments(
        [
            instrument(SPOT, "binance", **changed),
            instrument(PERP, "binanceusdm", **changed),
            instrument(SPOT_ETH, "binance", "ETH/USDT", **changed),
            instrument(PERP_ETH, "binanceusdm", "ETH/USDT", **changed),
        ]
    )


def spot_depth(first: int, final: int, bids: Levels = (), asks: Levels = (), symbol: str = "BTCUSDT") -> bytes:
    return _frame({"e": "depthUpdate", "E": 1, "s": symbol, "U": first, "u": final, "b": _rows(bids), "a": _rows(asks)})


def usdm_depth(
    first: int, final: int, previous: int, bids: Levels = (), asks: Levels = (), symbol: str = "BTCUSDT"
) -> bytes:
    head = {"e": "depthUpdate", "E": 1, "T": 1, "s": symbol, "U": first, "u": final, "pu": previous}
    return _frame(head | {"b": _rows(bids), "a": _rows(asks)})


def ticker(final: int, bid: tuple[str, str], ask: tuple[str, str], symbol: str = "BTCUSDT", **more: Any) -> bytes:
    """A bookTicker; USD-M's names itself: ``e="bookTicker"``."""
    return _frame({**more, "u": final, "s": symbol, "b": bid[0], "B": bid[1], "a": ask[0], "A": ask[1]})


def trade(trade_id: int, price: str, size: str, symbol: str = "BTCUSDT", *, sold: bool = False) -> bytes:
    return _frame({"e": "trade", "E": 1, "s": symbol, "t": trade_id, "p": price, "q": size, "T": 1, "m": sold})


def snapshot(last: int, bids: Levels = (("99.9", "1"),), asks: Levels = (("100.1", "1"),)) -> bytes:
    return _frame({"lastUpdateId": last, "bids": _rows(bids), "asks": _rows(asks)})


class Floor:
    """`MarketData` over books, with the journal and the asked-for snapshots as lists.

    ``lines``: each one's exchange; without it, a line for each exchange.
    """

    def __init__(
        self, instruments: Instruments | None = None, *, lines: Sequence[str] = (), up: bool = False, **settings: Any
    ) -> None:
        self.instruments = instruments or two_venues()
        self.lines = tuple(lines) or self.instruments.exchanges
        self.books = OrderBookManager(self.instruments)
        self.journal = Journal()
        self.asked: list[int] = []
        self.market_data = MarketData(
            self.books,
            [binance_decoder(self.instruments, exchange) for exchange in self.lines],
            self.journal,
            request_snapshot=self.asked.append,
            **settings,
        )
        if up:
            for line, _ in enumerate(self.lines):
                self.market_data.on_line(line, up=True, now_ns=START)

    def line_of(self, book: int) -> int:
        return self.lines.index(self.instruments[book].exchange)

    def frames(self, book: int, *frames: bytes, now: int = START) -> list[int]:
        """Frames on the book's line; what `on_frame` answered to each."""
        line = self.line_of(book)
        return [self.market_data.on_frame(line, frame, now) for frame in frames]

    def snapshot(self, book: int, body: bytes, now: int = START) -> int:
        return self.market_data.on_snapshot(book, body, now)

    def make_live(self, book: int, last: int = 100, now: int = START, **levels: Sequence[tuple[str, str]]) -> None:
        """The book at id ``last`` + 1, trusted."""
        symbol = self.instruments[book].venue_symbol
        self.snapshot(book, snapshot(last, **levels), now)
        if self.instruments[book].exchange == "binance":
            self.frames(book, spot_depth(last + 1, last + 1, symbol=symbol), now=now)
        else:
            self.frames(book, usdm_depth(last, last + 1, last - 1, symbol=symbol), now=now)
        assert self.book(book).is_trusted

    def book(self, book: int) -> OrderBook:
        return self.books[book]


def _rows(levels: Levels) -> list[list[str]]:
    return [[price, size] for price, size in levels]


def _frame(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()
