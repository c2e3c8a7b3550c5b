"""The simulated exchange under many real connections: everybody is told everything and every order is answered.

How much of it there can be, `benchmarks/exchange_load.py` measures; here is little of everything.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LITTLE = ["--clients", "6", "--seconds", "2", "--orders", "60", "--messages", "100", "--market-rate", "100"]


@pytest.mark.slow
@pytest.mark.parametrize("venue", ["binance", "okx"])
def test_under_load_nothing_is_lost_or_refused_and_nobody_is_disconnected(venue, tmp_path):
    command = [sys.executable, "-m", "benchmarks.exchange_load", "--venue", venue, "--json", str(tmp_path / "figures")]
    done = subprocess.run([*command, *LITTLE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (tmp_path / "figures").exists(), done.stdout + done.stderr
    figures = json.loads((tmp_path / "figures").read_text())
    assert figures["messages_per_s"] > 0
    assert figures["account_events_per_s"] > figures["orders_per_s"] > 0
    assert [figures[name] for name in ("refused", "lost", "gaps", "dropped")] == [0, 0, 0, 0]
