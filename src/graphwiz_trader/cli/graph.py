"""``graphwiz graph``: ask the knowledge graph, and make it anew from the journals."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from graphwiz_trader.config import default_file, load
from graphwiz_trader.observers.knowledge_graph.findings import Correlation, Pattern, correlations, patterns
from graphwiz_trader.observers.knowledge_graph.performance import days_ago_ns, performance
from graphwiz_trader.observers.knowledge_graph.store import GraphStore

app = typer.Typer(no_args_is_help=True, help="Ask the knowledge graph.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Where the journals and the graph are. Left out: hft.data_dir.")
]


@app.callback()
def _group() -> None:
    """Ask the knowledge graph, which is made from the journals."""


@app.command("performance")
def show_performance(
    strategy: Annotated[str | None, typer.Option(help="Only this strategy.")] = None,
    days: Annotated[float | None, typer.Option(min=0, help="Only trades closed in the last so many days.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Closed trades and what they brought, net of fees. A trade is a round trip of one strategy in one symbol."""
    found = performance(_store(data_dir), strategy=strategy, since_ns=0 if days is None else days_ago_ns(days))
    if as_json:
        typer.echo(json.dumps({"strategy": strategy, "days": days} | found._asdict(), indent=2))
        return
    if found.as_of_ns is None:
        typer.echo("The graph is empty: no session has been traded, or `graphwiz graph rebuild` has to read it.")
        return
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_row("total trades", str(found.total_trades))
    table.add_row("total PnL", found.total_pnl)
    table.add_row("winning trades", str(found.winning_trades))
    table.add_row("win rate", "no trades closed" if found.win_rate is None else f"{found.win_rate:.1%}")
    table.add_row("as of", _when(found.as_of_ns))
    Console().print(table)


@app.command("patterns")
def show_patterns(
    days: Annotated[float | None, typer.Option(min=0, help="Only patterns seen in the last so many days.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Trades that the market offered again and again: where to buy and sell, how often, and what it netted."""
    found = patterns(_store(data_dir), since_ns=0 if days is None else days_ago_ns(days))
    rows = [
        (p.kind, p.buy, p.sell, f"{p.seen:,}", f"{p.mean_bps:.2f}", f"{p.best_bps:.2f}", _when(p.last_ns))
        for p in found
    ]
    _show(found, ("pattern", "buy", "sell", "seen", "mean bps", "best bps", "last seen"), rows, as_json=as_json)


@app.command("correlations")
def show_correlations(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """How instruments move together from second to second: 1 is in step, -1 is against each other."""
    found = correlations(_store(data_dir))
    rows = [(c.session, c.one, c.other, f"{c.coefficient:+.3f}", f"{c.seconds:,}") for c in found]
    _show(found, ("session", "instrument", "with", "correlation", "seconds"), rows, as_json=as_json)


@app.command("query")
def query(
    cypher: Annotated[str, typer.Argument(help="For example: MATCH (t:Trade) RETURN t.symbol, t.pnl LIMIT 5")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Answer a Cypher query. Reads only."""
    answer = _store(data_dir).read(cypher)
    if as_json:
        rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
        typer.echo(json.dumps(rows, indent=2, default=_plain))
        return
    _print(answer.columns, [[str(value) for value in row] for row in answer.rows])


@app.command("rebuild")
def rebuild_graph(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Make the graph anew from all journals. A running observer goes on with the new one."""
    # Reading journals takes the compiled core, which the other commands need not wait for.
    from graphwiz_trader.observers.knowledge_graph.projector import rebuild  # noqa: PLC0415

    directory = _data_dir(data_dir)
    console = Console(stderr=True)
    with console.status("reading journals") as status:
        done = rebuild(
            _store(data_dir),
            directory / "journal",
            progress=lambda session, count: status.update(f"{session}: {count:,} records"),
        )
    if as_json:
        typer.echo(json.dumps(done._asdict()))
    else:
        typer.echo(f"The graph was made anew from {done.sessions:,} sessions, {done.records:,} records.")


def _show(
    found: Sequence[Pattern | Correlation], columns: Sequence[str], rows: Sequence[Sequence[str]], *, as_json: bool
) -> None:
    if as_json:
        typer.echo(json.dumps([row._asdict() for row in found], indent=2))
    elif not found:
        typer.echo("The graph has none yet.")
    else:
        _print(columns, rows)


def _print(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table()
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def _when(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // 10**9, UTC).isoformat()


def _data_dir(given: Path | None) -> Path:
    return given if given is not None else load(default_file()).data_dir


def _store(data_dir: Path | None) -> GraphStore:
    return GraphStore(_data_dir(data_dir) / "graph")


def _plain(value: Any) -> Any:
    """What JSON has no form for: INT128 comes as a Decimal and stays exact as a whole number."""
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return str(value)
