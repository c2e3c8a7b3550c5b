"""What a USD-M account has earned and paid: a line for each execution's profit, and one for its fee.

Source: Binance USD-M futures docs, "Get Income History": without times the last ones, oldest first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from graphwiz_trader.venues.simulated.binance.history import Span
from graphwiz_trader.venues.simulated.binance.numbers import amount
from graphwiz_trader.venues.simulated.binance.parameters import Caller, Parameters
from graphwiz_trader.venues.simulated.orders import Order
from graphwiz_trader.venues.simulated.venue import Venue

PROFIT, FEE = "REALIZED_PNL", "COMMISSION"


def income(venue: Venue, parameters: Parameters, caller: Caller) -> bytes:
    """Of every symbol or of one, of every kind or of one ``incomeType``; nothing is ever paid for funding here."""
    symbol, kind = parameters.optional("symbol"), parameters.optional("incomeType")
    symbols = list(venue.books) if symbol is None else [venue.book(symbol).listing.symbol]
    lines = [
        line
        for name in symbols
        for order in venue.orders(caller.account, name)
        for line in _lines(order)
        if kind in (None, line["incomeType"])
    ]
    lines.sort(key=lambda line: (line["time"], line["tranId"]))
    span = Span.of(parameters, default=100)
    return msgspec.json.encode(span.choose(lines, lambda line: line["tranId"], lambda line: line["time"]))


def _lines(order: Order) -> Iterator[dict[str, Any]]:
    symbol, asset = order.listing.symbol, order.listing.instrument.quote
    for execution in order.executions:
        for kind, units in ((PROFIT, execution.realised_units), (FEE, -execution.fee_units)):
            if units:
                yield {
                    "symbol": symbol,
                    "incomeType": kind,
                    "income": _signed(units),
                    "asset": asset,
                    "info": kind,
                    "time": execution.time_ms,
                    "tranId": execution.trade_id,
                    "tradeId": str(execution.trade_id),
                }


def _signed(units: int) -> str:
    return amount(units) if units > 0 else f"-{amount(-units)}"
