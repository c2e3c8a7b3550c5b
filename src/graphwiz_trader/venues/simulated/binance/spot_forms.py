"""Spot orders in Binance's wire form: the answers of the WebSocket API and of REST.

Sources: Binance spot API docs, "Place new order", "Query order", "Cancel order", "Amend order".
"""

from __future__ import annotations

import msgspec

from graphwiz_trader.hft.events import OrderType, TimeInForce
from graphwiz_trader.venues.simulated.binance.numbers import Numbers, amount
from graphwiz_trader.venues.simulated.orders import Execution, Order, OrderStatus, PreventedMatch

ZERO = "0.00000000"


class Fill(msgspec.Struct, rename="camel"):
    price: str
    qty: str
    commission: str
    commission_asset: str
    trade_id: int


class Prevented(msgspec.Struct, rename="camel"):
    """A match that self-trade prevention did not let happen, as the taker's answer shows it."""

    prevented_match_id: int
    maker_order_id: int
    price: str
    taker_prevented_quantity: str | msgspec.UnsetType
    maker_prevented_quantity: str | msgspec.UnsetType


class Ack(msgspec.Struct, rename="camel"):
    symbol: str
    order_id: int
    order_list_id: int
    client_order_id: str
    transact_time: int


class Placed(Ack, rename="camel"):
    """The RESULT form of ``order.place``; FULL adds the fills."""

    price: str
    orig_qty: str
    executed_qty: str
    orig_quote_order_qty: str
    cummulative_quote_qty: str
    status: OrderStatus
    time_in_force: str
    type: str
    side: str
    working_time: int
    self_trade_prevention_mode: str
    fills: list[Fill] | msgspec.UnsetType
    prevented_matches: list[Prevented] | msgspec.UnsetType
    prevented_match_id: int | msgspec.UnsetType
    prevented_quantity: str | msgspec.UnsetType


class Canceled(msgspec.Struct, rename="camel"):
    symbol: str
    orig_client_order_id: str
    order_id: int
    order_list_id: int
    client_order_id: str
    transact_time: int
    price: str
    orig_qty: str
    executed_qty: str
    orig_quote_order_qty: str
    cummulative_quote_qty: str
    status: OrderStatus
    time_in_force: str
    type: str
    side: str
    self_trade_prevention_mode: str


class Queried(msgspec.Struct, rename="camel"):
    symbol: str
    order_id: int
    order_list_id: int
    client_order_id: str
    price: str
    orig_qty: str
    executed_qty: str
    cummulative_quote_qty: str
    status: OrderStatus
    time_in_force: str
    type: str
    side: str
    stop_price: str
    iceberg_qty: str
    time: int
    update_time: int
    is_working: bool
    working_time: int
    orig_quote_order_qty: str
    self_trade_prevention_mode: str
    prevented_match_id: int | msgspec.UnsetType
    prevented_quantity: str | msgspec.UnsetType


def placed(order: Order, numbers: Numbers, response_type: str) -> bytes:
    """The answer to ``order.place``; ``response_type`` is ACK, RESULT or FULL."""
    if response_type == "ACK":
        return msgspec.json.encode(Ack(order.listing.symbol, order.order_id, -1, order.client_id, order.updated_ms))
    return msgspec.json.encode(
        Placed(
            order.listing.symbol,
            order.order_id,
            -1,
            order.client_id,
            order.updated_ms,
            *_terms(order, numbers),
            order.created_ms,
            order.self_trade.value,
            [_fill(execution, numbers) for execution in order.executions] if response_type == "FULL" else msgspec.UNSET,
            _prevented_matches(order, numbers),
            *_prevented(order, numbers),
        )
    )


def canceled(order: Order, numbers: Numbers, cancel_client_id: str) -> Canceled:
    """The answer to ``order.cancel``: the cancel's own id stands in ``clientOrderId``."""
    return Canceled(
        order.listing.symbol,
        order.client_id,
        order.order_id,
        -1,
        cancel_client_id,
        order.updated_ms,
        *_terms(order, numbers),
        order.self_trade.value,
    )


def queried(order: Order, numbers: Numbers) -> Queried:
    """An order as ``order.status`` and ``openOrders.status`` show it."""
    return Queried(
        order.listing.symbol,
        order.order_id,
        -1,
        order.client_id,
        numbers.price(order.price_ticks),
        numbers.size(order.size_lots),
        numbers.size(order.filled_lots),
        amount(order.quote_units),
        order.status,
        time_in_force(order),
        order_type(order),
        order.side.name,
        ZERO,
        ZERO,
        order.created_ms,
        order.updated_ms,
        True,
        order.created_ms,
        amount(order.quote_size_units),
        order.self_trade.value,
        *_prevented(order, numbers),
    )


