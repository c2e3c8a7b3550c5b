"""The graph's tables, and for each kind of row the statement that merges a batch of it.

Every statement merges on a primary key, so the same rows written twice leave the same graph. Within one batch each
node that a statement merges appears once: when two rows of one UNWIND merge the same new node, LadybugDB 0.22 drops
the second row with all that follows in it.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

Row = dict[str, Any]
Batch = dict[str, dict[Hashable, Row]]
"""Kind of row → key → row. A newer row of the same key replaces the older one."""

TABLES = (
    "CREATE NODE TABLE IF NOT EXISTS Session(id STRING PRIMARY KEY, mode STRING, version STRING, started_ns INT64,"
    " last_ns INT64, position INT64, complete BOOL, end_reason STRING)",
    "CREATE NODE TABLE IF NOT EXISTS Exchange(name STRING PRIMARY KEY)",
    "CREATE NODE TABLE IF NOT EXISTS Instrument(id STRING PRIMARY KEY, exchange STRING, symbol STRING, base STRING,"
    " quote STRING, tick_size STRING, lot_size STRING)",
    "CREATE NODE TABLE IF NOT EXISTS Strategy(name STRING PRIMARY KEY)",
    "CREATE NODE TABLE IF NOT EXISTS `Order`(id STRING PRIMARY KEY, client_id STRING, venue_id STRING, side STRING,"
    " kind STRING, price STRING, size STRING, size_lots INT64, filled_lots INT64, state STRING, reason STRING,"
    " leg_group INT64, time_ns INT64)",
    "CREATE NODE TABLE IF NOT EXISTS Fill(id STRING PRIMARY KEY, side STRING, price STRING, size STRING, fee STRING,"
    " fee_asset STRING, maker BOOL, time_ns INT64)",
    "CREATE NODE TABLE IF NOT EXISTS Trade(id STRING PRIMARY KEY, symbol STRING, pnl STRING, pnl_money INT128,"
    " opened_ns INT64, closed_ns INT64)",
    "CREATE NODE TABLE IF NOT EXISTS Pattern(id STRING PRIMARY KEY, kind STRING, session STRING, symbol STRING,"
    " seen INT64, mean_bps DOUBLE, best_bps DOUBLE, first_ns INT64, last_ns INT64)",
    "CREATE REL TABLE IF NOT EXISTS LISTED_ON(FROM Instrument TO Exchange)",
    "CREATE REL TABLE IF NOT EXISTS PLACED_BY(FROM `Order` TO Strategy)",
    "CREATE REL TABLE IF NOT EXISTS OF_INSTRUMENT(FROM `Order` TO Instrument)",
    "CREATE REL TABLE IF NOT EXISTS SENT_IN(FROM `Order` TO Session)",
    "CREATE REL TABLE IF NOT EXISTS EXECUTES(FROM Fill TO `Order`)",
    "CREATE REL TABLE IF NOT EXISTS CLOSED_BY(FROM Trade TO Strategy)",
    "CREATE REL TABLE IF NOT EXISTS MADE_OF(FROM Trade TO Fill)",
    "CREATE REL TABLE IF NOT EXISTS BUYS(FROM Pattern TO Instrument)",
    "CREATE REL TABLE IF NOT EXISTS SELLS(FROM Pattern TO Instrument)",
    "CREATE REL TABLE IF NOT EXISTS MOVES_WITH(FROM Instrument TO Instrument, session STRING, coefficient DOUBLE,"
    " seconds INT64)",
)

MERGES = {
    "sessions": (
        "UNWIND $rows AS r MERGE (s:Session {id: r.id})"
        " SET s.mode = r.mode, s.version = r.version, s.started_ns = r.started_ns"
    ),
    "exchanges": "UNWIND $rows AS r MERGE (:Exchange {name: r.name})",
    "instruments": (
        "UNWIND $rows AS r MATCH (e:Exchange {name: r.exchange}) MERGE (i:Instrument {id: r.id})"
        " SET i.exchange = r.exchange, i.symbol = r.symbol, i.base = r.base, i.quote = r.quote,"
        " i.tick_size = r.tick_size, i.lot_size = r.lot_size MERGE (i)-[:LISTED_ON]->(e)"
    ),
    "strategies": "UNWIND $rows AS r MERGE (:Strategy {name: r.name})",
    "orders": (
        "UNWIND $rows AS r MATCH (y:Strategy {name: r.strategy}), (i:Instrument {id: r.instrument}),"
        " (s:Session {id: r.session}) MERGE (o:`Order` {id: r.id})"
        " SET o.client_id = r.client_id, o.side = r.side, o.kind = r.kind, o.price = r.price, o.size = r.size,"
        " o.size_lots = r.size_lots, o.leg_group = r.leg_group, o.time_ns = r.time_ns"
        " MERGE (o)-[:PLACED_BY]->(y) MERGE (o)-[:OF_INSTRUMENT]->(i) MERGE (o)-[:SENT_IN]->(s)"
    ),
    "order_states": (
        "UNWIND $rows AS r MATCH (o:`Order` {id: r.id})"
        " SET o.state = r.state, o.filled_lots = r.filled_lots, o.venue_id = r.venue_id, o.reason = r.reason"
    ),
    "fills": (
        "UNWIND $rows AS r MATCH (o:`Order` {id: r.order_id}) MERGE (f:Fill {id: r.id})"
        " SET f.side = r.side, f.price = r.price, f.size = r.size, f.fee = r.fee, f.fee_asset = r.fee_asset,"
        " f.maker = r.maker, f.time_ns = r.time_ns MERGE (f)-[:EXECUTES]->(o)"
    ),
    "trades": (
        "UNWIND $rows AS r MATCH (y:Strategy {name: r.strategy}) MERGE (t:Trade {id: r.id})"
        " SET t.symbol = r.symbol, t.pnl = r.pnl, t.pnl_money = CAST(r.pnl_money AS INT128),"
        " t.opened_ns = r.opened_ns, t.closed_ns = r.closed_ns MERGE (t)-[:CLOSED_BY]->(y)"
    ),
    "trade_fills": (
        "UNWIND $rows AS r MATCH (t:Trade {id: r.trade_id}), (f:Fill {id: r.fill_id}) MERGE (t)-[:MADE_OF]->(f)"
    ),
    "patterns": (
        "UNWIND $rows AS r MATCH (b:Instrument {id: r.buy}), (s:Instrument {id: r.sell}) MERGE (p:Pattern {id: r.id})"
        " SET p.kind = r.kind, p.session = r.session, p.symbol = r.symbol, p.seen = r.seen, p.mean_bps = r.mean_bps,"
        " p.best_bps = r.best_bps, p.first_ns = r.first_ns, p.last_ns = r.last_ns"
        " MERGE (p)-[:BUYS]->(b) MERGE (p)-[:SELLS]->(s)"
    ),
    "correlations": (
        "UNWIND $rows AS r MATCH (a:Instrument {id: r.one}), (b:Instrument {id: r.other})"
        " MERGE (a)-[m:MOVES_WITH {session: r.session}]->(b)"
        " SET m.coefficient = r.coefficient, m.seconds = r.seconds"
    ),
    "progress": (
        "UNWIND $rows AS r MATCH (s:Session {id: r.id}) SET s.position = r.position, s.last_ns = r.last_ns,"
        " s.complete = r.complete, s.end_reason = r.end_reason"
    ),
}
"""Kind of row → its statement, in the order in which a batch is written: nodes before what points at them."""
