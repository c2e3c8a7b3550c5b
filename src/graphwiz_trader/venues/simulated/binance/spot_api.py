"""Spot order entry and user data: the methods of ``/ws-api/v3`` and the events a subscriber gets on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.binance import errors, spot_events, spot_forms
from graphwiz_trader.venues.simulated.binance.authentication import ApiKeys
from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.numbers import Numbers
from graphwiz_trader.venues.simulated.binance.order_requests import (
    SPOT_CLIENT_ID,
    SPOT_SELF_TRADE,
    SPOT_TIMES_IN_FORCE,
    OrderReader,
)
from graphwiz_trader.venues.simulated.binance.parameters import Caller, Parameters
from graphwiz_trader.venues.simulated.binance.public_api import PublicApi
from graphwiz_trader.venues.simulated.binance.rest import RestApi
from graphwiz_trader.venues.simulated.binance.websocket_api import Session, WebSocketApi
from graphwiz_trader.venues.simulated.faults import Faults
from graphwiz_trader.venues.simulated.orders import Order, OrderEvent, OrderRefusedError, Refusal
from graphwiz_trader.venues.simulated.venue import Venue

_RESPONSE_TYPES = ("ACK", "RESULT", "FULL")
Sink = Callable[[bytes, str], None]
"""Takes an event and its name."""


class SpotUserData:
    """Who hears of which account's orders."""

    def __init__(self, numbers: Mapping[str, Numbers]) -> None:
        self._numbers = numbers
        self._sinks: dict[int, dict[Sink, None]] = {}

    def subscribe(self, account: Account, sink: Sink) -> Callable[[], None]:
        """Send an account's events to ``sink``. Returns what ends it."""
        sinks = self._sinks.setdefault(account.uid, {})
        sinks[sink] = None
        return lambda: sinks.pop(sink, None)

    def order_changed(self, event: OrderEvent) -> None:
        account, listing = event.order.account, event.order.listing
        sinks = self._sinks.get(account.uid)
        if not sinks:
            return
        assets = (listing.instrument.base, listing.instrument.quote)
        report = spot_events.execution_report(event, self._numbers[listing.symbol])
        position = spot_events.account_position(account, assets, event.time_ms)
        for sink in list(sinks):
            sink(report, "executionReport")
            sink(position, "outboundAccountPosition")


