"""A frame sent on loopback until the order that it triggers is back: ours, others' clients, and a bare picows echo.

Each client runs in a process of its own and keeps its connection; they take turns in rounds within one run, frame by
frame of the same recorded spot depth. Frames that change nothing at the top of the book are sent as well, untimed.
Pauses between frames are random, as a market's are: frames sent on a timer's tick find every processor just woken by
its own, which flatters whoever sleeps.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from random import Random
from statistics import median
from time import perf_counter_ns
from typing import NamedTuple

import orjson
import uvloop

from benchmarks import report, tapes
from benchmarks.wire.venue import Desk

_ECHO, _OURS = "bare picows echo", "graphwiz"
_CLIENTS = {
    _ECHO: ("echo",),
    _OURS: ("ours",),
    "graphwiz, signing each order (HMAC)": ("ours", "hmac"),
    "graphwiz, busy_poll_percent: 100": ("ours", "poll=100"),
    "graphwiz, busy_poll_percent: 0": ("ours", "poll=0"),
    "by hand (picows, orjson, dict, hmac)": ("by_hand",),
    "ccxt.pro over WebSocket": ("ccxt_pro",),
}
"""The module of `benchmarks.wire` that each client is, and its arguments. Ours is as it comes: an Ed25519 key, which
logs on once, and the default ``performance`` settings, unless its name says otherwise."""
_TARGET = 1.25
_TIMER_S = 0.002
_PAUSE_S = 0.010
"""Between two frames, on average. The closer they come the faster is a bare echo, which they keep from sleeping: at
10 ms the others' multiples are what they were elsewhere (5.3 for ccxt.pro, 1.8 by hand). See ``--pause-ms``."""
_LONG_PAUSE_S = 0.003
"""The same for ccxt.pro, which misses books that come while it is at work on an answer."""
_START_S = 60.0
_WAKE_S = 0.2
"""From a client's turn beginning until its first frame."""
_PATIENCE_S = 0.25
"""After it an order counts as lost: ccxt.pro misses books that come while it awaits an order's answer."""
_WARM_UP = 30
"""Orders that a client must have sent before its rounds count."""


class Seat(NamedTuple):
    """A client at its desk."""

    desk: Desk
    process: subprocess.Popen[bytes]
    pause_s: float


class _Conditions(NamedTuple):
    """What the multiples depend on: a processor that has slept, venue's or client's, is slow to answer."""

    rounds: int
    frames: int
    pause_s: float
    venue_sleeps: bool


def main() -> int:
    parser = report.arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--frames", type=int, default=40, help="timed frames of a client in a round")
    parser.add_argument("--pause-ms", type=float, default=_PAUSE_S * 1e3, help="between two frames")
    parser.add_argument("--venue-sleeps", action="store_true", help="the venue waits for orders without polling")
    arguments = parser.parse_args()
    tape = tapes.load("binance", "BTCUSDT")
    changes = _top_changes(tape)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        conditions = _Conditions(arguments.rounds, arguments.frames, arguments.pause_ms / 1e3, arguments.venue_sleeps)
        times, desks = runner.run(_run(tape, changes, conditions))
    multiples = {
        name: median(median(t) / median(e) for t, e in zip(times[name], times[_ECHO], strict=True)) for name in times
    }
    rows = [
        (
            name,
            f"{median(map(median, times[name])) / 1e3:.1f}",
            f"{median(_percentile(t, 90) for t in times[name]) / 1e3:.1f}",
            f"{multiples[name]:.2f}",
            str(desks[name].order_bytes),
            str(desks[name].lost),
        )
        for name in sorted(times, key=multiples.__getitem__)
    ]
    venue = "asleep" if arguments.venue_sleeps else "polling"
    title = (
        f"wire to wire, {arguments.rounds} rounds of {arguments.frames} frames {arguments.pause_ms:g} ms apart, "
        f"venue {venue}, {tape.origin}"
    )
    report.table(title, ("client", "median µs", "p90 µs", "median / echo", "order bytes", "lost"), rows)
    print(f"{_OURS} / echo: {report.verdict(multiples[_OURS], _TARGET)}")
    report.write_json(arguments.json, {"wire_to_wire": multiples, "target": _TARGET})
    return int(multiples[_OURS] > _TARGET)


