"""``graphwiz replay``: figures of a small recording, a journal's second life, and what is said about a wrong source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

import synthetic_recording
from graphwiz_trader.backtest.recordings import RecordingError
from graphwiz_trader.cli.replay import app
from graphwiz_trader.hft.events import RecordKind
from graphwiz_trader.journal.errors import JournalMissingError
from graphwiz_trader.journal.writer import JournalWriter

FIGURES = {"frames", "refused", "books", "opportunities", "orders", "fills", "pnl", "decision_hash"}


def replay(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def failure(*arguments: object) -> BaseException:
    result = replay(*arguments)
    assert result.exception is not None, result.output
    return result.exception


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Fees low enough that the small market has something to decide."""
    exchanges = "".join(f"      {e}: {{enabled: true, taker_fee_ppm: 100}}\n" for e in synthetic_recording.VENUES)
    path = tmp_path / "hft.yaml"
    path.write_text(f"hft:\n  market_data:\n    exchanges:\n{exchanges}")
    return path


@pytest.fixture
def files(tmp_path: Path) -> dict[tuple[str, str], Path]:
    """A small market as four files, by exchange and symbol."""
    found = {}
    for exchange in synthetic_recording.VENUES:
        for symbol in synthetic_recording.SYMBOLS:
            path = tmp_path / f"{exchange}-{symbol}.jsonl"
            found[exchange, symbol] = synthetic_recording.write(
                path, synthetic_recording.market(5, 300), exchange, symbol
            )
    return found


def sources(files: dict[tuple[str, str], Path]) -> list[str]:
    return [f"{exchange}={path}" for (exchange, _), path in files.items()]


def figures_of(tmp_path: Path, *arguments: object) -> dict[str, Any]:
    result = replay(*arguments, "--json", tmp_path / "figures.json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads((tmp_path / "figures.json").read_text())
    return found


def test_the_figures_hold_what_they_promise(tmp_path: Path, files: dict[tuple[str, str], Path], config: Path) -> None:
    figures = figures_of(tmp_path, *sources(files), "--config", config)
    assert figures.keys() >= FIGURES
    assert figures["frames"].keys() == figures["refused"].keys() == {"binance", "binanceusdm"}
    assert figures["orders"] > 0
    assert set(figures["pnl"]) == {"realised", "unrealised", "fees", "net"}
    assert all(isinstance(amount, str) for amount in figures["pnl"].values())
    for exchange in ("binance", "binanceusdm"):
        assert list(figures["books"][exchange]) == ["BTC/USDT", "ETH/USDT"]
        for book in figures["books"][exchange].values():
            assert book["trusted"] is True
            assert 0 < len(book["bids"]) <= 50
            bids, asks = ([(float(price), float(size)) for price, size in book[side]] for side in ("bids", "asks"))
            assert all(isinstance(text, str) for level in book["bids"] for text in level)
            assert bids == sorted(bids, reverse=True)
            assert asks == sorted(asks)
            assert bids[0] < asks[0]


def test_the_same_files_give_the_same_figures(tmp_path: Path, files: dict[tuple[str, str], Path], config: Path) -> None:
    once, twice = (figures_of(tmp_path, *sources(files), "--direct", "--config", config) for _ in range(2))
    assert {**once, "seconds": 0} == {**twice, "seconds": 0}


def test_a_later_file_continues_an_earlier_one(tmp_path: Path) -> None:
    whole = synthetic_recording.write(tmp_path / "whole", synthetic_recording.market(5, 200), "binance", "BTCUSDT")
    lines = whole.read_bytes().splitlines(keepends=True)
    (tmp_path / "early").write_bytes(b"".join(lines[:50]))
    (tmp_path / "late").write_bytes(b"".join(lines[50:]))
    parts = figures_of(tmp_path, f"binance={tmp_path / 'late'}", f"binance={tmp_path / 'early'}")
    assert parts["books"] == figures_of(tmp_path, f"binance={whole}")["books"]
    assert parts["books"]["binance"]["BTC/USDT"]["trusted"]


def test_figures_go_to_standard_output_alone_when_asked_for(files: dict[tuple[str, str], Path]) -> None:
    result = CliRunner().invoke(app, [*sources(files), "--json", "-"])
    assert json.loads(result.stdout).keys() >= FIGURES


def test_a_table_tells_people_the_same(files: dict[tuple[str, str], Path]) -> None:
    output = replay(*sources(files)).output
    for word in ("Books at the end", "BTC/USDT", "opportunities", "fills", "pnl net", "decision hash"):
        assert word in output


def test_a_recording_of_noise_alone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "noise"
    path.write_bytes(bytes(range(256)) * 100)
    error = failure(f"binance={path}")
    assert isinstance(error, RecordingError)
    assert "no frame names a symbol; expected lines" in str(error)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("binanc={file}", "unknown exchange binanc in .*; did you mean binance"),
        ("kraken={file}", "unknown exchange kraken in .*; allowed: binance"),
        ("binance=", "'binance=' is not there; expected EXCHANGE=FILE, e.g."),
        ("binance={file}.missing", r"missing: no such recording; expected a file of frames, plain, \.gz or \.zst"),
    ],
)
def test_a_wrong_source_is_told_with_what_was_expected(tmp_path: Path, source: str, says: str) -> None:
    path = tmp_path / "frames"
    path.write_bytes(b"")
    error = failure(source.format(file=path))
    assert isinstance(error, RecordingError)
    with pytest.raises(RecordingError, match=says):
        raise error


