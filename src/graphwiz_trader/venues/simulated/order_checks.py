"""What an order must keep before a venue takes it: the numbers behind every dialect's filters."""

from __future__ import annotations

import msgspec

from graphwiz_trader.hft.instruments import PPM
from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.orders import NewOrder, Order, OrderRefusedError, Refusal
from graphwiz_trader.venues.simulated.venue_book import VenueBook


def sized(book: VenueBook, account: Account, wanted: NewOrder) -> NewOrder:
    """A market order by quote amount with the lots that the book gives for that amount, never more; others as is."""
    if wanted.quote_units is None:
        return wanted
    instrument = book.listing.instrument
    walk = book.matcher.walk(wanted.side, None, instrument.max_size_lots, account.owner, wanted.self_trade)
    left_units, size = wanted.quote_units, 0
    for price_ticks, lots in walk:
        affordable = min(lots, book.listing.lots_worth(price_ticks, left_units))
        size += affordable
        left_units -= book.listing.notional_units(price_ticks, affordable)
        if affordable < lots:
            break
    return msgspec.structs.replace(wanted, size_lots=size - size % instrument.size_step_lots)


def check_new_order(book: VenueBook, account: Account, wanted: NewOrder, open_orders: int) -> None:
    """Raises OrderRefusedError with the first rule that is broken."""
    check_terms(book.listing, wanted, book.last_price_ticks)
    if open_orders >= book.listing.max_open_orders:
        raise OrderRefusedError(Refusal.TOO_MANY_OPEN_ORDERS)
    if wanted.reduce_only:
        _check_reduces(account, book, wanted)


def check_amended(book: VenueBook, order: Order, price_ticks: int, size_lots: int) -> None:
    """Whether an open order may have this price and this size. Raises OrderRefusedError."""
    if size_lots <= order.filled_lots + order.prevented_lots:
        raise OrderRefusedError(Refusal.SIZE_ALREADY_FILLED)
    wanted = NewOrder(
        symbol=book.listing.symbol,
        side=order.side,
        price_ticks=price_ticks,
        size_lots=size_lots,
        time_in_force=order.time_in_force,
        client_id=order.client_id,
        reduce_only=order.reduce_only,
    )
    check_terms(book.listing, wanted, book.last_price_ticks)
    if order.reduce_only:
        left = size_lots - order.filled_lots - order.prevented_lots
        _check_reduces(order.account, book, msgspec.structs.replace(wanted, size_lots=left))


def check_terms(listing: Listing, wanted: NewOrder, last_price_ticks: int) -> None:
    """Price, size and value by themselves. Raises OrderRefusedError with the first rule that is broken.

    ``last_price_ticks`` is 0 while nothing has traded; a market order's value is then not checked.
    """
    instrument = listing.instrument
    price = wanted.price_ticks
    if price is not None and not 1 <= price <= listing.max_price_ticks:
        raise OrderRefusedError(Refusal.PRICE_OUT_OF_RANGE)
    if wanted.size_lots < instrument.min_size_lots:
        raise OrderRefusedError(Refusal.SIZE_TOO_SMALL)
    if wanted.size_lots > instrument.max_size_lots:
        raise OrderRefusedError(Refusal.SIZE_TOO_BIG)
    if price is not None and last_price_ticks and _is_too_far(listing, price, last_price_ticks):
        raise OrderRefusedError(Refusal.PRICE_TOO_FAR)
    value_at = price if price is not None else last_price_ticks
    if wanted.reduce_only:
        value_at = 0
    if value_at and instrument.notional_money(value_at, wanted.size_lots) < instrument.min_notional_money:
        raise OrderRefusedError(Refusal.NOTIONAL_TOO_SMALL)


def _check_reduces(account: Account, book: VenueBook, wanted: NewOrder) -> None:
    held = account.position(wanted.symbol).size_lots if book.listing.linear else 0
    if wanted.size_lots > -held * wanted.side.sign:
        raise OrderRefusedError(Refusal.NOTHING_TO_REDUCE)


def _is_too_far(listing: Listing, price_ticks: int, last_price_ticks: int) -> bool:
    return not (
        last_price_ticks * listing.price_down_ppm <= price_ticks * PPM <= last_price_ticks * listing.price_up_ppm
    )
