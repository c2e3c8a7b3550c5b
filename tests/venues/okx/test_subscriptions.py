"""Subscriptions are asked for together and answered one by one: what one suffers, the others do not notice."""

from __future__ import annotations

from math import inf
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphwiz_trader.venues.okx.messages import SUBSCRIBE, UNSUBSCRIBE, Topic
from graphwiz_trader.venues.okx.subscriptions import ANSWER_S, CONTENT_S, MOST_TOPICS, SNAPSHOT_S, Subscriptions
from venues.harness import Unhurried

A, B, TRADES = Topic("books", "A-USDT"), Topic("books", "B-USDT"), Topic("trades", "A-USDT")


def begun(*topics: Topic) -> Subscriptions:
    """Asked for at 0, not answered yet."""
    subscriptions = Subscriptions(topics, random=Unhurried())
    assert subscriptions.next_request(0.0) == (SUBSCRIBE, topics)
    return subscriptions


def complete(*topics: Topic) -> Subscriptions:
    """Answered and served at 0."""
    subscriptions = begun(*topics)
    for topic in topics:
        subscriptions.on_subscribed(topic, 0.0)
        subscriptions.on_snapshot(topic, 0.0)
    assert subscriptions.are_complete
    assert subscriptions.next_s() == inf
    return subscriptions


# Coming


def test_everything_is_asked_for_at_once_and_then_nothing_more():
    subscriptions = begun(A, TRADES)
    assert subscriptions.next_request(0.0) is None
    assert subscriptions.awaits_snapshots
    assert not subscriptions.are_complete
    assert subscriptions.next_s() == ANSWER_S


def test_many_topics_come_in_messages_of_bounded_size():
    topics = [Topic("trades", f"{n}-USDT") for n in range(2 * MOST_TOPICS + 1)]
    subscriptions = Subscriptions(topics, random=Unhurried())
    sizes = []
    while (request := subscriptions.next_request(0.0)) is not None:
        sizes.append(len(request.topics))
    assert sizes == [MOST_TOPICS, MOST_TOPICS, 1]


def test_a_book_is_complete_only_with_its_snapshot():
    subscriptions = begun(A, TRADES)
    subscriptions.on_subscribed(TRADES, 1.0)
    subscriptions.on_subscribed(A, 1.0)
    assert not subscriptions.are_complete
    subscriptions.on_snapshot(A, 1.0)
    assert subscriptions.are_complete
    assert not subscriptions.awaits_snapshots


def test_a_snapshot_before_the_answer_proves_the_subscription():
    subscriptions = begun(A)
    subscriptions.on_snapshot(A, 1.0)
    assert subscriptions.are_complete
    subscriptions.on_subscribed(A, 1.0)
    assert subscriptions.next_s() == inf


def test_an_answer_without_a_snapshot_is_not_believed_for_ever():
    subscriptions = begun(A, TRADES)
    for topic in (A, TRADES):
        subscriptions.on_subscribed(topic, 0.0)
    assert subscriptions.next_s() == SNAPSHOT_S
    assert subscriptions.next_request(SNAPSHOT_S) == (UNSUBSCRIBE, (A,))
    assert subscriptions.last_failure == "books of A-USDT: no snapshot in 5 s"
    subscriptions.on_unsubscribed(A, SNAPSHOT_S)
    assert subscriptions.next_request(SNAPSHOT_S) == (SUBSCRIBE, (A,))


def test_a_book_that_is_never_served_is_asked_for_ever_more_rarely():
    random = Unhurried()
    subscriptions = Subscriptions([A], random=random)
    now_s = 0.0
    for _ in range(10):
        assert subscriptions.next_request(now_s) == (SUBSCRIBE, (A,))
        subscriptions.on_subscribed(A, now_s)
        now_s += SNAPSHOT_S
        assert subscriptions.next_request(now_s) == (UNSUBSCRIBE, (A,))
        subscriptions.on_unsubscribed(A, now_s)
    assert random.bounds == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 30.0]


# Refused, and not answered


