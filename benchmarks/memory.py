"""Resident memory of the engine with four books, and whether it stays flat while the market runs on.

The four tapes run through the engine and its journal at ``--speed`` times their pace, again and again: at the end of
a lap the lines break, and the books are synchronised anew. Flat: the last lap's median is at most 2 % above the
second's, the first being start-up.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from heapq import merge
from pathlib import Path
from statistics import median
from time import monotonic, sleep

import psutil

from benchmarks import report, tapes
from benchmarks.cores import Venue, build
from graphwiz_trader.journal.writer import JournalWriter

_TARGET_MB = 400
_NAMES = [(exchange, symbol) for exchange in ("binance", "binanceusdm") for symbol in ("BTCUSDT", "ETHUSDT")]
_GROWTH = 1.02
_SAMPLE_S = 0.5


def main() -> int:
    parser = report.arguments(__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--speed", type=float, default=20.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        laps = _run(arguments.minutes * 60, arguments.speed, Path(folder))
    peak = max(map(max, laps))
    rows = [(str(number), f"{median(lap):.0f}", f"{max(lap):.0f}") for number, lap in enumerate(laps, 1)]
    origin = tapes.origin(tapes.is_recorded(*_NAMES[0]))
    report.table(f"resident memory, 4 books, {origin}", ("lap", "median MB", "most MB"), rows)
    is_flat = len(laps) < 3 or median(laps[-1]) <= _GROWTH * median(laps[1])
    print(f"most: {report.verdict(peak, _TARGET_MB)}; {'flat' if is_flat else 'NOT flat'} over {len(laps)} laps")
    report.write_json(arguments.json, {"memory_mb": [median(lap) for lap in laps], "most_mb": peak, "flat": is_flat})
    return int(peak > _TARGET_MB or not is_flat)


def _run(seconds: float, speed: float, folder: Path) -> list[list[float]]:
    """Samples of resident MB by lap."""
    journal, venue = JournalWriter(folder / "journal", session="memory"), Venue(fills=True)
    core = build(_NAMES, journal, venue)
    process, laps = psutil.Process(), list[list[float]]()
    began, sampled, lap_ns = monotonic(), 0.0, 0
    while monotonic() - began < seconds:
        laps.append([])
        last_ns = 0
        for book, line, frame, time_ns in _merged():
            last_ns = time_ns
            if frame.startswith(b'{"lastUpdateId"'):
                core.engine.on_snapshot(book, frame, time_ns + lap_ns)
            else:
                core.engine.on_market_frame(line, frame, time_ns + lap_ns)
                venue.answer(core, time_ns + lap_ns)
            ahead = (time_ns + lap_ns) / 1e9 / speed - (monotonic() - began)
            if ahead > 0.01:
                core.engine.on_timer(time_ns + lap_ns)
                sleep(ahead)
            if monotonic() - sampled > _SAMPLE_S:
                sampled = monotonic()
                laps[-1].append(process.memory_info().rss / 1e6)
                _forget_old_segments(folder)
                if sampled - began >= seconds:
                    break
        lap_ns += last_ns
        for line in range(2):
            core.engine.on_line(line, False, "lap", lap_ns)
            core.engine.on_line(line, True, "lap", lap_ns)
    journal.close()
    return [lap for lap in laps if lap]


def _merged() -> Iterator[tuple[int, int, bytes, int]]:
    """(book, line, frame, ns since the start) in the order received, read as it goes."""
    events = merge(*(_events(book) for book in range(len(_NAMES))), key=lambda event: event[3])
    start_ns = 0
    for book, line, frame, time_ns in events:
        start_ns = start_ns or time_ns
        yield book, line, frame, time_ns - start_ns


def _events(book: int) -> Iterator[tuple[int, int, bytes, int]]:
    line = int(_NAMES[book][0] == "binanceusdm")
    return ((book, line, frame, time_ns) for time_ns, frame in tapes.stream(*_NAMES[book]))


def _forget_old_segments(folder: Path) -> None:
    """Keep the disk from filling: nobody reads this journal."""
    for segment in sorted((folder / "journal").glob("*.gwj"))[:-3]:
        segment.unlink()


if __name__ == "__main__":
    sys.exit(main())
