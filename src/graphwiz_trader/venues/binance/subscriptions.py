"""Where each stream's subscription stands on one connection, and what is to be said next. No clock, no socket.

A request about many streams is answered as a whole: one name that the venue does not take refuses all of them. So
after an error, or no answer, they are asked for again in ever smaller company, until the bad one stands alone.

An acknowledged stream may yet stay silent: USD-M acknowledges a subscription on the wrong path and sends nothing. So
each stream is also expected to be heard, and one that is not is asked for again, ever more rarely.

Source: Binance spot API docs, "Live subscribing/unsubscribing to streams".
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from math import inf
from random import Random

import msgspec

from graphwiz_trader.venues.pacing import BackOff

_MOST_AT_ONCE = 100
"""In one request: about 3 KB."""
_ANSWER_S = 5.0
"""How long an acknowledgement may take."""
_SILENT_S = 30.0
"""A stream of levels or prices that is acknowledged and then says nothing for so long is reported."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 30.0, 600.0
"""Until a stream that was refused alone, or is silent, is asked for again: a symbol may trade again."""
_MAY_BE_SILENT = "@trade"
"""Some symbols trade once an hour."""


class Request(msgspec.Struct):
    """What is to be sent."""

    method: str
    params: list[str]
    id: int

    def encode(self) -> bytes:
        return msgspec.json.encode(self)


class _Phase(Enum):
    OUT = "not subscribed"
    ASKED = "subscribe sent"
    IN = "subscribed"
    SILENT = "subscribed, and nothing has come"
    LEAVING = "unsubscribe sent"


_SUBSCRIBED = (_Phase.IN, _Phase.SILENT)
_TO_BE_ASKED_FOR = (_Phase.OUT, _Phase.SILENT)


class _Stream:
    """One stream. ``due_s``: when it needs something: to be asked for or left, or to be given up waiting for."""

    def __init__(self, name: str, random: Random) -> None:
        self.name = name
        self.phase = _Phase.OUT
        self.wanted = True
        self.due_s = -inf
        self.company = _MOST_AT_ONCE
        """How many at most may be in one request with it, itself included."""
        self.request_id = 0
        """The latest request about it."""
        self.refusal = ""
        self.pauses = BackOff(first_s=_FIRST_PAUSE_S, most_s=_LONGEST_PAUSE_S, random=random)


