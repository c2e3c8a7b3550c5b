"""An account's own orders and trades, chosen as a client asks for them; how they are written is each market's own.

Source: Binance spot API docs, "All orders", "Account trade list"; USD-M docs, "All Orders", "Account Trade List".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from graphwiz_trader.venues.simulated.binance.history import Span
from graphwiz_trader.venues.simulated.binance.parameters import Caller, Parameters
from graphwiz_trader.venues.simulated.orders import Order
from graphwiz_trader.venues.simulated.venue import Venue


def own_orders(venue: Venue, parameters: Parameters, caller: Caller) -> Sequence[Order]:
    """Open or not, oldest first; from ``orderId`` on, or the most recent."""
    symbol, span = parameters.text("symbol"), Span.of(parameters)
    venue.book(symbol)
    return span.choose(
        venue.orders(caller.account, symbol),
        lambda order: order.order_id,
        lambda order: order.created_ms,
        parameters.optional_integer("orderId"),
    )


def own_trades(
    venue: Venue, parameters: Parameters, caller: Caller, forms: Callable[[Order], list[dict[str, object]]]
) -> bytes:
    """An account's executions of a symbol, or of one order. ``forms``: an order's executions, in their order."""
    symbol, span = parameters.text("symbol"), Span.of(parameters)
    venue.book(symbol)
    order_id = parameters.optional_integer("orderId")
    trades = [
        (trade, execution)
        for order in venue.orders(caller.account, symbol)
        if order_id in (None, order.order_id)
        for trade, execution in zip(forms(order), order.executions, strict=True)
    ]
    trades.sort(key=lambda pair: pair[1].trade_id)
    chosen = span.choose(
        trades,
        lambda pair: pair[1].trade_id,
        lambda pair: pair[1].time_ms,
        parameters.optional_integer("fromId"),
    )
    return msgspec.json.encode([trade for trade, _ in chosen])
