"""What the graph has found out about the market: recurring patterns, and instruments that move together."""

from __future__ import annotations

from typing import NamedTuple

from graphwiz_trader.observers.knowledge_graph.store import GraphStore

_PATTERNS = """
MATCH (p:Pattern)-[:BUYS]->(b:Instrument), (p)-[:SELLS]->(s:Instrument) WHERE p.last_ns >= $since_ns
RETURN p.kind, b.id, s.id, sum(p.seen), sum(p.mean_bps * p.seen) / sum(p.seen), max(p.best_bps), max(p.last_ns)
ORDER BY sum(p.seen) DESC, b.id, s.id
"""
_CORRELATIONS = """
MATCH (a:Instrument)-[m:MOVES_WITH]->(b:Instrument), (s:Session {id: m.session})
RETURN a.id, b.id, m.coefficient, m.seconds, m.session ORDER BY s.started_ns DESC, abs(m.coefficient) DESC, a.id, b.id
"""


class Pattern(NamedTuple):
    """One recurring trade, over all sessions. ``mean_bps`` and ``best_bps`` are net of both taker fees."""

    kind: str
    buy: str
    sell: str
    seen: int
    mean_bps: float
    best_bps: float
    last_ns: int


class Correlation(NamedTuple):
    """How two instruments moved from second to second in one session: 1 together, -1 against each other."""

    one: str
    other: str
    coefficient: float
    seconds: int
    session: str


def patterns(store: GraphStore, *, since_ns: int = 0) -> list[Pattern]:
    """The most frequent first, of sessions that saw them since then."""
    return [Pattern(*row) for row in store.read(_PATTERNS, {"since_ns": since_ns}).rows]


def correlations(store: GraphStore) -> list[Correlation]:
    """The newest session's first, the strongest first."""
    return [Correlation(*row) for row in store.read(_CORRELATIONS).rows]
