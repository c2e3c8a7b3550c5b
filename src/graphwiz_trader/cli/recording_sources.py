"""Recordings as a command line names them: EXCHANGE=FILE, or the directory of a recording."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from graphwiz_trader.backtest.recordings import RecordingError
from graphwiz_trader.errors import did_you_mean
from graphwiz_trader.recording.reader import segments_in
from graphwiz_trader.venues.exchanges import NATIVE


def files_of(sources: Sequence[str]) -> dict[str, list[Path]]:
    """Exchange → the files that the sources name. Raises RecordingError."""
    files: dict[str, list[Path]] = {}
    for source in sources:
        for exchange, paths in _files_of_one(source).items():
            if exchange not in NATIVE and "=" in source:
                raise RecordingError(f"unknown exchange {exchange} in {source!r}; {did_you_mean(exchange, NATIVE)}")
            files.setdefault(exchange, []).extend(paths)
    return files


def _files_of_one(source: str) -> dict[str, list[Path]]:
    exchange, equals, path = source.partition("=")
    if equals and path:
        return {exchange: [Path(path)]}
    segments = segments_in(Path(source))
    if not segments:
        raise RecordingError(
            f"{source!r} {_what(Path(source))}; "
            "expected EXCHANGE=FILE, e.g. binance=frames.jsonl.gz, or the directory of a recording"
        )
    return segments


def _what(path: Path) -> str:
    if path.is_dir():
        return "is a directory without segments of a recording"
    return "is a file, and of which exchange is not said" if path.is_file() else "is not there"
