"""USD-M user data in Binance's wire form: what an account is told of its orders, its balance and its positions.

Sources: Binance USD-M futures docs, "Event: Order Update", "Event: Balance and Position Update", "Event: Trade Lite",
"Event: User Data Stream Expired".
"""

from __future__ import annotations

import msgspec

from graphwiz_trader.venues.simulated.binance.numbers import Numbers, amount
from graphwiz_trader.venues.simulated.binance.usdm_forms import average_price, entry_price, time_in_force
from graphwiz_trader.venues.simulated.ledger import LinearLedger
from graphwiz_trader.venues.simulated.orders import EventKind, OrderEvent

_EXECUTION_TYPES = {EventKind.AMENDED: "AMENDMENT", EventKind.TRADE_PREVENTION: "EXPIRED"}
"""Where USD-M has other words than spot; that self-trade prevention ended an order is said by its status."""


def order_update(event: OrderEvent, numbers: Numbers) -> bytes:
    """``ORDER_TRADE_UPDATE``."""
    order, execution = event.order, event.execution
    fields: dict[str, object] = {
        "s": order.listing.symbol,
        "c": order.client_id,
        "S": order.side.name,
        "o": order.order_type.name,
        "f": time_in_force(order),
        "q": numbers.size(order.size_lots),
        "p": numbers.price(order.price_ticks),
        "ap": average_price(order, event.filled_lots, event.quote_units),
        "sp": "0",
        "x": _EXECUTION_TYPES.get(event.kind, event.kind),
        "X": event.status,
        "i": order.order_id,
        "l": numbers.size(execution.size_lots if execution else 0),
        "z": numbers.size(event.filled_lots),
        "L": numbers.price(execution.price_ticks if execution else 0),
        "n": amount(execution.fee_units) if execution else "0",
        "N": execution.fee_asset if execution else order.listing.instrument.quote,
        "T": event.time_ms,
        "t": execution.trade_id if execution else 0,
        "b": "0",
        "a": "0",
        "m": execution.maker if execution else False,
        "R": order.reduce_only,
        "wt": "CONTRACT_PRICE",
        "ot": order.order_type.name,
        "ps": "BOTH",
        "cp": False,
        "rp": amount(execution.realised_units) if execution else "0",
        "pP": False,
        "si": 0,
        "ss": 0,
        "V": order.self_trade,
        "pm": "NONE",
        "gtd": 0,
    }
    return msgspec.json.encode({"e": "ORDER_TRADE_UPDATE", "E": event.time_ms, "T": event.time_ms, "o": fields})


def account_update(event: OrderEvent, ledger: LinearLedger, numbers: Numbers) -> bytes:
    """``ACCOUNT_UPDATE`` after a trade: the margin asset's balance and the symbol's position."""
    order = event.order
    account, symbol, asset = order.account, order.listing.symbol, order.listing.instrument.quote
    position = account.position(symbol)
    wallet = amount(account.balance(asset).total_units)
    return msgspec.json.encode(
        {
            "e": "ACCOUNT_UPDATE",
            "E": event.time_ms,
            "T": event.time_ms,
            "a": {
                "m": "ORDER",
                "B": [{"a": asset, "wb": wallet, "cw": wallet, "bc": "0"}],
                "P": [
                    {
                        "s": symbol,
                        "pa": numbers.size(position.size_lots),
                        "ep": entry_price(position, order.listing.instrument.lot_units),
                        "bep": entry_price(position, order.listing.instrument.lot_units),
                        "cr": amount(position.realised_units),
                        "up": amount(ledger.position_profit_units(symbol, position)),
                        "mt": "cross",
                        "iw": "0",
                        "ps": "BOTH",
                    }
                ],
            },
        }
    )


def trade_lite(event: OrderEvent, numbers: Numbers) -> bytes:
    """``TRADE_LITE``: a trade in few words, ahead of the others."""
    order, execution = event.order, event.execution
    assert execution is not None
    return msgspec.json.encode(
        {
            "e": "TRADE_LITE",
            "E": event.time_ms,
            "T": event.time_ms,
            "s": order.listing.symbol,
            "q": numbers.size(order.size_lots),
            "p": numbers.price(order.price_ticks),
            "m": execution.maker,
            "c": order.client_id,
            "S": order.side.name,
            "L": numbers.price(execution.price_ticks),
            "l": numbers.size(execution.size_lots),
            "t": execution.trade_id,
            "i": order.order_id,
        }
    )


def listen_key_expired(key: str, now_ms: int) -> bytes:
    """``listenKeyExpired``: the last event on a listen key's stream."""
    return msgspec.json.encode({"e": "listenKeyExpired", "E": now_ms, "listenKey": key})
