"""One symbol's order book and its matching: price-time priority over integer levels.

Pure: no I/O, no clock, no accounts. The venue decides who may place what; this module only decides who trades
with whom, at which price, and what is left. A trade happens at the resting order's price; among orders at one
price the older one trades first. Two orders of one owner need not trade with each other: what happens instead is
the incoming order's `SelfTrade` mode.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from graphwiz_trader.hft.events import Side, TimeInForce

NOBODY = 0
"""The owner of orders that may trade with every other."""
NO_MAKER = 0
"""In place of a maker's order id, in a market that is elsewhere."""


class SelfTrade(Enum):
    """What happens instead of a trade between two orders of one owner; the incoming order's mode decides.

    Source: Binance spot API docs, "Self Trade Prevention FAQ". OKX's cancel_taker, cancel_maker and cancel_both are
    the three EXPIRE modes.
    """

    NONE = "NONE"
    """They trade."""
    EXPIRE_TAKER = "EXPIRE_TAKER"
    EXPIRE_MAKER = "EXPIRE_MAKER"
    EXPIRE_BOTH = "EXPIRE_BOTH"
    DECREMENT = "DECREMENT"
    """Both lose what they would have traded; so the smaller one ends."""
    TRANSFER = "TRANSFER"
    """As DECREMENT. If both orders say so and their accounts are two of one trade group, what they lost changes hands
    between the accounts, without a fee and unseen by others."""

    def expires(self, taker_lots: int, maker_lots: int) -> tuple[int, int]:
        """The lots that taker and maker lose where they would have traded."""
        if self in (SelfTrade.DECREMENT, SelfTrade.TRANSFER):
            both = min(taker_lots, maker_lots)
            return both, both
        return (
            0 if self is SelfTrade.EXPIRE_MAKER else taker_lots,
            0 if self is SelfTrade.EXPIRE_TAKER else maker_lots,
        )


class Match(NamedTuple):
    """One execution between an incoming (taker) and a resting (maker) order, at the maker's price."""

    maker_id: int
    price_ticks: int
    size_lots: int


class Prevention(NamedTuple):
    """A trade between two orders of one owner that did not happen, and what each of them lost instead."""

    maker_id: int
    price_ticks: int
    taker_lots: int
    maker_lots: int


Step = Match | Prevention


class Outcome(NamedTuple):
    """What became of an incoming order: what it did at once, in order, and what was left over."""

    steps: Sequence[Step]
    resting_lots: int
    """Now standing in the book."""
    unplaced_lots: int
    """Neither traded, prevented nor resting: the rest of an IOC or market order, all of an impossible FOK, and all of
    a post-only order that would have traded."""


class LevelChange(NamedTuple):
    """A price level's new total; 0 means that the level is gone."""

    side: Side
    price_ticks: int
    size_lots: int


class RestingOrder:
    """An order standing in the book."""

    __slots__ = ("order_id", "owner", "price_ticks", "remaining_lots", "side")

    def __init__(self, order_id: int, side: Side, price_ticks: int, remaining_lots: int, owner: int = NOBODY) -> None:
        self.order_id = order_id
        self.owner = owner
        self.side = side
        self.price_ticks = price_ticks
        self.remaining_lots = remaining_lots


class _Level:
    __slots__ = ("queue", "total_lots")

    def __init__(self) -> None:
        self.queue: OrderedDict[int, RestingOrder] = OrderedDict()
        self.total_lots = 0


