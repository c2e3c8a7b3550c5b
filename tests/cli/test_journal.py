"""``graphwiz journal``: what it prints, what it picks, what it says about a wrong path."""

from __future__ import annotations

import base64
import importlib.abc
import json
import sys
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from graphwiz_trader.cli.journal import app
from graphwiz_trader.errors import GraphwizError
from graphwiz_trader.hft.events import RecordKind
from graphwiz_trader.hft.records import ClockOffset, encode
from graphwiz_trader.journal.layout import segment_path
from graphwiz_trader.journal.writer import JournalWriter

START_NS = 1_723_118_400_000_000_000
"""2024-08-08 12:00 UTC."""
SECOND_NS = 1_000_000_000
FRAME = b'{"e":"depthUpdate","E":1723118400123}'
NOT_TEXT = bytes([0xFF, 0, 0xFE])


def write_session(directory: Path, *, start_ns: int = START_NS, seconds: int = 60) -> JournalWriter:
    """A session with a frame and an order every second; not closed yet."""
    writer = JournalWriter(directory, session=directory.name, segment_bytes=4096)
    writer.append(RecordKind.SESSION, 0, start_ns, b'{"mode":"simulated"}')
    for second in range(seconds):
        writer.append(RecordKind.MARKET_FRAME, 1, start_ns + second * SECOND_NS, FRAME)
        order = json.dumps({"client_id": f"x{second}", "legs": [1, 2]}).encode()
        writer.append(RecordKind.ORDER, 2, start_ns + second * SECOND_NS + 1, order)
    writer.append(RecordKind.ORDER_FRAME, 0, start_ns + seconds * SECOND_NS, NOT_TEXT)
    return writer


@pytest.fixture
def session(tmp_path) -> Path:
    directory = tmp_path / "journal" / "s1"
    write_session(directory).close()
    return directory


