"""ccxt as the client of a simulated exchange: the exchange, the feed, and a sink that keeps books and frames."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random
from typing import Any

from an_instrument import an_instrument
from graphwiz_trader.hft.decoders import ccxt_decoder
from graphwiz_trader.hft.events import Side
from graphwiz_trader.hft.instruments import Instrument, Instruments
from graphwiz_trader.venues.base import Endpoints
from graphwiz_trader.venues.ccxt.feed import CCXT_TIMING, CcxtFeed
from venues import harness
from venues.harness import Exchange, Relay
from venues.sinks import MarketSink

TIMING = CCXT_TIMING._replace(first_pause_s=0.05, longest_pause_s=0.2)
Levels = list[tuple[Decimal, Decimal]]


def instrument(book: int, symbol: str) -> Instrument:
    return an_instrument(book, "binanceus", symbol, "0.01", "0.00000001", venue_symbol=symbol)


BTC, ETH = instrument(0, "BTC/USDT"), instrument(1, "ETH/USDT")
INSTRUMENTS = Instruments([BTC, ETH])


class Sink(MarketSink):
    """Where a feed delivers; line 0 is ccxt's."""

    def __init__(self, instruments: Instruments = INSTRUMENTS) -> None:
        super().__init__(instruments, [ccxt_decoder(instruments, "binanceus")])

    def on_snapshot(self, book: int, body: bytes, now_ns: int) -> None:
        assert not body, "a book behind ccxt starts from a frame"
        super().on_snapshot(book, body, now_ns)

    def levels(self, book: Instrument) -> tuple[Levels, Levels]:
        depth = self.books[book.book].depth(1_000)
        bids, asks = ([(Decimal(p), Decimal(s)) for p, s in depth[side]] for side in ("bids", "asks"))
        return bids, asks


class Feeding:
    """A simulated Binance, and ccxt's ``binanceus`` as the feed between it and a sink."""

    def __init__(self, exchange: Exchange, sink: Sink, feed: CcxtFeed) -> None:
        self.exchange = exchange
        self.sink = sink
        self.feed = feed
        self.venue = exchange["binance"]
        self._size_lots = 0

    def move(self) -> None:
        """Somebody quotes in every book."""
        self._size_lots = self._size_lots % 50 + 1
        for book in (harness.BTC, harness.ETH):
            self.exchange.market.quote(book, Side.BUY, 99_000, self._size_lots)

    def is_equal(self, book: Instrument) -> bool:
        """Whether the book is trusted, and the exchange's own."""
        own = harness.BTC if book is BTC else harness.ETH
        ticks, lots = Decimal(own.tick_size), Decimal(own.lot_size)
        bids, asks = ([(p * ticks, s * lots) for p, s in side] for side in self.exchange.levels(own))
        return self.sink.trusts(book.book) and self.sink.levels(book) == (bids, asks)

    async def until_equal(self, *books: Instrument) -> None:
        """Move the market, and wait until the trusted books are the exchange's own."""
        self.move()
        await self.sink.until(lambda: all(map(self.is_equal, books or (BTC, ETH))))


def endpoints(exchange: Exchange, relay: Relay | None = None) -> Endpoints:
    """ccxt's Binance takes a stream for spot's when its path says so."""
    urls = exchange.endpoints("binance")
    through = relay.reroute if relay is not None else str
    return Endpoints(through(urls.rest), through(f"{urls.stream}/stream"), through(urls.orders))


@asynccontextmanager
async def feeding(
    exchange: Exchange,
    *,
    websocket: bool = True,
    at: Endpoints | None = None,
    instruments: Instruments = INSTRUMENTS,
    **more: Any,
) -> AsyncIterator[Feeding]:
    sink = Sink(instruments)
    feed = CcxtFeed(
        instruments,
        "binanceus",
        endpoints=at or endpoints(exchange),
        lines=[0],
        sink=sink,
        websocket=websocket,
        random=Random(1),
        **{"timing": TIMING, **more},
    )
    sink.request_snapshot = feed.request_snapshot
    running = asyncio.create_task(feed.run())
    try:
        yield Feeding(exchange, sink, feed)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
