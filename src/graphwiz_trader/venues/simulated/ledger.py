"""How a trade moves assets: a spot ledger swaps base for quote, a linear ledger moves positions and their profit.

Both are exact: every amount is a whole number of units, each trade moves what it takes from one account to
another, and the fee to the venue's own account. Nothing is created or lost. The market's own account stands for
everybody else in the world and may owe without limit, so that the sums still hold.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated.accounts import Account, Position
from graphwiz_trader.venues.simulated.listing import AMOUNT_STEP_UNITS, Listing, fee_units
from graphwiz_trader.venues.simulated.orders import Order, OrderRefusedError, Refusal

LEVERAGE = 20
"""Of every linear account; an order binds its notional divided by this."""


class Charge(NamedTuple):
    """What an execution cost its owner, and what it realised."""

    fee_units: int
    fee_asset: str
    realised_units: int


class Ledger(Protocol):
    """What the venue asks of its books of account."""

    fees: Account

    def reserve(self, order: Order, limit_ticks: int | None, size_lots: int, walk: list[tuple[int, int]]) -> None:
        """Bind what the order may need for so many lots at that limit, in place of what it has bound.

        ``walk``: what it would trade at once, as (price in ticks, lots). Raises OrderRefusedError(INSUFFICIENT_FUNDS)
        and leaves what is bound as it was when the account has too little.
        """
        ...

    def settle(
        self, account: Account, listing: Listing, side: Side, price_ticks: int, size_lots: int, fee_ppm: int
    ) -> Charge:
        """Move one side of one trade."""
        ...

    def release(self, order: Order, is_open: bool) -> None:
        """After a trade or at an order's end: give back what it no longer needs."""
        ...


class SpotLedger:
    """Base and quote change hands; a fee is taken from what is received."""

    def __init__(self, fees: Account) -> None:
        self.fees = fees

    def reserve(self, order: Order, limit_ticks: int | None, size_lots: int, walk: list[tuple[int, int]]) -> None:
        if order.side is Side.SELL:
            needed = size_lots * order.listing.instrument.lot_units
        elif limit_ticks is None:
            needed = sum(order.listing.notional_units(price, lots) for price, lots in walk)
        else:
            needed = order.listing.notional_units(limit_ticks, size_lots)
        asset = _paid_asset(order)
        if needed - order.reserved_units > max(0, order.account.balance(asset).free_units):
            raise OrderRefusedError(Refusal.INSUFFICIENT_FUNDS)
        _bind(order, asset, needed)

    def settle(
        self, account: Account, listing: Listing, side: Side, price_ticks: int, size_lots: int, fee_ppm: int
    ) -> Charge:
        instrument = listing.instrument
        base_units = size_lots * instrument.lot_units
        quote_units = listing.notional_units(price_ticks, size_lots)
        paid, received = (
            (instrument.quote, instrument.base) if side is Side.BUY else (instrument.base, instrument.quote)
        )
        paid_units, received_units = (quote_units, base_units) if side is Side.BUY else (base_units, quote_units)
        fee = fee_units(received_units, fee_ppm)
        account.balance(paid).free_units -= paid_units
        account.balance(received).free_units += received_units - fee
        self.fees.balance(received).free_units += fee
        return Charge(fee, received, 0)

    def release(self, order: Order, is_open: bool) -> None:
        still_needed = 0
        if is_open and order.side is Side.SELL:
            still_needed = order.remaining_lots * order.listing.instrument.lot_units
        elif is_open:
            still_needed = order.listing.notional_units(order.price_ticks, order.remaining_lots)
        _bind(order, _paid_asset(order), still_needed)


