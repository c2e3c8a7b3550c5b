"""Recordings of market data: files of raw frames with the time each was received, as one stream in time order.

Read are lines ``<receive time> <frame>``, the time in nanoseconds, or in micro- or milliseconds as its digits tell, and
lines ``<seconds>: <frame>``; plain, gzipped or in zstd, of several parts as well. In the second form
also ``<url> -> <seconds>: <answer>`` for a REST snapshot, while what was sent (``<-``) and connections (``<->``) are
passed over. A line of no such form is kept as a frame that will be refused: a recording is hostile input too.

Read are also the segments of `graphwiz record`, which say whose each snapshot is and when a line broke.
"""

from __future__ import annotations

import gzip
import heapq
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from io import BufferedReader
from itertools import chain
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import unquote_to_bytes

from zstandard import ZstdDecompressor, ZstdError

from graphwiz_trader.errors import GraphwizError
from graphwiz_trader.recording.errors import DamagedSegmentError
from graphwiz_trader.recording.layout import DOWN, HEAD, UP, SegmentHead, SegmentRecord
from graphwiz_trader.recording.reader import is_segment, read_head, read_segment

_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_WHOLE_LINE = re.compile(rb"(\d{19}|\d{16}|\d{13}) (.*)", re.DOTALL)
_SECONDS_LINE = re.compile(rb"(\d{9,10}(?:\.\d+)?): (.*)", re.DOTALL)
_ANSWER_LINE = re.compile(rb"\S+ -> (\d{9,10}(?:\.\d+)?): (.*)", re.DOTALL)
_ANSWER_SYMBOL = re.compile(rb"[?&](?:symbol|instId)=([^&\s]+)")
_PASSED_OVER = re.compile(rb"\S+ (?:<-|<->) ")
_SNAPSHOT = re.compile(rb'\s*\{\s*"lastUpdateId"')
_SYMBOL = re.compile(rb'"s"\s*:\s*"([^"\\]{1,24})"')
_INSTRUMENT = re.compile(rb'"instId"\s*:\s*"([^"\\]{1,24})"')
_OWN_NAME = re.compile(rb'"symbol"\s*:\s*"([^"\\]{1,24})"')
"""COIN-M's snapshots say whose they are; spot's and USD-M's do not."""

_MAX_LINE_BYTES = 64 << 20
"""No frame is as long: what is longer is damage, and would fill the memory."""
_LATEST_NS = 4_102_444_800 * 10**9
"""The year 2100: a time beyond it is damage, and would not fit the engine's clock."""

_STRANGER_FRAMES_MAX = 3
UNNAMED = "?"
"""In place of the symbol of a snapshot that does not say whose it is."""


class RecordingError(GraphwizError):
    """A recording cannot be read."""


class RecordedFrame(NamedTuple):
    """One recorded frame. ``snapshot_of`` is the venue symbol of a REST snapshot, empty for a stream's frame.

    ``line``: which of the exchange's parallel lines brought it.
    """

    time_ns: int
    exchange: str
    payload: bytes
    snapshot_of: str = ""
    line: int = 0


class RecordedLine(NamedTuple):
    """That one of an exchange's parallel lines came up or broke, and why."""

    time_ns: int
    exchange: str
    up: bool
    reason: str
    line: int = 0


