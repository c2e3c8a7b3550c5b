"""Frames on their way to the disk: nothing is lost silently, and a slow disk is a broken line in the recording."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from graphwiz_trader.recording.errors import RecorderError
from graphwiz_trader.recording.layout import SegmentHead
from graphwiz_trader.recording.raw import BLOCK_BYTES, RawWriter
from graphwiz_trader.recording.reader import read_segment, segments_in
from graphwiz_trader.recording.segments import Rotation

FRAME = bytes(1000)


def writer_in(directory: Path, **options: int) -> RawWriter:
    def head(exchange: str, segment: int) -> SegmentHead:
        return SegmentHead(format=1, exchange=exchange, session="s", segment=segment, version="0", instruments=())

    heads = {name: lambda n, name=name: head(name, n) for name in ("binance", "binanceusdm")}
    return RawWriter(directory, heads, rotation=Rotation(), **options)  # type: ignore[arg-type]


def payloads(directory: Path, exchange: str) -> list[bytes]:
    return [r.payload for path in segments_in(directory)[exchange] for r in read_segment(path) if r.kind == "frame"]


def test_each_exchange_s_frames_are_kept_in_order_and_apart(tmp_path):
    writer = writer_in(tmp_path)
    for number in range(3_000):
        writer.streams["binance"].frame(number, b"s%d" % number)
        writer.streams["binanceusdm"].frame(number, b"f%d" % number)
    writer.close()
    assert payloads(tmp_path, "binance") == [b"s%d" % number for number in range(3_000)]
    assert payloads(tmp_path, "binanceusdm") == [b"f%d" % number for number in range(3_000)]
    assert writer.streams["binance"].frames == 3_000
    assert writer.queued_bytes == 0


class SlowDisk:
    """A disk that takes nothing until it is told to."""

    def __init__(self, writer: RawWriter, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ready = threading.Event()
        segments = writer.streams["binance"].segments
        append = segments.append

        def wait_and_append(block: bytes, time_ns: int) -> None:
            assert self._ready.wait(30)
            append(block, time_ns)

        monkeypatch.setattr(segments, "append", wait_and_append)

    def recover(self) -> None:
        self._ready.set()


def test_a_disk_that_falls_behind_makes_the_stream_refuse_instead_of_growing(tmp_path, monkeypatch):
    writer = writer_in(tmp_path, queue_bytes=4 * BLOCK_BYTES)
    disk = SlowDisk(writer, monkeypatch)
    stream = writer.streams["binance"]
    kept = 0
    while not stream.is_refusing:
        stream.frame(kept, FRAME)
        kept += 1
        assert writer.queued_bytes <= 5 * BLOCK_BYTES + 2 * len(FRAME)
    assert not writer.has_caught_up()
    disk.recover()
    writer.close()
    assert len(payloads(tmp_path, "binance")) == kept


def test_an_error_of_the_thread_is_the_writer_s(tmp_path):
    (tmp_path / "binance").write_text("a file where a directory should be")
    writer = writer_in(tmp_path)
    writer.streams["binance"].frame(1, FRAME)
    writer.streams["binanceusdm"].frame(1, FRAME)
    with pytest.raises(RecorderError, match="binance"):
        writer.close()
    assert writer.failure is not None
