"""``graphwiz tables``: a recording's Parquet tables, made again from its raw frames."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from graphwiz_trader.assembly.rebuilt_tables import rebuild_tables
from graphwiz_trader.config import default_file, load

app = typer.Typer()


@app.command()
def tables(
    recording: Annotated[Path, typer.Argument(help="The directory that `graphwiz record` has written to.")],
    parquet: Annotated[
        str | None, typer.Option(help="Where the tables go, any URL that fsspec knows. Default: RECORDING/parquet.")
    ] = None,
    config_file: Annotated[
        Path | None, typer.Option("--config", help="Default: config/hft.yaml if it is there.")
    ] = None,
) -> None:
    """Make the tables of every recorded session anew, in place of those that are there."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("rebuilding"), MofNCompleteColumn(), TextColumn("records"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("", total=None)
        made = rebuild_tables(
            recording,
            parquet or str(recording.absolute() / "parquet"),
            load(config_file or default_file()),
            lambda records: progress.advance(task, records),
        )
    for path, damage in made.damaged.items():
        console.print(f"[yellow]{path} ends in the middle ({damage}); what stands before was used")
    for table, rows in sorted(made.rows.items()):
        typer.echo(f"{table}: {rows:,} rows")
    if made.lost:
        lost = ", ".join(f"{count:,} of {table}" for table, count in made.lost.items())
        console.print(f"[bold red]the store did not take {lost} ({made.last_failure})")
        raise typer.Exit(1)
