"""USD-M user data: listen keys, and the events an account gets on the stream that its key names.

Sources: Binance USD-M futures docs, "User Data Streams", "Start User Data Stream".
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.binance import errors, usdm_events
from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.numbers import Numbers
from graphwiz_trader.venues.simulated.binance.parameters import Caller, Parameters
from graphwiz_trader.venues.simulated.binance.stream_hub import StreamHub
from graphwiz_trader.venues.simulated.ledger import LinearLedger
from graphwiz_trader.venues.simulated.orders import EventKind, OrderEvent

LISTEN_KEY_LIFE_MS = 60 * 60 * 1000


class ListenKeys:
    """The listen keys in force, one an account, each living an hour after it was last asked for."""

    def __init__(self, hub: StreamHub) -> None:
        self._hub = hub
        self._by_account: dict[int, tuple[str, int]] = {}
        self._keys: set[str] = set()

    def start(self, account: Account, now_ms: int) -> str:
        """The account's key, made if there is none, with its hour beginning anew."""
        key = self.current(account, now_ms) or secrets.token_hex(32)
        self._by_account[account.uid] = (key, now_ms + LISTEN_KEY_LIFE_MS)
        self._keys.add(key)
        return key

    def current(self, account: Account, now_ms: int) -> str | None:
        key, until_ms = self._by_account.get(account.uid, ("", 0))
        return key if now_ms <= until_ms else None

    def stop(self, account: Account) -> None:
        key, _ = self._by_account.pop(account.uid, ("", 0))
        self._keys.discard(key)

    def is_known(self, key: str) -> bool:
        return key in self._keys

    def expire(self, now_ms: int) -> None:
        """End the keys whose hour is over, and tell who listens."""
        over = [(uid, key) for uid, (key, until_ms) in self._by_account.items() if now_ms > until_ms]
        for uid, key in over:
            self._hub.publish(key, usdm_events.listen_key_expired(key, now_ms), "listenKeyExpired")
            del self._by_account[uid]
            self._keys.discard(key)


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
            self._hub.publish(key, usdm_events.trade_lite(event, numbers), "TRADE_LITE")
            self._hub.publish(key, usdm_events.account_update(event, self._ledger, numbers), "ACCOUNT_UPDATE")
        self._hub.publish(key, usdm_events.order_update(event, numbers), "ORDER_TRADE_UPDATE")


class ListenKeyMethods:
    """``listenKey`` over REST and ``userDataStream.*`` over the WebSocket API. The API key is enough for them."""

    def __init__(self, listen_keys: ListenKeys) -> None:
        self._listen_keys = listen_keys

    def start(self, _parameters: Parameters, caller: Caller) -> bytes:
        return b'{"listenKey":"%b"}' % self._listen_keys.start(caller.account, caller.now_ms).encode()

    def keep(self, parameters: Parameters, caller: Caller) -> bytes:
        """The hour begins anew."""
        if self._listen_keys.current(caller.account, caller.now_ms) is None:
            raise BinanceError(*errors.BAD_LISTEN_KEY)
        return self.start(parameters, caller)

    def stop(self, _parameters: Parameters, caller: Caller) -> bytes:
        self._listen_keys.stop(caller.account)
        return b"{}"
