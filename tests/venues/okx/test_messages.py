"""What is said besides data is told from it by a glance, and errors are traced to what they are about."""

from __future__ import annotations

import json

import pytest

from graphwiz_trader.venues.okx.market import read_time
from graphwiz_trader.venues.okx.messages import Topic, event, is_event, request, snapshot_of
from hft.okx_floor import best, depth, frame

BTC = Topic("books", "BTC-USDT")


def test_a_request_names_channel_and_instrument_of_each_topic():
    said = json.loads(request("subscribe", [BTC, Topic("trades", "BTC-USDT")]))
    assert said == {
        "op": "subscribe",
        "args": [{"channel": "books", "instId": "BTC-USDT"}, {"channel": "trades", "instId": "BTC-USDT"}],
    }


@pytest.mark.parametrize(
    "said",
    [
        b'{"event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"},"connId":"a4d3ae55"}',
        b'{"arg":{"channel":"books","instId":"BTC-USDT"},"event":"subscribe","connId":"a4d3ae55"}',
        b' { "event" : "subscribe" , "arg" : { "instId" : "BTC-USDT" , "channel" : "books" } }',
        b'{"event":"error","code":"60018","msg":"Wrong URL or channel:books,instId:BTC-USDT doesn\'t exist."}',
        b'{"id":"1","event":"error","msg":"channel: books, instId: BTC-USDT is not there","code":"60018"}',
    ],
)
def test_answers_and_errors_say_what_they_are_about(said):
    assert is_event(said)
    message = event(said)
    assert message is not None
    assert message.topic == BTC


def test_an_error_that_names_nothing_is_about_nothing():
    message = event(b'{"event":"error","code":"60012","msg":"Invalid request: {}"}')
    assert message is not None
    assert message.topic is None


@pytest.mark.parametrize(
    "data",
    [
        depth("update", [("99.9", "1")], ids=(1, 2)),
        best(5, ("99.9", "1"), ("100", "1")),
        frame("trades", {"instId": "BTC-USDT", "tradeId": "1", "px": "1", "sz": "1", "side": "buy", "ts": "1" * 13}),
    ],
)
def test_data_is_no_event(data):
    assert not is_event(data)
    assert snapshot_of(data) is None


@pytest.mark.parametrize("said", [b"", b"pong", b"{", b"[]", b'{"event":7}', b'{"arg":5,"event":"x"}', b"\xff" * 9])
def test_what_cannot_be_read_is_no_event(said):
    assert event(said) is None
    assert snapshot_of(said + b'"snapshot"') is None


def test_a_snapshot_is_known_wherever_it_says_so():
    assert snapshot_of(depth("snapshot", [("99.9", "1")], [("100", "1")], ids=(-1, 2))) == BTC
    late = b'{"data":[],"arg":{"instId":"BTC-USDT","channel":"books"},"action":"snapshot"}'
    assert snapshot_of(late) == BTC
    assert snapshot_of(late.replace(b'"action"', b'"other"')) is None


def test_an_error_s_words_are_bounded_and_move_no_cursor():
    message = event(json.dumps({"event": "error", "code": "6" * 99, "msg": "no\x1b[2J\n" + "x" * 9_999}).encode())
    assert message is not None
    assert message.words.startswith("refused with 66666666, no?[2J?xxx")
    assert len(message.words) < 250


def test_the_venue_s_time_is_read_and_nothing_else_taken_for_it():
    assert read_time(b'{"code":"0","msg":"","data":[{"ts":"1597026383085"}]}') == 1_597_026_383_085
    for body in (b"", b"{}", b'{"data":[]}', b'{"data":[{"ts":"x"}]}', b'{"data":[{"ts":5}]}'):
        with pytest.raises(ValueError):  # noqa: PT011
            read_time(body)
