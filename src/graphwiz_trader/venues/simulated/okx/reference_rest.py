"""What anybody may ask about what prices are measured by: marks, indices, price limits, funding.

There is no index but the mark of the pair, and nothing is ever paid for funding.
Source: OKX API v5 docs, "Public Data", "Get index tickers".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphwiz_trader.hft.instruments import PPM
from graphwiz_trader.venues.simulated.candles import HOUR_MS
from graphwiz_trader.venues.simulated.okx import errors
from graphwiz_trader.venues.simulated.okx.errors import OkxError
from graphwiz_trader.venues.simulated.okx.products import SPOT, SWAP, Product, Products
from graphwiz_trader.venues.simulated.okx.rest import PublicAnswer, Query, named_product, products_of_type
from graphwiz_trader.venues.simulated.okx.tickers import TickerChannel

_PUBLIC = "/api/v5/public/"
_FUNDING_EVERY_MS = 8 * HOUR_MS
_EVERY = "ANY"


class ReferenceRest:
    """Answers from the books' marks."""

    def __init__(self, products: Products, tickers: Mapping[str, TickerChannel]) -> None:
        self._products = products
        self._tickers = tickers

    def routes(self) -> dict[str, PublicAnswer]:
        return {
            f"{_PUBLIC}mark-price": self._marks,
            f"{_PUBLIC}price-limit": self._price_limit,
            f"{_PUBLIC}underlying": lambda query, _now_ms: [
                [p.underlying for p in products_of_type(self._products, query) if p.inst_type == SWAP]
            ],
            f"{_PUBLIC}funding-rate": self._funding,
            f"{_PUBLIC}funding-rate-history": self._past_funding,
            "/api/v5/market/index-tickers": self._indices,
        }

    def _marks(self, query: Query, now_ms: int) -> list[Any]:
        """Of an instrument, or of a kind of them."""
        wanted = query.get("instId")
        found = products_of_type(self._products, query) if wanted is None else [named_product(self._products, query)]
        return [
            {"instType": p.inst_type, "instId": p.inst_id, "markPx": _mark(p), "ts": str(now_ms)}
            for p in found
            if query.get("instType") in (None, p.inst_type)
        ]

    def _price_limit(self, query: Query, now_ms: int) -> list[Any]:
        """As new orders are held to: by the last price, not before the first trade."""
        product = named_product(self._products, query)
        listing, last = product.listing, product.book.last_price_ticks
        most, least = (last * rate // PPM for rate in (listing.price_up_ppm, listing.price_down_ppm))
        return [
            {
                "instType": product.inst_type,
                "instId": product.inst_id,
                "buyLmt": product.numbers.price(most) if last else "",
                "sellLmt": product.numbers.price(least) if last else "",
                "enabled": bool(last),
                "ts": str(now_ms),
            }
        ]

    def _funding(self, query: Query, now_ms: int) -> list[Any]:
        """Of one swap, or of ``ANY``."""
        if query.get("instId") == _EVERY:
            return [_funding(product, now_ms) for product in self._products.of_type(SWAP)]
        return [_funding(self._swap(query), now_ms)]

    def _past_funding(self, query: Query, _now_ms: int) -> list[Any]:
        self._swap(query)
        return []

    def _indices(self, query: Query, now_ms: int) -> list[Any]:
        """By ``instId`` (a pair), or by what they are quoted in."""
        wanted, quote = query.get("instId"), query.get("quoteCcy")
        if wanted is None and quote is None:
            raise errors.missing("instId")
        found = [
            p
            for p in self._products.of_type(SPOT)
            if wanted in (None, p.inst_id) and quote in (None, p.listing.instrument.quote)
        ]
        if not found:
            raise OkxError(*errors.NO_INSTRUMENT)
        return [self._index(product, now_ms) for product in found]

    def _index(self, product: Product, now_ms: int) -> dict[str, str]:
        day = self._tickers[product.inst_id].ticker(now_ms)
        return {
            "instId": product.inst_id,
            "idxPx": _mark(product),
            "high24h": day.high24h,
            "low24h": day.low24h,
            "open24h": day.open24h,
            "sodUtc0": day.sod_utc0,
            "sodUtc8": day.sod_utc8,
            "ts": str(now_ms),
        }

    def _swap(self, query: Query) -> Product:
        product = named_product(self._products, query)
        if product.inst_type != SWAP:
            raise OkxError(*errors.NO_INSTRUMENT)
        return product


def _mark(product: Product) -> str:
    return product.numbers.price(product.book.mark_ticks() or 0)


def _funding(product: Product, now_ms: int) -> dict[str, str]:
    due_ms = (now_ms // _FUNDING_EVERY_MS + 1) * _FUNDING_EVERY_MS
    return {
        "formulaType": "noRate",
        "fundingRate": "0",
        "fundingTime": str(due_ms),
        "impactValue": "",
        "instId": product.inst_id,
        "instType": product.inst_type,
        "interestRate": "0",
        "maxFundingRate": "0",
        "method": "current_period",
        "minFundingRate": "0",
        "nextFundingRate": "",
        "nextFundingTime": str(due_ms + _FUNDING_EVERY_MS),
        "premium": "0",
        "prevFundingTime": str(due_ms - _FUNDING_EVERY_MS),
        "settFundingRate": "0",
        "settState": "settled",
        "ts": str(now_ms),
    }
