"""A small venue to test: one or two symbols on real matching engines, with accounts, in virtual time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.binance.flavours import FLAVOURS
from graphwiz_trader.venues.simulated.defaults import default_instruments
from graphwiz_trader.venues.simulated.matching import MatchingEngine
from graphwiz_trader.venues.simulated.orders import NewOrder, Order, OrderEvent
from graphwiz_trader.venues.simulated.venue import Venue
from graphwiz_trader.venues.simulated.venue_book import VenueBook

NOW_MS = 1_700_000_000_000
UNITS = 10**12


class Ear:
    """Hears every order event."""

    def __init__(self) -> None:
        self.heard: list[OrderEvent] = []

    def order_changed(self, event: OrderEvent) -> None:
        self.heard.append(event)


class Listener:
    """A subscriber to streams, without a socket."""

    combined = True
    backlog_bytes = 0

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def send(self, payload: bytes, channel: str = "") -> None:
        self.frames.append(payload)

    def when_read(self, token: bytes, callback: Callable[[], None]) -> None:
        callback()

    def data(self) -> list[dict[str, Any]]:
        return [json.loads(frame)["data"] for frame in self.frames]


def venue(exchange: str = "binance") -> Venue:
    flavour = FLAVOURS[exchange]
    listings = [flavour.list_instrument(instrument) for instrument in default_instruments([exchange])]
    return Venue(exchange, [VenueBook(listing, MatchingEngine()) for listing in listings])


def quote(at: Venue, side: Side, price_ticks: int, size_lots: int, symbol: str = "BTCUSDT") -> int:
    """An order of the market's own account."""
    return at.place_for_market(at.books[symbol], side, price_ticks, size_lots, TimeInForce.GTC, NOW_MS)


def order(
    at: Venue,
    account: Account,
    side: Side,
    price_ticks: int | None,
    size_lots: int,
    force: TimeInForce = TimeInForce.GTC,
    *,
    symbol: str = "BTCUSDT",
    client_id: str = "",
    **named: Any,
) -> Order:
    wanted = NewOrder(
        symbol=symbol,
        side=side,
        price_ticks=price_ticks,
        size_lots=size_lots,
        time_in_force=force,
        client_id=client_id or f"t{at.new_order_id()}",
        **named,
    )
    return at.place(account, wanted, NOW_MS)
