"""A full disk stops the writer, cleanly and for good; what was appended before stays whole."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from graphwiz_trader.journal.errors import JournalFullError
from graphwiz_trader.journal.layout import Record
from graphwiz_trader.journal.reader import JournalReader
from graphwiz_trader.journal.verify import End, verify
from graphwiz_trader.journal.writer import JournalWriter
from journal.endless_writer import known_record


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A file system of one MiB."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"mounting a small tmpfs is not permitted here: {mounted.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.fixture
def files_of_at_most_64_kib() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def append_until_full(writer: JournalWriter) -> list[Record]:
    appended: list[Record] = []

    def append_for_ever() -> None:
        while True:
            writer.append(*known_record(len(appended)))
            appended.append(known_record(len(appended)))

    with pytest.raises(JournalFullError, match="every record before it is intact"):
        append_for_ever()
    return appended


def test_a_full_disk_refuses_every_later_record_and_keeps_every_earlier_one(small_disk):
    writer = JournalWriter(small_disk / "j", session="test", segment_bytes=1 << 16)
    appended = append_until_full(writer)
    assert len(appended) > 500
    for _ in range(3):
        with pytest.raises(JournalFullError):
            writer.append(1, 0, 0, b"")  # would fit, but must not come after the gap
    assert list(JournalReader(small_disk / "j").records()) == appended
    assert verify(small_disk / "j").end is End.WRITING
    writer.close()
    found = verify(small_disk / "j")
    assert (found.end, found.records) == (End.CLOSED, len(appended))


def test_room_that_is_freed_before_it_is_needed_is_used(small_disk):
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes((1 << 20) - (3 << 16)))
    writer = JournalWriter(small_disk / "j", session="test", segment_bytes=1 << 16)
    writer.append(1, 0, 0, bytes(60_000))
    writer.append(1, 0, 0, bytes(60_000))
    ballast.unlink()
    for _ in range(4):
        writer.append(1, 0, 0, bytes(60_000))
    writer.close()
    assert verify(small_disk / "j").records == 6


def test_a_disk_without_room_for_the_first_segment_is_an_error_at_the_start(small_disk):
    with pytest.raises(JournalFullError, match="2097152 bytes"):
        JournalWriter(small_disk / "j", session="test", segment_bytes=2 << 20)
    assert list((small_disk / "j").iterdir()) == []


@pytest.mark.usefixtures("files_of_at_most_64_kib")
def test_a_record_too_large_for_the_file_size_limit_is_a_full_disk_and_not_a_crash(tmp_path):
    writer = JournalWriter(tmp_path / "j", session="test", segment_bytes=1 << 14)
    writer.append(*known_record(0))
    with pytest.raises(JournalFullError, match="File too large"):
        writer.append(1, 0, 0, bytes(1 << 17))
    with pytest.raises(JournalFullError):
        writer.append(*known_record(1))
    writer.close()
    assert list(JournalReader(tmp_path / "j").records()) == [known_record(0)]
