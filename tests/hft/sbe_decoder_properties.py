"""The compiled reader of Binance's binary messages against ``struct``: every template, byte by byte.

Run by ``test_decoder_fuzz`` in a process of its own, whose kernels check every read against the frame's end.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphwiz_trader.hft.kernels import frames
from hft.compiled_venues import CompiledSbe
from hft.odd_frames import agreed, damaged
from oracle.decoder import Control, Refused, Rules, Ticker
from oracle.okx import Trades
from oracle.sbe import Decoded, Depth, decode

SYMBOLS = {"BTCUSDT": Rules("0.01", "0.00001", futures=False), "ETHUSDT": Rules("0.05", "0.001", futures=False)}
COMPILED = CompiledSbe(SYMBOLS)
TRADES, BEST_BID_ASK, DEPTH_SNAPSHOT, DEPTH_DIFF = 10000, 10001, 10002, 10003

settings.register_profile("decoder", max_examples=1_000, deadline=None)
settings.load_profile("decoder")


def agree(frame: bytes) -> Decoded:
    return agreed(decode(frame, SYMBOLS), COMPILED.decode(frame))


# -- messages, byte by byte -----------------------------------------------------------------------------------------


def message(
    template: int, root: bytes, groups: bytes = b"", *, symbol: bytes = b"BTCUSDT", longer: int = 0, version: int = 0
) -> bytes:
    """A message whose root block is ``longer`` by so many bytes than we know it."""
    header = struct.pack("<HHHH", len(root) + longer, template, 1, version)
    return header + root + b"\xee" * longer + groups + bytes((len(symbol),)) + symbol


def levels(*pairs: tuple[int, int], longer: int = 0) -> bytes:
    entries = b"".join(struct.pack("<qq", *pair) + b"\xee" * longer for pair in pairs)
    return struct.pack("<HH", 16 + longer, len(pairs)) + entries


def trades(*each: tuple[int, int, int, int], longer: int = 0) -> bytes:
    entries = b"".join(struct.pack("<qqqB", *trade) + b"\xee" * longer for trade in each)
    return struct.pack("<HI", 25 + longer, len(each)) + entries


TIME_US = 1_753_000_000_123_456
TIME_MS = 1_753_000_000_123
TRADES_ROOT = struct.pack("<qqbb", TIME_US, TIME_US, -2, -5)
BEST_ROOT = struct.pack("<qqbbqqqq", TIME_US, 77, -2, -5, 11_800_001, 150_000, 11_800_002, 3)
SNAPSHOT_ROOT = struct.pack("<qqbb", TIME_US, 77, -2, -5)
DIFF_ROOT = struct.pack("<qqqbb", TIME_US, 70, 77, -2, -5)


@pytest.mark.parametrize("longer", [0, 1, 7, 300])
@pytest.mark.parametrize("version", [0, 3])
def test_every_template_is_read_and_may_be_longer_than_known(longer: int, version: int) -> None:
    more = {"longer": longer, "version": version}
    sold, bought = (901, 11_800_000, 25_000, 1), (902, 11_800_001, 7, 0)
    assert agree(message(TRADES, TRADES_ROOT, trades(sold, bought, longer=longer), **more)) == Trades(
        "BTCUSDT", TIME_MS, 902, False, [(11_800_001, 7), (11_800_000, 25_000)]
    )
    assert agree(message(BEST_BID_ASK, BEST_ROOT, **more)) == Ticker(
        "BTCUSDT", TIME_MS, 77, (11_800_001, 150_000), (11_800_002, 3)
    )
    bids, asks = levels((11_800_001, 5), (11_800_000, 0), longer=longer), levels(longer=longer)
    assert agree(message(DEPTH_SNAPSHOT, SNAPSHOT_ROOT, bids + asks, **more)) == Depth(
        "BTCUSDT", True, TIME_MS, 77, 77, [(11_800_001, 5), (11_800_000, 0)], []
    )
    assert agree(message(DEPTH_DIFF, DIFF_ROOT, bids + asks, **more)) == Depth(
        "BTCUSDT", False, TIME_MS, 70, 77, [(11_800_001, 5), (11_800_000, 0)], []
    )


WHOLE = [
    message(TRADES, TRADES_ROOT, trades((1, 5, 5, 1), (2, 6, 6, 0))),
    message(BEST_BID_ASK, BEST_ROOT),
    message(DEPTH_SNAPSHOT, SNAPSHOT_ROOT, levels((5, 5)) + levels((6, 6), (7, 7))),
    message(DEPTH_DIFF, DIFF_ROOT, levels((5, 5)) + levels((6, 6), (7, 7))),
]


@pytest.mark.parametrize("whole", WHOLE, ids=["Trades", "BestBidAsk", "DepthSnapshot", "DepthDiff"])
def test_a_message_cut_anywhere_is_refused(whole: bytes) -> None:
    assert not isinstance(agree(whole), Refused | Control)
    assert all(isinstance(agree(whole[:length]), Refused) for length in range(len(whole)))


@pytest.mark.parametrize("whole", WHOLE, ids=["Trades", "BestBidAsk", "DepthSnapshot", "DepthDiff"])
def test_only_a_later_version_may_go_on_behind_its_symbol(whole: bytes) -> None:
    assert isinstance(agree(whole + b"\x00"), Refused)
    later = whole[:6] + struct.pack("<H", 1) + whole[8:]
    assert agree(later + b"more of it") == agree(whole)


@pytest.mark.parametrize("whole", WHOLE, ids=["Trades", "BestBidAsk", "DepthSnapshot", "DepthDiff"])
def test_a_root_block_shorter_than_known_is_refused(whole: bytes) -> None:
    (root_bytes,) = struct.unpack_from("<H", whole)
    assert isinstance(agree(struct.pack("<H", root_bytes - 1) + whole[2:]), Refused)


def test_a_group_entry_shorter_than_known_is_refused() -> None:
    short = struct.pack("<HH", 15, 1) + bytes(15)
    assert isinstance(agree(message(DEPTH_DIFF, DIFF_ROOT, short + levels())), Refused)
    assert isinstance(agree(message(TRADES, TRADES_ROOT, struct.pack("<HI", 24, 1) + bytes(24))), Refused)


@pytest.mark.parametrize("template", [0, 9999, 10004, 50, 65535])
def test_an_unknown_template_is_passed_over_whatever_its_length(template: int) -> None:
    assert isinstance(agree(message(template, b"")), Control)
    assert isinstance(agree(message(template, bytes(500))), Control)


def test_another_schema_is_refused() -> None:
    whole = WHOLE[1]
    assert isinstance(agree(whole[:4] + struct.pack("<H", 2) + whole[6:]), Refused)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b'{"result":null,"id":1}', Control),
        (b'{"e":"serverShutdown","E":1753000000000} ', Control),
        (b'{"result":null,"id":1', Refused),
        (b"[1,2,3,4,5]", Refused),
        (b"", Refused),
        (b"pong", Refused),
    ],
)
def test_texts_on_the_binary_socket_are_passed_over(text: bytes, kind: type) -> None:
    assert isinstance(agree(text), kind)


@pytest.mark.parametrize(
    ("mantissa", "exponent", "ticks"),
    [
        (11_800_001, -2, 11_800_001),
        (118_000_010, -3, 11_800_001),
        (118_000_011, -3, None),  # finer than the tick
        (118, 3, 11_800_000),
        (5, 15, 5 * 10**17),
        (5, 16, None),  # more than 18 digits
        (9 * 10**18, -20, 9),
        (9 * 10**18, -21, None),
        (9 * 10**18, -127, None),
        (1, 127, None),
        (0, -2, None),  # no level stands at price 0
        (-11_800_001, -2, None),
        (-(2**63), -2, None),  # SBE's way of saying that there is none
        (2**63 - 1, -2, None),
        (2**63 - 1, 0, None),
    ],
)
def test_exponents_are_scaled_exactly_or_not_at_all(mantissa: int, exponent: int, ticks: int | None) -> None:
    root = struct.pack("<qqqbb", TIME_US, 70, 77, exponent, -5)
    read = agree(message(DEPTH_DIFF, root, levels((mantissa, 1)) + levels()))
    assert isinstance(read, Refused) if ticks is None else read.bids == [(ticks, 1)]


@pytest.mark.parametrize(
    ("bid", "ask", "kind"),
    [
        ((0, 0), (5, 5), Ticker),
        ((5, 5), (0, 0), Ticker),
        ((0, 5), (6, 5), Refused),
        ((5, 0), (6, 5), Refused),
        ((6, 5), (6, 5), Refused),
    ],
)
def test_a_best_bid_or_offer_is_whole_or_not_there_and_they_do_not_cross(
    bid: tuple[int, int], ask: tuple[int, int], kind: type
) -> None:
    assert isinstance(agree(message(BEST_BID_ASK, struct.pack("<qqbbqqqq", 0, 1, -2, -5, *bid, *ask))), kind)


def test_a_group_that_says_it_is_endless_is_refused() -> None:
    endless = struct.pack("<HI", 65_535, 2**32 - 1)
    assert isinstance(agree(message(TRADES, TRADES_ROOT, endless)), Refused)
    assert isinstance(agree(message(DEPTH_DIFF, DIFF_ROOT, struct.pack("<HH", 0, 65_535) + levels())), Refused)


@pytest.mark.parametrize("count", [10_000, 10_001])
def test_a_side_has_a_most_levels(count: int) -> None:
    many = levels(*((price, 1) for price in range(1, count + 1)))
    assert isinstance(agree(message(DEPTH_DIFF, DIFF_ROOT, levels() + many)), Refused) is (count > 10_000)


# -- and at random --------------------------------------------------------------------------------------------------

_VALUES = st.integers(0, 10**6) | st.integers(-(2**63), 2**63 - 1)
_EXPONENTS = st.integers(-6, 2) | st.integers(-128, 127)
_IDS = st.integers(0, 100) | st.integers(-(2**63), 2**63 - 1)


@st.composite
def _messages(draw: Callable[..., int]) -> bytes:
    template = draw(st.sampled_from([TRADES, BEST_BID_ASK, DEPTH_SNAPSHOT, DEPTH_DIFF]))
    longer, version = draw(st.sampled_from([0, 0, 3])), draw(st.sampled_from([0, 1]))
    exponents = struct.pack("<bb", draw(_EXPONENTS), draw(_EXPONENTS))
    ids = [draw(_IDS) for _ in range(3 if template == DEPTH_DIFF else 2)]
    root, groups = struct.pack(f"<{len(ids)}q", *ids) + exponents, b""
    pairs = st.lists(st.tuples(_VALUES, _VALUES), max_size=3)
    if template == TRADES:
        each = draw(st.lists(st.tuples(_IDS, _VALUES, _VALUES, st.sampled_from([0, 1, 1, 255])), max_size=3))
        groups = trades(*each, longer=longer)
    elif template == BEST_BID_ASK:
        root += struct.pack("<qqqq", *(draw(_VALUES) for _ in range(4)))
    else:
        groups = levels(*draw(pairs), longer=longer) + levels(*draw(pairs))
    symbol = draw(st.sampled_from([b"BTCUSDT", b"ETHUSDT", b"ETHUSDT", b"", b"X" * 255]))
    return message(template, root, groups, symbol=symbol, longer=longer, version=version)


def test_this_process_checks_every_read() -> None:
    assert frames.byte_at.py_func is frames._checked


@given(_messages())
def test_messages_are_read_as_the_layout_says(frame: bytes) -> None:
    agree(frame)


@given(damaged(_messages()))
def test_damaged_messages_are_refused_or_read_as_they_stand(frame: bytes) -> None:
    agree(frame)


@given(st.binary(max_size=200))
def test_random_bytes_are_read_alike(frame: bytes) -> None:
    agree(frame)
    agree(struct.pack("<HHHH", len(frame), 10003, 1, 0) + frame)
