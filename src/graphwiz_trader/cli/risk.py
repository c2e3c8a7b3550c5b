"""``graphwiz risk``: the circuit breaker: whether it is open, opening it, and the only way to close it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from graphwiz_trader.config import default_file, load
from graphwiz_trader.journal.breaker import Breaker, BreakerFile

app = typer.Typer(no_args_is_help=True, help="See the circuit breaker, and reset it.")

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Default: data_dir of the configuration.")]
By = Annotated[str, typer.Option("--by", help="Your name, for the journal.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the journal.")]


@app.callback()
def _group() -> None:
    """See the circuit breaker, and reset it."""


@app.command()
def status(
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Whether the breaker is open, why and since when."""
    file = _file(data_dir)
    breaker = file.read()
    if as_json:
        typer.echo(msgspec.json.encode(breaker).decode())
    else:
        typer.echo(_text(breaker, file))


@app.command()
def reset(by: By, reason: Reason, data_dir: DataDir = None) -> None:
    """Close the breaker. A running trader sees it within a second; losses count from here."""
    file = _file(data_dir)
    was = file.read()
    file.reset(by=by, reason=reason)
    typer.echo(f"was: {_text(was, file)}\nnow: {_text(file.read(), file)}")


@app.command()
def trip(by: By, reason: Reason, data_dir: DataDir = None) -> None:
    """Open the breaker by hand: a running trader cancels everything and refuses new orders within a second."""
    file = _file(data_dir)
    file.trip(f"by {by}: {reason}", by=by)
    typer.echo(_text(file.read(), file))


def _file(data_dir: Path | None) -> BreakerFile:
    return BreakerFile(data_dir or load(default_file()).data_dir)


def _text(breaker: Breaker, file: BreakerFile) -> str:
    when = datetime.fromtimestamp(breaker.changed_ns / 1e9, UTC).isoformat(timespec="seconds")
    since = f" since {when}" if breaker.changed_ns else ""
    if breaker.tripped:
        return f"open{since}: {breaker.tripped} (close it: graphwiz risk reset --by NAME --reason TEXT)"
    return (
        f"closed{since}" + (f", reset by {breaker.by}: {breaker.reason}" if breaker.reason else "") + f" ({file.path})"
    )
