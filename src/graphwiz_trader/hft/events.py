"""What crosses rooms: the enumerations and record types of the core, and the kinds of journal records.

Everything here is a plain value. Prices are ticks, sizes are lots, times are nanoseconds since the epoch as
received (``*_ns``) or milliseconds as the venue wrote them (``*_ms``).
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple, Protocol

import msgspec

TIMER_NS = 100_000_000
"""How often the core is told that time has passed, by its ``on_timer``: silence has no other voice."""


class Side(IntEnum):
    """An order's side. The same numbers index a book's sides: bids are row 0, asks row 1."""

    BUY = 0
    SELL = 1

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1


class OrderType(IntEnum):
    LIMIT = 0
    MARKET = 1


class TimeInForce(IntEnum):
    GTC = 0
    IOC = 1
    FOK = 2
    POST_ONLY = 3


class OrderState(IntEnum):
    """Where an order is in its life. ``UNKNOWN``: sent, outcome not proven; its exposure stays reserved."""

    SENT = 0
    OPEN = 1
    UNKNOWN = 2
    FILLED = 3
    CANCELED = 4
    REJECTED = 5
    EXPIRED = 6

    @property
    def is_final(self) -> bool:
        return self >= OrderState.FILLED


class Trust(IntEnum):
    """Whether a book may be traded on. Only ``LIVE`` may."""

    SYNCING = 0
    LIVE = 1
    STALE = 2
    CROSSED = 3
    BROKEN = 4


class Stream(IntEnum):
    """What a book is kept from. Only the silence of ``DEPTH`` costs it its trust."""

    DEPTH = 0
    BBO = 1
    TRADES = 2


class RecordKind(IntEnum):
    """What a journal record holds. Below 16: inputs, which a replay feeds to the engine again.

    From 16: what the engine made of them. From 48: measurements of the machine, which no replay reproduces.
    """

    SESSION = 1
    MARKET_FRAME = 2
    ORDER_FRAME = 3
    SNAPSHOT = 4
    LINE = 5
    TIMER = 6
    COMMAND = 7
    CLOCK = 8
    DECISION = 16
    ORDER = 17
    CANCEL = 18
    ORDER_UPDATE = 19
    FILL = 20
    RISK = 21
    TRUST = 22
    OPPORTUNITY = 23
    PULSE = 24
    NOTICE = 25
    LEGS = 26
    LATENCY = 48
    END = 63


class OrderIntent(msgspec.Struct, frozen=True, kw_only=True):
    """What a strategy wants; risk has not seen it. ``price_ticks`` of a MARKET order is the worst acceptable."""

    strategy: str
    book: int
    side: Side
    price_ticks: int
    size_lots: int
    order_type: OrderType = OrderType.LIMIT
    time_in_force: TimeInForce = TimeInForce.IOC
    reduces: bool = False
    """Closes a position: it is allowed while the limits for new exposure are reached, never past the breaker."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a strategy decided on one event: the orders it wants together, and why."""

    strategy: str
    book: int
    """The book whose event triggered it."""
    intents: tuple[OrderIntent, ...]
    reason: str


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of an order, as the venue reported it. The fee is in units (10^-12) of ``fee_asset``."""

    trade_id: str
    price_ticks: int
    size_lots: int
    fee_units: int
    fee_asset: str
    maker: bool = False


class ExecutionReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue said about one order, in an answer or in an event; the two come in either order, or twice."""

    client_id: str
    state: OrderState
    venue_id: str = ""
    filled_lots: int = -1
    """Cumulative; -1 when the message does not say."""
    trades: tuple[Trade, ...] = ()
    time_ms: int = 0
    reason: str = ""
    unasked: bool = False
    """The venue's own word, no answer: it shows that what tells of orders has not fallen silent."""
    about_cancel: bool = False
    """A refused cancel: says nothing about the order itself but that this cancel did not happen."""
    not_found: bool = False
    """A query's answer that the venue knows no such order; ``state`` then says nothing. Proof only when the
    query was asked long enough after the order was sent: before that the order may still arrive there."""


class FoundOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order that a venue has open, as it told when it was asked for all of them."""

    client_id: str
    venue_id: str
    symbol: str
    """The venue's word."""
    terms: str
    """In words: side, size, price, how much of it has filled."""


class OpenOrders(msgspec.Struct, frozen=True, kw_only=True):
    """A venue's answer to the question what is open: all of the account's open orders, whoever placed them."""

    number: int
    """The question's."""
    orders: tuple[FoundOrder, ...]


class MarketTrade(NamedTuple):
    """What the public sees of a trade."""

    trade_id: int
    price_ticks: int
    size_lots: int
    taker: Side
    exchange_time_ns: int = 0
    """By the venue's clock; 0 when it does not say."""
    received_ns: int = 0


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """One execution, counted once, with the order it belongs to."""

    client_id: str
    strategy: str
    book: int
    side: Side
    trade: Trade
    time_ns: int


class Opportunity(msgspec.Struct, frozen=True, kw_only=True):
    """Buy on one venue, sell on another, net of both taker fees; sized by the visible depth of both sides."""

    symbol: str
    buy_book: int
    sell_book: int
    buy_price_ticks: int
    sell_price_ticks: int
    size: float
    """In base currency: what both sides show down to the two limit prices."""
    net_bps: float
    """At the top of both books."""
    time_ns: int


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One connection of the session: to which exchange, for what, and in which words."""

    line: int
    exchange: str
    role: str
    """``market`` or ``orders``."""
    wire: str
    """Whose protocol its frames speak; `assembly` knows the decoder."""


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What a person tells a running session: ``reset`` the breaker, ``trip`` it, or ``stop``."""

    command: str
    by: str
    reason: str


class Recorder(Protocol):
    """Where the core writes what happened. The journal implements it; tests use a list."""

    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None: ...
