"""HTTP as no client should speak it: each gets an error or a closed connection, and the venue serves on.

Clients that are slow instead are in `test_http_front.py`.
"""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from graphwiz_trader.venues.simulated.http_client import MAX_BODY_BYTES, MAX_HEAD_BYTES
from venues.simulated.fuzz.arena import VENUES, arena, responses
from venues.simulated.fuzz.profiles import EXAMPLES, hold

PATHS = [
    b"/api/v3/order",
    b"/fapi/v1/order",
    b"/api/v5/trade/order",
    b"/api/v3/ping",
    b"/ws",
    b"/stream",
    b"/ws/v5/public",
    b"/dapi/v1/klines",
    b"/sbe/ws",
]
LINES = [
    b"Host: x",
    b"Host: x\r\nHost: y",
    b"Content-Length: 5",
    b"Content-Length: -1",
    b"Content-Length: 1e3",
    b"Content-Length: 99999999999999999999",
    b"Content-Length: 3\r\nContent-Length: 4",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nContent-Length: 4",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: identity",
    b"Connection: close",
    b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13",
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: short\r\nSec-WebSocket-Version: 13",
    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 7",
    b"Upgrade: h2c",
    b"Expect: 100-continue",
    b"Content-Type: multipart/form-data; boundary=x",
    b" folded: yes",
    b"NoColon",
    b": empty",
    b"X-MBX-APIKEY: \xff\xfe",
    b"X-MBX-APIKEY: a\x00b",
    b"OK-ACCESS-KEY: \xc3\xa9",
    b"OK-ACCESS-TIMESTAMP: 9999-99-99T99:99:99Z",
    b"X-MBX-TIME-UNIT: NANOSECOND",
    b"X: " + b"y" * MAX_HEAD_BYTES,
]
BODIES = [
    b"",
    b"symbol=BTCUSDT",
    b"5\r\nhello\r\n0\r\n\r\n",
    b"5\r\nhel",
    b"zz\r\nhello\r\n",
    b"-5\r\nhello\r\n0\r\n\r\n",
    b"FFFFFFFFFFFFFFFFF\r\n",
    b"5;ext=" + b"x" * 3_000 + b"\r\nhello\r\n0\r\n\r\n",
    b"1\r\nx\r\n" * 500,
    b"0\r\nTrailer: x\r\n\r\n",
    b"x" * (MAX_BODY_BYTES + 1),
    b"\x00" * 100,
    b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n",
]
VERBS = [
    b"GET",
    b"POST",
    b"PUT",
    b"DELETE",
    b"OPTIONS",
    b"TRACE",
    b"CONNECT",
    b"PRI",
    b"get",
    b"G\x00T",
    b"X" * 300,
    b"",
]
VERSIONS = [b"HTTP/1.1", b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"HTTP/9.9", b"HTTP/1.", b"ICY", b""]
TARGETS = [
    b"*",
    b"//",
    b"/%00",
    b"/%2e%2e/",
    b"/api/v3/depth?symbol=%",
    b"http://x/api/v3/ping",
    b"/\xff",
    b"/ a",
    b"?",
    b"/ws/%00",
    b"/stream?streams=" + b"a@trade/" * 1_000,
]


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    verb = draw(st.one_of(st.just(b"GET"), st.sampled_from(VERBS)))
    target = draw(st.one_of(st.sampled_from(PATHS), st.sampled_from(TARGETS)))
    version = draw(st.one_of(st.just(b"HTTP/1.1"), st.sampled_from(VERSIONS)))
    lines = draw(st.lists(st.sampled_from(LINES), max_size=4))
    made = b"\r\n".join([b"%b %b %b" % (verb, target, version), *lines]) + b"\r\n\r\n" + draw(st.sampled_from(BODIES))
    if not draw(st.integers(0, 4)):
        at = draw(st.integers(0, len(made)))
        made = made[:at] + draw(st.one_of(st.just(b""), st.binary(max_size=8))) + made[at + draw(st.integers(0, 3)) :]
    return made.replace(b"\r\n", b"\n") if not draw(st.integers(0, 9)) else made


@pytest.fixture(scope="module")
def field():
    with arena() as made:
        yield made


@EXAMPLES
def test_whatever_is_sent_is_answered_as_http_or_ends_the_connection(field, examples):
    def abuse(example: tuple[str, list[bytes]]) -> None:
        venue, several = example
        for reply in responses(field.do(field.exchange_bytes(venue, b"".join(several)))):
            assert reply.status < 500 or reply.status in (501, 505), reply
        field.check()

    hold(abuse, st.tuples(st.sampled_from(VENUES), st.lists(requests(), min_size=1, max_size=3)), examples)
