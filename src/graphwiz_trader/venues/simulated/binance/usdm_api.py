"""The USD-M market's two APIs: which method answers which path and which name, at which weight.

Source: Binance USD-M futures docs (2026-06): "Trade", "Account", "User Data Streams" and their WebSocket twins.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from graphwiz_trader.venues.simulated.binance import errors
from graphwiz_trader.venues.simulated.binance.authentication import ApiKeys
from graphwiz_trader.venues.simulated.binance.dead_man import DeadMan
from graphwiz_trader.venues.simulated.binance.desk import Desk, Endpoint, Private, Public
from graphwiz_trader.venues.simulated.binance.exchange_info import usdm_exchange_info
from graphwiz_trader.venues.simulated.binance.limits import RateLimiter
from graphwiz_trader.venues.simulated.binance.listen_keys import ListenKeyMethods, ListenKeys, UsdmUserData
from graphwiz_trader.venues.simulated.binance.market_data import MarketData
from graphwiz_trader.venues.simulated.binance.numbers import Numbers
from graphwiz_trader.venues.simulated.binance.parameters import Parameters
from graphwiz_trader.venues.simulated.binance.public_methods import no_funding, usdm_public
from graphwiz_trader.venues.simulated.binance.rest import RestApi
from graphwiz_trader.venues.simulated.binance.stream_hub import StreamHub
from graphwiz_trader.venues.simulated.binance.usdm_account import UsdmAccount
from graphwiz_trader.venues.simulated.binance.usdm_account_forms import UsdmAccountForms
from graphwiz_trader.venues.simulated.binance.usdm_income import income
from graphwiz_trader.venues.simulated.binance.usdm_orders import UsdmOrders
from graphwiz_trader.venues.simulated.binance.wallet import nothing
from graphwiz_trader.venues.simulated.binance.websocket_api import WebSocketApi
from graphwiz_trader.venues.simulated.faults import Faults
from graphwiz_trader.venues.simulated.ledger import LinearLedger
from graphwiz_trader.venues.simulated.venue import Venue


class UsdmUpkeep:
    """What falls due at USD-M without anybody asking."""

    def __init__(self, venue: Venue, hub: StreamHub) -> None:
        self.listen_keys = ListenKeys(hub)
        self.dead_man = DeadMan(venue)

    def check(self, now_ms: int) -> None:
        """The venue's events have to be published after it."""
        self.listen_keys.expire(now_ms)
        self.dead_man.check(now_ms)


def usdm_apis(
    venue: Venue,
    keys: ApiKeys,
    numbers: Mapping[str, Numbers],
    hub: StreamHub,
    data: MarketData,
    limiter: RateLimiter,
    upkeep: UsdmUpkeep,
    *,
    events_first: bool,
    faults: Faults,
) -> tuple[WebSocketApi, RestApi]:
    """The methods of ``/ws-fapi/v1``, and the paths of ``/fapi``."""
    ledger = venue.ledger
    if not isinstance(ledger, LinearLedger):
        raise TypeError(f"USD-M needs a venue with positions; {venue.name} keeps a {type(ledger).__name__}")
    venue.order_listeners.append(UsdmUserData(hub, upkeep.listen_keys, ledger, numbers))
    desk = Desk(limiter, errors.USDM_REFUSALS)
    orders = UsdmOrders(venue, numbers, desk)
    account = UsdmAccount(venue, UsdmAccountForms(ledger, venue.books, numbers), limiter)
    listening = ListenKeyMethods(upkeep.listen_keys)
    names, public_routes = usdm_public(data.public, data.tickers)
    methods = {**names, **_methods(orders, account), **_stream_methods(listening)}
    websocket = WebSocketApi(venue, keys, desk, methods, events_first=events_first, faults=faults)
    routes = {
        **public_routes,
        **_order_routes(orders, upkeep.dead_man),
        **_account_routes(venue, account),
        **_stream_routes(listening),
        "GET /fapi/v1/fundingInfo": Public(no_funding),
        "GET /dapi/v1/exchangeInfo": Public(_no_coin_margined),
    }
    return websocket, RestApi(keys, desk, routes)