class Subscriptions:
    """The streams of one connection. Every method takes the time that it is, in seconds of one clock."""

    def __init__(self, names: Iterable[str], *, random: Random) -> None:
        self._random = random
        self._streams = {name: _Stream(name, random) for name in names}
        self._requests: dict[int, list[_Stream]] = {}
        self._last_id = 0
        self._unheard: set[str] = set()
        self.last_failure = ""

    @property
    def are_settled(self) -> bool:
        """Each wanted stream is subscribed, or has been refused, or was not even answered."""
        return all(s.phase is _Phase.IN or s.refusal for s in self._streams.values() if s.wanted)

    @property
    def unheard(self) -> set[str]:
        """Streams that have been acknowledged and from which nothing has come yet."""
        return self._unheard

    def begin(self, now_s: float) -> None:
        """A new connection: nothing is subscribed on it."""
        self._requests.clear()
        self._unheard.clear()
        for stream in self._streams.values():
            stream.phase, stream.refusal = _Phase.OUT, ""
            stream.due_s = now_s if stream.wanted else inf

    def want(self, names: Iterable[str], now_s: float) -> None:
        for name in names:
            stream = self._streams.setdefault(name, _Stream(name, self._random))
            if not stream.wanted or stream.phase is _Phase.OUT:
                stream.wanted = True
                if stream.phase is _Phase.OUT:
                    stream.due_s = now_s
                elif stream.phase in _SUBSCRIBED:
                    stream.due_s = inf

    def unwant(self, names: Iterable[str], now_s: float) -> None:
        for name in names:
            stream = self._streams[name]
            stream.wanted = False
            self._unheard.discard(name)
            if stream.phase is _Phase.OUT:
                stream.due_s = inf
            elif stream.phase in _SUBSCRIBED:
                stream.due_s = now_s

    def on_answer(self, request_id: int, error: str, now_s: float) -> None:
        """The answer to a request; ``error`` is empty when it was granted."""
        for stream in self._requests.pop(request_id, ()):
            if stream.request_id != request_id:
                continue  # asked for again meanwhile: that request's answer counts
            if stream.phase is _Phase.LEAVING:
                stream.phase = _Phase.OUT
                stream.due_s = now_s if stream.wanted else inf
            elif error:
                self._on_failure(stream, f"refused: {error}", now_s, answered=True)
            else:
                self._on_subscribed(stream, now_s)

    def on_heard(self, name: str) -> None:
        """A message of a stream has come."""
        self._unheard.discard(name)
        stream = self._streams.get(name)
        if stream is not None and stream.phase in _SUBSCRIBED and stream.wanted:
            stream.phase, stream.refusal, stream.due_s = _Phase.IN, "", inf
            stream.pauses.reset()

    def next_s(self) -> float:
        """When `next_request` has something to do; ``inf`` for never."""
        return min((stream.due_s for stream in self._streams.values()), default=inf)

    def next_request(self, now_s: float) -> Request | None:
        """What is to be sent now, one message at a time; it counts as sent."""
        due = [stream for stream in self._streams.values() if stream.due_s <= now_s]
        for stream in due:
            self._give_up_waiting(stream, now_s)
        leaving = [stream for stream in due if stream.phase in _SUBSCRIBED and not stream.wanted][:_MOST_AT_ONCE]
        if leaving:
            return self._request("UNSUBSCRIBE", leaving, _Phase.LEAVING, now_s)
        asked = [stream for stream in due if stream.phase in _TO_BE_ASKED_FOR and stream.due_s <= now_s]
        company = min((stream.company for stream in asked), default=0)
        together = [stream for stream in asked if stream.company == company][:company]
        return self._request("SUBSCRIBE", together, _Phase.ASKED, now_s) if together else None

    def _request(self, method: str, streams: list[_Stream], phase: _Phase, now_s: float) -> Request:
        self._last_id += 1
        self._requests[self._last_id] = streams
        for stream in streams:
            stream.phase, stream.due_s, stream.request_id = phase, now_s + _ANSWER_S, self._last_id
        return Request(method, [stream.name for stream in streams], self._last_id)

    def _on_subscribed(self, stream: _Stream, now_s: float) -> None:
        stream.phase, stream.refusal, stream.company = _Phase.IN, "", _MOST_AT_ONCE
        if not stream.wanted:
            stream.due_s = now_s
        elif stream.name.endswith(_MAY_BE_SILENT):
            stream.due_s = inf
            stream.pauses.reset()
        else:
            stream.due_s = now_s + _SILENT_S
            self._unheard.add(stream.name)

    def _on_failure(self, stream: _Stream, what: str, now_s: float, *, answered: bool) -> None:
        """It was not granted: try again in smaller company, and alone only after a while."""
        stream.phase = _Phase.OUT
        if not stream.wanted:
            stream.due_s = inf
        elif stream.company > 1:
            stream.company //= 2
            stream.due_s = now_s
            if not answered:
                stream.refusal = self.last_failure = f"{stream.name}: {what}"
        else:
            stream.refusal = self.last_failure = f"{stream.name}: {what}"
            stream.due_s = now_s + stream.pauses.next_s()

    def _give_up_waiting(self, stream: _Stream, now_s: float) -> None:
        """What was due from the venue has not come."""
        self._requests.pop(stream.request_id, None)
        if stream.phase is _Phase.ASKED:
            self._on_failure(stream, f"no answer in {_ANSWER_S:g} s", now_s, answered=False)
        elif stream.phase is _Phase.LEAVING:
            stream.phase = _Phase.OUT
            stream.due_s = now_s if stream.wanted else inf
        elif stream.phase is _Phase.IN and stream.wanted:
            stream.phase = _Phase.SILENT
            stream.due_s = now_s + stream.pauses.next_s()
            stream.refusal = self.last_failure = f"{stream.name}: acknowledged, and then silent for {_SILENT_S:g} s"
