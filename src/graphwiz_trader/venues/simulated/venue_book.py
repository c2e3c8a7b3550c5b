"""One symbol at a venue: its listing, the place where its orders meet, and its last trade."""

from __future__ import annotations

from typing import Protocol

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.matching import LevelChange, Outcome, SelfTrade


class Matcher(Protocol):
    """Where a symbol's orders meet others: the matching engine, or the visible book of a recording."""

    @property
    def change_count(self) -> int: ...

    def place(
        self,
        order_id: int,
        side: Side,
        limit_ticks: int | None,
        size_lots: int,
        time_in_force: TimeInForce,
        owner: int,
        self_trade: SelfTrade,
    ) -> Outcome: ...
    def reduce(self, order_id: int, size_lots: int) -> None:
        """Make a resting order smaller by so many lots, less than all of it; it keeps its place."""
        ...

    def cancel(self, order_id: int) -> int: ...
    def best(self, side: Side) -> int | None: ...
    def levels(self, side: Side, depth: int) -> list[tuple[int, int]]: ...
    def would_trade(self, side: Side, limit_ticks: int | None) -> bool: ...
    def walk(
        self, side: Side, limit_ticks: int | None, size_lots: int, owner: int, self_trade: SelfTrade
    ) -> list[tuple[int, int]]: ...
    def take_changes(self) -> list[LevelChange]: ...


class VenueBook:
    """One listed symbol: its rules, where its orders meet, and its last trade."""

    def __init__(self, listing: Listing, matcher: Matcher) -> None:
        self.listing = listing
        self.matcher = matcher
        self.last_trade_id = 0
        self.last_prevented_id = 0
        self.last_price_ticks = 0
        self._counted_from = 0

    @property
    def update_id(self) -> int:
        """How many changes of levels there have been, since the venue last began to count."""
        return self.matcher.change_count - self._counted_from

    def count_anew(self) -> None:
        """The next change is the first again."""
        self._counted_from = self.matcher.change_count

    def mark_ticks(self) -> int | None:
        """A price to value positions at: between the best two, else what one side or the last trade says."""
        bid, ask = self.matcher.best(Side.BUY), self.matcher.best(Side.SELL)
        if bid is not None and ask is not None:
            return (bid + ask) // 2
        return bid if bid is not None else ask if ask is not None else self.last_price_ticks or None
