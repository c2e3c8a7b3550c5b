"""A recording replays to the very books that the recorder had, whatever happened to its lines, its disk and itself."""

from __future__ import annotations

import resource
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from graphwiz_trader.assembly.rebuilt_tables import rebuild_tables
from graphwiz_trader.assembly.recorder import RecordingSession, Settings
from graphwiz_trader.backtest.recordings import Recording
from graphwiz_trader.backtest.survey import wires
from graphwiz_trader.config import HftConfig
from graphwiz_trader.recording.errors import RecorderError, RecorderFullError
from graphwiz_trader.recording.reader import read_segment, segments_in
from graphwiz_trader.recording.segments import Rotation
from graphwiz_trader.venues.simulated import Credentials
from recording.sessions import (
    CONFIG,
    EXCHANGES,
    all_trusted,
    live_states,
    market,
    recording_in,
    replayed_states,
    until,
    until_more,
)
from venues.binance.binary import KEY, PEM
from venues.harness import on_uvloop


def reasons(directory: Path, exchange: str, kind: str) -> list[str]:
    return [r.payload.decode() for p in segments_in(directory)[exchange] for r in read_segment(p) if r.kind == kind]


@on_uvloop
async def test_books_after_a_replay_are_the_recorder_s_level_by_level(tmp_path):
    async with market() as exchanges, exchanges.recording(Settings(tmp_path)) as session:
        await until_more(session, 3_000)
    live = live_states(session)
    assert len(live) == 4
    assert all(state.is_trusted and len(state.levels[0]) > 5 for state in live.values())
    assert replayed_states(recording_in(tmp_path)) == live


@on_uvloop
async def test_coinm_is_recorded_and_replayed_like_the_others(tmp_path):
    config = HftConfig.model_validate({"market_data": {"exchanges": {"binancecoinm": {"symbols": ["BTC/USD"]}}}})
    async with market(config=config) as exchanges, exchanges.recording(Settings(tmp_path)) as session:
        await until_more(session, 1_000)
    live = live_states(session)
    assert set(live) == {("binancecoinm", "BTC/USD")}
    assert replayed_states(recording_in(tmp_path)) == live


@on_uvloop
async def test_binary_streams_are_recorded_as_they_came_and_replayed_by_the_wire_that_the_segments_name(tmp_path):
    config = HftConfig.model_validate({"market_data": {"exchanges": {"binance": {"format": "sbe"}}}})
    settings = Settings(tmp_path, str(tmp_path / "tables"))
    async with (
        market(config=config, account=Credentials(KEY, PEM)) as exchanges,
        exchanges.recording(settings) as session,
    ):
        exchanges.venues["binance"].disconnect_all()
        await until(lambda: session.recorded.line_breaks["binance"] == 1)
        await until(lambda: all_trusted(session))
        await until_more(session, 1_000)
    live = live_states(session)
    recording = recording_in(tmp_path)
    assert wires(recording) == {"binance": "binance-sbe"}
    assert session.recorded.figures().exchanges["binance"].refused == 0
    assert replayed_states(recording) == live
    made = rebuild_tables(tmp_path, str(tmp_path / "again"), config, lambda _: None)
    assert made.rows == session.recorded.figures().tables.rows
    assert not any(KEY.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


@on_uvloop
async def test_lines_that_break_and_frames_that_are_missing_replay_as_they_happened(tmp_path):
    async with market() as exchanges, exchanges.recording(Settings(tmp_path)) as session:
        exchanges.venues["binance"].disconnect_all()
        await until(lambda: session.recorded.line_breaks["binance"] == 1)
        exchanges.venues["binanceusdm"].faults.drop_depth("BTCUSDT", 1)
        await until(lambda: session.recorded.figures().exchanges["binanceusdm"].refused == 1)
        await until(lambda: all_trusted(session))
        await until_more(session, 500)
    assert reasons(tmp_path, "binance", "up") == ["connected", "connected"]
    assert len(reasons(tmp_path, "binance", "down")) == 1  # that the session ended is no broken line
    assert replayed_states(recording_in(tmp_path)) == live_states(session)


@on_uvloop
async def test_a_segment_that_is_not_the_first_can_be_replayed_alone(tmp_path):
    def with_snapshots() -> list[Path]:
        """The segments that are neither the first nor being written, and hold snapshots of all books."""
        segments = segments_in(tmp_path).get("binanceusdm", [])
        return [p for p in segments[1:-1] if {record.symbol for record in read_segment(p)} >= {"BTCUSDT", "ETHUSDT"}]

    rotation = Rotation(bytes=200_000)
    async with market() as exchanges, exchanges.recording(Settings(tmp_path, rotation=rotation)) as session:
        await until(lambda: bool(with_snapshots()))
        await until_more(session, 500)
    live = live_states(session)
    assert replayed_states(recording_in(tmp_path)) == live
    states = replayed_states(Recording({"binanceusdm": with_snapshots()[:1]}))
    assert all(len(state.levels[0]) > 5 for state in states.values())


@on_uvloop
async def test_a_second_session_in_the_same_directory_continues_the_recording(tmp_path):
    async with market() as exchanges:
        async with exchanges.recording(Settings(tmp_path)) as first:
            await until_more(first, 500)
        async with exchanges.recording(Settings(tmp_path)) as second:
            await until_more(second, 500)
    assert replayed_states(recording_in(tmp_path)) == live_states(second)


@on_uvloop
async def test_two_recorders_in_one_directory_are_refused(tmp_path):
    async with market() as exchanges, exchanges.recording(Settings(tmp_path)):
        with pytest.raises(RecorderError, match="another recorder"):
            await RecordingSession(CONFIG, {}, Settings(tmp_path)).run()


@on_uvloop
async def test_what_a_slow_disk_could_not_take_is_counted_and_replays_as_a_broken_line(tmp_path):
    settings = Settings(tmp_path, queue_bytes=600_000)
    async with market() as exchanges, exchanges.recording(settings) as session:
        segments = session.recorded.raw.streams["binance"].segments
        ready, append = threading.Event(), segments.append

        def wait_and_append(block: bytes, time_ns: int) -> None:
            assert ready.wait(30)
            append(block, time_ns)

        segments.append = wait_and_append
        await until(lambda: session.recorded.figures().exchanges["binance"].lost > 100)
        ready.set()
        await until(lambda: session.recorded.line_breaks["binance"] > 0 and all_trusted(session))
        await until_more(session, 500)
    figures = session.recorded.figures()
    assert not figures.is_complete
    assert reasons(tmp_path, "binance", "down")[0].startswith("the disk was behind: ")
    assert replayed_states(recording_in(tmp_path)) == live_states(session)


@pytest.fixture
def files_of_at_most_64_kib() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("files_of_at_most_64_kib")
@on_uvloop
async def test_a_full_disk_ends_the_recording_with_an_error_and_what_was_written_replays(tmp_path):
    async with market() as exchanges:
        with pytest.raises(RecorderFullError, match="every block written before is readable"):
            await exchanges.session(Settings(tmp_path)).run()
    recording = recording_in(tmp_path)
    assert set(replayed_states(recording)) == {(e, s) for e in EXCHANGES for s in ("BTC/USDT", "ETH/USDT")}
    assert not recording.damaged


@on_uvloop
async def test_an_exchange_without_an_address_is_an_error_that_names_it(tmp_path):
    with pytest.raises(RecorderError, match="no address for binance, binanceusdm"):
        await RecordingSession(CONFIG, {}, Settings(tmp_path)).run()
