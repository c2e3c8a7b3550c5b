"""USD-M futures orders in Binance's wire form: the answers of both APIs.

Sources: Binance USD-M futures docs, "New Order", "Account Trade List".
"""

from __future__ import annotations

import msgspec

from graphwiz_trader.hft.events import OrderType, TimeInForce
from graphwiz_trader.venues.simulated.accounts import Position
from graphwiz_trader.venues.simulated.binance.numbers import Numbers, amount, fixed
from graphwiz_trader.venues.simulated.orders import Order, OrderStatus


class OrderForm(msgspec.Struct, rename="camel"):
    """An order as place, cancel and status answer it."""

    order_id: int
    symbol: str
    status: OrderStatus
    client_order_id: str
    price: str
    avg_price: str
    orig_qty: str
    executed_qty: str
    cum_qty: str
    cum_quote: str
    time_in_force: str
    type: str
    reduce_only: bool
    close_position: bool
    side: str
    position_side: str
    stop_price: str
    working_type: str
    price_protect: bool
    orig_type: str
    price_match: str
    self_trade_prevention_mode: str
    good_till_date: int
    time: int
    update_time: int


def order_form(order: Order, numbers: Numbers, *, as_accepted: bool = False) -> OrderForm:
    """``as_accepted``: the ACK form of ``order.place``, which says NEW whatever followed at once."""
    filled = 0 if as_accepted else order.filled_lots
    quote = 0 if as_accepted else order.quote_units
    return OrderForm(
        order.order_id,
        order.listing.symbol,
        OrderStatus.NEW if as_accepted else order.status,
        order.client_id,
        numbers.price(order.price_ticks),
        average_price(order, filled, quote),
        numbers.size(order.size_lots),
        numbers.size(filled),
        numbers.size(filled),
        amount(quote),
        time_in_force(order),
        order.order_type.name,
        order.reduce_only,
        False,
        order.side.name,
        "BOTH",
        numbers.price(0),
        "CONTRACT_PRICE",
        False,
        order.order_type.name,
        "NONE",
        order.self_trade.value,
        0,
        order.created_ms,
        order.updated_ms,
    )


def own_trades(order: Order, numbers: Numbers) -> list[dict[str, object]]:
    """An order's executions as ``GET /fapi/v1/userTrades`` shows them."""
    return [
        {
            "symbol": order.listing.symbol,
            "id": execution.trade_id,
            "orderId": order.order_id,
            "side": order.side.name,
            "price": numbers.price(execution.price_ticks),
            "qty": numbers.size(execution.size_lots),
            "realizedPnl": amount(execution.realised_units),
            "quoteQty": amount(execution.quote_units),
            "commission": amount(execution.fee_units),
            "commissionAsset": execution.fee_asset,
            "time": execution.time_ms,
            "positionSide": "BOTH",
            "maker": execution.maker,
            "buyer": order.side.name == "BUY",
        }
        for execution in order.executions
    ]


def time_in_force(order: Order) -> str:
    """A market order is shown as GTC."""
    if order.order_type is OrderType.MARKET:
        return "GTC"
    return "GTX" if order.time_in_force is TimeInForce.POST_ONLY else order.time_in_force.name


def average_price(order: Order, filled_lots: int, quote_units: int) -> str:
    """What a lot cost on average, with eight decimals; 0 while nothing is filled."""
    base_units = filled_lots * order.listing.instrument.lot_units
    return fixed(quote_units * 10**8 // base_units, 8) if base_units else "0.00000000"


def entry_price(position: Position, lot_units: int) -> str:
    """What a position's lots cost on average, with eight decimals; 0 for none."""
    base_units = position.size_lots * lot_units
    return fixed(position.cost_units * 10**8 // base_units, 8) if base_units else "0.00000000"
