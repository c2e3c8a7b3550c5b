"""The channels of an account, on ``/private``: orders, account, positions, balance and position.

Sources: OKX API v5 docs, "Order channel" (no first message), "Account channel", "Positions channel" and "Balance and
position channel" (each begins with how things stand); "WebSocket: Connection count limit" (30 a channel and account).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.okx import order_forms
from graphwiz_trader.venues.simulated.okx.account_forms import AccountForms
from graphwiz_trader.venues.simulated.okx.products import SWAP, TYPES, Product, Products
from graphwiz_trader.venues.simulated.orders import OrderEvent

ORDERS, ACCOUNT, POSITIONS, BALANCE_AND_POSITION = "orders", "account", "positions", "balance_and_position"
MAX_CONNECTIONS = 30
MAX_CHANNELS = 100
"""Of accounts, on one connection: each is told of every event."""
_CHANNELS = frozenset({ORDERS, ACCOUNT, POSITIONS, BALANCE_AND_POSITION})
_REGULAR = frozenset({ACCOUNT, POSITIONS})
"""Channels that are told every 5 s too, unless ``updateInterval`` says otherwise."""
_INTERVALS_MS = {"0": 0, "2000": 2_000, "3000": 3_000, "4000": 4_000}
_INTERVAL_MS = 5_000
_FOR_TYPES = frozenset({ORDERS, POSITIONS})
"""Channels that must be told for which kind of instrument."""


class Reader(Protocol):
    """A connection as a channel sees it."""

    def send(self, payload: bytes, channel: str = "") -> None: ...


class Subscription:
    """What was asked for, as it was: it stands in every push."""

    def __init__(self, account: Account, arg: Mapping[str, str], reader: Reader, now_ms: int) -> None:
        self.account = account
        self.arg = arg
        self.reader = reader
        self.channel = arg["channel"]
        self._interval_ms = _interval_ms(arg) if self.channel in _REGULAR else 0
        self._due_ms = now_ms + self._interval_ms

    def is_due(self, now_ms: int) -> bool:
        """Whether it is time to tell how things stand although nothing has happened; counts it."""
        if not self._interval_ms or now_ms < self._due_ms:
            return False
        self._due_ms = now_ms + self._interval_ms
        return True


class _Extra(msgspec.Struct):
    update_interval: str | int = msgspec.field(name="updateInterval", default="")


def _interval_ms(arg: Mapping[str, str]) -> int:
    """What ``extraParams`` asks for, 0 for events alone; the usual interval when it cannot be read."""
    try:
        extra = msgspec.json.decode(arg.get("extraParams", "{}"), type=_Extra)
    except (msgspec.DecodeError, RecursionError):
        return _INTERVAL_MS
    return _INTERVALS_MS.get(str(extra.update_interval), _INTERVAL_MS)


class PrivateChannels:
    """Who follows which account. Listens to a venue's orders."""

    def __init__(self, products: Products, forms: AccountForms) -> None:
        self._products = products
        self._forms = forms
        self._subscriptions: dict[int, list[Subscription]] = {}

    def knows(self, arg: Mapping[str, str]) -> bool:
        """Whether this names a channel of an account, for instruments that there are."""
        if arg["channel"] not in _CHANNELS:
            return False
        if arg["channel"] in _FOR_TYPES and arg.get("instType") not in {*TYPES, "ANY"}:
            return False
        return not arg.get("instId") or self._products.find(arg["instId"]) is not None

    def connections(self, account: Account, channel: str) -> int:
        """How many connections follow a channel of an account."""
        return len({id(s.reader) for s in self._subscriptions.get(account.uid, ()) if s.arg["channel"] == channel})

    def subscribed(self, account: Account, reader: Reader) -> int:
        """How many channels of an account one connection follows."""
        return sum(s.reader is reader for s in self._subscriptions.get(account.uid, ()))

    def join(self, account: Account, arg: Mapping[str, str], reader: Reader, now_ms: int) -> None:
        """Subscribe, and send what comes first. Asking twice for the same is asking once."""
        self.leave(account, arg, reader)
        subscription = Subscription(account, arg, reader, now_ms)
        self._subscriptions.setdefault(account.uid, []).append(subscription)
        if subscription.channel in _REGULAR:
            self._tell_state(subscription, now_ms)
        elif subscription.channel == BALANCE_AND_POSITION:
            held = [asset for asset, balance in account.balances.items() if balance.total_units]
            first = {
                "pTime": str(now_ms),
                "eventType": "snapshot",
                "balData": self._forms.cash(account, now_ms, held),
                "posData": self._forms.short_positions(account, now_ms),
                "trades": [],
            }
            self._tell(subscription, [first])

    def leave(self, account: Account, arg: Mapping[str, str], reader: Reader) -> None:
        """Does nothing when it was not subscribed."""
        kept = [s for s in self._subscriptions.get(account.uid, ()) if s.reader is not reader or s.arg != arg]
        self._subscriptions[account.uid] = kept

    def leave_all(self, account: Account, reader: Reader) -> None:
        """The connection is gone."""
        self._subscriptions[account.uid] = [
            s for s in self._subscriptions.get(account.uid, ()) if s.reader is not reader
        ]

    def flush(self, now_ms: int) -> None:
        """Tell what is told regularly and is due."""
        for subscriptions in list(self._subscriptions.values()):
            for subscription in subscriptions:
                if subscription.is_due(now_ms):
                    self._tell_state(subscription, now_ms)

    def order_changed(self, event: OrderEvent) -> None:
        account = event.order.account
        product = self._products[event.order.listing.symbol]
        for subscription in self._subscriptions.get(account.uid, ()):
            data = self._news(subscription.arg, product, event)
            if data is not None:
                self._tell(subscription, [data])

    def _news(self, arg: Mapping[str, str], product: Product, event: OrderEvent) -> dict[str, Any] | None:
        """What an event means to one subscription, None for nothing."""
        account, channel, now_ms = event.order.account, arg["channel"], event.time_ms
        moved_position = event.execution is not None and product.inst_type == SWAP
        if channel == ORDERS:
            return order_forms.pushed(product, event) if self._wants(arg, product) else None
        if channel == ACCOUNT:
            return self._balance(account, arg, now_ms)
        if channel == POSITIONS and moved_position and self._wants(arg, product):
            return self._forms.positions(account, now_ms, product.inst_id)[0]
        if channel != BALANCE_AND_POSITION or event.execution is None:
            return None
        instrument, trade_id = product.listing.instrument, event.execution.trade_id
        assets = [instrument.quote] if product.inst_type == SWAP else [instrument.base, instrument.quote]
        positions = self._forms.short_positions(account, now_ms, product.inst_id, trade_id) if moved_position else []
        return {
            "pTime": str(now_ms),
            "eventType": "filled",
            "balData": self._forms.cash(account, now_ms, assets),
            "posData": positions,
            "trades": [{"instId": product.inst_id, "tradeId": str(trade_id)}],
        }

    def _balance(self, account: Account, arg: Mapping[str, str], now_ms: int) -> dict[str, Any]:
        return self._forms.balance(account, now_ms, [arg["ccy"]] if arg.get("ccy") else None)

    def _tell_state(self, subscription: Subscription, now_ms: int) -> None:
        """How account or positions stand now."""
        account, arg = subscription.account, subscription.arg
        if subscription.channel == ACCOUNT:
            self._tell(subscription, [self._balance(account, arg, now_ms)])
            return
        positions = self._forms.positions(account, now_ms)
        self._tell(subscription, [p for p in positions if self._wants(arg, self._products[p["instId"]])])

    def _tell(self, subscription: Subscription, data: list[dict[str, Any]]) -> None:
        arg = {**subscription.arg, "uid": str(subscription.account.uid)}
        channel, inst_id = subscription.channel, data[0].get("instId", "") if data else ""
        name = f"{channel}:{inst_id}" if inst_id else channel
        subscription.reader.send(msgspec.json.encode({"arg": arg, "data": data}), name)

    def _wants(self, arg: Mapping[str, str], product: Product) -> bool:
        family = arg.get("instFamily")
        return (
            arg.get("instType") in ("ANY", product.inst_type)
            and arg.get("instId") in (None, "", product.inst_id)
            and (not family or family == product.underlying)
        )
