"""cryptofeed's own order book handler on OKX's frames, with its own book object and no network."""

from __future__ import annotations

from typing import Any

from cryptofeed.defines import L2_BOOK, OKX
from cryptofeed.exchanges import OKX as OkxFeed  # noqa: N811
from cryptofeed.symbols import Symbols
from cryptofeed.types import OrderBook

_NAME = "BTC-USDT"


class CryptofeedOkxBook:
    """One symbol's book as cryptofeed keeps it. ``handle`` takes parsed messages; it checks no sequence."""

    def __init__(self, start: dict[str, Any]) -> None:
        Symbols.set(OKX, {_NAME: start["arg"]["instId"]}, {"tick_size": {}, "instrument_type": {_NAME: "spot"}})
        self._feed = OkxFeed(symbols=[_NAME], channels=[L2_BOOK], callbacks={L2_BOOK: _ignore})
        self._start = start
        self.last_id = 0
        self.reset()

    def reset(self) -> None:
        """Back to the snapshot."""
        self.handle([self._start])

    def handle(self, messages: list[dict[str, Any]]) -> None:
        for message in messages:
            coroutine = self._feed._book(message, 0.0)
            try:
                coroutine.send(None)
            except StopIteration:
                continue
            raise RuntimeError("cryptofeed's handler waited for something")
        self.last_id = messages[-1]["data"][-1]["seqId"]

    def close(self) -> None:
        """It holds nothing open."""


async def _ignore(book: OrderBook, receipt_time: float) -> None:
    pass
