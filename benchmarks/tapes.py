"""The frames that benchmarks run on: recorded where there are recordings, else seeded synthetic ones of their shape."""

from __future__ import annotations

import gzip
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_DATA = Path(os.environ.get("GRAPHWIZ_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
_FILES = {"binance": "binance/spot_{}_20240808.jsonl.gz", "binanceusdm": "binance/usdm_{}_20240808.jsonl.gz"}
_FRAMES = 4_000
"""Depth frames of a synthetic tape."""


class Tape(NamedTuple):
    """One symbol's frames. ``depth`` continues ``snapshot``; ``all_frames`` is everything in order, with it."""

    exchange: str
    symbol: str
    is_recorded: bool
    snapshot: bytes
    depth: list[bytes]
    tickers: list[bytes]
    trades: list[bytes]
    all_frames: list[tuple[int, bytes]]
    """(receive time in ns, frame); the snapshot is among them."""

    @property
    def origin(self) -> str:
        return origin(self.is_recorded)


def is_recorded(exchange: str, symbol: str) -> bool:
    return _path(exchange, symbol).exists()


def stream(exchange: str, symbol: str) -> Iterator[tuple[int, bytes]]:
    """(receive time in ns, frame) one after the other, of the recording or of a synthetic tape of its shape."""
    if not is_recorded(exchange, symbol):
        yield from _synthetic(exchange, symbol)
        return
    with gzip.open(_path(exchange, symbol), "rb") as lines:
        for line in lines:
            time, _, frame = line.rstrip().partition(b" ")
            yield int(time), frame


def load(exchange: str, symbol: str) -> Tape:
    """``load("binanceusdm", "BTCUSDT")``: all of it, sorted by what it is."""
    return _tape(exchange, symbol, is_recorded(exchange, symbol), list(stream(exchange, symbol)))


def okx_books(symbol: str) -> list[bytes]:
    """The recorded frames of OKX's channel ``books``, the snapshot first; none without the recording."""
    path = _DATA / "okx/public_ws.txt.gz"
    if not path.exists():
        return []
    wanted = f'"arg":{{"channel":"books","instId":"{symbol}"}},"action"'.encode()
    with gzip.open(path, "rb") as lines:
        return [line.rstrip().partition(b": ")[2] for line in lines if wanted in line]


def origin(recorded: bool) -> str:
    return "recorded 2024-08-08" if recorded else "synthetic (no recordings found; set GRAPHWIZ_DATA)"


def _path(exchange: str, symbol: str) -> Path:
    return _DATA / _FILES[exchange].format(symbol.lower())


def _tape(exchange: str, symbol: str, recorded: bool, frames: list[tuple[int, bytes]]) -> Tape:
    snapshot = next(frame for _, frame in frames if frame.startswith(b'{"lastUpdateId"'))
    last_id = json.loads(snapshot)["lastUpdateId"]
    depth = [frame for _, frame in frames if b'"depthUpdate"' in frame]
    follows = [frame for frame in depth if json.loads(frame)["data"]["u"] > last_id]
    tickers = [frame for _, frame in frames if b"@bookTicker" in frame[:40]]
    trades = [frame for _, frame in frames if b"@trade" in frame[:40]]
    return Tape(exchange, symbol, recorded, snapshot, follows, tickers, trades, frames)


def _synthetic(exchange: str, symbol: str) -> Iterator[tuple[int, bytes]]:
    """A market whose middle wanders, with updates of 68 levels (futures, 1.6 kB) or 34 (spot) near the middle."""
    rng = random.Random(f"{exchange} {symbol}")
    futures = exchange == "binanceusdm"
    name, levels, middle, update_id, time_ns = (
        symbol.lower(),
        34 if futures else 17,
        6_180_000,
        5_000_000_000_000,
        10**18,
    )
    snapshot = {
        "lastUpdateId": update_id,
        "bids": [[_price(middle - 1 - i, futures), _size(rng)] for i in range(1_000)],
        "asks": [[_price(middle + 1 + i, futures), _size(rng)] for i in range(1_000)],
    }
    yield time_ns, json.dumps(snapshot, separators=(",", ":")).encode()
    for number in range(_FRAMES):
        time_ns += 50_000_000
        middle += rng.choice((-1, 0, 0, 1))
        sides = {
            "b": [[_price(middle - 1 - _distance(rng, i), futures), _size(rng)] for i in range(levels)],
            "a": [[_price(middle + 1 + _distance(rng, i), futures), _size(rng)] for i in range(levels)],
        }
        # What the middle has passed is deleted first, so that the book never crosses.
        sides["b"].append([_price(middle + 1, futures), "0"])
        sides["a"].append([_price(middle - 1, futures), "0"])
        first, previous, update_id = update_id + 1, update_id, update_id + 1 + rng.randrange(9)
        event = {"e": "depthUpdate", "E": time_ns // 10**6, "s": symbol, "U": first, "u": update_id}
        if futures:
            event["pu"] = previous
            event["U"] = previous if number == 0 else first
        yield time_ns, _frame(f"{name}@depth", event | sides)
        bid, ask = _price(middle - 1, futures), _price(middle + 1, futures)
        ticker = {"u": update_id, "s": symbol, "b": bid, "B": _size(rng), "a": ask, "A": _size(rng)}
        yield time_ns + 1, _frame(f"{name}@bookTicker", {"e": "bookTicker"} | ticker if futures else ticker)
        trade = {"e": "trade", "E": time_ns // 10**6, "s": symbol, "t": number, "p": bid, "q": _size(rng), "m": True}
        yield time_ns + 2, _frame(f"{name}@trade", trade)


def _distance(rng: random.Random, place: int) -> int:
    """Ticks behind the best price: the first level is the best, the others fall off quickly."""
    return 0 if place == 0 else 1 + int(rng.expovariate(1 / 120))


def _price(ticks: int, futures: bool) -> str:
    return f"{ticks // 100}.{ticks % 100:02d}" + ("" if futures else "000000")


def _size(rng: random.Random) -> str:
    return f"{rng.randrange(1, 9_999) / 1_000:.3f}"


def _frame(stream: str, data: dict[str, object]) -> bytes:
    return json.dumps({"stream": stream, "data": data}, separators=(",", ":")).encode()
