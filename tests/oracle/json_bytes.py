"""JSON as bytes: a strict parser that keeps numbers and strings as they are written.

The standard library's json would do but for two things: it turns numbers into floats and does not say whether a
string was written with escapes. ``test_oracle`` holds this parser against it.
"""

from __future__ import annotations

import re
from typing import NamedTuple, TypeAlias

MAX_NESTING = 60


class RefusalError(Exception):
    """Why a frame is not accepted."""


class Text(NamedTuple):
    raw: bytes
    kind: str = "text"


class Number(NamedTuple):
    raw: bytes
    kind: str = "number"


class Word(NamedTuple):
    word: str


Value: TypeAlias = "Text | Number | Word | list[Value] | Object"


class Object(NamedTuple):
    members: list[tuple[bytes, Value]]


_SPACE = re.compile(rb"[ \t\n\r]*")
_STRING = re.compile(rb'"((?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*)"')
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORD = re.compile(rb"true|false|null")
_PARSE_NESTING = MAX_NESTING + 10
"""Deeper than any frame that could still be accepted; keeps the parser from running out of stack."""


def parse(frame: bytes) -> Value:
    value, position = _value(frame, _skip(frame, 0), 0)
    if _skip(frame, position) != len(frame):
        raise RefusalError("something behind the frame")
    return value


def _value(frame: bytes, position: int, nesting: int) -> tuple[Value, int]:
    if nesting > _PARSE_NESTING:
        raise RefusalError("nested too deep")
    opening = frame[position : position + 1]
    if opening == b"{":
        return _object(frame, position + 1, nesting)
    if opening == b"[":
        return _array(frame, position + 1, nesting)
    if found := _STRING.match(frame, position):
        return Text(found[1]), found.end()
    if found := _WORD.match(frame, position):
        return Word(found[0].decode()), found.end()
    if found := _NUMBER.match(frame, position):
        return Number(found[0]), found.end()
    raise RefusalError(f"no value at byte {position}")


def _object(frame: bytes, position: int, nesting: int) -> tuple[Value, int]:
    members: list[tuple[bytes, Value]] = []
    position = _skip(frame, position)
    if frame[position : position + 1] == b"}":
        return Object(members), position + 1
    while True:
        key = _STRING.match(frame, position)
        if not key:
            raise RefusalError(f"no key at byte {position}")
        position = _expect(frame, key.end(), b":")
        value, position = _value(frame, _skip(frame, position), nesting + 1)
        members.append((key[1], value))
        position, closed = _separator(frame, position, b"}")
        if closed:
            return Object(members), position


def _array(frame: bytes, position: int, nesting: int) -> tuple[Value, int]:
    values: list[Value] = []
    position = _skip(frame, position)
    if frame[position : position + 1] == b"]":
        return values, position + 1
    while True:
        value, position = _value(frame, position, nesting + 1)
        values.append(value)
        position, closed = _separator(frame, position, b"]")
        if closed:
            return values, position


def _separator(frame: bytes, position: int, closing: bytes) -> tuple[int, bool]:
    position = _skip(frame, position)
    byte = frame[position : position + 1]
    if byte == closing:
        return position + 1, True
    if byte != b",":
        raise RefusalError(f"neither a comma nor {closing.decode()} at byte {position}")
    return _skip(frame, position + 1), False


def _expect(frame: bytes, position: int, byte: bytes) -> int:
    position = _skip(frame, position)
    if frame[position : position + 1] != byte:
        raise RefusalError(f"no {byte.decode()} at byte {position}")
    return position + 1


def _skip(frame: bytes, position: int) -> int:
    found = _SPACE.match(frame, position)
    assert found is not None
    return found.end()
