"""How a benchmark is called and how it answers: a table for people, JSON for scripts."""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


def arguments(description: str | None) -> argparse.ArgumentParser:
    """A parser that knows ``--json FILE``."""
    parser = argparse.ArgumentParser(description=(description or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    return parser


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table whose first column is names and whose others are figures."""
    drawn = Table()
    for place, column in enumerate(columns):
        drawn.add_column(column, justify="left" if place == 0 else "right")
    for row in rows:
        drawn.add_row(*row)
    console = Console(width=None if Console().is_terminal else 110)
    console.print(f"\n{title}")
    console.print(drawn)


def write_json(path: Path | None, figures: dict[str, Any]) -> None:
    """Write the figures with what they were measured on."""
    if path is not None:
        machine = {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}
        path.write_text(json.dumps({"machine": machine} | figures, indent=2) + "\n")


def verdict(value: float, target: float, *, at_least: bool = False) -> str:
    """``0.31 (target <= 0.5: met)``."""
    met = value >= target if at_least else value <= target
    return f"target {'≥' if at_least else '≤'} {target}: {'met' if met else 'MISSED'}"
