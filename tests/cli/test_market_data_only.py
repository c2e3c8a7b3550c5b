"""Markets of Binance's that are watched and not traded on, as a user meets them at the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_COMMAND = [sys.executable, "-c", "from graphwiz_trader.cli import main; main()"]


@contextmanager
def served(*arguments: str) -> Iterator[dict[str, dict[str, str]]]:
    """Simulated venues; their addresses."""
    serve = [*_COMMAND, "exchange", "serve", *arguments]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["venues"]
        process.terminate()


def graphwiz(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*_COMMAND, *words], cwd=folder, capture_output=True, text=True, timeout=200, check=False)


def configured(folder: Path, mode: str, exchange: str, settings: str, addresses: dict[str, str]) -> str:
    """A file with one exchange at these addresses."""
    path = folder / "hft.yaml"
    path.write_text(
        f"""
hft:
  mode: {mode}
  market_data:
    exchanges:
      {exchange}:
        {settings}
        endpoints: {{rest: "{addresses["rest"]}", stream: "{addresses["stream"]}", orders: "ws://127.0.0.1:1"}}
"""
    )
    return str(path)


@pytest.mark.slow
def test_coinm_is_followed_on_paper_and_replayed_from_the_journal_bit_for_bit(tmp_path):
    with served("--venue", "binancecoinm", "--rate", "300") as venues:
        config = configured(tmp_path, "paper", "binancecoinm", "symbols: [BTC/USD, ETH/USD]", venues["binancecoinm"])
        traded = graphwiz(tmp_path, "trade", "--config", config, "--duration", "6")
    assert traded.returncode == 0, traded.stderr
    figures = json.loads(graphwiz(tmp_path, "replay", "var/journal", "--json", "-").stdout)
    assert figures["same_decisions"]
    assert figures["frames"]["binancecoinm"] > 10
    assert figures["refused"]["binancecoinm"] == 0
    assert all(figures["books"]["binancecoinm"][symbol]["trusted"] for symbol in ("BTC/USD", "ETH/USD"))


@pytest.mark.slow
def test_in_simulated_mode_coinm_is_refused_with_what_to_do_before_anything_starts(tmp_path):
    addresses = {"rest": "http://127.0.0.1:1", "stream": "ws://127.0.0.1:1"}
    config = configured(tmp_path, "simulated", "binancecoinm", "symbols: [BTC/USD]", addresses)
    refused = graphwiz(tmp_path, "trade", "--config", config)
    assert refused.returncode == 2
    assert "binancecoinm has no order line yet" in refused.stderr
    assert not (tmp_path / "var").exists()
