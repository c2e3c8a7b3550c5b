"""USD-M order entry and user data: the methods of ``/ws-fapi/v1``, listen keys, and the events they open.

A listen key names a stream of its own: a connection that subscribes to it gets the account's events.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import msgspec

from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.binance import errors, usdm_forms
from graphwiz_trader.venues.simulated.binance.authentication import ApiKeys
from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.exchange_info import usdm_exchange_info
from graphwiz_trader.venues.simulated.binance.numbers import Numbers
from graphwiz_trader.venues.simulated.binance.order_requests import (
    USDM_CLIENT_ID,
    USDM_SELF_TRADE,
    USDM_TIMES_IN_FORCE,
    OrderReader,
)
from graphwiz_trader.venues.simulated.binance.parameters import Caller, Parameters
from graphwiz_trader.venues.simulated.binance.public_api import PublicApi
from graphwiz_trader.venues.simulated.binance.rest import RestApi
from graphwiz_trader.venues.simulated.binance.stream_hub import StreamHub
from graphwiz_trader.venues.simulated.binance.websocket_api import Session, WebSocketApi
from graphwiz_trader.venues.simulated.faults import Faults
from graphwiz_trader.venues.simulated.ledger import LinearLedger
from graphwiz_trader.venues.simulated.orders import EventKind, OrderEvent, OrderRefusedError, Refusal
from graphwiz_trader.venues.simulated.venue import Venue

LISTEN_KEY_LIFE_MS = 60 * 60 * 1000


class ListenKeys:
    """The listen keys in force, one an account, each living an hour after it was last asked for."""

    def __init__(self) -> None:
        self._by_account: dict[int, tuple[str, int]] = {}
        self._accounts: dict[str, Account] = {}

    def start(self, account: Account, now_ms: int) -> str:
        """The account's key, made if there is none, with its hour beginning anew."""
        key = self.current(account, now_ms) or secrets.token_hex(32)
        self._by_account[account.uid] = (key, now_ms + LISTEN_KEY_LIFE_MS)
        self._accounts[key] = account
        return key

    def current(self, account: Account, now_ms: int) -> str | None:
        key, until_ms = self._by_account.get(account.uid, ("", 0))
        if key and now_ms > until_ms:
            self.stop(account)
        return key if now_ms <= until_ms else None

    def stop(self, account: Account) -> None:
        key, _ = self._by_account.pop(account.uid, ("", 0))
        self._accounts.pop(key, None)

    def is_known(self, key: str) -> bool:
        return key in self._accounts


class UsdmUserData:
    """An account's events, on the stream its listen key names."""

    def __init__(self, hub: StreamHub, keys: ListenKeys, ledger: LinearLedger, numbers: Mapping[str, Numbers]) -> None:
        self._hub = hub
        self._keys = keys
        self._ledger = ledger
        self._numbers = numbers

    def order_changed(self, event: OrderEvent) -> None:
        key = self._keys.current(event.order.account, event.time_ms)
        if key is None or not self._hub.has_subscribers(key):
            return
        numbers = self._numbers[event.order.listing.symbol]
        if event.kind is EventKind.TRADE:
            self._hub.publish(key, usdm_forms.account_update(event, self._ledger, numbers), "ACCOUNT_UPDATE")
        self._hub.publish(key, usdm_forms.order_update(event, numbers), "ORDER_TRADE_UPDATE")


