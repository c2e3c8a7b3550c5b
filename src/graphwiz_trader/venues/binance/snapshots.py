"""Depth snapshots, asked for when a book needs one: never two at once for a book, never faster than the venue allows.

A book that asks again soon after it was served has gained nothing by it, so that counts as a failure too: the
pauses grow until it has been content for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from time import time_ns

from graphwiz_trader.hft.instruments import Instrument
from graphwiz_trader.venues.binance.market import Market
from graphwiz_trader.venues.pacing import BackOff
from graphwiz_trader.venues.rest import RestClient, RestError

LEVELS = 1_000
_AT_ONCE = 4
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_CONTENT_AFTER_S = 10.0


class Snapshots:
    """Fetches the snapshots of one exchange's books and hands each body over with its time of arrival.

    ``fail`` is told what ``deliver`` raised.
    """

    def __init__(
        self,
        rest: RestClient,
        market: Market,
        instruments: tuple[Instrument, ...],
        *,
        deliver: Callable[[int, bytes, int], None],
        fail: Callable[[Exception], None],
        random: Random,
    ) -> None:
        self._rest = rest
        self._market = market
        self._deliver = deliver
        self._fail = fail
        self._symbols = {i.book: i.venue_symbol for i in instruments}
        self._pauses = {
            i.book: BackOff(first_s=_FIRST_PAUSE_S, most_s=_LONGEST_PAUSE_S, random=random) for i in instruments
        }
        self._served_s = dict.fromkeys(self._symbols, float("-inf"))
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._weight = market.new_weight()
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._silence_until_s = float("-inf")
        self.last_failure = ""

    def request(self, book: int) -> None:
        """Ask for a snapshot; does nothing while one is under way. Raises KeyError for another venue's book."""
        symbol = self._symbols[book]
        if book not in self._under_way:
            self._under_way[book] = asyncio.create_task(self._fetch(book, symbol), name=f"snapshot of {symbol}")

    def forget(self) -> None:
        """Give up what is under way: the books it was for have to begin anew."""
        for book in list(self._under_way):
            self.give_up(book)

    def give_up(self, book: int) -> None:
        """A book's snapshot, if one is under way, is wanted no longer."""
        task = self._under_way.pop(book, None)
        if task is not None:
            task.cancel()

    async def _fetch(self, book: int, symbol: str) -> None:
        loop = asyncio.get_running_loop()
        pauses = self._pauses[book]
        if loop.time() - self._served_s[book] < _CONTENT_AFTER_S:
            await asyncio.sleep(pauses.next_s())
        else:
            pauses.reset()
        while True:
            try:
                body = await self._get(symbol)
                break
            except RestError as failure:
                self.last_failure = str(failure)
                self._silence_until_s = max(self._silence_until_s, loop.time() + failure.pause_s)
            await asyncio.sleep(pauses.next_s())
        self._served_s[book] = loop.time()
        del self._under_way[book]
        try:
            self._deliver(book, body, time_ns())
        except Exception as failure:  # a bug of ours or a full journal: as grave as a frame that is refused
            self._fail(failure)

    async def _get(self, symbol: str) -> bytes:
        async with self._at_once:
            await self._weight.take(self._market.depth_weight)
            await self._be_silent()
            body = await self._rest.get(self._market.depth_path, {"symbol": symbol, "limit": str(LEVELS)})
            if not body:
                raise RestError(f"{self._market.depth_path}: an empty answer")
            return body

    async def _be_silent(self) -> None:
        """Wait while the venue wants to be left alone; another request may make that longer meanwhile."""
        loop = asyncio.get_running_loop()
        while (remaining_s := self._silence_until_s - loop.time()) > 0:
            await asyncio.sleep(remaining_s)
