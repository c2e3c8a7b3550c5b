"""The arrows of the design are held by import-linter, and would be noticed if somebody broke one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from patience import PATIENCE_S

ROOT = Path(__file__).parent.parent

IMPORTS = [
    ("hft/events.py", "import time"),
    ("hft/risk.py", "import asyncio"),
    ("hft/kernels/layout.py", "from random import random"),
    ("hft/positions.py", "def late():\n    import logging"),
    ("hft/orderbook.py", "import pydantic"),
    ("hft/risk.py", "import graphwiz_trader.journal"),
    ("hft/risk.py", "import graphwiz_trader.config"),
    ("hft/events.py", "import graphwiz_trader.hft.orderbook"),
    ("hft/positions.py", "import graphwiz_trader.hft.risk"),
    ("hft/positions.py", "import graphwiz_trader.hft.executor"),
    ("hft/kernels/layout.py", "import graphwiz_trader.hft.events"),
    ("hft/strategies/__init__.py", "import graphwiz_trader.hft.executor"),
    ("journal/__init__.py", "import graphwiz_trader.venues"),
    ("journal/__init__.py", "import graphwiz_trader.observers"),
    ("venues/__init__.py", "import graphwiz_trader.config"),
    ("venues/binance/__init__.py", "import graphwiz_trader.venues.simulated"),
    ("venues/okx/__init__.py", "import graphwiz_trader.venues.binance"),
    ("observers/__init__.py", "import graphwiz_trader.backtest"),
    ("config/__init__.py", "import graphwiz_trader.cli"),
]
"""(module, the import planted in it)"""
WITHOUT_A_PLACE = ["a_room_without_a_place", "hft/a_module_without_a_place"]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Of the package in that folder."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    return subprocess.run(
        [*command, "--config", str(ROOT / "pyproject.toml"), "--no-logo", "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What is said of a copy of the package in which all of them are planted."""
    folder = tmp_path_factory.mktemp("planted")
    package = folder / "graphwiz_trader"
    shutil.copytree(ROOT / "src/graphwiz_trader", package, ignore=shutil.ignore_patterns("__pycache__", "*.nb*"))
    # All at once: to lint takes seconds, and what is said names each.
    for module, planted in IMPORTS:
        with (package / module).open("a") as file:
            file.write(f"\n{planted}\n")
    for module in WITHOUT_A_PLACE:
        (package / f"{module}.py").write_text('"""New."""\n')
    return lint_imports(folder).stdout.partition("Broken contracts")[2]


def test_the_package_as_it_is_keeps_every_arrow() -> None:
    done = lint_imports(ROOT / "src")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("module", "planted"), IMPORTS)
def test_a_planted_import_is_caught(broken: str, module: str, planted: str) -> None:
    imported = planted.split()[1] if planted.startswith("from") else planted.rpartition(" ")[2]
    assert f"{_dotted(module)} -> {imported} (" in broken


@pytest.mark.parametrize("module", WITHOUT_A_PLACE)
def test_a_module_without_a_place_is_caught(broken: str, module: str) -> None:
    assert module.rpartition("/")[2] in broken


def _dotted(module: str) -> str:
    return "graphwiz_trader." + module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
