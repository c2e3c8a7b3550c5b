"""What is traded where: an instrument's names, its tick and lot, its order limits and fees.

Inside the core a price is a whole number of ticks and a size a whole number of lots. This module is the only
place that turns venue text into those integers and back, and the only one that knows what a tick times a lot
is worth. No float appears: a text that is not a whole number of ticks or lots is an error.

Units
-----
``*_ticks``   price / tick size                    ``*_lots``   size / lot size
``*_units``   a price or an asset amount × 10^12    ``*_money``  a quote amount × 10^24 (= units × units)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Context, Decimal
from functools import cached_property

import msgspec

from graphwiz_trader.hft.events import Side

UNIT_DECIMALS = 12
"""Prices and asset amounts are exact to this many decimals; no venue quotes finer."""
MONEY_DECIMALS = 2 * UNIT_DECIMALS
"""A price in units times an amount in units is money, exactly."""
PPM = 1_000_000
"""Fee rates are parts per million: 0.1 % is 1,000 ppm."""

_EXACT = Context(prec=100)
_MAX_TEXT = 64


class NotRepresentableError(ValueError):
    """A decimal text is no whole number of the instrument's ticks, lots or units."""


def units_from_text(text: str) -> int:
    """``"0.00001234"`` → 12_340_000 (× 10^-12). Raises NotRepresentableError for what does not fit exactly."""
    return _scaled(text, UNIT_DECIMALS)


def text_from_units(units: int) -> str:
    """The shortest decimal text of an amount in units."""
    return _plain(units, UNIT_DECIMALS)


def text_from_money(money: int) -> str:
    """The shortest decimal text of an amount of money."""
    return _plain(money, MONEY_DECIMALS)


def money_from_text(text: str) -> int:
    """``"12.5"`` → 125 × 10^23. Raises NotRepresentableError for what does not fit exactly."""
    return _scaled(text, MONEY_DECIMALS)


