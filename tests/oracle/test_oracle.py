"""The oracle itself: its parser against the standard library's, its books against hand-made sequences."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import recordings
from oracle import books, figures, recording_lines
from oracle.books import Book
from oracle.decoder import Control, Depth, Refused, Rules, Ticker, Trade, decode
from oracle.json_bytes import Number, Object, RefusalError, Text, Value, Word, parse

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
_RULES = {"BTCUSDT": Rules("0.1", "0.001", futures=True)}


def _as_python(value: Value) -> Any:
    match value:
        case Object(members):
            return {json.loads(b'"' + key + b'"'): _as_python(member) for key, member in members}
        case Text(raw):
            return json.loads(b'"' + raw + b'"')
        case Number(raw):
            return json.loads(raw)
        case Word(word):
            return {"true": True, "false": False, "null": None}[word]
        case _:
            return [_as_python(member) for member in value]


@given(_JSON, st.sampled_from([None, 1]))
def test_the_parser_reads_what_json_writes(document: Any, indent: int | None) -> None:
    assert _as_python(parse(json.dumps(document, indent=indent).encode())) == document


@given(_JSON, st.data())
def test_the_parser_refuses_what_json_refuses(document: Any, data: st.DataObject) -> None:
    text = bytearray(json.dumps(document).encode())
    place = data.draw(st.integers(0, len(text) - 1))
    text[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2).filter(bytes.isascii))
    try:
        json.loads(text.decode(), parse_constant=_refuse_constant)
    except ValueError:
        with pytest.raises(RefusalError):
            parse(bytes(text))
    else:
        parse(bytes(text))


def _refuse_constant(word: str) -> None:
    """NaN and Infinity, which the standard library reads and JSON has not."""
    raise ValueError(word)


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (
            '{"e":"depthUpdate","E":5,"s":"BTCUSDT","U":1,"u":2,"pu":0,"b":[["10.0","0"]],"a":[["10.10","1.5"]]}',
            Depth("BTCUSDT", 5, 1, 2, 0, [(100, 0)], [(101, 1500)]),
        ),
        (
            '{"data":{"u":7,"s":"BTCUSDT","A":"1","B":"2","a":"10.1","b":"10"},"stream":"btcusdt@bookTicker"}',
            Ticker("BTCUSDT", 0, 7, (100, 2000), (101, 1000)),
        ),
        (
            '{"e":"trade","E":5,"s":"BTCUSDT","t":9,"p":"10","q":"1","m":true}',
            Trade("BTCUSDT", 5, 9, 100, 1000, is_sell=True),
        ),
        ('{"result":null,"id":1}', Control()),
        ('{"e":"trade","s":"BTCUSDT","t":9,"p":"10.05","q":"1","m":true}', Refused("not a whole number of steps")),
        (
            '{"e":"trade","s":"BTCUSDT","t":9,"p":"1e1","q":"1","m":true}',
            Refused("a price or size that is no plain decimal"),
        ),
        ('{"e":"trade","s":"BTCUSDT","t":9,"t":9,"p":"10","q":"1","m":true}', Refused("t comes twice")),
        ('{"e":"trade","s":"BTCUSDX","t":9,"p":"10","q":"1","m":true}', Refused("unknown symbol")),
        ('{"e":"trade","s":"BTCUSDT","t":9,"p":"10","q":"1","m":true} x', Refused("something behind the frame")),
    ],
)
def test_frames_mean_what_the_grammar_says(frame: str, expected: object) -> None:
    assert decode(frame.encode(), _RULES) == expected


def _spot(first: int, final: int, price: str = "10", size: str = "1") -> dict[str, Any]:
    return {"e": "depthUpdate", "U": first, "u": final, "b": [[price, size]], "a": []}


def _futures(first: int, final: int, previous: int) -> dict[str, Any]:
    return _spot(first, final) | {"pu": previous}


def _snapshot(final: int) -> dict[str, Any]:
    return {"lastUpdateId": final, "bids": [["9", "1"]], "asks": [["11", "1"]]}


def test_spot_buffers_until_the_snapshot_and_drops_what_it_already_holds() -> None:
    book = Book("spot")
    for event in (_spot(1, 3, "8"), _spot(4, 6)):
        book.on_depth(event)
    assert not book.trusted
    book.on_snapshot(_snapshot(4))
    assert (book.trusted, book.id) == (True, 6)
    assert book.bids == {Decimal(9): Decimal(1), Decimal(10): Decimal(1)}


def test_a_gap_makes_a_book_untrusted_until_the_next_snapshot() -> None:
    book = Book("spot")
    book.on_snapshot(_snapshot(4))
    book.on_depth(_spot(6, 7))
    book.on_depth(_spot(8, 8))
    assert (book.trusted, book.gaps) == (False, 1)
    book.on_snapshot(_snapshot(4))
    assert not book.trusted, "a snapshot from before the gap does not close it"
    book.on_snapshot(_snapshot(6))
    assert (book.trusted, book.id) == (True, 8)


def test_futures_start_with_the_event_that_spans_the_snapshot_and_chain_by_pu() -> None:
    book = Book("usdm")
    for event in (_futures(1, 3, 0), _futures(5, 9, 3)):
        book.on_depth(event)
    book.on_snapshot(_snapshot(7))
    assert (book.trusted, book.id) == (True, 9)
    book.on_depth(_futures(20, 25, 9))
    assert (book.trusted, book.id) == (True, 25)
    book.on_depth(_futures(26, 27, 24))
    assert not book.trusted


def test_every_form_of_recorded_line_is_read(tmp_path: Path) -> None:
    (tmp_path / "all.txt").write_text(
        'wss://x/y <-> 1.5\nwss://x/y <- 1.6: {"op":1}\n\n1.7: {"a":1}\n1800000000 {"b":2}\n'
        'https://x?symbol=A -> 1.9: {"c":3}\n'
    )
    lines = list(recording_lines.read(tmp_path / "all.txt"))
    assert [(line.time_ns, line.what, line.payload) for line in lines] == [
        (1_500_000_000, "opened", b""),
        (1_600_000_000, "sent", b'{"op":1}'),
        (1_700_000_000, "frame", b'{"a":1}'),
        (1_800_000_000, "frame", b'{"b":2}'),
        (1_900_000_000, "rest", b'{"c":3}'),
    ]


@pytest.mark.parametrize("recorded", recordings.FOUR_OF_2021, ids=lambda recorded: recorded.symbol)
def test_the_2021_recordings_are_without_a_gap(recorded: recordings.Symbol) -> None:
    """NKNUSDT's snapshot has 49 sizes finer than the present lot and 34 prices off the present tick: old orders."""
    book = books.final_books([recordings.need(name) for name in recorded.files], "spot")[recorded.symbol]
    assert (book.trusted, book.gaps) == (True, 0)
    assert figures.spread(book) > 0
