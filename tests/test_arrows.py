"""The arrows of the design are held by import-linter, and would be noticed if somebody broke one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from patience import PATIENCE_S

ROOT = Path(__file__).parent.parent


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package, where a violation may be planted."""
    shutil.copytree(
        ROOT / "src/graphwiz_trader",
        tmp_path / "graphwiz_trader",
        ignore=shutil.ignore_patterns("__pycache__", "*.nb*"),
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    return subprocess.run(
        [*command, "--no-logo", "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_the_package_as_it_is_keeps_every_arrow(copy):
    done = lint_imports(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "planted"),
    [
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
        ("a_room_without_a_place.py", '"""New."""'),
        ("hft/a_module_without_a_place.py", '"""New."""'),
    ],
)
def test_a_planted_violation_is_caught(copy, module, planted):
    path = copy / "graphwiz_trader" / module
    path.write_text((path.read_text() if path.exists() else "") + f"\n{planted}\n")
    broken = lint_imports(copy).stdout.partition("Broken contracts")[2]
    assert f"graphwiz_trader.{module.removesuffix('.py').removesuffix('/__init__').replace('/', '.')}" in broken
