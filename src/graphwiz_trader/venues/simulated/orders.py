"""An order at a simulated venue, its executions, and the events its owner is told about."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, IntEnum
from typing import NamedTuple

import msgspec

from graphwiz_trader.hft.events import OrderType, Side, TimeInForce
from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.matching import SelfTrade


class OrderStatus(Enum):
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"
    """Ended by self-trade prevention."""

    @property
    def is_open(self) -> bool:
        return self in (OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED)


class EndReason(Enum):
    """Why an order ended without being filled. Dialects have their own words for it, if any."""

    OWNER = "its owner canceled it"
    IOC_REST = "what an IOC order does not fill at once ends"
    FOK_UNFILLABLE = "a FOK order that cannot be filled whole ends whole"
    NO_LIQUIDITY = "a market order found nothing more"
    WOULD_TAKE = "a post-only order would have traded at once"
    SELF_TRADE = "it would have traded with its own account or trade group"
    TIMER = "the owner's dead-man's switch ran out"


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
    CANCEL_RESTRICTED = 15
    """It is open, but not in the status that the cancel asked for."""
    NOTHING_TO_AMEND = 16
    AMEND_NOT_SMALLER = 17
    """Only a smaller size keeps an order's place."""
    SIZE_ALREADY_FILLED = 18
    """The amended size is no more than what has been filled."""


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
    self_trade: SelfTrade = SelfTrade.NONE
    quote_units: int | None = None
    """A market order for as much as this is worth in quote currency; ``size_lots`` is then 0."""
    words: Mapping[str, str] = {}
    """What a dialect keeps with the order to tell of it later: its own names for the type, a tag."""


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


class PreventedMatch(NamedTuple):
    """A trade that self-trade prevention did not let happen, and what each side lost instead; 0: it lost nothing."""

    match_id: int
    taker_order_id: int
    maker_order_id: int
    mode: SelfTrade
    trade_group: int | None
    price_ticks: int
    size_lots: int
    """What they would have traded."""
    taker_lots: int
    maker_lots: int
    time_ms: int


class Order:
    """An order and what has become of it. Amounts are in units of the quote asset."""

    __slots__ = (
        "account",
        "client_id",
        "created_ms",
        "end_reason",
        "executions",
        "filled_lots",
        "listing",
        "order_id",
        "order_type",
        "prevented_lots",
        "prevented_matches",
        "price_ticks",
        "quote_size_units",
        "quote_units",
        "reduce_only",
        "reserved_units",
        "self_trade",
        "side",
        "size_lots",
        "status",
        "time_in_force",
        "updated_ms",
        "words",
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
        self.quote_size_units = wanted.quote_units or 0
        self.reduce_only = wanted.reduce_only
        self.self_trade = wanted.self_trade
        self.words = dict(wanted.words)
        self.filled_lots = 0
        self.prevented_lots = 0
        self.quote_units = 0
        self.reserved_units = 0
        self.status = OrderStatus.NEW
        self.end_reason: EndReason | None = None
        self.executions: list[Execution] = []
        self.prevented_matches: list[PreventedMatch] = []
        self.created_ms = now_ms
        self.updated_ms = now_ms

    @property
    def remaining_lots(self) -> int:
        """What may still trade."""
        return self.size_lots - self.filled_lots - self.prevented_lots

    @property
    def limit_ticks(self) -> int | None:
        """The worst price it accepts; None for a market order."""
        return None if self.order_type is OrderType.MARKET else self.price_ticks


class EventKind(Enum):
    NEW = "NEW"
    TRADE = "TRADE"
    AMENDED = "AMENDED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    TRADE_PREVENTION = "TRADE_PREVENTION"


class OrderEvent(NamedTuple):
    """One step in an order's life, with the order's state as it was right after that step."""

    kind: EventKind
    order: Order
    status: OrderStatus
    filled_lots: int
    quote_units: int
    execution: Execution | None
    cancel_client_id: str
    """The id the owner gave to the cancel, or the order's id before it was amended; else empty."""
    time_ms: int
    prevented: PreventedMatch | None = None


class PublicTrade(NamedTuple):
    """What the public sees of one execution."""

    listing: Listing
    trade_id: int
    price_ticks: int
    size_lots: int
    buyer_is_maker: bool
    time_ms: int
