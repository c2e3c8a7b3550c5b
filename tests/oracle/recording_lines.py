"""Recorded sockets and REST answers as plain lines: every form that recordings come in, read slowly and obviously.

Forms, one a line:

- ``<ns> <frame>``                   a frame received, time in nanoseconds
- ``<seconds>: <frame>``             a frame received, time in seconds with a fraction
- ``<url> -> <seconds>: <body>``     a REST answer received
- ``<url> <- <seconds>: <frame>``    a frame that the client sent
- ``<url> <-> <seconds>``            a connection opened
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Literal, NamedTuple

_NANOSECONDS = re.compile(rb"(\d+) (.*)", re.DOTALL)
_SECONDS = re.compile(rb"(\d+(?:\.\d+)?): (.*)", re.DOTALL)
_REST = re.compile(rb"(\S+) -> (\d+(?:\.\d+)?): (.*)", re.DOTALL)
_SENT = re.compile(rb"(\S+) <- (\d+(?:\.\d+)?): (.*)", re.DOTALL)
_OPENED = re.compile(rb"(\S+) <-> (\d+(?:\.\d+)?)")


class Line(NamedTuple):
    time_ns: int
    what: Literal["frame", "rest", "sent", "opened"]
    url: str
    """Empty for a received frame: the file does not say."""
    payload: bytes


def read(path: Path) -> Iterator[Line]:
    """A recording's lines, plain or gzipped, in the file's order. Raises ValueError for a line of no known form."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as stream:
        for number, raw in enumerate(stream, start=1):
            line = raw.rstrip(b"\r\n")
            if not line:
                continue
            if found := _NANOSECONDS.fullmatch(line):
                yield Line(int(found[1]), "frame", "", found[2])
            elif found := _SECONDS.fullmatch(line):
                yield Line(_ns(found[1]), "frame", "", found[2])
            elif found := _REST.fullmatch(line):
                yield Line(_ns(found[2]), "rest", found[1].decode(), found[3])
            elif found := _SENT.fullmatch(line):
                yield Line(_ns(found[2]), "sent", found[1].decode(), found[3])
            elif found := _OPENED.fullmatch(line):
                yield Line(_ns(found[2]), "opened", found[1].decode(), b"")
            else:
                raise ValueError(f"{path.name} line {number} has no known form: {line[:80]!r}")


def _ns(seconds: bytes) -> int:
    return int(Decimal(seconds.decode()) * 1_000_000_000)
