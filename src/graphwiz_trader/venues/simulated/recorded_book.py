"""The book of a recorded symbol as the place where a user's orders meet it, and its snapshot as it was recorded."""

from __future__ import annotations

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.hft.fill_model import VISIBLE_LEVELS, VisibleBookFill
from graphwiz_trader.hft.orderbook import OrderBook
from graphwiz_trader.venues.simulated.matching import LevelChange, Match, Outcome, RestingOrder

NO_MAKER = 0
"""The recorded market's orders have no ids."""


class RecordedBook:
    """Fills orders from a recorded book's visible levels; satisfies the venue's ``Matcher``.

    While the book is not trusted it shows no levels, and orders find nothing.
    """

    def __init__(self, book: OrderBook) -> None:
        self._book = book
        self._fill = VisibleBookFill()
        self._resting: dict[int, RestingOrder] = {}
        self._snapshot = b""
        self._snapshot_at = -1

    @property
    def change_count(self) -> int:
        """The id of the last update that the book has seen."""
        return self._book.last_update_id

    @property
    def recorded_snapshot(self) -> bytes | None:
        """The last recorded snapshot, verbatim, while no update has come since; else None."""
        return self._snapshot if self._snapshot and self._snapshot_at == self.change_count else None

    def keep_snapshot(self, body: bytes) -> None:
        """A recorded snapshot has come, and the book has just been brought to it."""
        self._snapshot, self._snapshot_at = body, self.change_count

    def place(
        self, order_id: int, side: Side, limit_ticks: int | None, size_lots: int, time_in_force: TimeInForce
    ) -> Outcome:
        if time_in_force is TimeInForce.POST_ONLY and self.would_trade(side, limit_ticks):
            return Outcome([], 0, size_lots)
        if time_in_force is TimeInForce.FOK and sum(n for _, n in self.walk(side, limit_ticks, size_lots)) < size_lots:
            return Outcome([], 0, size_lots)
        matches = [
            Match(NO_MAKER, price_ticks, lots)
            for price_ticks, lots in self._fill.take(self._opposite(side), side, limit_ticks, size_lots)
        ]
        left = size_lots - sum(match.size_lots for match in matches)
        if left and limit_ticks is not None and time_in_force in (TimeInForce.GTC, TimeInForce.POST_ONLY):
            self._resting[order_id] = RestingOrder(order_id, side, limit_ticks, left)
            return Outcome(matches, left, 0)
        return Outcome(matches, 0, left)

    def cancel(self, order_id: int) -> int:
        return self._resting.pop(order_id).remaining_lots

    def match_resting(self) -> list[tuple[int, Match]]:
        """What the recorded market now trades with resting orders, each as maker at its own price."""
        found = []
        for order in tuple(self._resting.values()):
            taken = self._fill.take(self._opposite(order.side), order.side, order.price_ticks, order.remaining_lots)
            lots = sum(size for _, size in taken)
            if lots:
                found.append((order.order_id, Match(order.order_id, order.price_ticks, lots)))
                order.remaining_lots -= lots
                if not order.remaining_lots:
                    del self._resting[order.order_id]
        return found

    def best(self, side: Side) -> int | None:
        levels = self.levels(side, 1)
        return levels[0][0] if levels else None

    def levels(self, side: Side, depth: int) -> list[tuple[int, int]]:
        return self._book.levels(side, depth) if self._book.is_trusted else []

    def would_trade(self, side: Side, limit_ticks: int | None) -> bool:
        return bool(self.walk(side, limit_ticks, 1))

    def walk(self, side: Side, limit_ticks: int | None, size_lots: int) -> list[tuple[int, int]]:
        return self._fill.preview(self._opposite(side), side, limit_ticks, size_lots)

    def take_changes(self) -> list[LevelChange]:
        """None: the recording tells of its book itself."""
        return []

    def _opposite(self, side: Side) -> list[tuple[int, int]]:
        return self.levels(side.opposite, VISIBLE_LEVELS)
