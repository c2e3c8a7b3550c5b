"""Whatever is asked of Binance over REST: an answer, or the venue's own error with its code, and no harm done."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import strategies as st

from venues.simulated.clients import now_ms
from venues.simulated.fuzz import words
from venues.simulated.fuzz.arena import Arena, Reply, arena
from venues.simulated.fuzz.profiles import EXAMPLES, hold

KINDS = ["application/x-www-form-urlencoded", "application/json", "text/plain; charset=utf-7"]


@pytest.fixture(scope="module")
def field():
    with arena() as made:
        yield made


def assert_in_the_venues_words(reply: Reply) -> None:
    said = msgspec.json.decode(reply.body)
    if reply.status != 200:
        assert 400 <= reply.status < 500, reply
        assert set(said) <= {"code", "msg", "data"}, said
        assert isinstance(said["code"], int)
        assert said["code"] < 0
        assert isinstance(said["msg"], str)
        assert said["code"] != -1000 or reply.status == 410, said


@st.composite
def requests(draw: st.DrawFn, field: Arena, venue: str) -> bytes:
    """Mostly signed as they should be, so that what is wrong in them is looked at."""
    routes = sorted(field.exchange.venues[venue]._rest._routes)  # type: ignore[attr-defined]
    of_orders = [route for route in routes if "order" in route.lower()]
    method, path = draw(st.one_of(st.sampled_from(routes), st.sampled_from(of_orders))).split(" ")
    pairs = draw(words.parameters())
    pairs.append(("timestamp", str(now_ms()) if draw(st.integers(0, 9)) else draw(words.wrong)))
    form = words.written(pairs, draw(words.ENCODINGS))
    signature = words.binance_signature(form) if draw(st.integers(0, 9)) else draw(words.wrong).encode(errors="replace")
    in_query = method == "GET" or draw(st.booleans())
    # What may not stand in a request line is the matter of test_http_fuzz.py.
    form += b"&signature=" + signature
    if in_query:
        form = bytes(byte for byte in form if 32 < byte < 127)
    key = words.DEMO_API_KEY if draw(st.integers(0, 9)) else "unknown"
    return words.request(
        method,
        path.encode() + b"?" + (form if in_query else b""),
        {"X-MBX-APIKEY": key.encode(), "Content-Type": draw(st.sampled_from(KINDS)).encode()},
        b"" if in_query else form,
    )


@EXAMPLES
@pytest.mark.parametrize("venue", ["binance", "binanceusdm", "binancecoinm"])
def test_any_request_is_answered_in_the_venues_words(field, venue, examples):
    def abuse(several: list[bytes]) -> None:
        replies = field.do(field.ask(venue, b"".join(several)))
        assert len(replies) == len(several)
        for reply in replies:
            assert_in_the_venues_words(reply)
        field.check()

    hold(abuse, st.lists(requests(field, venue), min_size=1, max_size=3), examples)


@pytest.mark.parametrize(
    ("venue", "path"),
    [("binance", "/api/v3/order"), ("binance", "/api/v3/allOrders"), ("binanceusdm", "/fapi/v1/order")],
)
@pytest.mark.parametrize("number", ["--5", "5\n", "1_0", "٣", "9" * 21])
def test_what_is_no_number_for_binance_is_not_taken_for_one(field, venue, path, number):
    form = words.written([("symbol", "BTCUSDT"), ("orderId", number), ("timestamp", str(now_ms()))], "right")
    target = path.encode() + b"?" + form + b"&signature=" + words.binance_signature(form)
    sent = words.request("GET", target, {"X-MBX-APIKEY": words.DEMO_API_KEY.encode()}, b"")
    (reply,) = field.do(field.ask(venue, sent))
    assert msgspec.json.decode(reply.body)["code"] == -1100
    field.check()