def test_a_source_without_an_equals_sign_among_several_is_told_what_one_looks_like(tmp_path: Path) -> None:
    path = tmp_path / "frames"
    path.write_bytes(b"")
    error = failure(path, f"binance={path}")
    assert isinstance(error, RecordingError)
    assert "expected EXCHANGE=FILE" in str(error)


def test_a_single_source_without_an_equals_sign_is_a_journal_and_says_so_when_it_is_none(tmp_path: Path) -> None:
    assert isinstance(failure(tmp_path / "nowhere"), JournalMissingError)


def test_frames_that_are_all_refused_are_said_to_be(tmp_path: Path, files: dict[tuple[str, str], Path]) -> None:
    in_tenths = tmp_path / "in_tenths.jsonl"
    lines = next(iter(files.values())).read_text().splitlines()
    in_tenths.write_text("".join(f"{line[:11]} {line[20:]}\n" for line in lines))
    output = " ".join(replay(f"binance={in_tenths}").output.split())
    assert "every frame of binance was refused; expected lines `<receive time in ns> <frame>`" in output


def test_snapshots_of_nobody_in_a_file_of_several_symbols_are_said_to_be_unused(
    tmp_path: Path, files: dict[tuple[str, str], Path]
) -> None:
    spot = [path for (exchange, _), path in files.items() if exchange == "binance"]
    other = spot[0].read_text().replace("BTCUSDT", "XRPUSDT").replace("btcusdt", "xrpusdt")
    both = tmp_path / "both.jsonl"
    both.write_text("".join(sorted((spot[0].read_text() + other).splitlines(keepends=True))))
    output = " ".join(replay(f"binance={both}").output.split())
    assert "2 snapshots of binance do not say whose they are" in output
    assert "give each symbol a file of its own" in output


def test_two_ways_at_once_are_refused(files: dict[tuple[str, str], Path]) -> None:
    result = replay(*sources(files), "--direct", "--through", "sockets")
    assert result.exit_code == 2
    assert "choose one of --through sockets and --direct" in result.output


# A journal as the source


def journal_of(files: dict[tuple[str, str], Path], directory: Path, *, decided: bytes = b"") -> Path:
    """The journal of a direct replay; ``decided`` is appended as a decision that the engine did not take."""
    from graphwiz_trader.assembly.replays import direct_replay
    from graphwiz_trader.backtest.recordings import Recording
    from graphwiz_trader.backtest.survey import survey
    from graphwiz_trader.config import HftConfig

    by_exchange: dict[str, list[Path]] = {}
    for (exchange, _), path in files.items():
        by_exchange.setdefault(exchange, []).append(path)
    recording = Recording(by_exchange)
    instruments = survey(recording, dict.fromkeys(synthetic_recording.VENUES, (0, 100)), lambda frames: None)
    writer = JournalWriter(directory, session=directory.name, segment_bytes=1 << 20)
    direct_replay(HftConfig(), instruments, latency_ms=1.0, recorder=writer).run(recording, lambda frames: None)
    if decided:
        writer.append(RecordKind.DECISION, 0, 0, decided)
    writer.append(RecordKind.END, 0, 0, b'{"reason":"test"}')
    writer.close()
    return directory


def test_a_journal_decides_again_what_it_decided(tmp_path: Path, files: dict[tuple[str, str], Path]) -> None:
    figures = figures_of(tmp_path, journal_of(files, tmp_path / "session"))
    assert figures["same_decisions"] is True
    assert figures["recorded_decision_hash"] == figures["decision_hash"]
    assert figures["recorded_decisions"] == figures["decisions"] > 0


def test_a_journal_of_other_decisions_fails(tmp_path: Path, files: dict[tuple[str, str], Path]) -> None:
    result = replay(journal_of(files, tmp_path / "session", decided=b"{}"))
    assert result.exit_code == 1
    assert "the engine decided otherwise than the journal says" in result.output
