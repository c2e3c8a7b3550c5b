"""Binance's way to write numbers: fixed decimals, as in ``"61837.63000000"``, and how such text is read back."""

from __future__ import annotations

import re

from graphwiz_trader.hft.instruments import UNIT_DECIMALS
from graphwiz_trader.venues.simulated.binance.errors import PRICE_PATTERN, BinanceError
from graphwiz_trader.venues.simulated.listing import AMOUNT_DECIMALS, AMOUNT_STEP_UNITS, Listing
from graphwiz_trader.venues.simulated.orders import OrderRefusedError, Refusal

_DECIMAL = re.compile(PRICE_PATTERN)


class Numbers:
    """The number forms of one listing. Prices in ticks, sizes in lots, both as decimal text."""

    def __init__(self, listing: Listing) -> None:
        instrument = listing.instrument
        self.price_decimals = listing.price_decimals
        self.size_decimals = listing.size_decimals
        self.lot_units = instrument.lot_units
        self._tick_units = instrument.tick_units
        self._price_step_ticks = instrument.price_step_ticks
        self._size_step_lots = instrument.size_step_lots
        self._price_factor: int = instrument.tick_units // 10 ** (UNIT_DECIMALS - listing.price_decimals)
        self._size_factor: int = instrument.lot_units // 10 ** (UNIT_DECIMALS - listing.size_decimals)

    def price(self, price_ticks: int) -> str:
        return fixed(self.price_mantissa(price_ticks), self.price_decimals)

    def size(self, size_lots: int) -> str:
        return fixed(self.size_mantissa(size_lots), self.size_decimals)

    def price_mantissa(self, price_ticks: int) -> int:
        """The price times ten to the ``price_decimals``."""
        return price_ticks * self._price_factor

    def size_mantissa(self, size_lots: int) -> int:
        return size_lots * self._size_factor

    def price_ticks(self, name: str, text: str) -> int:
        """Raises BinanceError for what is no decimal, OrderRefusedError for what is between two price steps."""
        ticks = _steps(name, text, self._tick_units, Refusal.PRICE_OFF_TICK)
        if ticks % self._price_step_ticks:
            raise OrderRefusedError(Refusal.PRICE_OFF_TICK)
        return ticks

    def size_lots(self, name: str, text: str) -> int:
        """Raises BinanceError for what is no decimal, OrderRefusedError for what is between two size steps."""
        lots = _steps(name, text, self.lot_units, Refusal.SIZE_OFF_LOT)
        if lots % self._size_step_lots:
            raise OrderRefusedError(Refusal.SIZE_OFF_LOT)
        return lots

    def quote_units(self, name: str, text: str) -> int:
        """An amount of the quote asset. Raises BinanceError for what is none."""
        return _steps(name, text, AMOUNT_STEP_UNITS, Refusal.SIZE_OFF_LOT) * AMOUNT_STEP_UNITS


def fixed(value: int, decimals: int) -> str:
    """``value × 10^-decimals`` with all its decimals: (6183763000000, 8) → ``"61837.63000000"``."""
    if decimals == 0:
        return str(value)
    digits = str(abs(value)).zfill(decimals + 1)
    return f"{'-' if value < 0 else ''}{digits[:-decimals]}.{digits[-decimals:]}"


def amount(units: int) -> str:
    """An asset amount with eight decimals; a finer rest is cut off."""
    return fixed(units // AMOUNT_STEP_UNITS, AMOUNT_DECIMALS)


def _steps(name: str, text: str, step_units: int, refusal: Refusal) -> int:
    if not _DECIMAL.fullmatch(text):
        raise BinanceError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{PRICE_PATTERN}'.")
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > AMOUNT_DECIMALS:
        raise BinanceError(-1111, f"Parameter '{name}' has too much precision.")
    steps, rest = divmod(int(whole + fraction.ljust(UNIT_DECIMALS, "0")), step_units)
    if rest:
        raise OrderRefusedError(refusal)
    return steps
