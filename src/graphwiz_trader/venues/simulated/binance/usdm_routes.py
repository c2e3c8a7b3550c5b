"""The paths of USD-M's streams: ``/public``, ``/market``, ``/private``; a stream on another's path stays silent.

Source: Binance USD-M futures docs, "WebSocket Market Streams", split by path in 2026-04: who connects without one is
on ``/public``.
"""

from __future__ import annotations

PUBLIC, MARKET, PRIVATE = "public", "market", "private"
_BOOKS_AND_TRADES = ("@depth", "@bookTicker", "@trade", "!bookTicker")


def split(path: str) -> tuple[str, str]:
    """``/market/ws/x`` → ``market``, ``/ws/x``; a path without a route is public."""
    _, first, *rest = path.split("/", 2)
    return (first, f"/{''.join(rest)}") if first in (PUBLIC, MARKET, PRIVATE) else (PUBLIC, path)


def market_route(stream: str) -> str:
    """Where a stream of market data is: books and every trade are public, what sums them up is not."""
    return PUBLIC if any(kind in stream for kind in _BOOKS_AND_TRADES) else MARKET
