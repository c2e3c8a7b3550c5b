"""Spot user data: who hears of which account's orders and balances, over the WebSocket API.

Source: Binance spot API docs, "User Data Stream requests". Listen keys are gone since 2026-02-20.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec

from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.binance import errors, spot_events
from graphwiz_trader.venues.simulated.binance.authentication import ApiKeys
from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.numbers import Numbers
from graphwiz_trader.venues.simulated.binance.parameters import Parameters
from graphwiz_trader.venues.simulated.binance.websocket_api import Session, SessionMethod, Subscription
from graphwiz_trader.venues.simulated.orders import OrderEvent

Sink: TypeAlias = Callable[[bytes, str], None]
"""Takes an event and its name."""


class SpotUserData:
    """Who hears of which account."""

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


class SpotSubscriptions:
    """The methods that begin and end subscriptions."""

    def __init__(self, user_data: SpotUserData, keys: ApiKeys) -> None:
        self._user_data = user_data
        self._keys = keys

    def methods(self) -> dict[str, SessionMethod]:
        return {
            "userDataStream.subscribe": SessionMethod(self.subscribe),
            "userDataStream.subscribe.signature": SessionMethod(self.subscribe_signed),
            "userDataStream.unsubscribe": SessionMethod(self.unsubscribe),
            "session.subscriptions": SessionMethod(self.subscriptions),
        }

    def subscribe(self, session: Session, _parameters: Parameters, _now_ms: int) -> bytes:
        """For the key the session logged on with."""
        if session.key is None:
            raise BinanceError(*errors.BAD_KEY)
        return self._open(session, session.key.account, by_logon=True)

    def subscribe_signed(self, session: Session, parameters: Parameters, now_ms: int) -> bytes:
        """For the key that signed this request."""
        return self._open(session, parameters.sign_in(self._keys, now_ms).account, by_logon=False)

    def unsubscribe(self, session: Session, parameters: Parameters, now_ms: int) -> bytes:
        """One subscription, or all."""
        number = parameters.optional_integer("subscriptionId")
        if number is not None and number not in session.subscriptions:
            raise BinanceError(*errors.SUBSCRIPTION_INACTIVE)
        for each in list(session.subscriptions) if number is None else [number]:
            session.terminate(each, now_ms)
        return b"{}"

    def subscriptions(self, session: Session, _parameters: Parameters, _now_ms: int) -> bytes:
        """Those that are open."""
        return msgspec.json.encode([{"subscriptionId": number} for number in session.subscriptions])

    def _open(self, session: Session, account: Account, *, by_logon: bool) -> bytes:
        number = session.next_subscription
        session.next_subscription += 1

        def sink(event: bytes, name: str) -> None:
            session.send(b'{"subscriptionId":%d,"event":%b}' % (number, event), name)

        session.subscriptions[number] = Subscription(self._user_data.subscribe(account, sink), by_logon)
        return b'{"subscriptionId":%d}' % number
