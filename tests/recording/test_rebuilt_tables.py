"""A recording's tables can be made again from its raw frames, at any place, by a session that knows nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from graphwiz_trader.assembly.rebuilt_tables import rebuild_tables
from graphwiz_trader.assembly.recorder import RecordingSession, Settings
from graphwiz_trader.cli.tables import app
from graphwiz_trader.config import ExchangeConfig, HftConfig, MarketDataConfig
from graphwiz_trader.recording.errors import RecorderError
from graphwiz_trader.recording.reader import read_head, read_segment, segments_in
from graphwiz_trader.recording.tables import TOP_OF_BOOK, TRADES
from graphwiz_trader.venues.base import Endpoints
from recording.sessions import CONFIG, live_states, market, recording_in, replayed_states, until_more
from venues.harness import on_uvloop


def rows(place: Path, table: str) -> list[str]:
    """Every row as text, in the order received."""
    parts = [parquet.read_table(path) for path in sorted((place / table).iterdir())]
    told = [row for part in parts for row in part.cast(_plain(part.schema)).to_pylist()]
    return sorted(map(str, told))


def _plain(schema):
    """Times as whole numbers: Python's own hold no nanoseconds."""
    import pyarrow as pa

    return pa.schema([(f.name, pa.int64() if pa.types.is_timestamp(f.type) else f.type) for f in schema])


@on_uvloop
async def test_they_are_the_very_rows_that_were_written_while_recording(tmp_path):
    settings = Settings(tmp_path / "recording", parquet=str(tmp_path / "written"))
    async with market() as exchanges, exchanges.recording(settings) as session:
        await until_more(session, 2_000)
    made = rebuild_tables(tmp_path / "recording", str(tmp_path / "rebuilt"), CONFIG, lambda _: None)
    assert not made.lost
    assert not made.damaged
    for table in (TOP_OF_BOOK, TRADES):
        written = rows(tmp_path / "written", table)
        assert made.rows[table] == len(written) > 50
        assert rows(tmp_path / "rebuilt", table) == written


@on_uvloop
async def test_they_replace_those_that_are_there_and_leave_other_sessions_alone(tmp_path):
    for _ in range(2):
        async with market() as exchanges, exchanges.recording(Settings(tmp_path)) as session:
            await until_more(session, 300)
    top = tmp_path / "parquet" / TOP_OF_BOOK
    top.mkdir(parents=True)
    (top / f"{session.name}-000007.parquet").write_text("of a former writing in more parts")
    (top / "somebody-000007.parquet").write_text("another's")
    done = CliRunner().invoke(app, [str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "top_of_book: " in done.output
    left = sorted(path.name for path in top.iterdir())
    assert len(left) == 3
    assert left[-1] == "somebody-000007.parquet"
    assert f"{session.name}-000000.parquet" in left


@on_uvloop
async def test_what_a_killed_recorder_has_left_is_used_up_to_its_end(tmp_path):
    async with market() as exchanges, exchanges.recording(Settings(tmp_path)) as session:
        await until_more(session, 2_000)
    (segment,) = segments_in(tmp_path)["binance"]
    segment.write_bytes(segment.read_bytes()[:-100])
    made = rebuild_tables(tmp_path, "memory://torn", CONFIG, lambda _: None)
    assert list(made.damaged) == [segment]
    assert made.rows[TOP_OF_BOOK] > 100


@pytest.mark.slow
@on_uvloop
async def test_an_exchange_behind_ccxt_is_recorded_and_replayed_in_the_words_that_it_says(tmp_path):
    async with market(rate_per_s=300) as exchanges:
        at = exchanges.endpoints["binance"]
        config = HftConfig(
            market_data=MarketDataConfig(exchanges={"binanceus": ExchangeConfig(symbols=("BTC/USDT", "ETH/USDT"))})
        )
        endpoints = {"binanceus": Endpoints(at.rest, f"{at.stream}/stream", "")}
        session = RecordingSession(config, endpoints, Settings(tmp_path))
        async with exchanges.running(session):
            await until_more(session, 100)
    (segment,) = segments_in(tmp_path)["binanceus"]
    head = read_head(next(read_segment(segment)))
    assert (head.wire, head.spoken) == ("ccxt", "ccxt")
    assert replayed_states(recording_in(tmp_path)) == live_states(session)
    made = rebuild_tables(tmp_path, str(tmp_path / "rebuilt"), config, lambda _: None)
    assert made.rows[TOP_OF_BOOK] > 25
    assert {row for row in rows(tmp_path / "rebuilt", TOP_OF_BOOK) if "'binanceus'" not in row} == set()


def test_a_directory_without_a_recording_says_what_was_expected(tmp_path):
    with pytest.raises(RecorderError, match="holds no recording"):
        rebuild_tables(tmp_path, "memory://none", CONFIG, lambda _: None)
