"""The book of a recorded symbol as the place where a user's orders meet it, and its snapshot as it was recorded."""

from __future__ import annotations

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.hft.fill_model import FillModel
from graphwiz_trader.hft.orderbook import OrderBook
from graphwiz_trader.hft.queue_position import QueueRule
from graphwiz_trader.venues.simulated.matching import NO_MAKER, NOBODY, LevelChange, Match, Outcome, SelfTrade


class RecordedBook:
    """Fills orders by `hft.fill_model` from a book that does not know of them; satisfies the venue's ``Matcher``.

    While the book is not trusted it shows no levels, and orders find nothing.
    """

    def __init__(self, book: OrderBook, rule: QueueRule = QueueRule.RISK_AVERSE) -> None:
        self._book = book
        self._fills = FillModel(book, rule)
        self._snapshot = b""
        self._snapshot_at = -1

    def follow(self, book: OrderBook) -> None:
        """The market goes on in another book."""
        self._book = book
        self._fills.follow(book)

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
        self,
        order_id: int,
        side: Side,
        limit_ticks: int | None,
        size_lots: int,
        time_in_force: TimeInForce,
        owner: int = NOBODY,  # noqa: ARG002  # nobody's orders meet but the recorded market's
        self_trade: SelfTrade = SelfTrade.NONE,  # noqa: ARG002
    ) -> Outcome:
        placed = self._fills.place(order_id, side, limit_ticks, size_lots, time_in_force)
        matches = [Match(NO_MAKER, price_ticks, lots) for price_ticks, lots in placed.fills]
        return Outcome(matches, placed.resting_lots, placed.unplaced_lots)

    def reduce(self, order_id: int, size_lots: int) -> None:
        self._fills.reduce(order_id, size_lots)

    def cancel(self, order_id: int) -> int:
        return self._fills.cancel(order_id)

    def match_resting(self) -> list[tuple[int, Match]]:
        """What the market's last event traded with resting orders, each as maker at its own price."""
        return [(order_id, Match(order_id, price_ticks, lots)) for order_id, price_ticks, lots in self._fills.observe()]

    def best(self, side: Side) -> int | None:
        levels = self.levels(side, 1)
        return levels[0][0] if levels else None

    def levels(self, side: Side, depth: int) -> list[tuple[int, int]]:
        return self._book.levels(side, depth) if self._book.is_trusted else []

    def would_trade(self, side: Side, limit_ticks: int | None) -> bool:
        return self._fills.would_trade(side, limit_ticks)

    def walk(
        self,
        side: Side,
        limit_ticks: int | None,
        size_lots: int,
        owner: int = NOBODY,  # noqa: ARG002
        self_trade: SelfTrade = SelfTrade.NONE,  # noqa: ARG002
    ) -> list[tuple[int, int]]:
        return self._fills.walk(side, limit_ticks, size_lots)

    def take_changes(self) -> list[LevelChange]:
        """None: the recording tells of its book itself."""
        return []