class Recording:
    """The files of one replay, by exchange. Frames come merged by receive time; equal times keep the files' order.

    ``damaged`` names, after `frames` has been read, the files that ended in the middle, as after a recorder's crash:
    what stands before the damage is used.
    """

    def __init__(self, files: Mapping[str, Sequence[Path]]) -> None:
        self._files = {exchange: tuple(paths) for exchange, paths in files.items()}
        self.damaged: dict[Path, str] = {}
        self._own_symbols: dict[Path, str] = {}
        for path in self.paths:
            if not path.is_file():
                raise RecordingError(f"{path}: no such recording; expected a file of frames, plain, .gz or .zst")
        self._segments = {path for path in self.paths if is_segment(path)}

    def heads(self) -> dict[str, list[SegmentHead]]:
        """By exchange, what its segments say of themselves; nothing of an exchange that has other files too."""
        found: dict[str, list[SegmentHead]] = {}
        for exchange, paths in self._files.items():
            if all(path in self._segments for path in paths):
                firsts = (next(_records(path), None) for path in paths)
                found[exchange] = [read_head(first) for first in firsts if first is not None]
        return found

    @cached_property
    def lines(self) -> dict[str, int]:
        """By exchange, how many parallel lines its frames may have come by."""
        segments = [(e, next(_records(path), None)) for e, path in self.files() if path in self._segments]
        found = dict.fromkeys(self._files, 1)
        for exchange, first in segments:
            if first is not None:
                found[exchange] = max(found[exchange], read_head(first).lines)
        return found

    @property
    def exchanges(self) -> tuple[str, ...]:
        return tuple(self._files)

    @property
    def paths(self) -> tuple[Path, ...]:
        return tuple(path for paths in self._files.values() for path in paths)

    def frames(self) -> Iterator[RecordedFrame]:
        """Every frame of every file in the order received.

        A snapshot that does not say whose it is belongs to its file's symbol. In a file of several symbols it stays
        ``UNNAMED``: on USD-M all symbols share one id space, and a guess could be trusted.
        """
        return _only_frames(self.history())

    def history(self) -> Iterator[RecordedFrame | RecordedLine]:
        """As `frames`, and in between when a line came up or broke, as far as the files say so."""
        return heapq.merge(*self._streams(), key=lambda recorded: recorded.time_ns)

    def files(self) -> Iterator[tuple[str, Path]]:
        """(exchange, path) of every file."""
        return ((exchange, path) for exchange, paths in self._files.items() for path in paths)

    def read(self, exchange: str, path: Path) -> Iterator[RecordedFrame]:
        """One file's frames, snapshots as the file names them."""
        return _only_frames(self._read(exchange, path))

    def _streams(self) -> Iterator[Iterator[RecordedFrame | RecordedLine]]:
        """What is to be merged. Segments of one recording follow one another: they are opened one at a time."""
        recorded: dict[tuple[str, Path], list[Path]] = {}
        for exchange, path in self.files():
            if path in self._segments:
                recorded.setdefault((exchange, path.parent), []).append(path)
            else:
                yield self._attributed(path, self.read(exchange, path))
        for (exchange, _), paths in recorded.items():
            yield chain.from_iterable(map(partial(self._read, exchange), sorted(paths)))

    def _read(self, exchange: str, path: Path) -> Iterator[RecordedFrame | RecordedLine]:
        """What one file holds, up to where it is damaged."""
        try:
            if path in self._segments:
                yield from _segment(exchange, path, self.lines[exchange])
            else:
                yield from _lines(exchange, path)
        except (EOFError, OSError, zlib.error, ZstdError, DamagedSegmentError) as error:
            self.damaged[path] = str(error)

    def _attributed(self, path: Path, frames: Iterator[RecordedFrame]) -> Iterator[RecordedFrame]:
        for frame in frames:
            if frame.snapshot_of == UNNAMED:
                yield frame._replace(snapshot_of=self._own_symbol(frame.exchange, path))
            else:
                yield frame

    def note_symbols(self, path: Path, named: Counter[str]) -> tuple[frozenset[str], str]:
        """What a file is of, given how many of its stream frames name each symbol; and whose its unnamed snapshots are.

        A damaged frame may name any symbol: one that occurs a few times beside a common one is a stranger, not the
        file's. A symbol that is merely quiet is the file's like any other.
        """
        most = max(named.values(), default=0)
        own = frozenset(s for s, count in named.items() if count > _STRANGER_FRAMES_MAX or count * 20 >= most)
        self._own_symbols[path] = next(iter(own)) if len(own) == 1 else UNNAMED
        return own, self._own_symbols[path]

    def _own_symbol(self, exchange: str, path: Path) -> str:
        if path not in self._own_symbols:
            frames = self.read(exchange, path)
            symbols = (symbol_of(exchange, frame.payload) for frame in frames if not frame.snapshot_of)
            self.note_symbols(path, Counter(symbol for symbol in symbols if symbol))
        return self._own_symbols[path]