class UsdmMethods:
    """The signed methods, and the listen keys of a session."""

    def __init__(
        self, venue: Venue, ledger: LinearLedger, keys: ApiKeys, numbers: dict[str, Numbers], listen_keys: ListenKeys
    ) -> None:
        self._venue = venue
        self._ledger = ledger
        self._keys = keys
        self._numbers = numbers
        self._listen_keys = listen_keys
        self._reader = OrderReader(numbers, USDM_TIMES_IN_FORCE, USDM_SELF_TRADE, USDM_CLIENT_ID)

    def place(self, parameters: Parameters, caller: Caller) -> bytes:
        response_type = parameters.optional("newOrderRespType") or "ACK"
        if response_type not in ("ACK", "RESULT"):
            raise BinanceError(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
        wanted = self._reader.new_order(parameters, f"sim{self._venue.new_order_id()}")
        order = self._venue.place(caller.account, wanted, caller.now_ms)
        return msgspec.json.encode(
            usdm_forms.order_form(order, self._numbers[wanted.symbol], as_accepted=response_type == "ACK")
        )

    def cancel(self, parameters: Parameters, caller: Caller) -> bytes:
        order = self._reader.find(self._venue, parameters, caller)
        if order is None:
            raise OrderRefusedError(Refusal.UNKNOWN_ORDER)
        self._venue.cancel(order, caller.now_ms)
        return msgspec.json.encode(usdm_forms.order_form(order, self._numbers[order.listing.symbol]))

    def status(self, parameters: Parameters, caller: Caller) -> bytes:
        order = self._reader.find(self._venue, parameters, caller)
        if order is None:
            raise BinanceError(*errors.NO_SUCH_ORDER)
        return msgspec.json.encode(usdm_forms.order_form(order, self._numbers[order.listing.symbol]))

    def open_orders(self, parameters: Parameters, caller: Caller) -> bytes:
        """Over REST alone, as on the real venue."""
        symbol = parameters.optional("symbol")
        if symbol is not None:
            self._venue.book(symbol)
        orders = self._venue.open_orders(caller.account, symbol)
        return msgspec.json.encode(
            [usdm_forms.order_form(order, self._numbers[order.listing.symbol]) for order in orders]
        )

    def user_trades(self, parameters: Parameters, caller: Caller) -> bytes:
        """The executions of the order named by ``orderId``."""
        symbol = parameters.text("symbol")
        self._venue.book(symbol)
        order = self._venue.find_order(caller.account, symbol, parameters.integer("orderId"), None)
        return msgspec.json.encode(usdm_forms.own_trades(order, self._numbers[symbol]) if order is not None else [])

    def account_status(self, _parameters: Parameters, caller: Caller) -> bytes:
        return usdm_forms.account_status(caller.account, self._ledger, self._numbers, caller.now_ms)

    def account_balance(self, _parameters: Parameters, caller: Caller) -> bytes:
        return msgspec.json.encode(usdm_forms.account_balance(caller.account, self._ledger, caller.now_ms))

    def account_position(self, _parameters: Parameters, caller: Caller) -> bytes:
        return msgspec.json.encode(
            usdm_forms.account_positions(caller.account, self._ledger, self._numbers, caller.now_ms)
        )

    def start_listening(self, session: Session, parameters: Parameters, now_ms: int) -> bytes:
        """``userDataStream.start``: needs the key, no signature."""
        account = self._account(session, parameters)
        return b'{"listenKey":"%b"}' % self._listen_keys.start(account, now_ms).encode()

    def keep_listening(self, session: Session, parameters: Parameters, now_ms: int) -> bytes:
        """``userDataStream.ping``: the hour begins anew."""
        account = self._account(session, parameters)
        if self._listen_keys.current(account, now_ms) is None:
            raise BinanceError(*errors.BAD_LISTEN_KEY)
        return b'{"listenKey":"%b"}' % self._listen_keys.start(account, now_ms).encode()

    def stop_listening(self, session: Session, parameters: Parameters, _now_ms: int) -> bytes:
        self._listen_keys.stop(self._account(session, parameters))
        return b"{}"

    def _account(self, session: Session, parameters: Parameters) -> Account:
        if session.key is not None and "apiKey" not in parameters:
            return session.key.account
        return self._keys.find(parameters.text("apiKey")).account


def usdm_apis(
    venue: Venue,
    keys: ApiKeys,
    numbers: dict[str, Numbers],
    hub: StreamHub,
    public: PublicApi,
    listen_keys: ListenKeys,
    *,
    events_first: bool,
    faults: Faults,
) -> tuple[WebSocketApi, RestApi]:
    """The methods of ``/ws-fapi/v1``, and the paths of ``/fapi``."""
    ledger = venue.ledger
    if not isinstance(ledger, LinearLedger):
        raise TypeError(f"USD-M needs a venue with positions; {venue.name} keeps a {type(ledger).__name__}")
    venue.order_listeners.append(UsdmUserData(hub, listen_keys, ledger, numbers))
    methods = UsdmMethods(venue, ledger, keys, numbers, listen_keys)
    websocket = WebSocketApi(
        venue,
        keys,
        errors.USDM_REFUSALS,
        public=public.methods(),
        session={
            "userDataStream.start": methods.start_listening,
            "userDataStream.ping": methods.keep_listening,
            "userDataStream.stop": methods.stop_listening,
        },
        signed={
            "order.place": methods.place,
            "order.cancel": methods.cancel,
            "order.status": methods.status,
            "account.status": methods.account_status,
            "account.balance": methods.account_balance,
            "account.position": methods.account_position,
            "v2/account.status": methods.account_status,
            "v2/account.balance": methods.account_balance,
            "v2/account.position": methods.account_position,
        },
        events_first=events_first,
        faults=faults,
    )
    rest = RestApi(
        keys,
        errors.USDM_REFUSALS,
        public={**public.methods("/fapi/v1/"), "/dapi/v1/exchangeInfo": _no_coin_margined},
        signed={
            "/fapi/v1/order": methods.status,
            "/fapi/v1/openOrders": methods.open_orders,
            "/fapi/v1/userTrades": methods.user_trades,
            "/fapi/v2/account": methods.account_status,
            "/fapi/v2/balance": methods.account_balance,
            "/fapi/v2/positionRisk": methods.account_position,
        },
    )
    return websocket, rest


def _no_coin_margined(_parameters: Parameters, now_ms: int) -> bytes:
    """Clients that load all of Binance's futures at start are told that COIN-M lists nothing."""
    return usdm_exchange_info((), now_ms)
