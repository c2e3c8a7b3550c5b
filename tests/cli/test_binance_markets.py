"""Binance's other ways to its market data, COIN-M and binary streams, as a user meets them at the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from patience import PATIENCE_S
from venues.binance.binary import KEY, PEM

_COMMAND = [sys.executable, "-c", "from graphwiz_trader.cli import main; main()"]


@contextmanager
def served(*arguments: str) -> Iterator[dict[str, dict[str, str]]]:
    """Simulated venues; their addresses."""
    serve = [*_COMMAND, "exchange", "serve", *arguments]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["venues"]
        process.terminate()


def graphwiz(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*_COMMAND, *words],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE_S,
        check=False,
    )


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


_KEYS = {"GRAPHWIZ_BINANCE_API_KEY": KEY, "GRAPHWIZ_BINANCE_API_SECRET": PEM}
_BINARY = """
hft:
  observer: {port: 0}
  market_data:
    exchanges:
      binance: {format: sbe}
      binanceusdm: {}
"""


@pytest.mark.slow
def test_a_whole_run_on_binary_streams_trades_and_its_journal_replays_bit_for_bit(tmp_path):
    (tmp_path / "hft.yaml").write_text(_BINARY)
    wanted = ("--config", "hft.yaml", "--duration", "8", "--headless")
    ran = graphwiz(tmp_path, "run", *wanted, **_KEYS)
    assert ran.returncode == 0, ran.stderr
    figures = json.loads(graphwiz(tmp_path, "replay", "var/journal", "--json", "-").stdout)
    assert figures["same_decisions"]
    assert figures["frames"]["binance"] > 100
    assert figures["refused"]["binance"] == 0
    assert all(book["trusted"] for book in figures["books"]["binance"].values())
    written = [path.read_bytes() for path in (tmp_path / "var").rglob("*") if path.is_file()]
    assert any(b"binance-sbe" in content for content in written)
    assert not any(KEY.encode() in content or b"PRIVATE KEY" in content for content in written)


@pytest.mark.parametrize("command", [("trade",), ("record", "--out", "recorded")])
def test_without_a_key_binary_streams_are_refused_with_what_to_set(tmp_path, command):
    (tmp_path / "hft.yaml").write_text(_BINARY)
    refused = graphwiz(tmp_path, *command, "--config", "hft.yaml", GRAPHWIZ_BINANCE_API_KEY="")
    assert refused.returncode == 2
    assert "GRAPHWIZ_BINANCE_API_KEY: is not set: hft.market_data.exchanges.binance.format is sbe" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.slow
def test_binary_streams_are_recorded_and_replayed_directly_but_not_through_sockets_that_speak_json(tmp_path):
    (tmp_path / "hft.yaml").write_text(
        "hft: {mode: paper, market_data: {exchanges: {binance: {format: sbe, symbols: [BTC/USDT]}}}}"
    )
    (tmp_path / "accounts.yaml").write_text(f"- {{name: reader, key: {KEY}, secret: {json.dumps(PEM)}}}\n")
    with served("--venue", "binance", "--accounts", str(tmp_path / "accounts.yaml")) as venues:
        wanted = ("record", "--out", "recorded", "--config", "hft.yaml", "--venues", json.dumps(venues))
        recorded = graphwiz(tmp_path, *wanted, "--duration", "4", GRAPHWIZ_BINANCE_API_KEY=KEY)
        assert recorded.returncode == 0, recorded.stderr
        stranger = graphwiz(tmp_path, *wanted, GRAPHWIZ_BINANCE_API_KEY="unknown")
        assert stranger.returncode == 2
        assert "the binary streams do not take the API key" in stranger.stderr
    figures = json.loads(graphwiz(tmp_path, "replay", "recorded", "--json", "-").stdout)
    assert figures["frames"]["binance"] > 50
    assert figures["refused"]["binance"] == 0
    assert figures["books"]["binance"]["BTC/USDT"]["trusted"]
    refused = graphwiz(tmp_path, "replay", "recorded", "--through", "sockets")
    assert refused.returncode == 2
    assert "was recorded in the words of binance-sbe; replay it with --direct" in refused.stderr
