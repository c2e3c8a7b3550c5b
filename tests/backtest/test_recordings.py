"""Recordings as files: every form of line, damage of every kind, several files as one stream."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from graphwiz_trader.backtest.recordings import UNNAMED, RecordedFrame, Recording, RecordingError

T = 1_723_075_200_000_000_000
DEPTH = b'{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":1,"u":2,"b":[],"a":[]}'
OTHER = DEPTH.replace(b"BTCUSDT", b"ETHUSDT")
SNAPSHOT = b'{"lastUpdateId":1,"bids":[],"asks":[]}'
URL = b"https://example.com/api/v3/depth?symbol=ETHUSDT&limit=5"


def _file(tmp_path: Path, *lines: bytes, name: str = "a.txt") -> Path:
    path = tmp_path / name
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def _read(*files: Path, **more: Path) -> list[RecordedFrame]:
    recording = Recording({"binance": files} | {exchange: [path] for exchange, path in more.items()})
    return list(recording.frames())


def _frame(time_ns: int, payload: bytes, snapshot_of: str = "") -> RecordedFrame:
    return RecordedFrame(time_ns, "binance", payload, snapshot_of)


def _one(tmp_path: Path, line: bytes) -> list[RecordedFrame]:
    return _read(_file(tmp_path, line))


# Lines


def test_a_line_of_nanoseconds_and_a_frame(tmp_path: Path) -> None:
    assert _one(tmp_path, b"%d %s" % (T, DEPTH)) == [_frame(T, DEPTH)]


@pytest.mark.parametrize("digits", [13, 16, 19])
def test_a_time_is_in_milli_micro_or_nanoseconds_as_its_digits_tell(tmp_path: Path, digits: int) -> None:
    assert _one(tmp_path, b"%s %s" % (str(T)[:digits].encode(), DEPTH)) == [_frame(T, DEPTH)]


@pytest.mark.parametrize(
    ("seconds", "time_ns"),
    [
        (b"1627989420", 1_627_989_420_000_000_000),
        (b"1627989420.5", 1_627_989_420_500_000_000),
        (b"1627989420.1234567", 1_627_989_420_123_456_700),
        (b"1627989420.1234567891", 1_627_989_420_123_456_789),
    ],
)
def test_a_line_of_seconds_and_a_frame_keeps_every_digit_of_its_time(
    tmp_path: Path, seconds: bytes, time_ns: int
) -> None:
    assert _one(tmp_path, seconds + b": " + DEPTH) == [_frame(time_ns, DEPTH)]


def test_an_answer_is_the_snapshot_of_the_symbol_in_its_address(tmp_path: Path) -> None:
    line = URL + b" -> 1627989420.5: " + SNAPSHOT
    assert _one(tmp_path, line) == [_frame(1_627_989_420_500_000_000, SNAPSHOT, "ETHUSDT")]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b'wss://example.com <- 1627989420.5: {"method":"SUBSCRIBE"}',
        b"wss://example.com <-> 1627989420.5",
        URL + b' -> 1627989420.5: {"symbols":[]}',
        b"https://example.com/time -> 1627989420.5: " + SNAPSHOT,
    ],
)
def test_what_was_sent_and_other_answers_are_no_frames(tmp_path: Path, line: bytes) -> None:
    assert _one(tmp_path, line) == []


@pytest.mark.parametrize(
    "line",
    [b"not a line", b"\x00\xff\x80", DEPTH, b"12345 {}", b"9999999999999999999 {}", b"9999999999: {}", b"-1: {}"],
)
def test_a_line_of_no_known_form_is_kept_as_a_frame_at_the_time_before_it(tmp_path: Path, line: bytes) -> None:
    path = _file(tmp_path, b"%d %s" % (T, DEPTH), line)
    assert _read(path) == [_frame(T, DEPTH), _frame(T, line)]


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_no_bytes_make_reading_fail(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("any") / "any"
    path.write_bytes(b"\n".join(lines))
    assert all(0 <= frame.time_ns < 2**62 + 2**61 for frame in _read(path))


# Whose a snapshot is


def test_a_snapshot_without_a_name_belongs_to_its_files_only_symbol(tmp_path: Path) -> None:
    bitcoin = _file(tmp_path, b"%d %s" % (T, SNAPSHOT), b"%d %s" % (T + 1, DEPTH), name="b")
    ether = _file(tmp_path, b"%d %s" % (T + 2, SNAPSHOT), b"%d %s" % (T + 3, OTHER), name="e")
    assert [frame.snapshot_of for frame in _read(bitcoin, ether)] == ["BTCUSDT", "", "ETHUSDT", ""]


def test_a_snapshot_without_a_name_among_several_symbols_is_given_to_none(tmp_path: Path) -> None:
    path = _file(tmp_path, b"%d %s" % (T, DEPTH), b"%d %s" % (T, OTHER), b"%d %s" % (T, SNAPSHOT))
    assert [frame.snapshot_of for frame in _read(path)] == ["", "", UNNAMED]


@pytest.mark.parametrize(
    ("frames", "strangers", "belongs"),
    [(21, 1, True), (20, 1, False), (61, 3, True), (60, 3, False), (4_000, 4, False)],
)
def test_a_damaged_frame_that_names_another_symbol_takes_no_snapshot_away(
    tmp_path: Path, frames: int, strangers: int, belongs: bool
) -> None:
    lines = [b"%d %s" % (T, SNAPSHOT), *[b"%d %s" % (T, DEPTH)] * frames, *[b"%d %s" % (T, OTHER)] * strangers]
    snapshot = _read(_file(tmp_path, *lines))[0]
    assert snapshot.snapshot_of == ("BTCUSDT" if belongs else UNNAMED)


# Files


def test_files_are_merged_by_time_and_equal_times_keep_the_files_order(tmp_path: Path) -> None:
    first = _file(tmp_path, *[b"%d a%d" % (T + t, t) for t in (0, 2, 4, 9)], name="1")
    second = _file(tmp_path, *[b"%d b%d" % (T + t, t) for t in (2, 3, 9)], name="2")
    other = _file(tmp_path, *[b"%d c%d" % (T + t, t) for t in (1, 9)], name="3")
    found = [(f.exchange, f.payload) for f in _read(first, second, binanceusdm=other)]
    spot, usdm = "binance", "binanceusdm"
    assert found == [
        (spot, b"a0"), (usdm, b"c1"), (spot, b"a2"), (spot, b"b2"), (spot, b"b3"), (spot, b"a4"),
        (spot, b"a9"), (spot, b"b9"), (usdm, b"c9"),
    ]  # fmt: skip


def test_a_later_file_may_continue_an_earlier_one_whatever_their_order(tmp_path: Path) -> None:
    early = _file(tmp_path, *[b"%d %d" % (T + t, t) for t in range(5)], name="early")
    late = _file(tmp_path, *[b"%d %d" % (T + t, t) for t in range(5, 9)], name="late")
    assert [int(frame.payload) for frame in _read(late, early)] == list(range(9))


def test_a_gzipped_recording_is_read_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "recording.jsonl"
    path.write_bytes(gzip.compress(b"%d %s\n" % (T, DEPTH)))
    assert _read(path) == [_frame(T, DEPTH)]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_a_packed_recording_may_be_of_several_parts(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "recording.jsonl"
    path.write_bytes(pack(b"%d %s\n" % (T, DEPTH)) + pack(b"%d %s\n" % (T + 1, OTHER)))
    assert _read(path) == [_frame(T, DEPTH), _frame(T + 1, OTHER)]


def test_a_damaged_recording_in_zstd_is_used_up_to_there(tmp_path: Path) -> None:
    frames = [_frame(T + i, DEPTH.replace(b"1", b"%d" % (i * i))) for i in range(1_000)]
    path = tmp_path / "recording.zst"
    path.write_bytes(zstandard.compress(b"".join(b"%d %s\n" % (f.time_ns, f.payload) for f in frames)) + b"no zstd")
    recording = Recording({"binance": [path]})
    found = list(recording.frames())
    assert found == frames[: len(found)]
    assert len(found) > 800
    assert list(recording.damaged) == [path]


def test_a_line_without_an_end_is_read_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "zeros.gz"
    path.write_bytes(gzip.compress(b"%d %s\n" % (T, DEPTH) + bytes(70 << 20), 1))
    first, *pieces = _read(path)
    assert first.payload == DEPTH
    assert [len(piece.payload) for piece in pieces] == [64 << 20, 6 << 20]


@pytest.mark.parametrize("keep", [0.2, 0.5, 0.9, 0.999])
def test_a_gzipped_recording_cut_in_the_middle_is_used_up_to_there(tmp_path: Path, keep: float) -> None:
    lines = [b"%d %s" % (T + i * 7919 % 100_003, DEPTH.replace(b"1", b"%d" % (i * i))) for i in range(3_000)]
    packed = gzip.compress(b"\n".join(lines))
    path = tmp_path / "cut.gz"
    path.write_bytes(packed[: int(len(packed) * keep)])
    recording = Recording({"binance": [path]})
    found = [b"%d %s" % (frame.time_ns, frame.payload) for frame in recording.read("binance", path)]
    assert found == lines[: len(found)]
    assert len(found) > len(lines) * keep * 0.4
    assert list(recording.damaged) == [path]


def test_a_gzipped_recording_with_a_damaged_byte_is_used_up_to_there(tmp_path: Path) -> None:
    lines = b"".join(b"%d %s\n" % (T + i, DEPTH.replace(b"1", b"%d" % (i * i))) for i in range(20_000))
    packed = bytearray(gzip.compress(lines))
    packed[len(packed) // 2] ^= 0xFF
    path = tmp_path / "damaged.gz"
    path.write_bytes(bytes(packed))
    recording = Recording({"binance": [path]})
    assert len(list(recording.frames())) > 5_000
    assert list(recording.damaged) == [path]


def test_an_empty_file_has_no_frames(tmp_path: Path) -> None:
    assert _read(_file(tmp_path)) == []


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="nowhere: no such recording; expected a file of frames"):
        Recording({"binance": [tmp_path / "nowhere"]})


def test_a_directory_is_no_recording(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no such recording"):
        Recording({"binance": [tmp_path]})
