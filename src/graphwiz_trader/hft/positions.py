"""Positions, their average price, profit and loss and fees, exact to the last digit.

A `PositionTracker` is fed fills and answers what is held. One tracker keeps the whole session, others of the
same class one strategy each. All amounts are integers (units 10^-12, money 10^-24, see `instruments`); whatever
the order of fills, and however a cost had to be split,

    realised + unrealised - fees == cash received - cash paid + value at the mark

holds without any rounding error. Totals over books are sums of quote amounts, so a tracker serves one quote
currency: risk refuses orders in any other.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable

import msgspec

from graphwiz_trader.hft.events import Fill
from graphwiz_trader.hft.instruments import UNIT_DECIMALS, Instrument, Instruments

_UNITS: int = 10**UNIT_DECIMALS


class Position(msgspec.Struct, gc=False):
    """What is held of one instrument since the session began: positive when long, negative when short."""

    book: int
    tick_units: int
    lot_units: int
    size_units: int = 0
    cost_money: int = 0
    """What the open size cost; negative when short: what selling it brought in."""
    realised_money: int = 0
    fees_money: int = 0
    last_price_ticks: int = 0
    """Of the last fill: the mark while the book has none."""

    @property
    def average_price_units(self) -> int:
        """The open size's average price, to the nearest unit; 0 when flat."""
        if not self.size_units:
            return 0
        return (2 * self.cost_money + self.size_units) // (2 * self.size_units)

    def value_money(self, mid2_ticks: int) -> int:
        """What the open size is worth at a mark in half ticks (bid + ask); 0 means no mark: the last fill's price."""
        return self.size_units * (mid2_ticks or 2 * self.last_price_ticks) * self.tick_units // 2

    def unrealised_money(self, mid2_ticks: int) -> int:
        return self.value_money(mid2_ticks) - self.cost_money

    def exchange(self, change_units: int, price_units: int) -> None:
        """Book a purchase (positive) or sale (negative) at a price. Invariant: realised - cost == cash received."""
        held = self.size_units
        if held * change_units >= 0:
            self.cost_money += change_units * price_units
        elif abs(change_units) < abs(held):
            released = self.cost_money * -change_units // held
            self.cost_money -= released
            self.realised_money -= change_units * price_units + released
        else:
            self.realised_money += held * price_units - self.cost_money
            self.cost_money = (held + change_units) * price_units
        self.size_units = held + change_units


class Pnl(msgspec.Struct, frozen=True, gc=False):
    """Profit and loss of a tracker at one moment, in money."""

    realised: int
    unrealised: int
    fees: int

    @property
    def net(self) -> int:
        return self.realised + self.unrealised - self.fees


