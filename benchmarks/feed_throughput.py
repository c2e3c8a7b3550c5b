"""How much market data one process keeps up with: 100,000 bookTickers a second over loopback sockets for a minute.

The reader is the product's: two of its feeds (spot and USD-M), decoder and books. The sender is another process that
waits for nobody. A message's delay is from when it was due to be sent until the book has it, so a reader that falls
behind shows it. Kept: the whole rate to the end, a delay that does not grow, memory that does not grow.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
from array import array
from collections.abc import Sequence
from time import process_time, time_ns
from typing import Any, NamedTuple

import psutil
import uvloop

from benchmarks import report
from benchmarks.cores import instruments_of
from benchmarks.throughput.sender import FIRST_ID
from graphwiz_trader.hft.market_data import MarketData, binance_decoder
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.venues.base import Endpoints
from graphwiz_trader.venues.binance.feed import BinanceFeed

_TARGET_PER_S = 100_000
_NAMES = (("binance", "BTCUSDT"), ("binanceusdm", "BTCUSDT"))
_SAMPLED = 16
"""One of so many messages has its delay measured."""
_WINDOWS = 6
_GROWTH_MB = 16.0
_SETTLED_MS = 50.0
"""A p99 below this does not grow, whatever its ratio to the first."""


class Second(NamedTuple):
    """What happened in one second: messages, delays of the sampled ones in µs, processor time, resident memory.

    The delays are kept as an array, so that the memory that grows is not that of what is measured.
    """

    messages: int
    delays_us: array[int]
    cpu: float
    resident_mb: float


class Reader:
    """A sink that keeps books, and how long messages have waited."""

    def __init__(self, per_socket: int) -> None:
        self.instruments = instruments_of(_NAMES)
        self.books = OrderBookManager(self.instruments)
        decoders = [binance_decoder(self.instruments, exchange) for exchange, _ in _NAMES]
        self._market_data = MarketData(self.books, decoders, self, request_snapshot=lambda _: None)
        self._on_frame = self._market_data.on_frame
        self._period_ns = 10**9 / per_socket
        self.is_counting = False
        self.began_ns = 0
        """When the sender began; it says so while its first messages arrive."""
        self.counts = [0] * len(_NAMES)
        self.delays_us = array("I")
        self.lines_up = 0

    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        """As a recorder: nothing is kept."""

    def on_market_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        self._on_frame(line, frame, now_ns)
        if self.is_counting:
            count = self.counts[line] = self.counts[line] + 1
            if count % _SAMPLED == 0 and self.began_ns:
                self.delays_us.append(max(0, time_ns() - self.began_ns - int(count * self._period_ns)) // 1_000)

    def on_line(self, line: int, up: bool, _reason: str, now_ns: int) -> None:
        """A line that comes up finds its book begun: what is measured is the stream."""
        self._market_data.on_line(line, up, now_ns)
        self.lines_up += up
        if up:
            levels = '"bids":[["60000.00","1.000"]],"asks":[["63000.00","1.000"]]'
            self._market_data.on_snapshot(line, f'{{"lastUpdateId":{FIRST_ID - 10},{levels}}}'.encode(), now_ns)
            chain = f'"U":{FIRST_ID - 10},"u":{FIRST_ID - 1},"pu":{FIRST_ID - 11}'
            event = f'{{"e":"depthUpdate","E":1,"s":"BTCUSDT",{chain},"b":[],"a":[]}}'
            self._market_data.on_frame(line, event.encode(), now_ns)

    def on_snapshot(self, book: int, body: bytes, now_ns: int) -> None:
        """None is asked for."""

    def on_order_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        """There are no orders."""

    def on_clock(self, line: int, offset_ns: int, error_ns: int, now_ns: int) -> None:
        """The sender's clock is ours."""


