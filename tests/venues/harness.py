"""What tests of the edge stand on: an exchange that moves when told, something to wait on, networks that go bad."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import Any

import uvloop

from an_instrument import an_instrument
from graphwiz_trader.hft.events import OrderIntent, OrderType, Side, TimeInForce
from graphwiz_trader.hft.instruments import Instrument, Instruments
from graphwiz_trader.hft.orders import Order
from graphwiz_trader.hft.risk import ApprovedOrder
from graphwiz_trader.venues.base import Endpoints
from graphwiz_trader.venues.simulated import BinanceVenue, SimulatedExchange
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.matching import MatchingEngine
from patience import PATIENCE_S

INSTRUMENTS = Instruments(
    [
        an_instrument(0, "binance", "BTC/USDT", "0.01", "0.001", min_notional="5"),
        an_instrument(1, "binance", "ETH/USDT", "0.01", "0.0001", min_notional="5"),
        an_instrument(2, "binanceusdm", "BTC/USDT", "0.1", "0.001", min_notional="5", can_short=True),
    ]
)
BTC, ETH, PERP = INSTRUMENTS


def on_uvloop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an asynchronous test as the trader runs: on uvloop, and not for ever."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        uvloop.run(asyncio.wait_for(test(*args, **kwargs), 3 * PATIENCE_S))

    return run


class Unhurried(Random):
    """Chance that always draws nothing: pauses take no time, and how long they might have been is kept."""

    def __init__(self) -> None:
        super().__init__(0)
        self.bounds: list[float] = []

    def uniform(self, a: float, b: float) -> float:
        self.bounds.append(b)
        return a


class Watched:
    """Something whose changes can be waited for."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def changed(self) -> None:
        self._changed.set()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so. It is looked at after every change."""
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():
                self._changed.clear()
                await self._changed.wait()


class QuietMarket:
    """A market that does nothing of its own accord."""

    def __init__(self) -> None:
        self._venues: Mapping[str, BinanceVenue] = {}

    def matcher(self, _exchange: str, _listing: Listing) -> MatchingEngine:
        return MatchingEngine()

    def open(self, venues: Mapping[str, BinanceVenue], now_ms: int) -> None:
        self._venues = venues
        for book in INSTRUMENTS:
            if book.exchange in venues:
                middle = 100_000 * book.price_step_ticks
                for level in range(1, 4):
                    self.quote(book, Side.BUY, middle - 10 * level, 100 * level, now_ms)
                    self.quote(book, Side.SELL, middle + 10 * level, 100 * level, now_ms)

    def quote(self, instrument: Instrument, side: Side, price_ticks: int, size_lots: int, now_ms: int = 0) -> int:
        """Somebody's limit order; its id."""
        venue = self._venues[instrument.exchange].venue
        book = venue.books[instrument.venue_symbol]
        order_id = venue.place_for_market(book, side, price_ticks, size_lots, TimeInForce.GTC, now_ms)
        venue.publish(now_ms)
        return order_id

    async def run(self, _clock_ms: Callable[[], int]) -> None:
        await asyncio.Event().wait()


class Exchange:
    """Simulated venues with a quiet market: ``async with Exchange() as exchange``."""

    def __init__(self, exchanges: Sequence[str] = ("binance", "binanceusdm"), **options: Any) -> None:
        self.market = QuietMarket()
        self.simulated = SimulatedExchange(
            exchanges, self.market, instruments=INSTRUMENTS, spot_depth_interval_ms=10, **options
        )

    def __getitem__(self, exchange: str) -> BinanceVenue:
        return self.simulated.venues[exchange]

    def endpoints(self, exchange: str) -> Endpoints:
        urls = self.simulated.urls[exchange]
        return Endpoints(urls.rest, urls.stream, urls.orders)

    def levels(self, instrument: Instrument) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """The venue's own book: bids and asks as (ticks, lots), best first."""
        matcher = self[instrument.exchange].venue.books[instrument.venue_symbol].matcher
        return matcher.levels(Side.BUY, 1000), matcher.levels(Side.SELL, 1000)

    async def __aenter__(self) -> Exchange:
        await self.simulated.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.simulated.stop()


Scripted = tuple[int, str, bytes]
"""(status, further headers, body)"""
GOOD: Scripted = (200, "", b'{"lastUpdateId":1,"bids":[],"asks":[]}')


class RestVenue(Watched):
    """An HTTP server that answers as scripted, then well; it notes who asked for what and when.

    What the time is it always tells, and notes nothing of that.
    """

    def __init__(self, *script: Scripted) -> None:
        super().__init__()
        self._script = list(script)
        self.asked: list[str] = []
        self.times: list[float] = []
        self.at_once = 0
        self.most_at_once = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __aenter__(self) -> RestVenue:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.endpoint = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        path = request.split(b" ")[1].decode()
        if path.endswith("/time"):
            _answer(writer, (200, "", b'{"serverTime":%d}' % (time.time_ns() // 1_000_000)))
            return
        self.asked.append(path)
        self.times.append(asyncio.get_running_loop().time())
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.changed()
        await self.may_answer.wait()
        self.at_once -= 1
        _answer(writer, self._script.pop(0) if self._script else GOOD)


def _answer(writer: asyncio.StreamWriter, answer: Scripted) -> None:
    status, headers, body = answer
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n"
    writer.write(head.encode() + body)
    writer.close()


class Relay(Watched):
    """A network between a client and a venue, that can go bad: ``freeze`` loses everything and closes nothing."""

    def __init__(self, address: str) -> None:
        super().__init__()
        host, _, port = address.rpartition("//")[2].partition("/")[0].partition(":")
        self._host, self._port = host, int(port)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._frozen: set[int] = set()
        self._is_cut = False
        self.connections = 0

    def reroute(self, address: str) -> str:
        """The same address, through this relay."""
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        return address.replace(f":{self._port}", f":{port}")

    def freeze(self) -> None:
        """From now on nothing passes on the connections there are; new ones work."""
        self._frozen = set(range(self.connections))

    def cut(self) -> None:
        """Break every connection there is, and every new one until `mend`."""
        self._is_cut = True
        for task in self._tasks:
            task.cancel()

    def mend(self) -> None:
        self._is_cut = False

    async def close_all(self) -> None:
        """Close every connection there is, and take no new ones."""
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __aenter__(self) -> Relay:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close_all()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, self.connections = self.connections, self.connections + 1
        self.changed()
        if self._is_cut:
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
        for source, target in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._pass_on(number, source, target))
            self._tasks.add(task)

    async def _pass_on(self, number: int, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(1 << 16):
                if number not in self._frozen:
                    target.write(data)
        except ConnectionError:
            pass
        finally:
            if number not in self._frozen:
                target.close()


def an_order(
    client_id: str,
    instrument: Instrument = BTC,
    side: Side = Side.BUY,
    price_ticks: int = 100_010,
    size_lots: int = 100,
    *,
    order_type: OrderType = OrderType.LIMIT,
    time_in_force: TimeInForce = TimeInForce.IOC,
    venue_id: str = "",
) -> Order:
    """An order as a gateway is given it. Risk's seal is not what is tested here."""
    approved = object.__new__(ApprovedOrder)
    intent = OrderIntent(
        strategy="test",
        book=instrument.book,
        side=side,
        price_ticks=price_ticks,
        size_lots=size_lots,
        order_type=order_type,
        time_in_force=time_in_force,
    )
    object.__setattr__(approved, "intent", intent)
    return Order(client_id, approved, instrument.exchange, sent_ns=0, venue_id=venue_id)
