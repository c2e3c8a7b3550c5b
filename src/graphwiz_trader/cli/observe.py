"""``graphwiz observe``: the observer process alone."""

from __future__ import annotations

import json
import sys
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
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="0: a free one. Default: observer.port.")] = None,
) -> None:
    """Serve the page, the metrics and the knowledge graph of the newest session until SIGTERM or Ctrl-C.

    Prints the page's address as one line of JSON when it is ready.
    """
    config = load(config_file or default_file())
    data = data_dir or config.data_dir
    run_observer(data / "journal", data, config.observer.port if port is None else port, ready=_say)


def _say(page: str) -> None:
    sys.stdout.write(json.dumps({"ready": True, "page": page}) + "\n")
    sys.stdout.flush()
