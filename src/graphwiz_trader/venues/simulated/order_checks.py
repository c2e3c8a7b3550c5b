"""What an order must keep before a venue takes it: the numbers behind every dialect's filters."""

from __future__ import annotations

from graphwiz_trader.hft.instruments import PPM
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.orders import NewOrder, OrderRefusedError, Refusal


def check_new_order(listing: Listing, wanted: NewOrder, last_price_ticks: int, open_orders: int) -> None:
    """Raises OrderRefusedError with the first rule that is broken.

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
    if open_orders >= listing.max_open_orders:
        raise OrderRefusedError(Refusal.TOO_MANY_OPEN_ORDERS)


def _is_too_far(listing: Listing, price_ticks: int, last_price_ticks: int) -> bool:
    return not (
        last_price_ticks * listing.price_down_ppm <= price_ticks * PPM <= last_price_ticks * listing.price_up_ppm
    )
