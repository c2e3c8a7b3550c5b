"""kill -9 at any moment: every record whose append returned is there, complete, and nothing else is."""

from __future__ import annotations

import os
import random
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from graphwiz_trader.journal.layout import CURSOR_OFFSET, Record, segment_path
from graphwiz_trader.journal.reader import JournalReader
from graphwiz_trader.journal.verify import End, verify
from graphwiz_trader.journal.writer import JournalWriter
from journal.endless_writer import COUNTER, known_record

QUICK_ROUNDS = 3
SLOW_ROUNDS = 20


def kill_after(directory: Path, counter_file: Path, records: int) -> int:
    """Run a writer, kill it once ``records`` were read from its journal, and return how many appends returned."""
    counter_file.write_bytes(bytes(COUNTER.size))
    directory.mkdir()
    command = [sys.executable, "-m", "journal.endless_writer", str(directory), str(counter_file)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(["src", "tests"])}
    child = subprocess.Popen(command, env=environment, cwd=Path(__file__).parents[2])
    try:
        for seen, record in enumerate(only_records(JournalReader(directory).follow(), child), start=1):
            assert record == known_record(seen - 1), "a live reader got something else than what was appended"
            if seen >= records:
                break
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    return int(COUNTER.unpack(counter_file.read_bytes())[0])


def only_records(following: Iterator[Record | None], child: subprocess.Popen[bytes]) -> Iterator[Record]:
    for record in following:
        if record is not None:
            yield record
        else:
            assert child.poll() is None, "the writer ended by itself"


def check_round(tmp_path: Path, seed: int) -> None:
    directory = tmp_path / f"j{seed}"
    returned = kill_after(directory, tmp_path / "counter", random.Random(seed).randrange(1, 30_000))
    read = 0
    for number, record in enumerate(JournalReader(directory).records()):
        assert record == known_record(number)
        read += 1
    assert returned <= read <= returned + 1, "more than the record in flight was lost or invented"
    found = verify(directory)
    assert (found.end, found.intact, found.records) == (End.KILLED, True, read)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(QUICK_ROUNDS))
def test_a_killed_writer_leaves_exactly_what_it_appended(tmp_path, seed):
    check_round(tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(QUICK_ROUNDS, QUICK_ROUNDS + SLOW_ROUNDS))
def test_a_killed_writer_leaves_exactly_what_it_appended_many_times(tmp_path, seed):
    check_round(tmp_path, seed)


@pytest.fixture
def last_record_at(tmp_path) -> Iterator[tuple[Path, int]]:
    """A journal of three records that nobody closed, and where the last one begins."""
    writer = JournalWriter(tmp_path / "j", session="test", segment_bytes=4096)
    with closing(writer):
        writer.append(*known_record(1))
        writer.append(*known_record(2))
        offset = segment_cursor(tmp_path / "j")
        writer.append(*known_record(3))
        yield tmp_path / "j", offset


def segment_cursor(directory: Path) -> int:
    return int.from_bytes(segment_path(directory, 0).read_bytes()[CURSOR_OFFSET:][:8], "little") * 8


def overwrite_word(directory: Path, offset: int, word: int) -> None:
    with segment_path(directory, 0).open("r+b") as file:
        file.seek(offset)
        file.write(struct.pack("<Q", word))


def test_death_before_the_commit_word_loses_that_record_only(last_record_at):
    directory, offset = last_record_at
    overwrite_word(directory, offset, 0)
    overwrite_word(directory, CURSOR_OFFSET, offset // 8)
    assert list(JournalReader(directory).records()) == [known_record(1), known_record(2)]
    assert verify(directory).intact


def test_death_between_the_commit_word_and_the_cursor_loses_nothing(last_record_at):
    directory, offset = last_record_at
    overwrite_word(directory, CURSOR_OFFSET, offset // 8)
    assert list(JournalReader(directory).records()) == [known_record(1), known_record(2), known_record(3)]
    assert verify(directory).intact


def test_a_commit_word_that_the_cursor_has_passed_was_lost_and_is_damage(last_record_at):
    directory, offset = last_record_at
    overwrite_word(directory, offset, 0)
    found = verify(directory)
    assert found.damage is not None
    assert (found.records, found.damage.offset) == (2, offset)
