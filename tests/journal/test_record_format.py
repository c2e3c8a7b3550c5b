"""The compiled append and scan do what the format's description says, against a plain Python twin."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from graphwiz_trader.hft.events import RecordKind
from graphwiz_trader.hft.kernels.jit import direct
from graphwiz_trader.hft.kernels.journal_append import (
    APPEND_ARGUMENTS,
    CURSOR_WORD,
    LIMIT_WORD,
    SEAL_KIND,
    append_record,
)
from graphwiz_trader.hft.kernels.journal_scan import (
    ROW_COLUMNS,
    SCAN_ALL,
    SCAN_CUT,
    SCAN_EMPTY,
    SCAN_WRONG,
    scan_records,
)
from journal.naive import record_bytes

append = direct(append_record, APPEND_ARGUMENTS)
HEADER_WORDS = 16

records = st.lists(
    st.tuples(
        st.integers(1, SEAL_KIND - 1),
        st.integers(0, 0xFFFF),
        st.integers(-(1 << 63), (1 << 63) - 1),
        st.binary(max_size=200),
    ),
    max_size=12,
)


def empty_segment(words: int = 2048) -> np.ndarray:
    segment = np.zeros(words, dtype=np.uint64)
    segment[LIMIT_WORD] = words
    segment[CURSOR_WORD] = HEADER_WORDS
    return segment


def filled(content: list[tuple[int, int, int, bytes]]) -> np.ndarray:
    segment = empty_segment()
    for record in content:
        assert append(segment.ctypes.data, *record)
    return segment


def scanned(words: np.ndarray, base: int, rows: int = 64) -> tuple[list[tuple[int, int, int, bytes]], int, int]:
    table = np.empty((rows, ROW_COLUMNS), dtype=np.int64)
    count, consumed, outcome = scan_records(words, base, table)
    piece = words.tobytes()
    found = [(kind, source, time_ns, piece[a:b]) for kind, source, time_ns, a, b in table[:count].tolist()]
    return found, consumed, outcome


@settings(deadline=None)
@given(records)
def test_a_segment_is_byte_for_byte_what_the_description_says(content):
    expected = b""
    for record in content:
        expected += record_bytes(*record, first_word=HEADER_WORDS + len(expected) // 8)
    segment = filled(content)
    used = int(segment[CURSOR_WORD])
    assert segment[HEADER_WORDS:used].tobytes() == expected
    assert not segment[used:].any()


@settings(deadline=None)
@given(records)
def test_a_scan_finds_exactly_what_was_appended(content):
    found, consumed, outcome = scanned(filled(content)[HEADER_WORDS:], HEADER_WORDS)
    assert found == content
    assert outcome == SCAN_EMPTY
    assert consumed == sum(3 + -(-len(payload) // 8) for *_, payload in content)


@settings(deadline=None)
@given(records.filter(bool), st.integers(0, 400))
def test_a_scan_of_a_piece_that_ends_anywhere_stops_before_the_cut_record(content, words):
    segment = filled(content)
    used = int(segment[CURSOR_WORD])
    piece = segment[HEADER_WORDS : min(HEADER_WORDS + words, used)]
    found, consumed, outcome = scanned(piece, HEADER_WORDS)
    assert found == content[: len(found)]
    assert outcome == (SCAN_ALL if consumed == len(piece) else SCAN_CUT)


@settings(deadline=None)
@given(records.filter(bool), st.data())
def test_any_single_flipped_bit_is_noticed_at_its_record(content, data):
    segment = filled(content)
    used = int(segment[CURSOR_WORD])
    bit = data.draw(st.integers(0, (used - HEADER_WORDS) * 64 - 1))
    segment[HEADER_WORDS + bit // 64] ^= np.uint64(1 << bit % 64)
    found, consumed, outcome = scanned(segment[HEADER_WORDS:used], HEADER_WORDS)
    assert found == content[: len(found)]
    assert consumed <= bit // 64
    assert outcome in {SCAN_WRONG, SCAN_CUT}  # a flipped size may lead past the end


@given(st.lists(st.integers(0, (1 << 64) - 1), max_size=200))
@settings(max_examples=300, deadline=None)
def test_a_scan_of_random_words_finds_nothing(words):
    found, _, _ = scanned(np.array(words, dtype=np.uint64), HEADER_WORDS)
    assert found == []


def test_a_record_read_at_another_place_than_it_was_written_is_wrong():
    segment = filled([(1, 2, 3, b"payload")])
    assert scanned(segment[HEADER_WORDS:], HEADER_WORDS + 1)[2] == SCAN_WRONG


def test_a_record_that_does_not_fit_leaves_no_trace():
    segment = empty_segment(HEADER_WORDS + 4)
    before = segment.copy()
    assert not append(segment.ctypes.data, 1, 0, 0, b"123456789")
    assert (segment == before).all()
    assert append(segment.ctypes.data, 1, 0, 0, b"12345678")


def test_kinds_and_sources_that_do_not_fit_their_field_are_refused():
    segment = empty_segment()
    before = segment.copy()
    for kind, source in ((0, 0), (-1, 0), (SEAL_KIND + 1, 0), (1, -1), (1, 0x10000)):
        assert not append(segment.ctypes.data, kind, source, 0, b"")
    assert (segment == before).all()


def test_every_record_kind_of_the_engine_fits():
    assert max(RecordKind) < SEAL_KIND
    assert min(RecordKind) > 0
