"""Subscriptions on one connection, without a socket: acknowledged or repeated, and the bad one alone refused."""

from __future__ import annotations

from itertools import pairwise
from math import inf
from random import Random

import pytest

from graphwiz_trader.venues.binance.subscriptions import Request, Subscriptions


class Highest(Random):
    """Chance that always draws the most."""

    def uniform(self, _a: float, b: float) -> float:
        return b


def names(count: int) -> list[str]:
    return [f"s{n}@depth" for n in range(count)]


def subscriptions(wanted: list[str]) -> Subscriptions:
    made = Subscriptions(wanted, random=Highest())
    made.begin(0.0)
    return made


def everything_due(of: Subscriptions, now_s: float = 0.0) -> list[Request]:
    sent = []
    while (request := of.next_request(now_s)) is not None:
        sent.append(request)
    return sent


def settle(of: Subscriptions, bad: set[str], now_s: float = 0.0) -> list[Request]:
    """Answer as a venue that refuses every request with a bad name in it, until nothing is due."""
    sent = []
    while (request := of.next_request(now_s)) is not None:
        sent.append(request)
        of.on_answer(request.id, "2 Invalid stream" if bad & set(request.params) else "", now_s)
    return sent


def test_everything_is_asked_for_in_requests_of_bounded_size():
    made = subscriptions(names(250))
    sent = everything_due(made)
    assert [len(request.params) for request in sent] == [100, 100, 50]
    assert {request.method for request in sent} == {"SUBSCRIBE"}
    assert all(len(request.encode()) < 4_096 for request in sent)
    assert not made.are_settled
    for request in sent:
        made.on_answer(request.id, "", 0.1)
    assert made.are_settled


def test_each_request_has_an_id_of_its_own_that_ties_its_answer_to_it():
    made = subscriptions(names(150))
    first, second = everything_due(made)
    assert first.id != second.id
    made.on_answer(first.id, "", 0.1)
    made.on_answer(first.id, "", 0.1)
    made.on_answer(999, "", 0.1)
    assert not made.are_settled
    made.on_answer(second.id, "", 0.1)
    assert made.are_settled


@pytest.mark.parametrize("bad", [{"s0@depth"}, {"s73@depth"}, {"s3@depth", "s50@depth", "s99@depth"}])
def test_a_bad_name_is_refused_alone_and_costs_few_requests(bad):
    made = subscriptions(names(100))
    sent = settle(made, bad)
    assert made.are_settled
    assert len(sent) <= 1 + 14 * len(bad)
    assert made.unheard == set(names(100)) - bad
    assert "refused: 2 Invalid stream" in made.last_failure


def test_a_name_refused_alone_is_asked_for_again_alone_and_ever_later():
    made = subscriptions(["good@trade", "bad@depth"])
    settle(made, {"bad@depth"})
    first_s = made.next_s()
    assert first_s == 30.0
    assert [request.params for request in settle(made, {"bad@depth"}, first_s)] == [["bad@depth"]]
    assert made.next_s() == first_s + 60.0
    settle(made, set(), made.next_s())
    assert made.are_settled


def test_a_request_that_is_not_answered_is_repeated_in_smaller_company():
    made = subscriptions(names(4))
    (lost,) = everything_due(made)
    assert made.next_s() == 5.0
    again = everything_due(made, 5.0)
    assert sorted(name for request in again for name in request.params) == names(4)
    assert made.are_settled  # nothing waits for what may never come
    assert "no answer in 5 s" in made.last_failure
    made.on_answer(lost.id, "2 too late to matter", 5.1)
    for request in again:
        made.on_answer(request.id, "", 5.1)
    assert made.unheard == set(names(4))


def test_a_new_connection_subscribes_everything_wanted_anew():
    made = subscriptions(names(3))
    settle(made, set())
    made.unwant(["s1@depth"], 1.0)
    made.begin(2.0)
    assert [request.params for request in settle(made, set(), 2.0)] == [["s0@depth", "s2@depth"]]


def test_a_stream_is_left_and_taken_up_while_others_run():
    made = subscriptions(names(2))
    settle(made, set())
    made.unwant(["s0@depth"], 1.0)
    (leaving,) = settle(made, set(), 1.0)
    assert (leaving.method, leaving.params) == ("UNSUBSCRIBE", ["s0@depth"])
    made.want(["s0@depth", "new@depth"], 2.0)
    (coming,) = settle(made, set(), 2.0)
    assert (coming.method, coming.params) == ("SUBSCRIBE", ["s0@depth", "new@depth"])
    assert everything_due(made, 3.0) == []


def test_a_change_of_mind_while_a_request_is_under_way_is_acted_on_afterwards():
    made = subscriptions(["s0@depth"])
    (coming,) = everything_due(made)
    made.unwant(["s0@depth"], 0.1)
    assert made.next_request(0.1) is None
    made.on_answer(coming.id, "", 0.2)
    (leaving,) = everything_due(made, 0.2)
    assert leaving.method == "UNSUBSCRIBE"
    made.want(["s0@depth"], 0.3)
    assert made.next_request(0.3) is None
    made.on_answer(leaving.id, "", 0.4)
    (again,) = everything_due(made, 0.4)
    assert again.method == "SUBSCRIBE"


def test_a_stream_that_is_acknowledged_and_silent_is_reported_by_name_and_asked_for_ever_more_rarely():
    made = subscriptions(["a@depth", "b@depth"])
    settle(made, set())
    made.on_heard("a@depth")
    asked_s = []
    for _ in range(7):
        assert made.next_request(made.next_s()) is None
        assert made.last_failure == "b@depth: acknowledged, and then silent for 30 s"
        assert made.are_settled, "it holds up nobody"
        asked_s.append(made.next_s())
        again = made.next_request(made.next_s())
        assert (again.method, again.params) == ("SUBSCRIBE", ["b@depth"])
        made.on_answer(again.id, "", asked_s[-1])
    pauses_s = [later - sooner - 30.0 for sooner, later in pairwise(asked_s)]
    assert pauses_s == [60.0, 120.0, 240.0, 480.0, 600.0, 600.0]


def test_a_silent_stream_that_is_heard_is_well_again():
    made = subscriptions(["a@depth"])
    settle(made, set())
    assert made.next_request(30.0) is None
    made.on_heard("a@depth")
    assert made.next_s() == inf
    assert made.unheard == set()


def test_a_silent_stream_can_be_left():
    made = subscriptions(["a@depth"])
    settle(made, set())
    assert made.next_request(30.0) is None
    made.unwant(["a@depth"], 31.0)
    left = made.next_request(31.0)
    assert (left.method, left.params) == ("UNSUBSCRIBE", ["a@depth"])


def test_a_stream_that_may_be_silent_is_not_waited_for():
    made = subscriptions(["a@trade"])
    settle(made, set())
    assert made.unheard == set()
    assert made.next_s() == inf
