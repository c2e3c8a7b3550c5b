"""A recording says by which parallel line each frame came, and a replay brings it by that line again."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from itertools import chain
from pathlib import Path
from time import time_ns
from typing import Any
from zlib import crc32

import pytest
from pyarrow import parquet
from typer.testing import CliRunner

import synthetic_recording
from graphwiz_trader.assembly.rebuilt_tables import rebuild_tables
from graphwiz_trader.assembly.recorder import RecordingSession, Settings
from graphwiz_trader.backtest.recordings import RecordedFrame, RecordedLine, Recording
from graphwiz_trader.cli.replay import app
from graphwiz_trader.config import HftConfig
from graphwiz_trader.recording.layout import SegmentHead, frame_record, snapshot_record
from graphwiz_trader.recording.reader import read_head, read_segment, segments_in
from graphwiz_trader.recording.segments import Rotation, Segments
from graphwiz_trader.recording.tables import TOP_OF_BOOK, TRADES
from graphwiz_trader.venues.base import Endpoints
from recording.sessions import (
    CONFIG,
    Recordings,
    all_trusted,
    frames,
    live_states,
    market,
    recording_in,
    replayed_states,
    until,
    until_more,
)
from venues.frame_relay import FrameRelay
from venues.harness import on_uvloop

LOST_OF_100 = 10
TWO = (0, 1)
BEGINS = "a recording begins"


def of_lines(count: int, exchange: str) -> HftConfig:
    return HftConfig.model_validate({"market_data": {"exchanges": {exchange: {"lines": count}}}})


def loses(remainder: int) -> Callable[[bytes], Iterable[tuple[float, bytes]]]:
    """A network that loses some frames of the market, and others than one with another remainder."""

    def meddle(frame: bytes) -> Iterable[tuple[float, bytes]]:
        is_market = b'"result"' not in frame and b'"event"' not in frame and b'"snapshot"' not in frame
        return () if is_market and crc32(frame) % 100 // LOST_OF_100 == remainder else ((0.0, frame),)

    return meddle


class Networks(AsyncExitStack):
    """Between a recorder's two lines and the venue: a network for each. ``whole``: what the first had to carry."""

    def __init__(self, exchanges: Recordings, exchange: str) -> None:
        super().__init__()
        self._exchange = exchange
        self._endpoints = exchanges.endpoints[exchange]
        self.whole: list[tuple[int, bytes]] = []

    async def __aenter__(self) -> Networks:
        await super().__aenter__()
        stream = self._endpoints.stream
        self.first = await self.enter_async_context(FrameRelay(stream, lambda _, frame: self._note(frame)))
        self.second = await self.enter_async_context(FrameRelay(stream))
        return self

    def session(self, directory: Path) -> RecordingSession:
        endpoints = Endpoints(self._endpoints.rest, self.first.address, "", self.second.address)
        settings = Settings(directory, str(directory / "parquet"))
        return RecordingSession(of_lines(len(TWO), self._exchange), {self._exchange: endpoints}, settings)

    async def fall_silent(self, session: RecordingSession) -> None:
        """Nothing more comes: the lines are left one after the other, and what one brings alone may have gaps."""
        self.first.meddle = self.second.meddle = lambda _frame: ()
        came = -1
        while came != frames(session):
            came = frames(session)
            await asyncio.sleep(0.1)

    def _note(self, frame: bytes) -> None:
        self.whole.append((time_ns(), frame))


def kept(directory: Path) -> list[RecordedFrame | RecordedLine]:
    return list(recording_in(directory).history())


def by_line(directory: Path) -> Counter[int]:
    """How many frames each line brought."""
    return Counter(r.line for r in kept(directory) if isinstance(r, RecordedFrame) and not r.snapshot_of)


def as_one_line(networks: Networks, directory: Path, exchange: str) -> Recording:
    """What the first line was given to carry, as a file that knows no lines, up to the end of the recording."""
    frames = [recorded for recorded in kept(directory) if isinstance(recorded, RecordedFrame)]
    received = {frame.payload for frame in frames}
    lines = [(at, b"%d %b\n" % (at, frame)) for at, frame in networks.whole if frame in received]
    lines += [(f.time_ns, _answer(f)) for f in frames if f.snapshot_of]
    path = directory / "one-line.txt"
    path.write_bytes(b"".join(line for _, line in sorted(lines, key=lambda each: each[0])))
    return Recording({exchange: [path]})


def _answer(snapshot: RecordedFrame) -> bytes:
    at = b"%d.%09d" % divmod(snapshot.time_ns, 10**9)
    return b"http://venue/depth?symbol=%b -> %b: %b\n" % (snapshot.snapshot_of.encode(), at, snapshot.payload)


@pytest.mark.slow
@pytest.mark.parametrize("exchange", ["binance", "binanceusdm", "okx"])
@on_uvloop
async def test_what_each_line_has_lost_a_replay_takes_from_the_other_again(tmp_path, exchange):
    async with market(3_000, of_lines(2, exchange)) as exchanges, Networks(exchanges, exchange) as networks:
        networks.first.meddle, networks.second.meddle = loses(0), loses(1)
        session = networks.session(tmp_path)
        async with exchanges.running(session):
            await until_more(session, 1_000)
            await until(lambda: all_trusted(session))
            await networks.fall_silent(session)
    live = live_states(session)
    assert all(state.is_trusted for state in live.values())
    assert {line for line, count in by_line(tmp_path).items() if count > 200} == set(TWO)
    assert replayed_states(recording_in(tmp_path)) == live
    one_line = replayed_states(as_one_line(networks, tmp_path, exchange))
    assert {book: state[:2] for book, state in one_line.items()} == {book: state[:2] for book, state in live.items()}


