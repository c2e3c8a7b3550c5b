"""One instrument as risk keeps it: the venue's rules as integers, and what orders have reserved in it."""

from __future__ import annotations

import msgspec

from graphwiz_trader.hft.instruments import Instrument, money_from_text


class BookLedger(msgspec.Struct, gc=False):
    """Rules first, reservations last; lots and money by side."""

    tick_lot_money: int
    lot_units: int
    price_step_ticks: int
    size_step_lots: int
    min_size_lots: int
    max_size_lots: int
    min_notional_money: int
    min_notional_tick_lots: int
    can_short: bool
    is_counted: bool
    """Its notional is an amount of the risk currency."""
    inverse: bool
    quote: str
    name: str
    inventory_units: int
    buy_lots: int = 0
    sell_lots: int = 0
    buy_money: int = 0
    sell_money: int = 0


def ledger_of(instrument: Instrument, currency: str, inventory_lots: int) -> BookLedger:
    """``currency``: what limits are counted in. ``inventory_lots``: what may be sold without being our position."""
    tick_lot_money, min_notional_money = instrument.tick_lot_money, money_from_text(instrument.min_notional)
    return BookLedger(
        tick_lot_money=tick_lot_money,
        lot_units=instrument.lot_units,
        price_step_ticks=instrument.price_step_ticks,
        size_step_lots=instrument.size_step_lots,
        min_size_lots=instrument.min_size_lots,
        max_size_lots=instrument.max_size_lots,
        min_notional_money=min_notional_money,
        min_notional_tick_lots=-(-min_notional_money // tick_lot_money),
        can_short=instrument.can_short,
        is_counted=instrument.quote == currency and not instrument.inverse,
        inverse=instrument.inverse,
        quote=instrument.quote,
        name=f"{instrument.exchange} {instrument.symbol}",
        inventory_units=inventory_lots * instrument.lot_units,
    )
