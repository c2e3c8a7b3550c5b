"""Where a session's orders go: over order lines to venues, or nowhere outside this process.

``simulated``  order lines with addresses and keys, which the configuration keeps to this machine
``paper``      venues inside this process that fill from the books the session follows
``shadow``     nowhere: every order ends at once, unfilled

For paper and shadow no order line is made, so there is no code path from an order to a socket, and neither a key nor
an order address is known. There is no mode yet whose orders reach a real venue.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from math import inf
from typing import Any, NamedTuple, Protocol

from graphwiz_trader.assembly.lines import ORDERS, line_ids
from graphwiz_trader.assembly.rehearsal import Rehearsing
from graphwiz_trader.assembly.venues import Attempts, load_inventory, load_positions, make_order_lines
from graphwiz_trader.config import HftConfig
from graphwiz_trader.config.modes import PaperConfig
from graphwiz_trader.hft.engine import Engine
from graphwiz_trader.hft.events import Line
from graphwiz_trader.hft.gateways import AccountGateway, OrderGateway
from graphwiz_trader.hft.instruments import Instruments, units_from_text
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.hft.queue_position import QueueRule
from graphwiz_trader.venues.base import Credentials, Endpoints, OnSent, Sink
from graphwiz_trader.venues.pacing import pause
from graphwiz_trader.venues.simulated.agenda import Agenda
from graphwiz_trader.venues.simulated.in_process import InProcessVenues, Latency
from graphwiz_trader.venues.simulated.reports import WIRE as REPORTS_WIRE
from graphwiz_trader.venues.simulated.shadow import ShadowVenues


class Connected(NamedTuple):
    """A session's order side, ready to run."""

    gateways: Mapping[str, OrderGateway]
    """By exchange."""
    accounts: Mapping[str, AccountGateway]
    """Where orders of an earlier session may be open."""
    runs: tuple[Callable[[], Coroutine[Any, Any, None]], ...]
    """What is to run as long as the session does."""
    rehearsing: Mapping[str, Rehearsing]
    """The order lines whose path is to be kept warm."""
    around: Callable[[Engine], Sink]
    """What the feeds are to deliver to."""


