"""Whatever is asked of OKX over REST: an answer, or the venue's own error with its code, and no harm done."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st

from venues.simulated.fuzz import words
from venues.simulated.fuzz.arena import Arena, Reply, arena
from venues.simulated.fuzz.profiles import EXAMPLES, hold


@pytest.fixture(scope="module")
def field():
    with arena() as made:
        yield made


def assert_in_the_venues_words(reply: Reply) -> None:
    said = msgspec.json.decode(reply.body)
    assert reply.status == 200 or 400 <= reply.status < 500, reply
    assert {"code", "data", "msg"} <= set(said) <= {"code", "data", "msg", "inTime", "outTime"}, said
    assert isinstance(said["code"], str)
    assert isinstance(said["msg"], str)
    assert said["code"].isdigit()
    assert said["code"] != "0" or reply.status == 200


@st.composite
def queries(draw: st.DrawFn) -> list[tuple[str, str]]:
    right = words.OKX_QUERY
    pairs = [
        (name, draw(st.sampled_from(right[name])))
        for name in draw(st.lists(st.sampled_from(sorted(right)), max_size=4))
    ]
    if draw(st.booleans()):
        pairs.append((draw(st.one_of(st.sampled_from(sorted(right)), words.wrong)), draw(words.wrong)))
    return pairs


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """An order, several, or anything else."""
    if not draw(st.integers(0, 7)):
        return draw(
            st.one_of(st.sampled_from(words.BOMBS), st.binary(max_size=50), words.json_values.map(msgspec.json.encode))
        )
    orders = draw(st.lists(words.okx_orders(), min_size=1, max_size=3))
    return msgspec.json.encode(orders[0] if draw(st.booleans()) else orders)


@st.composite
def requests(draw: st.DrawFn, field: Arena) -> bytes:
    api: Any = field.exchange.venues["okx"]._rest  # type: ignore[attr-defined]
    routes = sorted([("GET", path) for path in api._public] + list(api._signed))
    of_orders = [route for route in routes if "order" in route[1]]
    method, path = draw(st.one_of(st.sampled_from(routes), st.sampled_from(of_orders)))
    form = words.written(draw(queries()), draw(words.ENCODINGS))
    target = path.encode() + (b"?" + bytes(byte for byte in form if 32 < byte < 127) if form else b"")
    body = draw(bodies()) if method == "POST" else b""
    headers = words.okx_headers(method, target, body)
    if not draw(st.integers(0, 5)):
        name = draw(st.sampled_from(sorted(headers)))
        headers[name] = bytes(byte for byte in draw(words.wrong).encode(errors="replace") if byte > 32)
    return words.request(method, target, headers, body)


@EXAMPLES
def test_any_request_is_answered_in_the_venues_words(field, examples):
    def abuse(several: list[bytes]) -> None:
        replies = field.do(field.ask("okx", b"".join(several)))
        assert len(replies) == len(several)
        for reply in replies:
            assert_in_the_venues_words(reply)
        field.check()

    hold(abuse, st.lists(requests(field), min_size=1, max_size=3), examples)
