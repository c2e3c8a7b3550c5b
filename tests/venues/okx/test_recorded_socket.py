"""OKX's socket of 2022 replayed over a real one, through the feed: every checksum is reproduced, update by update.

Then books had no sequence ids and every message of theirs a checksum; the product compares each, the oracle counts.
"""

from __future__ import annotations

import asyncio
import json

import pytest

import recordings
from graphwiz_trader.backtest.recordings import Recording
from graphwiz_trader.backtest.survey import survey
from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.okx.feed import OkxFeed
from oracle import recording_lines
from oracle.okx import Book
from venues.harness import on_uvloop
from venues.okx.scripted import OkxSink, ScriptedVenue, cancelled

pytestmark = pytest.mark.recorded

RECORDED = "okx/public_ws.txt.gz"
CHECKSUMS = 290


@on_uvloop
async def test_every_recorded_checksum_is_reproduced_through_a_socket():
    path = recordings.need(RECORDED)
    frames = [line.payload for line in recording_lines.read(path) if line.what == "frame"]
    instruments = survey(Recording({"okx": [path]}), {"okx": (800, 1_000)}, lambda _frames: None)
    async with ScriptedVenue() as venue:
        sink = OkxSink(instruments=instruments)
        feed = OkxFeed(instruments, "okx", endpoints=venue.endpoints, lines=[0], sink=sink)
        sink.request_snapshot = feed.request_snapshot
        running = asyncio.create_task(feed.run())
        await venue.until(lambda: bool(venue.requests))
        answers = len(venue.requests[0][1])
        for frame in frames:
            venue.say(frame)
        await sink.until(lambda: len(sink.frames) == answers + len(frames))
        await cancelled(running)
    assert [frame for _, frame, _ in sink.frames[answers:]] == frames
    assert not sink.market_data.refused
    assert not sink.asked
    oracle = rebuilt(frames)
    assert sum(book.checked for book in oracle.values()) == CHECKSUMS
    for name, book in oracle.items():
        instrument = instruments.by_venue_symbol("okx", name)
        assert instrument is not None
        for side, words in ((Side.BUY, "bids"), (Side.SELL, "asks")):
            levels = [
                (instrument.ticks_from_text(price), instrument.lots_from_text(size))
                for price, size in book.levels(words)
            ]
            assert sink.books[instrument.book].levels(side) == levels


def rebuilt(frames: list[bytes]) -> dict[str, Book]:
    books: dict[str, Book] = {}
    for body in map(json.loads, frames):
        if body["arg"]["channel"] == "books" and "data" in body:
            books.setdefault(body["arg"]["instId"], Book()).on_message(body["action"], body["data"][0])
    return books
