"""A recording served by simulated venues: its books to its end, then nothing or its beginning; orders fill from it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import chain
from pathlib import Path

import pytest

import synthetic_recording
from graphwiz_trader.assembly.exchange_markets import PlayedMarket
from graphwiz_trader.assembly.recorder import RecordingSession, Settings
from graphwiz_trader.assembly.warmup import warm_up
from graphwiz_trader.backtest.recordings import Recording
from graphwiz_trader.backtest.survey import survey
from graphwiz_trader.config import HftConfig
from graphwiz_trader.hft.events import Side
from graphwiz_trader.recording.reader import segments_in
from graphwiz_trader.venues.base import Endpoints
from graphwiz_trader.venues.exchanges import exchange_of
from graphwiz_trader.venues.simulated import SimulatedExchange, SyntheticMarket
from graphwiz_trader.venues.simulated.okx.server import OkxVenue
from patience import PATIENCE_S
from recordings import need
from synthetic_recording import Frame
from venues.harness import on_uvloop
from venues.simulated.clients import Client, get, serving, until
from venues.simulated.okx.test_order_operations import Trader

HOUR_NS = 3_600 * 10**9
OKX_SYMBOLS = ("BTC/USDT", "BTC/USDT:USDT")


@pytest.fixture(autouse=True, scope="module")
def _compiled() -> None:
    warm_up(lambda *_: None)


def recorded(directory: Path, *, idle: bool = False) -> Recording:
    """Two venues with two symbols, 4 s long. ``idle``: nothing happens then for an hour before it ends."""
    files: dict[str, list[Path]] = {}
    for exchange in synthetic_recording.VENUES:
        for symbol in synthetic_recording.SYMBOLS:
            frames = list(synthetic_recording.market(5, 400))
            *_, trade = (f for f in frames if (f.exchange, f.symbol) == (exchange, symbol) and b'"trade"' in f.payload)
            later = [Frame(trade.time_ns + HOUR_NS, exchange, symbol, trade.payload)] if idle else []
            name = directory / f"{exchange}-{symbol}"
            path = synthetic_recording.write(name, chain(frames, later), exchange, symbol)
            files.setdefault(exchange, []).append(path)
    return Recording(files)


@asynccontextmanager
async def played(
    recording: Recording, *, speed: float, is_looped: bool = False
) -> AsyncIterator[tuple[SimulatedExchange, PlayedMarket, list[int]]]:
    """The exchange, its market, and how many trades there had been at each end of the recording."""
    ends: list[int] = []

    def note_end() -> None:
        venues = [served.venue for served in exchange.venues.values()]
        ends.append(sum(book.last_trade_id for venue in venues for book in venue.books.values()))

    published = {exchange: exchange_of(exchange).fees_ppm for exchange in recording.exchanges}
    instruments = survey(recording, published, lambda _: None, with_rules=True)
    market = PlayedMarket(recording, instruments, speed=speed, is_looped=is_looped, on_end=note_end)
    async with serving(*recording.exchanges, market=market, instruments=instruments) as exchange:
        yield exchange, market, ends


@on_uvloop
async def test_a_recording_is_played_to_its_last_books(tmp_path: Path):
    recording = recorded(tmp_path, idle=True)
    async with played(recording, speed=10.0) as (exchange, market, _):
        *_, last = (
            frame.payload
            for frame in synthetic_recording.market(5, 400)
            if (frame.exchange, frame.symbol) == ("binance", "BTCUSDT") and b"depthUpdate" in frame.payload
        )
        event = json.loads(last)
        stated = {(Decimal(price), Decimal(size)) for price, size in event["b"] + event["a"]}

        async def shown() -> set[tuple[Decimal, Decimal]]:
            depth = (await get(exchange.urls["binance"].rest, "/api/v3/depth?symbol=BTCUSDT&limit=5")).json()
            return {(Decimal(price), Decimal(size)) for price, size in depth["bids"] + depth["asks"]}

        async with Client(exchange.urls["binance"].stream + "/ws/btcusdt@trade") as client:
            assert (await client.receive())["s"] == "BTCUSDT"
        async with asyncio.timeout(PATIENCE_S):
            while not (len(await shown()) == 10 and await shown() <= stated):
                await asyncio.sleep(0.02)
        assert not market.finished.is_set()


@on_uvloop
async def test_at_its_end_every_book_is_empty_and_orders_find_nothing(tmp_path: Path):
    async with played(recorded(tmp_path), speed=100.0) as (exchange, market, ends):
        await asyncio.wait_for(market.finished.wait(), PATIENCE_S)
        assert len(ends) == 1
        for venue in exchange.venues.values():
            for book in venue.venue.books.values():
                assert book.matcher.change_count > 100
                assert not any(book.matcher.levels(side, 1) for side in Side)
        async with Client(exchange.urls["binance"].orders) as client:
            answer = await client.place(price="101.0", quantity="1.00000", timeInForce="IOC")
        assert answer["result"]["status"] == "EXPIRED"


@on_uvloop
async def test_a_looped_recording_begins_anew_with_trades_and_books_and_orders_that_rest(tmp_path: Path):
    async with played(recorded(tmp_path), speed=20.0, is_looped=True) as (exchange, market, ends):
        book = exchange.venues["binance"].venue.books["BTCUSDT"]
        async with Client(exchange.urls["binance"].orders) as client:
            resting = (await client.place(side="SELL", price="130.0", quantity="1.00000"))["result"]
            await until(lambda: len(ends) == 1)
            told = book.matcher.change_count
            await until(lambda: len(ends) == 2)
            assert ends[1] == 2 * ends[0] > 0
            assert book.matcher.change_count > told
            await until(lambda: bool(book.matcher.levels(Side.BUY, 5)))
            found = await client.signed("order.status", symbol="BTCUSDT", orderId=resting["orderId"])
            assert found["result"]["status"] == "NEW"
        assert not market.finished.is_set()


@on_uvloop
async def test_clients_hear_one_sequence_through_a_loop(tmp_path: Path):
    async with (
        played(recorded(tmp_path), speed=20.0, is_looped=True) as (exchange, _, ends),
        Client(exchange.urls["binanceusdm"].stream + "/ws/btcusdt@depth@0ms") as client,
    ):
        last = (await client.receive())["u"]
        while len(ends) < 2:
            event = await client.receive()
            assert event["pu"] == last
            last = event["u"]


async def okx_fill(at: OkxVenue, inst_id: str, side: str, size: str, price: str, mode: str) -> dict[str, str]:
    async with Trader(at) as trader:
        order = {"side": side, "ordType": "ioc", "sz": size, "px": price, "tdMode": mode}
        return (await trader.until_over(await trader.place(instId=inst_id, **order)))[-1]


@on_uvloop
async def test_what_graphwiz_record_kept_of_okx_is_served_as_okx_and_fills_orders_on_spot_and_swaps(tmp_path: Path):
    exchanges = {"okx": {"symbols": OKX_SYMBOLS}, "binance": {"enabled": False}, "binanceusdm": {"enabled": False}}
    config = HftConfig.model_validate({"market_data": {"exchanges": exchanges}})
    async with serving("okx", market=SyntheticMarket(seed=3)) as source:
        urls = source.urls["okx"]
        session = RecordingSession(config, {"okx": Endpoints(urls.rest, urls.stream, "")}, Settings(tmp_path))
        running = asyncio.create_task(session.run())
        await until(lambda: session.recorded is not None and session.recorded.figures().exchanges["okx"].frames > 60)
        session.stop("enough")
        await running
    recording = Recording(segments_in(tmp_path))
    async with played(recording, speed=1.0, is_looped=True) as (exchange, *_):
        at = exchange.venues["okx"]
        assert isinstance(at, OkxVenue)
        for inst_id, mode, size in (("BTC-USDT", "cash", "0.01"), ("BTC-USDT-SWAP", "cross", "0.5")):
            matcher = at.venue.books[inst_id].matcher
            await until(lambda matcher=matcher: bool(matcher.levels(Side.SELL, 5)))  # type: ignore[misc]
            filled = await okx_fill(at, inst_id, "buy", size, "70000", mode)
            assert (filled["state"], filled["accFillSz"]) == ("filled", size)
            assert Decimal(60_000) < Decimal(filled["avgPx"]) < Decimal(64_000)


@pytest.mark.recorded
@on_uvloop
async def test_a_raw_okx_recording_is_served_as_okx_and_its_order_fills_at_the_recorded_price():
    recording = Recording({"okx": [need("okx/public_ws.txt.gz")]})
    async with played(recording, speed=2.0, is_looped=True) as (exchange, *_):
        at = exchange.venues["okx"]
        assert isinstance(at, OkxVenue)
        await until(lambda: bool(at.venue.books["BTC-USDT"].matcher.levels(Side.SELL, 5)))
        filled = await okx_fill(at, "BTC-USDT", "buy", "0.01", "31000", "cash")
        assert filled["state"] == "filled"
        assert Decimal(30_000) < Decimal(filled["avgPx"]) < Decimal(30_500)
