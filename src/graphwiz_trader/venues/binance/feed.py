"""Binance's market data: all of an exchange's symbols over one line or several, and the snapshots their books need.

A frame goes from the socket to the sink as it came, in one call stack. What it means is the engine's business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from time import time_ns

from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.venues.base import ApiKey, Endpoints, Sink, VenueError
from graphwiz_trader.venues.binance.line import BinanceLine, Place
from graphwiz_trader.venues.binance.market import market_of, read_time
from graphwiz_trader.venues.binance.snapshots import Snapshots
from graphwiz_trader.venues.clock import VenueClock
from graphwiz_trader.venues.connection import Timing
from graphwiz_trader.venues.lines import ParallelLines
from graphwiz_trader.venues.pacing import Allowance
from graphwiz_trader.venues.rest import RestClient
from graphwiz_trader.venues.together import together

FEED_TIMING = Timing(ping_s=3.0, pong_s=3.0, silence_s=20.0, lifetime_s=23 * 3_600.0)
"""A market always says something: a line of bookTicker and trades that is silent for longer is no line. Connections
are cut after 24 hours."""


class BinanceFeed:
    """The market data of ``exchange``. Raises VenueError for one that is not Binance's, and for too many symbols.

    ``lines``: the ids, in the sink's calls, of connections that carry the same; ``spare``: one more, for replacing
    one of them without a gap. ``attempts`` is the venue's allowance of connection attempts, shared with its order
    line. ``is_binary``: by SBE streams, which ask for an ``api_key``; the others are public. Snapshots stay JSON.
    """

    def __init__(
        self,
        instruments: Instruments,
        exchange: str,
        *,
        endpoints: Endpoints,
        lines: Sequence[int],
        sink: Sink,
        spare: int | None = None,
        attempts: Allowance | None = None,
        timing: Timing = FEED_TIMING,
        random: Random | None = None,
        api_key: ApiKey | None = None,
        is_binary: bool = False,
    ) -> None:
        self._market = market_of(exchange)
        self._instruments = instruments.on_exchange(exchange)
        streams = self._market.binary_streams if is_binary else self._market.streams
        if is_binary and api_key is None:
            raise VenueError(
                f"{exchange}: its binary streams (format: sbe) are for holders of an API key of an Ed25519 pair; set "
                f"GRAPHWIZ_{exchange.upper()}_API_KEY to one, or format to json"
            )
        self._streams = {
            i.book: tuple(f"{i.venue_symbol.lower()}@{stream}" for stream in streams) for i in self._instruments
        }
        self._wanted = set(self._streams)
        most = self._market.most_streams // len(streams)
        if len(self._streams) > most:
            raise VenueError(f"{exchange}: {len(self._streams)} symbols; one connection carries {most} at most")
        self._place = Place(
            endpoints.streams(self._market.stream_path),
            self._market.messages_per_s,
            api_key if is_binary else None,
        )
        self._rest_endpoint = endpoints.rest
        self._sink = sink
        self._report_clock = partial(sink.on_clock, lines[0])
        self._attempts = attempts or self._market.new_attempts()
        self._timing = timing
        self._random = random or Random()  # noqa: S311
        self._snapshots: Snapshots | None = None
        self._lines = ParallelLines(lines, spare, self._make_line, timing=timing, random=self._random)

    @property
    def is_up(self) -> bool:
        return self._lines.is_up

    @property
    def last_failure(self) -> str:
        """Why a line went down or could not come up, or else why a snapshot could not be had; empty at first."""
        return self._lines.last_failure or (self._snapshots.last_failure if self._snapshots is not None else "")

    def request_snapshot(self, book: int) -> None:
        """Ask for a snapshot of a book: it comes to the sink's `on_snapshot`, unless the lines break before.

        Asking again while one is under way does nothing, asking often is slowed down. Does nothing while no line is
        up, nor for a book that is unsubscribed. Raises KeyError for a book that is not this exchange's.
        """
        is_wanted = book in self._wanted or book not in self._streams
        if self._snapshots is not None and self.is_up and is_wanted:
            self._snapshots.request(book)

    def subscribe(self, book: int) -> None:
        """Take a book up again. Raises KeyError for a book that is not this exchange's."""
        streams = self._streams[book]
        self._wanted.add(book)
        for line in self._lines.lines:
            line.want(streams)
        self.request_snapshot(book)

    def unsubscribe(self, book: int) -> None:
        """Leave a book. Raises KeyError for a book that is not this exchange's."""
        streams = self._streams[book]
        self._wanted.discard(book)
        for line in self._lines.lines:
            line.unwant(streams)
        if self._snapshots is not None:
            self._snapshots.give_up(book)
            self._sink.on_snapshot(book, b"", time_ns())

    async def run(self) -> None:
        """Until cancelled: then every line is closed and reported down. Raises what the sink raised, and VenueError for
        a key that the venue does not take."""
        async with RestClient(self._rest_endpoint) as rest:
            self._snapshots = Snapshots(
                rest,
                self._market,
                self._instruments,
                deliver=self._sink.on_snapshot,
                fail=self._fail,
                random=self._random,
            )
            clock = VenueClock(rest, self._market.time_path, read_time, self._report_clock)
            await together(self._lines.run(), clock.run())

    def _make_line(self, line: int, on_rotate: Callable[[str], None]) -> BinanceLine:
        return BinanceLine(
            line,
            self._place,
            [stream for book, streams in self._streams.items() if book in self._wanted for stream in streams],
            sink=self._sink,
            attempts=self._attempts,
            timing=self._timing,
            random=self._random,
            on_rotate=on_rotate,
            on_down=self._on_down,
        )

    def _on_down(self) -> None:
        """With no line left, what snapshots are under way are of a time before the gap."""
        if self._snapshots is not None and not self.is_up:
            self._snapshots.forget()

    def _fail(self, failure: Exception) -> None:
        for line in self._lines.lines:
            line.fail(failure)
