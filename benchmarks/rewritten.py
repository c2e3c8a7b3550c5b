"""A tape's depth updates in other venues' words: the same changes, so that feeds can be compared frame by frame."""

from __future__ import annotations

import struct
from typing import Any

import orjson

from benchmarks.tapes import Tape

COINM_SYMBOL, OKX_SYMBOL = "BTCUSD_PERP", "BTC-USDT"
_DECIMALS = 8


def as_coinm(tape: Tape) -> list[bytes]:
    """Binance COIN-M's, which name the pair besides."""
    frames = []
    for frame in tape.depth:
        message = orjson.loads(frame)
        message["stream"] = f"{COINM_SYMBOL.lower()}@depth@0ms"
        message["data"] |= {"s": COINM_SYMBOL, "ps": "BTCUSD"}
        frames.append(orjson.dumps(message))
    return frames


def as_sbe(tape: Tape) -> list[bytes]:
    """Binance's binary ``DepthDiff`` (template 10003 of schema 1, version 0), prices and sizes with eight decimals."""
    frames = []
    for frame in tape.depth:
        event = orjson.loads(frame)["data"]
        ids = event["E"] * 1_000, event["U"], event["u"]
        head = struct.pack("<HHHHqqqbb", 26, 10_003, 1, 0, *ids, -_DECIMALS, -_DECIMALS)
        symbol = tape.symbol.encode()
        frames.append(head + _group(event["b"]) + _group(event["a"]) + bytes((len(symbol),)) + symbol)
    return frames


def as_okx(tape: Tape) -> tuple[bytes, list[bytes]]:
    """OKX's channel ``books``: the snapshot, and the updates that chain behind it."""
    whole, last_id = orjson.loads(tape.snapshot), 1
    start = _okx("snapshot", whole["bids"][:400], whole["asks"][:400], -1, last_id)
    updates = []
    for number, frame in enumerate(tape.depth, last_id + 1):
        event = orjson.loads(frame)["data"]
        updates.append(_okx("update", event["b"], event["a"], number - 1, number))
    return start, updates


def _okx(action: str, bids: list[Any], asks: list[Any], previous: int, final: int) -> bytes:
    rows = {name: [[price, size, "0", "1"] for price, size in side] for name, side in (("asks", asks), ("bids", bids))}
    message = rows | {"ts": str(10**12 + final), "checksum": 0, "prevSeqId": previous, "seqId": final}
    return orjson.dumps({"arg": {"channel": "books", "instId": OKX_SYMBOL}, "action": action, "data": [message]})


def _group(levels: list[Any]) -> bytes:
    return struct.pack("<HH", 16, len(levels)) + b"".join(struct.pack("<qq", *map(_mantissa, row)) for row in levels)


def _mantissa(text: str) -> int:
    whole, _, fraction = text.partition(".")
    return int(whole + fraction[:_DECIMALS].ljust(_DECIMALS, "0"))