def symbol_of(exchange: str, payload: bytes) -> str:
    """The venue symbol that a stream's frame names, empty when it names none. Some are written in Chinese."""
    named = (_INSTRUMENT if exchange == "okx" else _SYMBOL).search(payload)
    return named[1].decode("utf-8", "replace") if named else ""


def _only_frames(history: Iterator[RecordedFrame | RecordedLine]) -> Iterator[RecordedFrame]:
    return (recorded for recorded in history if isinstance(recorded, RecordedFrame))


def _records(path: Path) -> Iterator[SegmentRecord]:
    """A segment's records up to where it is damaged, which whoever reads its frames is told of."""
    with suppress(DamagedSegmentError):
        yield from read_segment(path)


def _segment(exchange: str, path: Path, lines: int) -> Iterator[RecordedFrame | RecordedLine]:
    """A segment's records. That a session begins means that nothing is known any more, as when every line breaks."""
    last_ns = 0
    for record in read_segment(path):
        last_ns = record.time_ns if record.time_ns <= _LATEST_NS else last_ns
        if record.kind == HEAD:
            if read_head(record).segment == 0:
                for line in range(lines):
                    yield RecordedLine(last_ns, exchange, False, "a recording begins", line)
        elif record.kind in {UP, DOWN}:
            reason = record.payload.decode("utf-8", "replace")
            yield RecordedLine(last_ns, exchange, record.kind == UP, reason, record.line)
        else:
            yield RecordedFrame(last_ns, exchange, record.payload, record.symbol, record.line)


def _lines(exchange: str, path: Path) -> Iterator[RecordedFrame]:
    last_ns = 0
    with _open(path) as file:
        for line in iter(partial(file.readline, _MAX_LINE_BYTES), b""):
            frame = _frame(exchange, line.rstrip(b"\r\n"), last_ns)
            if frame is not None:
                last_ns = frame.time_ns
                yield frame


def _frame(exchange: str, line: bytes, last_ns: int) -> RecordedFrame | None:
    if not line:
        return None
    if match := _WHOLE_LINE.fullmatch(line) or _SECONDS_LINE.fullmatch(line):
        time_ns = int(match[1].ljust(19, b"0")) if match.re is _WHOLE_LINE else _nanoseconds(match[1])
        if time_ns <= _LATEST_NS:
            return RecordedFrame(time_ns, exchange, match[2], _snapshot_of(match[2]))
    if match := _ANSWER_LINE.fullmatch(line):
        symbol = _ANSWER_SYMBOL.search(line[: match.start(1)])
        time_ns = _nanoseconds(match[1])
        if not symbol or not _SNAPSHOT.match(match[2]) or time_ns > _LATEST_NS:
            return None
        return RecordedFrame(time_ns, exchange, match[2], unquote_to_bytes(symbol[1]).decode("utf-8", "replace"))
    if _PASSED_OVER.match(line):
        return None
    return RecordedFrame(last_ns, exchange, line)


def _snapshot_of(payload: bytes) -> str:
    """Whose REST snapshot a frame is, as far as it says; empty for a stream's frame."""
    if not _SNAPSHOT.match(payload):
        return ""
    named = _OWN_NAME.search(payload)
    return named[1].decode("utf-8", "replace") if named else UNNAMED


def _nanoseconds(seconds: bytes) -> int:
    whole, _, fraction = seconds.partition(b".")
    return int(whole) * 10**9 + int(fraction.ljust(9, b"0")[:9])


def _open(path: Path) -> IO[bytes]:
    file = path.open("rb")
    start = file.peek(len(_ZSTD_MAGIC))
    if start.startswith(_GZIP_MAGIC):
        file.close()
        return gzip.open(path)  # type: ignore[return-value]
    if start.startswith(_ZSTD_MAGIC):
        return BufferedReader(ZstdDecompressor().stream_reader(file, read_across_frames=True))
    return file