class OrderSide(Protocol):
    """What a mode is made of."""

    wire: str
    """What its order lines speak; empty: what their exchanges speak."""
    is_sending: bool
    """Whether orders leave this process, and can outlive it."""

    async def inventory(self, instruments: Instruments) -> dict[int, int]:
        """What can be sold of instruments that cannot be sold short, by book, in lots."""
        ...

    async def positions(self, exchanges: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        """What the accounts hold of what can be sold short: by exchange and the venue's symbol, in units."""
        ...

    def connect(
        self, instruments: Instruments, lines: Sequence[Line], books: OrderBookManager, sink: Sink, attempts: Attempts
    ) -> Connected: ...


def order_side(
    config: HftConfig,
    endpoints: Mapping[str, Endpoints],
    credentials: Mapping[str, Credentials],
    on_sent: OnSent,
) -> OrderSide:
    """The order side of the configured mode. ``endpoints`` and ``credentials`` are for order lines alone."""
    if config.mode == "simulated":
        return _Sent(endpoints, credentials, on_sent)
    return _Kept(config.paper, on_sent if config.mode == "paper" else None)


class _Sent:
    """Orders go over a line to each exchange."""

    wire = ""
    is_sending = True

    def __init__(
        self,
        endpoints: Mapping[str, Endpoints],
        credentials: Mapping[str, Credentials],
        on_sent: OnSent,
    ) -> None:
        self._endpoints = endpoints
        self._credentials = credentials
        self._on_sent = on_sent

    async def inventory(self, instruments: Instruments) -> dict[int, int]:
        return await load_inventory(instruments, self._endpoints, self._credentials)

    async def positions(self, exchanges: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
        return await load_positions(exchanges, self._endpoints, self._credentials)

    def connect(
        self,
        instruments: Instruments,
        lines: Sequence[Line],
        books: OrderBookManager,  # noqa: ARG002  # OrderSide's signature
        sink: Sink,
        attempts: Attempts,
    ) -> Connected:
        made = make_order_lines(instruments, lines, self._endpoints, self._credentials, sink, attempts, self._on_sent)
        return Connected(made, made, tuple(line.run for line in made.values()), made, lambda engine: engine)


class _Kept:
    """Orders stay in this process."""

    wire = REPORTS_WIRE
    is_sending = False

    def __init__(self, paper: PaperConfig, on_sent: OnSent | None) -> None:
        """``on_sent`` None: nothing is filled."""
        self._paper = paper
        self._on_sent = on_sent

    async def inventory(self, instruments: Instruments) -> dict[int, int]:
        held = {asset: units_from_text(f"{amount:f}") for asset, amount in self._paper.balances.items()}
        return {i.book: held.get(i.base, 0) // i.lot_units for i in instruments if not i.can_short}

    async def positions(self, exchanges: Sequence[str]) -> Mapping[str, Mapping[str, int]]:  # noqa: ARG002
        """The account is made for the session."""
        return {}

    def connect(
        self,
        instruments: Instruments,
        lines: Sequence[Line],
        books: OrderBookManager,
        sink: Sink,
        attempts: Attempts,  # noqa: ARG002  # nothing is connected to
    ) -> Connected:
        order_lines = line_ids(lines, ORDERS)
        venues: _LocalVenues = ShadowVenues(order_lines)
        if self._on_sent is not None:
            venues = self._venues(books, order_lines, self._on_sent)
        desk = _Desk(venues, sink, tuple(order_lines.values()))
        return Connected(dict.fromkeys(instruments.exchanges, venues), {}, (desk.run,), {}, desk.around)

    def _venues(self, books: OrderBookManager, order_lines: Mapping[str, int], on_sent: OnSent) -> InProcessVenues:
        latency_ns = round(self._paper.latency_ms * 1e6)
        funds = {asset: f"{amount:f}" for asset, amount in self._paper.balances.items()}
        return InProcessVenues(
            books,
            order_lines,
            latency=Latency(latency_ns, latency_ns, latency_ns),
            funds=dict.fromkeys(order_lines, funds),
            rule=QueueRule[self._paper.fill_model.upper()],
            on_placed=lambda client_id, now_ns: on_sent(client_id, now_ns, time.time_ns()),
        )


class _LocalVenues(OrderGateway, Protocol):
    """Venues inside this process."""

    agenda: Agenda

    def observe(self, now_ns: int) -> None: ...


class _Desk:
    """Lets time pass at local venues: the market moves them, the clock brings their answers."""

    def __init__(self, venues: _LocalVenues, sink: Sink, order_lines: Sequence[int]) -> None:
        self._venues = venues
        self._sink = sink
        self._order_lines = order_lines
        self._changed = asyncio.Event()
        venues.agenda.changed = self._changed.set
        # An answer counts from when it is delivered, as one from a socket does.
        venues.agenda.deliver = lambda line, frame, _: sink.on_order_frame(line, frame, time.time_ns())

    def around(self, engine: Engine) -> Sink:
        return _Watched(engine, self._venues)

    async def run(self) -> None:
        """Until cancelled. Raises what the sink raised."""
        for line in self._order_lines:
            self._sink.on_line(line, True, "inside this process", time.time_ns())
        agenda = self._venues.agenda
        while True:
            self._changed.clear()
            while agenda.next_ns is not None and agenda.next_ns <= time.time_ns():
                agenda.run_next()
            await pause(inf if agenda.next_ns is None else (agenda.next_ns - time.time_ns()) / 1e9, self._changed)


class _Watched:
    """A sink before another: local venues see what the market has done right after the engine has."""

    def __init__(self, engine: Sink, venues: _LocalVenues) -> None:
        self._engine = engine
        self._observe = venues.observe
        self.on_order_frame = engine.on_order_frame
        self.on_line = engine.on_line
        self.on_clock = engine.on_clock

    def on_market_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        self._engine.on_market_frame(line, frame, now_ns)
        self._observe(now_ns)

    def on_snapshot(self, book: int, body: bytes, now_ns: int) -> None:
        self._engine.on_snapshot(book, body, now_ns)
        self._observe(now_ns)
