"""Who has subscribed to which stream, and how a payload reaches them: bare, or in the combined envelope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Subscriber(Protocol):
    """A connection as the hub sees it."""

    combined: bool
    """Whether it wants ``{"stream":…,"data":…}`` around each payload."""

    @property
    def backlog_bytes(self) -> int: ...
    def send(self, payload: bytes, channel: str = "") -> None: ...
    def when_read(self, token: bytes, callback: Callable[[], None]) -> None: ...


class StreamHub:
    """The streams of one venue."""

    def __init__(self) -> None:
        self._subscribers: dict[str, dict[Subscriber, None]] = {}
        self.on_joined: list[Callable[[str, bool], None]] = []
        """Told of who subscribes: the stream, and whether nobody else follows it."""

    def subscribe(self, stream: str, subscriber: Subscriber) -> None:
        is_first = stream not in self._subscribers
        self._subscribers.setdefault(stream, {})[subscriber] = None
        for callback in self.on_joined:
            callback(stream, is_first)

    def unsubscribe(self, stream: str, subscriber: Subscriber) -> None:
        """Does nothing when it was not subscribed."""
        subscribers = self._subscribers.get(stream)
        if subscribers is not None:
            subscribers.pop(subscriber, None)
            if not subscribers:
                del self._subscribers[stream]

    @property
    def followed(self) -> list[str]:
        """The streams that somebody follows."""
        return list(self._subscribers)

    def has_subscribers(self, stream: str) -> bool:
        return stream in self._subscribers

    def has_subscribers_of(self, beginning: str) -> bool:
        """Whether somebody follows a stream whose name begins so."""
        return any(stream.startswith(beginning) for stream in self._subscribers)

    def subscribers(self, stream: str) -> list[Subscriber]:
        return list(self._subscribers.get(stream, ()))

    def everyone(self) -> list[Subscriber]:
        """Every connection with at least one stream, once."""
        return list({subscriber: None for every in self._subscribers.values() for subscriber in every})

    def publish(self, stream: str, payload: bytes, channel: str = "") -> None:
        """Send a payload to all who subscribed, in the form each of them wants. ``channel``: its name for faults."""
        enveloped = b""
        for subscriber in self.subscribers(stream):
            if subscriber.combined:
                enveloped = enveloped or b'{"stream":"%b","data":%b}' % (stream.encode(), payload)
                subscriber.send(enveloped, channel or stream)
            else:
                subscriber.send(payload, channel or stream)
