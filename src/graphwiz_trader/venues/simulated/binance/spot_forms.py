"""Spot orders and accounts in Binance's wire form: the answers of the WebSocket API and of REST.

Sources: Binance spot API docs, "Place new order", "Query order", "Cancel order", "Account information".
"""

from __future__ import annotations

import msgspec

from graphwiz_trader.hft.events import OrderType, TimeInForce
from graphwiz_trader.hft.instruments import PPM
from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.binance.numbers import Numbers, amount, fixed
from graphwiz_trader.venues.simulated.orders import Execution, Order, OrderStatus

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
            numbers.price(order.price_ticks),
            numbers.size(order.size_lots),
            numbers.size(order.filled_lots),
            amount(order.quote_size_units),
            amount(order.quote_units),
            order.status,
            time_in_force(order),
            order_type(order),
            order.side.name,
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
        numbers.price(order.price_ticks),
        numbers.size(order.size_lots),
        numbers.size(order.filled_lots),
        amount(order.quote_size_units),
        amount(order.quote_units),
        order.status,
        time_in_force(order),
        order_type(order),
        order.side.name,
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


def account_status(account: Account, fees_ppm: tuple[int, int], now_ms: int, *, omit_zero: bool) -> bytes:
    """``account.status``. ``fees_ppm``: maker, taker."""
    maker, taker = (fixed(rate * 100, 8) for rate in fees_ppm)
    return msgspec.json.encode(
        {
            "makerCommission": fees_ppm[0] * 10_000 // PPM,
            "takerCommission": fees_ppm[1] * 10_000 // PPM,
            "buyerCommission": 0,
            "sellerCommission": 0,
            "canTrade": True,
            "canWithdraw": True,
            "canDeposit": True,
            "commissionRates": {"maker": maker, "taker": taker, "buyer": ZERO, "seller": ZERO},
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": now_ms,
            "accountType": "SPOT",
            "balances": [
                {"asset": asset, "free": amount(balance.free_units), "locked": amount(balance.locked_units)}
                for asset, balance in sorted(account.balances.items())
                if balance.total_units or not omit_zero
            ],
            "permissions": ["SPOT"],
            "uid": account.uid,
        }
    )


def coins(account: Account) -> bytes:
    """The answer of ``capital/config/getall``."""
    return msgspec.json.encode(
        [
            {
                "coin": asset,
                "name": asset,
                "depositAllEnable": False,
                "withdrawAllEnable": False,
                "isLegalMoney": False,
                "trading": True,
                "free": amount(balance.free_units),
                "locked": amount(balance.locked_units),
                "freeze": "0",
                "ipoable": "0",
                "ipoing": "0",
                "storage": "0",
                "withdrawing": "0",
                "networkList": [],
            }
            for asset, balance in sorted(account.balances.items())
        ]
    )


def order_type(order: Order) -> str:
    return "LIMIT_MAKER" if order.time_in_force is TimeInForce.POST_ONLY else order.order_type.name


def time_in_force(order: Order) -> str:
    """A market order is shown as GTC, and so is one that only makes."""
    if order.order_type is OrderType.MARKET or order.time_in_force is TimeInForce.POST_ONLY:
        return "GTC"
    return order.time_in_force.name


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
