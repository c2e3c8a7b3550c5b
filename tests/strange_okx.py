"""Recordings of OKX's public socket that nobody kept: any channel of a book, with ids or checksums, from a seed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from oracle import okx as oracle
from strange_markets import START_NS, shortest


class OkxMarket(NamedTuple):
    """``renewed_at``: updates at which the recorder subscribed anew; ``maintained_at``: at which ids began anew."""

    name: str
    instrument: str
    tick: str
    lot: str
    middle: int
    """In ticks."""
    channel: str = "books"
    depth: int = 400
    has_ids: bool = True
    has_checksums: bool = False
    renewed_at: tuple[int, ...] = ()
    maintained_at: tuple[int, ...] = ()
    updates: int = 200


Sides = tuple[dict[int, int], dict[int, int]]
"""Bids and asks: ticks → lots."""


def messages(market: OkxMarket, seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """(action, message) of the book's channel."""
    random = Random(seed)
    whole: Sides = ({}, {})
    told: Sides = ({}, {})
    middle, sequence = market.middle, random.randrange(10**6, 10**12)
    for number in range(market.updates):
        middle += random.randint(-2, 2)
        for side, sign in zip(whole, (-1, 1), strict=True):
            for _ in range(random.choice((0, 1, 5, 600 if number == 0 else 20))):
                side[middle + sign * (1 + int(random.expovariate(0.02)))] = random.choice((0, 1, 10**7))
            for ticks in [t for t, lots in side.items() if not lots or (t - middle) * sign <= 0]:
                del side[ticks]
        shown = _shown(whole, market.depth)
        is_anew = number == 0 or number in market.renewed_at or market.channel == "books5"
        changed = [
            {t: now.get(t, 0) for t in now | before if is_anew or now.get(t) != before.get(t)}
            for before, now in zip(({}, {}) if is_anew else told, shown, strict=True)
        ]
        told, previous = shown, sequence
        sequence = random.randrange(100) if number in market.maintained_at else sequence + random.randint(1, 30)
        bids, asks = ([_level(market, *each) for each in side.items()] for side in changed)
        message: dict[str, Any] = {"asks": asks, "bids": bids, "ts": str(START_NS // 10**6 + 100 * number)}
        if market.has_checksums:
            best = [[tuple(_level(market, *each)[:2]) for each in side.items()] for side in shown]
            message["checksum"] = oracle.checksum_of(*best)
        if market.has_ids:
            message |= {"prevSeqId": -1 if is_anew else previous, "seqId": sequence}
        yield "snapshot" if is_anew else "update", message


def write(path: Path, market: OkxMarket, seed: int) -> oracle.Book:
    """A recording, with what else comes over such a socket; and its book."""
    book, lines = oracle.Book(), []
    argument = {"channel": market.channel, "instId": market.instrument}
    for number, (action, message) in enumerate(messages(market, seed)):
        book.on_message(action, message)
        if action == "snapshot" and market.channel != "books5":
            lines.append(json.dumps({"event": "subscribe", "arg": argument, "connId": "a4d3ae55"}))
        said = {"action": action} if market.channel != "books5" else {}
        lines.append(json.dumps({"arg": argument, **said, "data": [message]}, separators=(",", ":")))
        if number % 30 == 7:
            lines += ["pong", '{"event":"notice","code":"64008","msg":"The connection will soon be closed"}']
    path.write_text("".join(f"{START_NS + 50_000_000 * i} {line}\n" for i, line in enumerate(lines)))
    return book


def _shown(whole: Sides, depth: int) -> Sides:
    bids, asks = whole
    return (
        {t: bids[t] for t in sorted(bids, reverse=True)[:depth]},
        {t: asks[t] for t in sorted(asks)[:depth]},
    )


def _level(market: OkxMarket, ticks: int, lots: int) -> list[str]:
    price, size = ticks * Decimal(market.tick), lots * Decimal(market.lot)
    return [shortest(price), shortest(size), "0", "1" if lots else "0"]


MARKETS = (
    OkxMarket("spot", "BTC-USDT", "0.1", "0.00000001", 610_000),
    OkxMarket("spot-tiny-prices", "SHIB-USDT", "0.000000001", "1", 13_370),
    OkxMarket("swap-renewed", "BTC-USDT-SWAP", "0.1", "0.01", 610_000, renewed_at=(60, 61, 150)),
    OkxMarket("swap-maintained", "PEPE-USDT-SWAP", "0.000000001", "0.1", 9_120, maintained_at=(80, 81)),
    OkxMarket("inverse-by-checksum", "BTC-USD-SWAP", "0.1", "1", 610_000, has_ids=False, has_checksums=True),
    OkxMarket("delivery", "BTC-USD-260925", "0.1", "1", 610_000, has_checksums=True, renewed_at=(100,)),
    OkxMarket("option", "BTC-USD-260925-30000-C", "0.0005", "1", 1_000),
    OkxMarket("fifty-levels", "ETH-USDT", "0.01", "0.000001", 260_000, channel="books50-l2-tbt", depth=50),
    OkxMarket("five-levels", "ETH-USDT", "0.01", "0.000001", 260_000, channel="books5", depth=5),
)
