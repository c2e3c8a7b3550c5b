"""A fault plan as somebody wrote it → checked faults, or every reason why not.

seed: 7
faults:
  - fault: drop
    venue: binance
    channel: btcusdt@depth*
    probability: 0.01
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from graphwiz_trader.errors import GraphwizError, did_you_mean
from graphwiz_trader.venues.simulated.faults.kinds import KINDS, UNKNOWN, Delay, Fault

Path = tuple[str | int, ...]
MAX_FAULTS = 1_000
DEFAULT_SEED = 7
_WHERE_AND_WHEN = frozenset({"fault", "venue", "channel", "account", "from_s", "until_s"})
_CHANCES = frozenset({"probability", "every", "after", "count"})


class FaultPlanError(GraphwizError):
    """A fault plan is not usable; one line for each reason."""


class FaultPlan(msgspec.Struct, frozen=True):
    """What is to go wrong. ``seed`` decides every chance."""

    seed: int = DEFAULT_SEED
    faults: tuple[Fault, ...] = ()


def read_plan(
    value: Any, venues: Collection[str], where: str = "faults", lines: Mapping[Path, int] | None = None
) -> FaultPlan:
    """Check a plan. ``lines``: the line of each key, for the messages. Raises FaultPlanError."""
    reading = _Reading(venues, where, lines or {})
    plan = reading.plan(value)
    if reading.problems:
        raise FaultPlanError("\n".join(reading.problems))
    return plan


class _Reading:
    """Collects what is wrong on the way."""

    def __init__(self, venues: Collection[str], where: str, lines: Mapping[Path, int]) -> None:
        self.problems: list[str] = []
        self._venues = venues
        self._where = where
        self._lines = lines

    def plan(self, value: Any) -> FaultPlan:
        if not isinstance(value, Mapping):
            self._refuse((), "expected a group with the keys faults and, if you like, seed")
            return FaultPlan()
        for key in value:
            if key not in ("seed", "faults"):
                self._refuse((key,), f"unknown key; {did_you_mean(str(key), ('seed', 'faults'))}")
        seed = value.get("seed", DEFAULT_SEED)
        if type(seed) is not int:
            self._refuse(("seed",), f"found {_shown(seed)}, expected a whole number")
        entries = value.get("faults") or []
        if not isinstance(entries, list) or len(entries) > MAX_FAULTS:
            self._refuse(
                ("faults",), f"expected a list of at most {MAX_FAULTS} faults, each beginning with '- fault: '"
            )
            return FaultPlan()
        faults = [self._fault(("faults", position), entry) for position, entry in enumerate(entries)]
        return FaultPlan(seed, tuple(fault for fault in faults if fault is not None))

    def _fault(self, path: Path, entry: Any) -> Fault | None:
        if not isinstance(entry, Mapping) or "fault" not in entry:
            self._refuse(path, f"expected a group that names its fault; {did_you_mean('', KINDS)}")
            return None
        name = entry["fault"]
        if not isinstance(name, str) or name not in KINDS:
            self._refuse((*path, "fault"), f"no fault {_shown(name)}; {did_you_mean(str(name), KINDS)}")
            return None
        allowed = _allowed(name)
        values: dict[str, Any] = {"fault": name}
        for key, found in entry.items():
            if key not in allowed:
                self._refuse((*path, key), f"unknown key of a {name}; {did_you_mean(str(key), allowed)}")
            elif key != "fault":
                self._value((*path, key), key, found, values)
        for missing in sorted(KINDS[name].required - set(entry)):
            self._refuse((*path, missing), f"missing: a {name} needs {_EXPECTED[missing]}")
        if "probability" in entry and "every" in entry:
            self._refuse((*path, "every"), "a fault has a probability or fires every so many times, not both")
        return Fault(**values)

    def _value(self, path: Path, key: str, found: Any, values: dict[str, Any]) -> None:
        try:
            values[key] = _READ[key](found)
        except (ValueError, TypeError):
            self._refuse(path, f"found {_shown(found)}, expected {_EXPECTED[key]}")
            return
        if key == "venue" and found != "*" and found not in self._venues:
            self._refuse(path, f"no venue {_shown(found)} is served; {did_you_mean(found, self._venues)}")

    def _refuse(self, path: Path, text: str) -> None:
        line = next((self._lines[path[:end]] for end in range(len(path), -1, -1) if path[:end] in self._lines), 0)
        key = "".join(f"[{part}]" if isinstance(part, int) else f".{_brief(part)}" for part in path).lstrip(".")
        self.problems.append(f"{self._where}{f':{line}' if line else ''}: {f'{key}: ' if key else ''}{text}")


def _allowed(name: str) -> frozenset[str]:
    kind = KINDS[name]
    when = frozenset({"at_s"}) if kind.happens_at_a_time else frozenset()
    chances = _CHANCES if len(kind.places) > kind.happens_at_a_time else frozenset()
    return _WHERE_AND_WHEN | when | chances | kind.required | kind.optional


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 200:
        raise ValueError
    return value


def _number(low: float, high: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or not low <= value <= high:
            raise ValueError
        return float(value)

    return read


def _whole(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise ValueError
        return value

    return read


def _one_of(words: tuple[str, ...]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in words:
            raise ValueError
        return str(value)

    return read


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError
    return value


_DAY_S = 86_400.0
_seconds = _number(0, _DAY_S)
_milliseconds = _number(0, 1_000 * _DAY_S)


def _times(value: Any) -> tuple[float, ...]:
    return tuple(sorted(map(_seconds, value))) if isinstance(value, list) and value else (_seconds(value),)


def _delay(value: Any) -> Delay:
    if not isinstance(value, Mapping):
        return Delay("fixed", _milliseconds(value))
    ((law, found),) = value.items()
    if law == "uniform":
        low, high = map(_milliseconds, found)
        if low > high:
            raise ValueError
        return Delay(law, low, high)
    if law != "exponential":
        raise ValueError
    return Delay(law, _milliseconds(found))


_SECONDS = "a number of seconds from 0 to a day"
_READ: dict[str, Callable[[Any], Any]] = {
    "venue": _text,
    "channel": _text,
    "account": _text,
    "probability": _number(0, 1),
    "every": _whole(1, 10**9),
    "after": _whole(0, 10**9),
    "count": _whole(1, 10**9),
    "at_s": _times,
    "from_s": _seconds,
    "until_s": _seconds,
    "delay_ms": _delay,
    "for_s": _seconds,
    "status": _whole(400, 599),
    "retry_after_s": _whole(0, 86_400),
    "skew_ms": _whole(-(10**9), 10**9),
    "copies": _whole(1, 100),
    "fraction": _number(0.000001, 1),
    "processed": _flag,
    "says": _one_of(UNKNOWN),
    "down_s": _seconds,
    "closes_after_s": _seconds,
}
_EXPECTED = {
    "venue": "an exchange id, or * for all",
    "channel": "a name with * and ?",
    "account": "an account's name",
    "probability": "a number from 0 to 1",
    "every": "a whole number from 1",
    "after": "a whole number from 0",
    "count": "a whole number from 1",
    "at_s": f"{_SECONDS}, or a list of them",
    "from_s": _SECONDS,
    "until_s": _SECONDS,
    "delay_ms": "milliseconds from 0 to a day, or {uniform: [low, high]}, or {exponential: mean}",
    "for_s": _SECONDS,
    "status": "an HTTP status from 400 to 599",
    "retry_after_s": "a whole number of seconds from 0 to a day",
    "skew_ms": "a whole number of milliseconds, with a minus for a clock that is behind",
    "copies": "a whole number from 1 to 100",
    "fraction": "a number above 0 and at most 1",
    "processed": "true or false",
    "says": f"one of {', '.join(UNKNOWN)}",
    "down_s": _SECONDS,
    "closes_after_s": _SECONDS,
}


def _brief(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}..."


def _shown(value: Any) -> str:
    return _brief(repr(value) if isinstance(value, str) else str(value))
