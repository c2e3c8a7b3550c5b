"""Where a symbol's books and trades come from: ccxt.pro's streams, or ccxt's REST methods, asked again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Protocol

from graphwiz_trader.venues.base import VenueError
from graphwiz_trader.venues.ccxt.library import Client, words
from graphwiz_trader.venues.rest import RestError

Book = Mapping[str, Any]
Trade = Mapping[str, Any]

POLL_S = 0.25
"""How often a symbol is asked for at most; with many symbols ccxt's own rate limiter is slower."""


class Source(Protocol):
    """Market data as ccxt reports it. Each call may take as long as the market is silent, and may raise anything."""

    has_books: bool
    has_trades: bool
    is_asked: bool
    """Whether every call is a request to the exchange; otherwise only the first, and the first after a failure."""

    async def book(self, symbol: str) -> Book:
        """The next state of the book: all of its levels that ccxt knows, best first."""

    async def trades(self, symbol: str) -> Sequence[Trade]:
        """Trades that were not reported before, oldest first; perhaps none."""

    async def forget(self, symbol: str) -> None:
        """Have the book built anew from what the exchange says next, as far as ccxt can."""


def source_of(client: Client, websocket: bool) -> Source:
    """The source that a client offers. Raises VenueError when it has none of the wanted kind."""
    source = Streams(client) if websocket else Polls(client)
    if not source.has_books:
        other = "false" if websocket else "true"
        raise VenueError(
            f"ccxt has no order book of {client.id} {'in streams' if websocket else 'by REST'}; "
            f"try websocket: {other}, or another exchange"
        )
    return source


class Streams:
    """ccxt.pro: each call waits for the next message of the stream that the first one opens."""

    is_asked = False

    def __init__(self, client: Client) -> None:
        self._client = client
        self._has_whole_books = bool(client.has["watchOrderBook"])
        self.has_books = self._has_whole_books or bool(client.has["watchBidsAsks"])
        self.has_trades = bool(client.has["watchTrades"])

    async def book(self, symbol: str) -> Book:
        if self._has_whole_books:
            book: Book = await self._client.watch_order_book(symbol)
            return book
        best = (await self._client.watch_bids_asks([symbol]))[symbol]
        return {
            "timestamp": best["timestamp"],
            "bids": [[best["bid"], best["bidVolume"]]],
            "asks": [[best["ask"], best["askVolume"]]],
        }

    async def trades(self, symbol: str) -> Sequence[Trade]:
        trades: Sequence[Trade] = await self._client.watch_trades(symbol)
        return trades

    async def forget(self, symbol: str) -> None:
        if self._client.has["unWatchOrderBook"]:
            await self._client.un_watch_order_book(symbol)


class Polls:
    """ccxt's REST methods. Its rate limiter, shared by all symbols, waits as long as the exchange wants."""

    is_asked = True

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, frozenset[Hashable]] = {}
        self.has_books = bool(client.has["fetchOrderBook"])
        self.has_trades = bool(client.has["fetchTrades"])

    async def book(self, symbol: str) -> Book:
        await asyncio.sleep(POLL_S)
        book: Book = await self._client.fetch_order_book(symbol)
        return book

    async def trades(self, symbol: str) -> Sequence[Trade]:
        """The first answer is history: of that the newest trade alone."""
        await asyncio.sleep(POLL_S)
        trades: Sequence[Trade] = await self._client.fetch_trades(symbol)
        known = self._known.get(symbol)
        self._known[symbol] = frozenset(map(_identity, trades))
        return trades[-1:] if known is None else [trade for trade in trades if _identity(trade) not in known]

    async def forget(self, symbol: str) -> None:
        """Every answer is a whole book."""


class ServerTime:
    """An exchange's clock by ccxt, to be asked as if by REST; ``is_told`` where the exchange tells it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.is_told = bool(client.has["fetchTime"])

    async def get(self, _path: str, _params: Mapping[str, str]) -> bytes:
        """Milliseconds, as text. Raises RestError for whatever ccxt raises."""
        try:
            return str(await self._client.fetch_time()).encode()
        except Exception as failure:
            raise RestError(words(failure)) from None


def _identity(trade: Trade) -> Hashable:
    """Not every exchange numbers its trades."""
    return trade.get("id") or (trade.get("timestamp"), trade.get("side"), trade.get("price"), trade.get("amount"))