def _methods(orders: UsdmOrders, account: UsdmAccount) -> dict[str, Endpoint]:
    return {
        "order.place": Private(orders.place, new_orders=_one, is_free_when_done=True),
        "order.modify": Private(orders.modify, new_orders=_one),
        "order.cancel": Private(orders.cancel),
        "order.status": Private(orders.status),
        "account.status": Private(account.status, 5),
        "account.balance": Private(account.balance, 5),
        "account.position": Private(account.positions, 5),
        "v2/account.status": Private(account.status_of_held, 5),
        "v2/account.balance": Private(account.balance, 5),
        "v2/account.position": Private(account.held_positions, 5),
    }


def _stream_methods(listening: ListenKeyMethods) -> dict[str, Endpoint]:
    return {
        "userDataStream.start": Private(listening.start, 5, is_signed=False),
        "userDataStream.ping": Private(listening.keep, is_signed=False),
        "userDataStream.stop": Private(listening.stop, is_signed=False),
    }


def _stream_routes(listening: ListenKeyMethods) -> dict[str, Endpoint]:
    return {
        "POST /fapi/v1/listenKey": Private(listening.start, is_signed=False),
        "PUT /fapi/v1/listenKey": Private(listening.keep, is_signed=False),
        "DELETE /fapi/v1/listenKey": Private(listening.stop, is_signed=False),
    }


def _order_routes(orders: UsdmOrders, dead_man: DeadMan) -> dict[str, Endpoint]:
    return {
        "POST /fapi/v1/order": Private(orders.place, new_orders=_one, is_free_when_done=True),
        "POST /fapi/v1/order/test": Private(orders.test),
        "PUT /fapi/v1/order": Private(orders.modify, new_orders=_one),
        "GET /fapi/v1/order": Private(orders.status),
        "DELETE /fapi/v1/order": Private(orders.cancel),
        "POST /fapi/v1/batchOrders": Private(orders.place_several, 5, new_orders=orders.count_new),
        "PUT /fapi/v1/batchOrders": Private(orders.modify_several, 5, new_orders=orders.count_new),
        "DELETE /fapi/v1/batchOrders": Private(orders.cancel_several),
        "DELETE /fapi/v1/allOpenOrders": Private(orders.cancel_all),
        "GET /fapi/v1/openOrder": Private(orders.open_order),
        "GET /fapi/v1/openOrders": Private(orders.open_orders, _open_orders_weight),
        "GET /fapi/v1/allOrders": Private(orders.all_orders, 5),
        "GET /fapi/v1/userTrades": Private(orders.user_trades, 5),
        "POST /fapi/v1/countdownCancelAll": Private(dead_man.countdown, 10),
    }


def _account_routes(venue: Venue, account: UsdmAccount) -> dict[str, Endpoint]:
    return {
        "GET /fapi/v2/account": Private(account.status, 5),
        "GET /fapi/v3/account": Private(account.status_of_held, 5),
        "GET /fapi/v2/balance": Private(account.balance, 5),
        "GET /fapi/v3/balance": Private(account.balance, 5),
        "GET /fapi/v2/positionRisk": Private(account.positions, 5),
        "GET /fapi/v3/positionRisk": Private(account.held_positions, 5),
        "GET /fapi/v1/commissionRate": Private(account.commission_rate, 20),
        "GET /fapi/v1/leverageBracket": Private(account.leverage_brackets),
        "GET /fapi/v1/symbolConfig": Private(account.symbol_configs, 5),
        "GET /fapi/v1/accountConfig": Private(account.account_config, 5),
        "GET /fapi/v1/rateLimit/order": Private(account.order_counts),
        "GET /fapi/v1/positionSide/dual": Private(account.position_mode, 30),
        "POST /fapi/v1/positionSide/dual": Private(account.set_position_mode),
        "GET /fapi/v1/multiAssetsMargin": Private(account.assets_mode, 30),
        "POST /fapi/v1/leverage": Private(account.set_leverage),
        "POST /fapi/v1/marginType": Private(account.set_margin_type),
        "GET /fapi/v1/positionMargin/history": Private(nothing),
        "GET /fapi/v1/income": Private(partial(income, venue), 30),
    }


def _one(_parameters: Parameters) -> int:
    return 1


def _open_orders_weight(parameters: Parameters) -> int:
    return 1 if "symbol" in parameters else 40


def _no_coin_margined(_parameters: Parameters, now_ms: int) -> bytes:
    """Clients that load all of Binance's futures at start are told that COIN-M lists nothing."""
    return usdm_exchange_info((), now_ms)
