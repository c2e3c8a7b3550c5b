"""cryptofeed's own order book handler on our frames, with its own book object and no network."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
from cryptofeed.defines import BINANCE, BINANCE_DELIVERY, BINANCE_FUTURES, L2_BOOK
from cryptofeed.exchanges import Binance, BinanceDelivery, BinanceFutures
from cryptofeed.symbols import Symbols
from cryptofeed.types import OrderBook

_KINDS = {
    "binance": (Binance, BINANCE, "USDT"),
    "binanceusdm": (BinanceFutures, BINANCE_FUTURES, "USDT-PERP"),
    "binancecoinm": (BinanceDelivery, BINANCE_DELIVERY, "USD-PERP"),
}


class CryptofeedBook:
    """One symbol's book as cryptofeed keeps it. ``handle`` takes parsed events: it parses JSON before its handler."""

    def __init__(self, exchange: str, symbol: str, snapshot: bytes) -> None:
        self._symbol = symbol
        base = symbol.partition("USD")[0]
        kind, id_, quote = _KINDS[exchange]
        self._name = f"{base}-{quote}"
        Symbols.set(id_, {self._name: symbol}, {"tick_size": {}, "instrument_type": {}})
        self._feed = kind(symbols=[self._name], channels=[L2_BOOK], callbacks={L2_BOOK: _ignore})
        self._snapshot = orjson.loads(snapshot)
        self._id = id_
        self.reset()

    def reset(self) -> None:
        """Back to the snapshot."""
        sides = {side: {Decimal(p): Decimal(s) for p, s in self._snapshot[side]} for side in ("bids", "asks")}
        self._feed.last_update_id[self._name] = self._snapshot["lastUpdateId"]
        self._feed._l2_book[self._name] = OrderBook(self._id, self._name, **sides)

    def handle(self, events: list[dict[str, Any]]) -> None:
        for event in events:
            coroutine = self._feed._book(event, self._symbol, 0.0)
            try:
                coroutine.send(None)
            except StopIteration:
                continue
            raise RuntimeError("cryptofeed's handler waited for something")

    def close(self) -> None:
        """It holds nothing open."""

    @property
    def last_id(self) -> int:
        return int(self._feed.last_update_id[self._name])


async def _ignore(book: OrderBook, receipt_time: float) -> None:
    pass
