"""``graphwiz record`` as a user starts it: real processes, real sockets, real signals."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from graphwiz_trader.cli.record import app
from graphwiz_trader.recording.errors import DamagedSegmentError, RecorderError
from graphwiz_trader.recording.reader import read_segment, segments_in
from patience import PATIENCE_S

_START_S = 4 * PATIENCE_S
"""The first start on a machine compiles."""
_COMMAND = [sys.executable, "-c", "from graphwiz_trader.cli import main; main()"]
_LOST_AT_MOST_NS = 1_000_000_000


@pytest.fixture(scope="module")
def venues() -> Iterator[str]:
    """The addresses of simulated exchanges in a process of their own."""
    command = [*_COMMAND, "exchange", "serve", "--venue", "binance", "--venue", "binanceusdm", "--rate", "1000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield json.dumps(json.loads(process.stdout.readline())["venues"])
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def recorder(folder: Path, venues: str, *options: str) -> subprocess.Popen[str]:
    command = [*_COMMAND, "record", "--out", str(folder / "recording"), "--venues", venues, *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder)


def readable(folder: Path) -> dict[str, list[int]]:
    """By exchange, the receive times of every frame that can be read."""
    times: dict[str, list[int]] = {}
    for exchange, paths in segments_in(folder / "recording").items():
        for path in paths:
            with suppress(DamagedSegmentError):  # its last block, in the middle of being written
                for record in read_segment(path):
                    if record.kind == "frame":
                        times.setdefault(exchange, []).append(record.time_ns)
    return times


def wait_for_frames(folder: Path, process: subprocess.Popen[str], count: int) -> None:
    """Wait until both exchanges have so many frames on disk."""
    until_s = time.monotonic() + _START_S
    while sum(len(times) >= count for times in readable(folder).values()) < 2:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until_s, f"no {count} frames within {_START_S} s"
        time.sleep(0.2)


def replayed_books(folder: Path, *sources: str) -> dict[tuple[str, str], Any]:
    done = subprocess.run(
        [*_COMMAND, "replay", *sources, "--json", "-"], capture_output=True, text=True, cwd=folder, check=True
    )
    books = json.loads(done.stdout)["books"]
    return {(exchange, symbol): book for exchange, of in books.items() for symbol, book in of.items()}


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_recording_in_order_and_it_replays(tmp_path, venues, ending):
    process = recorder(tmp_path, venues, "--json", "-")
    wait_for_frames(tmp_path, process, 300)
    process.send_signal(ending)
    said, shown = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, shown
    figures = json.loads(said)
    assert figures["ended"] == ending.name
    assert f"ended: {ending.name}" in shown
    assert {e: len(t) for e, t in readable(tmp_path).items()} == {
        e: f["frames"] for e, f in figures["exchanges"].items()
    }
    assert all(f["refused"] == f["lost"] == 0 and f["disk_bytes"] for f in figures["exchanges"].values())
    assert set(figures["tables"]["rows"]) == {"top_of_book", "trades"}
    books = replayed_books(tmp_path, "recording")
    assert len(books) == 4
    assert all(book["trusted"] for book in books.values())


@pytest.mark.slow
def test_kill_9_costs_a_second_at_most_and_a_new_recorder_continues(tmp_path, venues):
    process = recorder(tmp_path, venues, "--raw-only", "--segment-mib", "0.05")
    wait_for_frames(tmp_path, process, 1_000)
    killed_ns = time.time_ns()
    process.kill()
    process.wait()
    before = readable(tmp_path)
    assert set(before) == {"binance", "binanceusdm"}
    assert all(killed_ns - times[-1] < _LOST_AT_MOST_NS for times in before.values())
    process = recorder(tmp_path, venues, "--raw-only", "--duration", "3")
    assert process.wait(_START_S) == 0
    after = readable(tmp_path)
    assert all(after[exchange][: len(times)] == times for exchange, times in before.items())
    assert all(len(after[exchange]) > len(times) for exchange, times in before.items())
    segment = segments_in(tmp_path / "recording")["binance"][0]
    for sources in (["recording"], [f"binance={segment}"]):
        books = replayed_books(tmp_path, *sources)
        assert books
        assert all(book["trusted"] for book in books.values())


@pytest.mark.slow
def test_without_a_terminal_the_rates_are_plain_lines(tmp_path, venues):
    process = recorder(tmp_path, venues, "--raw-only", "--duration", "7")
    _, shown = process.communicate(timeout=_START_S)
    assert process.returncode == 0
    assert "frames/s" in shown
    assert "\x1b" not in shown


def test_options_that_contradict_each_other_are_refused(tmp_path):
    done = CliRunner().invoke(app, ["--out", str(tmp_path), "--raw-only", "--parquet", "x"])
    assert done.exit_code == 2
    assert "--raw-only and --parquet" in done.output


@pytest.mark.parametrize("venues", ["[]", "{", '{"binance": {"rest": "http://127.0.0.1:1"}}', '{"binance": 1}'])
def test_addresses_that_cannot_be_read_are_an_error_that_shows_the_form(tmp_path, venues):
    done = CliRunner().invoke(app, ["--out", str(tmp_path), "--venues", venues])
    assert isinstance(done.exception, RecorderError)
    assert 'expected {"binance"' in str(done.exception)
