"""How much ``graphwiz exchange serve`` bears: 50 clients, 20,000 market-data messages/s out and 2,000 orders/s in.

The clients are real connections of other processes, each with an address and an account of its own: one for market
data, one for orders. They share this machine's processors with the server. Kept: both rates to the end, every order
answered and none refused, no message lost, nobody disconnected, memory that does not grow once the venue remembers
as many orders as it ever will.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import accumulate
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple

import msgspec
import psutil

from benchmarks import report
from benchmarks.load.clients import Account, Order

_CLIENTS = 50
_MESSAGES_PER_S = 20_000
_ORDERS_PER_S = 2_000
_SHORT_OF = 0.99
"""The orders that were due in the last turn of the clients' loop are not sent any more."""
_MARKET_RATE = {"binance": 400.0, "okx": 700.0}
"""Market actions a second that make somewhat more than the wanted messages for so many clients."""
_GROWTH_MB = 200.0
"""A venue remembers 100,000 closed orders, each about 1 KB; under this load it has as many after 50 s."""
_FLAWS = ("refused", "lost", "gaps", "dropped")
_COUNTED = ("sent", "messages", "events", *_FLAWS)
_PASSPHRASE = "load-Test-1"
_SERVE = [sys.executable, "-c", "from graphwiz_trader.cli import main; main()", "exchange", "serve", "--no-limits"]


class Sample(NamedTuple):
    """The server at one moment: processor seconds so far, resident MB."""

    cpu_s: float
    resident_mb: float


class Watch:
    """Looks at the server every second while it is under load."""

    def __init__(self, server: psutil.Process) -> None:
        self._server = server
        self._over = Event()
        self._thread = Thread(target=self._look)
        self.samples = [self._sample()]

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def cpu_s(self) -> float:
        return self.samples[-1].cpu_s - self.samples[0].cpu_s

    def _look(self) -> None:
        while not self._over.wait(1.0):
            self.samples.append(self._sample())
        self.samples.append(self._sample())

    def _sample(self) -> Sample:
        spent = self._server.cpu_times()
        return Sample(spent.user + spent.system, self._server.memory_info().rss / 1e6)


def main() -> int:
    parser = report.arguments(__doc__)
    parser.add_argument("--venue", choices=sorted(_MARKET_RATE), default="binance")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--clients", type=int, default=_CLIENTS)
    parser.add_argument("--orders", type=float, default=_ORDERS_PER_S, help="a second, all clients together")
    parser.add_argument("--messages", type=float, default=_MESSAGES_PER_S, help="the target, a second")
    parser.add_argument("--market-rate", type=float, help="market actions a second")
    parser.add_argument("--processes", type=int, default=1, help="that the clients live in")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _served(arguments, Path(folder)) as (server, ready):
        load = os.getloadavg()[0]
        with _clients(arguments, ready, Path(folder)) as clients, Watch(server) as watch:
            for client in clients:
                _say(client, "go")
            for client in clients:
                _heard(client)
        results = [json.loads(path.read_text()) for path in Path(folder).glob("result-*")]
    return _show(results, watch, load, arguments)


