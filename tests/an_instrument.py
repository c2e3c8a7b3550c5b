"""An instrument in a line, for tests that need one and no more of it than they name."""

from __future__ import annotations

from typing import Any

from graphwiz_trader.hft.instruments import Instrument


def an_instrument(book: int, exchange: str, symbol: str, tick_size: str, lot_size: str, **rules: Any) -> Instrument:
    """By default the venue calls it what it is: BTCUSDT."""
    base, _, quote = symbol.partition(":")[0].partition("/")
    named = {"venue_symbol": base + quote, "base": base, "quote": quote} | rules
    return Instrument(book=book, exchange=exchange, symbol=symbol, tick_size=tick_size, lot_size=lot_size, **named)
