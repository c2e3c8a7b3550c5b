"""The symbols of a market, as requests name them: one, several, or all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from graphwiz_trader.venues.simulated.binance import errors
from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.parameters import Parameters
from graphwiz_trader.venues.simulated.venue_book import VenueBook


class Listed:
    """Every method raises BinanceError for a symbol that is not listed."""

    def __init__(self, books: Mapping[str, VenueBook]) -> None:
        self.books = books

    def one(self, parameters: Parameters) -> str:
        """``symbol``, which has to be there."""
        return self.known(parameters.text("symbol"))

    def several(self, parameters: Parameters) -> list[str]:
        """``symbol``, or the list in ``symbols``, or all there are."""
        one, several = parameters.optional("symbol"), parameters.json("symbols", list[str])
        wanted = [one] if one is not None else several
        return [self.known(symbol) for symbol in wanted] if wanted is not None else list(self.books)

    def each(self, parameters: Parameters, form: Callable[[str], dict[str, Any]]) -> bytes:
        """One object for ``symbol``, else a list."""
        symbols = self.several(parameters)
        is_one = parameters.optional("symbol") is not None
        return msgspec.json.encode(form(symbols[0]) if is_one else [form(symbol) for symbol in symbols])

    def known(self, symbol: str) -> str:
        """The symbol itself."""
        if symbol not in self.books:
            raise BinanceError(*errors.BAD_SYMBOL)
        return symbol
