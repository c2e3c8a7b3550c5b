"""The compiled OKX decoder against its oracle on frames that are real, odd, damaged or hostile.

Run by ``test_decoder_fuzz`` in a process of its own, whose kernels check every read against the frame's end.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphwiz_trader.hft.kernels import frames
from hft.compiled_venues import CompiledOkx
from hft.odd_frames import Members, Texts, agreed, damaged, members_of, mostly, odd_objects
from oracle.decoder import Control, Refused, Rules
from oracle.okx import KEYS, Decoded, Depth, Trades, decode

SYMBOLS = {
    "BTC-USDT": Rules("0.1", "0.00000001", futures=False),
    "UNI-USD-SWAP": Rules("0.005", "1", futures=False),
}
COMPILED = CompiledOkx(SYMBOLS)

settings.register_profile("decoder", max_examples=1_000, deadline=None)
settings.load_profile("decoder")


def agree(frame: bytes) -> Decoded:
    return agreed(decode(frame, SYMBOLS), COMPILED.decode(frame))


# -- frames ---------------------------------------------------------------------------------------------------------

_JSON = st.sampled_from(
    ["null", "1", "-2", "true", "[]", "{}", '""', '"x"', '{"a":[1,"]}"]}', '"\\u0031"', "1.5", "1e3"]
)
_NOT_DECIMAL = st.sampled_from(["", ".", "1.", ".5", "-1", "+1", "1e5", "NaN", " 1", "1,5", "\\u0031", "9" * 400, "0"])
_PRICES = mostly(
    st.builds("{}.{}".format, st.integers(1, 99_999), st.sampled_from([0, 5])).map('"{}"'.format),
    _NOT_DECIMAL.map('"{}"'.format) | _JSON | st.just('"30244.05"'),
)
_SIZES = mostly(
    st.integers(0, 10**9).map('"{}"'.format) | st.sampled_from(['"0"', '"0.00000000"', '"12.000"']),
    _NOT_DECIMAL.map('"{}"'.format) | _JSON | st.just('"0.5"'),
)
_COUNTS = mostly(st.integers(0, 999).map('"{}"'.format), _JSON | st.sampled_from(['"-1"', '"1.0"', '"', '"9']))
_IDS = mostly(
    st.integers(-1, 12).map(str),
    _JSON | st.sampled_from(["-", "-0", "01", "9" * 18, "9" * 19, "-" + "9" * 18, "--1", '"5"']),
)
_TIMES = mostly(st.integers(0, 10**13).map('"{}"'.format), _JSON | _NOT_DECIMAL.map('"{}"'.format) | st.just("5"))
_LEVELS = mostly(
    st.lists(st.tuples(_PRICES, _SIZES, _COUNTS, _COUNTS).map(lambda four: f"[{','.join(four)}]"), max_size=4).map(
        lambda levels: f"[{','.join(levels)}]"
    ),
    _JSON | st.sampled_from(['[["1","1"]]', '[["1","1","0","1","1"]]', "[[]]", "[null]", '[["1","1","0","1"],]', "["]),
)
_NAMES = mostly(
    st.sampled_from([f'"{name}"' for name in SYMBOLS]),
    _JSON | st.sampled_from(['"BTC-USD"', '"BTC-USDTT"', '"BTC\\u002dUSDT"', '"' + "A" * 4000 + '"']),
)
_UNKNOWN = st.tuples(st.sampled_from(["x", "tsx", "seq", "count", "source", "channel", ""]), _JSON)
_CHAIN = st.sampled_from([("seqId", "prevSeqId", "checksum"), ("seqId", "prevSeqId"), ("checksum",), ("seqId",), ()])
_BOOKS = st.builds(
    lambda start, ids: [*start, *ids],
    members_of(("asks", _LEVELS), ("bids", _LEVELS), ("ts", _TIMES)),
    _CHAIN.flatmap(lambda keys: members_of(*((key, _IDS) for key in keys))),
)
_ONE = st.tuples(_PRICES, _SIZES, _COUNTS, _COUNTS).map(lambda four: f"[[{','.join(four)}]]")
_BEST = members_of(("asks", _ONE | _LEVELS), ("bids", _ONE | st.just("[]")), ("ts", _TIMES), ("seqId", _IDS))
_TRADE = members_of(
    ("instId", _NAMES),
    ("tradeId", _TIMES),
    ("px", _PRICES),
    ("sz", _SIZES),
    ("side", mostly(st.sampled_from(['"buy"', '"sell"']), _JSON)),
    ("ts", _TIMES),
)


def _object(members: st.SearchStrategy[Members]) -> Texts:
    return odd_objects(members, unknown=_UNKNOWN, keys=KEYS, values=_JSON | _LEVELS | _IDS | _NAMES)


_MESSAGES_OF = {
    "books": _BOOKS,
    "books5": _BOOKS,
    "books50-l2-tbt": _BOOKS,
    "books-l2-tbt": _BOOKS,
    "bbo-tbt": _BEST,
    "trades": _TRADE,
    "tickers": _TRADE,
}


@st.composite
def _frames(draw: Callable[..., str]) -> bytes:
    channel = draw(st.sampled_from(sorted(_MESSAGES_OF)))
    argument = _object(members_of(("channel", mostly(st.just(f'"{channel}"'), _JSON)), ("instId", _NAMES)))
    messages = st.lists(_object(_MESSAGES_OF[channel]), min_size=1, max_size=2).map(lambda m: f"[{','.join(m)}]")
    actions = mostly(st.sampled_from(['"update"', '"snapshot"']), _JSON | st.just('"upd\\u0061te"'))
    members = [("arg", argument), ("action", actions), ("data", mostly(messages, _JSON))]
    if draw(st.integers(0, 9)) == 0:
        members.append(("event", _JSON))
    return draw(_object(members_of(*members))).encode()


# -- properties -----------------------------------------------------------------------------------------------------


def test_this_process_checks_every_read() -> None:
    assert frames.byte_at.py_func is frames._checked


@given(_frames())
def test_frames_are_read_as_the_grammar_says(frame: bytes) -> None:
    agree(frame)


@given(damaged(_frames()))
def test_damaged_frames_are_refused_or_read_as_they_stand(frame: bytes) -> None:
    agree(frame)


@given(st.binary(max_size=200))
def test_random_bytes_are_refused(frame: bytes) -> None:
    agree(frame)


_UPDATE = (
    b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[["30244","0.08","0","1"]],'
    b'"bids":[["30243.9","0","0","0"]],"ts":"1652459225464","checksum":-914047754,"prevSeqId":5,"seqId":9}]}'
)
_MESSAGE = _UPDATE.partition(b'"data":[')[2].removesuffix(b"]}")


@pytest.mark.parametrize("length", range(len(_UPDATE)))
def test_a_frame_cut_anywhere_is_refused(length: int) -> None:
    assert isinstance(agree(_UPDATE), Depth)
    assert isinstance(agree(_UPDATE[:length]), Refused)


def test_the_members_of_a_frame_come_in_any_order() -> None:
    members = [b'"arg":{"channel":"books","instId":"BTC-USDT"}', b'"action":"snapshot"', b'"data":[' + _MESSAGE + b"]"]
    readings = {str(agree(b"{" + b",".join(order) + b"}")) for order in itertools.permutations(members)}
    assert len(readings) == 1


def test_a_chained_channel_says_whether_it_is_a_snapshot() -> None:
    assert isinstance(agree(_UPDATE.replace(b'"action":"update",', b"")), Refused)
    assert isinstance(agree(_UPDATE.replace(b'"update"', b'"partial"')), Refused)


@pytest.mark.parametrize(
    "frame",
    [
        b"pong",
        b'{"event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"}}',
        b'{"event":"error","code":"60012","msg":"Invalid request"}',
        b'{"event":"notice","code":"64008","msg":"upgrade"}',
        b'{"id":"1","op":"order","data":[{"sCode":"0"}],"code":"0","msg":""}',
        b'{"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[{"last":"1"}]}',
        b'{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"asks":[],"bids":[],"ts":"1"}]}',
    ],
)
def test_what_is_no_market_data_that_we_read_is_passed_over(frame: bytes) -> None:
    assert isinstance(agree(frame), Control)


@pytest.mark.parametrize("text", [b"ping", b"pong ", b"pon", b"", b"{}x"])
def test_what_is_neither_json_nor_the_answer_to_our_ping_is_refused(text: bytes) -> None:
    assert isinstance(agree(text), Refused)


def test_updates_of_one_frame_chain_and_their_levels_follow_each_other() -> None:
    second = b'{"asks":[],"bids":[["30243.8","1","0","1"]],"ts":"1652459225465","prevSeqId":%d,"seqId":12}'
    whole = _UPDATE.replace(_MESSAGE, _MESSAGE + b"," + second % 9)
    read = agree(whole)
    assert isinstance(read, Depth)
    assert (read.previous_id, read.final_id, read.event_ms, len(read.bids)) == (5, 12, 1652459225465, 2)
    assert isinstance(agree(whole.replace(second % 9, second % 8)), Refused)


def test_of_several_trades_the_last_stands_first() -> None:
    trade = b'{"instId":"BTC-USDT","tradeId":"%d","px":"%d","sz":"1","side":"%s","ts":"5"}'
    messages = trade % (7, 30000, b"buy") + b"," + trade % (8, 30001, b"sell")
    read = agree(b'{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[' + messages + b"]}")
    assert read == Trades("BTC-USDT", 5, 8, True, [(300010, 10**8), (300000, 10**8)])


@pytest.mark.parametrize("count", [10_000, 10_001])
def test_a_side_has_a_most_levels(count: int) -> None:
    levels = b",".join(b'["%d","1","0","1"]' % price for price in range(1, count + 1))
    frame = _UPDATE.replace(b'["30244","0.08","0","1"]', levels)
    assert isinstance(agree(frame), Refused) is (count > 10_000)


@pytest.mark.parametrize("filler", [b" ", b"[", b'"', b"9", b"\\", b'["1","1","0","1"],', b"\x00", b'{"arg":'])
def test_ten_megabytes_are_refused(filler: bytes) -> None:
    start = _UPDATE.partition(b"[[")[0] + b"["
    assert isinstance(agree(start + filler * (10_000_000 // len(filler))), Refused)
