"""The market data of any exchange that ccxt speaks to: one client, a watch for each symbol, one line to the sink.

The line is up while the book of any symbol is known. A symbol that fails loses its own book, at once, and is tried
again after pauses that grow. When nothing at all is heard for long, a new client begins anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from random import Random
from time import time_ns

from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.venues.base import ApiKey, Endpoints, LineState, Sink, VenueError
from graphwiz_trader.venues.ccxt.library import asks_for_less, close, new_client, words
from graphwiz_trader.venues.ccxt.source import ServerTime, source_of
from graphwiz_trader.venues.ccxt.watches import Watches
from graphwiz_trader.venues.clock import VenueClock
from graphwiz_trader.venues.connection import Timing
from graphwiz_trader.venues.pacing import Allowance, BackOff

CCXT_TIMING = Timing(silence_s=60.0)
"""Pings are ccxt's own; an exchange of quiet symbols may say nothing for a while."""
_FIRST_SILENCE_S, _LONGEST_SILENCE_S = 5.0, 120.0
"""How long, at most, an exchange is left alone that wants to be asked less."""


def new_attempts() -> Allowance:
    """How often a client may begin anew. How often one of its connections does, ccxt paces."""
    return Allowance(30, 300.0)


class CcxtFeed:
    """The market data of ``exchange``. Raises VenueError for one that ccxt has no books of.

    ``websocket``: whether it is streamed, or else asked for by REST. ``lines``: one id, that of its line in every call
    of the sink; ccxt keeps, and replaces, its connections itself. ``attempts`` is taken from for each new client.
    What is followed is public: no ``api_key`` is used.
    """

    def __init__(
        self,
        instruments: Instruments,
        exchange: str,
        *,
        endpoints: Endpoints,
        lines: Sequence[int],
        spare: int | None = None,  # noqa: ARG002
        sink: Sink,
        websocket: bool = True,
        attempts: Allowance | None = None,
        timing: Timing = CCXT_TIMING,
        random: Random | None = None,
        api_key: ApiKey | None = None,  # noqa: ARG002
    ) -> None:
        if len(lines) != 1:
            raise VenueError(f"{exchange} is spoken to through ccxt, over one line, not {len(lines)}; set lines: 1")
        self._new_client = partial(new_client, exchange, endpoints)
        self._websocket = websocket
        source_of(self._new_client(), websocket)
        self._instruments = {i.book: i for i in instruments.on_exchange(exchange)}
        self._wanted = set(self._instruments)
        self._known: set[int] = set()
        self._line = lines[0]
        self._sink = sink
        self._state = LineState(self._line, sink)
        self._attempts = attempts or new_attempts()
        self._timing = timing
        self._random = random or Random()  # noqa: S311
        self._silences = BackOff(first_s=_FIRST_SILENCE_S, most_s=_LONGEST_SILENCE_S, random=self._random)
        self._silent_until_s = float("-inf")
        self._watches: Watches | None = None
        self._heard = 0
        self.last_failure = ""
        """What failed last, of which symbol; empty at first."""

    @property
    def is_up(self) -> bool:
        return self._state.is_up

    def request_snapshot(self, book: int) -> None:
        """Have ccxt build a book anew, as far as it can. Raises KeyError for a book that is not this exchange's."""
        instrument = self._instruments[book]
        if self._watches is not None:
            self._watches.begin_anew(instrument.book)

    def subscribe(self, book: int) -> None:
        """Raises KeyError for a book that is not this exchange's."""
        instrument = self._instruments[book]
        if instrument.book not in self._wanted:
            self._wanted.add(instrument.book)
            if self._watches is not None:
                self._watches.start(instrument)

    def unsubscribe(self, book: int) -> None:
        """The book is known no longer. Raises KeyError for one that is not this exchange's."""
        instrument = self._instruments[book]
        self._wanted.discard(instrument.book)
        if self._watches is not None:
            self._watches.stop(instrument.book, "unsubscribed")

    async def run(self) -> None:
        """Until cancelled: then the line is reported down. Raises what the sink raised."""
        pauses = BackOff(first_s=self._timing.first_pause_s, most_s=self._timing.longest_pause_s, random=self._random)
        while True:
            await self._attempts.take()
            client = self._new_client()
            self._watches = Watches(source_of(client, self._websocket), self, self._random)
            try:
                for book in sorted(self._wanted):
                    self._watches.start(self._instruments[book])
                self._watch_clock(self._watches, ServerTime(client))
                await self._until_silent(self._watches)
            finally:
                watches, self._watches = self._watches, None
                try:
                    watches.stop_all(self.last_failure or "stopped")
                finally:
                    await close(client)
            await asyncio.sleep(pauses.next_s())

    def on_book(self, book: int, frame: bytes) -> None:
        self._heard += 1
        self._known.add(book)
        self._silences.reset()
        self._state.set(True, "a book is known")
        self._sink.on_market_frame(self._line, frame, time_ns())

    def on_trades(self, frame: bytes) -> None:
        self._heard += 1
        self._sink.on_market_frame(self._line, frame, time_ns())

    def on_lost(self, book: int, frame: bytes, reason: str) -> None:
        self._known.discard(book)
        if book in self._wanted:
            self._sink.on_market_frame(self._line, frame, time_ns())
        else:
            self._sink.on_snapshot(book, b"", time_ns())
        if not self._known:
            self._state.set(False, reason)

    def on_failure(self, symbol: str, failure: BaseException) -> str:
        self.last_failure = f"{symbol}: {words(failure)}"
        now_s = asyncio.get_running_loop().time()
        if asks_for_less(failure) and now_s >= self._silent_until_s:
            self._silent_until_s = now_s + self._silences.next_s()
        return self.last_failure

    async def be_silent(self) -> None:
        now_s = asyncio.get_running_loop().time
        while (remaining_s := self._silent_until_s - now_s()) > 0:
            await asyncio.sleep(remaining_s)

    def _watch_clock(self, watches: Watches, asked: ServerTime) -> None:
        if asked.is_told:
            watches.run_beside(VenueClock(asked, "", int, partial(self._sink.on_clock, self._line)).run())

    async def _until_silent(self, watches: Watches) -> None:
        """Until nothing has been heard for long. Raises what the sink raised."""
        heard = -1
        while heard != self._heard:
            heard = self._heard
            await watches.wait(self._timing.silence_s)
        self.last_failure = f"silent for {self._timing.silence_s:g} s"
