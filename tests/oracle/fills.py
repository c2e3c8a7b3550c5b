"""The fill model, slow and plain: one flat list of our orders, and for each event of the market a pass over all."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import floor
from typing import Any

from graphwiz_trader.hft.events import MarketTrade, Side

PARTS = 1 << 16
EVERYTHING = 1 << 62


class NaiveFills:
    """Orders are dicts; ``sizes[side]`` maps prices to what the market shows there."""

    def __init__(self, *, probabilistic: bool) -> None:
        self.probabilistic = probabilistic
        self.orders: list[dict[str, Any]] = []
        self.taken: dict[tuple[Side, int], tuple[int, int]] = {}

    def rest(self, number: int, side: Side, price: int, lots: int, sizes: tuple[dict[int, int], ...]) -> None:
        peers = [o["ahead"] for o in self._at(side, price)]
        now = in_view(sizes[side], side, price)
        shown = self._at(side, price)[0]["shown"] if peers else now
        traded = self._at(side, price)[0]["traded"] if peers else 0
        ahead = max([Fraction(EVERYTHING if now is None else now), *peers])
        self.orders.append(
            {"n": number, "side": side, "price": price, "left": lots, "ahead": ahead, "shown": shown, "traded": traded}
        )

    def cancel(self, number: int) -> int:
        (order,) = (o for o in self.orders if o["n"] == number)
        self.orders.remove(order)
        return int(order["left"])

    def take(
        self, side: Side, limit: int | None, lots: int, sizes: tuple[dict[int, int], ...]
    ) -> list[tuple[int, int]]:
        """An incoming order of ``side`` walks the other side's levels."""
        fills = []
        for price, shown in sorted(sizes[side.opposite].items(), key=lambda level: level[0] * side.sign):
            if limit is not None and price * side.sign > limit * side.sign:
                continue
            then, already = self.taken.get((side.opposite, price), (shown, 0))
            already = already if then == shown else 0
            now = min(lots, shown - already)
            if now > 0:
                self.taken[side.opposite, price] = shown, already + now
                fills.append((price, now))
                lots -= now
        return fills

    def trade(self, trade: MarketTrade) -> list[tuple[int, int, int]]:
        fills, total = [], 0
        given_at: dict[int, int] = {}
        for order in self._by_priority(trade.taker.opposite):
            worse = (order["price"] - trade.price_ticks) * order["side"].sign
            if worse < 0:
                continue
            ahead = Fraction(0) if worse > 0 else order["ahead"]
            reaches = max(0, trade.size_lots - -floor(-ahead)) - given_at.get(order["price"], 0)
            order["ahead"] = max(Fraction(0), ahead - trade.size_lots)
            order["traded"] += trade.size_lots if worse == 0 else 0
            lots = max(0, min(order["left"], reaches, trade.size_lots - total))
            total += lots
            given_at[order["price"]] = given_at.get(order["price"], 0) + lots
            fills += self._fill(order, lots)
        return fills

    def sizes(self, sizes: tuple[dict[int, int], ...]) -> None:
        for order in self.orders:
            now, before = in_view(sizes[order["side"]], order["side"], order["price"]), order["shown"]
            if now is None:
                order["shown"], order["traded"] = None, 0
                continue
            standing = 0 if before is None else before - order["traded"]
            cancelled = standing - now
            if cancelled > 0 and self.probabilistic:
                order["ahead"] -= Fraction(floor(order["ahead"] * PARTS * cancelled / standing), PARTS)
            order["ahead"] = min(order["ahead"], Fraction(now))
            if now != before:
                order["shown"], order["traded"] = now, 0

    def quotes(self, sizes: tuple[dict[int, int], ...]) -> list[tuple[int, int, int]]:
        fills = []
        for side in Side:
            for order in self._by_priority(side):
                lots = sum(n for _, n in self.take(side, order["price"], order["left"], sizes))
                fills += self._fill(order, lots)
        return fills

    def _fill(self, order: dict[str, Any], lots: int) -> Iterable[tuple[int, int, int]]:
        order["left"] -= lots
        if not order["left"]:
            self.orders.remove(order)
        return [(order["n"], order["price"], lots)] if lots else []

    def _at(self, side: Side, price: int) -> list[dict[str, Any]]:
        return [o for o in self.orders if (o["side"], o["price"]) == (side, price)]

    def _by_priority(self, side: Side) -> list[dict[str, Any]]:
        """The better price first, then the older order."""
        return sorted((o for o in self.orders if o["side"] is side), key=lambda o: -o["price"] * side.sign)


def in_view(sizes: dict[int, int], side: Side, price: int) -> int | None:
    """What is shown at a price; None beyond the worst level that is shown."""
    return sizes.get(price, 0) if any((price - p) * side.sign >= 0 for p in sizes) else None
