"""Where Binance's markets differ: paths, stream names, weights, limits. Spot, USD-M, COIN-M futures; one value each.

Sources: Binance spot API docs, "WebSocket Streams", "Market Data endpoints", "LIMITS"; USD-M and COIN-M futures docs,
"Websocket Market Streams", "Order Book", "General Info".
"""

from __future__ import annotations

import msgspec

from graphwiz_trader.errors import did_you_mean
from graphwiz_trader.venues.base import VenueError
from graphwiz_trader.venues.pacing import Allowance


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """One of Binance's markets. ``exchange`` is its id, as ccxt spells it."""

    exchange: str
    stream_path: str
    """What follows the stream endpoint."""
    streams: tuple[str, ...]
    """What is streamed of each symbol."""
    binary_streams: tuple[str, ...] = ()
    """What is streamed of each symbol in SBE, the binary form; empty where there is none."""
    messages_per_s: int
    """How much a stream connection may be told; pings and pongs count."""
    most_streams: int = 1_024
    """On one connection."""
    depth_path: str
    depth_weight: int
    """Of a snapshot with 1,000 levels a side."""
    weight_per_minute: int
    exchange_info_path: str
    time_path: str
    user_stream_path: str = ""
    """Where user data is streamed, the listen key behind it; empty where it comes over the order connection."""
    attempts_per_5_minutes: int = 300
    key_check: str = ""
    """A signed request that proves an HMAC key where subscribing to user data does not; empty where it does."""
    order_trades_path: str = ""
    """Where REST is asked for an order's trades; empty where the order connection can be asked."""
    open_orders_path: str = ""
    """Where REST is asked for all open orders; empty where the order connection can be asked."""
    response_type: str = ""
    """How much an order's answer says: as much as this market offers. Empty where no orders are sent."""
    post_only_type: str = ""
    post_only_time_in_force: str = ""
    prevents_self_trade: bool = False
    """Whether ``selfTradePreventionMode`` is to be sent: USD-M's default has changed before."""
    is_derivative: bool
    is_inverse: bool = False
    """Sizes are contracts of a fixed worth in the quote, settled in the base."""
    maker_fee_ppm: int
    taker_fee_ppm: int

    @property
    def fees_ppm(self) -> tuple[int, int]:
        """(maker, taker) as published for accounts without discounts."""
        return self.maker_fee_ppm, self.taker_fee_ppm

    def new_attempts(self) -> Allowance:
        """How often this market's addresses may be connected to."""
        return Allowance(self.attempts_per_5_minutes, 300.0)

    def new_weight(self) -> Allowance:
        """How much request weight may be used: half of what an address is allowed, which others may share."""
        return Allowance(self.weight_per_minute // 2, 60.0)


SPOT = Market(
    exchange="binance",
    stream_path="/stream",
    streams=("depth@100ms", "bookTicker", "trade"),
    binary_streams=("depth", "bestBidAsk", "trade"),
    messages_per_s=5,
    depth_path="/api/v3/depth",
    depth_weight=50,
    weight_per_minute=6_000,
    exchange_info_path="/api/v3/exchangeInfo",
    time_path="/api/v3/time",
    response_type="FULL",
    post_only_type="LIMIT_MAKER",
    is_derivative=False,
    maker_fee_ppm=1_000,
    taker_fee_ppm=1_000,
)

USDM = Market(
    exchange="binanceusdm",
    stream_path="/public/stream",
    streams=("depth@0ms", "bookTicker", "trade"),
    messages_per_s=10,
    depth_path="/fapi/v1/depth",
    depth_weight=20,
    weight_per_minute=2_400,
    exchange_info_path="/fapi/v1/exchangeInfo",
    time_path="/fapi/v1/time",
    user_stream_path="/private/ws?listenKey=",
    key_check="v2/account.balance",
    order_trades_path="/fapi/v1/userTrades",
    open_orders_path="/fapi/v1/openOrders",
    response_type="RESULT",
    post_only_type="LIMIT",
    post_only_time_in_force="GTX",
    prevents_self_trade=True,
    is_derivative=True,
    maker_fee_ppm=200,
    taker_fee_ppm=500,
)

COINM = Market(
    exchange="binancecoinm",
    stream_path="/stream",
    streams=("depth@100ms", "bookTicker", "trade"),
    messages_per_s=10,
    most_streams=200,
    depth_path="/dapi/v1/depth",
    depth_weight=20,
    weight_per_minute=2_400,
    exchange_info_path="/dapi/v1/exchangeInfo",
    time_path="/dapi/v1/time",
    is_derivative=True,
    is_inverse=True,
    maker_fee_ppm=200,
    taker_fee_ppm=500,
)
"""Its streams are not routed by path, as USD-M's are; ``trade`` is undocumented there as on USD-M. Risk refuses inverse
contracts, so there is nothing about orders."""

_MARKETS = {market.exchange: market for market in (SPOT, USDM, COINM)}


def market_of(exchange: str) -> Market:
    """Raises VenueError for an exchange that is not one of Binance's markets."""
    found = _MARKETS.get(exchange)
    if found is None:
        raise VenueError(
            f"{exchange!r} is no market of Binance that is spoken here; {did_you_mean(exchange, _MARKETS)}"
        )
    return found


class _TimeAnswer(msgspec.Struct):
    serverTime: int  # noqa: N815  # the venue's name


def read_time(body: bytes) -> int:
    """An answer at ``time_path`` in milliseconds. Raises ValueError for what is none."""
    return msgspec.json.decode(body, type=_TimeAnswer).serverTime
