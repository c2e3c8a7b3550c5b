"""Binance's kernels are compiled before a test's own time begins: on a new machine that takes longer than any may."""

from __future__ import annotations

import pytest

from graphwiz_trader.hft.decoders import DECODERS
from graphwiz_trader.hft.events import Side
from hft.floor import PERP, SPOT, START, Floor


@pytest.fixture(scope="session", autouse=True)
def _compiled() -> None:
    floor = Floor()
    for book in (SPOT, PERP):
        floor.make_live(book)
        floor.book(book).levels(Side.BUY)
    floor.market_data.on_timer(START)
    floor.market_data.on_line(0, False, START)
    binary = DECODERS["binance-sbe"](floor.instruments, "binance")
    binary.on_frame(b"", binary.feed, floor.books.records, START)
