"""What anybody may ask over REST: time, instruments, books, tickers, trades, candles.

Source: OKX API v5 docs, "Public Data" and "Market Data". Errors of one parameter come with HTTP status 400.
"""

from __future__ import annotations

from typing import Any

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated.okx import errors
from graphwiz_trader.venues.simulated.okx.candles import BARS, rows
from graphwiz_trader.venues.simulated.okx.errors import OkxError
from graphwiz_trader.venues.simulated.okx.limits import Rate
from graphwiz_trader.venues.simulated.okx.market_frames import taker_side
from graphwiz_trader.venues.simulated.okx.products import Product, Products
from graphwiz_trader.venues.simulated.okx.public_channels import REMEMBERED_TRADES, PublicChannels
from graphwiz_trader.venues.simulated.okx.rest import PublicAnswer, Query, named_product, products_of_type
from graphwiz_trader.venues.simulated.orders import PublicTrade

MAX_LEVELS = 400
MAX_CANDLES = 300


class PublicRest:
    """Answers from what the channels know."""

    def __init__(self, products: Products, channels: PublicChannels) -> None:
        self._products = products
        self._channels = channels

    def routes(self) -> dict[str, PublicAnswer]:
        return {
            "/api/v5/public/time": lambda _query, now_ms: [{"ts": str(now_ms)}],
            "/api/v5/public/instruments": self._instruments,
            "/api/v5/market/books": self._book,
            "/api/v5/market/ticker": lambda query, now_ms: [self._ticker(named_product(self._products, query), now_ms)],
            "/api/v5/market/tickers": lambda query, now_ms: [
                self._ticker(product, now_ms) for product in products_of_type(self._products, query)
            ],
            "/api/v5/market/trades": self._trades,
            "/api/v5/market/history-trades": self._trades,
            "/api/v5/market/candles": self._candles,
            "/api/v5/market/history-candles": self._candles,
            "/api/v5/system/status": lambda _query, _now_ms: [],
        }

    def rates(self) -> dict[str, Rate | None]:
        """The paths whose rate is not the usual one."""
        return {
            "/api/v5/market/books": Rate(40, 2_000),
            "/api/v5/market/trades": Rate(100, 2_000),
            "/api/v5/market/candles": Rate(40, 2_000),
        }

    def _instruments(self, query: Query, _now_ms: int) -> list[Any]:
        wanted = query.get("instId")
        if wanted is not None and self._products.find(wanted) is None:
            raise OkxError(*errors.NO_INSTRUMENT)
        family = query.get("instFamily") or query.get("uly")
        return [
            product.rules()
            for product in products_of_type(self._products, query)
            if wanted in (None, product.inst_id) and family in (None, product.underlying)
        ]

    def _book(self, query: Query, now_ms: int) -> list[Any]:
        product = named_product(self._products, query)
        count = _count(query, "sz", 1, MAX_LEVELS)
        matcher = product.book.matcher
        bids, asks = (
            [[product.numbers.price(price), product.numbers.size(lots), "0", "1"] for price, lots in levels]
            for levels in (matcher.levels(Side.BUY, count), matcher.levels(Side.SELL, count))
        )
        return [{"asks": asks, "bids": bids, "ts": str(now_ms), "seqId": product.seq_id}]

    def _trades(self, query: Query, _now_ms: int) -> list[Any]:
        product = named_product(self._products, query)
        recent = list(self._channels.recent[product.inst_id])[-_count(query, "limit", 100, REMEMBERED_TRADES) :]
        return [_trade(product, trade) for trade in reversed(recent)]

    def _candles(self, query: Query, now_ms: int) -> list[Any]:
        """``after``: only candles that begin before that time; ``before``: only those that begin after it."""
        product = named_product(self._products, query)
        bar = BARS.get(query.get("bar", "1m"))
        if bar is None:
            raise OkxError(51000, "Parameter bar error", 400)
        count, after_ms, before_ms = (
            _count(query, "limit", 100, MAX_CANDLES),
            _time(query, "after"),
            _time(query, "before"),
        )
        told = rows(product, self._channels.candles[product.inst_id], bar, count, now_ms, after_ms)
        return [row for row in told if before_ms is None or int(row[0]) > before_ms]

    def _ticker(self, product: Product, now_ms: int) -> Any:
        return self._channels.tickers[product.inst_id].ticker(now_ms)


def _trade(product: Product, trade: PublicTrade) -> dict[str, str]:
    return {
        "instId": product.inst_id,
        "side": taker_side(trade),
        "sz": product.numbers.size(trade.size_lots),
        "source": "0",
        "px": product.numbers.price(trade.price_ticks),
        "tradeId": str(trade.trade_id),
        "ts": str(trade.time_ms),
    }


def _time(query: Query, name: str) -> int | None:
    """A time in ms, None when it is not there."""
    text = query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 16):
        raise OkxError(51000, f"Parameter {name} error", 400)
    return int(text)


def _count(query: Query, name: str, default: int, most: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= most):
        raise OkxError(51000, f"Parameter {name} error", 400)
    return int(text)
