"""Many traders in one process. Its input is a line of JSON that says how many, where and how fast; then ``go``.

It prints a line when all of them are connected, and another when its figures are written, as JSON.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import uvloop

from benchmarks.load.binance import BinanceTrader
from benchmarks.load.okx import OkxTrader
from benchmarks.load.trader import Trader

_EVERY_S = 0.001
_PATIENCE_S = 5.0
_CONNECTED_WITHIN_S = 60.0


class Account(msgspec.Struct):
    key: str
    secret: str
    passphrase: str
    host: str


class Order(msgspec.Struct):
    """What a process is asked to do. ``orders_per_s``: of all its traders together; ``result``: a file."""

    venue: str
    urls: dict[str, str]
    accounts: list[Account]
    orders_per_s: float
    seconds: float
    result: str


def make(order: Order, account: Account) -> Trader:
    if order.venue == "okx":
        return OkxTrader(order.urls, account.key, account.secret, account.passphrase, account.host)
    return BinanceTrader(order.urls, account.key, account.secret, account.host)


async def main(order: Order) -> dict[str, Any]:
    traders = [make(order, account) for account in order.accounts]
    async with asyncio.timeout(_CONNECTED_WITHIN_S):
        for trader in traders:
            await trader.connect()
        while not all(len(trader.best) == len(trader.symbols) for trader in traders):
            await asyncio.sleep(0.1)
    print("connected", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    for trader in traders:
        trader.forget()
    took_s, sent = await trade(traders, order)
    counts = [trader.messages for trader in traders]
    until_s = perf_counter() + _PATIENCE_S
    while any(trader.unanswered for trader in traders) and perf_counter() < until_s:
        await asyncio.sleep(_EVERY_S)
    return {
        "seconds": took_s,
        "sent": sent,
        "messages": sum(counts),
        "fewest": min(counts),
        "events": sum(trader.events for trader in traders),
        "gaps": sum(trader.gaps for trader in traders),
        "lost": sum(trader.unanswered for trader in traders),
        "dropped": sum(not trader.is_connected for trader in traders),
        "refused": sum(len(trader.refused) for trader in traders),
        "refusal": next((trader.refused[0].decode() for trader in traders if trader.refused), ""),
        "answers_us": Counter(spent // 10_000 * 10 for trader in traders for spent in trader.answers_ns),
        "lags_ms": [(_p99(trader.lags_ms), max(trader.lags_ms)) for trader in traders],
    }


def _p99(values: list[int]) -> int:
    return sorted(values)[int(0.99 * len(values))]


async def trade(traders: list[Trader], order: Order) -> tuple[float, int]:
    """Send orders when they are due, in turns, whether or not earlier ones are answered."""
    began_s, sent = perf_counter(), 0
    while (now_s := perf_counter() - began_s) < order.seconds:
        for number in range(sent, int(now_s * order.orders_per_s)):
            traders[number % len(traders)].trade()
        sent = int(now_s * order.orders_per_s)
        await asyncio.sleep(_EVERY_S)
    return perf_counter() - began_s, sent


if __name__ == "__main__":
    wanted = msgspec.json.decode(sys.stdin.readline(), type=Order)
    Path(wanted.result).write_bytes(msgspec.json.encode(uvloop.run(main(wanted))))
    print("done", flush=True)
