"""An order at a simulated venue, its executions, and the events its owner is told about."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import NamedTuple

import msgspec

from graphwiz_trader.hft.events import OrderType, Side, TimeInForce
from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.listing import Listing


class OrderStatus(Enum):
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"

    @property
    def is_open(self) -> bool:
        return self in (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED)


class Refusal(IntEnum):
    """Why a venue does not take an order, or does not cancel one. Each dialect has its own code and text for it."""

    UNKNOWN_SYMBOL = 0
    PRICE_OUT_OF_RANGE = 1
    PRICE_OFF_TICK = 2
    PRICE_TOO_FAR = 3
    SIZE_TOO_SMALL = 4
    SIZE_TOO_BIG = 5
    SIZE_OFF_LOT = 6
    NOTIONAL_TOO_SMALL = 7
    TOO_MANY_OPEN_ORDERS = 8
    DUPLICATE_CLIENT_ID = 9
    INSUFFICIENT_FUNDS = 10
    WOULD_TAKE = 11
    UNFILLABLE = 12
    NOTHING_TO_REDUCE = 13
    UNKNOWN_ORDER = 14


class OrderRefusedError(Exception):
    """The venue refuses a request; nothing has changed."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.name)
        self.refusal = refusal


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What an owner asks for, in the venue's ticks and lots. ``price_ticks`` None is a market order."""

    symbol: str
    side: Side
    price_ticks: int | None
    size_lots: int
    time_in_force: TimeInForce
    client_id: str
    reduce_only: bool = False


class Execution(NamedTuple):
    """One trade of one order."""

    trade_id: int
    price_ticks: int
    size_lots: int
    quote_units: int
    fee_units: int
    fee_asset: str
    maker: bool
    realised_units: int
    """What closing a position with it gained; 0 on a spot venue."""
    time_ms: int


class Order:
    """An order and what has become of it. Amounts are in units of the quote asset."""

    __slots__ = (
        "account",
        "client_id",
        "created_ms",
        "executions",
        "filled_lots",
        "listing",
        "order_id",
        "order_type",
        "price_ticks",
        "quote_units",
        "reduce_only",
        "reserved_units",
        "side",
        "size_lots",
        "status",
        "time_in_force",
        "updated_ms",
    )

    def __init__(self, order_id: int, account: Account, listing: Listing, wanted: NewOrder, now_ms: int) -> None:
        self.order_id = order_id
        self.account = account
        self.listing = listing
        self.client_id = wanted.client_id
        self.side = wanted.side
        self.order_type = OrderType.MARKET if wanted.price_ticks is None else OrderType.LIMIT
        self.time_in_force = wanted.time_in_force
        self.price_ticks = wanted.price_ticks or 0
        self.size_lots = wanted.size_lots
        self.reduce_only = wanted.reduce_only
        self.filled_lots = 0
        self.quote_units = 0
        self.reserved_units = 0
        self.status = OrderStatus.NEW
        self.executions: list[Execution] = []
        self.created_ms = now_ms
        self.updated_ms = now_ms

    @property
    def remaining_lots(self) -> int:
        return self.size_lots - self.filled_lots

    @property
    def limit_ticks(self) -> int | None:
        """The worst price it accepts; None for a market order."""
        return None if self.order_type is OrderType.MARKET else self.price_ticks


class EventKind(Enum):
    NEW = "NEW"
    TRADE = "TRADE"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


class OrderEvent(NamedTuple):
    """One step in an order's life, with the order's state as it was right after that step."""

    kind: EventKind
    order: Order
    status: OrderStatus
    filled_lots: int
    quote_units: int
    execution: Execution | None
    cancel_client_id: str
    """The id the owner gave to the cancel; empty for every other kind."""
    time_ms: int


class PublicTrade(NamedTuple):
    """What the public sees of one execution."""

    listing: Listing
    trade_id: int
    price_ticks: int
    size_lots: int
    buyer_is_maker: bool
    time_ms: int
