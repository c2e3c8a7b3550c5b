"""What is recorded is read back to the byte, and what is torn or damaged costs what stands behind it and no more."""

from __future__ import annotations

import resource
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from graphwiz_trader.recording.errors import DamagedSegmentError, RecorderError, RecorderFullError
from graphwiz_trader.recording.layout import (
    MAX_BLOCK_BYTES,
    MAX_LINES,
    SegmentHead,
    SegmentRecord,
    block_prefix,
    frame_record,
    head_record,
    line_record,
    records_of,
    segment_path,
    snapshot_record,
)
from graphwiz_trader.recording.reader import is_segment, read_head, read_segment, segments_in
from graphwiz_trader.recording.segments import Rotation, Segments

TIMES = st.integers(0, 2**62)
LINES = st.integers(0, MAX_LINES - 1)
SYMBOLS = st.text(st.characters(exclude_characters=" \n", exclude_categories=("Cs",)), min_size=1, max_size=16)
S = 1_000_000_000


def head(segment: int = 0) -> SegmentHead:
    return SegmentHead(format=1, exchange="binance", session="s", segment=segment, version="0", instruments=())


def frames(path: Path) -> list[bytes]:
    return [record.payload for record in read_segment(path) if record.kind == "frame"]


def whole_frames(path: Path) -> tuple[list[bytes], str]:
    """The frames before the damage, and what is said of it."""
    found: list[bytes] = []
    try:
        found.extend(record.payload for record in read_segment(path) if record.kind == "frame")
    except DamagedSegmentError as damage:
        return found, str(damage)
    return found, ""


def segment_of(directory: Path, records: bytes) -> Path:
    """A segment of one block."""
    block = zstandard.ZstdCompressor().compress(records)
    path = directory / "made.gwr.zst"
    path.write_bytes(block_prefix(len(block)) + block)
    return path


@pytest.fixture
def written(tmp_path) -> tuple[Path, list[bytes]]:
    """A finished segment of twenty blocks with one frame each."""
    segments = Segments(tmp_path, head, Rotation())
    payloads = [b'{"u":%d}' % number * 50 for number in range(20)]
    for number, payload in enumerate(payloads):
        segments.append(frame_record(number, payload), number)
    segments.close()
    return segment_path(tmp_path, "binance", "s", 0), payloads


@given(st.lists(st.tuples(st.integers(0, 3), TIMES, LINES, SYMBOLS, st.binary(max_size=200))))
def test_records_of_any_bytes_come_back_as_they_were(tmp_path_factory, written):
    expected = []
    block = b""
    for what, time_ns, line, symbol, payload in written:
        if what == 0:
            block += frame_record(time_ns, payload, line)
            expected.append(SegmentRecord(time_ns, "frame", "", payload, line))
        elif what == 1:
            block += snapshot_record(time_ns, symbol, payload)
            expected.append(SegmentRecord(time_ns, "snapshot", symbol, payload))
        else:
            block += line_record(time_ns, what == 2, symbol, line)
            expected.append(SegmentRecord(time_ns, "up" if what == 2 else "down", "", symbol.encode(), line))
    assert list(records_of(block)) == expected


def test_records_of_the_first_format_are_read_as_those_of_one_line(tmp_path):
    text = (
        b'{"format":1,"exchange":"binance","session":"s","segment":0,"version":"0","instruments":[],"wire":"binance"}'
    )
    path = segment_of(tmp_path, b"1 head %d %b\n2 up 9 connected\n3 frame 4 {  }\n" % (len(text), text))
    assert [(r.kind, r.payload, r.line) for r in read_segment(path)][1:] == [
        ("up", b"connected", 0),
        ("frame", b"{  }", 0),
    ]


@pytest.mark.parametrize("lines", [1, 2, MAX_LINES])
def test_a_line_that_the_head_does_not_know_is_damage(tmp_path, lines):
    first = head_record(1, msgspec.structs.replace(head(), lines=lines))
    path = segment_of(tmp_path, first + frame_record(2, b"a", lines - 1) + frame_record(3, b"b", lines))
    assert whole_frames(path) == ([b"a"], f"a record of line {lines} in a segment of {lines} lines")


@pytest.mark.parametrize("lines", [-1, 0, MAX_LINES + 1, 10**9])
def test_a_head_of_an_impossible_number_of_lines_is_refused(tmp_path, lines):
    path = segment_of(tmp_path, head_record(1, msgspec.structs.replace(head(), lines=lines)) + frame_record(2, b"a"))
    found, damage = whole_frames(path)
    assert not found
    assert "the head of the segment cannot be read" in damage