def test_what_the_venue_refuses_is_asked_for_again_much_later_and_alone_waits():
    random = Unhurried()
    subscriptions = Subscriptions([A, B], random=random)
    subscriptions.next_request(0.0)
    subscriptions.on_error(A, "doesn't exist", 1.0)
    subscriptions.on_subscribed(B, 1.0)
    subscriptions.on_snapshot(B, 1.0)
    assert subscriptions.last_failure == "books of A-USDT: doesn't exist"
    assert random.bounds == [30.0]
    assert subscriptions.are_complete, "what is refused is not waited for"
    assert subscriptions.next_request(1.0) == (SUBSCRIBE, (A,))
    subscriptions.on_error(A, "doesn't exist", 2.0)
    assert random.bounds == [30.0, 60.0]


def test_without_an_answer_all_are_asked_for_again_in_halves_down_to_each_alone():
    topics = tuple(Topic("trades", f"{n}-USDT") for n in range(MOST_TOPICS))
    bad = topics[17]
    subscriptions = Subscriptions(topics, random=Unhurried())
    answered = set[Topic]()
    for rounds in range(6):
        while (request := subscriptions.next_request(rounds * ANSWER_S)) is not None and request.topics != (bad,):
            for topic in request.topics if bad not in request.topics else ():
                subscriptions.on_subscribed(topic, rounds * ANSWER_S)
                answered.add(topic)
    assert answered == {*topics} - {bad}


def test_an_answer_that_came_late_is_as_good():
    subscriptions = begun(TRADES)
    assert subscriptions.next_request(ANSWER_S) == (SUBSCRIBE, (TRADES,))
    subscriptions.on_subscribed(TRADES, ANSWER_S + 1)
    assert subscriptions.are_complete


# Once more


def test_a_new_snapshot_is_to_leave_and_to_come_back_with_that_symbol_alone():
    subscriptions = complete(A, B, TRADES)
    subscriptions.renew(A, 100.0)
    assert subscriptions.next_request(100.0) == (UNSUBSCRIBE, (A,))
    assert subscriptions.next_request(100.0) is None
    subscriptions.on_unsubscribed(A, 100.1)
    assert subscriptions.next_request(100.1) == (SUBSCRIBE, (A,))
    subscriptions.on_subscribed(A, 100.2)
    subscriptions.on_snapshot(A, 100.2)
    assert subscriptions.are_complete


def test_those_who_need_it_together_leave_together():
    subscriptions = complete(A, B)
    subscriptions.renew(A, 100.0)
    subscriptions.renew(B, 100.0)
    assert subscriptions.next_request(100.0) == (UNSUBSCRIBE, (A, B))


def test_asking_while_it_is_under_way_does_nothing():
    subscriptions = complete(A)
    subscriptions.renew(A, 100.0)
    subscriptions.renew(A, 100.0)
    subscriptions.next_request(100.0)
    subscriptions.renew(A, 100.1)
    subscriptions.on_unsubscribed(A, 100.2)
    subscriptions.renew(A, 100.2)
    subscriptions.next_request(100.2)
    subscriptions.on_subscribed(A, 100.3)
    subscriptions.renew(A, 100.3)
    assert subscriptions.next_s() == 100.3 + SNAPSHOT_S


def test_asking_soon_after_being_served_is_slowed_down_until_the_book_is_content():
    random = Unhurried()
    subscriptions = Subscriptions([A], random=random)
    now_s = 0.0
    for _ in range(4):
        while subscriptions.next_s() <= now_s:
            request = subscriptions.next_request(now_s)
            if request == (UNSUBSCRIBE, (A,)):
                subscriptions.on_unsubscribed(A, now_s)
        subscriptions.on_snapshot(A, now_s)
        now_s += 1.0
        subscriptions.renew(A, now_s)
    assert random.bounds == [0.5, 1.0, 2.0, 4.0]
    subscriptions = complete(A)
    subscriptions.renew(A, CONTENT_S)
    assert subscriptions.next_s() == CONTENT_S


def test_what_is_refused_here_is_to_be_had_elsewhere():
    subscriptions = begun(A, B)
    subscriptions.on_error(A, "doesn't exist", 1.0)
    assert not subscriptions.renew(A, 2.0)
    assert subscriptions.renew(B, 2.0), "its first is under way"


