"""``graphwiz observe``: the observer process alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphwiz_trader.config import default_file, load
from graphwiz_trader.observers.process import run_observer

app = typer.Typer()


@app.command()
def observe(
    config_file: Annotated[
        Path | None, typer.Option("--config", help="Default: config/hft.yaml if it is there.")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option("--data-dir", help="Default: data_dir of the configuration.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help="Default: observer.port.")] = None,
) -> None:
    """Serve the page, the metrics and the knowledge graph of the newest session until SIGTERM or Ctrl-C."""
    config = load(config_file or default_file())
    data = data_dir or config.data_dir
    knowledge = config.knowledge_graph
    run_observer(data / "journal", data, port or config.observer.port, graph=knowledge.store_trades)
