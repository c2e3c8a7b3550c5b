"""OKX's way to write numbers: as short as they are, as in ``"31738.2"`` and ``"31738"``; and how such text is read."""

from __future__ import annotations

import re

from graphwiz_trader.hft.instruments import UNIT_DECIMALS, NotRepresentableError, decimals_of, units_from_text
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.okx import errors
from graphwiz_trader.venues.simulated.orders import OrderRefusedError, Refusal

_DECIMAL = re.compile(r"^[0-9]{1,20}(\.[0-9]{1,20})?$")


class Numbers:
    """The number forms of one listing: prices in ticks, sizes in lots, both as decimal text.

    A derivative's sizes are in contracts.
    """

    def __init__(self, listing: Listing) -> None:
        instrument = listing.instrument
        self._price_decimals, self._size_decimals = (
            decimals_of(instrument.tick_size),
            decimals_of(instrument.lot_size),
        )
        self._tick_units, self._lot_units = (units_from_text(s) for s in (instrument.tick_size, instrument.lot_size))
        self._price_factor = self._tick_units // 10 ** (UNIT_DECIMALS - self._price_decimals)
        self._size_factor = self._lot_units // 10 ** (UNIT_DECIMALS - self._size_decimals)
        self._price_step_ticks = instrument.price_step_ticks
        self._size_step_lots = instrument.size_step_lots

    def price(self, price_ticks: int) -> str:
        return plain(price_ticks * self._price_factor, self._price_decimals)

    def size(self, size_lots: int) -> str:
        return plain(size_lots * self._size_factor, self._size_decimals)

    def price_ticks(self, name: str, text: str) -> int:
        """Raises OkxError for what is no decimal, OrderRefusedError for what is between two price steps."""
        return _steps(name, text, self._tick_units, self._price_step_ticks, Refusal.PRICE_OFF_TICK)

    def size_lots(self, name: str, text: str) -> int:
        """Raises OkxError for what is no decimal, OrderRefusedError for what is between two size steps."""
        return _steps(name, text, self._lot_units, self._size_step_lots, Refusal.SIZE_OFF_LOT)


def plain(value: int, decimals: int) -> str:
    """``value × 10^-decimals`` without zeros at its end: (317382000, 4) → ``"31738.2"``."""
    if decimals == 0:
        return str(value)
    whole, rest = divmod(abs(value), 10**decimals)
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}.{rest:0{decimals}d}".rstrip("0") if rest else f"{sign}{whole}"


def amount(units: int) -> str:
    """An amount of an asset."""
    return plain(units, UNIT_DECIMALS)


def units(name: str, text: str) -> int:
    """An amount of an asset, read. Raises OkxError for what is no decimal."""
    if not _DECIMAL.fullmatch(text):
        raise errors.parameter(name)
    try:
        return units_from_text(text)
    except NotRepresentableError:
        raise errors.parameter(name) from None


def _steps(name: str, text: str, unit: int, step: int, refusal: Refusal) -> int:
    count, rest = divmod(units(name, text), unit)
    if rest or count % step:
        raise OrderRefusedError(refusal)
    return count
