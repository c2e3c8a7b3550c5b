"""The command line: ``graphwiz COMMAND``. Each command stands in the module of its name in this folder.

A command's module is imported when that command is called, so that ``graphwiz --help`` answers at once and
``graphwiz config check`` never waits for the compiled core. To add a command, add its module with an ``app``
(a ``typer.Typer``) and its line in ``COMMANDS``.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
import typer.core

from graphwiz_trader.errors import GraphwizError

COMMANDS = {
    "run": "Start the exchanges, the trader and the page; Ctrl-C stops them.",
    "trade": "Run the trading process alone, against exchanges that run already.",
    "observe": "Run the observer alone: page, metrics and knowledge graph of the newest session.",
    "record": "Keep what the exchanges send: raw frames and Parquet tables.",
    "tables": "Make a recording's Parquet tables anew from its raw frames.",
    "replay": "Run the engine over recordings or a journal.",
    "journal": "Read, check and export what happened.",
    "graph": "Ask the knowledge graph.",
    "risk": "See the circuit breaker, and reset it.",
    "exchange": "Run a simulated exchange on its own.",
    "config": "Check and explain the configuration.",
}
GROUPS = frozenset({"journal", "graph", "risk", "exchange", "config"})
"""Those that have commands below them."""


class LazyCommands(typer.core.TyperGroup):
    """The table above as a command group: names and summaries are known, a module is imported when called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] in COMMANDS:
            self.commands[args[0]] = load_command(args[0])
        return super().resolve_command(ctx, args)


def load_command(name: str) -> Any:
    """Import a command's module and build the command."""
    module = import_module(f"graphwiz_trader.cli.{name}")
    build = typer.main.get_group if name in GROUPS else typer.main.get_command
    return build(module.app)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"graphwiz {version('graphwiz-trader')}")
        raise typer.Exit


def _top(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """GraphWiz Trader: a high-frequency trading engine. Everything here runs on simulated exchanges."""


def _called_by_its_own_module() -> None:
    """Stands for a command in the list of commands; LazyCommands puts the real one in its place."""


def command_line() -> typer.Typer:
    """The ``graphwiz`` command."""
    app = typer.Typer(
        cls=LazyCommands,
        callback=_top,
        no_args_is_help=True,
        add_completion=False,
        # Typer's own tracebacks show local variables, and one of those may hold a secret.
        pretty_exceptions_enable=False,
    )
    for name, summary in COMMANDS.items():
        app.command(name, help=summary)(_called_by_its_own_module)
    return app


def main() -> None:
    """Run the command line. An error of ours is printed without a traceback and exits with 2."""
    try:
        command_line()(prog_name="graphwiz")
    except GraphwizError as error:
        typer.echo(f"graphwiz: {error}", err=True)
        sys.exit(2)
