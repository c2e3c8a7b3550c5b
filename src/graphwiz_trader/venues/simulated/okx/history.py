"""What has become of the orders of each account: the ended ones and the executions, the newest last.

Source: OKX API v5 docs, "Order history (last 7 days)", "Transaction details (last 3 days)".
"""

from __future__ import annotations

from collections import deque

from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.orders import Execution, Order, OrderEvent

REMEMBERED = 2_000
"""Of each, for each account."""


class History:
    """Listens to a venue's orders."""

    def __init__(self) -> None:
        self._ended: dict[int, deque[Order]] = {}
        self._fills: dict[int, deque[tuple[Order, Execution]]] = {}

    def order_changed(self, event: OrderEvent) -> None:
        uid = event.order.account.uid
        if event.execution is not None:
            self._fills.setdefault(uid, deque(maxlen=REMEMBERED)).append((event.order, event.execution))
        if not event.status.is_open:
            self._ended.setdefault(uid, deque(maxlen=REMEMBERED)).append(event.order)

    def ended(self, account: Account) -> list[Order]:
        return list(self._ended.get(account.uid, ()))

    def fills(self, account: Account) -> list[tuple[Order, Execution]]:
        return list(self._fills.get(account.uid, ()))
