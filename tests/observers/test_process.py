"""The observer process: it waits, follows, says what is wrong, and trading does not notice when it is killed."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from graphwiz_trader.hft.events import RecordKind, Side
from graphwiz_trader.journal.reader import JournalReader
from graphwiz_trader.observers.knowledge_graph.performance import performance
from graphwiz_trader.observers.knowledge_graph.store import GraphStore
from graphwiz_trader.observers.process import PortInUseError, run_observer
from observers import market
from observers.market import START_NS, STRATEGIES, MadeUpSession, write_journal
from patience import PATIENCE_S

SRC = Path(__file__).parents[2] / "src"
CODE = """
import sys; sys.path.insert(0, sys.argv[1])
from pathlib import Path
from graphwiz_trader.observers.process import run_observer
data = Path(sys.argv[2])
run_observer(data / "journal", data, int(sys.argv[3]), ready=lambda page: None)
"""


class Running:
    """An observer process and what it says."""

    def __init__(self, data_dir: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, "-c", CODE, str(SRC), str(data_dir), str(self.port)], stderr=subprocess.PIPE, text=True
        )

    def get(self, path: str) -> httpx.Response | None:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE_S)
        except httpx.TransportError:
            assert self.process.poll() is None, self.process.communicate()[1]
            return None

    def message_when(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first message that is as wanted; fails with the last one when patience ends."""
        deadline_s = time.monotonic() + PATIENCE_S
        message: dict[str, Any] = {}
        while time.monotonic() < deadline_s:
            answer = self.get("/state.json")
            if answer is not None:
                message = json.loads(answer.text)
                if wanted(message):
                    return message
            time.sleep(0.05)
        pytest.fail(f"not within {PATIENCE_S:g} s; the last message was {message}")

    def stop(self, number: signal.Signals) -> str:
        """Ends the process and returns what it said on stderr."""
        self.process.send_signal(number)
        return self.process.communicate(timeout=PATIENCE_S)[1]


@contextmanager
def observer(data_dir: Path) -> Iterator[Running]:
    running = Running(data_dir)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.communicate()


def test_a_taken_port_is_named_with_the_option_that_changes_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUseError, match=rf"port {port} on 127.0.0.1 .*hft.observer.port"):
            run_observer(tmp_path / "journal", tmp_path, port, ready=pytest.fail)


@pytest.mark.slow
def test_it_waits_for_a_session_follows_it_and_has_it_all_in_the_graph_when_stopped(tmp_path: Path) -> None:
    with observer(tmp_path) as running:
        assert running.message_when(lambda m: True)["writer"] == "missing"
        writer = write_journal(tmp_path / "journal", [market.session()], close=False)
        running.message_when(lambda m: m["writer"] == "alive" and m["state"]["session"] == "s1")
        for item in (
            market.order("b", 0, Side.BUY, 100, 100_000),
            market.fill("b", 0, Side.BUY, 100, 100_000),
            market.order("s", 0, Side.SELL, 200, 100_000),
            market.fill("s", 0, Side.SELL, 200, 100_000),
            market.record(RecordKind.END, {"reason": "done"}),
        ):
            writer.append(*item)
        writer.close()
        ended = running.message_when(lambda m: m["writer"] == "closed")
        assert (ended["state"]["ended"], len(ended["state"]["fills"])) == (True, 2)
        metrics = running.get("/metrics")
        assert metrics is not None
        assert "graphwiz_session_ended 1.0" in metrics.text
        assert running.stop(signal.SIGTERM) == ""
        assert running.process.returncode == 0
    assert performance(GraphStore(tmp_path / "graph"), strategy=STRATEGIES[0])[:3] == (1, "1", 1)


@pytest.mark.slow
def test_killed_it_leaves_the_journal_alone_and_started_again_it_catches_up(tmp_path: Path) -> None:
    records = list(MadeUpSession().records(30, frames_per_s=100))
    half = len(records) // 2
    writer = write_journal(tmp_path / "journal", records[:half], close=False)
    with observer(tmp_path) as running:
        running.message_when(lambda m: m["state"]["records"] == half)
        running.stop(signal.SIGKILL)
    for item in records[half:]:
        writer.append(*item)
    writer.close()
    with observer(tmp_path) as running:
        message = running.message_when(lambda m: m["state"]["ended"])
        assert message["state"]["records"] == len(records)
        running.stop(signal.SIGINT)
    assert len(list(JournalReader(tmp_path / "journal" / "s1").records())) == len(records)
    fills = sum(item.kind == RecordKind.FILL for item in records)
    assert GraphStore(tmp_path / "graph").read("MATCH (f:Fill) RETURN count(f)").rows == [[fills]]


@pytest.mark.slow
def test_what_cannot_be_read_is_said_once_and_the_page_stays(tmp_path: Path) -> None:
    broken = [market.record(RecordKind.PULSE, b"{nonsense", START_NS + n) for n in range(5)]
    write_journal(tmp_path / "journal", [market.session(), *broken, market.pulse(START_NS + 9, net="7")])
    path = tmp_path / "journal" / "s1" / "00000000.gwj"
    content = bytearray(path.read_bytes())
    content[content.rindex(b'"net":"7"')] ^= 0xFF
    path.write_bytes(content)
    with observer(tmp_path) as running:
        message = running.message_when(lambda m: bool(m["problem"]))
        assert message["state"]["unreadable"] == {"PULSE": 5}
        assert "damaged" in message["problem"]
        said = running.stop(signal.SIGTERM).splitlines()
    assert sorted(said) == sorted(set(said))
    assert sum("PULSE" in line for line in said) == 1
    assert sum(line.startswith("observer: /") for line in said) == 1


@pytest.mark.slow
def test_a_trader_that_died_is_told_from_one_that_is_silent(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path[:0] = [{str(SRC)!r}, {str(SRC.parent / 'tests')!r}]\n"
        "from pathlib import Path\nfrom observers import market\n"
        "writer = market.write_journal(Path(sys.argv[1]), [market.session()], close=False)\n"
        "print('written', flush=True); sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "journal")]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as trader,
        observer(tmp_path) as running,
    ):
        assert trader.stdout is not None
        trader.stdout.readline()
        running.message_when(lambda m: m["writer"] == "alive")
        trader.kill()
        assert running.message_when(lambda m: m["writer"] == "gone")["state"]["ended"] is False