class SpotMethods:
    """The signed methods, and the subscriptions of a session."""

    def __init__(self, venue: Venue, keys: ApiKeys, numbers: Mapping[str, Numbers], user_data: SpotUserData) -> None:
        self._venue = venue
        self._keys = keys
        self._numbers = numbers
        self._user_data = user_data
        self._reader = OrderReader(numbers, SPOT_TIMES_IN_FORCE, SPOT_SELF_TRADE, SPOT_CLIENT_ID)

    def place(self, parameters: Parameters, caller: Caller) -> bytes:
        response_type = parameters.optional("newOrderRespType") or "FULL"
        if response_type not in _RESPONSE_TYPES:
            raise BinanceError(-1130, "Data sent for parameter 'newOrderRespType' is not valid.")
        wanted = self._reader.new_order(parameters, f"sim{self._venue.new_order_id()}")
        order = self._venue.place(caller.account, wanted, caller.now_ms)
        return spot_forms.placed(order, self._numbers[wanted.symbol], response_type)

    def cancel(self, parameters: Parameters, caller: Caller) -> bytes:
        order = self._reader.find(self._venue, parameters, caller)
        if order is None:
            raise OrderRefusedError(Refusal.UNKNOWN_ORDER)
        cancel_id = self._reader.client_id(parameters, "newClientOrderId") or self._fresh_id()
        return msgspec.json.encode(self._cancel(order, cancel_id, caller.now_ms))

    def cancel_all(self, parameters: Parameters, caller: Caller) -> bytes:
        symbol = parameters.text("symbol")
        self._venue.book(symbol)
        orders = self._venue.open_orders(caller.account, symbol)
        if not orders:
            raise OrderRefusedError(Refusal.UNKNOWN_ORDER)
        return msgspec.json.encode([self._cancel(order, self._fresh_id(), caller.now_ms) for order in orders])

    def status(self, parameters: Parameters, caller: Caller) -> bytes:
        order = self._reader.find(self._venue, parameters, caller)
        if order is None:
            raise BinanceError(*errors.NO_SUCH_ORDER)
        return msgspec.json.encode(spot_forms.queried(order, self._numbers[order.listing.symbol]))

    def open_orders(self, parameters: Parameters, caller: Caller) -> bytes:
        symbol = parameters.optional("symbol")
        if symbol is not None:
            self._venue.book(symbol)
        orders = self._venue.open_orders(caller.account, symbol)
        return msgspec.json.encode([spot_forms.queried(order, self._numbers[order.listing.symbol]) for order in orders])

    def my_trades(self, parameters: Parameters, caller: Caller) -> bytes:
        """The executions of the order named by ``orderId``."""
        symbol = parameters.text("symbol")
        self._venue.book(symbol)
        order = self._venue.find_order(caller.account, symbol, parameters.integer("orderId"), None)
        return msgspec.json.encode(spot_forms.own_trades(order, self._numbers[symbol]) if order is not None else [])

    def account_status(self, parameters: Parameters, caller: Caller) -> bytes:
        instrument = next(iter(self._venue.books.values())).listing.instrument
        fees = (instrument.maker_fee_ppm, instrument.taker_fee_ppm)
        omit_zero = parameters.flag("omitZeroBalances")
        return spot_forms.account_status(caller.account, fees, caller.now_ms, omit_zero=omit_zero)

    def coins(self, _parameters: Parameters, caller: Caller) -> bytes:
        """``GET /sapi/v1/capital/config/getall``: the assets there are, none of which can leave."""
        return spot_forms.coins(caller.account)

    def subscribe(self, session: Session, _parameters: Parameters, _now_ms: int) -> bytes:
        """``userDataStream.subscribe``: for the key the session logged on with."""
        if session.key is None:
            raise BinanceError(*errors.BAD_KEY)
        return self._open_subscription(session, session.key.account)

    def subscribe_signed(self, session: Session, parameters: Parameters, now_ms: int) -> bytes:
        """``userDataStream.subscribe.signature``: for the key that signed this request."""
        return self._open_subscription(session, parameters.sign_in(self._keys, now_ms).account)

    def unsubscribe(self, session: Session, parameters: Parameters, _now_ms: int) -> bytes:
        subscription = parameters.optional_integer("subscriptionId")
        if subscription is None:
            session.end_subscriptions()
            return b"{}"
        end = session.subscriptions.pop(subscription, None)
        if end is None:
            raise BinanceError(*errors.SUBSCRIPTION_INACTIVE)
        end()
        return b"{}"

    def _open_subscription(self, session: Session, account: Account) -> bytes:
        number = session.next_subscription
        session.next_subscription += 1

        def sink(event: bytes, name: str) -> None:
            session.send(b'{"subscriptionId":%d,"event":%b}' % (number, event), name)

        session.subscriptions[number] = self._user_data.subscribe(account, sink)
        return b'{"subscriptionId":%d}' % number

    def _cancel(self, order: Order, cancel_id: str, now_ms: int) -> spot_forms.Canceled:
        self._venue.cancel(order, now_ms, cancel_id)
        return spot_forms.canceled(order, self._numbers[order.listing.symbol], cancel_id)

    def _fresh_id(self) -> str:
        return f"sim{self._venue.new_order_id()}"


def spot_apis(
    venue: Venue,
    keys: ApiKeys,
    numbers: Mapping[str, Numbers],
    public: PublicApi,
    *,
    events_first: bool,
    faults: Faults,
) -> tuple[WebSocketApi, RestApi]:
    """The methods of ``/ws-api/v3``, and the paths of ``/api/v3`` and ``/sapi/v1``."""
    user_data = SpotUserData(numbers)
    venue.order_listeners.append(user_data)
    methods = SpotMethods(venue, keys, numbers, user_data)
    websocket = WebSocketApi(
        venue,
        keys,
        errors.SPOT_REFUSALS,
        public=public.methods(),
        session={
            "userDataStream.subscribe": methods.subscribe,
            "userDataStream.subscribe.signature": methods.subscribe_signed,
            "userDataStream.unsubscribe": methods.unsubscribe,
        },
        signed={
            "order.place": methods.place,
            "order.cancel": methods.cancel,
            "order.status": methods.status,
            "openOrders.status": methods.open_orders,
            "openOrders.cancelAll": methods.cancel_all,
            "account.status": methods.account_status,
            "myTrades": methods.my_trades,
        },
        events_first=events_first,
        faults=faults,
    )
    rest = RestApi(
        keys,
        errors.SPOT_REFUSALS,
        public=public.methods("/api/v3/"),
        signed={
            "/api/v3/order": methods.status,
            "/api/v3/openOrders": methods.open_orders,
            "/api/v3/account": methods.account_status,
            "/api/v3/myTrades": methods.my_trades,
            "/sapi/v1/capital/config/getall": methods.coins,
            "/sapi/v1/margin/allPairs": _nothing,
            "/sapi/v1/margin/isolated/allPairs": _nothing,
        },
    )
    return websocket, rest


def _nothing(_parameters: Parameters, _caller: Caller) -> bytes:
    """There is no margin trading here; clients that load everything at start are told so."""
    return b"[]"
