"""The watches over one client of ccxt's: begun and ended one by one, and ended together."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from random import Random
from typing import Any

from graphwiz_trader.hft.instruments import Instrument
from graphwiz_trader.venues.ccxt.source import Source
from graphwiz_trader.venues.ccxt.watch import Watch, Watcher


class Watches:
    """Watches by book, to be ended by `stop` or `stop_all`. Made in the loop that they run in."""

    def __init__(self, source: Source, watcher: Watcher, random: Random) -> None:
        self._source = source
        self._watcher = watcher
        self._random = random
        self._by_book: dict[int, tuple[Watch, list[asyncio.Task[None]]]] = {}
        self._beside: list[asyncio.Task[None]] = []
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def start(self, instrument: Instrument) -> None:
        """Begin to watch an instrument that is not watched."""
        watch = Watch(instrument, self._source, self._watcher, self._random)
        self._by_book[instrument.book] = watch, [self._task(watch.books()), self._task(watch.trades())]

    def run_beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Something of the client's that ends with the watches, and they with it when it fails."""
        self._beside.append(self._task(work))

    def begin_anew(self, book: int) -> None:
        """Have a book built anew, if it is watched."""
        if book in self._by_book:
            self._by_book[book][0].begin_anew()

    def stop(self, book: int, reason: str) -> None:
        """End a watch, if there is one; its book is known no longer."""
        if book in self._by_book:
            watch, tasks = self._by_book.pop(book)
            for task in tasks:
                task.cancel()
            watch.lose(reason)

    def stop_all(self, reason: str) -> None:
        """End every watch. A watcher that has failed is told nothing more."""
        for tasks in (self._beside, *(tasks for _, tasks in self._by_book.values())):
            for task in tasks:
                task.cancel()
        if not self._failed.done():
            for book in list(self._by_book):
                self.stop(book, reason)

    async def wait(self, time_s: float) -> None:
        """So long, 0 for ever, or until the watcher has raised something: then raises that."""
        await asyncio.wait((self._failed,), timeout=time_s or None)
        if self._failed.done():
            self._failed.result()

    def _task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._note_end)
        return task

    def _note_end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (failure := task.exception()) is not None and not self._failed.done():
            self._failed.set_exception(failure)
