"""The other side of a cryptofeed that runs in a process of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from cryptofeed.defines import L2_BOOK, TRADES

from conformance.served import Levels, Served

_CHILD = Path(__file__).with_name("cryptofeed_child.py")


class Cryptofeed:
    """What the child says: its trades so far, and its book when it is asked."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.trades: list[dict[str, str]] = []

    async def book(self) -> tuple[Levels, Levels]:
        """Bids and asks, best first."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"book\n")
        bids, asks = await self._next("book")
        return [(Decimal(p), Decimal(s)) for p, s in bids], [(Decimal(p), Decimal(s)) for p, s in asks]

    async def _next(self, wanted: str) -> Any:
        assert self._process.stdout is not None
        while True:
            line = await self._process.stdout.readline()
            assert line, "the child has ended"
            what, _, said = line.decode().partition(" ")
            if what == "trade":
                self.trades.append(json.loads(said))
            if what == wanted:
                return json.loads(said)


@asynccontextmanager
async def cryptofeed(
    secure: Served, exchange: str, channels: Sequence[str] = (L2_BOOK, TRADES), path: str = ""
) -> AsyncIterator[Cryptofeed]:
    """A feed of an exchange's books and trades. ``path``: where its streams are at the exchange's address."""
    at = secure.urls[exchange]
    process = await asyncio.create_subprocess_exec(
        sys.executable, _CHILD, exchange, at.rest, at.stream + path, *channels, stdin=PIPE, stdout=PIPE, limit=1 << 24
    )
    try:
        yield Cryptofeed(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
