"""What the venue says is read for what it proves, to the last digit; what cannot be read is counted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from an_instrument import an_instrument
from graphwiz_trader.hft.events import ExecutionReport, FoundOrder, OpenOrders, OrderState, Trade
from graphwiz_trader.hft.instruments import UNIT_DECIMALS, Instruments
from graphwiz_trader.venues.binance.order_codec import OrderDecoder, order_decoder

INSTRUMENTS = Instruments(
    [
        an_instrument(book, exchange, "BTC/USDT", tick_size, lot_size)
        for book, (exchange, tick_size, lot_size) in enumerate(
            [("binance", "0.01", "0.00001"), ("binanceusdm", "0.1", "0.001")]
        )
    ]
)

PLACED = {
    "symbol": "BTCUSDT",
    "orderId": 12569099453,
    "orderListId": -1,
    "clientOrderId": "a1",
    "transactTime": 1660801715639,
    "price": "23416.10000000",
    "origQty": "0.00847000",
    "executedQty": "0.00847000",
    "cummulativeQuoteQty": "198.33521500",
    "status": "FILLED",
    "timeInForce": "GTC",
    "type": "LIMIT",
    "side": "SELL",
    "workingTime": 1660801715639,
    "fills": [
        {
            "price": "23416.10000000",
            "qty": "0.00635000",
            "commission": "0.00000635",
            "commissionAsset": "BTC",
            "tradeId": 1650422481,
        },
        {
            "price": "23416.50000000",
            "qty": "0.00212000",
            "commission": "0.00000212",
            "commissionAsset": "BNB",
            "tradeId": 1650422482,
        },
    ],
    "selfTradePreventionMode": "NONE",
}
"""Spot API docs, "Place new order", response FULL."""

EXECUTION = {
    "e": "executionReport",
    "E": 1499405658658,
    "s": "BTCUSDT",
    "c": "a1",
    "S": "BUY",
    "o": "LIMIT",
    "f": "GTC",
    "q": "1.00000000",
    "p": "23416.10000000",
    "P": "0.00000000",
    "F": "0.00000000",
    "g": -1,
    "C": "",
    "x": "NEW",
    "X": "NEW",
    "r": "NONE",
    "i": 4293153,
    "l": "0.00000000",
    "z": "0.00000000",
    "L": "0.00000000",
    "n": "0",
    "N": None,
    "T": 1499405658657,
    "t": -1,
    "v": 3,
    "I": 8641984,
    "w": True,
    "m": False,
    "M": False,
    "O": 1499405658657,
    "Z": "0.00000000",
    "Y": "0.00000000",
    "Q": "0.00000000",
    "W": 1499405658657,
    "V": "NONE",
}
"""Spot API docs, "Order update"."""

UPDATE = {
    "s": "BTCUSDT",
    "c": "a1",
    "S": "SELL",
    "o": "LIMIT",
    "f": "GTC",
    "q": "0.100",
    "p": "23416.1",
    "ap": "0",
    "sp": "0",
    "x": "NEW",
    "X": "NEW",
    "i": 8886774,
    "l": "0",
    "z": "0",
    "L": "0",
    "N": "USDT",
    "n": "0",
    "T": 1568879465650,
    "t": 0,
    "b": "0",
    "a": "9.91",
    "m": False,
    "R": False,
    "wt": "CONTRACT_PRICE",
    "ot": "LIMIT",
    "ps": "BOTH",
    "cp": False,
    "rp": "0",
    "si": 0,
    "ss": 0,
}
"""USD-M docs, "Event: Order Update"."""


def answer(letter: str, result: Any, status: int = 200) -> bytes:
    limits = [{"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50, "count": 1}]
    return json.dumps({"id": f"{letter}a1", "status": status, "result": result, "rateLimits": limits}).encode()


def error(letter: str, status: int, code: int, msg: str = "no") -> bytes:
    return json.dumps({"id": f"{letter}a1", "status": status, "error": {"code": code, "msg": msg}}).encode()


def spot_event(**changes: Any) -> bytes:
    return json.dumps({"subscriptionId": 0, "event": EXECUTION | changes}).encode()


def usdm_event(**changes: Any) -> bytes:
    order = UPDATE | changes
    return json.dumps({"e": "ORDER_TRADE_UPDATE", "E": 1, "T": order["T"], "o": order}).encode()


def spot() -> OrderDecoder:
    return order_decoder(INSTRUMENTS, "binance")


def usdm() -> OrderDecoder:
    return order_decoder(INSTRUMENTS, "binanceusdm")


def the_report(frame: bytes, decoder: OrderDecoder | None = None) -> ExecutionReport:
    decoder = decoder or spot()
    (report,) = decoder(frame)
    assert not decoder.refused
    return report


# Answers


def test_a_full_answer_gives_state_and_every_trade_exactly():
    assert the_report(answer("p", PLACED)) == ExecutionReport(
        client_id="a1",
        state=OrderState.FILLED,
        venue_id="12569099453",
        filled_lots=847,
        trades=(
            Trade(trade_id="1650422481", price_ticks=2341610, size_lots=635, fee_units=6_350_000, fee_asset="BTC"),
            Trade(trade_id="1650422482", price_ticks=2341650, size_lots=212, fee_units=2_120_000, fee_asset="BNB"),
        ),
        time_ms=1660801715639,
    )


def test_a_short_answer_says_accepted_and_nothing_of_fills():
    short = {name: PLACED[name] for name in ("symbol", "orderId", "clientOrderId", "transactTime")}
    report = the_report(answer("p", short))
    assert (report.state, report.filled_lots, report.trades) == (OrderState.OPEN, -1, ())


def test_a_futures_answer_gives_the_filled_size_but_no_trades():
    result = {
        "orderId": 325078477,
        "symbol": "BTCUSDT",
        "status": "FILLED",
        "clientOrderId": "a1",
        "price": "23416.1",
        "avgPrice": "23416.10000",
        "origQty": "0.100",
        "executedQty": "0.100",
        "cumQty": "0.100",
        "cumQuote": "2341.61",
        "updateTime": 1702555534435,
    }
    report = the_report(answer("p", result), usdm())
    assert (report.state, report.filled_lots, report.trades) == (OrderState.FILLED, 100, ())
    assert report.time_ms == 1702555534435


def test_a_cancel_s_answer_is_about_the_order_that_was_asked_for():
    """Its ``clientOrderId`` is the cancel's own."""
    result = PLACED | {"status": "CANCELED", "clientOrderId": "91fe37ce9e69c90d6358c0", "origClientOrderId": "a1"}
    del result["fills"]
    report = the_report(answer("c", result))
    assert (report.client_id, report.state, report.filled_lots) == ("a1", OrderState.CANCELED, 847)
    assert not report.about_cancel


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("NEW", OrderState.OPEN),
        ("PENDING_NEW", OrderState.OPEN),
        ("PARTIALLY_FILLED", OrderState.OPEN),
        ("PENDING_CANCEL", OrderState.OPEN),
        ("FILLED", OrderState.FILLED),
        ("CANCELED", OrderState.CANCELED),
        ("REJECTED", OrderState.REJECTED),
        ("EXPIRED", OrderState.EXPIRED),
        ("EXPIRED_IN_MATCH", OrderState.EXPIRED),
    ],
)
def test_every_status_of_the_venue_has_its_state(status, state):
    assert the_report(answer("q", PLACED | {"status": status, "fills": []})).state is state
    assert the_report(spot_event(X=status)).state is state
    assert the_report(usdm_event(X=status), usdm()).state is state


