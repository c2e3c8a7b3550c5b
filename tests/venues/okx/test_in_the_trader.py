"""OKX in the parts that any exchange has: rules by its table, books to watch, recordings that replay, no orders yet."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from graphwiz_trader.assembly.recorder import RecordingSession, Settings
from graphwiz_trader.assembly.replays import direct_replay
from graphwiz_trader.assembly.session import TradingSession
from graphwiz_trader.backtest.recordings import Recording
from graphwiz_trader.backtest.survey import survey
from graphwiz_trader.config import HftConfig
from graphwiz_trader.hft import WebSocketMarketData
from graphwiz_trader.hft.events import Side
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.recording.reader import segments_in
from graphwiz_trader.venues.base import VenueError
from graphwiz_trader.venues.exchanges import load_instruments
from graphwiz_trader.venues.okx.feed import OkxFeed
from patience import PATIENCE_S
from venues.harness import on_uvloop
from venues.okx.scripted import OkxSink, cancelled
from venues.okx.simulated import INSTRUMENTS, SPOT, SWAP, SimulatedOkx

SYMBOLS = (SPOT.symbol, SWAP.symbol)


def config(folder: Path, mode: str = "simulated") -> HftConfig:
    exchanges = {"okx": {"symbols": list(SYMBOLS)}}
    return HftConfig.model_validate({"mode": mode, "data_dir": str(folder), "market_data": {"exchanges": exchanges}})


def levels(books: OrderBookManager) -> dict[str, list[tuple[Decimal, Decimal]]]:
    """Each whole book as its venue writes it, whatever tick and lot it is kept in."""
    return {
        book.instrument.venue_symbol: [
            (Decimal(book.instrument.price_text(ticks)), Decimal(book.instrument.size_text(lots)))
            for side in Side
            for ticks, lots in book.levels(side)
        ]
        for book in books
    }


@on_uvloop
async def test_its_rules_become_the_instruments_that_the_venue_lists():
    async with SimulatedOkx() as okx:
        spot, swap = await load_instruments({"okx": SYMBOLS}, {"okx": okx.endpoints})
    assert (spot.symbol, spot.venue_symbol, spot.tick_size) == ("BTC/USDT", "BTC-USDT", "0.1")
    assert (swap.symbol, swap.venue_symbol, swap.contract_size) == ("BTC/USDT:USDT", "BTC-USDT-SWAP", "0.01")
    assert (spot.taker_fee_ppm, swap.taker_fee_ppm) == (1_000, 500)


@on_uvloop
async def test_its_clock_is_measured_against_ours():
    async with SimulatedOkx(ahead_ms=1_270) as okx:
        sink = OkxSink(instruments=INSTRUMENTS)
        feed = OkxFeed(INSTRUMENTS, "okx", endpoints=okx.endpoints, lines=[0], sink=sink)
        running = asyncio.create_task(feed.run())
        await sink.until(lambda: bool(sink.clocks))
        await cancelled(running)
    ((line, offset_ns, error_ns),) = sink.clocks
    assert line == 0
    assert abs(offset_ns - 1_270_000_000) <= error_ns
    assert error_ns < 1e9


@on_uvloop
async def test_its_books_can_be_watched():
    async with (
        SimulatedOkx() as okx,
        WebSocketMarketData({"okx": SYMBOLS}, {"okx": okx.endpoints}) as data,
        asyncio.timeout(PATIENCE_S),
    ):
        while not all(book.is_trusted for book in data.books):
            await asyncio.sleep(0.01)
        assert len(data.books.get("okx", "BTC/USDT:USDT").levels(Side.BUY)) > 5


@on_uvloop
async def test_a_recording_of_it_replays_to_the_recorder_s_books(tmp_path):
    async with SimulatedOkx() as okx:
        session = RecordingSession(config(tmp_path), {"okx": okx.endpoints}, Settings(tmp_path / "recording"))
        running = asyncio.create_task(session.run())
        async with asyncio.timeout(PATIENCE_S):
            while session.recorded is None or not all(book.updates > 5 for book in session.recorded.books):
                await asyncio.sleep(0.01)
        session.stop("the test is over")
        await running
    live = levels(session.recorded.books)
    recording = Recording(segments_in(tmp_path / "recording"))
    instruments = survey(recording, {"okx": (800, 1_000)}, lambda _frames: None)
    replay = direct_replay(config(tmp_path), instruments, latency_ms=0.0, market_lines=recording.lines)
    replay.run(recording, lambda _frames: None)
    assert levels(replay.core.books) == live
    assert all(book.is_trusted for book in replay.core.books)


@on_uvloop
async def test_a_session_on_paper_follows_its_books_without_a_key(tmp_path):
    async with SimulatedOkx() as okx:
        session = TradingSession(config(tmp_path, mode="paper"), {"okx": okx.endpoints}, {})
        running = asyncio.create_task(session.run())
        async with asyncio.timeout(2 * PATIENCE_S):
            while not hasattr(session, "core") or not all(book.is_trusted for book in session.core.books):
                await asyncio.sleep(0.01)
        session.stop("the test is over")
        await running


@on_uvloop
async def test_a_session_that_would_send_orders_to_it_is_told_that_there_is_no_order_line(tmp_path):
    async with SimulatedOkx() as okx:
        session = TradingSession(config(tmp_path), {"okx": okx.endpoints}, {})
        with pytest.raises(VenueError, match=r"okx has no order line yet.*modes paper and shadow"):
            await asyncio.wait_for(session.run(), PATIENCE_S)
