"""What every strategy is: a name, parameters, a decision on each event, and the record of how it did.

A strategy sees trusted books and its own fills, and answers with a `Decision` or with None. It does not know
whether it runs live, in a simulation or over a recording, and it asks nobody for the time. To write one, subclass
`HFTStrategy` and write `on_book`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import msgspec

from graphwiz_trader.hft.events import Decision, Fill, OrderIntent
from graphwiz_trader.hft.instruments import text_from_money
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.hft.positions import PositionTracker

_REST_AFTER_REFUSAL_NS = 1_000_000_000
"""A decision that risk refused is not repeated on the next tick: the reason is still there."""


class Performance(msgspec.Struct, frozen=True, kw_only=True):
    """How a strategy did: its closed round trips, and amounts in quote currency as exact decimal text."""

    name: str
    active: bool
    trades: int
    win_rate: float
    pnl: str
    profit: str
    loss: str


class HFTStrategy(ABC):
    """One strategy of a session. ``parameters`` are for show; the subclass's own fields are what it works with."""

    def __init__(self, name: str, books: OrderBookManager, parameters: Mapping[str, object]) -> None:
        self.name = name
        self.parameters = dict(parameters)
        self.books = books
        self.positions = PositionTracker(books.instruments)
        """Of this strategy alone."""
        self.active = False
        self._working: tuple[list[OrderIntent], ...] = tuple([] for _ in books.instruments)
        self._resting_until_ns = [0] * len(books.instruments)

    @abstractmethod
    def on_book(self, book: int, now_ns: int) -> Decision | None:
        """The top of ``book`` changed; it is trusted. What to do?"""

    def start(self) -> None:
        self.active = True

    def stop(self) -> None:
        self.active = False

    def may_act(self, book: int, now_ns: int) -> bool:
        """No order of ours is still working in this book, and it is not resting from a refusal."""
        return not self._working[book] and now_ns >= self._resting_until_ns[book]

    def on_sent(self, decision: Decision) -> None:
        """Risk approved the decision and its orders are on their way."""
        for intent in decision.intents:
            self._working[intent.book].append(intent)

    def on_refused(self, decision: Decision, now_ns: int) -> None:
        """Risk refused it: leave these books alone for a while."""
        for intent in decision.intents:
            self._resting_until_ns[intent.book] = now_ns + _REST_AFTER_REFUSAL_NS

    def on_fill(self, fill: Fill) -> None:
        """An order of ours was executed, in part or whole."""
        self.positions.apply(fill)

    def on_final(self, intent: OrderIntent) -> None:
        """An order in our name has ended: one of ours, again if it fills late, or one that put our legs right."""
        working = self._working[intent.book]
        working[:] = [ours for ours in working if ours is not intent]

    def performance(self) -> Performance:
        trips = self.positions.round_trips
        return Performance(
            name=self.name,
            active=self.active,
            trades=trips.closed,
            win_rate=trips.win_rate,
            pnl=text_from_money(self.positions.net_money(self.books.mid2_ticks)),
            profit=text_from_money(trips.profit_money),
            loss=text_from_money(trips.loss_money),
        )
