"""How well strategies did, asked of the graph."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from graphwiz_trader.hft.instruments import text_from_money
from graphwiz_trader.observers.knowledge_graph.errors import GraphQueryError
from graphwiz_trader.observers.knowledge_graph.store import GraphStore

_DAY_NS = 86_400_000_000_000

_TRADES = """
MATCH (t:Trade)-[:CLOSED_BY]->(y:Strategy)
WHERE ($strategy = '' OR y.name = $strategy) AND t.closed_ns >= $since_ns
RETURN count(*), sum(t.pnl_money), sum(CASE WHEN t.pnl_money > 0 THEN 1 ELSE 0 END)
"""


class Performance(NamedTuple):
    """Closed trades and what they brought; see `projection` for what a trade is."""

    total_trades: int
    total_pnl: str
    """Net of fees, decimal text in quote currency, exact."""
    winning_trades: int
    win_rate: float | None
    """Winning trades as a part of all; None while there are none."""
    as_of_ns: int | None
    """The time of the last record that the graph has; None while it has none."""


def performance(store: GraphStore, *, strategy: str | None = None, since_ns: int = 0) -> Performance:
    """Over the trades closed since then, of one strategy or of all.

    Raises GraphQueryError for a strategy that the graph, unless it is empty, does not know.
    """
    as_of_ns = _one(store, "MATCH (s:Session) RETURN max(s.last_ns)")
    if as_of_ns is None:
        return Performance(0, "0", 0, None, None)
    if strategy is not None:
        names = [row[0] for row in store.read("MATCH (y:Strategy) RETURN y.name ORDER BY y.name").rows]
        if strategy not in names:
            known = ", ".join(names) or "none"
            raise GraphQueryError(f"the graph knows no strategy {strategy!r}; it knows {known}")
    parameters = {"strategy": strategy or "", "since_ns": since_ns}
    trades, pnl_money, winning = store.read(_TRADES, parameters).rows[0]
    return Performance(
        total_trades=trades,
        total_pnl=text_from_money(int(pnl_money or 0)),
        winning_trades=int(winning or 0),
        win_rate=int(winning) / trades if trades else None,
        as_of_ns=as_of_ns,
    )


def days_ago_ns(days: float) -> int:
    """That long before now, in nanoseconds since the epoch."""
    return time.time_ns() - round(days * _DAY_NS)


def _one(store: GraphStore, cypher: str) -> Any:
    rows = store.read(cypher).rows
    return rows[0][0] if rows else None
