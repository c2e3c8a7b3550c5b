"""Where a request meets its method: limits first, then who asks, then the method, the same for REST and WebSocket.

Successful placing and cancelling costs no weight since 2026-04-02; a refused one does.
Source: Binance spot API docs, "Limits" and "Endpoint security types".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import msgspec

from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.binance.authentication import ApiKey
from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.limits import RateLimiter
from graphwiz_trader.venues.simulated.binance.parameters import Caller, Parameters
from graphwiz_trader.venues.simulated.orders import OrderRefusedError, Refusal

Weight: TypeAlias = int | Callable[[Parameters], int]


class Public(msgspec.Struct, frozen=True):
    """Anybody may ask it. The method returns the JSON of its result, or raises BinanceError or OrderRefusedError."""

    method: Callable[[Parameters, int], bytes]
    weight: Weight = 1


class Private(msgspec.Struct, frozen=True):
    """An account asks it; the method as above."""

    method: Callable[[Parameters, Caller], bytes]
    weight: Weight = 1
    is_signed: bool = True
    """False: the API key is enough."""
    new_orders: Callable[[Parameters], int] | None = None
    """How many orders it places."""
    is_free_when_done: bool = False


Endpoint: TypeAlias = Public | Private


class Desk:
    """Calls endpoints for clients, within the limits."""

    def __init__(self, limiter: RateLimiter, refusals: Mapping[Refusal, tuple[int, str]]) -> None:
        self.limiter = limiter
        self._refusals = refusals

    def call(
        self,
        endpoint: Endpoint,
        parameters: Parameters,
        client: str,
        now_ms: int,
        sign_in: Callable[[], ApiKey],
    ) -> tuple[bytes, Account | None]:
        """The result, and the account whose order counts it changed. ``client``: its address. Raises BinanceError."""
        weight = endpoint.weight if isinstance(endpoint.weight, int) else endpoint.weight(parameters)
        try:
            if isinstance(endpoint, Public):
                self.limiter.charge(client, weight, now_ms)
                return endpoint.method(parameters, now_ms), None
            self.limiter.charge(client, 0 if endpoint.is_free_when_done else weight, now_ms)
            return self._private(endpoint, parameters, now_ms, sign_in())
        except OrderRefusedError as refused:
            self._charge_refused(endpoint, weight, client, now_ms)
            raise self.error(refused.refusal) from None
        except BinanceError:
            self._charge_refused(endpoint, weight, client, now_ms)
            raise

    def error(self, refusal: Refusal) -> BinanceError:
        """A refusal in the market's words."""
        return BinanceError(*self._refusals[refusal])

    def _private(
        self, endpoint: Private, parameters: Parameters, now_ms: int, key: ApiKey
    ) -> tuple[bytes, Account | None]:
        count = endpoint.new_orders(parameters) if endpoint.new_orders is not None else 0
        if not count:
            return endpoint.method(parameters, Caller(key.account, now_ms)), None
        self.limiter.check_orders(key.account, count, now_ms)
        result = endpoint.method(parameters, Caller(key.account, now_ms))
        self.limiter.count_orders(key.account, count, now_ms)
        return result, key.account

    def _charge_refused(self, endpoint: Endpoint, weight: int, client: str, now_ms: int) -> None:
        if isinstance(endpoint, Private) and endpoint.is_free_when_done:
            self.limiter.charge(client, weight, now_ms)
