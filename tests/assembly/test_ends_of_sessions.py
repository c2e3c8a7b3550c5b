"""How sessions end and begin again: no order stays open behind one, whatever ended it; nobody shares its directory."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from assembly.storm import Storm, quick, storm, weather_out
from assembly.test_modes import EXCHANGES, count, trade
from graphwiz_trader.assembly.session import TradingSession
from graphwiz_trader.assembly.warmup import warm_up
from graphwiz_trader.config import HftConfig
from graphwiz_trader.hft.events import RecordKind
from graphwiz_trader.hft.strategies.base import HFTStrategy
from graphwiz_trader.journal.breaker import BreakerFile
from graphwiz_trader.journal.data_lock import data_dir_lock
from graphwiz_trader.journal.errors import DataDirInUseError, JournalFullError
from graphwiz_trader.journal.layout import Record
from graphwiz_trader.journal.writer import JournalWriter
from graphwiz_trader.venues.base import Endpoints
from venues.simulated.clients import serving

__all__ = ["quick"]


@pytest.fixture(autouse=True, scope="module")
def _compiled() -> None:
    warm_up(lambda *_: None)


# One trader a directory


def test_a_second_session_in_a_data_directory_is_refused_while_the_first_one_runs(tmp_path: Path) -> None:
    async def run() -> None:
        async with serving(*EXCHANGES) as exchange:
            config = HftConfig.model_validate({"mode": "shadow", "data_dir": tmp_path})
            endpoints = {name: Endpoints(urls.rest, urls.stream, "") for name, urls in exchange.urls.items()}
            first, second, third = (TradingSession(config, endpoints, {}) for _ in range(3))
            running = asyncio.create_task(first.run())
            while not first.directory.exists():
                await asyncio.sleep(0.01)
            with pytest.raises(DataDirInUseError, match=f"in use by session {first.name}, process "):
                await second.run()
            assert not second.directory.exists()
            first.stop("seen")
            await running
            assert await third.run(0.01) == "0.01 s are over"

    weather_out(run)


def test_a_lock_is_gone_with_its_holder_and_its_file_stays(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), data_dir_lock(tmp_path / "var", "one"):
        raise ZeroDivisionError
    with data_dir_lock(tmp_path / "var", "two"), pytest.raises(DataDirInUseError, match="two"):
        data_dir_lock(tmp_path / "var", "three").__enter__()


# The end


async def until_something_rests(found: Storm) -> None:
    await found.until(lambda: bool(found.open_at_venues()), "an order rests at a venue")


def test_a_strategy_that_fails_ends_the_session_and_leaves_no_order_open(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    async def run() -> None:
        async with storm(tmp_path, ends_with=ZeroDivisionError) as found:
            await until_something_rests(found)
            monkeypatch.setattr(HFTStrategy, "may_act", fail)
            await found.until(lambda: not found.open_at_venues(), "every order is cancelled")

    weather_out(run)


def test_a_full_disk_ends_the_session_and_leaves_no_order_open(
    tmp_path: Path, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise JournalFullError("the disk is full")

    async def run() -> None:
        async with storm(tmp_path, ends_with=JournalFullError) as found:
            await until_something_rests(found)
            monkeypatch.setattr(JournalWriter, "append", fail)
            await found.until(lambda: not found.open_at_venues(), "every order is cancelled")

    weather_out(run)


# The breaker


def test_a_breaker_that_trips_amid_legs_cancels_everything_and_leaves_no_leg_unrecorded(
    tmp_path: Path, quick: None
) -> None:
    async def run() -> None:
        async with storm(tmp_path) as found:
            await until_something_rests(found)
            found.trip()
            placed = found.core.executor.placed
            await found.until(lambda: not found.open_at_venues(), "every order is cancelled")
            await found.until(lambda: not found.core.executor.open_orders(), "every order has ended")
            assert found.core.executor.placed == placed, "not even what would put legs right is sent"

    weather_out(run)
    assert BreakerFile(tmp_path).read().tripped == "a test"


def test_an_open_breaker_outlives_its_session_and_a_person_closes_it_while_the_next_one_runs(tmp_path: Path) -> None:
    file = BreakerFile(tmp_path)
    file.trip("a loss of yesterday")

    def refused_until_it_is_reset(seen: list[Record]) -> bool:
        if count(seen, RecordKind.RISK) >= 3 and file.read().tripped:
            assert count(seen, RecordKind.ORDER) == 0
            file.reset(by="a person", reason="looked into it")
        return count(seen, RecordKind.ORDER) > 0

    records, _ = trade(tmp_path, "shadow", refused_until_it_is_reset)
    kinds = [record.kind for record in records]
    assert kinds.index(RecordKind.COMMAND) < kinds.index(RecordKind.ORDER)
