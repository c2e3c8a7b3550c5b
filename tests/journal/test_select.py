"""Following a journal that is being written: the wanted records as they come, until its writer is gone."""

from __future__ import annotations

from contextlib import closing

from graphwiz_trader.journal.select import Wanted, as_they_come, in_order, last
from graphwiz_trader.journal.writer import JournalWriter
from journal.endless_writer import known_record

RECORDS = [known_record(number) for number in range(90)]


def follow_while_it_is_written(directory, wanted: Wanted, count: int | None) -> list:
    """A third of the records is there at the start, the next comes each time the follower waits, then the end."""
    writer = JournalWriter(directory, session="test", segment_bytes=8192)
    coming = [RECORDS[30:60], RECORDS[60:]]
    for record in RECORDS[:30]:
        writer.append(*record)

    def wait() -> None:
        if not coming:
            writer.close()
            return
        for record in coming.pop(0):
            writer.append(*record)

    return list(as_they_come(directory, wanted, count, wait))


def test_a_follower_gets_what_was_there_and_what_comes_until_the_journal_is_closed(tmp_path):
    assert follow_while_it_is_written(tmp_path / "j", Wanted(), None) == RECORDS


def test_a_follower_of_the_last_few_gets_those_and_all_that_come(tmp_path):
    assert follow_while_it_is_written(tmp_path / "j", Wanted(), 5) == RECORDS[25:]


def test_a_follower_gets_only_what_it_wants(tmp_path):
    wanted = Wanted(kinds=frozenset({2, 3}), since_ns=10, until_ns=70)
    expected = [record for record in RECORDS if record.kind in {2, 3} and 10 <= record.time_ns <= 70]
    assert follow_while_it_is_written(tmp_path / "j", wanted, None) == expected
    assert list(in_order(tmp_path / "j", wanted)) == expected


def test_the_last_few_are_found_without_reading_the_older_segments(tmp_path):
    with closing(JournalWriter(tmp_path / "j", session="test", segment_bytes=8192)) as writer:
        for record in RECORDS:
            writer.append(*record)
    (tmp_path / "j" / "00000000.gwj").unlink()
    assert last(tmp_path / "j", Wanted(), 10) == RECORDS[-10:]
