"""OKX's recorded socket through the product and through the oracle: every checksum, and the same books.

What the recording is (found with the oracle, 2022-05-13): 290 messages of the channel ``books`` about three
instruments, each with a checksum, none with ids; 74 trades, each once. No price and no size has a zero too many.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

import recordings
from graphwiz_trader.backtest.recordings import Recording
from graphwiz_trader.backtest.survey import survey
from graphwiz_trader.hft.decoders import okx_decoder
from graphwiz_trader.hft.events import Side
from graphwiz_trader.hft.kernels import outcome
from graphwiz_trader.hft.market_data import MarketData
from graphwiz_trader.hft.orderbook import OrderBookManager
from hft.floor import Journal
from oracle import recording_lines
from oracle.okx import Book

pytestmark = pytest.mark.recorded

RECORDED = "okx/public_ws.txt.gz"
NAMES = {"BTC-USDT": "BTC/USDT", "UNI-USD-SWAP": "UNI/USD:UNI", "BTC-USD-220527": "BTC/USD:BTC-220527"}
CHECKSUMS = 290
LOOKS = 100


class Product:
    """The product's market data, with the instruments that it reads off the recording."""

    def __init__(self) -> None:
        recording = Recording({"okx": [recordings.need(RECORDED)]})
        self.instruments = survey(recording, {"okx": (800, 1_000)}, lambda frames: None)
        self.books = OrderBookManager(self.instruments)
        self.market_data = MarketData(
            self.books, [okx_decoder(self.instruments, "okx")], Journal(), request_snapshot=lambda book: None
        )

    def levels(self, name: str, side: Side) -> list[tuple[Decimal, Decimal]]:
        book = self.books.get("okx", NAMES[name])
        return [
            (Decimal(book.instrument.price_text(ticks)), Decimal(book.instrument.size_text(lots)))
            for ticks, lots in book.levels(side)
        ]


def _frames() -> Iterator[tuple[int, bytes, dict[str, Any]]]:
    for line in recording_lines.read(recordings.need(RECORDED)):
        if line.what == "frame":
            yield line.time_ns, line.payload, json.loads(line.payload)


def _decimals(book: Book, side: str) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(price), Decimal(size)) for price, size in book.levels(side)]


def _assert_same(product: Product, books: dict[str, Book]) -> None:
    for name, book in books.items():
        assert product.levels(name, Side.BUY) == _decimals(book, "bids")
        assert product.levels(name, Side.SELL) == _decimals(book, "asks")


def test_every_recorded_checksum_is_reproduced_and_the_books_equal_the_oracles() -> None:
    product, books = Product(), dict[str, Book]()
    frames = list(_frames())
    looks = set(random.Random(20220513).sample(range(len(frames)), LOOKS)) | {len(frames) - 1}
    for number, (time_ns, payload, body) in enumerate(frames):
        product.market_data.on_frame(0, payload, time_ns)
        if body["arg"]["channel"] == "books" and "data" in body:
            name = body["arg"]["instId"]
            book = books.setdefault(name, Book())
            book.on_message(body["action"], body["data"][0])
            assert book.trusted
            # The product compares each checksum too: a book that differs is not trusted.
            assert product.books.get("okx", NAMES[name]).is_trusted
        if number in looks:
            _assert_same(product, books)
    assert not product.market_data.refused
    assert books.keys() == NAMES.keys()
    assert sum(book.checked for book in books.values()) == CHECKSUMS


def test_a_recorded_checksum_off_by_a_bit_is_found_on_every_message() -> None:
    """The product would not accept these checksums if it did not compare them."""
    for number in range(0, CHECKSUMS, 29):
        product, seen = Product(), 0
        for time_ns, payload, body in _frames():
            if body["arg"]["channel"] != "books" or "data" not in body:
                continue
            if seen == number:
                wrong = body["data"][0]["checksum"] ^ 1
                payload = re.sub(rb'"checksum":-?\d+', b'"checksum":%d' % wrong, payload)  # noqa: PLW2901
                product.market_data.on_frame(0, payload, time_ns)
                assert product.market_data.refused == {(0, outcome.CHECKSUM): 1}
                assert not product.books.get("okx", NAMES[body["arg"]["instId"]]).is_trusted
                break
            seen += 1
            product.market_data.on_frame(0, payload, time_ns)
        assert seen == number


def test_a_lost_recorded_update_is_found_by_the_next_checksum_it_matters_to() -> None:
    """A lost change below the best 25 levels is not in a checksum: which ones those are, the oracle says."""
    found = 0
    for lost in range(3, CHECKSUMS, 24):
        product, books, number = Product(), dict[str, Book](), 0
        for time_ns, payload, body in _frames():
            if body["arg"]["channel"] != "books" or "data" not in body:
                continue
            number += 1
            if number == lost:
                continue
            product.market_data.on_frame(0, payload, time_ns)
            book = books.setdefault(body["arg"]["instId"], Book())
            book.on_message(body["action"], body["data"][0])
            assert product.books.get("okx", NAMES[body["arg"]["instId"]]).is_trusted == book.trusted
        found += any(not book.trusted for book in books.values())
    assert found >= 10


def test_the_instruments_are_read_off_the_frames() -> None:
    instruments = {i.venue_symbol: i for i in Product().instruments}
    assert {name: i.symbol for name, i in instruments.items()} == NAMES
    assert {name: (i.tick_size, i.lot_size) for name, i in instruments.items()} == {
        "BTC-USDT": ("0.1", "0.00000001"),
        "UNI-USD-SWAP": ("0.001", "1"),
        "BTC-USD-220527": ("0.1", "1"),
    }
    assert {name: (i.can_short, i.inverse, i.max_size_lots > 0) for name, i in instruments.items()} == {
        "BTC-USDT": (False, False, True),
        "UNI-USD-SWAP": (True, True, False),
        "BTC-USD-220527": (True, True, False),
    }
