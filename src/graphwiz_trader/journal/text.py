"""A record in words: its time, its kind's name, one line about its payload, or a JSON object."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import msgspec

from graphwiz_trader.hft.events import RecordKind
from graphwiz_trader.journal.layout import Record

FRAME_KINDS = frozenset({RecordKind.MARKET_FRAME, RecordKind.ORDER_FRAME})
"""Their payload is what a venue sent, byte for byte; every other payload is JSON of our own."""
_SUMMARY_CHARACTERS = 240
_SECOND_NS = 1_000_000_000


def kind_name(kind: int) -> str:
    """The name of a record kind, or its number in words when this program does not know it."""
    try:
        return RecordKind(kind).name
    except ValueError:
        return f"KIND_{kind}"


def time_text(time_ns: int) -> str:
    """UTC to the nanosecond: ``2024-08-08T12:00:00.000000001Z``; the bare number when no calendar has that year."""
    seconds, rest_ns = divmod(time_ns, _SECOND_NS)
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{time_ns} ns"
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest_ns:09d}Z"


def time_ns_of(text: str) -> int:
    """Nanoseconds of an ISO 8601 time (UTC when it names no zone) or of a plain number of ns; ValueError else."""
    if text.isdecimal():
        return int(text)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    since_epoch = moment - datetime.fromtimestamp(0, UTC)
    return (since_epoch.days * 86_400 + since_epoch.seconds) * _SECOND_NS + since_epoch.microseconds * 1000


def summary(record: Record) -> str:
    """One short line about the payload, free of control characters."""
    text = record.payload[: 4 * _SUMMARY_CHARACTERS].decode(errors="replace")
    if record.kind not in FRAME_KINDS:
        text = _pairs(record.payload) or text
    if not text.isprintable():
        text = "".join(character if character.isprintable() else "·" for character in text)
    return text if len(text) <= _SUMMARY_CHARACTERS else text[: _SUMMARY_CHARACTERS - 1] + "…"


def as_json(record: Record) -> bytes:
    """One JSON line: time_ns, time, kind, source and ``payload``, which is text for a frame and JSON for the rest.

    Bytes that are no UTF-8 stand as ``payload_base64`` instead.
    """
    line: dict[str, Any] = {
        "time_ns": record.time_ns,
        "time": time_text(record.time_ns),
        "kind": kind_name(record.kind),
        "source": record.source,
    }
    is_json = record.kind not in FRAME_KINDS and _decoded(record.payload) is not None
    if is_json and b"\n" not in record.payload:
        line["payload"] = msgspec.Raw(record.payload)
    else:
        try:
            line["payload"] = record.payload.decode()
        except UnicodeDecodeError:
            line["payload_base64"] = base64.b64encode(record.payload).decode()
    return msgspec.json.encode(line)


def _decoded(payload: bytes) -> Any:
    """The JSON value of a payload; None when it is none."""
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _pairs(payload: bytes) -> str:
    """``name=value name=value`` of a JSON object's members; empty for anything else."""
    members = _decoded(payload)
    if not isinstance(members, dict):
        return ""
    return " ".join(f"{name}={_short(value)}" for name, value in members.items())


def _short(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