@contextmanager
def _served(arguments: Any, folder: Path) -> Iterator[tuple[psutil.Process, dict[str, Any]]]:
    accounts = folder / "accounts.yaml"
    accounts.write_text(json.dumps([_entry(number) for number in range(arguments.clients)]))
    rate = arguments.market_rate or _MARKET_RATE[arguments.venue]
    command = [*_SERVE, "--venue", arguments.venue, "--accounts", str(accounts), "--rate", str(rate)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield psutil.Process(server.pid), json.loads(_heard(server))
        finally:
            server.terminate()


@contextmanager
def _clients(arguments: Any, ready: dict[str, Any], folder: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes whose traders are all connected."""
    command = [sys.executable, "-m", "benchmarks.load.clients"]
    urls = ready["venues"][arguments.venue]
    with ExitStack() as stack:
        processes = []
        for part in range(arguments.processes):
            accounts = [_account(number) for number in range(part, arguments.clients, arguments.processes)]
            rate = arguments.orders * len(accounts) / arguments.clients
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            processes.append(stack.enter_context(process))
            result = str(folder / f"result-{part}")
            order = Order(arguments.venue, urls, accounts, rate, arguments.seconds, result)
            _say(process, msgspec.json.encode(order).decode())
        for process in processes:
            _heard(process)
        yield processes


def _account(number: int) -> Account:
    """Each has an address of its own, since venues count connections by it."""
    return Account(f"load{number:03}", f"secret{number:03}", _PASSPHRASE, f"127.0.1.{number % 250 + 1}")


def _entry(number: int) -> dict[str, str]:
    account = _account(number)
    return {"name": account.key, "key": account.key, "secret": account.secret, "passphrase": account.passphrase}


def _say(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise SystemExit("a process of this benchmark has ended too early; what it said stands above")
    return line


def _figures(results: Sequence[dict[str, Any]], watch: Watch) -> dict[str, float]:
    took_s = max(result["seconds"] for result in results)
    total = {name: sum(result[name] for result in results) for name in _COUNTED}
    answers = sum((Counter(result["answers_us"]) for result in results), Counter[str]())
    lags = [lag for result in results for lag in result["lags_ms"]]
    return {
        "messages_per_s": total["messages"] / took_s,
        "messages_per_s_of_the_slowest_client": min(result["fewest"] for result in results) / took_s,
        "account_events_per_s": total["events"] / took_s,
        "orders_per_s": total["sent"] / took_s,
        "answers_per_s_cancels_included": answers.total() / took_s,
        "answer_p50_ms": _quantile(answers, 0.5) / 1e3,
        "answer_p99_ms": _quantile(answers, 0.99) / 1e3,
        "answer_p999_ms": _quantile(answers, 0.999) / 1e3,
        "lag_p99_ms_of_the_slowest_client": max(p99 for p99, _ in lags),
        "lag_most_ms_of_the_slowest_client": max(most for _, most in lags),
        "server_cpu": watch.cpu_s / took_s,
        "server_us_per_message_out": watch.cpu_s / (total["messages"] + total["events"] + answers.total()) * 1e6,
        "resident_mb_at_start": watch.samples[0].resident_mb,
        "resident_mb_at_end": watch.samples[-1].resident_mb,
        **{name: total[name] for name in _FLAWS},
    }


def _show(results: Sequence[dict[str, Any]], watch: Watch, load: float, arguments: Any) -> int:
    figures = _figures(results, watch) | {"load_average_before": load}
    rows = [(name.replace("_", " "), f"{value:,.2f}".removesuffix(".00")) for name, value in figures.items()]
    title = f"graphwiz exchange serve --venue {arguments.venue}, {arguments.clients} clients, {arguments.seconds:g} s"
    report.table(title, ("what", "figure"), rows)
    for result in results:
        if result["refusal"]:
            print(f"refused: {result['refusal']}")
    flaws = [name for name in _FLAWS if figures[name]]
    grown_mb = figures["resident_mb_at_end"] - figures["resident_mb_at_start"]
    messages, orders = arguments.messages, _SHORT_OF * arguments.orders
    print(f"messages/s: {report.verdict(figures['messages_per_s'], messages, at_least=True)}")
    print(f"orders/s: {report.verdict(figures['orders_per_s'], orders, at_least=True)}")
    print(f"refused, lost, missing, disconnected: {'none' if not flaws else 'SOME'}")
    print(f"resident memory grew by {grown_mb:.1f} MB: {report.verdict(grown_mb, _GROWTH_MB)}")
    report.write_json(arguments.json, {"venue": arguments.venue, "clients": arguments.clients, **figures})
    kept = figures["messages_per_s"] >= messages and figures["orders_per_s"] >= orders
    return 0 if kept and not flaws and grown_mb <= _GROWTH_MB else 1


def _quantile(counts: Counter[str], q: float) -> int:
    """Of values that were so often there."""
    ordered = sorted((int(value), count) for value, count in counts.items())
    until = q * counts.total()
    return next(
        value for (value, _), passed in zip(ordered, accumulate(c for _, c in ordered), strict=True) if passed >= until
    )


if __name__ == "__main__":
    sys.exit(main())
