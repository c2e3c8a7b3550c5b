"""What the edge and the engine agree on: feeds and order lines, where frames go, where a venue is, with which key."""

from __future__ import annotations

from collections.abc import Callable
from time import time_ns
from typing import Protocol

import msgspec

from graphwiz_trader.errors import GraphwizError
from graphwiz_trader.hft.gateways import AccountGateway, OrderGateway
from graphwiz_trader.hft.orders import Order


class VenueError(GraphwizError):
    """A venue cannot be used as it is configured: unreachable rules, an unknown symbol, a refused key."""


class Sink(Protocol):
    """Who takes what arrives; the engine is one. Each call runs in the reader's own call stack.

    ``now_ns`` is the time of arrival, read once a frame. ``line`` is the id that the session gave the line. An empty
    snapshot says that the book was unsubscribed: what is known of it is no longer kept.
    """

    def on_market_frame(self, line: int, frame: bytes, now_ns: int) -> None: ...
    def on_order_frame(self, line: int, frame: bytes, now_ns: int) -> None: ...
    def on_snapshot(self, book: int, body: bytes, now_ns: int) -> None: ...
    def on_line(self, line: int, up: bool, reason: str, now_ns: int) -> None: ...
    def on_clock(self, line: int, offset_ns: int, error_ns: int, now_ns: int) -> None: ...


class Feed(Protocol):
    """One exchange's market data: over one line or several, each an id in the sink's calls.

    Lines come back on their own; what they carry goes to the sink as it came.
    """

    @property
    def is_up(self) -> bool:
        """Whether any of its lines is."""
        ...

    @property
    def last_failure(self) -> str:
        """The latest reason why something did not work; empty at first. It holds no secret."""
        ...

    def request_snapshot(self, book: int) -> None:
        """Ask for a snapshot of a book. Where the stream itself brings snapshots: subscribe that symbol anew.

        Asking again while one is under way does nothing, asking often is slowed down.
        """
        ...

    def subscribe(self, book: int) -> None:
        """Take a book up (again), while the feed runs or before; paced inside the venue's limits.

        Raises KeyError for a book of another exchange.
        """
        ...

    def unsubscribe(self, book: int) -> None:
        """Leave a book: while the feed runs the sink is told at once. Raises as `subscribe`."""
        ...

    async def run(self) -> None:
        """Until cancelled: then every line is closed and reported down. Raises what the sink raised."""
        ...


OnSent = Callable[[str, int, int], None]
"""Is told of every order: (client id, the ``now_ns`` it was placed with, the time just after it was handed over)."""


class OrderLine(OrderGateway, AccountGateway, Protocol):
    """One exchange's order line."""

    def rehearse(self, order: Order, now_ns: int) -> None:
        """Do what `place` does except sending."""
        ...

    async def run(self) -> None:
        """Until cancelled: then the line is closed. Raises what the sink raised."""
        ...


class Endpoints(msgspec.Struct, frozen=True):
    """Where one venue is reached: ``http(s)://host:port``, ``ws(s)://host:port``, and the full address for orders.

    ``backup_stream``: another way to the same streams, for lines to be spread over; empty for none.
    """

    rest: str
    stream: str
    orders: str
    backup_stream: str = ""

    def streams(self, path: str) -> list[str]:
        """That path at every address of its streams."""
        return [host.rstrip("/") + path for host in (self.stream, self.backup_stream) if host]


class Credentials:
    """An API key and its secret: an HMAC secret, or an Ed25519 private key in PEM form. Printing shows neither.

    Raises VenueError when either is empty.
    """

    __slots__ = ("key", "secret")

    def __init__(self, key: str, secret: str) -> None:
        if not key or not secret:
            raise VenueError("an API key needs both, the key and its secret; set both or trade without")
        self.key = key
        self.secret = secret

    def __repr__(self) -> str:
        return "Credentials(***)"


class ApiKey:
    """An API key without its secret, which some market data asks for. Printing does not show it.

    Raises VenueError for what is no key: it becomes a line of a request.
    """

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        if not text.isascii() or not text.isalnum():
            raise VenueError("an API key consists of letters and digits; what was given does not: copy it again")
        self.text = text

    def __repr__(self) -> str:
        return "ApiKey(***)"


class LineState:
    """Whether a line is up, as the sink is told: each change once, nothing before the first time up."""

    def __init__(self, line: int, sink: Sink) -> None:
        self._line = line
        self._sink = sink
        self.is_up = False

    def set(self, up: bool, reason: str) -> None:
        if up is not self.is_up:
            self.is_up = up
            self._sink.on_line(self._line, up, reason, time_ns())
