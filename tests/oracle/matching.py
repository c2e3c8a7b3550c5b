"""A matching engine that is obviously right: one list of orders, oldest first, sorted for every question.

The slow twin of `venues.simulated.matching`: no levels, no totals, no index. What an order would do is found by doing
it to a copy.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.venues.simulated.matching import SelfTrade

GTC, IOC, FOK, POST_ONLY = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.POST_ONLY


@dataclass
class NaiveOrder:
    order_id: int
    side: Side
    price: int
    lots: int
    owner: int


@dataclass
class NaiveEngine:
    """Order id → nothing: everything is found by looking through ``orders``."""

    orders: list[NaiveOrder] = field(default_factory=list)

    def queue(self, side: Side) -> list[NaiveOrder]:
        """Best price first; Python's sort leaves the older of two equals before the younger."""
        return sorted((o for o in self.orders if o.side is side), key=lambda o: -o.price * side.sign)

    def place(
        self,
        order_id: int,
        side: Side,
        limit: int | None,
        lots: int,
        force: TimeInForce,
        owner: int = 0,
        mode: SelfTrade = SelfTrade.NONE,
    ):
        """(steps, lots now resting, lots neither traded nor prevented nor resting)"""
        if force is POST_ONLY and self._others(side, limit):
            return [], 0, lots
        if force is FOK:
            steps, _, _ = copy.deepcopy(self).place(order_id, side, limit, lots, IOC, owner, mode)
            if sum(step[2] for step in steps if len(step) == 3) < lots:
                return [], 0, lots
        steps = []
        for other in self._others(side, limit):
            if not lots:
                break
            if mode is SelfTrade.NONE or other.owner != owner:
                mine = theirs = min(lots, other.lots)
                steps.append((other.order_id, other.price, mine))
            else:
                mine, theirs = {
                    SelfTrade.EXPIRE_TAKER: (lots, 0),
                    SelfTrade.EXPIRE_MAKER: (0, other.lots),
                    SelfTrade.EXPIRE_BOTH: (lots, other.lots),
                    SelfTrade.DECREMENT: (min(lots, other.lots), min(lots, other.lots)),
                    SelfTrade.TRANSFER: (min(lots, other.lots), min(lots, other.lots)),
                }[mode]
                steps.append((other.order_id, other.price, mine, theirs))
            lots -= mine
            other.lots -= theirs
        self.orders = [o for o in self.orders if o.lots]
        if lots and limit is not None and force in (GTC, POST_ONLY):
            self.orders.append(NaiveOrder(order_id, side, limit, lots, owner))
            return steps, lots, 0
        return steps, 0, lots

    def cancel(self, order_id: int) -> int:
        lots = next(o.lots for o in self.orders if o.order_id == order_id)
        self.orders = [o for o in self.orders if o.order_id != order_id]
        return lots

    def reduce(self, order_id: int, lots: int) -> None:
        next(o for o in self.orders if o.order_id == order_id).lots -= lots

    def levels(self, side: Side) -> list[tuple[int, int]]:
        prices = dict.fromkeys(o.price for o in self.queue(side))
        return [(p, sum(o.lots for o in self.orders if o.side is side and o.price == p)) for p in prices]

    def state(self) -> tuple[tuple[int, int, int, int], ...]:
        """Every order in the order in which it would trade, bids before asks."""
        return tuple((o.order_id, o.price, o.lots, o.owner) for side in Side for o in self.queue(side))

    def _others(self, side: Side, limit: int | None) -> list[NaiveOrder]:
        """Whom an incoming order may trade with, in turn."""
        return [o for o in self.queue(side.opposite) if limit is None or (limit - o.price) * side.sign >= 0]
