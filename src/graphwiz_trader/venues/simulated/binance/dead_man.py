"""USD-M's dead-man's switch: a countdown per account and symbol that cancels everything when nobody restarts it.

Source: Binance USD-M futures docs, "Auto-Cancel All Open Orders".
"""

from __future__ import annotations

import msgspec

from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.parameters import Caller, Parameters
from graphwiz_trader.venues.simulated.orders import EndReason
from graphwiz_trader.venues.simulated.venue import Venue


class DeadMan:
    """The countdowns of one venue."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._due_ms: dict[tuple[Account, str], int] = {}

    def countdown(self, parameters: Parameters, caller: Caller) -> bytes:
        """``countdownCancelAll``: begin, begin anew, or with 0 stop."""
        symbol, span_ms = parameters.text("symbol"), parameters.integer("countdownTime")
        self._venue.book(symbol)
        if span_ms < 0:
            raise BinanceError(-1130, "Data sent for parameter 'countdownTime' is not valid.")
        if span_ms:
            self._due_ms[caller.account, symbol] = caller.now_ms + span_ms
        else:
            self._due_ms.pop((caller.account, symbol), None)
        return msgspec.json.encode({"symbol": symbol, "countdownTime": str(span_ms)})

    def check(self, now_ms: int) -> None:
        """Cancel what is due; the venue has to publish it."""
        for account, symbol in [key for key, due_ms in self._due_ms.items() if due_ms <= now_ms]:
            del self._due_ms[account, symbol]
            for order in self._venue.open_orders(account, symbol):
                self._venue.cancel(order, now_ms, reason=EndReason.TIMER)