def own_trades(order: Order, numbers: Numbers) -> list[dict[str, object]]:
    """An order's executions as ``myTrades`` shows them."""
    return [
        {
            "symbol": order.listing.symbol,
            "id": execution.trade_id,
            "orderId": order.order_id,
            "orderListId": -1,
            "price": numbers.price(execution.price_ticks),
            "qty": numbers.size(execution.size_lots),
            "quoteQty": amount(execution.quote_units),
            "commission": amount(execution.fee_units),
            "commissionAsset": execution.fee_asset,
            "time": execution.time_ms,
            "isBuyer": order.side.name == "BUY",
            "isMaker": execution.maker,
            "isBestMatch": True,
        }
        for execution in order.executions
    ]


def order_type(order: Order) -> str:
    return "LIMIT_MAKER" if order.time_in_force is TimeInForce.POST_ONLY else order.order_type.name


def time_in_force(order: Order) -> str:
    """A market order is shown as GTC, and so is one that only makes."""
    if order.order_type is OrderType.MARKET or order.time_in_force is TimeInForce.POST_ONLY:
        return "GTC"
    return order.time_in_force.name


def _terms(order: Order, numbers: Numbers) -> tuple[str, str, str, str, str, OrderStatus, str, str, str]:
    """What was ordered and what became of it, from the price to the side: a run of fields in several answers."""
    return (
        numbers.price(order.price_ticks),
        numbers.size(order.size_lots),
        numbers.size(order.filled_lots),
        amount(order.quote_size_units),
        amount(order.quote_units),
        order.status,
        time_in_force(order),
        order_type(order),
        order.side.name,
    )


def _fill(execution: Execution, numbers: Numbers) -> Fill:
    return Fill(
        numbers.price(execution.price_ticks),
        numbers.size(execution.size_lots),
        amount(execution.fee_units),
        execution.fee_asset,
        execution.trade_id,
    )


def _prevented(order: Order, numbers: Numbers) -> tuple[int | msgspec.UnsetType, str | msgspec.UnsetType]:
    """The last prevented match that took lots from the order and all that it lost so; nothing of an order without."""
    if not order.prevented_lots:
        return msgspec.UNSET, msgspec.UNSET
    return order.prevented_matches[-1].match_id, numbers.size(order.prevented_lots)


def _prevented_matches(order: Order, numbers: Numbers) -> list[Prevented] | msgspec.UnsetType:
    if not order.prevented_matches:
        return msgspec.UNSET
    return [
        Prevented(
            match.match_id,
            match.maker_order_id,
            numbers.price(match.price_ticks),
            numbers.size(match.taker_lots) if match.taker_lots else msgspec.UNSET,
            numbers.size(match.maker_lots) if match.maker_lots else msgspec.UNSET,
        )
        for match in order.prevented_matches
    ]


def amended(order: Order, numbers: Numbers, client_id_before: str, execution_id: int) -> bytes:
    """The answer to ``order.amend.keepPriority``."""
    return msgspec.json.encode(
        {
            "transactTime": order.updated_ms,
            "executionId": execution_id,
            "amendedOrder": {
                "symbol": order.listing.symbol,
                "orderId": order.order_id,
                "orderListId": -1,
                "origClientOrderId": client_id_before,
                "clientOrderId": order.client_id,
                "price": numbers.price(order.price_ticks),
                "qty": numbers.size(order.size_lots),
                "executedQty": numbers.size(order.filled_lots),
                "preventedQty": numbers.size(order.prevented_lots),
                "quoteOrderQty": amount(order.quote_size_units),
                "cumulativeQuoteQty": amount(order.quote_units),
                "status": order.status,
                "timeInForce": time_in_force(order),
                "type": order_type(order),
                "side": order.side.name,
                "workingTime": order.created_ms,
                "selfTradePreventionMode": order.self_trade,
            },
        }
    )


def prevented_match(match: PreventedMatch, symbol: str, numbers: Numbers) -> dict[str, object]:
    """A prevented match as ``myPreventedMatches`` shows it."""
    quantities = {
        "takerPreventedQuantity": numbers.size(match.taker_lots) if match.taker_lots else None,
        "makerPreventedQuantity": numbers.size(match.maker_lots) if match.maker_lots else None,
    }
    return {
        "symbol": symbol,
        "preventedMatchId": match.match_id,
        "takerOrderId": match.taker_order_id,
        "makerSymbol": symbol,
        "makerOrderId": match.maker_order_id,
        "tradeGroupId": -1 if match.trade_group is None else match.trade_group,
        "selfTradePreventionMode": match.mode,
        "price": numbers.price(match.price_ticks),
        **{name: quantity for name, quantity in quantities.items() if quantity is not None},
        "transactTime": match.time_ms,
    }
