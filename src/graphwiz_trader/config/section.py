"""What every group of keys is made of: strict and frozen, empty means its defaults; and what contradicts it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from graphwiz_trader.config.values import Unit

MILLISECONDS = Unit("ms")


class CrossCheckError(ValueError):
    """Values that are each in bounds but contradict one another; each problem is a key path and a text."""

    def __init__(self, problems: Iterable[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{path}: {text}" for path, text in self.problems))


def beyond(path: str, value: Decimal, limit_path: str, limit: Decimal) -> list[tuple[str, str]]:
    """The problem, if there is one, of a value beyond the limit that another key sets for it."""
    if value <= limit:
        return []
    return [(path, f"{value:f} is more than {limit_path} {limit:f}; lower it, or raise {limit_path}")]


def refuse(problems: list[tuple[str, str]]) -> None:
    """Raises CrossCheckError when there is a problem."""
    if problems:
        raise CrossCheckError(problems)


class Section(BaseModel):
    """A group of keys. Left out or left empty, it holds its defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_means_defaults(cls, value: Any) -> Any:
        return {} if value is None else value