def main() -> int:
    parser = report.arguments(__doc__)
    parser.add_argument("--rate", type=int, default=_TARGET_PER_S, help="messages a second, all sockets together")
    parser.add_argument("--seconds", type=int, default=60)
    arguments = parser.parse_args()
    per_socket = arguments.rate // len(_NAMES)
    command = [sys.executable, "-m", "benchmarks.throughput.sender", str(per_socket), str(arguments.seconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as sender:
        seconds = uvloop.run(_read(sender, Reader(per_socket), per_socket * arguments.seconds))
    return _show(seconds, arguments)


async def _read(sender: subprocess.Popen[str], reader: Reader, wanted: int) -> list[Second]:
    assert sender.stdin is not None
    assert sender.stdout is not None
    port = int(await asyncio.to_thread(sender.stdout.readline))
    at = Endpoints(rest=f"http://127.0.0.1:{port}", stream=f"ws://127.0.0.1:{port}", orders="")
    feeds = [
        BinanceFeed(reader.instruments, exchange, endpoints=at, lines=[line], sink=reader)
        for line, (exchange, _) in enumerate(_NAMES)
    ]
    tasks = [asyncio.create_task(feed.run()) for feed in feeds]
    while reader.lines_up < len(feeds):
        await asyncio.sleep(0.05)
    await asyncio.sleep(1.0)  # the subscriptions are granted
    reader.is_counting = True
    sender.stdin.write("go\n")
    sender.stdin.flush()
    reader.began_ns = int(await asyncio.to_thread(sender.stdout.readline))
    seconds = await _measure(reader, wanted)
    assert all(book.is_trusted and book.updates >= wanted for book in reader.books), "not every message was applied"
    sender.stdin.write("done\n")
    sender.stdin.flush()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return seconds


async def _measure(reader: Reader, wanted: int) -> list[Second]:
    """Second by second until every message has arrived, or none does any more."""
    process, seconds, seen = psutil.Process(), list[Second](), 0
    while min(reader.counts) < wanted:
        cpu, began_ns = process_time(), time_ns()
        await asyncio.sleep(1.0)
        delays, reader.delays_us = reader.delays_us, array("I")
        took_s = (time_ns() - began_ns) / 1e9
        messages = sum(reader.counts) - seen
        seen += messages
        seconds.append(Second(messages, delays, (process_time() - cpu) / took_s, process.memory_info().rss / 1e6))
        if not messages and len(seconds) > 1:
            break
    return seconds


def _show(seconds: list[Second], arguments: Any) -> int:
    size = max(1, -(-arguments.seconds // _WINDOWS))
    windows = [seconds[start : start + size] for start in range(0, arguments.seconds, size)]
    windows = [window for window in windows if window]
    rows = [(f"{i * size}-{i * size + len(w)}", *_figures(w)) for i, w in enumerate(windows)]
    columns = ("second", "messages/s", "p50 ms", "p99 ms", "most ms", "CPU", "resident MB")
    report.table(f"{arguments.rate:,} bookTickers a second, two sockets, {arguments.seconds} s", columns, rows)
    received = sum(second.messages for second in seconds)
    wanted = arguments.rate // len(_NAMES) * len(_NAMES) * arguments.seconds
    first, last = _p99_ms(windows[0]), _p99_ms(windows[-1])
    grown_mb = windows[-1][-1].resident_mb - windows[0][-1].resident_mb
    all_there = received == wanted and len(seconds) <= arguments.seconds + 2
    steady = last <= max(2 * first, _SETTLED_MS)
    is_met = all_there and steady and grown_mb <= _GROWTH_MB
    print(f"received {received:,} of {wanted:,} in {len(seconds)} s: {'kept up' if all_there else 'FELL BEHIND'}")
    print(f"p99 {first:.2f} ms at first, {last:.2f} ms at last: {'steady' if steady else 'GROWING'}")
    resident = f"resident {windows[0][-1].resident_mb:.0f} MB after {size} s, {grown_mb:+.1f} MB since"
    print(f"{resident}: {report.verdict(grown_mb, _GROWTH_MB)}")
    what = f"{arguments.rate:,} messages/s for {arguments.seconds} s"
    print(f"{what}: {'met' if is_met else 'MISSED'} (load average {_load()})")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    figures = {"received": received, "wanted": wanted, "first_p99_ms": first, "p99_ms": last, "peak_mb": peak_mb}
    report.write_json(arguments.json, figures | {"grown_mb": grown_mb, "is_met": is_met, "load": _load()})
    return 0 if is_met else 1


def _load() -> str:
    """Of the last minute and the last five: figures of a busy machine are its neighbours' as well."""
    return " ".join(f"{load:.1f}" for load in os.getloadavg()[:2])


def _figures(window: Sequence[Second]) -> tuple[str, ...]:
    delays = _delays_us(window)
    messages = sum(second.messages for second in window) / len(window)
    cpu = sum(second.cpu for second in window) / len(window)
    of_delay = [f"{_quantile(delays, q) / 1e3:.2f}" for q in (0.5, 0.99, 1.0)]
    return (f"{messages:,.0f}", *of_delay, f"{cpu:.0%}", f"{window[-1].resident_mb:.0f}")


def _p99_ms(window: Sequence[Second]) -> float:
    return _quantile(_delays_us(window), 0.99) / 1e3


def _delays_us(window: Sequence[Second]) -> list[int]:
    return sorted(delay for second in window for delay in second.delays_us)


def _quantile(ordered: list[int], q: float) -> float:
    return float(ordered[min(len(ordered) - 1, int(q * len(ordered)))]) if ordered else 0.0


if __name__ == "__main__":
    sys.exit(main())