def test_an_order_s_trades_say_nothing_of_its_state():
    trade = {
        "symbol": "BTCUSDT",
        "id": 1650422481,
        "orderId": 12569099453,
        "orderListId": -1,
        "price": "23416.10000000",
        "qty": "0.00635000",
        "quoteQty": "148.69",
        "commission": "0.00000635",
        "commissionAsset": "BTC",
        "time": 1660801715793,
        "isBuyer": True,
        "isMaker": True,
        "isBestMatch": True,
    }
    report = the_report(answer("t", [trade, trade | {"id": 5}]))
    assert (report.client_id, report.state, report.venue_id) == ("a1", OrderState.UNKNOWN, "12569099453")
    assert [t.trade_id for t in report.trades] == ["1650422481", "5"]
    assert all(t.maker for t in report.trades)
    assert spot()(answer("t", [])) == ()


# What an error proves

REFUSALS = [
    (400, -1013, "Filter failure: LOT_SIZE"),
    (400, -1021, "Timestamp for this request is outside of the recvWindow."),
    (400, -1022, "Signature for this request is not valid."),
    (400, -1102, "Mandatory parameter 'price' was not sent, was empty/null, or malformed."),
    (400, -1121, "Invalid symbol."),
    (400, -2010, "Account has insufficient balance for requested action."),
    (400, -2010, "Order would immediately match and take."),
    (400, -2019, "Margin is insufficient."),
    (400, -5022, "Due to the order could not be executed as maker, the Post Only order will be rejected."),
    (401, -2015, "Invalid API-key, IP, or permissions for action."),
    (403, -1000, "WAF limit violated."),
    (418, -1003, "Way too many requests; IP banned until 1."),
    (429, -1015, "Too many new orders; current limit is 50 orders per 10 SECOND."),
    (503, -1008, "Server is currently overloaded with other requests. Please try again in a few minutes."),
    (503, -1000, "Service Unavailable."),
]
PROOF_OF_NOTHING = [
    (400, -1006, "An unexpected response was received from the message bus. Execution status unknown."),
    (400, -1007, "Timeout waiting for response from backend server. Send status unknown; execution status unknown."),
    (408, -1000, "Timeout."),
    (400, -2010, "Duplicate order sent."),
    (400, -4116, "ClientOrderId is duplicated."),
    (500, -1000, "An unknown error occurred while processing the request."),
    (502, 0, ""),
    (503, -1001, "Internal error; unable to process your request. Please try again."),
    (503, -1000, "Unknown error, please check your request or try again later."),
    (504, -1000, "Gateway Timeout"),
    (200, -1, "an error with the status of success"),
    (0, 0, "no status at all"),
]