class PositionTracker:
    """Applies fills to positions. Of a fee in a third asset (BNB) nobody here knows the price: see `unpriced_fees`."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments
        self._positions = tuple(Position(i.book, i.tick_units, i.lot_units) for i in instruments)
        self.open_books: list[int] = []
        """Books with a position, in ascending order. Read only."""
        self.closed_money = 0
        """Realised minus fees over all books: changes with every fill that earns, loses or costs anything."""
        self.unpriced_fees: dict[str, int] = {}
        """Fees in other assets than the instrument's own, asset → units; in no other figure."""
        self.round_trips = RoundTrips()

    def position(self, book: int) -> Position:
        return self._positions[book]

    def size_units(self, book: int) -> int:
        return self._positions[book].size_units

    def apply(self, fill: Fill) -> None:
        """Count one execution. The caller sees to it that each is counted once."""
        instrument, position, trade = self._instruments[fill.book], self._positions[fill.book], fill.trade
        price_units = trade.price_ticks * position.tick_units
        change_units = fill.side.sign * trade.size_lots * position.lot_units
        realised_before = position.realised_money
        position.last_price_ticks = trade.price_ticks
        position.exchange(change_units, price_units)
        base_fee_units = trade.fee_units if trade.fee_asset == instrument.base else 0
        if base_fee_units:
            # Taken out of what was bought: as if that part were sold at the fill's price to pay a fee in quote.
            position.exchange(-base_fee_units, price_units)
        fee_money = self._fee_money(fill, instrument, price_units)
        position.fees_money += fee_money
        self.closed_money += position.realised_money - realised_before - fee_money
        self._note_open(fill.book, position.size_units != 0)
        self.round_trips.add(
            instrument.symbol, change_units, price_units, base_fee_units, fee_money, position.lot_units
        )

    def pnl(self, mid2_ticks: Callable[[int], int]) -> Pnl:
        """Over all books; ``mid2_ticks(book)`` gives the mark, 0 where it is unknown."""
        return Pnl(
            realised=sum(p.realised_money for p in self._positions),
            unrealised=sum(self._positions[b].unrealised_money(mid2_ticks(b)) for b in self.open_books),
            fees=sum(p.fees_money for p in self._positions),
        )

    def net_money(self, mid2_ticks: Callable[[int], int]) -> int:
        """`pnl(...).net`, cheap enough to ask on every event."""
        net = self.closed_money
        for book in self.open_books:
            net += self._positions[book].unrealised_money(mid2_ticks(book))
        return net

    def _fee_money(self, fill: Fill, instrument: Instrument, price_units: int) -> int:
        asset, fee_units = fill.trade.fee_asset, fill.trade.fee_units
        if asset == instrument.quote:
            return fee_units * _UNITS
        if asset == instrument.base:
            return fee_units * price_units
        if fee_units:
            self.unpriced_fees[asset] = self.unpriced_fees.get(asset, 0) + fee_units
        return 0

    def _note_open(self, book: int, is_open: bool) -> None:
        row = bisect_left(self.open_books, book)
        was_open = row < len(self.open_books) and self.open_books[row] == book
        if is_open and not was_open:
            insort(self.open_books, book)
        elif was_open and not is_open:
            del self.open_books[row]


class _Trip(msgspec.Struct, gc=False):
    """An unfinished round trip in one symbol: what was traded, held after fees in base, received and paid."""

    traded_units: int = 0
    held_units: int = 0
    cash_money: int = 0
    fees_money: int = 0


class RoundTrips:
    """Closed round trips and what they brought, net of fees.

    A trip is closed when a symbol's purchases and sales, over ALL venues, are even again: both legs of an
    arbitrage are one trip. What a fee in base has left below one lot counts as even; a fill that turns long into
    short closes one trip at its price and opens the next.
    """

    def __init__(self) -> None:
        self.winning = 0
        self.losing = 0
        self.closed = 0
        """Winning, losing, and those that brought exactly nothing."""
        self.profit_money = 0
        self.loss_money = 0
        """Positive: what the losing trips lost."""
        self._open: dict[str, _Trip] = {}

    @property
    def win_rate(self) -> float:
        """Winning trips as a part of all closed ones, 0 while there are none."""
        return self.winning / self.closed if self.closed else 0.0

    def add(
        self,
        symbol: str,
        change_units: int,
        price_units: int,
        base_fee_units: int,
        fee_money: int,
        lot_units: int,
    ) -> None:
        trip = self._open.setdefault(symbol, _Trip())
        before = trip.traded_units
        trip.traded_units += change_units
        trip.held_units += change_units - base_fee_units
        trip.cash_money -= change_units * price_units
        trip.fees_money += fee_money
        turned = before * trip.traded_units <= 0
        if before * change_units < 0 and (turned or abs(trip.held_units) < lot_units):
            self._close(trip.cash_money + trip.traded_units * price_units - trip.fees_money)
            del self._open[symbol]
            if turned and trip.traded_units:
                rest = trip.traded_units
                self._open[symbol] = _Trip(rest, rest, -rest * price_units)

    def _close(self, result_money: int) -> None:
        self.closed += 1
        if result_money > 0:
            self.winning += 1
            self.profit_money += result_money
        elif result_money < 0:
            self.losing += 1
            self.loss_money -= result_money