class Instrument(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One symbol on one exchange. ``book`` is its row in the books array and its id everywhere in the core."""

    book: int
    exchange: str
    symbol: str
    """Unified, as ``BTC/USDT``."""
    venue_symbol: str
    """As the venue spells it, ``BTCUSDT``."""
    base: str
    quote: str
    tick_size: str
    lot_size: str
    """The finest price and size that stand in the book. Resting orders outlive a venue's coarser rules, so these may
    be finer than what may be ordered; that is said by the two steps."""
    price_step_ticks: int = 1
    size_step_lots: int = 1
    """An order's price and size must be multiples of these."""
    min_size_lots: int = 1
    max_size_lots: int = 2**53
    min_notional: str = "0"
    maker_fee_ppm: int = 1_000
    taker_fee_ppm: int = 1_000
    can_short: bool = False
    """A derivative may be sold without being held; a spot instrument may not."""
    contract_size: str = "1"
    """What a size of 1 is in the base asset: venues count some derivatives in contracts, in books and in orders."""
    inverse: bool = False
    """Worth a fixed amount of the quote and settled in the base: size times price is not what it is worth."""
    contract_value: str = ""
    """What a size of 1 of an inverse contract is always worth in the quote asset: on Binance COIN-M 100 USD of BTC's,
    10 USD of the others'. Its sizes, in books and in orders, are whole contracts, no amount of the base."""

    @cached_property
    def size_step_units(self) -> int:
        return self.size_step_lots * self.lot_units

    @cached_property
    def tick_units(self) -> int:
        return units_from_text(self.tick_size)

    @cached_property
    def lot_units(self) -> int:
        """One lot in the base asset."""
        return units_from_text(f"{_EXACT.multiply(Decimal(self.lot_size), Decimal(self.contract_size)):f}")

    @cached_property
    def tick_lot_money(self) -> int:
        """What one lot is worth per tick of price."""
        return self.tick_units * self.lot_units

    @cached_property
    def min_notional_money(self) -> int:
        return money_from_text(self.min_notional)

    def notional_money(self, price_ticks: int, size_lots: int) -> int:
        return price_ticks * size_lots * self.tick_lot_money

    def on_price_step(self, side: Side, price_ticks: int) -> int:
        """The nearest price that may be ordered and is no worse: down for a purchase, up for a sale."""
        step = self.price_step_ticks
        return price_ticks // step * step if side is Side.BUY else -(-price_ticks // step) * step

    def takes(self, price_ticks: int, size_lots: int) -> bool:
        """Whether the venue's rules allow an order of this price and size."""
        return (
            self.min_size_lots <= size_lots <= self.max_size_lots
            and size_lots % self.size_step_lots == 0
            and price_ticks % self.price_step_ticks == 0
            and self.notional_money(price_ticks, size_lots) >= self.min_notional_money
        )

    def price_text(self, price_ticks: int) -> str:
        return fixed_text(price_ticks, self.tick_size)

    def size_text(self, size_lots: int) -> str:
        return fixed_text(size_lots, self.lot_size)

    def ticks_from_text(self, text: str) -> int:
        return _multiple(text, self.tick_units, f"{self.exchange} {self.symbol}: price", "tick", self.tick_size)

    def lots_from_text(self, text: str) -> int:
        lot_units = units_from_text(self.lot_size)
        return _multiple(text, lot_units, f"{self.exchange} {self.symbol}: size", "lot", self.lot_size)


class Instruments:
    """The session's instruments, indexed by book id and by (exchange, symbol)."""

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self._by_book = tuple(instruments)
        for row, instrument in enumerate(self._by_book):
            if instrument.book != row:
                raise ValueError(f"instrument {instrument.symbol} stands in row {row} but names book {instrument.book}")
        self._by_name = {(i.exchange, i.symbol): i for i in self._by_book}
        self._by_venue_name = {(i.exchange, i.venue_symbol): i for i in self._by_book}

    def __len__(self) -> int:
        return len(self._by_book)

    def __iter__(self) -> Iterator[Instrument]:
        return iter(self._by_book)

    def __getitem__(self, book: int) -> Instrument:
        return self._by_book[book]

    def find(self, exchange: str, symbol: str) -> Instrument:
        """Raises KeyError with what is known when the pair is not."""
        found = self._by_name.get((exchange, symbol))
        if found is None:
            known = ", ".join(f"{i.exchange} {i.symbol}" for i in self._by_book)
            raise KeyError(f"no instrument {symbol} on {exchange}; known: {known}")
        return found

    def by_venue_symbol(self, exchange: str, venue_symbol: str) -> Instrument | None:
        return self._by_venue_name.get((exchange, venue_symbol))

    def on_exchange(self, exchange: str) -> tuple[Instrument, ...]:
        return tuple(i for i in self._by_book if i.exchange == exchange)

    @property
    def exchanges(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(i.exchange for i in self._by_book))

    def same_symbol(self, book: int) -> tuple[int, ...]:
        """The books of the same unified symbol on the other exchanges, whose sizes can be compared with its own.

        Those of inverse contracts compare with nothing: how much of the base they are changes with the price.
        """
        own = self._by_book[book]
        alike = (i for i in self._by_book if i.symbol == own.symbol and i.book != book)
        return tuple(i.book for i in alike if not (i.inverse or own.inverse))


def decimals_of(step: str) -> int:
    """How many decimals a tick or lot size needs: ``"0.0100"`` → 2, ``"5"`` → 0."""
    exponent = Decimal(step).normalize(_EXACT).as_tuple().exponent
    if not isinstance(exponent, int):
        raise NotRepresentableError(f"{step!r} is not a step size")
    return max(0, -exponent)


def fixed_text(count: int, step: str) -> str:
    """``count × step`` with the step's own number of decimals: (6183763, "0.01") → ``"61837.63"``."""
    return f"{_EXACT.multiply(Decimal(count), Decimal(step)):.{decimals_of(step)}f}"


def _multiple(text: str, step_units: int, what: str, step_name: str, step: str) -> int:
    count, rest = divmod(units_from_text(text), step_units)
    if rest:
        raise NotRepresentableError(f"{what} {text} is not a multiple of the {step_name} {step}")
    return count


def _scaled(text: str, decimals: int) -> int:
    if len(text) > _MAX_TEXT:
        raise NotRepresentableError(f"a number of {len(text)} characters")
    try:
        value = Decimal(text)
    except ArithmeticError:
        raise NotRepresentableError(f"{text!r} is not a decimal number") from None
    if not value.is_finite() or abs(value.adjusted()) > _MAX_TEXT:
        raise NotRepresentableError(f"{text!r} is out of range")
    scaled = _EXACT.scaleb(value, decimals)
    whole = int(scaled)
    if whole != scaled:
        raise NotRepresentableError(f"{text} has more than {decimals} decimals")
    return whole


def _plain(count: int, decimals: int) -> str:
    return f"{_EXACT.scaleb(Decimal(count), -decimals).normalize(_EXACT):f}"