def journal(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def lines(*arguments: object) -> list[str]:
    result = journal("show", *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def json_lines(*arguments: object) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines(*arguments, "--json")]


def refusal(*arguments: object) -> str:
    result = journal(*arguments)
    assert isinstance(result.exception, GraphwizError), result.output
    return str(result.exception)


def test_show_prints_a_line_a_record_with_time_kind_source_and_summary(session):
    shown = lines(session)
    assert len(shown) == 122
    assert shown[0] == "2024-08-08T12:00:00.000000000Z SESSION         0 mode=simulated"
    assert shown[4] == "2024-08-08T12:00:01.000000001Z ORDER           2 client_id=x1 legs=[1,2]"
    assert FRAME.decode() in shown[1]


def test_show_says_how_a_venue_s_clock_stands(tmp_path):
    with closing(JournalWriter(tmp_path / "s2", session="s2")) as writer:
        writer.append(RecordKind.CLOCK, 1, START_NS, encode(ClockOffset(-1_270_000_000, 250_000)))
    (shown,) = lines(tmp_path / "s2", "--kind", "clock")
    assert shown.split()[1:] == ["CLOCK", "1", "offset_ns=-1270000000", "error_ns=250000"]


def test_show_as_json_has_frames_as_text_else_base64_and_our_own_payloads_as_json(session):
    shown = json_lines(session)
    assert shown[0]["payload"] == {"mode": "simulated"}
    assert shown[1] == {
        "time_ns": START_NS,
        "time": "2024-08-08T12:00:00.000000000Z",
        "kind": "MARKET_FRAME",
        "source": 1,
        "payload": FRAME.decode(),
    }
    assert shown[-1]["payload_base64"] == base64.b64encode(NOT_TEXT).decode()


def test_show_filters_by_kind_and_time(session):
    assert {line["kind"] for line in json_lines(session, "--kind", "order", "--kind", "order-frame")} == {
        "ORDER",
        "ORDER_FRAME",
    }
    between = json_lines(session, "--since", "2024-08-08T12:00:10", "--until", START_NS + 12 * SECOND_NS)
    assert [int(str(line["time_ns"])) - START_NS for line in between] == [
        10 * SECOND_NS,
        10 * SECOND_NS + 1,
        11 * SECOND_NS,
        11 * SECOND_NS + 1,
        12 * SECOND_NS,
    ]
    assert json_lines(session, "--since", "2024-08-08T14:00:10+02:00") == json_lines(
        session, "--since", "2024-08-08T12:00:10Z"
    )


def test_show_takes_the_first_or_the_last_few(session):
    everything = lines(session)
    assert lines(session, "--limit", 3) == everything[:3]
    assert lines(session, "--tail", 30) == everything[-30:]
    assert lines(session, "--tail", 1000) == everything
    assert lines(session, "--tail", 0) == []
    assert lines(session, "--tail", 2, "--kind", "ORDER") == [line for line in everything if " ORDER " in line][-2:]


def test_show_reads_one_segment_file(session):
    alone = lines(segment_path(session, 1))
    assert alone
    assert "\n".join(alone) in "\n".join(lines(session))


def test_following_a_closed_journal_ends_with_it(session):
    assert lines(session, "--follow") == lines(session)
    assert lines(session, "--follow", "--tail", 5) == lines(session, "--tail", 5)


def test_following_one_segment_names_the_directory_to_follow(session):
    assert str(session) in refusal("show", segment_path(session, 0), "--follow")


@pytest.mark.parametrize("where", ["", "journal", "journal/latest", "latest"])
def test_of_several_sessions_the_newest_is_taken_and_named(tmp_path, session, where):
    write_session(tmp_path / "journal" / "a-newer-one", start_ns=START_NS + 1, seconds=1).close()
    result = journal("show", tmp_path / where)
    assert len(result.stdout.splitlines()) == 4
    assert "a-newer-one: the newest of 2 sessions" in result.stderr


def test_deleted_segments_are_mentioned_and_the_rest_is_shown(session):
    segment_path(session, 0).unlink()
    result = journal("show", session)
    assert result.exit_code == 0
    assert "before 00000001 were deleted" in result.stderr
    assert result.stdout.splitlines()[-1].startswith("2024-08-08T12:01:00")


def test_wrong_paths_say_what_was_found_and_what_was_expected(tmp_path):
    (tmp_path / "notes.txt").write_text("my notes")
    assert "found notes.txt; expected a session's directory" in refusal("show", tmp_path)
    assert "begins with b'my notes', no journal segment; expected" in refusal("show", tmp_path / "notes.txt")
    assert f"nothing at {tmp_path}/missing; expected" in refusal("verify", tmp_path / "missing")


def test_wrong_options_say_what_is_allowed(session):
    assert "did you mean FILL" in refusal("show", session, "--kind", "FILS")
    assert "'soon' is no time; expected ISO 8601" in refusal("show", session, "--since", "soon")


def test_verify_counts_and_exits_with_0_for_an_intact_journal(session):
    result = journal("verify", session, "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert found["counts"] == {"SESSION": 1, "MARKET_FRAME": 60, "ORDER_FRAME": 1, "ORDER": 60}
    assert (found["records"], found["end"], found["intact"], found["damage"]) == (122, "closed", True, None)
    assert (found["first_time_ns"], found["last_time_ns"]) == (START_NS, START_NS + 60 * SECOND_NS)
    text = journal("verify", session).stdout
    assert "122 records" in text
    assert "intact, closed" in text


def test_verify_of_a_journal_being_written_says_so(tmp_path):
    with closing(write_session(tmp_path / "s", seconds=1)):
        assert json.loads(journal("verify", tmp_path / "s", "--json").stdout)["end"] == "writing"


def test_verify_of_one_segment_says_that_more_follows(session):
    assert json.loads(journal("verify", segment_path(session, 0), "--json").stdout)["end"] == "continues"


def test_verify_says_where_the_damage_is_and_exits_with_1(session):
    path = segment_path(session, 1)
    content = bytearray(path.read_bytes())
    content[1000] ^= 0xFF
    path.write_bytes(content)
    result = journal("verify", session, "--json")
    damage = json.loads(result.stdout)["damage"]
    assert result.exit_code == 1
    assert damage["file"] == str(path)
    assert 128 <= damage["offset"] <= 1000
    assert "DAMAGED" in journal("verify", session).stdout


def test_export_writes_every_record_to_parquet(session, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    result = journal("export", session, "--out", tmp_path / "out.parquet", "--json")
    assert json.loads(result.stdout)["records"] == 122
    table = parquet.read_table(tmp_path / "out.parquet")
    assert table.column_names == ["time_ns", "kind", "source", "payload"]
    first = table.slice(1, 1).to_pylist()[0]
    assert first == {"time_ns": START_NS, "kind": "MARKET_FRAME", "source": 1, "payload": FRAME}
    assert table.slice(121, 1).to_pylist()[0]["payload"] == NOT_TEXT
    assert parquet.ParquetFile(tmp_path / "out.parquet").metadata.row_group(0).column(3).compression == "ZSTD"


def test_export_never_overwrites(session, tmp_path):
    (tmp_path / "out.parquet").write_text("precious")
    assert "exists" in refusal("export", session, "--out", tmp_path / "out.parquet")
    assert (tmp_path / "out.parquet").read_text() == "precious"


def test_export_without_pyarrow_names_the_extra(session, tmp_path, monkeypatch):
    class NoPyarrow(importlib.abc.MetaPathFinder):
        def find_spec(self, name, path, target=None):
            if name.partition(".")[0] == "pyarrow":
                raise ModuleNotFoundError(name)

    for name in [name for name in sys.modules if name.partition(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [NoPyarrow(), *sys.meta_path])
    assert "graphwiz-trader[research]" in refusal("export", session, "--out", tmp_path / "out.parquet")
