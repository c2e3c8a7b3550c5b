"""What the journal's JSON payloads look like to an observer: one Struct a record kind, and how to decode it.

What the core writes as Structs of its own is read as those. Observers read journals of other versions too, so
every field declared here but the identifying ones has a default, and unknown fields are ignored. Prices and
amounts in measurements are decimal text and stay text.
"""

from __future__ import annotations

import msgspec

from graphwiz_trader.hft.events import Fill, Opportunity, RecordKind, Trust
from graphwiz_trader.hft.instruments import Instrument
from graphwiz_trader.hft.records import LegsEvent, Notice, OrderSent, OrderUpdate, RiskEvent


class Line(msgspec.Struct, frozen=True):
    """One connection to a venue; MARKET_FRAME, ORDER_FRAME and LINE records name it as their source."""

    line: int
    exchange: str
    role: str = ""


class Session(msgspec.Struct, frozen=True):
    """The first record of a journal: what runs, on which instruments, over which lines."""

    session: str
    started_ns: int = 0
    mode: str = ""
    version: str = ""
    instruments: tuple[Instrument, ...] = ()
    lines: tuple[Line, ...] = ()
    strategies: tuple[str, ...] = ()


class BookPulse(msgspec.Struct, frozen=True):
    """The top of one book. Prices are None while the book is unknown; ``age_ms`` since its last update."""

    book: int
    trust: Trust = Trust.SYNCING
    bid: str | None = None
    bid_size: str | None = None
    ask: str | None = None
    ask_size: str | None = None
    spread_bps: float | None = None
    updates: int = 0
    age_ms: float | None = None


class PositionPulse(msgspec.Struct, frozen=True):
    """One book's position; the size in base currency, the rest in quote currency."""

    book: int
    size: str = "0"
    average_price: str | None = None
    realised: str = "0"
    unrealised: str | None = None
    fees: str = "0"


class Pnl(msgspec.Struct, frozen=True):
    """The session's result in quote currency; ``net`` = realised + unrealised − fees."""

    realised: str = "0"
    unrealised: str = "0"
    fees: str = "0"
    net: str = "0"


class Counts(msgspec.Struct, frozen=True):
    """How often each thing happened since the session began."""

    frames: int = 0
    refused: int = 0
    opportunities: int = 0
    decisions: int = 0
    orders: int = 0
    fills: int = 0
    refusals: int = 0


class RiskPulse(msgspec.Struct, frozen=True):
    """The breaker's state (``ok`` or ``tripped``) and the exposure beside its limit, in quote currency."""

    state: str = "ok"
    reason: str = ""
    exposure: str = "0"
    max_exposure: str = "0"


class StrategyPulse(msgspec.Struct, frozen=True):
    """One strategy's own account of its performance, in quote currency."""

    name: str
    trades: int = 0
    pnl: str = "0"
    profit: str = "0"
    loss: str = "0"
    win_rate: float | None = None
    active: bool = True


class Pulse(msgspec.Struct, frozen=True):
    """The trader's measurement of itself, ten times a second."""

    books: tuple[BookPulse, ...] = ()
    positions: tuple[PositionPulse, ...] = ()
    pnl: Pnl = Pnl()
    counts: Counts = Counts()
    open_orders: int = 0
    risk: RiskPulse = RiskPulse()
    strategies: tuple[StrategyPulse, ...] = ()


class Percentiles(msgspec.Struct, frozen=True):
    """A latency distribution in nanoseconds, cumulative since the session began."""

    count: int = 0
    p50: float | None = None
    p90: float | None = None
    p99: float | None = None
    p999: float | None = None
    max: float | None = None


class Latency(msgspec.Struct, frozen=True):
    """From a frame's arrival until the engine is done, until its order is sent, until that is answered."""

    processing_ns: Percentiles = Percentiles()
    order_ns: Percentiles = Percentiles()
    round_trip_ns: Percentiles = Percentiles()


class TrustChange(msgspec.Struct, frozen=True):
    """A book's trust state changed."""

    book: int
    trust: Trust
    was: Trust | None = None
    reason: str = ""


class End(msgspec.Struct, frozen=True):
    """The last record of a session that was closed in order."""

    reason: str = ""


Measurement = Pulse | Latency
Event = Session | TrustChange | RiskEvent | Notice | LegsEvent | OrderSent | OrderUpdate | Fill | Opportunity | End
Payload = Measurement | Event

_DECODERS: dict[int, msgspec.json.Decoder[Payload]] = {
    kind: msgspec.json.Decoder(struct)
    for kind, struct in (
        (RecordKind.SESSION, Session),
        (RecordKind.PULSE, Pulse),
        (RecordKind.LATENCY, Latency),
        (RecordKind.TRUST, TrustChange),
        (RecordKind.RISK, RiskEvent),
        (RecordKind.NOTICE, Notice),
        (RecordKind.LEGS, LegsEvent),
        (RecordKind.ORDER, OrderSent),
        (RecordKind.ORDER_UPDATE, OrderUpdate),
        (RecordKind.FILL, Fill),
        (RecordKind.OPPORTUNITY, Opportunity),
        (RecordKind.END, End),
    )
}


def decode(kind: int, payload: bytes) -> Payload | None:
    """The payload as its Struct, or None for a kind that observers do not read.

    Raises msgspec.DecodeError when the payload is not what its kind promises.
    """
    decoder = _DECODERS.get(kind)
    return None if decoder is None else decoder.decode(payload)