@pytest.mark.parametrize(("status", "code", "msg"), REFUSALS)
def test_an_error_that_proves_the_refusal_rejects_the_order(status, code, msg):
    report = the_report(error("p", status, code, msg))
    assert report.state is OrderState.REJECTED
    assert report.reason == f"{code} {msg}"


@pytest.mark.parametrize(("status", "code", "msg"), PROOF_OF_NOTHING)
def test_an_error_that_proves_nothing_leaves_the_order_in_doubt(status, code, msg):
    assert the_report(error("p", status, code, msg)).state is OrderState.UNKNOWN


@pytest.mark.parametrize(("status", "code", "msg"), [*REFUSALS, *PROOF_OF_NOTHING, (400, -2011, "Unknown order sent.")])
def test_a_refused_cancel_says_nothing_of_the_order(status, code, msg):
    report = the_report(error("c", status, code, msg))
    assert report.about_cancel
    assert report.state is OrderState.UNKNOWN


def test_only_the_venue_s_own_not_found_says_that_an_order_does_not_exist():
    report = the_report(error("q", 400, -2013, "Order does not exist."))
    assert report.not_found
    assert report.state is OrderState.UNKNOWN


@pytest.mark.parametrize("letter", ["q", "t"])
@pytest.mark.parametrize(("status", "code"), [(429, -1003), (500, -1000), (400, -1021)])
def test_a_question_that_failed_is_no_news_and_is_counted(letter, status, code):
    decoder = spot()
    assert decoder(error(letter, status, code)) == ()
    assert decoder.refused == {"QUERY_FAILED": 1}


def test_what_is_open_is_listed_whoever_placed_it_and_in_whatever_symbol():
    listed = [
        PLACED | {"clientOrderId": "web_1", "symbol": "DOGEUSDT", "status": "NEW", "executedQty": "0.00100000"},
        PLACED | {"orderId": 7},
    ]
    frame = json.dumps({"id": "o12", "status": 200, "result": listed}).encode()
    terms = "SELL 0.00847000 at 23416.10000000, {} filled"
    first = FoundOrder(client_id="web_1", venue_id="12569099453", symbol="DOGEUSDT", terms=terms.format("0.00100000"))
    second = FoundOrder(client_id="a1", venue_id="7", symbol="BTCUSDT", terms=terms.format("0.00847000"))
    assert spot()(frame) == (OpenOrders(number=12, orders=(first, second)),)


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (b'{"id":"o1","status":503,"error":{"code":-1008,"msg":"overloaded"}}', "LISTING_FAILED"),
        (b'{"id":"o1","status":200,"result":[{"symbol":"BTCUSDT"}]}', "MALFORMED"),
        (b'{"id":"o1","status":200,"result":{}}', "MALFORMED"),
        (b'{"id":"oone","status":200,"result":[]}', "MALFORMED"),
        (b'{"id":"o","status":200,"result":[]}', "UNKNOWN_ANSWER"),
    ],
)
def test_a_listing_that_cannot_be_read_is_none_and_is_counted(frame, kind):
    decoder = spot()
    assert decoder(frame) == ()
    assert decoder.refused == {kind: 1}


