"""What the journal's JSON payloads look like to an observer: one Struct a record kind, and how to decode it.

What the core writes as Structs of its own is read as those. Of the rest an observer reads what it needs: every
field declared here but the identifying ones has a default, and unknown fields are passed over.
"""

from __future__ import annotations

import msgspec

from graphwiz_trader.hft.events import Fill, Opportunity, RecordKind
from graphwiz_trader.hft.instruments import Instrument
from graphwiz_trader.hft.performance import Latency
from graphwiz_trader.hft.pulse import Pulse
from graphwiz_trader.hft.records import (
    ClockOffset,
    LegsEvent,
    LineChange,
    Notice,
    OrderSent,
    OrderUpdate,
    RiskEvent,
    SessionEnd,
    TrustChange,
)


class Line(msgspec.Struct, frozen=True):
    """One connection to a venue; MARKET_FRAME, ORDER_FRAME and LINE records name it as their source."""

    line: int
    exchange: str
    role: str = ""


class GraphKeys(msgspec.Struct, frozen=True):
    """What of a session belongs into the graph, as it was configured."""

    store_trades: bool = True
    store_patterns: bool = True
    analyze_correlations: bool = True


class Configuration(msgspec.Struct, frozen=True):
    """What observers read of a session's configuration."""

    knowledge_graph: GraphKeys = GraphKeys()


class Session(msgspec.Struct, frozen=True):
    """The first record of a journal: what runs, on which instruments, over which lines."""

    session: str
    started_ns: int = 0
    mode: str = ""
    version: str = ""
    instruments: tuple[Instrument, ...] = ()
    lines: tuple[Line, ...] = ()
    strategies: tuple[str, ...] = ()
    config: Configuration = Configuration()


Measurement = Pulse | Latency | ClockOffset
Edge = LineChange | TrustChange | Notice
Event = Session | RiskEvent | LegsEvent | OrderSent | OrderUpdate | Fill | Opportunity | SessionEnd
Payload = Measurement | Edge | Event

_DECODERS: dict[int, msgspec.json.Decoder[Payload]] = {
    kind: msgspec.json.Decoder(struct)
    for kind, struct in (
        (RecordKind.SESSION, Session),
        (RecordKind.PULSE, Pulse),
        (RecordKind.LATENCY, Latency),
        (RecordKind.CLOCK, ClockOffset),
        (RecordKind.LINE, LineChange),
        (RecordKind.TRUST, TrustChange),
        (RecordKind.RISK, RiskEvent),
        (RecordKind.NOTICE, Notice),
        (RecordKind.LEGS, LegsEvent),
        (RecordKind.ORDER, OrderSent),
        (RecordKind.ORDER_UPDATE, OrderUpdate),
        (RecordKind.FILL, Fill),
        (RecordKind.OPPORTUNITY, Opportunity),
        (RecordKind.END, SessionEnd),
    )
}


def decode(kind: int, payload: bytes) -> Payload | None:
    """The payload as its Struct, or None for a kind that observers do not read.

    Raises msgspec.DecodeError when the payload is not what its kind promises.
    """
    decoder = _DECODERS.get(kind)
    return None if decoder is None else decoder.decode(payload)
