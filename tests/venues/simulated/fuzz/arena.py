"""A simulated exchange that stays up while it is abused, and what must be true of it after each abuse.

It serves Binance's three markets and OKX with full books and runs in the caller's thread: nothing happens between
two calls. ``check`` fails when anything was logged as an error, when a venue does not answer any more, or when an
asset has appeared or gone.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec
import uvloop

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.hft.instruments import UNIT_DECIMALS
from graphwiz_trader.venues.simulated import SimulatedExchange
from graphwiz_trader.venues.simulated.account_file import AccountEntry
from graphwiz_trader.venues.simulated.okx.limits import Rate, Windows
from graphwiz_trader.venues.simulated.okx.server import OkxVenue
from graphwiz_trader.venues.simulated.venue import Venue
from patience import PATIENCE_S
from venues.binance.binary import KEY, PEM
from venues.simulated.clients import StillMarket, now_ms

T = TypeVar("T")
VENUES = ("binance", "binanceusdm", "binancecoinm", "okx")
PING = {
    "binance": "/api/v3/ping",
    "binanceusdm": "/fapi/v1/ping",
    "binancecoinm": "/dapi/v1/ping",
    "okx": "/api/v5/public/time",
}
READER = AccountEntry(name="reader", exchange="binance", key=KEY, secret=PEM)
"""Who may read binary streams."""
LIMITLESS = Rate(10**9, 1)


class Reply(msgspec.Struct, frozen=True):
    """What came back over HTTP."""

    status: int
    body: bytes


class Arena:
    """Use `arena`. ``others``: this many accounts of each venue besides the demo's, ``user0`` and so on."""

    def __init__(self, others: int = 0) -> None:
        self.loop = uvloop.new_event_loop()
        self.loop.set_exception_handler(lambda _, context: self.problems.append(str(context)))
        self.problems: list[str] = []
        self.exchange = SimulatedExchange(VENUES, StillMarket(), more_accounts=[*map(user, range(others)), READER])
        self.do(self.exchange.start())
        for venue in self.venues.values():
            self._quote(venue)
        self._forget_limits()
        self._before = {name: sums(venue) for name, venue in self.venues.items()}

    @property
    def venues(self) -> dict[str, Venue]:
        return {name: served.venue for name, served in self.exchange.venues.items()}

    def port(self, venue: str) -> int:
        return int(self.exchange.urls[venue].rest.rpartition(":")[2])

    def do(self, what: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(asyncio.wait_for(what, 4 * PATIENCE_S))

    def check(self) -> None:
        """Raises AssertionError when the last abuse did any harm."""
        for name, path in PING.items():
            replies = self.do(self.ask(name, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()))
            assert [reply.status for reply in replies] == [200], f"{name} does not answer any more: {replies}"
        problems, self.problems = self.problems, []
        assert not problems, "\n".join(problems)
        for name, venue in self.venues.items():
            assert sums(venue) == self._before[name], f"an asset of {name} has appeared or gone"
            check_reserved(venue)
        self._forget_limits()

    async def ask(self, venue: str, sent: bytes) -> list[Reply]:
        """Send bytes over a connection of its own and half-close it; the responses until the venue closes."""
        return responses(await self.exchange_bytes(venue, sent))

    async def exchange_bytes(self, venue: str, sent: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port(venue))
        received = b""
        try:
            writer.write(sent)
            writer.write_eof()
            async with asyncio.timeout(PATIENCE_S):
                while more := await reader.read(1 << 16):
                    received += more
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()
        return received

    def close(self) -> None:
        self.do(self.exchange.stop())
        self.loop.close()

    def _quote(self, venue: Venue) -> None:
        """Ten levels a side of every book around 10,000."""
        for book in venue.books.values():
            middle = 10_000 * 10**UNIT_DECIMALS // book.listing.instrument.tick_units
            for step in range(1, 11):
                for side in Side:
                    price = middle - side.sign * step * 7
                    venue.place_for_market(book, side, price, 10**6, TimeInForce.GTC, now_ms())
            venue.place_for_market(book, Side.BUY, middle + 7, 1, TimeInForce.IOC, now_ms())
            venue.publish(now_ms())

    def _forget_limits(self) -> None:
        """Abuse is about words here; how many there may be is tested elsewhere."""
        okx = self.exchange.venues["okx"]
        assert isinstance(okx, OkxVenue)
        okx.connects = Windows(LIMITLESS)
        okx.orders.account_rate = Windows(LIMITLESS)
        for windows in (*okx.orders.rates.values(), *okx._rest._windows.values()):
            windows.rate = LIMITLESS


@contextmanager
def arena(others: int = 0) -> Iterator[Arena]:
    """An arena whose ``check`` hears every error that is logged."""
    made = Arena(others)
    handler = _Ear(made)
    handler.setLevel(logging.ERROR)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield made
    finally:
        root.removeHandler(handler)
        made.close()


class _Ear(logging.Handler):
    def __init__(self, arena: Arena) -> None:
        super().__init__()
        self._arena = arena

    def emit(self, record: logging.LogRecord) -> None:
        self._arena.problems.append(logging.Formatter().format(record))


def user(number: int) -> AccountEntry:
    """An account besides the demo's, at every venue."""
    return AccountEntry(name=f"user{number}", key=f"user{number}", secret=f"secret{number}", passphrase="phrase-1")


def responses(received: bytes) -> list[Reply]:
    """HTTP responses, one behind the other, each with its length. Raises AssertionError for anything else."""
    found = []
    while received:
        head, end, rest = received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 "), received[:200]
        assert end, received[:200]
        if head.startswith(b"HTTP/1.1 101"):
            return [*found, Reply(101, rest)]
        (length,) = (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line)
        found.append(Reply(int(head[9:12]), rest[:length]))
        assert len(rest) >= length, "a body is shorter than its length says"
        received = rest[length:]
    return found


def sums(venue: Venue) -> dict[str, int]:
    """Per asset: all balances, less what the positions cost that are settled in it. Per derivative: all lots."""
    counted: Counter[str] = Counter()
    for account in venue.accounts:
        for asset, balance in account.balances.items():
            counted[asset] += balance.total_units
        for symbol, position in account.positions.items():
            counted[symbol] += position.size_lots
            counted[venue.books[symbol].listing.instrument.quote] -= position.cost_units
    return {name: count for name, count in counted.items() if count}


def check_reserved(venue: Venue) -> None:
    """What is locked is what open orders have bound, and nobody owes on spot."""
    for account in venue.accounts[2:]:
        bound: Counter[str] = Counter()
        for order in venue.open_orders(account):
            instrument = order.listing.instrument
            buys = order.listing.linear or order.side is Side.BUY
            bound[instrument.quote if buys else instrument.base] += order.reserved_units
        for asset, balance in account.balances.items():
            assert balance.locked_units == bound[asset], f"{account.name}: {asset} is locked and by no order"
