"""What is appended is what is read: in order, across segments, live and afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphwiz_trader.hft.events import Recorder, RecordKind
from graphwiz_trader.journal.errors import JournalError, JournalExistsError, JournalMissingError, RecordTooLargeError
from graphwiz_trader.journal.layout import SUFFIX, Record, segment_numbers, segment_path
from graphwiz_trader.journal.reader import JournalReader
from graphwiz_trader.journal.verify import End, verify
from graphwiz_trader.journal.writer import JournalWriter

SMALL = 4096
"""One page: a few records a segment, so that every test crosses segments."""


def record(number: int, size: int = 100) -> Record:
    return Record(RecordKind.MARKET_FRAME, number % 7, 1_000 + number, (b"%d " % number * size)[:size])


def append_all(writer: Recorder, records: list[Record]) -> None:
    for each in records:
        writer.append(*each)


def written(directory: Path, records: list[Record], segment_bytes: int = SMALL) -> Path:
    with closing(JournalWriter(directory, session="test", segment_bytes=segment_bytes)) as writer:
        append_all(writer, records)
    return directory


def available(following: Iterator[Record | None]) -> list[Record]:
    """What a follower gets before it is told to wait."""
    found = []
    while (each := next(following)) is not None:
        found.append(each)
    return found


def test_a_closed_journal_gives_back_every_record_in_order(tmp_path):
    records = [record(number, size=number * 3) for number in range(300)]
    reader = JournalReader(written(tmp_path / "j", records))
    assert list(reader.records()) == records
    assert reader.ended
    assert len(segment_numbers(tmp_path / "j")) > 10


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.integers(0, 9000), max_size=40), pages=st.integers(1, 3))
def test_records_of_any_sizes_survive_segments_of_any_size(tmp_path_factory, sizes, pages):
    records = [record(number, size) for number, size in enumerate(sizes)]
    directory = written(tmp_path_factory.mktemp("j") / "j", records, segment_bytes=pages * 4096)
    assert list(JournalReader(directory).records()) == records


def test_a_record_larger_than_a_segment_gets_one_of_its_own(tmp_path):
    records = [record(0), record(1, size=10 << 20), record(2, size=4000)]
    directory = written(tmp_path / "j", records)
    assert list(JournalReader(directory).records()) == records
    assert segment_path(directory, 1).stat().st_size > 10 << 20
    assert segment_path(directory, 2).stat().st_size <= 2 * SMALL


def test_a_record_past_the_format_s_limit_is_refused_and_the_journal_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr("graphwiz_trader.journal.writer.PAYLOAD_BYTES_MAX", 10_000)
    with closing(JournalWriter(tmp_path / "j", session="test", segment_bytes=SMALL)) as writer:
        writer.append(*record(0, size=3000))
        with pytest.raises(RecordTooLargeError, match="10001 bytes: a record holds at most 10000"):
            writer.append(*record(1, size=10_001))
        writer.append(*record(1))
    assert list(JournalReader(tmp_path / "j").records()) == [record(0, size=3000), record(1)]


@pytest.mark.parametrize(("kind", "source"), [(0, 0), (0xFFFF, 0), (-1, 0), (1, -1), (1, 65536)])
def test_numbers_that_do_not_fit_are_refused_by_name(tmp_path, kind, source):
    with closing(JournalWriter(tmp_path / "j", session="test", segment_bytes=SMALL)) as writer:
        with pytest.raises(ValueError, match=f"kind {kind}, source {source}"):
            writer.append(kind, source, 0, b"")
        writer.append(*record(0))
    assert list(JournalReader(tmp_path / "j").records()) == [record(0)]


def test_a_record_can_be_read_as_soon_as_append_returned(tmp_path):
    with closing(JournalWriter(tmp_path / "j", session="test", segment_bytes=SMALL)) as writer:
        following = JournalReader(tmp_path / "j").follow()
        assert next(following) is None
        for number in range(200):
            writer.append(*record(number))
            assert next(following) == record(number)
            assert next(following) is None


def test_a_follower_that_falls_behind_catches_up_across_segments(tmp_path):
    with closing(JournalWriter(tmp_path / "j", session="test", segment_bytes=SMALL)) as writer:
        reader = JournalReader(tmp_path / "j")
        following = reader.follow()
        for start in range(0, 600, 200):
            batch = [record(number) for number in range(start, start + 200)]
            append_all(writer, batch)
            assert available(following) == batch
            assert not reader.ended
    assert available(following) == []
    assert reader.ended


def test_each_iterator_begins_at_the_beginning(tmp_path):
    reader = JournalReader(written(tmp_path / "j", [record(0), record(1)]))
    assert list(reader.records()) == list(reader.records()) == available(reader.follow()) == [record(0), record(1)]


def test_nothing_is_read_where_nothing_was_appended(tmp_path):
    directory = written(tmp_path / "j", [])
    assert list(JournalReader(directory).records()) == []
    assert list(directory.iterdir()) == []


def test_the_last_segment_gives_its_unused_room_back(tmp_path):
    directory = written(tmp_path / "j", [record(0)], segment_bytes=1 << 20)
    assert [path.name for path in directory.iterdir()] == [f"00000000{SUFFIX}"]
    assert segment_path(directory, 0).stat().st_size < 512


def test_a_journal_is_never_appended_to(tmp_path):
    written(tmp_path / "j", [record(0)])
    with pytest.raises(JournalExistsError, match="a directory of its own"):
        JournalWriter(tmp_path / "j", session="again")
    assert list(JournalReader(tmp_path / "j").records()) == [record(0)]


def test_nothing_is_appended_after_close(tmp_path):
    writer = JournalWriter(tmp_path / "j", session="test", segment_bytes=SMALL)
    writer.append(*record(0))
    writer.close()
    writer.close()
    with pytest.raises(JournalError, match="is closed"):
        writer.append(*record(1))
    assert list(JournalReader(tmp_path / "j").records()) == [record(0)]


def test_a_name_that_does_not_fit_the_header_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(ValueError, match="at most 80"):
        JournalWriter(tmp_path / "j", session="x" * 81)
    assert not (tmp_path / "j").exists()


def test_a_reader_of_no_directory_says_so(tmp_path):
    with pytest.raises(JournalMissingError, match="no journal directory"):
        JournalReader(tmp_path / "nothing")


def test_a_deleted_first_segment_is_an_error_that_names_the_oldest_one(tmp_path):
    directory = written(tmp_path / "j", [record(number) for number in range(100)])
    segment_path(directory, 0).unlink()
    with pytest.raises(JournalMissingError, match="the oldest segment after it is 1"):
        next(JournalReader(directory).records())
    assert next(JournalReader(directory, first_segment=1).records()).time_ns > 1_000


def test_a_segment_deleted_under_a_follower_is_an_error(tmp_path):
    with closing(JournalWriter(tmp_path / "j", session="test", segment_bytes=SMALL)) as writer:
        following = JournalReader(tmp_path / "j").follow()
        writer.append(*record(0))
        assert next(following) == record(0)
        append_all(writer, [record(number) for number in range(1, 100)])
        segment_path(tmp_path / "j", 1).unlink()
        with pytest.raises(JournalMissingError, match="00000001"):
            available(following)


def test_verify_counts_by_kind_and_says_how_it_ended(tmp_path):
    writer = JournalWriter(tmp_path / "j", session="s-1", segment_bytes=SMALL)
    append_all(writer, [record(number) for number in range(50)])
    writer.append(RecordKind.FILL, 0, 9_999, b"{}")
    live = verify(tmp_path / "j")
    writer.close()
    closed = verify(tmp_path / "j")
    assert (live.end, closed.end) == (End.WRITING, End.CLOSED)
    assert closed.session == "s-1"
    assert closed.counts == {RecordKind.MARKET_FRAME: 50, RecordKind.FILL: 1}
    assert (closed.first_time_ns, closed.last_time_ns) == (1_000, 9_999)
    assert closed.intact


def test_memory_stays_flat_over_many_segments(tmp_path):
    def resident_pages() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1])

    payload = bytes(100_000)
    with closing(JournalWriter(tmp_path / "j", session="test", segment_bytes=1 << 20)) as writer:
        for _ in range(50):
            writer.append(1, 0, 0, payload)
        early = resident_pages()
        for _ in range(400):
            writer.append(1, 0, 0, payload)
        late = resident_pages()
    assert (late - early) * 4096 < 4 << 20, "40 MB were appended since: segments are not released"
    assert sum(1 for _ in JournalReader(tmp_path / "j").records()) == 450
