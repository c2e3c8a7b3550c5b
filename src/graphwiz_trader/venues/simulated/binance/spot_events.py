"""Spot user data in Binance's wire form: what an account is told of its orders and balances.

Source: Binance spot API docs, "User data streams" (``executionReport``, ``outboundAccountPosition``).
"""

from __future__ import annotations

import msgspec

from graphwiz_trader.hft.events import OrderType, TimeInForce
from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.binance.numbers import Numbers, amount
from graphwiz_trader.venues.simulated.binance.spot_forms import ZERO, order_type, time_in_force
from graphwiz_trader.venues.simulated.orders import EventKind, Order, OrderEvent


def execution_report(event: OrderEvent, numbers: Numbers) -> bytes:
    """``executionReport``. After a cancel ``C`` holds the order's own id and ``c`` the cancel's."""
    order, execution = event.order, event.execution
    is_cancel = event.kind is EventKind.CANCELED
    fields: dict[str, object] = {
        "e": "executionReport",
        "E": event.time_ms,
        "s": order.listing.symbol,
        "c": event.cancel_client_id if is_cancel else order.client_id,
        "S": order.side.name,
        "o": order_type(order),
        "f": time_in_force(order),
        "q": numbers.size(order.size_lots),
        "p": numbers.price(order.price_ticks),
        "P": ZERO,
        "F": ZERO,
        "g": -1,
        "C": order.client_id if is_cancel else "",
        "x": event.kind,
        "X": event.status,
        "r": "NONE",
        "i": order.order_id,
        "l": numbers.size(execution.size_lots if execution else 0),
        "z": numbers.size(event.filled_lots),
        "L": numbers.price(execution.price_ticks if execution else 0),
        "n": amount(execution.fee_units) if execution else "0",
        "N": execution.fee_asset if execution else None,
        "T": event.time_ms,
        "t": execution.trade_id if execution else -1,
        "I": execution.trade_id if execution else order.order_id,
        "w": event.status.is_open,
        "m": execution.maker if execution else False,
        "M": False,
        "O": order.created_ms,
        "Z": amount(event.quote_units),
        "Y": amount(execution.quote_units if execution else 0),
        "Q": ZERO,
        "W": order.created_ms,
        "V": "NONE",
    }
    if event.kind is EventKind.EXPIRED:
        fields["eR"] = _expiry_reason(order)
    return msgspec.json.encode(fields)


def account_position(account: Account, assets: tuple[str, ...], now_ms: int) -> bytes:
    """``outboundAccountPosition``: the assets that an event may have changed."""
    return msgspec.json.encode(
        {
            "e": "outboundAccountPosition",
            "E": now_ms,
            "u": now_ms,
            "B": [
                {"a": asset, "f": amount(balance.free_units), "l": amount(balance.locked_units)}
                for asset in assets
                for balance in (account.balance(asset),)
            ],
        }
    )


def _expiry_reason(order: Order) -> str:
    if order.order_type is OrderType.MARKET:
        return "INSUFFICIENT_LIQUIDITY"
    if order.time_in_force is TimeInForce.FOK:
        return "UNFILLED_FOK_ORDER_EXPIRED"
    return "UNFILLED_IOC_QUANTITY_EXPIRED"
