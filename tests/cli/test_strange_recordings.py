"""``graphwiz replay`` of recordings of other markets than those that are kept: its books are the oracle's."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from typer.testing import CliRunner

import strange_markets
import strange_okx
from graphwiz_trader.assembly.replays import direct_replay
from graphwiz_trader.backtest.listing import listed
from graphwiz_trader.backtest.recordings import Recording
from graphwiz_trader.backtest.survey import survey
from graphwiz_trader.cli.replay import app
from graphwiz_trader.config import HftConfig
from graphwiz_trader.hft.events import Side
from graphwiz_trader.hft.orderbook import OrderBook
from oracle import books as oracle
from oracle import figures
from strange_markets import MARKETS, Market
from strange_okx import OkxMarket

SHOWN = 50
SEEDS = range(2, 7)


DIRECT, SOCKETS = ("--direct",), ("--through", "sockets", "--speed", "0")


def replayed(path: Path, exchange: str, way: tuple[str, ...] = DIRECT) -> Any:
    done = CliRunner().invoke(app, [f"{exchange}={path}", *way, "--json", str(path.with_suffix(".json"))])
    assert done.exit_code == 0, done.output
    return json.loads(path.with_suffix(".json").read_text())


def books_of(path: Path, market: Market) -> dict[str, oracle.Book]:
    return oracle.final_books([path], "spot" if market.exchange == "binance" else "usdm")


def is_trusted(truth: oracle.Book) -> bool:
    """The oracle trusts a snapshot alone, the product once an update has continued it."""
    return truth.trusted and truth.applied > 0


def numbers(levels: list[list[str]]) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(price), Decimal(size)) for price, size in levels]


@pytest.mark.parametrize("market", MARKETS, ids=lambda market: market.name)
def test_books_at_the_end_equal_the_oracles(tmp_path: Path, market: Market) -> None:
    path = strange_markets.write(tmp_path / "recording.txt", market, seed=1)
    expected = books_of(path, market)
    found = replayed(path, market.exchange)
    assert not found["refused"][market.exchange]
    for symbol in market.symbols:
        truth = expected[symbol.name]
        book = found["books"][market.exchange][listed(market.exchange, symbol.name).symbol]
        assert truth.gaps == 0
        assert book["trusted"] == is_trusted(truth) == bool(market.at)
        if market.at:
            assert numbers(book["bids"]) == figures.bids(truth)[:SHOWN]
            assert numbers(book["asks"]) == figures.asks(truth)[:SHOWN]


@pytest.mark.parametrize("name", ["spot-tiny-prices", "spot-crowded-raw", "usdm-crowded", "coinm-perpetual"])
def test_books_are_the_oracles_through_sockets_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Recorded are frames without envelopes, and depth at another interval than our feeds follow."""
    monkeypatch.chdir(tmp_path)
    market = next(market for market in MARKETS if market.name == name)
    path = strange_markets.write(tmp_path / "recording.txt", market, seed=1)
    expected = books_of(path, market)
    found = replayed(path, market.exchange, SOCKETS)["books"][market.exchange]
    for symbol in market.symbols:
        book = found[listed(market.exchange, symbol.name).symbol]
        assert numbers(book["bids"]) == figures.bids(expected[symbol.name])[:SHOWN]
        assert numbers(book["asks"]) == figures.asks(expected[symbol.name])[:SHOWN]


@pytest.mark.parametrize("way", [DIRECT, SOCKETS], ids=["direct", "sockets"])
@pytest.mark.parametrize("market", strange_okx.MARKETS, ids=lambda market: market.name)
def test_books_of_okx_are_the_oracles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, market: OkxMarket, way: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    truth = strange_okx.write(tmp_path / "recording.txt", market, seed=1)
    figures = replayed(tmp_path / "recording.txt", "okx", way)
    assert not figures["refused"]["okx"]
    (book,) = figures["books"]["okx"].values()
    assert truth.trusted
    assert book["trusted"] or way == SOCKETS  # where silence is counted on the clock
    for side in ("bids", "asks"):
        expected = [[Decimal(text) for text in level] for level in truth.levels(side)]
        assert [[Decimal(text) for text in level] for level in book[side]] == expected[:SHOWN]


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("market", MARKETS, ids=lambda market: market.name)
def test_whole_books_equal_the_oracles_wherever_a_recording_ends(tmp_path: Path, market: Market, seed: int) -> None:
    last = Random(seed).randrange(10, market.updates * len(market.symbols))
    path = strange_markets.write(tmp_path / "recording.txt", market, seed, until=last)
    expected = books_of(path, market)
    recording = Recording({market.exchange: [path]})
    instruments = survey(recording, {market.exchange: (0, 0)}, lambda _: None)
    replay = direct_replay(HftConfig(), instruments, latency_ms=0.0)
    replay.run(recording, lambda _: None)
    for book in replay.core.books:
        truth = expected[book.instrument.venue_symbol]
        assert book.is_trusted == is_trusted(truth)
        if book.is_trusted:
            assert whole(book, Side.BUY) == figures.bids(truth)
            assert whole(book, Side.SELL) == figures.asks(truth)


def whole(book: OrderBook, side: Side) -> list[tuple[Decimal, Decimal]]:
    tick, lot = Decimal(book.instrument.tick_size), Decimal(book.instrument.lot_size)
    return [(ticks * tick, lots * lot) for ticks, lots in book.levels(side)]
