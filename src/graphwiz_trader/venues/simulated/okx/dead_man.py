"""The dead-man's switch: an account's orders are canceled unless it asks for more time.

Source: OKX API v5 docs, "Cancel All After": ``timeOut`` is 0 (off) or 10 to 120 seconds; once a second at most.
"""

from __future__ import annotations

from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.okx import errors
from graphwiz_trader.venues.simulated.okx.limits import Rate, Windows
from graphwiz_trader.venues.simulated.okx.order_desk import OrderDesk

SHORTEST_S, LONGEST_S = 10, 120
_OFF_MS = 0


class DeadMan:
    """The switches of all accounts."""

    def __init__(self, desk: OrderDesk) -> None:
        self.rate: Windows[int] = Windows(Rate(1, 1_000))
        self._desk = desk
        self._due_ms: dict[Account, int] = {}

    def set(self, account: Account, seconds: str, now_ms: int) -> int:
        """When the orders will be canceled, in ms; 0 for never. Raises OkxError."""
        if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 3):
            raise errors.parameter("timeOut")
        wanted_s = int(seconds)
        if wanted_s == 0:
            self._due_ms.pop(account, None)
            return _OFF_MS
        if not SHORTEST_S <= wanted_s <= LONGEST_S:
            raise errors.parameter("timeOut")
        self._due_ms[account] = now_ms + wanted_s * 1_000
        return self._due_ms[account]

    def check(self, now_ms: int) -> None:
        """Cancel the orders of those whose time is over."""
        for account in [account for account, due_ms in self._due_ms.items() if now_ms >= due_ms]:
            del self._due_ms[account]
            self._desk.cancel_all(account, now_ms)
            self._desk.publish(now_ms)
