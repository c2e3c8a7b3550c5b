"""What can go wrong with the knowledge graph.

GraphwizError
└── GraphError
    ├── GraphBusyError      another process has held the graph for too long
    ├── GraphQueryError     the database refused a query
    └── GraphDamagedError   the database cannot be opened; it can be rebuilt
"""

from __future__ import annotations

from graphwiz_trader.errors import GraphwizError


class GraphError(GraphwizError):
    """Something is wrong with the knowledge graph."""


class GraphBusyError(GraphError):
    """Another process has held the graph for too long."""


class GraphQueryError(GraphError):
    """The database refused a query."""


class GraphDamagedError(GraphError):
    """The database cannot be opened."""
