"""YAML text → plain values, with the line of every key, and none of YAML's surprises.

Taken from YAML: mappings, lists, text, whole and decimal numbers, true and false, comments. Left out, because
each has cost somebody money: a repeated key (the last one would win silently), anchors and aliases (a small
file can unfold into gigabytes), tags (they name code), octal and sexagesimal numbers (``010`` is ten), dates.
A decimal number becomes a Decimal of exactly the digits written.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, NamedTuple

import yaml

MAX_DEPTH = 20

KeyPath = tuple[str | int, ...]

_WHOLE = re.compile(r"[-+]?[0-9]{1,40}")
_DECIMAL = re.compile(r"[-+]?(?:[0-9]{1,40}\.[0-9]{0,40}|\.[0-9]{1,40}|[0-9]{1,40}(?=[eE]))(?:[eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}
_WORDS |= {"yes": True, "on": True, "no": False, "off": False}
_PLAIN_TAGS = ("str", "int", "float", "bool", "null", "timestamp", "value", "merge")


class YamlTextError(ValueError):
    """The text is no YAML, or YAML of a kind that is left out here. ``line`` counts from 1."""

    def __init__(self, text: str, line: int) -> None:
        super().__init__(text)
        self.line = line


class YamlTree(NamedTuple):
    """What a file says: its values, the line of each key path, and the keys it gives twice."""

    value: Any
    lines: dict[KeyPath, int]
    repeated: list[KeyPath]


def parse(text: str) -> YamlTree:
    """Raises YamlTextError with the line. The message never quotes the text, which may hold a secret."""
    try:
        _refuse_aliases_and_depth(text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        tree = YamlTree({}, {}, [])
        return tree if root is None else tree._replace(value=_value(root, (), tree))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlTextError(f"not readable as YAML: {error.problem}", mark.line + 1 if mark else 1) from None
    except yaml.YAMLError:
        raise YamlTextError("not readable as YAML: it holds a character that is not text", 1) from None


def _refuse_aliases_and_depth(text: str) -> None:
    """On the stream of events, before anything is built from it."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise YamlTextError("anchors and aliases are not used here: write the value out", line)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise YamlTextError(f"groups stand inside one another more than {MAX_DEPTH} deep", line)


def _value(node: yaml.Node, path: KeyPath, tree: YamlTree) -> Any:
    tree.lines[path] = line = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node, line)
    if isinstance(node, yaml.SequenceNode) and node.tag.endswith(":seq"):
        return [_value(item, (*path, position), tree) for position, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode) and node.tag.endswith(":map"):
        return _mapping(node, path, tree)
    raise YamlTextError("tags (words that begin with !) are not used here", line)


def _mapping(node: yaml.MappingNode, path: KeyPath, tree: YamlTree) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise YamlTextError("a key should be a word", line)
        key = str(key_node.value)
        here = (*path, key)
        if key in values:
            tree.repeated.append(here)
        values[key] = _value(value_node, here, tree)
        tree.lines[here] = line
    return values


def _scalar(node: yaml.ScalarNode, line: int) -> Any:
    if node.tag.removeprefix("tag:yaml.org,2002:") not in _PLAIN_TAGS:
        raise YamlTextError("tags (words that begin with !) are not used here", line)
    text = str(node.value)
    if node.style is not None:
        return text
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return Decimal(text)
    return text
