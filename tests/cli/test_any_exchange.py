"""An exchange that has no feed here, as a user adds it: its id in the configuration, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from patience import PATIENCE_S

_COMMAND = [sys.executable, "-c", "from graphwiz_trader.cli import main; main()"]
_CONFIG = """
hft:
  mode: paper
  strategies: {{statistical_arbitrage: {{lookback_period: 5, z_score_threshold: 0.5}}}}
  market_data:
    stale_after_ms: 20000
    exchanges:
      binanceus:
        symbols: [BTC/USDT, ETH/USDT]
        endpoints: {{rest: "{binance[rest]}", stream: "{binance[stream]}/stream"}}
      okxus:
        websocket: false
        symbols: [BTC/USDT]
        endpoints: {{rest: "{okx[rest]}", stream: "{okx[stream]}"}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    """Two of ccxt's exchanges, one streamed and one polled, at the addresses of simulated ones."""
    serve = [*_COMMAND, "exchange", "serve", "--venue", "binance", "--venue", "okx", "--rate", "300"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        venues = json.loads(process.stdout.readline())["venues"]
        path = tmp_path / "hft.yaml"
        path.write_text(_CONFIG.format(**venues))
        yield path
        process.terminate()


def graphwiz(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [*_COMMAND, *words], cwd=folder, capture_output=True, text=True, timeout=4 * PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_it_is_traded_on_paper_and_replayed_from_the_journal_bit_for_bit(tmp_path, config):
    graphwiz(tmp_path, "trade", "--config", str(config), "--duration", "12")
    figures = json.loads(graphwiz(tmp_path, "replay", "var/journal", "--json", "-"))
    assert figures["same_decisions"]
    assert figures["fills"] > 0
    for exchange, symbols in {"binanceus": ["BTC/USDT", "ETH/USDT"], "okxus": ["BTC/USDT"]}.items():
        assert figures["frames"][exchange] > 10
        assert figures["refused"][exchange] == 0
        assert all(figures["books"][exchange][symbol]["trusted"] for symbol in symbols)
