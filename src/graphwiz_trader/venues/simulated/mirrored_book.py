"""The book of a symbol whose market is elsewhere, told on by a simulated venue in its own words.

What a real or recorded venue's book shows is what this one shows, level by level, as changes with this venue's own
numbers; so any dialect can tell of any market. Orders meet it as `recorded_book` says, and do not stand in it.
"""

from __future__ import annotations

from graphwiz_trader.hft.events import MarketTrade, Side
from graphwiz_trader.hft.orderbook import OrderBook
from graphwiz_trader.hft.queue_position import QueueRule
from graphwiz_trader.venues.simulated.matching import LevelChange
from graphwiz_trader.venues.simulated.recorded_book import RecordedBook

MIRRORED_LEVELS = 1_000
"""How deep a side is told on."""


class MirroredBook(RecordedBook):
    """A recorded book that tells what changed in it since it was last asked. Unlike its source it begins at number 0.

    A book that is not trusted is shown empty.
    """

    def __init__(self, book: OrderBook, rule: QueueRule = QueueRule.RISK_AVERSE) -> None:
        super().__init__(book, rule)
        self._shown: tuple[dict[int, int], dict[int, int]] = ({}, {})
        self._seen = (False, 0)
        self._seen_trade_id = 0
        self._changes = 0

    def follow(self, book: OrderBook) -> None:
        """The market goes on in another book; how it differs from what was shown is told like any change."""
        super().follow(book)
        self._seen = (False, -1)
        self._seen_trade_id = book.last_trade.trade_id

    @property
    def change_count(self) -> int:
        """How many changes of a level have been told."""
        return self._changes

    def levels(self, side: Side, depth: int) -> list[tuple[int, int]]:
        return super().levels(side, min(depth, MIRRORED_LEVELS))

    def has_moved(self) -> bool:
        """Whether anything may have changed since `take_changes`."""
        return self._seen != (self._book.is_trusted, self._book.updates)

    def take_changes(self) -> list[LevelChange]:
        """The levels that differ from what was told last, the worst prices of each side last."""
        self._seen = (self._book.is_trusted, self._book.updates)
        changes: list[LevelChange] = []
        for side in Side:
            told, now = self._shown[side], dict(self.levels(side, MIRRORED_LEVELS))
            gone = [(price, 0) for price in told.keys() - now.keys()]
            changed = sorted(gone + list(now.items() - told.items()), key=lambda level: -level[0] * side.sign)
            changes += [LevelChange(side, price, lots) for price, lots in changed]
            told.clear()
            told.update(now)
        self._changes += len(changes)
        return changes

    def take_trade(self) -> MarketTrade | None:
        """The market's last trade, once."""
        trade = self._book.last_trade
        if trade.trade_id <= self._seen_trade_id:
            return None
        self._seen_trade_id = trade.trade_id
        return trade