class MatchingEngine:
    """The book of one symbol. Order ids are the caller's and must be unique among the resting orders."""

    def __init__(self) -> None:
        self._levels: tuple[dict[int, _Level], dict[int, _Level]] = ({}, {})
        # Prices per side as sort keys that put the best price last, where a list is cheap to change.
        self._keys: tuple[list[int], list[int]] = ([], [])
        self._resting: dict[int, RestingOrder] = {}
        self._changes: list[LevelChange] = []
        self.change_count = 0
        """How many level changes there have been: the book's own sequence number."""

    def __contains__(self, order_id: int) -> bool:
        return order_id in self._resting

    def __len__(self) -> int:
        return len(self._resting)

    def place(
        self,
        order_id: int,
        side: Side,
        limit_ticks: int | None,
        size_lots: int,
        time_in_force: TimeInForce,
        owner: int = NOBODY,
        self_trade: SelfTrade = SelfTrade.NONE,
    ) -> Outcome:
        """Match an incoming order, and leave its rest in the book if it may rest.

        ``limit_ticks`` None is a market order: it trades at any price and never rests. A FOK order that cannot be
        filled by others' orders does nothing, prevents nothing.
        """
        if order_id in self._resting:
            raise ValueError(f"order id {order_id} already stands in the book")
        if size_lots <= 0:
            raise ValueError(f"an order's size is at least one lot, not {size_lots}")
        crosses = self.would_trade(side, limit_ticks)
        if time_in_force is TimeInForce.POST_ONLY and crosses:
            return Outcome([], 0, size_lots)
        if time_in_force is TimeInForce.FOK:
            found = self.walk(side, limit_ticks, size_lots, owner, self_trade)
            if sum(lots for _, lots in found) < size_lots:
                return Outcome([], 0, size_lots)
        steps: list[Step] = []
        left = self._match(steps, side, limit_ticks, size_lots, owner, self_trade) if crosses else size_lots
        may_rest = time_in_force in (TimeInForce.GTC, TimeInForce.POST_ONLY)
        if left and may_rest and limit_ticks is not None:
            self._rest(RestingOrder(order_id, side, limit_ticks, left, owner))
            return Outcome(steps, left, 0)
        return Outcome(steps, 0, left)

    def reduce(self, order_id: int, size_lots: int) -> None:
        """Make a resting order smaller by so many lots, less than all of it; it keeps its place in the queue.

        Raises KeyError when it is not there.
        """
        order = self._resting[order_id]
        if not 0 < size_lots < order.remaining_lots:
            raise ValueError(f"order {order_id} has {order.remaining_lots} lots: it cannot be reduced by {size_lots}")
        order.remaining_lots -= size_lots
        self._shrink(order.side, order.price_ticks, self._levels[order.side][order.price_ticks], size_lots)

    def cancel(self, order_id: int) -> int:
        """Take an order out of the book. Returns the lots it still had; raises KeyError when it is not there."""
        order = self._resting.pop(order_id)
        level = self._levels[order.side][order.price_ticks]
        del level.queue[order_id]
        self._shrink(order.side, order.price_ticks, level, order.remaining_lots)
        return order.remaining_lots

    def resting(self, order_id: int) -> RestingOrder:
        """Raises KeyError when the order does not stand in the book."""
        return self._resting[order_id]

    def best(self, side: Side) -> int | None:
        """The best price of a side in ticks, None when the side is empty."""
        keys = self._keys[side]
        return keys[-1] * side.sign if keys else None

    def levels(self, side: Side, depth: int) -> list[tuple[int, int]]:
        """Up to ``depth`` levels of a side as (price in ticks, total lots), from the best outward."""
        levels = self._levels[side]
        prices = (key * side.sign for key in reversed(self._keys[side][-depth:])) if depth > 0 else ()
        return [(price, levels[price].total_lots) for price in prices]

    def level_lots(self, side: Side, price_ticks: int) -> int:
        level = self._levels[side].get(price_ticks)
        return level.total_lots if level is not None else 0

    def would_trade(self, side: Side, limit_ticks: int | None) -> bool:
        """Whether an incoming order of ``side`` at that limit would trade at once."""
        best = self.best(side.opposite)
        return best is not None and (limit_ticks is None or _reaches(side, limit_ticks, best))

    def walk(
        self,
        side: Side,
        limit_ticks: int | None,
        size_lots: int,
        owner: int = NOBODY,
        self_trade: SelfTrade = SelfTrade.NONE,
    ) -> list[tuple[int, int]]:
        """What an incoming order would trade, as (price in ticks, lots) per level, without doing it."""
        taken: list[tuple[int, int]] = []
        levels = self._levels[side.opposite]
        for key in reversed(self._keys[side.opposite]):
            price = key * side.opposite.sign
            if size_lots == 0 or (limit_ticks is not None and not _reaches(side, limit_ticks, price)):
                break
            level = levels[price]
            if self_trade is SelfTrade.NONE:
                lots = min(size_lots, level.total_lots)
                size_lots -= lots
            else:
                lots, size_lots = _walk_queue(level, size_lots, owner, self_trade)
            if lots:
                taken.append((price, lots))
        return taken

    def orders(self, side: Side) -> Iterator[RestingOrder]:
        """The resting orders of a side in the order in which they would trade."""
        levels = self._levels[side]
        for key in reversed(self._keys[side]):
            yield from levels[key * side.sign].queue.values()

    def take_changes(self) -> list[LevelChange]:
        """The level changes since the last call, in order; their sequence numbers end at ``change_count``."""
        changes, self._changes = self._changes, []
        return changes

    def _match(
        self,
        steps: list[Step],
        side: Side,
        limit_ticks: int | None,
        size_lots: int,
        owner: int,
        self_trade: SelfTrade,
    ) -> int:
        """Do what an incoming order does at once, step by step. Returns what is left of it."""
        maker_side = side.opposite
        while size_lots:
            price = self.best(maker_side)
            if price is None or (limit_ticks is not None and not _reaches(side, limit_ticks, price)):
                break
            level = self._levels[maker_side][price]
            gone = 0
            while size_lots and level.queue:
                maker = next(iter(level.queue.values()))
                if self_trade is not SelfTrade.NONE and maker.owner == owner:
                    taker_lots, maker_lots = self_trade.expires(size_lots, maker.remaining_lots)
                    steps.append(Prevention(maker.order_id, price, taker_lots, maker_lots))
                else:
                    taker_lots = maker_lots = min(size_lots, maker.remaining_lots)
                    steps.append(Match(maker.order_id, price, taker_lots))
                size_lots -= taker_lots
                maker.remaining_lots -= maker_lots
                gone += maker_lots
                if not maker.remaining_lots:
                    del level.queue[maker.order_id], self._resting[maker.order_id]
            if gone:
                self._shrink(maker_side, price, level, gone)
        return size_lots

    def _rest(self, order: RestingOrder) -> None:
        level = self._levels[order.side].get(order.price_ticks)
        if level is None:
            level = self._levels[order.side][order.price_ticks] = _Level()
            insort(self._keys[order.side], order.price_ticks * order.side.sign)
        level.queue[order.order_id] = order
        level.total_lots += order.remaining_lots
        self._resting[order.order_id] = order
        self._note(order.side, order.price_ticks, level.total_lots)

    def _shrink(self, side: Side, price_ticks: int, level: _Level, lots: int) -> None:
        level.total_lots -= lots
        if not level.queue:
            del self._levels[side][price_ticks]
            keys = self._keys[side]
            del keys[_position(keys, price_ticks * side.sign)]
        self._note(side, price_ticks, level.total_lots)

    def _note(self, side: Side, price_ticks: int, total_lots: int) -> None:
        self.change_count += 1
        self._changes.append(LevelChange(side, price_ticks, total_lots))


def _reaches(side: Side, limit_ticks: int, price_ticks: int) -> bool:
    """Whether an order of ``side`` with that limit accepts that price."""
    return limit_ticks >= price_ticks if side is Side.BUY else limit_ticks <= price_ticks


def _position(keys: list[int], key: int) -> int:
    return len(keys) - 1 if keys[-1] == key else bisect_left(keys, key)


def _walk_queue(level: _Level, size_lots: int, owner: int, self_trade: SelfTrade) -> tuple[int, int]:
    """What an order would trade with others at a level, and what would be left of it after the level."""
    traded = 0
    for maker in level.queue.values():
        if not size_lots:
            break
        if maker.owner == owner:
            size_lots -= self_trade.expires(size_lots, maker.remaining_lots)[0]
        else:
            lots = min(size_lots, maker.remaining_lots)
            traded += lots
            size_lots -= lots
    return traded, size_lots
