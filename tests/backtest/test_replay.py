"""Replays as a whole: the same recording gives the same figures, and its journal the same decisions again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import recordings
import synthetic_recording
from graphwiz_trader.assembly.replays import JournalReplay, direct_replay, journal_replay
from graphwiz_trader.backtest.recordings import Recording, RecordingError
from graphwiz_trader.backtest.survey import survey
from graphwiz_trader.config import HftConfig
from graphwiz_trader.hft.events import Recorder, RecordKind
from graphwiz_trader.journal.reader import JournalReader
from graphwiz_trader.journal.writer import JournalWriter

FEES = {"binance": (0, 100), "binanceusdm": (0, 100)}
CONFIG = HftConfig.model_validate(
    {"strategies": {"statistical_arbitrage": {"lookback_period": 10, "z_score_threshold": 1.5}}}
)


def _nothing(frames: int) -> None:
    """Nobody watches."""


def _recording(directory: Path, seed: int = 1, updates: int = 300, *, troubles: bool = False) -> Recording:
    """A synthetic market as four files, one a book."""
    files: dict[str, list[Path]] = {}
    for exchange in synthetic_recording.VENUES:
        for symbol in synthetic_recording.SYMBOLS:
            frames = synthetic_recording.market(seed, updates, troubles=troubles)
            path = synthetic_recording.write(directory / f"{exchange}-{symbol}", frames, exchange, symbol)
            files.setdefault(exchange, []).append(path)
    return Recording(files)


def _replay(recording: Recording, recorder: Recorder | None = None, latency_ms: float = 1.0) -> dict[str, Any]:
    instruments = survey(recording, FEES, _nothing)
    figures = direct_replay(CONFIG, instruments, latency_ms=latency_ms, recorder=recorder).run(recording, _nothing)
    return {**figures, "seconds": 0}


def _journaled(recording: Recording, directory: Path) -> dict[str, Any]:
    writer = JournalWriter(directory, session="replay", segment_bytes=1 << 20)
    figures = _replay(recording, writer)
    writer.append(RecordKind.END, 0, 0, b'{"reason":"the end"}')
    writer.close()
    return figures


def test_a_replay_decides_trades_and_ends_with_trusted_books(tmp_path: Path) -> None:
    figures = _replay(_recording(tmp_path))
    assert figures["decisions"] > 10
    assert figures["fills"] > 10
    assert figures["opportunities"] > 0
    assert figures["refused"] == {"binance": 0, "binanceusdm": 0}
    assert all(book["trusted"] for symbols in figures["books"].values() for book in symbols.values())


def test_the_books_at_the_end_are_the_venues_last(tmp_path: Path) -> None:
    *_, last = (
        f for f in synthetic_recording.market(1, 300) if f.exchange == "binance" and b"depthUpdate" in f.payload
    )
    figures = _replay(_recording(tmp_path))
    symbol = last.symbol.replace("USDT", "/USDT")
    shown = figures["books"]["binance"][symbol]
    assert len(shown["bids"]) == len(shown["asks"]) == 5
    for price, size in shown["bids"] + shown["asks"]:
        assert f'["{price}","{size}"]'.encode() in last.payload


@pytest.mark.parametrize("troubles", [False, True])
def test_the_same_recording_gives_the_same_figures_every_time(tmp_path: Path, troubles: bool) -> None:
    recording = _recording(tmp_path, troubles=troubles)
    assert _replay(recording) == _replay(recording)


def test_another_latency_gives_other_fills_of_the_same_market(tmp_path: Path) -> None:
    recording = _recording(tmp_path)
    quick, slow = _replay(recording, latency_ms=0.0), _replay(recording, latency_ms=50.0)
    assert quick["books"] == slow["books"]
    assert quick["pnl"] != slow["pnl"]


def test_every_frame_is_counted_and_every_bad_one_is_refused(tmp_path: Path) -> None:
    frames = list(synthetic_recording.market(3, 400, troubles=True))
    figures = _replay(_recording(tmp_path, 3, 400, troubles=True))
    assert figures["frames"] == {e: sum(f.exchange == e for f in frames) for e in synthetic_recording.VENUES}
    assert min(figures["refused"].values()) > 0
    assert not any("NOSUCH" in symbol for symbols in figures["books"].values() for symbol in symbols)
    assert figures["decisions"] > 0


def test_progress_adds_up_to_the_frames(tmp_path: Path) -> None:
    told: list[int] = []
    recording = _recording(tmp_path, updates=2_500)
    instruments = survey(recording, FEES, _nothing)
    figures = direct_replay(CONFIG, instruments, latency_ms=1.0).run(recording, told.append)
    assert 0 <= sum(figures["frames"].values()) - sum(told) < 1_000


# From the journal


def _again(directory: Path) -> JournalReplay:
    return journal_replay(directory, _nothing)


def test_a_replays_journal_gives_the_same_decisions_bit_for_bit(tmp_path: Path) -> None:
    figures = _journaled(_recording(tmp_path, troubles=True), tmp_path / "journal")
    again = _again(tmp_path / "journal")
    assert again.is_same
    assert again.recorded_hash == again.figures["decision_hash"] == figures["decision_hash"]
    assert again.recorded_decisions == figures["decisions"] > 0
    assert {**again.figures, "seconds": 0} == figures


def _rewritten(source: Path, target: Path, change: Callable[[int, int, bytes], bytes | None]) -> JournalReplay:
    """The journal with each payload as ``change(number, kind, payload)`` says; None leaves a record out."""
    writer = JournalWriter(target, session="other", segment_bytes=1 << 20)
    for number, (kind, line, time_ns, payload) in enumerate(JournalReader(source).records()):
        changed = change(number, kind, payload)
        if changed is not None:
            writer.append(kind, line, time_ns, changed)
    writer.close()
    return _again(target)


def test_a_journal_with_a_changed_input_or_decision_is_noticed(tmp_path: Path) -> None:
    _journaled(_recording(tmp_path), tmp_path / "journal")
    kinds = [record.kind for record in JournalReader(tmp_path / "journal").records()]
    first = {kind: kinds.index(kind) for kind in (RecordKind.DECISION, RecordKind.ORDER, RecordKind.SNAPSHOT)}

    def tampered(kind: RecordKind, change: Callable[[bytes], bytes | None]) -> bool:
        target = tmp_path / f"{kind.name}{len(list(tmp_path.iterdir()))}"
        chosen = first[kind]
        return not _rewritten(
            tmp_path / "journal", target, lambda number, _, payload: change(payload) if number == chosen else payload
        ).is_same

    assert not tampered(RecordKind.DECISION, lambda payload: payload)
    assert tampered(RecordKind.DECISION, lambda payload: payload.replace(b'"size_lots":', b'"size_lots":1'))
    assert tampered(RecordKind.DECISION, lambda payload: None)
    assert tampered(RecordKind.ORDER, lambda payload: payload.replace(b'"price_ticks":', b'"price_ticks":1'))
    assert tampered(RecordKind.SNAPSHOT, lambda payload: None)


def test_a_journal_that_does_not_begin_with_a_session_is_refused(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "journal", session="s", segment_bytes=1 << 16)
    writer.append(RecordKind.TIMER, 0, 1, b"")
    writer.close()
    with pytest.raises(RecordingError, match="does not begin with a session; it cannot be replayed"):
        _again(tmp_path / "journal")


# The real thing


@pytest.mark.recorded
@pytest.mark.slow
def test_the_recordings_of_2024_give_the_same_decisions_twice_and_once_more_from_the_journal(tmp_path: Path) -> None:
    files: dict[str, list[Path]] = {}
    for symbol in recordings.FOUR_OF_2024:
        files.setdefault(symbol.exchange, []).extend(recordings.need(name) for name in symbol.files)
    recording = Recording(files)
    once, twice = _replay(recording), _journaled(recording, tmp_path / "journal")
    assert once == twice
    assert once["frames"] == {"binance": 74_867, "binanceusdm": 168_609}
    assert once["refused"] == {"binance": 0, "binanceusdm": 0}
    assert [book["trusted"] for symbols in once["books"].values() for book in symbols.values()] == [True] * 4
    again = _again(tmp_path / "journal")
    assert again.is_same
    assert again.figures["books"] == once["books"]
    assert again.recorded_decisions == once["decisions"] > 1_000
