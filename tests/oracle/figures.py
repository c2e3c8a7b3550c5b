"""What a book says, in exact Decimals: best prices, spread, mid, imbalance, depth."""

from __future__ import annotations

from decimal import Decimal

from .books import Book

Level = tuple[Decimal, Decimal]


def bids(book: Book) -> list[Level]:
    """Best (highest) first."""
    return sorted(book.bids.items(), reverse=True)


def asks(book: Book) -> list[Level]:
    """Best (lowest) first."""
    return sorted(book.asks.items())


def mid(book: Book) -> Decimal:
    return (max(book.bids) + min(book.asks)) / 2


def spread(book: Book) -> Decimal:
    return min(book.asks) - max(book.bids)


def spread_bps(book: Book) -> Decimal:
    """The spread in ten-thousandths of the mid."""
    return spread(book) / mid(book) * 10_000


def imbalance(book: Book, levels: int = 10) -> Decimal:
    """(bid size − ask size) / (bid size + ask size) over the best levels of each side: +1 all bids, −1 all asks."""
    bid_size = sum((size for _, size in bids(book)[:levels]), Decimal(0))
    ask_size = sum((size for _, size in asks(book)[:levels]), Decimal(0))
    return (bid_size - ask_size) / (bid_size + ask_size)
