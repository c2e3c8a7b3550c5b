"""A session's edge, made from the table of exchanges: feeds for its market lines, order lines for its orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphwiz_trader.assembly.lines import ORDERS, line_ids, market_line_ids
from graphwiz_trader.hft.events import Line
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.venues.base import ApiKey, Credentials, Endpoints, Feed, OnSent, OrderLine, Sink
from graphwiz_trader.venues.exchanges import exchange_of, orders_of
from graphwiz_trader.venues.pacing import Allowance

Attempts = Mapping[str, Allowance]
"""Exchange → what its feed and its order line share: how often its addresses may be connected to."""


def new_attempts(exchanges: Sequence[str]) -> Attempts:
    """A whole allowance for each exchange."""
    return {exchange: exchange_of(exchange).new_attempts() for exchange in exchanges}


def make_feeds(
    instruments: Instruments,
    lines: Sequence[Line],
    endpoints: Mapping[str, Endpoints],
    sink: Sink,
    attempts: Attempts,
    api_keys: Mapping[str, ApiKey],
) -> dict[str, Feed]:
    """The feed of each exchange that has a market line; the line's wire says which, where an exchange has several.

    Of several lines the last is the spare one. ``api_keys``: for feeds that ask for one; raises VenueError without.
    """
    feeds = {}
    for exchange, ids in market_line_ids(lines).items():
        make = exchange_of(exchange).feeds[lines[ids[0]].wire]
        feeds[exchange] = make(
            instruments,
            exchange,
            endpoints=endpoints[exchange],
            lines=ids[:-1] or ids,
            spare=ids[-1] if len(ids) > 1 else None,
            sink=sink,
            attempts=attempts[exchange],
            api_key=api_keys.get(exchange),
        )
    return feeds


def make_order_lines(
    instruments: Instruments,
    lines: Sequence[Line],
    endpoints: Mapping[str, Endpoints],
    credentials: Mapping[str, Credentials],
    sink: Sink,
    attempts: Attempts,
    on_sent: OnSent,
) -> dict[str, OrderLine]:
    """The order line of each exchange that has one. Raises VenueError for an exchange that takes no orders here."""
    return {
        exchange: orders_of(exchange).make_line(
            instruments,
            exchange,
            endpoints=endpoints[exchange],
            credentials=credentials[exchange],
            line=line,
            sink=sink,
            attempts=attempts[exchange],
            on_sent=on_sent,
        )
        for exchange, line in line_ids(lines, ORDERS).items()
    }


async def load_inventory(
    instruments: Instruments, endpoints: Mapping[str, Endpoints], credentials: Mapping[str, Credentials]
) -> dict[int, int]:
    """What the accounts hold of instruments that cannot be sold short, by book, in lots. Raises VenueError."""
    inventory: dict[int, int] = {}
    for exchange in instruments.exchanges:
        balances_of = orders_of(exchange).balances
        held = [i for i in instruments.on_exchange(exchange) if not i.can_short]
        if held and balances_of is not None:
            balances = await balances_of(endpoints[exchange], credentials[exchange])
            inventory |= {i.book: balances.get(i.base, 0) // i.lot_units for i in held}
    return inventory


async def load_positions(
    exchanges: Sequence[str], endpoints: Mapping[str, Endpoints], credentials: Mapping[str, Credentials]
) -> dict[str, Mapping[str, int]]:
    """Exchange → what the account holds there, by the venue's symbol, in units (10^-12). Raises VenueError."""
    asked = {exchange: orders_of(exchange).positions for exchange in exchanges}
    return {
        exchange: await positions_of(endpoints[exchange], credentials[exchange])
        for exchange, positions_of in asked.items()
        if positions_of is not None
    }