@on_uvloop
async def test_a_line_that_breaks_and_comes_back_by_the_other_way_does_so_in_the_replay(tmp_path):
    async with market(3_000, of_lines(2, "binance")) as exchanges, Networks(exchanges, "binance") as networks:
        session = networks.session(tmp_path)
        async with exchanges.running(session):
            await until(lambda: session.recorded.figures().exchanges["binance"].lines_up == len(TWO))
            networks.first.drop_all()
            await until(lambda: session.recorded.figures().exchanges["binance"].lines_up == 1)
            assert all_trusted(session)
            await until(lambda: session.recorded.figures().exchanges["binance"].lines_up == len(TWO))
            await until_more(session, 500)
        figures = session.recorded.figures().exchanges["binance"]
    assert (figures.line_breaks, figures.refused) == (1, 0)
    told = [(r.line, r.up) for r in kept(tmp_path) if isinstance(r, RecordedLine) and r.reason != BEGINS]
    assert sorted(told[:2]) == [(0, True), (1, True)]
    assert told[2:] == [(0, False), (0, True)]
    assert replayed_states(recording_in(tmp_path)) == live_states(session)


@on_uvloop
async def test_a_line_that_is_replaced_in_time_goes_on_under_the_spare_number(tmp_path):
    async with market(3_000, of_lines(1, "binance")) as exchanges:
        session = exchanges.session(Settings(tmp_path))
        async with exchanges.running(session):
            for connection in exchanges.venues["binance"].front.connections:
                connection.announce_shutdown(time_ns() // 1_000_000)
            await until(lambda: 0 not in session.recorded.lines_up["binance"])
            await until_more(session, 500)
        assert session.recorded.figures().exchanges["binance"].line_breaks == 0
    (segment,) = segments_in(tmp_path)["binance"]
    assert read_head(next(read_segment(segment))).lines == 2
    assert {line for line, count in by_line(tmp_path).items() if count > 50} == {0, 1}
    assert replayed_states(recording_in(tmp_path)) == live_states(session)


def test_in_a_part_of_a_recording_a_line_is_up_once_it_brings_something(tmp_path):
    """No record in it says that one came up."""
    frames = list(synthetic_recording.market(3, 200, venues=["binance"], symbols=["BTCUSDT"]))
    head = SegmentHead(format=2, exchange="binance", session="s", segment=4, version="0", instruments=(), lines=3)
    segments = Segments(tmp_path, lambda _number: head, Rotation())
    for number, frame in enumerate(frames):
        if frame.is_snapshot:
            records = [snapshot_record(frame.time_ns, frame.symbol, frame.payload)]
        else:
            lost_on = number % 9 - 2  # on line 1, on line 2, or on neither
            records = [frame_record(frame.time_ns, frame.payload, line) for line in (1, 2) if line != lost_on]
        segments.append(b"".join(records), frame.time_ns)
    segments.close()
    (part,) = replayed_states(recording_in(tmp_path)).values()
    whole = synthetic_recording.write(tmp_path / "whole.txt", iter(frames), "binance", "BTCUSDT")
    assert part.is_trusted
    assert [part] == list(replayed_states(Recording({"binance": [whole]})).values())


@on_uvloop
async def test_the_tables_say_by_which_line_each_row_came(tmp_path):
    async with market(3_000, of_lines(2, "binance")) as exchanges, Networks(exchanges, "binance") as networks:
        networks.first.meddle, networks.second.meddle = loses(0), loses(1)
        session = networks.session(tmp_path)
        async with exchanges.running(session):
            await until_more(session, 1_000)
    brought = {r.time_ns: r.line for r in kept(tmp_path) if isinstance(r, RecordedFrame)}
    answers = {r.time_ns for r in kept(tmp_path) if isinstance(r, RecordedFrame) and r.snapshot_of}
    rebuild_tables(tmp_path, str(tmp_path / "rebuilt"), CONFIG, lambda _: None)
    for table in (TOP_OF_BOOK, TRADES):
        rows = lines_of(tmp_path / "parquet", table)
        assert {line for _, line in rows} >= set(TWO)
        assert all(line == (None if at in answers else brought[at]) for at, line in rows)
        assert lines_of(tmp_path / "rebuilt", table) == rows


def lines_of(place: Path, table: str) -> list[tuple[int, int | None]]:
    """(receive time, line) of every row."""
    parts = [parquet.read_table(path) for path in sorted((place / table).iterdir())]
    columns = ((part["receive_time"].cast("int64").to_pylist(), part["line"].to_pylist()) for part in parts)
    return sorted(chain.from_iterable(zip(*each, strict=True) for each in columns))


@pytest.mark.slow
@on_uvloop
async def test_a_user_replays_it_like_any_other(tmp_path):
    async with market(3_000, of_lines(2, "binance")) as exchanges, Networks(exchanges, "binance") as networks:
        networks.first.meddle, networks.second.meddle = loses(0), loses(1)
        session = networks.session(tmp_path / "recording")
        async with exchanges.running(session):
            await until_more(session, 500)
    figures = await asyncio.to_thread(figures_of, tmp_path)
    assert figures["frames"]["binance"] == by_line(tmp_path / "recording").total() + 2
    assert all(book["trusted"] for book in figures["books"]["binance"].values())
    assert not figures["refused"]["binance"]


def figures_of(folder: Path) -> Any:
    done = CliRunner().invoke(app, [str(folder / "recording"), "--direct", "--json", str(folder / "figures.json")])
    assert done.exit_code == 0, done.output
    return json.loads((folder / "figures.json").read_text())
