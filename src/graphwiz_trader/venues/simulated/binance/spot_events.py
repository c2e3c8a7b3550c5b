"""Spot user data in Binance's wire form: what an account is told of its orders and balances.

Source: Binance spot API docs, "User data streams" (``executionReport``, ``outboundAccountPosition``).
"""

from __future__ import annotations

import msgspec

from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.binance.numbers import Numbers, amount
from graphwiz_trader.venues.simulated.binance.spot_forms import ZERO, order_type, time_in_force
from graphwiz_trader.venues.simulated.orders import EndReason, EventKind, Order, OrderEvent, PreventedMatch

_EXPIRY_REASONS = {
    EndReason.NO_LIQUIDITY: "INSUFFICIENT_LIQUIDITY",
    EndReason.FOK_UNFILLABLE: "UNFILLED_FOK_ORDER_EXPIRED",
    EndReason.IOC_REST: "UNFILLED_IOC_QUANTITY_EXPIRED",
}


def execution_report(event: OrderEvent, numbers: Numbers) -> bytes:
    """``executionReport``. ``C``: the order's own id while ``c`` is its cancel's; or its id before an amendment."""
    order, execution = event.order, event.execution
    is_cancel = event.kind is EventKind.CANCELED
    original_id = order.client_id if is_cancel else event.cancel_client_id
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
        "C": original_id,
        "x": "REPLACED" if event.kind is EventKind.AMENDED else event.kind,
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
        "Q": amount(order.quote_size_units),
        "W": order.created_ms,
        "V": order.self_trade,
    }
    if event.prevented is not None:
        fields |= _prevented(order, event.prevented, numbers)
    if event.kind is EventKind.EXPIRED and order.end_reason is not None:
        fields["eR"] = _EXPIRY_REASONS[order.end_reason]
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


def _prevented(order: Order, prevented: PreventedMatch, numbers: Numbers) -> dict[str, object]:
    """What a TRADE_PREVENTION report has besides. Source: "Self Trade Prevention FAQ", "Conditional fields"."""
    is_taker = order.order_id == prevented.taker_order_id
    notional = order.listing.notional_units(prevented.price_ticks, prevented.size_lots)
    return {
        "v": prevented.match_id,
        "A": numbers.size(order.prevented_lots),
        "B": numbers.size(prevented.taker_lots if is_taker else prevented.maker_lots),
        "u": -1 if prevented.trade_group is None else prevented.trade_group,
        "U": prevented.maker_order_id if is_taker else prevented.taker_order_id,
        "Cs": order.listing.symbol,
        "pl": numbers.size(prevented.size_lots),
        "pL": numbers.price(prevented.price_ticks),
        "pY": amount(notional),
    }