def test_leaving_that_is_not_answered_is_no_reason_to_stay_away():
    subscriptions = complete(A)
    subscriptions.renew(A, 100.0)
    subscriptions.next_request(100.0)
    assert subscriptions.next_request(100.0 + ANSWER_S) == (SUBSCRIBE, (A,))


def test_what_the_venue_ends_is_asked_for_again():
    subscriptions = complete(A, B)
    subscriptions.on_unsubscribed(A, 50.0)
    assert subscriptions.last_failure == "books of A-USDT: ended by the venue"
    assert subscriptions.next_request(50.0) == (SUBSCRIBE, (A,))


# While running


def test_a_topic_can_be_left_and_taken_up_again():
    subscriptions = complete(A, B)
    subscriptions.unwant(A, 1.0)
    assert subscriptions.next_request(1.0) == (UNSUBSCRIBE, (A,))
    subscriptions.on_unsubscribed(A, 1.1)
    assert subscriptions.next_s() == inf
    assert subscriptions.are_complete
    subscriptions.renew(A, 1.2)
    assert subscriptions.next_s() == inf, "what is not wanted needs no snapshot"
    subscriptions.want(A, 2.0)
    assert subscriptions.next_request(2.0) == (SUBSCRIBE, (A,))


def test_a_mind_changed_before_anything_was_sent_sends_nothing():
    subscriptions = complete(A)
    subscriptions.unwant(A, 1.0)
    subscriptions.want(A, 1.0)
    assert subscriptions.next_s() == inf


def test_what_is_no_longer_wanted_when_it_is_answered_is_left():
    subscriptions = begun(A, TRADES)
    subscriptions.unwant(A, 0.1)
    subscriptions.on_subscribed(A, 0.2)
    assert subscriptions.next_request(0.2) == (UNSUBSCRIBE, (A,))
    subscriptions.want(A, 0.3)
    subscriptions.on_unsubscribed(A, 0.4)
    assert subscriptions.next_request(0.4) == (SUBSCRIBE, (A,))


def test_what_was_never_asked_for_changes_nothing():
    subscriptions = complete(A)
    stranger = Topic("books", "X-USDT")
    for told in (subscriptions.on_subscribed, subscriptions.on_unsubscribed, subscriptions.on_snapshot):
        told(stranger, 1.0)
    subscriptions.on_error(stranger, "?", 1.0)
    subscriptions.on_snapshot(TRADES, 1.0)
    assert (subscriptions.are_complete, subscriptions.last_failure) == (True, "")


# Whatever the venue does


@pytest.mark.parametrize("refused", [0, 1, 3])
@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32))
def test_a_venue_that_forgets_answers_is_subscribed_in_the_end_and_not_hammered(refused, seed):
    """Any request, answer or snapshot may be lost; some topics are always refused. Time goes on in steps of 0.1 s."""
    random = Random(seed)
    topics = [Topic(channel, f"{n}-USDT") for n in range(8) for channel in ("books", "trades")]
    bad = set(random.sample(topics, refused))
    subscriptions = Subscriptions(topics, random=Random(seed))
    good_until_s, sent, active = 60.0, 0, set[Topic]()
    for tenth in range(2_000):
        now_s = tenth / 10
        lost = 0.4 if now_s < good_until_s else 0.0
        while (request := subscriptions.next_request(now_s)) is not None:
            sent += 1
            for topic in request.topics if random.random() >= lost else ():
                if topic in bad:
                    subscriptions.on_error(topic, "doesn't exist", now_s)
                    continue
                (active.add if request.op == SUBSCRIBE else active.discard)(topic)
                if random.random() >= lost:
                    (subscriptions.on_subscribed if request.op == SUBSCRIBE else subscriptions.on_unsubscribed)(
                        topic, now_s
                    )
                if request.op == SUBSCRIBE and random.random() >= lost:
                    subscriptions.on_snapshot(topic, now_s)
        if tenth % 100 == 0:
            subscriptions.renew(random.choice(topics), now_s)
    assert subscriptions.are_complete
    assert active == set(topics) - bad
    assert sent < 480 * 200 / 3600 * len(topics)
