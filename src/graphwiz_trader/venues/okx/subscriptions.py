"""Where each subscription of a connection stands, and what is to be said next. No clock and no socket in it.

A request about many topics may be answered topic by topic, partly, with an error that names one of them, or not at
all. So each topic has its own state and its own pauses, and after a failure it is asked for in ever smaller company:
one that the venue refuses costs the others nothing.

To have a book's snapshot again is to leave its topic and to come back. A topic of a book is well only once its
snapshot has come: an acknowledgement alone may be all that ever comes.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from math import inf
from random import Random
from typing import NamedTuple

from graphwiz_trader.venues.okx.market import BOOKS
from graphwiz_trader.venues.okx.messages import SUBSCRIBE, UNSUBSCRIBE, Topic
from graphwiz_trader.venues.pacing import BackOff

MOST_TOPICS = 50
"""In one request: 3 KB at most. All of a connection's together may have 64 KB."""
ANSWER_S = 5.0
"""How long an acknowledgement may take."""
SNAPSHOT_S = 5.0
"""How long a book's snapshot may take after it."""
CONTENT_S = 10.0
"""Who asks for a snapshot again sooner has gained nothing by the last."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_FIRST_REFUSED_S, _LONGEST_REFUSED_S = 30.0, 600.0


class Request(NamedTuple):
    """What is to be sent."""

    op: str
    topics: tuple[Topic, ...]


class _Phase(Enum):
    OUT = "not subscribed"
    ASKED = "subscribe sent"
    IN = "subscribed"
    LEAVING = "unsubscribe sent"


class _State:
    """One topic. ``due_s``: when it needs something: to be sent, or to be given up."""

    def __init__(self, topic: Topic, random: Random) -> None:
        self.topic = topic
        self.phase = _Phase.OUT
        self.wanted = True
        self.due_s = -inf
        self.has_snapshot = topic.channel != BOOKS
        self.served_s = -inf
        """When its latest snapshot came."""
        self.due_again_s = -inf
        """Once left, it is not asked for again before."""
        self.company = MOST_TOPICS
        """How many topics at most may be in one request with it, itself included."""
        self.pauses = BackOff(first_s=_FIRST_PAUSE_S, most_s=_LONGEST_PAUSE_S, random=random)
        self.refusals = BackOff(first_s=_FIRST_REFUSED_S, most_s=_LONGEST_REFUSED_S, random=random)

    @property
    def is_complete(self) -> bool:
        """Nothing more is waited for."""
        return self.phase is _Phase.IN and self.has_snapshot

    @property
    def awaits_snapshot(self) -> bool:
        return not self.has_snapshot and self.phase in (_Phase.ASKED, _Phase.IN)

    def is_out(self, due_s: float) -> None:
        """It is not subscribed, and may be again from then on."""
        self.phase = _Phase.OUT
        self.has_snapshot = self.topic.channel != BOOKS
        self.due_s = due_s if self.wanted else inf


class Subscriptions:
    """The topics of one connection. Every method takes the time that it is, in seconds of one clock."""

    def __init__(self, topics: Iterable[Topic], *, random: Random) -> None:
        self._random = random
        self._states = {topic: _State(topic, random) for topic in topics}
        self.last_failure = ""
        self.awaits_snapshots = False
        """Whether it must be told of snapshots."""

    @property
    def are_complete(self) -> bool:
        """Everything wanted is subscribed and every book has had its snapshot, but for what the venue refuses."""
        return all(state.is_complete or state.refusals.failures for state in self._states.values() if state.wanted)

    def begin(self, now_s: float) -> None:
        """A new connection: nothing is subscribed on it."""
        for state in self._states.values():
            state.is_out(now_s)
        self._note_awaited()

    def want(self, topic: Topic, now_s: float) -> None:
        state = self._states.setdefault(topic, _State(topic, self._random))
        state.wanted = True
        if state.phase is _Phase.OUT:
            state.due_s = now_s
        elif state.phase is _Phase.IN:
            state.due_s = inf if state.has_snapshot else now_s + SNAPSHOT_S

    def unwant(self, topic: Topic, now_s: float) -> None:
        state = self._states[topic]
        state.wanted = False
        if state.phase is _Phase.OUT:
            state.due_s = inf
        elif state.phase is _Phase.IN:
            state.due_s = now_s

    def renew(self, topic: Topic, now_s: float) -> bool:
        """Leave and come back for a snapshot, soon or later; once, however often it is asked for meanwhile.

        Returns whether one is to come: not of what the venue refuses, nor of what is not wanted.
        """
        state = self._states[topic]
        if not state.wanted or (state.phase is _Phase.OUT and state.refusals.failures):
            return False
        if state.is_complete and state.due_s == inf:
            if now_s - state.served_s < CONTENT_S:
                state.due_s = now_s + state.pauses.next_s()
            else:
                state.pauses.reset()
                state.due_s = now_s
        return True

    def on_subscribed(self, topic: Topic, now_s: float) -> None:
        state = self._states.get(topic)
        if state is not None and state.phase is _Phase.ASKED:
            state.phase, state.company = _Phase.IN, MOST_TOPICS
            state.refusals.reset()
            if not state.wanted:
                state.due_s = now_s
            else:
                state.due_s = inf if state.has_snapshot else now_s + SNAPSHOT_S

    def on_snapshot(self, topic: Topic, now_s: float) -> None:
        """It proves the subscription, whether that has been answered or not."""
        state = self._states.get(topic)
        if state is not None and state.awaits_snapshot:
            state.has_snapshot, state.served_s = True, now_s
            self.on_subscribed(topic, now_s)
            if state.wanted:
                state.due_s = inf
            self._note_awaited()

    def on_unsubscribed(self, topic: Topic, now_s: float) -> None:
        """We have left, or the venue has ended it."""
        state = self._states.get(topic)
        if state is not None and state.phase is _Phase.LEAVING:
            state.is_out(max(now_s, state.due_again_s))
        elif state is not None and state.phase is _Phase.IN:
            self._note(state, "ended by the venue")
            state.is_out(now_s + state.pauses.next_s())
            self._note_awaited()

    def on_error(self, topic: Topic, words: str, now_s: float) -> None:
        """The venue refuses one topic: it is asked for again much later, for a suspended instrument comes back."""
        state = self._states.get(topic)
        if state is None:
            return
        if state.phase is _Phase.ASKED:
            self._note(state, words)
            state.is_out(now_s + state.refusals.next_s())
            self._note_awaited()
        elif state.phase is _Phase.LEAVING:
            state.is_out(now_s)

    def next_s(self) -> float:
        """When `next_request` has something to do; ``inf`` for never."""
        return min((state.due_s for state in self._states.values()), default=inf)

    def next_request(self, now_s: float) -> Request | None:
        """What is to be sent now, one message at a time; it counts as sent."""
        due = [state for state in self._states.values() if state.due_s <= now_s]
        for state in due:
            self._give_up_waiting(state, now_s)
        leaving = [state for state in due if state.phase is _Phase.IN][:MOST_TOPICS]
        coming = _together([state for state in due if state.phase is _Phase.OUT and state.due_s <= now_s])
        if leaving:
            sent = self._send(UNSUBSCRIBE, leaving, _Phase.LEAVING, now_s)
        elif coming:
            sent = self._send(SUBSCRIBE, coming, _Phase.ASKED, now_s)
        else:
            sent = None
        self._note_awaited()
        return sent

    def _send(self, op: str, states: list[_State], phase: _Phase, now_s: float) -> Request:
        for state in states:
            state.phase = phase
            state.due_s = now_s + ANSWER_S
        return Request(op, tuple(state.topic for state in states))

    def _give_up_waiting(self, state: _State, now_s: float) -> None:
        """What was due from the venue has not come. Whether a request arrived is then unknown, and does not matter."""
        if state.phase is _Phase.ASKED:
            self._note(state, f"no answer in {ANSWER_S:g} s")
            state.is_out(now_s if state.company > 1 else now_s + state.pauses.next_s())
            state.company = max(1, state.company // 2)
        elif state.phase is _Phase.LEAVING:
            state.is_out(max(now_s, state.due_again_s))
        elif state.phase is _Phase.IN and state.wanted and not state.has_snapshot:
            self._note(state, f"no snapshot in {SNAPSHOT_S:g} s")
            state.due_again_s = now_s + state.pauses.next_s()

    def _note(self, state: _State, what: str) -> None:
        self.last_failure = f"{state.topic.channel} of {state.topic.inst_id}: {what}"

    def _note_awaited(self) -> None:
        self.awaits_snapshots = any(state.awaits_snapshot for state in self._states.values())


def _together(states: list[_State]) -> list[_State]:
    """Those that may be asked for in one request, the most suspect first."""
    company = min((state.company for state in states), default=0)
    return [state for state in states if state.company == company][:company]
