"""What is said on OKX's public socket besides data: subscriptions, their answers, notices. Pure functions.

A data frame says no ``event``; everything else that comes does, but for the text ``pong``.

Sources: OKX API v5 docs, "WebSocket: Subscribe", "Unsubscribe", "Notification", "WebSocket error codes".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

SUBSCRIBE, UNSUBSCRIBE = "subscribe", "unsubscribe"
ERROR, NOTICE = "error", "notice"
CLOSING_SOON = "64008"
"""The connection will be closed for an upgrade of the service; said 60 s ahead."""

_EVENT, _SNAPSHOT = b'"event"', b'"snapshot"'
_DATA = b'{"arg"'
_LONGEST_ANSWER = 160
"""The venue writes ``event`` first in events and ``arg`` first in data. Others may write an answer the other way round:
it is then no longer than this, and data is."""
_LONGEST_WORDS, _LONGEST_CODE = 200, 8
_NAMED = re.compile(r"channel:\s*([\w-]+)\s*,\s*instId:\s*([\w-]+)")


class Topic(NamedTuple):
    """What one subscribes to."""

    channel: str
    inst_id: str


class _Argument(msgspec.Struct, frozen=True, rename="camel"):
    channel: str = ""
    inst_id: str = ""


class Message(msgspec.Struct):
    """What of a message is read here."""

    event: str = ""
    action: str = ""
    code: str = ""
    msg: str = ""
    arg: _Argument = _Argument()

    @property
    def words(self) -> str:
        """An error for people to read. It comes from outside: not for ever, and without what moves a cursor."""
        said = "".join(letter if letter.isprintable() else "?" for letter in self.msg[:_LONGEST_WORDS])
        return f"refused with {self.code[:_LONGEST_CODE]}, {said}"

    @property
    def topic(self) -> Topic | None:
        """What it is about. An answer names its subscription; an error only tells of it in words."""
        if self.arg.channel and self.arg.inst_id:
            return Topic(self.arg.channel, self.arg.inst_id)
        named = _NAMED.search(self.msg)
        return Topic(named[1], named[2]) if named else None


_decode = msgspec.json.Decoder(Message).decode


def request(op: str, topics: Sequence[Topic]) -> bytes:
    """A request about some topics."""
    arguments = [{"channel": topic.channel, "instId": topic.inst_id} for topic in topics]
    return msgspec.json.encode({"op": op, "args": arguments})


def is_event(frame: bytes) -> bool:
    """Whether a frame may be an event; quick, for every frame is asked."""
    return not frame.startswith(_DATA) or (len(frame) <= _LONGEST_ANSWER and _EVENT in frame)


def event(frame: bytes) -> Message | None:
    """The event that a frame is, None when it is data or cannot be read."""
    message = _read(frame)
    return message if message is not None and message.event else None


def snapshot_of(frame: bytes) -> Topic | None:
    """Whose snapshot a frame is, None when it is none."""
    message = _read(frame) if _SNAPSHOT in frame else None
    return message.topic if message is not None and message.action == "snapshot" else None


def _read(frame: bytes) -> Message | None:
    try:
        return _decode(frame)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
