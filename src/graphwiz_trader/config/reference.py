"""The configuration as text: the reference of every key, and a configuration written back as YAML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from graphwiz_trader.config.models import HftConfig
from graphwiz_trader.config.problems import expected, submodel

_ABOUT = """\
# Configuration

One YAML file, `config/hft.yaml` unless `--config` names another. Every key has a default; an empty file means
all defaults, which trade on exchanges simulated on this machine and cannot do anything else. A key that is
not in this table is an error that names the nearest right one. `graphwiz config check FILE` checks a file and
prints what it means. API keys come from the environment only: `GRAPHWIZ_BINANCE_API_KEY` and
`GRAPHWIZ_BINANCE_API_SECRET`, and likewise for every exchange id.

This page is made from `src/graphwiz_trader/config/models.py` by `make docs`; a test holds the two together.
"""


class Row(NamedTuple):
    """One key of the reference."""

    key: str
    expected: str
    default: str
    meaning: str


def rows() -> Iterator[Row]:
    """Every key, in the order of the file; ``<id>`` stands for an exchange's id."""
    yield from _rows(HftConfig, "hft")


def as_rows() -> list[dict[str, str]]:
    return [row._asdict() for row in rows()]


def as_markdown() -> str:
    """The page ``docs/configuration.md``."""
    lines = [f"| `{row.key}` | {row.meaning} | {row.expected} | {row.default} |" for row in rows()]
    return "\n".join([_ABOUT, "| key | meaning | takes | default |", "|---|---|---|---|", *lines, ""])


def as_yaml(config: HftConfig) -> str:
    """A file that loads to the same values."""
    return yaml.dump({"hft": _plain(config.model_dump())}, Dumper=_ExactDumper, sort_keys=False, allow_unicode=True)


def _rows(section: type[BaseModel], prefix: str) -> Iterator[Row]:
    for name, field in section.model_fields.items():
        below = submodel(field)
        if below is None:
            yield Row(f"{prefix}.{name}", expected(field), _default(field), field.description or "")
        else:
            is_mapping = isinstance(field.get_default(call_default_factory=True), Mapping)
            yield from _rows(below, f"{prefix}.{name}.<id>" if is_mapping else f"{prefix}.{name}")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "none, must be given"
    value = field.get_default(call_default_factory=True)
    match value:
        case None:
            return "left out"
        case bool():
            return str(value).lower()
        case tuple():
            return ", ".join(value)
        case Mapping():
            return ", ".join(f"{key}: {below}" for key, below in value.items())
        case _:
            return str(value)


def _plain(value: Any) -> Any:
    """Without what is left out, and with lists and text where YAML has no kind of its own."""
    match value:
        case dict():
            return {key: _plain(below) for key, below in value.items() if below is not None}
        case tuple():
            return list(value)
        case Path():
            return str(value)
        case _:
            return value


class _ExactDumper(yaml.SafeDumper):
    """Writes a Decimal as the digits it is."""


def _write_decimal(dumper: yaml.SafeDumper, value: Decimal) -> yaml.ScalarNode:
    text = f"{value:f}"
    return dumper.represent_scalar(f"tag:yaml.org,2002:{'float' if '.' in text else 'int'}", text)


_ExactDumper.add_representer(Decimal, _write_decimal)
