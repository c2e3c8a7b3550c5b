"""What is wrong with a configuration, said so that it can be mended: line, key, found, expected, nearest.

All problems of a file are reported together. A value is shown only when it is short and its key does not name
a secret, so a secret pasted into the wrong place does not reach the screen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin

import annotated_types
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from graphwiz_trader.config.models import HftConfig
from graphwiz_trader.config.section import CrossCheckError
from graphwiz_trader.config.values import Kind, Unit
from graphwiz_trader.config.yaml_tree import KeyPath
from graphwiz_trader.errors import GraphwizError, did_you_mean

_SECRET_KEY = re.compile(r"(?i)secret|passw|passphrase|token|credential|private|(api|access)[-_ ]?key")
_NOT_IN_A_FILE = (
    "a secret does not belong in the file: take it out, replace it at the exchange if the file was shared, "
    "and set GRAPHWIZ_<EXCHANGE>_API_KEY and GRAPHWIZ_<EXCHANGE>_API_SECRET in the environment"
)
_LONGEST_SHOWN = 40


class Problem(NamedTuple):
    """One thing to mend. ``path`` is the key's, from the top of the file."""

    path: KeyPath
    text: str

    @property
    def key(self) -> str:
        return ".".join(_brief(str(part)) for part in self.path)


class ConfigError(GraphwizError):
    """The configuration is not usable. ``problems`` holds every reason; the message is one line for each."""

    def __init__(self, where: Path | str, problems: list[Problem], lines: dict[KeyPath, int] | None = None) -> None:
        placed = sorted(((_line(problem.path, lines or {}), problem) for problem in problems), key=itemgetter(0))
        self.problems = tuple(problem for _, problem in placed)
        super().__init__("\n".join(_message(where, line, problem) for line, problem in placed))


def _line(path: KeyPath, lines: dict[KeyPath, int]) -> int:
    """The line of a key, or of the group it is missing from; 0 when the file does not say."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 0)


def _message(where: Path | str, line: int, problem: Problem) -> str:
    place = f"{where}:{line}" if line else f"{where}"
    return f"{place}: {problem.key}: {problem.text}" if problem.path else f"{place}: {problem.text}"


def secrets_in(value: Any, path: KeyPath = ()) -> Iterator[Problem]:
    """Every key that names a secret, wherever it stands."""
    if isinstance(value, dict):
        for key, below in value.items():
            here = (*path, key)
            if _SECRET_KEY.search(str(key)):
                yield Problem(here, _NOT_IN_A_FILE)
            else:
                yield from secrets_in(below, here)
    elif isinstance(value, list):
        for position, below in enumerate(value):
            yield from secrets_in(below, (*path, position))


def problems_of(error: ValidationError, root: tuple[str, ...]) -> list[Problem]:
    """One Problem for each thing pydantic refused, paths beginning at ``root``."""
    return [problem for detail in error.errors(include_url=False) for problem in _problems(detail, root)]


def _problems(detail: ErrorDetails, root: tuple[str, ...]) -> Iterator[Problem]:
    # pydantic marks a refused key of a mapping, here an exchange's id, with a last step "[key]".
    location = tuple(part for part in detail["loc"] if part != "[key]")
    cause = detail.get("ctx", {}).get("error")
    section, field = _resolve(location)
    if isinstance(cause, CrossCheckError):
        for path, text in cause.problems:
            yield Problem((*root, *location, *path.split(".")), text)
    elif detail["type"] == "extra_forbidden":
        section, _ = _resolve(location[:-1])
        yield Problem((*root, *location), f"unknown key; {did_you_mean(str(location[-1]), section.model_fields)}")
    else:
        wanted = str(cause) if isinstance(cause, ValueError) else expected(field) if field else "a group of keys"
        found = "missing" if detail["type"] == "missing" else f"found {shown(detail['input'])}"
        yield Problem((*root, *location), f"{found}, expected {wanted}")


def shown(value: Any) -> str:
    """A value as a message may show it: short, and never a text long enough to be a key."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a group of keys"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}" if value else "an empty list"
    return _brief(repr(value) if isinstance(value, str) else str(value))


def _brief(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else f"a text of {len(text)} characters"


def expected(field: FieldInfo) -> str:
    """What a key takes, in words: kind, unit, bounds."""
    unit = next((f" of {m.name}" for m in field.metadata if isinstance(m, Unit)), "")
    return f"{_kind(field)}{unit}{_bounds(field)}"


def _bounds(field: FieldInfo) -> str:
    parts = []
    for bound in field.metadata:
        match bound:
            case annotated_types.Ge(ge=low):
                parts.append(f"at least {low}")
            case annotated_types.Gt(gt=low):
                parts.append(f"more than {low}")
            case annotated_types.Le(le=high):
                parts.append(f"at most {high}")
    return f", {' and '.join(parts)}" if parts else ""


def _kind(field: FieldInfo) -> str:
    section = submodel(field)
    if section is not None:
        return f"a group of keys: {', '.join(section.model_fields)}"
    if get_origin(field.annotation) is Literal:
        return " or ".join(str(choice) for choice in get_args(field.annotation))
    marked = next((m.words for m in field.metadata if isinstance(m, Kind)), "")
    return marked or ("true or false" if field.annotation is bool else "a whole number")


def _resolve(location: KeyPath) -> tuple[type[BaseModel], FieldInfo | None]:
    """The section a key path ends in, and the last field on the way."""
    section: type[BaseModel] = HftConfig
    field: FieldInfo | None = None
    for part in location:
        found = section.model_fields.get(str(part))
        # An exchange's id and a list's position are no fields: the section below was entered with the field.
        if found is not None:
            field = found
            section = submodel(found) or section
    return section, field


def submodel(field: FieldInfo) -> type[BaseModel] | None:
    """The section below a field: its own type, or that of its mapping's values."""
    candidates = (field.annotation, *get_args(field.annotation))
    return next((c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)), None)
