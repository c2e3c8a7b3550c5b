"""Our own way through ccxt: its handler builds the book, our feed writes the frame, our decoder reads it."""

from __future__ import annotations

from typing import Any

from benchmarks.peers.ccxt_book import CcxtBook
from benchmarks.tapes import Tape
from graphwiz_trader.hft.decoders import ccxt_decoder
from graphwiz_trader.hft.instruments import Instrument, Instruments
from graphwiz_trader.hft.market_data import MarketData
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.venues.ccxt.wire import book_frame

_SYMBOL = "BTC/USDT"


class ThroughCcxt:
    """``handle`` takes parsed events; after each of them the book stands in ours."""

    def __init__(self, tape: Tape) -> None:
        instrument = Instrument(
            book=0,
            exchange="binanceus",
            symbol=_SYMBOL,
            venue_symbol=_SYMBOL,
            base="BTC",
            quote="USDT",
            tick_size="0.01",
            lot_size="0.00000001",
        )
        instruments = Instruments([instrument])
        self._ccxt = CcxtBook(tape.exchange, tape.symbol, tape.snapshot)
        self.books = OrderBookManager(instruments)
        decoder = ccxt_decoder(instruments, "binanceus")
        self._market_data = MarketData(self.books, [decoder], self, request_snapshot=lambda _: None)

    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        """As a recorder: nothing is kept."""

    def reset(self) -> None:
        self._ccxt.reset()

    def handle(self, events: list[dict[str, Any]]) -> None:
        ccxt, on_frame = self._ccxt, self._market_data.on_frame
        for now_ns, event in enumerate(events):
            ccxt.handle([event])
            on_frame(0, book_frame(_SYMBOL, ccxt.book, 8), now_ns)

    def close(self) -> None:
        self._ccxt.close()
