"""OKX on the table: frames as it writes them, and the real market data over its books.

BTC-USDT is spot (tick 0.1, lot 0.00000001), UNI-USD-SWAP an inverse swap (tick 0.001, sizes in contracts).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from an_instrument import an_instrument
from graphwiz_trader.hft.decoders import okx_decoder
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.hft.market_data import MarketData
from graphwiz_trader.hft.orderbook import OrderBook, OrderBookManager
from hft.floor import START, Journal

BTC, UNI = 0, 1
NAMES = ("BTC-USDT", "UNI-USD-SWAP")
Levels = Iterable[tuple[str, str]]

INSTRUMENTS = Instruments(
    [
        an_instrument(BTC, "okx", "BTC/USDT", "0.1", "0.00000001", venue_symbol=NAMES[BTC]),
        an_instrument(UNI, "okx", "UNI/USD:UNI", "0.001", "1", venue_symbol=NAMES[UNI], inverse=True),
    ]
)


def depth(
    action: str,
    bids: Levels = (),
    asks: Levels = (),
    *,
    ids: tuple[int, int] | None = None,
    ts: int = 1,
    book: int = BTC,
    channel: str = "books",
    **more: Any,
) -> bytes:
    """A message of a book; ``ids`` are (prevSeqId, seqId)."""
    message: dict[str, Any] = {"asks": _rows(asks), "bids": _rows(bids), "ts": str(ts), **more}
    if ids is not None:
        message |= {"checksum": 0, "prevSeqId": ids[0], "seqId": ids[1]} | more
    return frame(channel, message, book=book, **({"action": action} if action else {}))


def frame(channel: str, *messages: dict[str, Any], book: int = BTC, **more: Any) -> bytes:
    head = {"arg": {"channel": channel, "instId": NAMES[book]}, **more}
    return json.dumps(head | {"data": messages}, separators=(",", ":")).encode()


def best(seq: int, bid: tuple[str, str], ask: tuple[str, str], ts: int = 1) -> bytes:
    return frame("bbo-tbt", {"asks": _rows([ask]), "bids": _rows([bid]), "ts": str(ts), "seqId": seq})


def _rows(levels: Levels) -> list[list[str]]:
    return [[price, size, "0", "1"] for price, size in levels]


class OkxFloor:
    """`MarketData` over OKX's books, with the journal and the asked-for subscriptions as lists."""

    def __init__(self) -> None:
        self.books = OrderBookManager(INSTRUMENTS)
        self.journal = Journal()
        self.asked: list[int] = []
        self.market_data = MarketData(
            self.books, [okx_decoder(INSTRUMENTS, "okx")], self.journal, request_snapshot=self.asked.append
        )

    def frames(self, *frames: bytes, now: int = START) -> list[int]:
        """What `on_frame` answered to each."""
        return [self.market_data.on_frame(0, frame, now) for frame in frames]

    def make_live(self, seq: int = 100, ts: int = 1) -> None:
        """BTC-USDT at ``seq``: 9 bid at 99.9, 9 asked at 100.1."""
        self.frames(depth("snapshot", [("99.9", "9")], [("100.1", "9")], ids=(-1, seq), ts=ts))
        assert self.book().is_trusted

    def book(self, book: int = BTC) -> OrderBook:
        return self.books[book]
