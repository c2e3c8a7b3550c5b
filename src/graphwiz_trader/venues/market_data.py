"""Live books without trading: any number of symbols on any number of exchanges, as `OrderBook`s that keep themselves.

The parts are the trader's own, `hft.market_data.MarketData` over the venues' feeds; only journal and engine are left
out. For a look at a market, a script or a notebook.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from time import time_ns
from types import TracebackType
from typing import Self

from graphwiz_trader.hft.decoders import DECODERS
from graphwiz_trader.hft.events import TIMER_NS
from graphwiz_trader.hft.market_data import MarketData
from graphwiz_trader.hft.orderbook import OrderBook, OrderBookManager
from graphwiz_trader.hft.records import ClockOffset
from graphwiz_trader.venues.base import Endpoints, Feed
from graphwiz_trader.venues.exchanges import exchange_of, load_instruments

OnTop = Callable[[OrderBook, int], None]
"""(book, time of arrival in ns): the best bid or ask of a trusted book has changed. Runs in the reader's call stack."""


class WebSocketMarketData:
    """Streams the books of ``symbols`` (exchange → ``BTC/USDT`` …) from ``endpoints`` (exchange → addresses).

    Used as ``async with``, or by `start` and `stop`, once. `books` is empty of prices until the feeds have
    synchronised; each book says by its ``trust`` whether it may be believed.
    """

    def __init__(
        self,
        symbols: Mapping[str, Sequence[str]],
        endpoints: Mapping[str, Endpoints],
        *,
        on_top: OnTop | None = None,
        stale_after_ms: int = 5_000,
    ) -> None:
        self._symbols = {exchange: tuple(names) for exchange, names in symbols.items()}
        self._endpoints = dict(endpoints)
        self._on_top = on_top
        self._stale_after_ms = stale_after_ms
        self._books: OrderBookManager | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.feeds: dict[str, Feed] = {}

    @property
    def books(self) -> OrderBookManager:
        """Raises RuntimeError before `start`: only the exchanges know their instruments."""
        if self._books is None:
            raise RuntimeError("there are no books before start()")
        return self._books

    async def start(self) -> None:
        """Ask the exchanges for their rules and begin to stream. Raises VenueError when one cannot be used."""
        instruments = await load_instruments(self._symbols, self._endpoints)
        self._books = OrderBookManager(instruments)
        of_lines = [exchange for exchange in instruments.exchanges for _ in range(2)]
        market_data = MarketData(
            self._books,
            [DECODERS[exchange_of(exchange).wire](instruments, exchange) for exchange in of_lines],
            _Nowhere(),
            request_snapshot=lambda book: self.feeds[instruments[book].exchange].request_snapshot(book),
            stale_after_ms=self._stale_after_ms,
        )
        sink = _BooksSink(market_data, self._books, of_lines, self._on_top)
        for number, exchange in enumerate(instruments.exchanges):
            line, spare = 2 * number, 2 * number + 1
            known = exchange_of(exchange)
            self.feeds[exchange] = known.feeds[known.wire](
                instruments, exchange, endpoints=self._endpoints[exchange], lines=(line,), spare=spare, sink=sink
            )
        self._tasks = [asyncio.create_task(feed.run()) for feed in self.feeds.values()]
        self._tasks.append(asyncio.create_task(_watch(market_data)))

    async def stop(self) -> None:
        """Close the connections. Raises what `on_top` has raised, if it has: its exchange was no longer streamed."""
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        for outcome in ended:
            if isinstance(outcome, Exception):
                raise outcome

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


class _BooksSink:
    """Where the feeds' frames go: into books, and what changed on top to whoever wants to know."""

    def __init__(
        self, market_data: MarketData, books: OrderBookManager, of_lines: Sequence[str], on_top: OnTop | None
    ) -> None:
        self._market_data = market_data
        self._books = books
        self._of_lines = of_lines
        self._on_top = on_top

    def on_market_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        self._tell(self._market_data.on_frame(line, frame, now_ns), now_ns)

    def on_snapshot(self, book: int, body: bytes, now_ns: int) -> None:
        self._tell(self._market_data.on_snapshot(book, body, now_ns), now_ns)

    def on_line(self, line: int, up: bool, _reason: str, now_ns: int) -> None:
        self._market_data.on_line(line, up, now_ns)

    def on_clock(self, line: int, offset_ns: int, error_ns: int, _now_ns: int) -> None:
        self._books.note_clock(self._of_lines[line], ClockOffset(offset_ns, error_ns))

    def on_order_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        """No order line belongs to this."""

    def _tell(self, book: int, now_ns: int) -> None:
        if book >= 0 and self._on_top is not None:
            self._on_top(self._books[book], now_ns)


class _Nowhere:
    """A recorder that keeps nothing."""

    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        """Nobody will ask."""


async def _watch(market_data: MarketData) -> None:
    """Silence takes a book's trust."""
    while True:
        await asyncio.sleep(TIMER_NS / 1e9)
        market_data.on_timer(time_ns())