def test_a_very_long_reason_is_cut():
    assert len(the_report(error("p", 400, -1100, "x" * 10_000)).reason) == 200


# Events


def test_an_execution_is_reported_with_its_trade_exactly():
    frame = spot_event(
        x="TRADE",
        X="PARTIALLY_FILLED",
        l="0.00010000",
        z="0.00030000",
        L="23416.10000000",
        n="0.00000010",
        N="BTC",
        t=77,
        m=True,
    )
    report = the_report(frame)
    assert (report.state, report.filled_lots, report.time_ms) == (OrderState.OPEN, 30, 1499405658657)
    assert report.trades == (
        Trade(trade_id="77", price_ticks=2341610, size_lots=10, fee_units=100_000, fee_asset="BTC", maker=True),
    )


def test_a_futures_execution_is_reported_with_its_trade_exactly():
    frame = usdm_event(x="TRADE", X="FILLED", l="0.100", z="0.100", L="23416.1", n="0.93664400", N="USDT", t=5)
    report = the_report(frame, usdm())
    assert (report.state, report.filled_lots) == (OrderState.FILLED, 100)
    assert report.trades == (
        Trade(trade_id="5", price_ticks=234161, size_lots=100, fee_units=936_644_000_000, fee_asset="USDT"),
    )


def test_a_rebate_is_a_negative_fee():
    frame = usdm_event(x="TRADE", X="FILLED", l="0.100", z="0.100", L="23416.1", n="-0.0001", N="USDT", t=5)
    assert the_report(frame, usdm()).trades[0].fee_units == -(10 ** (UNIT_DECIMALS - 4))


def test_an_event_after_a_cancel_is_about_the_order_not_the_cancel():
    report = the_report(spot_event(x="CANCELED", X="CANCELED", c="cancel7", C="a1"))
    assert (report.client_id, report.state) == ("a1", OrderState.CANCELED)


def test_a_rejected_event_says_why():
    report = the_report(spot_event(x="REJECTED", X="REJECTED", r="INSUFFICIENT_BALANCES"))
    assert (report.state, report.reason) == (OrderState.REJECTED, "INSUFFICIENT_BALANCES")


@pytest.mark.parametrize(
    "frame",
    [
        b'{"subscriptionId":0,"event":{"e":"outboundAccountPosition","E":1,"u":1,"B":[]}}',
        b'{"subscriptionId":0,"event":{"e":"balanceUpdate","E":1,"a":"BTC","d":"1","T":1}}',
        b'{"subscriptionId":0,"event":{"e":"listStatus","E":1}}',
        b'{"subscriptionId":0,"event":{"e":"eventStreamTerminated","E":1}}',
        b'{"event":{"e":"serverShutdown","E":1}}',
        b'{"e":"ACCOUNT_UPDATE","E":1,"T":1,"a":{"m":"ORDER","B":[],"P":[]}}',
        b'{"e":"TRADE_LITE","E":1,"T":1,"s":"BTCUSDT","q":"0.001","p":"0","m":false,"c":"a1","S":"BUY","L":"1","l":"1"}',
        b'{"e":"listenKeyExpired","E":1,"listenKey":"x"}',
    ],
)
def test_an_event_about_something_else_is_passed_over(frame):
    decoder = spot()
    assert decoder(frame) == ()
    assert not decoder.refused