async def _run(
    tape: tapes.Tape, changes: Sequence[bool], conditions: _Conditions
) -> tuple[dict[str, list[list[int]]], dict[str, Desk]]:
    """Times in ns by client and round, and the desks as they were left."""
    seats: dict[str, Seat] = {}
    try:
        for name, (module, *options) in _CLIENTS.items():
            if module != "ccxt_pro" or find_spec("ccxt") is not None:
                desk = Desk(tape.snapshot, tape.depth, sends_raw=module == "ccxt_pro")
                command = [sys.executable, "-m", f"benchmarks.wire.{module}", str(await desk.open()), *options]
                pause_s = max(conditions.pause_s, _LONG_PAUSE_S if module == "ccxt_pro" else 0)
                seats[name] = Seat(desk, subprocess.Popen(command), pause_s)
        for name, seat in seats.items():
            await _warm_up(name, seat, changes)
            seat.process.send_signal(signal.SIGSTOP)
        spinning = None if conditions.venue_sleeps else asyncio.create_task(_spin())
        times: dict[str, list[list[int]]] = {name: [] for name in seats}
        random = Random(1)
        pause = _Pauses(random, polls=not conditions.venue_sleeps)
        for _ in range(conditions.rounds):
            for name in random.sample(
                list(seats), len(seats)
            ):  # who went before leaves the processors in its own state
                with _at_work(seats[name]):
                    await asyncio.sleep(_WAKE_S)
                    times[name].append(await _round(seats[name], changes, conditions.frames, pause))
        if spinning is not None:
            spinning.cancel()
        return times, {name: seat.desk for name, seat in seats.items()}
    finally:
        for seat in seats.values():
            seat.process.terminate()
            seat.process.send_signal(signal.SIGCONT)
            await seat.desk.close()
        for seat in seats.values():
            seat.process.wait()


@contextmanager
def _at_work(seat: Seat) -> Iterator[None]:
    """Only the client whose turn it is runs: the others would take its processor."""
    seat.process.send_signal(signal.SIGCONT)
    try:
        yield
    finally:
        seat.process.send_signal(signal.SIGSTOP)


class _Pauses:
    """From half to one and a half times as long as asked, to the microsecond."""

    def __init__(self, random: Random, *, polls: bool) -> None:
        self._random = random
        self._polls = polls

    async def __call__(self, about_s: float) -> None:
        until_ns = perf_counter_ns() + round(self._random.uniform(0.5, 1.5) * about_s * 1e9)
        # A timer is due at a whole millisecond; the rest of the way is waited for awake.
        await asyncio.sleep(max(0.0, (until_ns - perf_counter_ns()) / 1e9 - _TIMER_S))
        while perf_counter_ns() < until_ns:
            if self._polls:
                await asyncio.sleep(0)


async def _spin() -> None:
    """Keep the venue's processor awake: waking it would cost a slower client more than its own slowness."""
    while True:
        await asyncio.sleep(0)


async def _warm_up(name: str, seat: Seat, changes: Sequence[bool]) -> None:
    """Wait for the client to connect, then send frames until it has answered enough of them in a row."""
    async with asyncio.timeout(_START_S):
        while seat.desk.stream is None:
            if seat.process.poll() is not None:
                raise RuntimeError(f"{name} ended with {seat.process.returncode} before it connected")
            await asyncio.sleep(0.05)
        await asyncio.sleep(1.0)
        in_a_row = 0
        while in_a_row < _WARM_UP:
            is_timed = changes[seat.desk.position]
            took_ns = await seat.desk.round_trip_ns(_PATIENCE_S if is_timed else seat.pause_s)
            in_a_row = 0 if took_ns is None and is_timed else in_a_row + is_timed
            await asyncio.sleep(seat.pause_s)
        seat.desk.lost = 0


async def _round(
    seat: Seat, changes: Sequence[bool], frames: int, pause: Callable[[float], Awaitable[None]]
) -> list[int]:
    times: list[int] = []
    for _ in range(100 * frames):
        if len(times) == frames:
            return times
        if not seat.desk.has_more:
            raise RuntimeError("the tape is too short for so many rounds; ask for fewer with --rounds or --frames")
        if not changes[seat.desk.position]:
            seat.desk.send()
        elif (took_ns := await seat.desk.round_trip_ns(_PATIENCE_S)) is not None:
            times.append(took_ns)
        await pause(seat.pause_s)
    raise RuntimeError(f"only {len(times)} of {frames} orders came")


def _percentile(times: Sequence[int], percent: int) -> int:
    return sorted(times)[len(times) * percent // 100]


def _top_changes(tape: tapes.Tape) -> list[bool]:
    """Whether each depth frame changes the best bid or ask or a size there."""
    snapshot = orjson.loads(tape.snapshot)
    sides = [{float(price): size for price, size in snapshot[side]} for side in ("bids", "asks")]
    changes, top = [], None
    for frame in tape.depth:
        event = orjson.loads(frame)["data"]
        for side, levels in zip(sides, (event["b"], event["a"]), strict=True):
            for price, size in levels:
                if float(size):
                    side[float(price)] = size
                else:
                    side.pop(float(price), None)
        bid, ask = max(sides[0]), min(sides[1])
        now = (bid, sides[0][bid], ask, sides[1][ask])
        changes.append(now != top)
        top = now
    return changes


if __name__ == "__main__":
    sys.exit(main())
