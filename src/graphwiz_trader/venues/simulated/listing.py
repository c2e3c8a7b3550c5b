"""What a simulated venue lists: an instrument with the limits an order must keep and the way its numbers are written.

The venue's own rule texts (filters) are the dialect's business; here are only the numbers behind them.
"""

from __future__ import annotations

from typing import Self

import msgspec

from graphwiz_trader.hft.instruments import (
    MONEY_DECIMALS,
    PPM,
    UNIT_DECIMALS,
    Instrument,
    decimals_of,
    units_from_text,
)

AMOUNT_DECIMALS = 8
"""Venues keep asset amounts with eight decimals; what two sides of a trade exchange is a multiple of that."""
AMOUNT_STEP_UNITS: int = 10 ** (UNIT_DECIMALS - AMOUNT_DECIMALS)
_MONEY_A_STEP: int = 10 ** (MONEY_DECIMALS - AMOUNT_DECIMALS)


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """One listed instrument."""

    instrument: Instrument
    price_decimals: int
    size_decimals: int
    lot_value_money: int
    """What one lot is worth per tick of price."""
    max_price_ticks: int
    linear: bool = False
    """A derivative, settled in its quote: it moves positions, where spot swaps assets."""
    max_open_orders: int = 200
    price_up_ppm: int = 5 * PPM
    """A limit price stays below the last price times this."""
    price_down_ppm: int = PPM // 5

    @classmethod
    def of(
        cls, instrument: Instrument, *, price_decimals: int = 0, size_decimals: int = 0, linear: bool = False
    ) -> Self:
        """List an instrument. The decimals are at least those of its tick and lot."""
        return cls(
            instrument=instrument,
            price_decimals=max(price_decimals, decimals_of(instrument.tick_size)),
            size_decimals=max(size_decimals, decimals_of(instrument.lot_size)),
            lot_value_money=instrument.tick_lot_money,
            max_price_ticks=10**6 * 10**UNIT_DECIMALS // instrument.tick_units,
            linear=linear,
        )

    @property
    def symbol(self) -> str:
        """The venue's spelling."""
        return self.instrument.venue_symbol

    def notional_units(self, price_ticks: int, size_lots: int) -> int:
        """What buyer pays and seller gets, in units of the quote asset, cut down to eight decimals."""
        return price_ticks * size_lots * self.lot_value_money // _MONEY_A_STEP * AMOUNT_STEP_UNITS

    @property
    def is_spot(self) -> bool:
        return not (self.linear or self.instrument.inverse)

    def traded_units(self, price_ticks: int, size_lots: int) -> int:
        """What venues tell a trade's amount as: the quote asset that was paid; of inverse contracts, which have a fixed
        worth in it, the base asset that this was at the price."""
        instrument = self.instrument
        if not instrument.inverse:
            return self.notional_units(price_ticks, size_lots)
        whole: int = 10**UNIT_DECIMALS
        return self._worth_units(size_lots) * whole // (price_ticks * instrument.tick_units)

    def exchanged_units(self, size_lots: int, traded_units: int) -> tuple[int, int]:
        """What was paid in the quote asset, and what of the base asset for it, in trades of so many lots and of that
        amount (`traded_units`)."""
        if not self.instrument.inverse:
            return traded_units, size_lots * self.instrument.lot_units
        return self._worth_units(size_lots), traded_units

    def _worth_units(self, size_lots: int) -> int:
        """Of inverse contracts, in their quote asset; 0 where that is not known."""
        return size_lots * units_from_text(self.instrument.contract_value or "0")

    def lots_worth(self, price_ticks: int, quote_units: int) -> int:
        """The most lots whose notional at that price is no more than that amount of the quote asset."""
        return quote_units // AMOUNT_STEP_UNITS * _MONEY_A_STEP // (price_ticks * self.lot_value_money)


def fee_units(amount_units: int, rate_ppm: int) -> int:
    """A fee on an amount, cut down to eight decimals."""
    return amount_units * rate_ppm // (PPM * AMOUNT_STEP_UNITS) * AMOUNT_STEP_UNITS
