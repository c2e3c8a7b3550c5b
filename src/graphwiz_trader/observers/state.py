"""What an observer knows about the trader: plain values to draw in a terminal or to send to a page as JSON.

Prices, sizes and money are decimal text exactly as the journal gave them. Times are milliseconds since the
epoch, because a browser's numbers hold those exactly. Every list is bounded, see the limits below.
"""

from __future__ import annotations

import msgspec

from graphwiz_trader.hft.performance import Latency
from graphwiz_trader.hft.pulse import Counts, PnlPulse, PositionPulse, RiskPulse
from graphwiz_trader.hft.strategies.base import Performance

OPPORTUNITIES_MAX = 40
ORDERS_MAX = 80
FILLS_MAX = 60
RISK_EVENTS_MAX = 30
NOTICES_MAX = 20


class BookView(msgspec.Struct):
    """The top of one book. ``trust`` is the lower-case name of the book's trust state."""

    book: int
    exchange: str
    symbol: str
    trust: str = "syncing"
    reason: str = ""
    """Why the trust state last changed."""
    bid: str | None = None
    bid_size: str | None = None
    ask: str | None = None
    ask_size: str | None = None
    spread_bps: float | None = None
    age_ms: float | None = None
    updates: int = 0
    updates_per_s: float = 0.0


class LineView(msgspec.Struct):
    """One connection to an exchange. ``role`` is ``market`` or ``orders``; of several for market data one is spare."""

    line: int
    role: str
    up: bool = False
    reason: str = ""
    """Why it last came up or broke."""
    breaks: int = 0
    frames: int = 0
    news: int = 0
    """Of market data: messages that it was the first of its exchange's lines to bring."""


class VenueView(msgspec.Struct):
    """One exchange: its lines, what came in over them, its clock, and how many of its books may be traded on."""

    exchange: str
    books: int = 0
    live: int = 0
    frames: int = 0
    frames_per_s: float = 0.0
    order_frames: int = 0
    clock_offset_ms: float | None = None
    """How far its clock is ahead of ours, give or take the error; None until it was measured."""
    clock_error_ms: float | None = None
    lines: list[LineView] = msgspec.field(default_factory=list)

    @property
    def lines_up(self) -> int:
        """For market data."""
        return sum(line.up and line.role == "market" for line in self.lines)


class OpportunityView(msgspec.Struct, frozen=True):
    """A price difference between two venues, net of fees, as the engine saw it."""

    time_ms: int
    symbol: str
    buy: str
    """The exchange to buy on."""
    buy_price: str
    sell: str
    sell_price: str
    size: str
    net_bps: float


class OrderView(msgspec.Struct):
    """One order. ``state`` is the lower-case name of its state; ``filled`` is None until the venue says."""

    client_id: str
    time_ms: int
    exchange: str
    symbol: str
    strategy: str
    side: str
    kind: str
    """Type and time in force, as ``limit ioc``."""
    price: str
    size: str
    filled: str | None = None
    state: str = "sent"
    reason: str = ""
    legs: int = 0
    final: bool = False


class FillView(msgspec.Struct, frozen=True):
    """One execution."""

    time_ms: int
    exchange: str
    symbol: str
    strategy: str
    client_id: str
    side: str
    price: str
    size: str
    fee: str
    fee_asset: str
    maker: bool


class PositionView(msgspec.Struct, frozen=True):
    """One book's position with its names."""

    exchange: str
    symbol: str
    base: str
    quote: str
    position: PositionPulse


class RiskEventView(msgspec.Struct, frozen=True):
    """One refusal or change of the breaker."""

    time_ms: int
    event: str
    reason: str
    detail: str


class NoticeView(msgspec.Struct):
    """Something unusual and how often it happened."""

    time_ms: int
    what: str
    kind: str
    count: int


class Rates(msgspec.Struct, frozen=True):
    """Events a second over the last few seconds of journal time."""

    frames: float = 0.0
    refused: float = 0.0
    opportunities: float = 0.0
    decisions: float = 0.0
    orders: float = 0.0
    fills: float = 0.0
    refusals: float = 0.0


class TraderState(msgspec.Struct):
    """Everything there is to show about one session, as of the last record read."""

    session: str = ""
    mode: str = ""
    version: str = ""
    started_ms: int = 0
    time_ms: int = 0
    """The time of the last record."""
    pulses: int = 0
    ended: bool = False
    end_reason: str = ""
    venues: list[VenueView] = []
    books: list[BookView] = []
    opportunities: list[OpportunityView] = []
    """Newest first, as are orders, fills, risk events and notices."""
    orders: list[OrderView] = []
    open_orders: int = 0
    fills: list[FillView] = []
    positions: list[PositionView] = []
    pnl: PnlPulse = PnlPulse()
    pnl_history: list[tuple[int, str]] = []
    """(time_ms, net PnL), oldest first, over the whole session; points thin out as it grows."""
    counts: Counts = msgspec.field(default_factory=Counts)
    rates: Rates = Rates()
    latency: Latency = Latency()
    risk: RiskPulse = RiskPulse()
    risk_events: list[RiskEventView] = []
    refusals_by_reason: dict[str, int] = {}
    strategies: tuple[Performance, ...] = ()
    notices: list[NoticeView] = []
    records: int = 0
    unreadable: dict[str, int] = {}
    """Records whose payload was not what their kind promises, by kind."""
