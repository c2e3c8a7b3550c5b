"""The compiled decoder against the oracle on frames that are real, odd, damaged or hostile.

Run by ``test_decoder_fuzz`` in a process of its own, whose kernels check every read against the frame's end.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphwiz_trader.hft.kernels import frames
from hft.compiled_decoder import CompiledDecoder
from hft.odd_frames import Members, Texts, agreed, damaged, members_of, mostly, odd_objects
from oracle.decoder import KEYS, Decoded, Refused, Rules, decode, decode_snapshot

SYMBOLS = {
    "BTCUSDT": Rules("0.01", "0.00000001", futures=False),
    "ETHUSDT": Rules("0.05", "0.001", futures=True),
    "SHIBUSDT": Rules("0.00000001", "1", futures=False),
}
COMPILED = CompiledDecoder(SYMBOLS)

settings.register_profile("decoder", max_examples=400, deadline=None)
settings.load_profile("decoder")


def agree(frame: bytes) -> Decoded:
    return agreed(decode(frame, SYMBOLS), COMPILED.decode(frame))


def agree_on_snapshot(body: bytes) -> Decoded:
    return agreed(decode_snapshot(body, SYMBOLS["BTCUSDT"]), COMPILED.decode_snapshot(body))


# -- frames ---------------------------------------------------------------------------------------------------------

_DIGITS = st.text("0123456789", min_size=1, max_size=20)
_NUMBERS = mostly(
    st.integers(0, 10**18 - 1).map(str),
    st.sampled_from(["-1", "1.0", "1e3", "01", "null", '"5"', "[1]", "{}", "true", "9" * 19, "9" * 400, "-", "+1", ""])
    | _DIGITS,
)
_DECIMALS = mostly(
    st.builds("{}.{}5000000".format, st.integers(0, 99_999), st.integers(0, 9)),
    st.sampled_from(
        [
            '1"',
            "",
            ".",
            "1.",
            ".5",
            "1..5",
            "-1.00",
            "+1",
            "1e5",
            "0x10",
            "NaN",
            "1 ",
            " 1",
            "1,5",
            "\\u0031",
            "0.00",
            "9" * 400,
        ]
    )
    | st.builds("{}.{}".format, _DIGITS, _DIGITS)
    | _DIGITS,
).map(lambda text: f'"{text}"')
_PRICES = mostly(_DECIMALS, st.sampled_from(["1", "null", "[]", '""', '{"a":1}']))
_SIZES = _PRICES | st.just('"0.00000000"')
_FLAGS = mostly(st.sampled_from(["true", "false"]), st.sampled_from(["null", "1", '"true"', "tru", "truefalse"]))
_SYMBOL_TEXTS = mostly(
    st.sampled_from([f'"{name}"' for name in SYMBOLS]),
    st.sampled_from(['"BTCUSD"', '"BTCUSDTT"', '""', "5", "null", '"BTC\\u0055SDT"', '"' + "A" * 5000 + '"']),
)
_LEVEL_LISTS = mostly(
    st.lists(st.tuples(_PRICES, _SIZES).map(lambda pair: f"[{pair[0]},{pair[1]}]"), max_size=4).map(
        lambda levels: f"[{','.join(levels)}]"
    ),
    st.sampled_from(
        ["[[]]", "[null]", "{}", '"1"', '[["1"]]', '[["1","1","1"]]', '[["1","1"],]', "[", '[["1","1",[]]]']
    ),
)
_ANYTHING = st.recursive(
    st.sampled_from(["null", "true", "false", "0", "-1.5e+3", '"x"', '"\\u00e9\\n"', '"]}"']),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda values: f"[{' , '.join(values)}]")
        | inner.map(lambda value: f'{{"k\\"ey":{value}}}')
    ),
    max_leaves=5,
)
_UNKNOWN = st.tuples(st.sampled_from(["x", "T", "M", "X", "st", "ps", "stream", "id", "ee", ""]), _ANYTHING)

_DEPTHS = members_of(
    ("e", st.just('"depthUpdate"')),
    ("E", _NUMBERS),
    ("s", _SYMBOL_TEXTS),
    ("U", st.integers(0, 1000).map(str) | _NUMBERS),
    ("u", st.integers(900, 2000).map(str) | _NUMBERS),
    ("pu", _NUMBERS),
    ("b", _LEVEL_LISTS),
    ("a", _LEVEL_LISTS),
)
_TICKERS = members_of(
    ("u", _NUMBERS), ("s", _SYMBOL_TEXTS), ("b", _PRICES), ("B", _SIZES), ("a", _PRICES), ("A", _SIZES)
)
_NAMED_TICKERS = st.builds(
    lambda e, rest: [*e, *rest], members_of(("e", st.just('"bookTicker"')), ("E", _NUMBERS)), _TICKERS
)
_TRADES = members_of(
    ("e", st.just('"trade"')),
    ("E", _NUMBERS),
    ("s", _SYMBOL_TEXTS),
    ("t", _NUMBERS),
    ("p", _PRICES),
    ("q", _SIZES),
    ("m", _FLAGS),
)
_SNAPSHOTS = members_of(("lastUpdateId", _NUMBERS), ("bids", _LEVEL_LISTS), ("asks", _LEVEL_LISTS))
_OTHERS = members_of(
    ("e", st.sampled_from(['"kline"', '"trade2"', "7", "null", '"tr\\u0061de"'])), ("t", _ANYTHING), ("u", _ANYTHING)
)
_STREAMS = mostly(
    st.sampled_from(['"btcusdt@depth"', '"btcusdt@depth@100ms"', '"btcusdt@depth20@100ms"', '"x@rpiDepth@500ms"']),
    st.sampled_from(['"depth20"', '"@depth5"', '"a@b@depth5"', '"', "null", '"x@depth:"', '"@dep"', '["x@depth5"]']),
)
_EVENTS = _DEPTHS | _TICKERS | _NAMED_TICKERS | _TRADES | _SNAPSHOTS | _OTHERS


def _texts(events: st.SearchStrategy[Members]) -> Texts:
    values = _ANYTHING | _LEVEL_LISTS | _NUMBERS | _SYMBOL_TEXTS
    return odd_objects(events, unknown=_UNKNOWN, keys=KEYS, values=values)


@st.composite
def _frames(draw: Callable[..., str]) -> bytes:
    text = draw(_texts(_EVENTS))
    stream = f'"stream":{draw(_STREAMS)}'
    envelope = [stream, f'"data":{text}', *draw(st.lists(st.just('"more":[1]'), max_size=1))]
    match draw(st.integers(0, 5)):
        case 0 | 1:
            text = "{" + ",".join(envelope) + "}"
        case 2:
            text = "{ " + " , ".join(draw(st.permutations(envelope))) + " }"
        case 3 if draw(st.booleans()):
            text = f"[{text}]"
    return text.encode()


# -- properties -----------------------------------------------------------------------------------------------------


def test_this_process_checks_every_read() -> None:
    assert frames.byte_at.py_func is frames._checked


@given(_frames())
def test_frames_are_read_as_the_grammar_says(frame: bytes) -> None:
    agree(frame)


@given(damaged(_frames()))
def test_damaged_frames_are_refused_or_read_as_they_stand(frame: bytes) -> None:
    agree(frame)


@given(_texts(_SNAPSHOTS).map(str.encode) | damaged(_texts(_SNAPSHOTS).map(str.encode)))
def test_snapshots_are_read_as_the_grammar_says(body: bytes) -> None:
    agree_on_snapshot(body)


@given(st.binary(max_size=200))
def test_random_bytes_are_refused(frame: bytes) -> None:
    agree(frame)
    agree_on_snapshot(frame)


_DEPTH = b'{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":1,"u":2,"b":[["%s","1.5"]],"a":[]}'
_WHOLE = (
    b'{"stream":"ethusdt@depth","data":'
    + _DEPTH.replace(b"BTC", b"ETH").replace(b'"u"', b'"pu":0,"u"') % b"10.05"
    + b"}"
)


@pytest.mark.parametrize("length", range(len(_WHOLE)))
def test_a_frame_cut_anywhere_is_refused(length: int) -> None:
    assert not isinstance(agree(_WHOLE), Refused)
    assert isinstance(agree(_WHOLE[:length]), Refused)


@pytest.mark.parametrize(
    ("price", "accepted"),
    [
        (b"9" * 16, True),
        (b"9" * 17, False),
        (b"9" * 18 + b".00", False),
        (b"0" * 15 + b"1.05", True),
        (b"1.05" + b"0" * 400, True),
        (b"1.051", False),
        (b"1" * 4000, False),
        (b"18446744073709551617.00", False),
    ],
)
def test_no_number_wraps_around(price: bytes, accepted: bool) -> None:
    assert isinstance(agree(_DEPTH % price), Refused) is not accepted


@pytest.mark.parametrize("nesting", [59, 60, 61, 64, 65, 100_000])
@pytest.mark.parametrize("brackets", ["[]", "{}"])
def test_nesting_is_bounded(nesting: int, brackets: str) -> None:
    opening = "[" if brackets == "[]" else '{"k":'
    inner = opening * (nesting - 1) + brackets + brackets[1] * (nesting - 1)
    frame = _DEPTH % b"10.05"
    assert isinstance(agree(frame[:-1] + b',"x":' + inner.encode() + b"}"), Refused) is (nesting > 60)


@pytest.mark.parametrize("filler", [b" ", b"[", b'"', b"9", b"\\", b'["1","1"],', b"\x00", b'{"e":'])
def test_ten_megabytes_are_refused(filler: bytes) -> None:
    assert isinstance(agree(b'{"e":"depthUpdate","s":"BTCUSDT","b":[' + filler * (10_000_000 // len(filler))), Refused)


@pytest.mark.parametrize("count", [10_000, 10_001])
def test_a_side_has_a_most_levels(count: int) -> None:
    levels = b",".join(b'["%d.00","1"]' % price for price in range(1, count + 1))
    frame = b'{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":1,"u":2,"a":[],"b":[' + levels + b"]}"
    assert isinstance(agree(frame), Refused) is (count > 10_000)
    body = b'{"lastUpdateId":1,"asks":[],"bids":[' + levels + b"]}"
    assert isinstance(agree_on_snapshot(body), Refused) is (count > 10_000)


def test_keys_come_in_any_order() -> None:
    members = ['"e":"trade"', '"s":"ETHUSDT"', '"t":5', '"p":"10.05"', '"q":"1.5"', '"m":false']
    readings = {str(agree(("{" + ",".join(order) + "}").encode())) for order in itertools.permutations(members)}
    assert len(readings) == 1
