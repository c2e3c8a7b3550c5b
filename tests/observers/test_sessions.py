"""An observer finds the newest session by itself, reads it as it grows and moves on to the next."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphwiz_trader.hft.events import RecordKind
from graphwiz_trader.journal.layout import Record
from graphwiz_trader.observers import sessions
from graphwiz_trader.observers.sessions import FollowedSession, NewestSession, OneSession, session_directories
from observers import market
from observers.market import START_NS, write_journal


@pytest.fixture(autouse=True)
def look_at_every_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_LOOK_EVERY_S", 0.0)


def end(time_ns: int = START_NS) -> Record:
    return market.record(RecordKind.END, {"reason": "done"}, time_ns)


def drained(session: FollowedSession) -> list[int]:
    """The kinds of all records there are now; the first poll of a newly found session only finds it."""
    kinds: list[int] = []
    for _ in range(3):
        while records := session.poll(10):
            kinds += [record.kind for record in records]
    return kinds


def test_without_a_root_there_are_no_sessions_and_no_error(tmp_path: Path) -> None:
    assert session_directories(tmp_path / "missing") == []
    session = NewestSession(tmp_path / "missing")
    assert drained(session) == []
    assert (session.writer, session.directory) == ("missing", None)


def test_sessions_are_in_the_order_of_their_first_records_not_of_their_names(tmp_path: Path) -> None:
    write_journal(tmp_path, [market.session("zebra", START_NS)], "zebra")
    write_journal(tmp_path, [market.session("ant", START_NS + 1)], "ant")
    assert [d.name for d in session_directories(tmp_path)] == ["zebra", "ant"]


def test_what_is_no_journal_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "00000000.gwj").write_bytes(b"something else entirely" * 100)
    write_journal(tmp_path, [market.session()])
    assert [d.name for d in session_directories(tmp_path)] == ["s1"]


def test_a_living_writer_is_followed_record_by_record(tmp_path: Path) -> None:
    session = NewestSession(tmp_path)
    writer = write_journal(tmp_path, [market.session()], close=False)
    assert drained(session) == [RecordKind.SESSION]
    assert session.writer == "alive"
    writer.append(*market.pulse(START_NS))
    assert drained(session) == [RecordKind.PULSE]
    writer.append(*end())
    writer.close()
    assert drained(session) == [RecordKind.END]
    assert session.writer == "closed"


def test_a_newer_session_takes_over(tmp_path: Path) -> None:
    write_journal(tmp_path, [market.session(), end()])
    session = NewestSession(tmp_path)
    assert drained(session) == [RecordKind.SESSION, RecordKind.END]
    writer = write_journal(tmp_path, [market.session("s2", START_NS + 5)], "s2", close=False)
    assert drained(session) == [RecordKind.SESSION]
    assert session.directory == tmp_path / "s2"
    assert session.writer == "alive"
    writer.close()


def test_one_session_is_waited_for_and_no_other_is_shown_in_its_place(tmp_path: Path) -> None:
    write_journal(tmp_path, [market.session("old"), end()], "old")
    session = OneSession(tmp_path / "s1")
    assert drained(session) == []
    assert session.writer == "missing"
    write_journal(tmp_path, [market.session(), end()])
    write_journal(tmp_path, [market.session("newer", START_NS + 9)], "newer")
    assert drained(session) == [RecordKind.SESSION, RecordKind.END]
    assert session.directory == tmp_path / "s1"


def test_a_damaged_record_stops_this_session_with_its_reason_and_not_the_next(tmp_path: Path) -> None:
    write_journal(tmp_path, [market.session(), market.pulse(START_NS), market.pulse(START_NS + 1), end()])
    path = tmp_path / "s1" / "00000000.gwj"
    content = bytearray(path.read_bytes())
    at = content.rindex(b'"max_exposure":"25000"')
    content[at] ^= 0xFF
    path.write_bytes(content)
    session = NewestSession(tmp_path)
    assert drained(session) == [RecordKind.SESSION, RecordKind.PULSE]
    assert str(path) in session.problem
    write_journal(tmp_path, [market.session("s2", START_NS + 5)], "s2")
    assert drained(session) == [RecordKind.SESSION]
    assert session.problem == ""


def test_a_poll_returns_no_more_than_it_was_asked_for(tmp_path: Path) -> None:
    write_journal(tmp_path, [market.session(), *[market.pulse(START_NS + n) for n in range(25)]])
    session = NewestSession(tmp_path)
    session.poll(10)
    assert [len(session.poll(10)) for _ in range(4)] == [10, 10, 6, 0]
