"""The engine's measurement of itself, written into the journal on every timer: all that an observer needs to show.

Amounts are exact decimal text in quote currency. Every field but the identifying ones has a default, so that a
reader of another version can still read it.
"""

from __future__ import annotations

import msgspec

from graphwiz_trader.hft.events import Trust
from graphwiz_trader.hft.instruments import text_from_money, text_from_units
from graphwiz_trader.hft.orderbook import OrderBook
from graphwiz_trader.hft.positions import PositionTracker
from graphwiz_trader.hft.strategies.base import Performance


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
    exchange_ms: int = 0
    """The venue's time of the last update."""
    clock_offset_ms: float | None = None
    """How far the venue's clock is ahead of ours, give or take the error; None until it was measured."""
    clock_error_ms: float | None = None
    silent: tuple[str, ...] = ()
    """Its streams that have stopped: depth, bbo, trades."""


class PositionPulse(msgspec.Struct, frozen=True):
    """One book's position; the size in base currency, the rest in quote currency."""

    book: int
    size: str = "0"
    average_price: str | None = None
    realised: str = "0"
    unrealised: str | None = None
    fees: str = "0"


class PnlPulse(msgspec.Struct, frozen=True):
    """The session's result; ``net`` = realised + unrealised − fees."""

    realised: str = "0"
    unrealised: str = "0"
    fees: str = "0"
    net: str = "0"


class Counts(msgspec.Struct):
    """How often each thing happened since the session began."""

    frames: int = 0
    refused: int = 0
    opportunities: int = 0
    decisions: int = 0
    orders: int = 0
    fills: int = 0
    refusals: int = 0
    leftovers: int = 0
    """Orders of earlier sessions that were found open, and cancelled."""


class RiskPulse(msgspec.Struct, frozen=True):
    """The breaker (``ok`` or ``tripped``), and the exposure beside its limit."""

    state: str = "ok"
    reason: str = ""
    exposure: str = "0"
    max_exposure: str = "0"


class Pulse(msgspec.Struct, frozen=True):
    """PULSE: one moment of the session."""

    books: tuple[BookPulse, ...] = ()
    positions: tuple[PositionPulse, ...] = ()
    pnl: PnlPulse = PnlPulse()
    counts: Counts = msgspec.field(default_factory=Counts)
    news_by_line: tuple[int, ...] = ()
    """By market data line, from line 0: how many messages it was the first of its exchange's to bring."""
    open_orders: int = 0
    risk: RiskPulse = RiskPulse()
    strategies: tuple[Performance, ...] = ()


def book_pulse(book: OrderBook, now_ns: int) -> BookPulse:
    """The top of one book at ``now_ns``."""
    instrument = book.instrument
    bid, ask, clock = book.best_bid, book.best_ask, book.clock
    return BookPulse(
        book=instrument.book,
        trust=book.trust,
        bid=instrument.price_text(bid[0]) if bid else None,
        bid_size=instrument.size_text(bid[1]) if bid else None,
        ask=instrument.price_text(ask[0]) if ask else None,
        ask_size=instrument.size_text(ask[1]) if ask else None,
        spread_bps=book.spread_bps,
        updates=book.updates,
        age_ms=(now_ns - book.received_ns) / 1e6 if book.received_ns else None,
        exchange_ms=book.exchange_time_ns // 1_000_000,
        clock_offset_ms=clock.offset_ns / 1e6 if clock else None,
        clock_error_ms=clock.error_ns / 1e6 if clock else None,
        silent=tuple(stream.name.lower() for stream in book.silent_streams),
    )


def position_pulses(positions: PositionTracker, books: tuple[OrderBook, ...]) -> tuple[PositionPulse, ...]:
    """Every position that is open or has ever been."""
    pulses = []
    for book in books:
        position = positions.position(book.instrument.book)
        if position.last_price_ticks:
            pulses.append(
                PositionPulse(
                    book=position.book,
                    size=text_from_units(position.size_units),
                    average_price=text_from_units(position.average_price_units),
                    realised=text_from_money(position.realised_money),
                    unrealised=text_from_money(position.unrealised_money(book.mid2_ticks)),
                    fees=text_from_money(position.fees_money),
                )
            )
    return tuple(pulses)


def pnl_pulse(positions: PositionTracker, books: tuple[OrderBook, ...]) -> PnlPulse:
    """Realised, unrealised, fees and net over all books."""
    pnl = positions.pnl(lambda book: books[book].mid2_ticks)
    return PnlPulse(
        realised=text_from_money(pnl.realised),
        unrealised=text_from_money(pnl.unrealised),
        fees=text_from_money(pnl.fees),
        net=text_from_money(pnl.net),
    )
