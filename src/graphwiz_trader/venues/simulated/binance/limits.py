"""How much a client may ask of Binance: weight and connections per address, orders per account, and bans.

Sources: Binance spot API docs, "Limits" and "Unfilled order count"; USD-M futures docs, "General Info". Windows are
those of the clock: a minute's weight is forgotten when the next minute begins.
"""

from __future__ import annotations

from typing import Any

import msgspec

from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.orders import EventKind, OrderEvent

CONNECT_WEIGHT = 2
_MINUTE_MS = 60_000
_INTERVALS_MS = {"SECOND": 1_000, "MINUTE": _MINUTE_MS, "DAY": 86_400_000}
_FIRST_BAN_MS = 2 * _MINUTE_MS
_LONGEST_BAN_MS = 3 * 86_400_000
_PATIENCE = 20
"""So many requests beyond the limit in one minute bring a ban."""


class OrderLimit(msgspec.Struct, frozen=True):
    """New orders of an account within an interval of so many SECONDs, MINUTEs or DAYs."""

    interval: str
    count: int
    limit: int

    @property
    def span_ms(self) -> int:
        return self.count * _INTERVALS_MS[self.interval]

    @property
    def header(self) -> str:
        return f"X-MBX-ORDER-COUNT-{self.count}{self.interval[0]}"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of one market."""

    weight_per_minute: int
    orders: tuple[OrderLimit, ...]
    forgives_filled: bool
    """An order that begins to fill counts no longer."""
    connects_per_5_minutes: int = 300
    messages_per_second: int
    """What a client may send to the market streams, pings and pongs included."""
    too_much: str
    """What is said of too much weight, with ``{limit}`` and ``{client}``."""
    banned: str
    """What is said to a banned address, with ``{until_ms}`` and ``{client}``."""

    def as_listed(self) -> list[dict[str, Any]]:
        """``rateLimits`` of ``exchangeInfo``."""
        weight = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1}
        return [{**weight, "limit": self.weight_per_minute}, *map(_listed, self.orders)]


_FUTURES_TOO_MUCH = (
    "Too many requests; current limit of IP({client}) is {limit} requests per minute. "
    "Please use the websocket for live updates to avoid polling the API."
)
_FUTURES_BANNED = (
    "Way too many requests; IP({client}) banned until {until_ms}. "
    "Please use the websocket for live updates to avoid bans."
)
SPOT_LIMITS = Limits(
    weight_per_minute=6_000,
    orders=(OrderLimit("SECOND", 10, 50), OrderLimit("DAY", 1, 160_000)),
    forgives_filled=True,
    messages_per_second=5,
    too_much="Too much request weight used; current limit is {limit} request weight per 1 MINUTE. "
    "Please use WebSocket Streams for live updates to avoid polling the API.",
    banned="Way too much request weight used; IP banned until {until_ms}. "
    "Please use WebSocket Streams for live updates to avoid bans.",
)
USDM_LIMITS = Limits(
    weight_per_minute=2_400,
    orders=(OrderLimit("SECOND", 10, 300), OrderLimit("MINUTE", 1, 1_200)),
    forgives_filled=False,
    messages_per_second=10,
    too_much=_FUTURES_TOO_MUCH,
    banned=_FUTURES_BANNED,
)

COINM_LIMITS = Limits(
    weight_per_minute=2_400,
    orders=(OrderLimit("MINUTE", 1, 1_200),),
    forgives_filled=False,
    messages_per_second=10,
    too_much=_FUTURES_TOO_MUCH,
    banned=_FUTURES_BANNED,
)


class RateLimiter:
    """Counts, and refuses what is too much. ``is_strict`` False: it counts only."""

    def __init__(self, limits: Limits, *, is_strict: bool = True) -> None:
        self.limits = limits
        self._is_strict = is_strict
        self._weights: dict[str, _Window] = {}
        self._connects: dict[str, _Window] = {}
        self._bans: dict[str, tuple[int, int]] = {}
        """Address → the ban's end, and how long it was."""
        self._orders: dict[tuple[int, OrderLimit], _Window] = {}

    def charge(self, client: str, weight: int, now_ms: int) -> None:
        """Count a request. Raises BinanceError when the address is banned or has used up its minute."""
        self._refuse_banned(client, now_ms)
        window = _window(self._weights, client, now_ms, _MINUTE_MS)
        window.used += weight
        if window.used <= self.limits.weight_per_minute or not self._is_strict:
            return
        window.refused += 1
        if window.refused > _PATIENCE:
            self._ban(client, now_ms)
            self._refuse_banned(client, now_ms)
        text = self.limits.too_much.format(limit=self.limits.weight_per_minute, client=client)
        raise BinanceError(-1003, text, 429, retry_after_ms=window.ends_ms - now_ms)

    def connect(self, client: str, now_ms: int) -> None:
        """Count an attempt to open a WebSocket. Raises BinanceError when there were too many."""
        self.charge(client, CONNECT_WEIGHT, now_ms)
        window = _window(self._connects, client, now_ms, 5 * _MINUTE_MS)
        window.used += 1
        if self._is_strict and window.used > self.limits.connects_per_5_minutes:
            text = (
                "Too many connection attempts from IP; "
                f"current limit is {self.limits.connects_per_5_minutes} per '5 MINUTE'."
            )
            raise BinanceError(-1034, text, 429, retry_after_ms=window.ends_ms - now_ms)

    def check_orders(self, account: Account, count: int, now_ms: int) -> None:
        """Raises BinanceError when so many new orders would be too many."""
        for limit in self.limits.orders:
            window = self._order_window(account, limit, now_ms)
            if self._is_strict and window.used + count > limit.limit:
                text = (
                    f"Too many new orders; current limit is {limit.limit} orders per {limit.count} "
                    f"{limit.interval}{'S' if limit.count > 1 else ''}."
                )
                raise BinanceError(-1015, text, 429, retry_after_ms=window.ends_ms - now_ms)

    def count_orders(self, account: Account, count: int, now_ms: int) -> None:
        """So many orders were accepted."""
        for limit in self.limits.orders:
            self._order_window(account, limit, now_ms).used += count

    def order_changed(self, event: OrderEvent) -> None:
        """As the venue's listener: an order whose first fill this is counts no longer, where the market forgives."""
        is_first = event.execution is not None and event.execution.size_lots == event.filled_lots
        if self.limits.forgives_filled and event.kind is EventKind.TRADE and is_first:
            for limit in self.limits.orders:
                window = self._order_window(event.order.account, limit, event.time_ms)
                window.used = max(0, window.used - 1)

    def used_weight(self, client: str, now_ms: int) -> int:
        return _window(self._weights, client, now_ms, _MINUTE_MS).used

    def used_orders(self, account: Account, now_ms: int) -> list[tuple[OrderLimit, int]]:
        return [(limit, self._order_window(account, limit, now_ms).used) for limit in self.limits.orders]

    def headers(self, client: str, account: Account | None, now_ms: int) -> list[tuple[str, str]]:
        """What a REST answer says of the limits; with the account's orders when it has placed one."""
        used = str(self.used_weight(client, now_ms))
        told = [("X-MBX-USED-WEIGHT", used), ("X-MBX-USED-WEIGHT-1M", used)]
        if account is not None:
            told += [(limit.header, str(count)) for limit, count in self.used_orders(account, now_ms)]
        return told

    def told(self, client: str, account: Account | None, now_ms: int) -> list[dict[str, Any]]:
        """``rateLimits`` of a WebSocket API answer."""
        orders = self.order_counts(account, now_ms) if account is not None else []
        return [*orders, {**self.limits.as_listed()[0], "count": self.used_weight(client, now_ms)}]

    def order_counts(self, account: Account, now_ms: int) -> list[dict[str, Any]]:
        """The account's order limits, each with what counts against it."""
        return [{**_listed(limit), "count": count} for limit, count in self.used_orders(account, now_ms)]

    def _order_window(self, account: Account, limit: OrderLimit, now_ms: int) -> _Window:
        return _window(self._orders, (account.uid, limit), now_ms, limit.span_ms)

    def _refuse_banned(self, client: str, now_ms: int) -> None:
        until_ms, _ = self._bans.get(client, (0, 0))
        if now_ms < until_ms:
            text = self.limits.banned.format(until_ms=until_ms, client=client)
            raise BinanceError(-1003, text, 418, retry_after_ms=until_ms - now_ms)

    def _ban(self, client: str, now_ms: int) -> None:
        _, last_ms = self._bans.get(client, (0, _FIRST_BAN_MS // 2))
        length_ms = min(2 * last_ms, _LONGEST_BAN_MS)
        self._bans[client] = (now_ms + length_ms, length_ms)


class _Window:
    """What was used of a limit within one interval of the clock."""

    __slots__ = ("ends_ms", "refused", "used")

    def __init__(self, ends_ms: int) -> None:
        self.ends_ms = ends_ms
        self.used = 0
        self.refused = 0


def _window(windows: dict[Any, _Window], key: object, now_ms: int, span_ms: int) -> _Window:
    window = windows.get(key)
    if window is None or now_ms >= window.ends_ms:
        window = windows[key] = _Window((now_ms // span_ms + 1) * span_ms)
    return window


def _listed(limit: OrderLimit) -> dict[str, Any]:
    return {"rateLimitType": "ORDERS", "interval": limit.interval, "intervalNum": limit.count, "limit": limit.limit}