class LinearLedger:
    """Positions in lots, margin and profit in the quote asset; a fee is taken from the quote asset."""

    def __init__(self, fees: Account, mark_ticks: Callable[[str], int | None], listings: Mapping[str, Listing]) -> None:
        self.fees = fees
        self._mark_ticks = mark_ticks
        self._listings = listings

    def reserve(self, order: Order, limit_ticks: int | None, size_lots: int, walk: list[tuple[int, int]]) -> None:
        """Margin is bound for the part of the order that does not close a position."""
        asset = order.listing.instrument.quote
        held = order.account.position(order.listing.symbol).size_lots
        closing = min(size_lots, max(0, -held * order.side.sign))
        price = limit_ticks if limit_ticks is not None else max((p for p, _ in walk), default=0)
        needed = _margin_units(order.listing.notional_units(price, size_lots - closing))
        if needed - order.reserved_units > max(0, self.available_units(order.account, asset)):
            raise OrderRefusedError(Refusal.INSUFFICIENT_FUNDS)
        _bind(order, asset, needed)

    def settle(
        self, account: Account, listing: Listing, side: Side, price_ticks: int, size_lots: int, fee_ppm: int
    ) -> Charge:
        realised = _move(account.position(listing.symbol), listing, side, price_ticks, size_lots)
        fee = fee_units(listing.notional_units(price_ticks, size_lots), fee_ppm)
        quote = listing.instrument.quote
        account.balance(quote).free_units += realised - fee
        self.fees.balance(quote).free_units += fee
        return Charge(fee, quote, realised)

    def release(self, order: Order, is_open: bool) -> None:
        rest = order.listing.notional_units(order.price_ticks, order.remaining_lots)
        still_needed = min(order.reserved_units, _margin_units(rest)) if is_open else 0
        _bind(order, order.listing.instrument.quote, still_needed)

    def settles_in(self, asset: str) -> bool:
        return any(listing.instrument.quote == asset for listing in self._listings.values())

    def available_units(self, account: Account, asset: str) -> int:
        """What new orders may bind: free balance and open profit, less what the open positions bind."""
        free = account.balance(asset).free_units
        return free + self.unrealised_units(account) - self.margin_units(account)

    def unrealised_units(self, account: Account) -> int:
        """Profit of the open positions at the mark, over all symbols."""
        return sum(self.position_profit_units(symbol, position) for symbol, position in account.positions.items())

    def position_profit_units(self, symbol: str, position: Position) -> int:
        mark = self._mark_ticks(symbol)
        if not position.size_lots or mark is None:
            return 0
        return self._listings[symbol].notional_units(mark, position.size_lots) - position.cost_units

    def margin_units(self, account: Account) -> int:
        """What the open positions bind, over all symbols."""
        return sum(self.position_margin_units(position) for position in account.positions.values())

    def position_margin_units(self, position: Position) -> int:
        """What one position binds."""
        return _margin_units(abs(position.cost_units))


class UnifiedLedger:
    """Spot and derivatives in one account: what margins the open positions cannot be spent on assets."""

    def __init__(self, spot: SpotLedger, linear: LinearLedger) -> None:
        self.fees = spot.fees
        self.linear = linear
        self._spot = spot

    def reserve(self, order: Order, limit_ticks: int | None, size_lots: int, walk: list[tuple[int, int]]) -> None:
        if order.listing.linear:
            self.linear.reserve(order, limit_ticks, size_lots, walk)
            return
        before = order.reserved_units
        self._spot.reserve(order, limit_ticks, size_lots, walk)
        asset = _paid_asset(order)
        if (
            order.reserved_units > before
            and self.linear.settles_in(asset)
            and self.linear.available_units(order.account, asset) < 0
        ):
            _bind(order, asset, before)
            raise OrderRefusedError(Refusal.INSUFFICIENT_FUNDS)

    def settle(
        self, account: Account, listing: Listing, side: Side, price_ticks: int, size_lots: int, fee_ppm: int
    ) -> Charge:
        return self._of(listing).settle(account, listing, side, price_ticks, size_lots, fee_ppm)

    def release(self, order: Order, is_open: bool) -> None:
        self._of(order.listing).release(order, is_open)

    def _of(self, listing: Listing) -> Ledger:
        return self.linear if listing.linear else self._spot


def ledger_for(fees: Account, mark_ticks: Callable[[str], int | None], listings: Mapping[str, Listing]) -> Ledger:
    """The ledger that fits what is listed: spot, linear, or both. ``mark_ticks``: a symbol's price to value it at."""
    linear = LinearLedger(fees, mark_ticks, {symbol: listing for symbol, listing in listings.items() if listing.linear})
    if all(listing.linear for listing in listings.values()):
        return linear
    spot = SpotLedger(fees)
    return UnifiedLedger(spot, linear) if any(listing.linear for listing in listings.values()) else spot


def _margin_units(notional_units: int) -> int:
    return notional_units // (LEVERAGE * AMOUNT_STEP_UNITS) * AMOUNT_STEP_UNITS


def _move(position: Position, listing: Listing, side: Side, price_ticks: int, size_lots: int) -> int:
    """Add a trade to a position. Returns the profit that closing realised.

    The cost of what is closed is cut to eight decimals; what was cut stays in the cost of the rest, so nothing
    is lost over the life of a position.
    """
    held = position.size_lots
    closing = min(size_lots, max(0, -held * side.sign))
    realised = 0
    if closing:
        cost = position.cost_units
        if closing < abs(held):
            cost = position.cost_units * closing // abs(held) // AMOUNT_STEP_UNITS * AMOUNT_STEP_UNITS
        realised = -side.sign * listing.notional_units(price_ticks, closing) - cost
        position.cost_units -= cost
        position.realised_units += realised
    position.cost_units += side.sign * listing.notional_units(price_ticks, size_lots - closing)
    position.size_lots += side.sign * size_lots
    return realised


def _paid_asset(order: Order) -> str:
    instrument = order.listing.instrument
    return instrument.quote if order.side is Side.BUY else instrument.base


def _bind(order: Order, asset: str, needed_units: int) -> None:
    """The order binds so much of the asset from now on, and no more or less."""
    balance = order.account.balance(asset)
    balance.locked_units += needed_units - order.reserved_units
    balance.free_units -= needed_units - order.reserved_units
    order.reserved_units = needed_units
