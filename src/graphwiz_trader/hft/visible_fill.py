"""What an incoming order takes from a market that cannot see it: a walk over the visible book, each lot taken once.

A recorded or live market does not shrink when a simulated order trades with it. So what was taken stays taken:
this part remembers the lots it took from a level and does not offer them again until that level's size changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from graphwiz_trader.hft.events import Side

_REMEMBERED_LEVELS = 4_096
"""Per side. A level further back in time has long changed."""


class VisibleBookFill:
    """The fills of one book's incoming orders.

    A level counts as changed when the size it shows differs from the size it showed when it was last taken from.
    A level that changed and came back to exactly the same size between two orders therefore counts as unchanged,
    which errs on the side of filling less.
    """

    def __init__(self) -> None:
        self._taken: tuple[dict[int, tuple[int, int]], dict[int, tuple[int, int]]] = ({}, {})

    def take(
        self, levels: Iterable[tuple[int, int]], side: Side, limit_ticks: int | None, size_lots: int
    ) -> list[tuple[int, int]]:
        """Fill an order of ``side`` as far as the visible book and its limit allow.

        ``levels``: the opposite side's (price in ticks, lots) from the best outward; no more of them are read than
        the order needs. ``limit_ticks`` None is a market order. Returns the fills as (price in ticks, lots), best
        first; their lots add up to at most ``size_lots``.
        """
        taken = self._taken[side.opposite]
        fills: list[tuple[int, int]] = []
        for price, visible, already, lots in self._walk(levels, side, limit_ticks, size_lots):
            # Re-inserted, so that the dict's order is the order of use and the oldest can be forgotten.
            taken.pop(price, None)
            taken[price] = (visible, already + lots)
            fills.append((price, lots))
        while len(taken) > _REMEMBERED_LEVELS:
            del taken[next(iter(taken))]
        return fills

    def preview(
        self, levels: Iterable[tuple[int, int]], side: Side, limit_ticks: int | None, size_lots: int
    ) -> list[tuple[int, int]]:
        """What ``take`` would return, without taking it: whether a fill-or-kill order can be filled."""
        return [(price, lots) for price, _, _, lots in self._walk(levels, side, limit_ticks, size_lots)]

    def _walk(
        self, levels: Iterable[tuple[int, int]], side: Side, limit_ticks: int | None, size_lots: int
    ) -> Iterator[tuple[int, int, int, int]]:
        """Per level that gives something: (price in ticks, visible lots, lots taken before, lots now)."""
        remembered = self._taken[side.opposite]
        for price, visible in levels:
            if limit_ticks is not None and (price - limit_ticks) * side.sign > 0:
                return
            shown, taken = remembered.get(price, (visible, 0))
            already = taken if shown == visible else 0
            lots = min(size_lots, visible - already)
            if lots > 0:
                size_lots -= lots
                yield price, visible, already, lots
            if size_lots == 0:
                return
