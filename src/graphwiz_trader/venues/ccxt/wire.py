"""What ccxt reports, as frames: bytes that the journal keeps and the core reads, so that a replay needs no ccxt.

The words are those of OKX's channels ``books5`` and ``trades``, which the core knows: every message of a book is all
of its best levels, and a trade has a number. One message is our own, ``{"lost":symbol}``: from here on the book is
not known. `hft.decoders.ccxt_decoder` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

LEVELS = 50
"""Of a side: what is sent of a book."""

_encode = msgspec.json.Encoder().encode
_BOOKS, _TRADES = "books5", "trades"
_NO_COUNT = "0"

_Row = tuple[str, str, str, str]


class _Argument(msgspec.Struct, rename={"symbol": "instId"}):
    channel: str
    symbol: str


class _Book(msgspec.Struct, rename={"sequence": "seqId"}):
    asks: list[_Row]
    bids: list[_Row]
    ts: str
    sequence: int | msgspec.UnsetType = msgspec.UNSET


class _Trade(msgspec.Struct, rename={"number": "tradeId"}):
    number: str
    px: str
    sz: str
    side: str
    ts: str


class _Message(msgspec.Struct):
    arg: _Argument
    data: Sequence[_Book | _Trade]


class _Lost(msgspec.Struct):
    lost: str


def book_frame(symbol: str, book: Mapping[str, Any], lot_decimals: int) -> bytes:
    """A book as ccxt reports it, cut to its best levels and its sizes to ``lot_decimals``."""
    time_ms, nonce = book.get("timestamp"), book.get("nonce")
    # Without a time an id cannot be told from one of before the exchange began to count anew.
    sequence = nonce if isinstance(time_ms, int) and isinstance(nonce, int) and nonce >= 0 else msgspec.UNSET
    message = _Book(
        asks=_rows(book["asks"], lot_decimals),
        bids=_rows(book["bids"], lot_decimals),
        ts=_time(time_ms),
        sequence=sequence,
    )
    return _encode(_Message(_Argument(_BOOKS, symbol), [message]))


def trades_frame(symbol: str, trades: Sequence[Mapping[str, Any]], first_number: int, lot_decimals: int) -> bytes:
    """Trades as ccxt reports them, oldest first, numbered from ``first_number``: not every exchange numbers them.

    All must say which side took; see `has_side`.
    """
    told = [
        _Trade(
            number=str(number),
            px=decimal_text(trade["price"]),
            sz=_cut(decimal_text(trade["amount"]), lot_decimals),
            side=trade["side"],
            ts=_time(trade.get("timestamp")),
        )
        for number, trade in enumerate(trades, first_number)
    ]
    return _encode(_Message(_Argument(_TRADES, symbol), told))


def lost_frame(symbol: str) -> bytes:
    """What is known of the book is no longer what the exchange has."""
    return _encode(_Lost(symbol))


def has_side(trade: Mapping[str, Any]) -> bool:
    """Whether a trade says who took; some exchanges do not tell."""
    return trade.get("side") in {"buy", "sell"}


def decimal_text(number: Any) -> str:
    """ccxt's floats as the exchange wrote them: the shortest text that reads as the same float, without exponent."""
    text = repr(number)
    return f"{Decimal(text):f}" if "e" in text else text


def _rows(levels: Sequence[Sequence[Any]], lot_decimals: int) -> list[_Row]:
    return [
        (decimal_text(level[0]), _cut(decimal_text(level[1]), lot_decimals), _NO_COUNT, _NO_COUNT)
        for level in levels[:LEVELS]
    ]


def _cut(text: str, decimals: int) -> str:
    """A size without what is finer than a lot: more than is there is never shown."""
    whole, point, fraction = text.partition(".")
    if not point or len(fraction) <= decimals:
        return text
    return f"{whole}.{fraction[:decimals]}" if decimals else whole


def _time(time_ms: Any) -> str:
    """0 where the exchange does not say."""
    return str(time_ms) if isinstance(time_ms, int) and time_ms > 0 else "0"
