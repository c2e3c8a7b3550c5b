"""How orders are filled by a market that cannot see them: recorded, or live and followed on paper.

The one part that the simulated exchange, paper trading and replays call, so that they agree. An incoming order walks
the visible book (`visible_fill`). What rests keeps a place in the queue at its price (`queue_position`) and trades, as
maker at its own price, in three ways:

- a trade at its price goes beyond what stands ahead of it;
- a trade at a worse price, by a taker of the other side, went through its price: it would have met this order first;
- the other side's quotes come to its price.

No lot fills twice: a trade's size and a level's size are shared among our own orders, the better price and then the
older order first. Our orders change nothing in the market.

Not modelled: what our order would have made others do, and, where a venue shows a level's decrease before the trade
that caused it, that the two are one (they count as a cancellation and a trade).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from graphwiz_trader.hft.events import MarketTrade, Side, TimeInForce
from graphwiz_trader.hft.queue_position import QueuePosition, QueueRule
from graphwiz_trader.hft.visible_fill import VisibleBookFill

VISIBLE_LEVELS = 200
"""How deep into a book an order may walk."""
_UNKNOWN = -1
_EVERYTHING = 1 << 62
"""What stands ahead of an order that came while its price was not shown, until it is."""


class MarketBook(Protocol):
    """What the model sees of the market; `hft.orderbook.OrderBook` is one."""

    @property
    def is_trusted(self) -> bool: ...
    @property
    def last_trade(self) -> MarketTrade: ...
    def levels(self, side: Side, depth: int) -> list[tuple[int, int]]: ...
    def lots_at(self, side: Side, ticks: int) -> int: ...
    def reaches(self, side: Side, ticks: int) -> bool: ...


class Placed(NamedTuple):
    """What became of an incoming order."""

    fills: list[tuple[int, int]]
    """(price in ticks, lots) as taker, best first."""
    resting_lots: int
    unplaced_lots: int
    """Neither filled nor resting: the rest of an IOC or market order, all of an impossible FOK or post-only order."""


class RestingFill(NamedTuple):
    """A resting order traded, as maker at its own price."""

    order_id: int
    price_ticks: int
    size_lots: int


class _Resting:
    __slots__ = ("order_id", "place", "price_ticks", "remaining_lots", "side")

    def __init__(self, order_id: int, side: Side, price_ticks: int, remaining_lots: int, place: QueuePosition) -> None:
        self.order_id = order_id
        self.side = side
        self.price_ticks = price_ticks
        self.remaining_lots = remaining_lots
        self.place = place


class _Level:
    """Our orders at one price, the oldest first, and what the market showed there when it was last looked at."""

    __slots__ = ("orders", "shown_lots", "traded_lots")

    def __init__(self) -> None:
        self.orders: dict[int, _Resting] = {}
        self.shown_lots = _UNKNOWN
        self.traded_lots = 0
        """Since ``shown_lots``."""


class FillModel:
    """One book's orders. ``observe`` is to be called after every event of the market, as long as orders rest.

    While the book is not trusted it shows nothing: orders find nothing, and what rests keeps its place. Nor does it
    show what stands beyond its worst level: an order there stands behind what is shown when its price comes in view.
    """

    def __init__(self, book: MarketBook, rule: QueueRule = QueueRule.RISK_AVERSE) -> None:
        self._book = book
        self._rule = rule
        self._taker = VisibleBookFill()
        self._resting: dict[int, _Resting] = {}
        self._levels: tuple[dict[int, _Level], dict[int, _Level]] = ({}, {})
        self._seen_trade_id = 0

    def __len__(self) -> int:
        """How many orders rest."""
        return len(self._resting)

    def __contains__(self, order_id: int) -> bool:
        return order_id in self._resting

    def place(
        self, order_id: int, side: Side, limit_ticks: int | None, size_lots: int, time_in_force: TimeInForce
    ) -> Placed:
        """Fill an incoming order as far as it goes, and let its rest stand if it may. ``limit_ticks`` None: market."""
        if time_in_force is TimeInForce.POST_ONLY and self.would_trade(side, limit_ticks):
            return Placed([], 0, size_lots)
        if time_in_force is TimeInForce.FOK and sum(n for _, n in self.walk(side, limit_ticks, size_lots)) < size_lots:
            return Placed([], 0, size_lots)
        fills = self._taker.take(self._shown(side.opposite), side, limit_ticks, size_lots)
        left = size_lots - sum(lots for _, lots in fills)
        if left and limit_ticks is not None and time_in_force in (TimeInForce.GTC, TimeInForce.POST_ONLY):
            self._rest(order_id, side, limit_ticks, left)
            return Placed(fills, left, 0)
        return Placed(fills, 0, left)

    def cancel(self, order_id: int) -> int:
        """Take an order out. Returns the lots it still had; raises KeyError when it does not rest."""
        order = self._resting.pop(order_id)
        levels = self._levels[order.side]
        level = levels[order.price_ticks]
        del level.orders[order_id]
        if not level.orders:
            del levels[order.price_ticks]
        return order.remaining_lots

    def reduce(self, order_id: int, size_lots: int) -> None:
        """Make a resting order smaller by less than all of it; it keeps its place."""
        self._resting[order_id].remaining_lots -= size_lots

    def follow(self, book: MarketBook) -> None:
        """The market goes on in another book, as when a recording begins anew. What rests keeps its place."""
        self._book = book
        self._taker = VisibleBookFill()
        self._seen_trade_id = book.last_trade.trade_id
        self._forget_sizes()

    def ahead_lots(self, order_id: int) -> int:
        """What stands ahead of a resting order at its price."""
        return self._resting[order_id].place.ahead_lots

    def observe(self) -> list[RestingFill]:
        """What the market has done since the last look means for the orders that rest."""
        if not self._resting:
            return []
        trade = self._book.last_trade
        is_new, self._seen_trade_id = trade.trade_id > self._seen_trade_id, max(trade.trade_id, self._seen_trade_id)
        if not self._book.is_trusted:
            self._forget_sizes()
            return []
        fills = list(self._on_trade(trade)) if is_new else []
        self._on_sizes()
        return fills + list(self._on_quotes())

    def would_trade(self, side: Side, limit_ticks: int | None) -> bool:
        return bool(self.walk(side, limit_ticks, 1))

    def walk(self, side: Side, limit_ticks: int | None, size_lots: int) -> list[tuple[int, int]]:
        """What an incoming order would take now, as (price in ticks, lots)."""
        return self._taker.preview(self._shown(side.opposite), side, limit_ticks, size_lots)

    def _shown(self, side: Side) -> list[tuple[int, int]]:
        return self._book.levels(side, VISIBLE_LEVELS) if self._book.is_trusted else []

    def _shown_at(self, side: Side, price_ticks: int) -> int:
        """What the market shows at a price; beyond the visible book it shows nothing, which is not that nobody stands
        there."""
        is_shown = self._book.is_trusted and self._book.reaches(side, price_ticks)
        return self._book.lots_at(side, price_ticks) if is_shown else _UNKNOWN

    def _rest(self, order_id: int, side: Side, price_ticks: int, size_lots: int) -> None:
        if not self._resting:
            self._seen_trade_id = self._book.last_trade.trade_id
        level = self._levels[side].get(price_ticks)
        shown = self._shown_at(side, price_ticks)
        place = QueuePosition(_EVERYTHING if shown == _UNKNOWN else shown, self._rule)
        if level is None:
            level = self._levels[side][price_ticks] = _Level()
            level.shown_lots = shown
        for older in level.orders.values():
            place.behind(older.place)
        order = _Resting(order_id, side, price_ticks, size_lots, place)
        level.orders[order_id] = self._resting[order_id] = order

    def _on_trade(self, trade: MarketTrade) -> Iterator[RestingFill]:
        """A taker's trade meets our orders of the other side, from the best price to the trade's own."""
        side = trade.taker.opposite
        left = trade.size_lots
        for price, level in self._from_best(side):
            beyond = (price - trade.price_ticks) * side.sign
            if beyond < 0:
                return
            if beyond == 0:
                level.traded_lots += trade.size_lots
            given = 0
            for order in tuple(level.orders.values()):
                if beyond > 0:
                    order.place.at_most(0)
                lots = min(order.remaining_lots, order.place.traded(trade.size_lots) - given, left)
                if lots > 0:
                    given += lots
                    left -= lots
                    yield self._fill(order, lots)

    def _on_sizes(self) -> None:
        """Levels that became smaller by more than was traded there: part of them was cancelled."""
        for side in Side:
            for price, level in self._levels[side].items():
                shown, before = self._shown_at(side, price), level.shown_lots
                if shown == _UNKNOWN:
                    level.shown_lots, level.traded_lots = _UNKNOWN, 0
                    continue
                cancelled = before - shown - level.traded_lots
                for order in level.orders.values():
                    if before != _UNKNOWN and cancelled > 0:
                        order.place.shrank(cancelled, before - level.traded_lots)
                    order.place.at_most(shown)
                if shown != before:
                    level.shown_lots, level.traded_lots = shown, 0

    def _on_quotes(self) -> Iterator[RestingFill]:
        """The other side's quotes at our orders' prices or through them; each of their lots is given once."""
        for side in Side:
            if not self._levels[side]:
                continue
            best = self._book.levels(side.opposite, 1)
            for price, level in self._from_best(side):
                if not best or (best[0][0] - price) * side.sign > 0:
                    break
                for order in tuple(level.orders.values()):
                    taken = self._taker.take(self._shown(side.opposite), side, price, order.remaining_lots)
                    lots = sum(size for _, size in taken)
                    if lots:
                        yield self._fill(order, lots)

    def _fill(self, order: _Resting, size_lots: int) -> RestingFill:
        order.remaining_lots -= size_lots
        if not order.remaining_lots:
            self.cancel(order.order_id)
        return RestingFill(order.order_id, order.price_ticks, size_lots)

    def _forget_sizes(self) -> None:
        """Between losing the market and having it again nobody knows why a level changed."""
        for levels in self._levels:
            for level in levels.values():
                level.shown_lots, level.traded_lots = _UNKNOWN, 0

    def _from_best(self, side: Side) -> list[tuple[int, _Level]]:
        return sorted(self._levels[side].items(), key=lambda item: -item[0] * side.sign)
