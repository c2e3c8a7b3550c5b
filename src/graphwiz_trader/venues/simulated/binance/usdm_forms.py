"""USD-M futures orders and accounts in Binance's wire form: answers of the WebSocket API, and user data events.

Sources: Binance USD-M futures docs, "New Order", "Account Information V2", "Event: Order Update" and
"Event: Balance and Position Update".
"""

from __future__ import annotations

import msgspec

from graphwiz_trader.hft.events import OrderType, TimeInForce
from graphwiz_trader.venues.simulated.accounts import Account, Position
from graphwiz_trader.venues.simulated.binance.numbers import Numbers, amount, fixed
from graphwiz_trader.venues.simulated.ledger import LEVERAGE, LinearLedger
from graphwiz_trader.venues.simulated.orders import EventKind, Order, OrderEvent, OrderStatus

_EXECUTION_TYPES = {EventKind.AMENDED: "AMENDMENT", EventKind.TRADE_PREVENTION: "EXPIRED"}
"""Where USD-M has other words than spot; that self-trade prevention ended an order is said by its status."""


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


def account_status(account: Account, ledger: LinearLedger, numbers: dict[str, Numbers], now_ms: int) -> bytes:
    """``v2/account.status``."""
    balances = account_balance(account, ledger, now_ms)
    profit = amount(ledger.unrealised_units(account))
    margin = amount(ledger.margin_units(account))
    wallet = sum(balance.total_units for balance in account.balances.values())
    assets = [
        {
            "asset": entry["asset"],
            "walletBalance": entry["balance"],
            "unrealizedProfit": entry["crossUnPnl"],
            "marginBalance": entry["balance"],
            "availableBalance": entry["availableBalance"],
            "maxWithdrawAmount": entry["availableBalance"],
            "updateTime": now_ms,
        }
        for entry in balances
    ]
    return msgspec.json.encode(
        {
            "feeTier": 0,
            "canTrade": True,
            "canDeposit": True,
            "canWithdraw": True,
            "updateTime": 0,
            "multiAssetsMargin": False,
            "totalInitialMargin": margin,
            "totalMaintMargin": margin,
            "totalWalletBalance": amount(wallet),
            "totalUnrealizedProfit": profit,
            "totalMarginBalance": amount(wallet + ledger.unrealised_units(account)),
            "availableBalance": assets[0]["availableBalance"] if assets else "0.00000000",
            "assets": assets,
            "positions": account_positions(account, ledger, numbers, now_ms),
        }
    )


def account_balance(account: Account, ledger: LinearLedger, now_ms: int) -> list[dict[str, object]]:
    """``v2/account.balance``."""
    return [
        {
            "accountAlias": account.name,
            "asset": asset,
            "balance": amount(balance.total_units),
            "crossWalletBalance": amount(balance.total_units),
            "crossUnPnl": amount(ledger.unrealised_units(account)),
            "availableBalance": amount(max(0, ledger.available_units(account, asset))),
            "maxWithdrawAmount": amount(max(0, ledger.available_units(account, asset))),
            "marginAvailable": True,
            "updateTime": now_ms,
        }
        for asset, balance in sorted(account.balances.items())
    ]


def account_positions(
    account: Account, ledger: LinearLedger, numbers: dict[str, Numbers], now_ms: int
) -> list[dict[str, object]]:
    """``v2/account.position``: the symbols that have been traded."""
    return [
        {
            "symbol": symbol,
            "positionSide": "BOTH",
            "positionAmt": numbers[symbol].size(position.size_lots),
            "entryPrice": entry_price(position, numbers[symbol].lot_units),
            "unrealizedProfit": amount(ledger.position_profit_units(symbol, position)),
            "leverage": str(LEVERAGE),
            "marginType": "cross",
            "notional": amount(position.cost_units + ledger.position_profit_units(symbol, position)),
            "updateTime": now_ms,
        }
        for symbol, position in sorted(account.positions.items())
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
