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
from oracle.decoder import KEYS, Decoded, Refused, Rules, decode, decode_snapshot

SYMBOLS = {
    "BTCUSDT": Rules("0.01", "0.00000001", futures=False),
    "ETHUSDT": Rules("0.05", "0.001", futures=True),
    "SHIBUSDT": Rules("0.00000001", "1", futures=False),
}
COMPILED = CompiledDecoder(SYMBOLS)
Members = list[tuple[str, str]]

settings.register_profile("decoder", max_examples=400, deadline=None)
settings.load_profile("decoder")


def agree(frame: bytes) -> Decoded:
    """Both readings of a frame are the same; a refusal's reason is each side's own."""
    expected, found = decode(frame, SYMBOLS), COMPILED.decode(frame)
    if isinstance(expected, Refused):
        assert isinstance(found, Refused), f"accepted what is to be refused ({expected.reason}): {found}"
    else:
        assert found == expected
    return expected


def agree_on_snapshot(body: bytes) -> Decoded:
    expected, found = decode_snapshot(body, SYMBOLS["BTCUSDT"]), COMPILED.decode_snapshot(body)
    if isinstance(expected, Refused):
        assert isinstance(found, Refused), f"accepted what is to be refused ({expected.reason}): {found}"
    else:
        assert found == expected
    return expected


# -- frames ---------------------------------------------------------------------------------------------------------

_DIGITS = st.text("0123456789", min_size=1, max_size=20)


def _mostly(usual: st.SearchStrategy[str], odd: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.integers(0, 19).flatmap(lambda dice: odd if dice == 13 else usual)


_NUMBERS = _mostly(
    st.integers(0, 10**18 - 1).map(str),
    st.sampled_from(["-1", "1.0", "1e3", "01", "null", '"5"', "[1]", "{}", "true", "9" * 19, "9" * 400, "-", "+1", ""])
    | _DIGITS,
)
_DECIMALS = _mostly(
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
_PRICES = _mostly(_DECIMALS, st.sampled_from(["1", "null", "[]", '""', '{"a":1}']))
_SIZES = _PRICES | st.just('"0.00000000"')
_FLAGS = _mostly(st.sampled_from(["true", "false"]), st.sampled_from(["null", "1", '"true"', "tru", "truefalse"]))
_SYMBOL_TEXTS = _mostly(
    st.sampled_from([f'"{name}"' for name in SYMBOLS]),
    st.sampled_from(['"BTCUSD"', '"BTCUSDTT"', '""', "5", "null", '"BTC\\u0055SDT"', '"' + "A" * 5000 + '"']),
)
_LEVEL_LISTS = _mostly(
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


def _event(*members: tuple[str, st.SearchStrategy[str]]) -> st.SearchStrategy[Members]:
    return st.tuples(*(values.map(lambda value, key=key: (key, value)) for key, values in members)).map(list)


_DEPTHS = _event(
    ("e", st.just('"depthUpdate"')),
    ("E", _NUMBERS),
    ("s", _SYMBOL_TEXTS),
    ("U", st.integers(0, 1000).map(str) | _NUMBERS),
    ("u", st.integers(900, 2000).map(str) | _NUMBERS),
    ("pu", _NUMBERS),
    ("b", _LEVEL_LISTS),
    ("a", _LEVEL_LISTS),
)
_TICKERS = _event(("u", _NUMBERS), ("s", _SYMBOL_TEXTS), ("b", _PRICES), ("B", _SIZES), ("a", _PRICES), ("A", _SIZES))
_NAMED_TICKERS = st.builds(
    lambda e, rest: [*e, *rest], _event(("e", st.just('"bookTicker"')), ("E", _NUMBERS)), _TICKERS
)
_TRADES = _event(
    ("e", st.just('"trade"')),
    ("E", _NUMBERS),
    ("s", _SYMBOL_TEXTS),
    ("t", _NUMBERS),
    ("p", _PRICES),
    ("q", _SIZES),
    ("m", _FLAGS),
)
_SNAPSHOTS = _event(("lastUpdateId", _NUMBERS), ("bids", _LEVEL_LISTS), ("asks", _LEVEL_LISTS))
_OTHERS = _event(
    ("e", st.sampled_from(['"kline"', '"trade2"', "7", "null", '"tr\\u0061de"'])), ("t", _ANYTHING), ("u", _ANYTHING)
)
_EVENTS = _DEPTHS | _TICKERS | _NAMED_TICKERS | _TRADES | _SNAPSHOTS | _OTHERS


@st.composite
def _texts(draw: Callable[..., Members], events: st.SearchStrategy[Members]) -> str:
    """An event as text: sometimes members are missing, doubled, foreign or in another order, with white space."""
    members = list(draw(events))
    for oddity in draw(st.lists(st.sampled_from(["drop", "double", "unknown", "foreign", "shuffle"]), max_size=3)):
        place = draw(st.integers(0, len(members)))
        if oddity == "unknown":
            members.insert(place, draw(_UNKNOWN))
        elif oddity == "foreign":
            members.insert(
                place, (draw(st.sampled_from(sorted(KEYS))), draw(_ANYTHING | _LEVEL_LISTS | _NUMBERS | _SYMBOL_TEXTS))
            )
        elif oddity == "shuffle":
            members = draw(st.permutations(members))
        elif place < len(members):
            members[place : place + 1] = [members[place]] * (2 if oddity == "double" else 0)
    gap = draw(st.sampled_from(["", "", "", " ", "\r\n\t "]))
    return "{" + gap + f"{gap},{gap}".join(f'"{key}"{gap}:{gap}{value}' for key, value in members) + gap + "}"


@st.composite
def _frames(draw: Callable[..., str]) -> bytes:
    text = draw(_texts(_EVENTS))
    envelope = ['"stream":"btcusdt@depth"', f'"data":{text}', *draw(st.lists(st.just('"more":[1]'), max_size=1))]
    match draw(st.integers(0, 5)):
        case 0 | 1:
            text = "{" + ",".join(envelope) + "}"
        case 2:
            text = "{ " + " , ".join(draw(st.permutations(envelope))) + " }"
    return text.encode()


@st.composite
def _damaged(draw: Callable[..., bytes], whole: st.SearchStrategy[bytes]) -> bytes:
    frame = bytearray(draw(whole))
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(frame)))
        match draw(st.sampled_from(["truncate", "flip", "insert", "delete", "repeat"])):
            case "truncate":
                del frame[place:]
            case "flip" if place < len(frame):
                frame[place] ^= 1 << draw(st.integers(0, 7))
            case "insert":
                frame[place:place] = draw(
                    st.binary(max_size=4) | st.sampled_from([b'"', b"\\", b"{", b"]", b",", b"9" * 30])
                )
            case "delete":
                del frame[place : place + draw(st.integers(1, 9))]
            case "repeat":
                frame[place:place] = frame[place : place + draw(st.integers(1, 40))]
    return bytes(frame)


# -- properties -----------------------------------------------------------------------------------------------------


def test_this_process_checks_every_read() -> None:
    assert frames.byte_at.py_func is frames._checked


@given(_frames())
def test_frames_are_read_as_the_grammar_says(frame: bytes) -> None:
    agree(frame)


@given(_damaged(_frames()))
def test_damaged_frames_are_refused_or_read_as_they_stand(frame: bytes) -> None:
    agree(frame)


@given(_texts(_SNAPSHOTS).map(str.encode) | _damaged(_texts(_SNAPSHOTS).map(str.encode)))
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
