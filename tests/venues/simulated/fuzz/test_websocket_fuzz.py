"""WebSocket frames as no client should send them: that connection is closed with the right code, no other is harmed."""

from __future__ import annotations

import struct

import pytest
from hypothesis import strategies as st

from venues.binance.binary import KEY
from venues.simulated.fuzz.arena import Arena, arena
from venues.simulated.fuzz.profiles import EXAMPLES, hold

PLACES = [
    ("binance", "/ws-api/v3"),
    ("binance", "/ws/btcusdt@trade"),
    ("binance", "/stream?streams=btcusdt@depth/btcusdt@bookTicker"),
    ("binance", "/sbe/stream?streams=btcusdt@depth20/btcusdt@trade"),
    ("binanceusdm", "/ws-fapi/v1"),
    ("binanceusdm", "/public/ws"),
    ("binancecoinm", "/ws/btcusd_perp@depth5"),
    ("okx", "/ws/v5/public"),
    ("okx", "/ws/v5/private"),
    ("okx", "/ws/v5/business"),
]
CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
GOODBYES = {1000, 1001, 1002, 1003, 1007, 1008, 1009}
HANDSHAKE = (
    b"GET %b HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nX-MBX-APIKEY: "
    + KEY.encode()
    + b"\r\n\r\n"
)


def frame(
    opcode: int, payload: bytes, *, fin: bool = True, reserved: int = 0, masked: bool = True, says: int | None = None
) -> bytes:
    """``says``: the length that the header declares, the payload's unless told otherwise."""
    size = len(payload) if says is None else says
    first = fin << 7 | reserved << 4 | opcode
    mask = masked << 7
    if size < 126:
        head = struct.pack("!BB", first, mask | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", first, mask | 126, size)
    else:
        head = struct.pack("!BBQ", first, mask | 127, size)
    if not masked:
        return head + payload
    key = b"\x01\x02\x03\x04"
    return head + key + bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


PAYLOADS = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [b"", b"ping", b"{}", b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\x80", b"\x00" * 200, b"x" * 126, b"y" * 70_000]
    ),
    st.sampled_from([struct.pack("!H", code) for code in (0, 999, 1004, 1005, 1006, 1015, 3000, 4999, 65535)]),
    st.sampled_from([b"\x03", b"\x03\xe8\xff\xfe", b"\x03\xe8" + b"z" * 130]),
)
FRAMES = st.builds(
    frame,
    st.one_of(st.sampled_from([CONTINUED, TEXT, BINARY, CLOSE, PING, PONG]), st.integers(0, 15)),
    PAYLOADS,
    fin=st.sampled_from([True, True, True, False]),
    reserved=st.sampled_from([0, 0, 0, 0, 1, 4, 7]),
    masked=st.sampled_from([True, True, True, False]),
    says=st.sampled_from([None] * 12 + [0, 1, 125, 126, 1 << 16, 1 << 31, (1 << 63) - 1, 1 << 63, (1 << 64) - 1]),
)


@pytest.fixture(scope="module")
def field():
    with arena() as made:
        yield made


async def converse(field: Arena, venue: str, path: str, sent: bytes) -> list[tuple[int, bytes]]:
    """What the venue said, frame by frame, until it or we have closed."""
    received = await field.exchange_bytes(venue, HANDSHAKE % path.encode() + sent)
    head, _, rest = received.partition(b"\r\n\r\n")
    assert not received or head.startswith(b"HTTP/1.1 101 "), received[:100]
    return frames(rest)


def frames(received: bytes) -> list[tuple[int, bytes]]:
    """A server's frames: whole, unmasked, and such as there are. Raises AssertionError for others."""
    found = []
    while received:
        first, second = received[0], received[1]
        assert first & 0x70 == 0, "reserved bits"
        assert second < 128, "a server masks nothing"
        size, start = second, 2
        if second == 126:
            size, start = int.from_bytes(received[2:4], "big"), 4
        elif second == 127:
            size, start = int.from_bytes(received[2:10], "big"), 10
        payload = received[start : start + size]
        assert len(payload) == size, "a frame is cut off"
        found.append((first & 15, payload))
        received = received[start + size :]
    return found


def assert_clean(said: list[tuple[int, bytes]]) -> None:
    for at, (opcode, payload) in enumerate(said):
        assert opcode in (TEXT, BINARY, CLOSE, PING, PONG)
        if opcode == TEXT:
            payload.decode()
        if opcode == CLOSE:
            assert at == len(said) - 1, "nothing follows a goodbye"
            assert not payload or int.from_bytes(payload[:2], "big") in GOODBYES


@EXAMPLES
def test_whatever_frames_come_the_venue_speaks_proper_ones_and_serves_on(field, examples):
    def abuse(example: tuple[tuple[str, str], list[bytes]]) -> None:
        (venue, path), sent = example
        assert_clean(field.do(converse(field, venue, path, b"".join(sent))))
        field.check()

    hold(abuse, st.tuples(st.sampled_from(PLACES), st.lists(FRAMES, min_size=1, max_size=6)), examples)


@pytest.mark.parametrize(("venue", "path"), PLACES)
@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(TEXT, b"{}", masked=False), 1002),
        (frame(TEXT, b"{}", reserved=4), 1002),
        (frame(3, b""), 1002),
        (frame(PING, b"", fin=False), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(CONTINUED, b"x"), 1002),
        (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002),
        (frame(TEXT, b"", says=(1 << 63)), 1002),
        (frame(BINARY, b"x"), 1003),
        (frame(TEXT, b"x" * 70_000), 1009),
        (frame(TEXT, b"", says=1 << 40), 1009),
        (frame(CLOSE, b""), 1000),
        (frame(CLOSE, struct.pack("!H", 1000)), 1000),
        (frame(CLOSE, struct.pack("!H", 4_321) + b"bye"), 1000),
    ],
)
def test_what_no_client_may_send_closes_its_connection_with_the_code_for_it(field, venue, path, sent, code):
    said = field.do(converse(field, venue, path, sent))
    assert said[-1][0] == CLOSE
    assert int.from_bytes(said[-1][1][:2], "big") == code
    field.check()
