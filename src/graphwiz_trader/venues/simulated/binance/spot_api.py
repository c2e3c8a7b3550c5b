"""The spot market's two APIs: which method answers which path and which name, at which weight.

Source: Binance spot API docs, "REST API" and "WebSocket API" (2026-07).
"""

from __future__ import annotations

from collections.abc import Mapping

from graphwiz_trader.venues.simulated.binance import errors
from graphwiz_trader.venues.simulated.binance.authentication import ApiKeys
from graphwiz_trader.venues.simulated.binance.desk import Desk, Endpoint, Private
from graphwiz_trader.venues.simulated.binance.limits import RateLimiter
from graphwiz_trader.venues.simulated.binance.market_data import MarketData
from graphwiz_trader.venues.simulated.binance.numbers import Numbers
from graphwiz_trader.venues.simulated.binance.parameters import Parameters
from graphwiz_trader.venues.simulated.binance.public_methods import spot_public
from graphwiz_trader.venues.simulated.binance.rest import RestApi
from graphwiz_trader.venues.simulated.binance.spot_account import SpotAccount
from graphwiz_trader.venues.simulated.binance.spot_orders import SpotOrders
from graphwiz_trader.venues.simulated.binance.spot_user_data import SpotSubscriptions, SpotUserData
from graphwiz_trader.venues.simulated.binance.wallet import nothing, wallet_routes
from graphwiz_trader.venues.simulated.binance.websocket_api import WebSocketApi
from graphwiz_trader.venues.simulated.faults import Faults
from graphwiz_trader.venues.simulated.venue import Venue


def spot_apis(
    venue: Venue,
    keys: ApiKeys,
    numbers: Mapping[str, Numbers],
    data: MarketData,
    limiter: RateLimiter,
    *,
    events_first: bool,
    faults: Faults,
) -> tuple[WebSocketApi, RestApi]:
    """The methods of ``/ws-api/v3``, and the paths of ``/api/v3`` and ``/sapi/v1``."""
    user_data = SpotUserData(numbers)
    venue.order_listeners.append(user_data)
    desk = Desk(limiter, errors.SPOT_REFUSALS)
    orders, account = SpotOrders(venue, numbers, desk), SpotAccount(venue, limiter)
    names, routes = spot_public(data.public, data.tickers)
    websocket = WebSocketApi(
        venue,
        keys,
        desk,
        {
            **names,
            **SpotSubscriptions(user_data, keys).methods(),
            **_methods(orders, account),
        },
        events_first=events_first,
        faults=faults,
    )
    return websocket, RestApi(keys, desk, {**routes, **_routes(orders, account), **wallet_routes()})


def _methods(orders: SpotOrders, account: SpotAccount) -> dict[str, Endpoint]:
    return {
        "order.place": Private(orders.place, 1, new_orders=_one, is_free_when_done=True),
        "order.test": Private(orders.test),
        "order.cancel": Private(orders.cancel, is_free_when_done=True),
        "order.cancelReplace": Private(orders.replace, 1, new_orders=_one, is_free_when_done=True),
        "order.amend.keepPriority": Private(orders.amend, 4),
        "order.status": Private(orders.status, 4),
        "openOrders.status": Private(orders.open_orders, _open_orders_weight),
        "openOrders.cancelAll": Private(orders.cancel_all, is_free_when_done=True),
        "allOrders": Private(orders.all_orders, 20),
        "myTrades": Private(orders.my_trades, _my_trades_weight),
        "myPreventedMatches": Private(orders.my_prevented_matches, 20),
        "account.status": Private(account.status, 20),
        "account.rateLimits.orders": Private(account.order_counts, 40),
        "account.commission": Private(account.commission, 20),
    }


def _routes(orders: SpotOrders, account: SpotAccount) -> dict[str, Endpoint]:
    return {
        "POST /api/v3/order": Private(orders.place, 1, new_orders=_one, is_free_when_done=True),
        "POST /api/v3/order/test": Private(orders.test),
        "GET /api/v3/order": Private(orders.status, 4),
        "DELETE /api/v3/order": Private(orders.cancel, is_free_when_done=True),
        "POST /api/v3/order/cancelReplace": Private(orders.replace, 1, new_orders=_one, is_free_when_done=True),
        "PUT /api/v3/order/amend/keepPriority": Private(orders.amend, 4),
        "GET /api/v3/openOrders": Private(orders.open_orders, _open_orders_weight),
        "DELETE /api/v3/openOrders": Private(orders.cancel_all, is_free_when_done=True),
        "GET /api/v3/allOrders": Private(orders.all_orders, 20),
        "GET /api/v3/myTrades": Private(orders.my_trades, _my_trades_weight),
        "GET /api/v3/myPreventedMatches": Private(orders.my_prevented_matches, 20),
        "GET /api/v3/account": Private(account.status, 20),
        "GET /api/v3/account/commission": Private(account.commission, 20),
        "GET /api/v3/rateLimit/order": Private(account.order_counts, 40),
        "GET /sapi/v1/capital/config/getall": Private(account.coins, 10),
        "GET /sapi/v1/asset/tradeFee": Private(account.trade_fees),
        "GET /api/v3/myAllocations": Private(nothing, 20),
        "GET /api/v3/allOrderList": Private(nothing, 20),
        "GET /api/v3/openOrderList": Private(nothing, 6),
    }


def _one(_parameters: Parameters) -> int:
    return 1


def _open_orders_weight(parameters: Parameters) -> int:
    return 6 if "symbol" in parameters else 80


def _my_trades_weight(parameters: Parameters) -> int:
    return 5 if "orderId" in parameters else 20
