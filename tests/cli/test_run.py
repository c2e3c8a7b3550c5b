"""A whole run as a user starts it: real processes, real sockets, real signals; nothing is taken apart."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from graphwiz_trader.assembly.replays import journal_replay
from graphwiz_trader.hft.events import RecordKind
from graphwiz_trader.journal.breaker import BreakerFile
from graphwiz_trader.journal.reader import JournalReader
from graphwiz_trader.journal.verify import End, verify
from patience import PATIENCE_S

pytestmark = pytest.mark.slow

_START_S = 4 * PATIENCE_S
"""The first start on a machine compiles."""


@contextmanager
def running(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """``graphwiz run`` in its own folder, ended with everything it started when the block ends."""
    (folder / "hft.yaml").write_text(f"hft:\n  data_dir: {folder / 'var'}\n")
    command = [sys.executable, "-c", "from graphwiz_trader.cli import main; main()", "run", "--headless"]
    process = subprocess.Popen(
        [*command, "--config", str(folder / "hft.yaml"), "--port", "0", *options],
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
    )
    try:
        yield process
    finally:
        family = [process.pid, *(child.pid for child in children(process).values())] if process.poll() is None else []
        if process.poll() is None:
            process.terminate()
            process.wait(PATIENCE_S)
        for pid in family:
            assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def children(process: subprocess.Popen[str]) -> dict[str, psutil.Process]:
    """The run's processes by their command: exchange, trade, observe."""
    return {child.cmdline()[3]: child for child in psutil.Process(process.pid).children() if len(child.cmdline()) > 3}


def journal_of(folder: Path) -> Path:
    return next((folder / "var" / "journal").iterdir())


def wait_for(folder: Path, kind: RecordKind, count: int = 1) -> None:
    """Wait until the run's journal holds so many records of a kind."""
    until_s = time.monotonic() + _START_S
    while time.monotonic() < until_s:
        sessions = list((folder / "var" / "journal").glob("*/*.gwj"))
        if sessions and sum(record.kind == kind for record in JournalReader(journal_of(folder)).records()) >= count:
            return
        time.sleep(0.2)
    pytest.fail(f"no {count} {kind.name} within {_START_S} s")


def test_a_run_of_some_seconds_trades_and_ends_in_order_with_code_0(tmp_path: Path) -> None:
    with running(tmp_path, "--duration", "8", "--json", str(tmp_path / "figures.json")) as process:
        assert process.wait(_START_S) == 0, process.stderr and process.stderr.read()
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["counts"]["frames"] > 100
    assert figures["ended"]
    assert figures["end_reason"] == "8 s are over"
    assert figures["open_orders"] == 0
    assert {book["trust"] for book in figures["books"]} == {"live"}
    verification = verify(journal_of(tmp_path))
    assert verification.intact
    assert verification.end is End.CLOSED


def test_a_trader_that_had_to_compile_does_not_keep_the_compilers_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    with running(tmp_path) as process:
        wait_for(tmp_path, RecordKind.PULSE, 20)
        assert children(process)["trade"].memory_info().rss < 400e6


def test_a_run_of_no_exchange_says_what_to_enable(tmp_path: Path) -> None:
    off = "".join(f"      {exchange}: {{enabled: false}}\n" for exchange in ("binance", "binanceusdm"))
    (tmp_path / "hft.yaml").write_text(f"hft:\n  market_data:\n    exchanges:\n{off}")
    command = [sys.executable, "-c", "from graphwiz_trader.cli import main; main()", "run", "--headless", "--port", "0"]
    done = subprocess.run([*command, "--config", "hft.yaml"], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert "no exchange is enabled; enable one under hft.market_data.exchanges" in done.stderr


def test_what_a_run_decided_it_decides_again_from_its_journal(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        wait_for(tmp_path, RecordKind.FILL)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 0
    replayed = journal_replay(journal_of(tmp_path), lambda _frames: None)
    assert replayed.recorded_decisions > 0
    assert replayed.is_same


def test_a_killed_trader_leaves_a_journal_that_is_whole_up_to_its_last_record(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        wait_for(tmp_path, RecordKind.ORDER)
        children(process)["trade"].kill()
        assert process.wait(PATIENCE_S) == 2
        assert process.stderr is not None
        assert "the trader ended on its own" in process.stderr.read()
    verification = verify(journal_of(tmp_path))
    assert verification.intact
    assert verification.end is End.KILLED
    assert journal_replay(journal_of(tmp_path), lambda _frames: None).is_same


def test_trading_does_not_notice_that_its_observer_was_killed(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        wait_for(tmp_path, RecordKind.PULSE)
        observer = None
        while observer is None:
            observer = children(process).get("observe")
        observer.kill()
        before = sum(1 for _ in JournalReader(journal_of(tmp_path)).records())
        wait_for(tmp_path, RecordKind.LATENCY, 5)
        assert process.poll() is None
        assert sum(1 for _ in JournalReader(journal_of(tmp_path)).records()) > before
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


def test_no_process_of_a_run_outlives_it_even_when_it_is_killed(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        wait_for(tmp_path, RecordKind.PULSE)
        family = list(children(process).values())
        os.kill(process.pid, signal.SIGKILL)
        process.wait(PATIENCE_S)
        _, alive = psutil.wait_procs(family, timeout=PATIENCE_S)
        assert alive == []
    assert verify(journal_of(tmp_path)).end is End.CLOSED


def test_a_person_trips_the_running_trader_and_it_stays_tripped_after_a_restart(tmp_path: Path) -> None:
    breaker = BreakerFile(tmp_path / "var")
    with running(tmp_path) as process:
        wait_for(tmp_path, RecordKind.ORDER)
        breaker.trip("by Ada: enough", by="Ada")
        wait_for(tmp_path, RecordKind.COMMAND)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    records = list(JournalReader(journal_of(tmp_path)).records())
    tripped_at = next(i for i, record in enumerate(records) if record.kind == RecordKind.COMMAND)
    assert not [record for record in records[tripped_at:] if record.kind == RecordKind.ORDER]
    (tmp_path / "again").mkdir()
    again = tmp_path / "again"
    (again / "var").mkdir()
    (again / "var" / breaker.path.name).write_bytes(breaker.path.read_bytes())
    with running(again, "--duration", "10") as process:
        assert process.wait(_START_S) == 0
    assert verify(journal_of(again)).counts.get(RecordKind.ORDER, 0) == 0


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="only Linux schedules in batches")
def test_nobody_of_a_run_interrupts_its_trader(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        wait_for(tmp_path, RecordKind.PULSE)
        policies = {name: os.sched_getscheduler(child.pid) for name, child in children(process).items()}
        assert policies.pop("trade") == os.SCHED_OTHER
        assert set(policies.values()) == {os.sched_getscheduler(process.pid)} == {os.SCHED_BATCH}
