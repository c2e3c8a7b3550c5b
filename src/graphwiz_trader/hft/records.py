"""What the core writes into the journal about orders, risk and legs: one Struct a record kind.

The payload of a record is the Struct as JSON; a FILL's payload is `events.Fill` itself. Times and sources
stand in the record's header: ``source`` is the book id.
"""

from __future__ import annotations

import msgspec

from graphwiz_trader.hft.events import Line, OrderState, OrderType, Side, TimeInForce, Trust
from graphwiz_trader.hft.instruments import Instrument

encode = msgspec.json.Encoder().encode
"""A Struct as the bytes of its record."""


class SessionStart(msgspec.Struct, frozen=True, kw_only=True):
    """SESSION, the first record of every journal: all that a replay needs to build the same engine again."""

    session: str
    started_ns: int
    mode: str
    version: str
    prefix: str
    """Begins every client order id."""
    trader: str = ""
    """Begins those of all sessions of this trader; empty where no order outlives its process."""
    tripped: str
    """Why the breaker was open at the start; empty when it was not."""
    config: dict[str, object]
    """The effective configuration; it never holds a secret."""
    instruments: tuple[Instrument, ...]
    lines: tuple[Line, ...]
    strategies: tuple[str, ...]
    inventory_lots: dict[int, int]
    """What the accounts held at the start of instruments that cannot be sold short, by book."""


class OrderSent(msgspec.Struct, frozen=True, gc=False):
    """ORDER: written before the order is handed to its gateway. ``legs`` is its group, 0 when it stands alone."""

    client_id: str
    strategy: str
    book: int
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    price_ticks: int
    size_lots: int
    legs: int


class CancelSent(msgspec.Struct, frozen=True, gc=False):
    """CANCEL: written before the cancel is handed to the gateway. The order lives on until its end is proven."""

    client_id: str
    reason: str


class OrderUpdate(msgspec.Struct, frozen=True, gc=False):
    """ORDER_UPDATE: an order's state or filled size changed. ``filled_lots`` is the sum of its trades seen."""

    client_id: str
    state: OrderState
    filled_lots: int
    venue_id: str
    reason: str


class RiskEvent(msgspec.Struct, frozen=True, gc=False):
    """RISK: ``event`` is refused, tripped, reset or legs_paused; ``reason`` is a code, or what a person wrote."""

    event: str
    reason: str
    detail: str


class LegsEvent(msgspec.Struct, frozen=True, gc=False):
    """LEGS: what became of a group of legs. That they were sent, their ORDER records say.

    ``event``: ``none`` filled; ``even``; ``uneven``, then ``unwind`` for each attempt and ``even`` or ``residual``
    at the end; ``late`` when a leg turned out to have lived on. ``residual`` is decimal text in the base asset:
    how much more was bought (negative: sold) than the other side.
    """

    event: str
    group: int
    strategy: str
    symbol: str
    residual: str
    detail: str


class TrustChange(msgspec.Struct, frozen=True, gc=False):
    """TRUST: a book's trust changed, and why."""

    book: int
    trust: Trust
    was: Trust
    reason: str


class LineChange(msgspec.Struct, frozen=True, gc=False):
    """LINE: a connection came up or broke, and why."""

    up: bool
    reason: str


class ClockOffset(msgspec.Struct, frozen=True, gc=False):
    """CLOCK: how far a venue's clock is ahead of ours, as measured over a line, and how wrong that may be.

    It says what the venue's times mean; nothing is decided by it. ``source`` is the line.
    """

    offset_ns: int
    error_ns: int
    """Half of the round trip that it was measured over."""


class SessionEnd(msgspec.Struct, frozen=True, gc=False):
    """END: the session closed its lines in good order, and why it did."""

    reason: str


class Notice(msgspec.Struct, frozen=True, gc=False):
    """NOTICE: something that ought not to happen did. ``what`` names the thing, ``kind`` the sort of trouble."""

    what: str
    kind: str
    count: int
