"""What the documents tell a reader to type exists, and what they point to is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from graphwiz_trader.cli import COMMANDS, GROUPS, load_command

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def shell_lines(document: Path) -> list[str]:
    """Every line of the document's ``sh`` blocks, comments and continuations resolved."""
    blocks = re.findall(r"(?ms)^```sh\n(.*?)^```", document.read_text())
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line.split(" #")[0].strip() for line in lines if line.strip()]


TYPED = sorted({(document, line) for document in DOCUMENTS for line in shell_lines(document)})
GRAPHWIZ = [(document, line) for document, line in TYPED if line.startswith("graphwiz ")]
MAKE = [(document, line) for document, line in TYPED if line.startswith("make")]


def ids(value: object) -> str:
    return value.name if isinstance(value, Path) else str(value)


def command_of(words: list[str]) -> tuple[Any, list[str]]:
    """The command that a line calls, and what is left of the line."""
    name, *rest = words
    assert name in COMMANDS, f"there is no `graphwiz {name}`"
    command = load_command(name)
    if name in GROUPS:
        assert rest, f"`graphwiz {name}` needs a command"
        assert rest[0] in command.commands, f"there is no `graphwiz {name} {rest[0]}`; {sorted(command.commands)}"
        return command.commands[rest[0]], rest[1:]
    return command, rest


@pytest.mark.parametrize(("document", "line"), GRAPHWIZ, ids=ids)
def test_a_command_that_a_document_shows_exists_with_its_options(document, line):
    command, words = command_of(shlex.split(line)[1:])
    options = {spelling: option for option in command.params for spelling in option.opts if spelling.startswith("-")}
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    given = 0
    while words:
        word = words.pop(0)
        if word.startswith("-"):
            name, has_value, _ = word.partition("=")
            assert name in options, f"{line}: no option {name}; there are {sorted(options)}"
            if not has_value and not options[name].is_flag:
                assert words, f"{line}: {name} needs a value"
                words.pop(0)
        else:
            given += 1
    most = float("inf") if any(argument.nargs < 0 for argument in arguments) else len(arguments)
    least = sum(argument.required for argument in arguments)
    assert least <= given <= most, f"{line}: {given} arguments"


@pytest.mark.parametrize(("document", "line"), MAKE, ids=ids)
def test_a_make_target_that_a_document_shows_exists(document, line):
    targets = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text()))
    assert set(line.split()[1:]) <= targets


def test_the_two_commands_stand_at_the_top_of_the_readme():
    lines = (ROOT / "README.md").read_text().splitlines()
    assert lines[:3] == ["# GraphWiz Trader", "", "```sh"]
    assert [line.split(" #")[0].strip() for line in lines[3:5]] == ["make run", "make test"]


def test_every_command_is_shown_in_the_readme():
    assert set(COMMANDS) <= {line.split()[1] for document, line in GRAPHWIZ if document == ROOT / "README.md"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=ids)
def test_every_link_to_a_file_leads_to_one(document):
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text()):
        assert (document.parent / target).exists(), f"{document.name} points to {target}"


def test_every_path_that_a_document_names_below_the_package_exists():
    missing = {}
    for document in DOCUMENTS:
        for path in re.findall(r"`((?:src|tests|docs|config|requirements|benchmarks)/[\w./-]+)`", document.read_text()):
            if not (ROOT / path).exists() and not (ROOT / "src/graphwiz_trader" / path).exists():
                missing[path] = document.name
    assert not missing


@pytest.mark.parametrize(
    "room", ["cli", "assembly", "observers", "backtest", "journal", "recording", "venues", "config", "hft", "errors"]
)
def test_every_room_stands_in_the_architecture_page(room):
    assert re.search(rf"(?m)^\| `{room}(/|\.py)?` \|", (ROOT / "ARCHITECTURE.md").read_text())


def test_every_module_that_the_architecture_page_names_exists():
    text = (ROOT / "ARCHITECTURE.md").read_text()
    rooms = "cli|assembly|observers|backtest|journal|recording|venues|config|hft|kernels"
    for path in set(re.findall(rf"`((?:{rooms})/[\w/]+\.py)`", text)):
        candidates = (ROOT / "src/graphwiz_trader" / path, ROOT / "src/graphwiz_trader/hft" / path)
        assert any(candidate.exists() for candidate in candidates), path


def test_every_decision_stands_in_the_list_of_decisions():
    folder = ROOT / "docs/decisions"
    listed = re.findall(r"\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text())
    assert sorted(listed) == sorted(path.name for path in folder.glob("[0-9]*.md"))
