"""One symbol, watched: its books and trades as frames, and what follows when ccxt fails. No symbol stops another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Protocol

from graphwiz_trader.hft.instruments import Instrument, decimals_of
from graphwiz_trader.venues.ccxt.source import Source
from graphwiz_trader.venues.ccxt.wire import book_frame, has_side, lost_frame, trades_frame
from graphwiz_trader.venues.pacing import BackOff

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 30.0
_CONTENT_AFTER_S = 10.0
"""What went well for so long begins its pauses anew when it fails."""


class Watcher(Protocol):
    """Whom a watch reports to. What it raises ends the watch."""

    def on_book(self, book: int, frame: bytes) -> None: ...

    def on_trades(self, frame: bytes) -> None: ...

    def on_lost(self, book: int, frame: bytes, reason: str) -> None:
        """The book was known until now."""

    def on_failure(self, symbol: str, failure: BaseException) -> str:
        """Something was raised by ccxt, or about what ccxt returned. Returns it in words."""

    async def be_silent(self) -> None:
        """Wait while the exchange wants to be left alone."""


class Watch:
    """The books and trades of one instrument, by `books` and `trades`.

    Both run until cancelled, and raise what the watcher raised and nothing else.
    """

    def __init__(self, instrument: Instrument, source: Source, watcher: Watcher, random: Random) -> None:
        self._book = instrument.book
        self._symbol = instrument.venue_symbol
        self._lot_decimals = decimals_of(instrument.lot_size)
        self._source = source
        self._watcher = watcher
        self._random = random
        self._trade_number = 1
        self._is_known = False
        self._is_doubted = False

    def begin_anew(self) -> None:
        """Have the book built again before it is next reported; one that is not known is already."""
        self._is_doubted = self._is_known

    def lose(self, reason: str) -> None:
        """The book is no longer known."""
        if self._is_known:
            self._is_known = False
            self._watcher.on_lost(self._book, lost_frame(self._symbol), reason)

    async def books(self) -> None:
        await self._repeat(self._next_book, self._take_book, self.lose)

    async def trades(self) -> None:
        if self._source.has_trades:
            await self._repeat(self._next_trades, self._take_trades, _pass_over)

    async def _next_book(self) -> bytes:
        if self._is_doubted:
            self._is_doubted = False
            await self._source.forget(self._symbol)
        return book_frame(self._symbol, await self._source.book(self._symbol), self._lot_decimals)

    def _take_book(self, frame: bytes) -> None:
        self._is_known = True
        self._watcher.on_book(self._book, frame)

    async def _next_trades(self) -> bytes:
        told = [trade for trade in await self._source.trades(self._symbol) if has_side(trade)]
        frame = trades_frame(self._symbol, told, self._trade_number, self._lot_decimals) if told else b""
        self._trade_number += len(told)
        return frame

    def _take_trades(self, frame: bytes) -> None:
        if frame:
            self._watcher.on_trades(frame)

    async def _repeat(
        self, ask: Callable[[], Awaitable[bytes]], take: Callable[[bytes], None], lose: Callable[[str], None]
    ) -> None:
        now_s = asyncio.get_running_loop().time
        pauses = BackOff(first_s=_FIRST_PAUSE_S, most_s=_LONGEST_PAUSE_S, random=self._random)
        good_since_s = now_s()
        while not _is_to_end():
            if self._source.is_asked:
                await self._watcher.be_silent()
            try:
                frame = await ask()
            except (Exception, asyncio.CancelledError) as failure:
                if _is_to_end():
                    raise
                lose(self._watcher.on_failure(self._symbol, failure))
                if now_s() - good_since_s >= _CONTENT_AFTER_S:
                    pauses.reset()
                await asyncio.sleep(pauses.next_s())
                await self._watcher.be_silent()
                good_since_s = now_s()
            else:
                take(frame)


def _is_to_end() -> bool:
    """Whether this watch was cancelled.

    A CancelledError does not say so: ccxt shares futures among its callers, so the end of one can raise it in another.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _pass_over(_reason: str) -> None:
    """What a book is, trades do not say."""