# What cannot be used


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (b"", "MALFORMED"),
        (b"{", "MALFORMED"),
        (b"[]", "MALFORMED"),
        (b"null", "MALFORMED"),
        (b'"\xff\xfe"', "MALFORMED"),
        (b"[" * 100_000, "MALFORMED"),
        (b'{"event":' * 50_000, "MALFORMED"),
        (b"{}", "UNKNOWN_EVENT"),
        (b'{"e":"SOMETHING_NEW"}', "UNKNOWN_EVENT"),
        (b'{"subscriptionId":0,"event":{"e":"somethingNew"}}', "UNKNOWN_EVENT"),
        (b'{"subscriptionId":0,"event":[]}', "MALFORMED"),
        (b'{"subscriptionId":0,"event":null}', "MALFORMED"),
        (b'{"id":null,"status":401,"error":{"code":-2015,"msg":"Invalid API-key"}}', "UNKNOWN_ANSWER"),
        (b'{"id":7,"status":200,"result":{}}', "UNKNOWN_ANSWER"),
        (b'{"id":"p","status":200,"result":{}}', "UNKNOWN_ANSWER"),
        (b'{"id":"za1","status":200,"result":{}}', "UNKNOWN_ANSWER"),
        (b'{"id":"pa1","status":200}', "MALFORMED"),
        (b'{"id":"pa1","status":200,"result":null}', "MALFORMED"),
        (b'{"id":["pa1"],"status":200,"result":{}}', "MALFORMED"),
        (answer("p", PLACED | {"status": "MELTED"}), "UNKNOWN_STATUS"),
        (answer("p", PLACED | {"symbol": "DOGEUSDT"}), "UNKNOWN_SYMBOL"),
        (answer("p", PLACED | {"executedQty": "0.000005"}), "MALFORMED"),
        (answer("p", PLACED | {"executedQty": "-1"}), "MALFORMED"),
        (answer("p", PLACED | {"executedQty": "NaN"}), "MALFORMED"),
        (answer("p", PLACED | {"executedQty": "1e999999999"}), "MALFORMED"),
        (answer("p", PLACED | {"executedQty": 0.00847}), "MALFORMED"),
        (answer("p", PLACED | {"orderId": "7"}), "MALFORMED"),
        (spot_event(x="TRADE", l="-0.1", t=1, L="1"), "MALFORMED"),
        (spot_event(x="TRADE", l="0.1", t=1, L="0"), "MALFORMED"),
        (spot_event(x="TRADE", l="0.1", t=-1, L="1"), "MALFORMED"),
        (spot_event(T="now"), "MALFORMED"),
        (spot_event(c=""), "MALFORMED"),
    ],
)
def test_what_cannot_be_used_is_counted_by_kind_and_gives_nothing(frame, kind):
    decoder = spot()
    assert decoder(frame) == ()
    assert decoder.refused == {kind: 1}


def test_a_decoder_remembers_nothing_between_frames():
    frames = [answer("p", PLACED), spot_event(), error("c", 400, -2011), b"{", spot_event(X="CANCELED")]
    alone = [spot()(frame) for frame in frames]
    together = spot()
    assert [together(frame) for frame in frames] == alone
    assert [together(frame) for frame in reversed(frames)] == alone[::-1]


REAL_FRAMES = [
    answer("p", PLACED),
    answer("c", PLACED),
    error("p", 400, -2010, "no"),
    spot_event(x="TRADE", X="FILLED", l="1.0", z="1.0", L="23416.1", t=1, N="BTC", n="0.1"),
    usdm_event(x="TRADE", X="FILLED", l="0.1", z="0.1", L="23416.1", t=1),
]
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("esxXcCilLzntT"), inner, max_size=5),
    max_leaves=10,
)


def is_sane(reports: Any) -> bool:
    """A report that came through may be false, but never of a shape that the core does not expect."""
    return all(
        type(report) is ExecutionReport
        and report.client_id
        and report.filled_lots >= -1
        and all(trade.size_lots > 0 and trade.price_ticks > 0 for trade in report.trades)
        for report in reports
    )


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_never_raise(frame):
    decoder = spot()
    assert decoder(frame) == ()
    assert sum(decoder.refused.values()) == 1


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(REAL_FRAMES), st.data())
def test_damaged_frames_never_raise(frame, data):
    start = data.draw(st.integers(0, len(frame)))
    end = data.draw(st.integers(start, len(frame)))
    damaged = frame[:start] + data.draw(st.binary(max_size=8)) + frame[end:]
    for decoder in (spot(), usdm()):
        assert is_sane(decoder(damaged))


@settings(deadline=None, max_examples=300)
@given(st.sampled_from([PLACED, EXECUTION, UPDATE]), st.data())
def test_fields_of_any_type_never_raise(form, data):
    changed = form | {data.draw(st.sampled_from(sorted(form))): data.draw(JSON_VALUES)}
    for frame in (
        answer("p", changed),
        answer("t", [changed]),
        json.dumps({"subscriptionId": 0, "event": changed}).encode(),
        json.dumps({"e": "ORDER_TRADE_UPDATE", "o": changed}).encode(),
    ):
        for decoder in (spot(), usdm()):
            assert is_sane(decoder(frame))
