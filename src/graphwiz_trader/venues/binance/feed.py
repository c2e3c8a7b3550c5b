"""Binance's market data: one combined stream for all of an exchange's symbols, and the snapshots their books need.

A frame goes from the socket to the sink as it came, in one call stack. What it means is the engine's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from random import Random

from picows import WSTransport

from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.venues.base import Credentials, Endpoints, LineState, Sink
from graphwiz_trader.venues.binance.market import market_of
from graphwiz_trader.venues.binance.snapshots import Snapshots
from graphwiz_trader.venues.connection import Connection, Timing
from graphwiz_trader.venues.pacing import Allowance
from graphwiz_trader.venues.rest import RestClient

FEED_TIMING = Timing(ping_s=3.0, pong_s=3.0, silence_s=20.0)
"""A market always says something: a line of bookTicker and trades that is silent for longer is no line."""


class BinanceFeed:
    """The market data line of ``exchange``. Raises VenueError for one that is not Binance's.

    ``lines``: the id of its one line, in every call of the sink. ``attempts`` is the venue's allowance of connection
    attempts, shared with its order line.
    """

    def __init__(
        self,
        instruments: Instruments,
        exchange: str,
        *,
        endpoints: Endpoints,
        lines: Sequence[int],
        sink: Sink,
        attempts: Allowance | None = None,
        timing: Timing = FEED_TIMING,
        random: Random | None = None,
        credentials: Credentials | None = None,  # noqa: ARG002
    ) -> None:
        (line,) = lines
        self._market = market_of(exchange)
        self._instruments = instruments.on_exchange(exchange)
        names = [f"{i.venue_symbol.lower()}@{stream}" for i in self._instruments for stream in self._market.streams]
        self._url = f"{endpoints.stream.rstrip('/')}{self._market.stream_path}{'/'.join(names)}"
        self._rest_endpoint = endpoints.rest
        self._random = random or Random()  # noqa: S311
        self._connection = Connection(
            self, attempts=attempts or self._market.new_attempts(), timing=timing, random=self._random
        )
        self._state = LineState(line, sink)
        self._sink = sink
        self._receive = partial(sink.on_market_frame, line)
        self._snapshots: Snapshots | None = None

    @property
    def is_up(self) -> bool:
        return self._state.is_up

    @property
    def last_failure(self) -> str:
        """Why the line went down or could not come up, or else why a snapshot could not be had; empty at first."""
        return self._connection.last_failure or (self._snapshots.last_failure if self._snapshots is not None else "")

    def request_snapshot(self, book: int) -> None:
        """Ask for a snapshot of a book: it comes to the sink's `on_snapshot`, unless the line breaks before.

        Asking again while one is under way does nothing, asking often is slowed down. Does nothing while the line
        is down. Raises KeyError for a book that is not this exchange's.
        """
        if self._snapshots is not None and self._state.is_up:
            self._snapshots.request(book)

    async def run(self) -> None:
        """Until cancelled: then the line is closed and reported down. Raises what the sink raised."""
        async with RestClient(self._rest_endpoint) as rest:
            self._snapshots = Snapshots(
                rest,
                self._market,
                self._instruments,
                deliver=self._sink.on_snapshot,
                fail=self._connection.fail,
                random=self._random,
            )
            await self._connection.run(self._receive)

    async def address(self) -> str:
        return self._url

    def on_open(self, _transport: WSTransport) -> None:
        """The subscriptions stand in the address: an open line is a subscribed one."""
        self._state.set(True, "connected")

    async def get_ready(self) -> None:
        """There is nothing more to say."""

    def on_closed(self, reason: str) -> None:
        if self._snapshots is not None:
            self._snapshots.forget()
        self._state.set(False, reason)
