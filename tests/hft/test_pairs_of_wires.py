"""A cross of two venues counts only while both books are trusted, young and of one time, whatever wire they speak."""

from __future__ import annotations

from itertools import permutations

import pytest
from msgspec import structs

from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.hft.market_data import MarketData
from graphwiz_trader.hft.orderbook import OrderBookManager
from hft.floor import MS, START, Journal
from hft.wires import WIRES, Sides, Update

MAX_AGE_MS, MAX_SKEW_MS = 1_000, 400
CHEAP: Sides = ([(990, 5)], [(991, 5)])
DEAR: Sides = ([(1010, 5)], [(1011, 5)])
PAIRS = [(a, b) for a, b in permutations(WIRES, 2) if WIRES[a].exchange != WIRES[b].exchange]


class Pair:
    """BTC/USDT on two venues: the first sells below what the second buys at."""

    def __init__(self, *names: str) -> None:
        self.wires = [WIRES[name] for name in names]
        one, other = (next(iter(wire.instruments())) for wire in self.wires)
        instruments = Instruments([one, structs.replace(other, book=1)])
        self.books = OrderBookManager(instruments, max_book_age_ms=MAX_AGE_MS, max_skew_ms=MAX_SKEW_MS)
        decoders = [wire.decoder(instruments, wire.exchange) for wire in self.wires]
        self.market_data = MarketData(self.books, decoders, Journal(), request_snapshot=lambda _: None)

    def begin(self, book: int, sides: Sides, at_ms: int) -> None:
        wire, now_ns = self.wires[book], START + at_ms * MS
        body = wire.snapshot(100, sides, 1)
        if wire.streams_snapshots:
            self.market_data.on_frame(book, body, now_ns)
        else:
            self.market_data.on_snapshot(book, body, now_ns)
        first = Update(99 if not wire.streams_snapshots else 100, 101, ([], []), 2)
        self.market_data.on_frame(book, wire.update(first), now_ns)
        assert self.books[book].is_trusted

    def found(self, at_ms: int) -> int:
        return len(self.books.find_opportunities("BTC/USDT", START + at_ms * MS))


@pytest.mark.slow
@pytest.mark.parametrize("names", PAIRS, ids="-".join)
def test_books_of_any_two_wires_make_a_cross_only_within_age_and_skew(names: tuple[str, str]) -> None:
    pair = Pair(*names)
    pair.begin(0, CHEAP, 0)
    pair.begin(1, DEAR, MAX_SKEW_MS)
    assert pair.found(MAX_SKEW_MS) == 1
    assert pair.found(MAX_AGE_MS) == 1
    assert pair.found(MAX_AGE_MS + 1) == 0, "the first is too old"

    skewed = Pair(*names)
    skewed.begin(0, CHEAP, 0)
    skewed.begin(1, DEAR, MAX_SKEW_MS + 1)
    assert skewed.found(MAX_SKEW_MS + 1) == 0, "they are of different times"


@pytest.mark.parametrize("names", PAIRS, ids="-".join)
def test_a_book_without_trust_makes_no_cross(names: tuple[str, str]) -> None:
    pair = Pair(*names)
    pair.begin(0, CHEAP, 0)
    pair.begin(1, DEAR, 0)
    assert pair.found(1) == 1
    pair.market_data.on_line(1, up=False, now_ns=START)
    assert pair.found(1) == 0
