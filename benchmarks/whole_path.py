"""Frame to order through the engine: journal, decode, book, both strategies, risk; beside ``orjson.loads`` alone.

The depth frames of one symbol on two exchanges arrive as they did, so that crosses are looked for and orders are
decided, approved and journaled on the way. Between frames they are answered: by a venue that fills them, and in runs
of their own by one where all expire, so that the strategies ask again and again. Each frame is timed on its own, right
after ``orjson.loads`` of the same frame; a frame's figure is its median over the rounds.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter_ns
from typing import Any, NamedTuple

import numpy as np
import orjson

from benchmarks import report, tapes
from benchmarks.cores import Venue, build
from graphwiz_trader.journal.writer import JournalWriter

_TARGET = 1.0


class _Event(NamedTuple):
    time_ns: int
    line: int
    frame: bytes
    is_snapshot: bool


def main() -> int:
    parser = report.arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    two = [tapes.load("binanceusdm", "BTCUSDT"), tapes.load("binance", "BTCUSDT")]
    events = _merge(two)
    futures = np.array([event.line == 0 for event in events])
    markets = (("USD-M depth", futures), ("spot depth", ~futures), ("both", np.full(len(events), True)))
    rows, figures = [], {}
    for outcome in ("fill", "expire"):
        ours, theirs, orders = _measure(two, events, arguments.rounds, fills=outcome == "fill")
        for market, chosen in markets:
            name, whole, alone = f"{market}, {orders:,} orders {outcome}", ours[chosen], theirs[chosen]
            mean, bare, ratio = whole.mean() / 1e3, alone.mean() / 1e3, float(whole.sum() / alone.sum())
            p50, p99 = np.percentile(whole, (50, 99)) / 1_000
            rows.append((name, f"{mean:.2f}", f"{bare:.2f}", f"{ratio:.2f}", f"{p50:.1f}", f"{p99:.1f}"))
            figures[f"{market}, orders {outcome}"] = {"graphwiz_us": mean, "orjson_us": bare, "ratio": ratio}
    report.table(
        f"whole path, {len(events):,} frames, {two[0].origin}; orders are those of a round",
        ("frames", "graphwiz µs", "orjson µs", "ratio", "p50 µs", "p99 µs"),
        rows,
    )
    worst = max(figures[f"USD-M depth, orders {outcome}"]["ratio"] for outcome in ("fill", "expire"))
    print(f"graphwiz / orjson on USD-M depth, the worse of both: {report.verdict(worst, _TARGET)}")
    report.write_json(arguments.json, {"whole_path": figures})
    return int(worst > _TARGET)


def _merge(two: Sequence[tapes.Tape]) -> list[_Event]:
    """Snapshots and depth frames of both, in the order received."""
    events = [
        _Event(time_ns, line, frame, frame == tape.snapshot)
        for line, tape in enumerate(two)
        for time_ns, frame in tape.all_frames
        if frame == tape.snapshot or b'"depthUpdate"' in frame
    ]
    return sorted(events, key=lambda event: event.time_ns)


def _measure(two: Sequence[tapes.Tape], events: Sequence[_Event], rounds: int, *, fills: bool) -> tuple[Any, Any, int]:
    """Median ns per event of the engine and of orjson, and the orders of a round. Snapshots count nothing."""
    ours, theirs = np.zeros((rounds + 1, len(events))), np.zeros((rounds + 1, len(events)))
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds + 1):  # the first is not counted
            journal, venue = JournalWriter(Path(folder) / str(number), session=f"bench-{number}"), Venue(fills=fills)
            core = build([(tape.exchange, tape.symbol) for tape in two], journal, venue)
            on_market_frame, loads = core.engine.on_market_frame, orjson.loads
            for place, (time_ns, line, frame, is_snapshot) in enumerate(events):
                if is_snapshot:
                    core.engine.on_snapshot(line, frame, time_ns)
                    continue
                start = perf_counter_ns()
                loads(frame)
                parsed = perf_counter_ns()
                on_market_frame(line, frame, time_ns)
                ours[number, place], theirs[number, place] = perf_counter_ns() - parsed, parsed - start
                venue.answer(core, time_ns)
            assert all(book.is_trusted for book in core.books)
            journal.close()
    return np.median(ours[1:], axis=0), np.median(theirs[1:], axis=0), core.executor.placed


if __name__ == "__main__":
    sys.exit(main())
