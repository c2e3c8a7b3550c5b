"""Whatever happens to its bytes, a journal gives back true records only, and says where it is damaged."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphwiz_trader.journal.errors import JournalCorruptError
from graphwiz_trader.journal.layout import Record, segment_numbers, segment_path
from graphwiz_trader.journal.reader import JournalReader, SegmentReader
from graphwiz_trader.journal.verify import End, verify
from graphwiz_trader.journal.writer import JournalWriter
from journal.endless_writer import known_record

RECORDS = [known_record(number) for number in range(40)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("whole") / "j"
    with closing(JournalWriter(directory, session="test", segment_bytes=8192)) as writer:
        for record in RECORDS:
            writer.append(*record)
    assert len(segment_numbers(directory)) > 3
    return directory


@pytest.fixture
def copy(whole, tmp_path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def read_until_damage(records: Iterable[Record | None]) -> tuple[list[Record | None], JournalCorruptError | None]:
    """What came before the damage, and the damage."""
    found: list[Record | None] = []
    try:
        found.extend(records)
    except JournalCorruptError as error:
        return found, error
    return found, None


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_flipped_bytes_never_give_a_wrong_record_and_never_pass_unnoticed(whole, tmp_path_factory, data):
    directory = Path(shutil.copytree(whole, tmp_path_factory.mktemp("flip") / "copy"))
    for _ in range(data.draw(st.integers(1, 4))):
        path = segment_path(directory, data.draw(st.sampled_from(segment_numbers(whole))))
        content = bytearray(path.read_bytes())
        position = data.draw(st.integers(0, len(content) - 1))
        content[position] ^= data.draw(st.integers(1, 255))
        path.write_bytes(content)
    found, damage = read_until_damage(JournalReader(directory).records())
    assert found == RECORDS[: len(found)]
    assert damage is not None or found == RECORDS
    assert verify(directory).intact == (damage is None)
    shutil.rmtree(directory)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_segment_cut_short_anywhere_gives_the_records_before_the_cut_and_an_error(whole, tmp_path_factory, data):
    directory = Path(shutil.copytree(whole, tmp_path_factory.mktemp("cut") / "copy"))
    path = segment_path(directory, data.draw(st.sampled_from(segment_numbers(whole)[:-1])))
    whole_size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(data.draw(st.integers(0, min(whole_size, used_by_records(path)) - 1)))
    found, damage = read_until_damage(JournalReader(directory).records())
    assert damage is not None
    assert found == RECORDS[: len(found)]
    shutil.rmtree(directory)


def used_by_records(path: Path) -> int:
    with SegmentReader(path) as segment:
        list(segment.records())
        return segment.offset


def test_a_zeroed_page_in_the_middle_is_damage_at_its_place(copy):
    path = segment_path(copy, 1)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(bytes(4096))
    found = verify(copy)
    assert found.end is End.DAMAGED
    assert found.damage is not None
    assert found.damage.path == path
    assert 128 <= found.damage.offset <= 4096


def test_a_missing_header_between_segments_is_damage(copy):
    path = segment_path(copy, 1)
    with path.open("r+b") as file:
        file.write(bytes(128))
    with pytest.raises(JournalCorruptError, match="header is missing"):
        list(JournalReader(copy).records())


def test_a_segment_under_another_s_name_is_damage(copy):
    shutil.copy(segment_path(copy, 2), segment_path(copy, 1))
    with pytest.raises(JournalCorruptError, match="the file holds segment 2"):
        list(JournalReader(copy).records())


def test_another_version_s_segment_is_refused_by_number(copy):
    with segment_path(copy, 0).open("r+b") as file:
        file.seek(8)
        file.write(b"\x02\x00\x00\x00")
    with pytest.raises(JournalCorruptError, match="format version 2, this program reads version 1"):
        list(JournalReader(copy).records())


def test_a_follower_meets_the_damage_after_the_records_before_it(copy):
    path = segment_path(copy, 1)
    content = bytearray(path.read_bytes())
    content[2000] ^= 1
    path.write_bytes(content)
    found, damage = read_until_damage(JournalReader(copy).follow())
    assert damage is not None
    assert damage.path == path
    assert found == RECORDS[: len(found)]
    assert found