def test_a_segment_says_of_what_it_is(written):
    path, payloads = written
    assert is_segment(path)
    assert read_head(next(read_segment(path))) == head()
    assert frames(path) == payloads


def test_a_segment_is_an_ordinary_zst_file(written):
    path, payloads = written
    with path.open("rb") as file:
        text = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True).read()
    assert text.startswith(b"0 head ")
    assert text.endswith(b"19 frame %d %b\n" % (len(payloads[19]), payloads[19]))


def test_a_segment_cut_anywhere_keeps_every_block_before_the_cut(written):
    path, payloads = written
    whole = path.read_bytes()
    last = 0
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        found, damage = whole_frames(path)
        assert found == payloads[: len(found)]
        assert len(found) >= last
        last = len(found)
        assert not damage or "not written to its end" in damage
    assert last == 19


@pytest.mark.parametrize("offset", range(0, 900, 7))
def test_a_flipped_bit_never_becomes_a_frame(written, offset):
    path, payloads = written
    damaged = bytearray(path.read_bytes())
    damaged[offset] ^= 0x10
    path.write_bytes(damaged)
    if is_segment(path):
        found, damage = whole_frames(path)
        assert found == payloads[: len(found)]
        assert damage or found == payloads  # one bit of a zstd frame has no meaning


def test_a_block_that_claims_to_be_huge_is_not_unpacked(tmp_path):
    bomb = zstandard.ZstdCompressor().compress(bytes(MAX_BLOCK_BYTES + 1))
    path = tmp_path / "bomb.gwr.zst"
    path.write_bytes(block_prefix(len(bomb)) + bomb)
    tracemalloc.start()
    _, damage = whole_frames(path)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "too large" in damage
    assert peak_bytes < MAX_BLOCK_BYTES / 4


def test_a_segment_without_a_head_or_of_another_format_is_refused(tmp_path):
    for number, record in enumerate((frame_record(1, b"x"), head_record(1, msgspec.structs.replace(head(), format=3)))):
        found, damage = whole_frames(segment_of(tmp_path, record))
        assert not found
        assert ("begins with its head" if number == 0 else "format 3") in damage


def test_a_large_or_old_segment_is_followed_by_the_next(tmp_path):
    segments = Segments(tmp_path, head, Rotation(bytes=400, seconds=60))
    incompressible = bytes(range(256)) * 2
    times_s = (0, 1, 2, 3, 100)
    for time_s in times_s:
        segments.append(frame_record(time_s * S, b"%d" % time_s + incompressible), time_s * S)
    segments.close()
    paths = segments_in(tmp_path)["binance"]
    assert [read_head(next(read_segment(path))).segment for path in paths] == list(range(len(paths)))
    assert [int(payload[: -len(incompressible)]) for path in paths for payload in frames(path)] == list(times_s)
    assert frames(paths[-1]) == [b"100" + incompressible]  # it was time
    assert segments.disk_bytes == sum(path.stat().st_size for path in paths)


@pytest.fixture
def files_of_at_most_4_kib() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("files_of_at_most_4_kib")
def test_a_disk_that_takes_no_more_leaves_every_earlier_block_readable(tmp_path):
    segments = Segments(tmp_path, head, Rotation())
    kept: list[bytes] = []

    def append_for_ever() -> None:
        while True:
            payload = zstandard.ZstdCompressor().compress(b"%d" % len(kept)) * 9
            segments.append(frame_record(len(kept), payload), len(kept))
            kept.append(payload)

    with pytest.raises(RecorderFullError, match="every block written before is readable"):
        append_for_ever()
    segments.close()
    assert len(kept) > 10
    assert whole_frames(segment_path(tmp_path, "binance", "s", 0)) == (kept, "")


def test_a_place_that_cannot_be_written_to_is_an_error_that_names_it(tmp_path):
    (tmp_path / "binance").write_text("a file where a directory should be")
    with pytest.raises(RecorderError, match=r"binance.*--out"):
        Segments(tmp_path, head, Rotation()).append(frame_record(1, b"x"), 1)


def test_a_segment_that_nothing_was_written_to_is_empty_and_no_error(tmp_path):
    path = tmp_path / "e.gwr.zst"
    path.touch()
    assert is_segment(path)
    assert list(read_segment(path)) == []
