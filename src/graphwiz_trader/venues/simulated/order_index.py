"""A venue's memory of its orders: which are open, and how an owner finds one by the venue's id or by its own."""

from __future__ import annotations

from collections import OrderedDict, defaultdict

from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.orders import Order

REMEMBERED_ORDERS = 100_000
"""Closed orders beyond this many are forgotten, the oldest first."""


class OrderIndex:
    """The open orders and the remembered ones. An owner's own id names the last order that was given it."""

    def __init__(self) -> None:
        self._open: dict[int, Order] = {}
        self._open_of: defaultdict[int, dict[int, Order]] = defaultdict(dict)
        """Account → its open orders by id."""
        self._orders: OrderedDict[int, Order] = OrderedDict()
        self._by_client_id: dict[tuple[int, str, str], Order] = {}

    def is_open(self, order: Order) -> bool:
        return order.order_id in self._open

    def find_open(self, order_id: int) -> Order | None:
        return self._open.get(order_id)

    def open(self, order: Order) -> None:
        """It stands in the book now."""
        self._open[order.order_id] = self._open_of[order.account.uid][order.order_id] = order

    def close(self, order: Order) -> None:
        if self._open.pop(order.order_id, None) is not None:
            del self._open_of[order.account.uid][order.order_id]

    def open_orders(self, account: Account, symbol: str | None = None) -> list[Order]:
        """Oldest first."""
        return [o for o in self._open_of[account.uid].values() if symbol in (None, o.listing.symbol)]

    def every(self, account: Account, symbol: str) -> list[Order]:
        """Open or remembered, by their ids."""
        found = [o for o in self._orders.values() if o.account is account and o.listing.symbol == symbol]
        return sorted(found, key=lambda order: order.order_id)

    def find(self, account: Account, symbol: str, order_id: int | None, client_id: str | None) -> Order | None:
        """An account's order by the venue's id or else by the client's; None when there is none that is remembered."""
        found = (
            self._orders.get(order_id)
            if order_id is not None
            else self._by_client_id.get((account.uid, symbol, client_id or ""))
        )
        return found if found is not None and found.account is account and found.listing.symbol == symbol else None

    def remember(self, order: Order) -> None:
        self._orders[order.order_id] = order
        self._by_client_id[_own_name(order)] = order
        while len(self._orders) - len(self._open) > REMEMBERED_ORDERS:
            oldest = next(iter(self._orders.values()))
            if oldest.status.is_open:
                self._orders.move_to_end(oldest.order_id)
                continue
            del self._orders[oldest.order_id]
            self._forget_name(oldest)

    def rename(self, order: Order, client_id: str) -> None:
        """Its owner calls it differently from now on."""
        self._forget_name(order)
        order.client_id = client_id
        self._by_client_id[_own_name(order)] = order

    def _forget_name(self, order: Order) -> None:
        if self._by_client_id.get(_own_name(order)) is order:
            del self._by_client_id[_own_name(order)]


def _own_name(order: Order) -> tuple[int, str, str]:
    return order.account.uid, order.listing.symbol, order.client_id
