"""Compiled code on disk is used while the sources that went into it are unchanged, and not a run longer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import graphwiz_trader

_CALLEE = '''"""Called."""
from graphwiz_trader.hft.kernels.jit import kernel
FACTOR = {factor}
@kernel
def answer() -> int:
    """The number that is changed."""
    return {answer}
'''
_CALLER = '''"""Calls."""
from graphwiz_trader.hft.kernels.callee import (
    FACTOR,
    answer,
)
from graphwiz_trader.hft.kernels.jit import kernel
@kernel
def ask() -> int:
    """What the other module says."""
    return answer() * FACTOR
'''
_ASK = """
from graphwiz_trader.hft.kernels.caller import ask
print(ask(), sum(ask.stats.cache_hits.values()))
"""


@pytest.mark.slow
def test_a_change_in_another_module_compiles_its_callers_anew(tmp_path: Path) -> None:
    shutil.copytree(
        Path(graphwiz_trader.__path__[0]),
        tmp_path / "graphwiz_trader",
        ignore=shutil.ignore_patterns("__pycache__", "observers", "venues"),
    )
    kernels = tmp_path / "graphwiz_trader" / "hft" / "kernels"
    (kernels / "caller.py").write_text(_CALLER)

    def ask(answer: int, factor: int) -> list[int]:
        (kernels / "callee.py").write_text(_CALLEE.format(answer=answer, factor=factor))
        environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
        environment.pop("NUMBA_CACHE_DIR", None)
        done = subprocess.run([sys.executable, "-c", _ASK], env=environment, capture_output=True, text=True, check=True)
        return [int(number) for number in done.stdout.split()]

    assert ask(answer=6, factor=7) == [42, 0]
    assert ask(answer=6, factor=7) == [42, 1]
    assert ask(answer=5, factor=7) == [35, 0]
    assert ask(answer=5, factor=9) == [45, 0]
    assert ask(answer=6, factor=7) == [42, 0]
