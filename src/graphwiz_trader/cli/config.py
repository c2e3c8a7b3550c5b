"""``graphwiz config``: what the configuration is, where it is wrong, and what each key means."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from graphwiz_trader.config import HftConfig, default_file, load
from graphwiz_trader.config.credentials import credentials, variables
from graphwiz_trader.config.exchange_ids import SBE
from graphwiz_trader.config.reference import as_markdown, as_rows, as_yaml

app = typer.Typer(no_args_is_help=True, help="Check and explain the configuration.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def _group() -> None:
    """Check and explain the configuration."""


@app.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="Left out: config/hft.yaml, or else the defaults.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print the effective configuration, or everything that is wrong with it."""
    path = file or default_file()
    config = load(path)
    secrets = _secrets(config)
    source = str(path) if path else "defaults"
    if as_json:
        typer.echo(json.dumps({"file": source, "hft": config.model_dump(mode="json"), "secrets": secrets}, indent=2))
        return
    typer.echo(f"# effective configuration, from {source}")
    typer.echo(as_yaml(config), nl=False)
    for variable, is_set in secrets.items():
        typer.echo(f"# {variable}: {'set' if is_set else 'not set'}")


@app.command()
def keys(as_json: AsJson = False) -> None:
    """Print every key with its meaning, kind, unit, bounds and default."""
    typer.echo(json.dumps(as_rows(), indent=2) if as_json else as_markdown(), nl=as_json)


def _secrets(config: HftConfig) -> dict[str, Any]:
    """Which secrets the environment holds; never what they are."""
    found: dict[str, Any] = {}
    for exchange, settings in config.enabled_exchanges.items():
        held = credentials(exchange, key_may_be_alone=settings.format == SBE)
        found |= dict(zip(variables(exchange), (bool(held.api_key), bool(held.api_secret)), strict=True))
    return found
