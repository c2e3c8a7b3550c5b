"""Requests over WebSockets with anything in any field: an answer or the venue's own error, and no harm done."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st

from graphwiz_trader.venues.simulated.okx.order_operations import OPERATIONS
from venues.simulated.clients import hmac_signed, now_ms
from venues.simulated.fuzz import words
from venues.simulated.fuzz.arena import Arena, arena
from venues.simulated.fuzz.profiles import EXAMPLES, hold
from venues.simulated.fuzz.test_websocket_fuzz import TEXT, converse, frame
from venues.simulated.okx.okx_clients import login

STREAMS = [
    "btcusdt@trade",
    "btcusdt@depth@100ms",
    "BTCUSDT@bookTicker",
    "nosuch@trade",
    "@",
    "btcusdt@kline_1m",
    "btcusdt@depth20",
    "btcusdt@bestBidAsk",
    "btcusd_perp@depth@100ms",
    "btcusd_perp@kline_1m",
    "!ticker@arr",
]
CHANNELS = [
    "books",
    "books5",
    "bbo-tbt",
    "trades",
    "trades-all",
    "candle1m",
    "tickers",
    "status",
    "orders",
    "account",
    "positions",
]


@pytest.fixture(scope="module")
def field():
    with arena() as made:
        yield made


def talk(field: Arena, venue: str, path: str, messages: list[bytes]) -> list[Any]:
    """What the venue says to these, as JSON."""
    said = field.do(converse(field, venue, path, b"".join(frame(TEXT, message) for message in messages)))
    return [msgspec.json.decode(payload) for opcode, payload in said if opcode == TEXT and payload != b"pong"]


@st.composite
def damaged(draw: st.DrawFn, message: dict[str, Any]) -> bytes:
    """The message as JSON: as it is, with a field that is wrong, or cut, or no such thing at all."""
    how = draw(st.integers(0, 9))
    if how == 0:
        return draw(st.one_of(st.sampled_from(words.BOMBS), st.binary(max_size=40)))
    if how < 4:
        field = draw(st.sampled_from(sorted(message)))
        message = {**message, field: draw(words.json_values)}
    if how == 4:
        message = {name: value for name, value in message.items() if draw(st.booleans())}
    text = msgspec.json.encode(message)
    if how == 5:
        return text[: draw(st.integers(0, len(text)))]
    if how == 6:  # every name twice
        return text[:-1] + b"," + text[1:]
    return text


@st.composite
def api_requests(draw: st.DrawFn, field: Arena, venue: str) -> bytes:
    methods = sorted(field.exchange.venues[venue]._api._methods)  # type: ignore[attr-defined]
    of_orders = [method for method in methods if method.startswith("order")]
    params: dict[str, Any] = dict(draw(words.parameters()))
    signed = hmac_signed({"timestamp": now_ms(), **params})
    if not draw(st.integers(0, 3)):
        signed[draw(st.sampled_from(sorted(signed)))] = draw(words.json_values)
    method = draw(st.one_of(st.sampled_from(methods), st.sampled_from(of_orders)))
    return draw(damaged({"id": draw(st.integers(0, 99)), "method": method, "params": signed}))


@EXAMPLES
@pytest.mark.parametrize(("venue", "path"), [("binance", "/ws-api/v3"), ("binanceusdm", "/ws-fapi/v1")])
def test_each_request_to_binance_has_one_answer(field, venue, path, examples):
    def abuse(messages: list[bytes]) -> None:
        answers = [said for said in talk(field, venue, path, messages) if "status" in said]
        assert len(answers) == len(messages)
        for answer in answers:
            assert ("result" in answer) != ("error" in answer)
            assert (answer["status"] == 200) == ("result" in answer)
            if "error" in answer:
                assert 400 <= answer["status"] < 500, answer
                assert answer["error"]["code"] < -1000, answer
                assert isinstance(answer["error"]["msg"], str)
        field.check()

    hold(abuse, st.lists(api_requests(field, venue), min_size=1, max_size=4), examples)


@st.composite
def controls(draw: st.DrawFn) -> bytes:
    method = draw(
        st.sampled_from(["SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY", "NO"])
    )
    params: list[Any] = draw(
        st.lists(st.one_of(st.sampled_from([*STREAMS, "combined", True]), words.json_values), max_size=3)
    )
    return draw(damaged({"method": method, "params": params, "id": draw(st.integers(0, 99))}))


@EXAMPLES
@pytest.mark.parametrize(
    ("venue", "path"),
    [
        ("binance", "/ws"),
        ("binance", "/stream?streams=btcusdt@trade"),
        ("binance", "/sbe/ws"),
        ("binanceusdm", "/market/ws"),
        ("binancecoinm", "/stream"),
    ],
)
def test_each_control_message_to_binance_has_one_answer(field, venue, path, examples):
    def abuse(messages: list[bytes]) -> None:
        answers = [said for said in talk(field, venue, path, messages) if "result" in said or "error" in said]
        assert len(answers) == len(messages)
        for answer in answers:
            assert set(answer) in ({"result", "id"}, {"error", "id"}, {"error"})
            if "error" in answer:
                assert set(answer["error"]) == {"code", "msg"}
        field.check()

    hold(abuse, st.lists(controls(), min_size=1, max_size=4), examples)


@st.composite
def operations(draw: st.DrawFn) -> bytes:
    op = draw(st.sampled_from([*OPERATIONS, "subscribe", "unsubscribe", "login", "no-such"]))
    args: list[Any] = draw(st.lists(words.okx_orders(), max_size=3))
    if "subscribe" in op:
        right = {"instId": "BTC-USDT", "instType": draw(st.sampled_from(["SPOT", "SWAP", "ANY"]))}
        args = [{"channel": draw(st.sampled_from(CHANNELS)), **right} for _ in range(draw(st.integers(0, 3)))]
    if op == "login":
        args = [login()]
    if args and not draw(st.integers(0, 4)):
        at = draw(st.integers(0, len(args) - 1))
        args[at] = draw(st.one_of(words.json_values, st.just({**args[at], draw(words.wrong): draw(words.json_values)})))
    message = {"op": op, "args": args, "id": draw(st.sampled_from(["1", "a1", "", "!", 5]))}
    if draw(st.booleans()):
        message["expTime"] = draw(st.one_of(st.just(str(now_ms() + 10_000)), words.json_values))
    return draw(damaged(message))


@EXAMPLES
@pytest.mark.parametrize("route", ["public", "business", "private"])
def test_each_operation_of_okx_is_answered_in_its_words(field, route, examples):
    def abuse(messages: list[bytes]) -> None:
        first = [] if route == "public" else [msgspec.json.encode({"op": "login", "args": [login()]})]
        said = talk(field, "okx", f"/ws/v5/{route}", [*first, *messages])
        answers = [answer for answer in said if "event" in answer or "op" in answer]
        assert len(answers) >= len(first) + sum(message != b"ping" for message in messages)
        for answer in answers:
            code = answer.get("code", "0")
            assert isinstance(code, str)
            assert code.isdigit(), answer
            assert code not in ("50000", "50026"), answer
            for result in answer.get("data", []) if "op" in answer else []:
                assert result["sCode"].isdigit()
        field.check()

    hold(abuse, st.lists(operations(), min_size=1, max_size=4), examples)
