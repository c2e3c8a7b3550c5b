"""Recurring trades that the market offered: each cross between two venues, how often it came and what it netted.

A pattern is one direction between two instruments, in one session. What it would have earned is what the engine saw:
net of both taker fees, at the top of both books.
"""

from __future__ import annotations

from collections.abc import Callable

from graphwiz_trader.hft.events import Opportunity
from graphwiz_trader.observers.knowledge_graph.schema import Row


class CrossPatterns:
    """Counts one session's opportunities; ``name`` gives a book's instrument id, None for one that is unknown."""

    def __init__(self, session: str, name: Callable[[int], str | None]) -> None:
        self._session = session
        self._name = name
        self._rows: dict[str, Row] = {}

    def add(self, opportunity: Opportunity) -> Row | None:
        """The pattern's row with this opportunity in it; None when a book is unknown."""
        buy, sell = self._name(opportunity.buy_book), self._name(opportunity.sell_book)
        if buy is None or sell is None:
            return None
        pattern_id = f"{self._session}/cross/{buy}/{sell}"
        before = self._rows.get(pattern_id)
        seen = before["seen"] + 1 if before else 1
        mean = before["mean_bps"] if before else 0.0
        row: Row = {
            "id": pattern_id,
            "kind": "cross_exchange",
            "session": self._session,
            "symbol": opportunity.symbol,
            "buy": buy,
            "sell": sell,
            "seen": seen,
            "mean_bps": mean + (opportunity.net_bps - mean) / seen,
            "best_bps": max(opportunity.net_bps, before["best_bps"] if before else opportunity.net_bps),
            "first_ns": before["first_ns"] if before else opportunity.time_ns,
            "last_ns": opportunity.time_ns,
        }
        self._rows[pattern_id] = row
        return row
