"""The house rules, each with the reason or the replacement in its message.

Import rules are import-linter's (test_arrows.py), style is ruff's, types are mypy's; here stands what they
cannot say.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src/graphwiz_trader"
CORE = PACKAGE / "hft"

MODULE_LINES_MAX = 350
FUNCTION_LINES_MAX = 60

NOT_IN_THE_CORE = {
    "print": "record it through events.Recorder; an observer shows it",
    "input": "the core asks nobody: take it as an argument",
    "open": "the core does no I/O: take the bytes as an argument, record through events.Recorder",
    "time.": "take now_ns as an argument",
    "datetime.": "take now_ns as an argument",
    "random.": "take what was drawn as an argument, so that a replay draws the same",
    "uuid.": "count client ids up from the session's prefix",
    "os.": "the core does no I/O: take the value as an argument",
    "asyncio.": "return at once; the edge waits",
    "logging.": "record a NOTICE through events.Recorder",
    "np.random": "take what was drawn as an argument, so that a replay draws the same",
}
MONEY_MODULES = ("positions.py", "risk.py", "executor.py", "legs.py", "orders.py", "limits.py")


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def place(path: Path, node: ast.AST | None = None) -> str:
    line = getattr(node, "lineno", None)
    return f"{path.relative_to(ROOT)}{f':{line}' if line else ''}"


def committed(*patterns: str) -> list[Path]:
    """Files that git tracks, or would track: what a clone has."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git work tree")
    return [ROOT / name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


# Shape


def test_every_module_says_in_its_first_sentence_what_it_is_for():
    silent = [place(path) for path in modules(PACKAGE) if not _first_sentence(path)]
    assert not silent, "begin the module with a docstring whose first line is a sentence"


def _first_sentence(path: Path) -> bool:
    first_line = (ast.get_docstring(parsed(path)) or "").split("\n")[0]
    return len(first_line.split()) > 2


def test_no_module_is_longer_than_a_person_reads_in_one_go():
    long = {
        place(path): lines for path in modules(PACKAGE) if (lines := path.read_text().count("\n")) > MODULE_LINES_MAX
    }
    assert not long, f"more than {MODULE_LINES_MAX} lines is usually two things: give each a module"


def test_no_function_is_longer_than_a_screen():
    long = {
        f"{place(path, node)} {node.name}": length
        for path in modules(PACKAGE)
        for node in functions(parsed(path))
        if (length := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES_MAX
    }
    assert not long, f"more than {FUNCTION_LINES_MAX} lines is usually two things: give each a name"


def test_nothing_is_left_for_later():
    marker = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    left = [f"{place(path)}: {m[0]}" for path in modules(PACKAGE) if (m := marker.search(path.read_text()))]
    assert not left, "finish it or write it into an issue"


# The core


@pytest.mark.parametrize("path", modules(CORE), ids=place)
def test_the_core_calls_no_clock_no_file_no_chance_and_no_log(path):
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            for name, instead in NOT_IN_THE_CORE.items():
                hit = called.startswith(name) if name.endswith(".") else called == name
                assert not hit, f"{place(path, node)}: {called}() is not used in the core: {instead}"


@pytest.mark.parametrize("path", [path for name in MONEY_MODULES if (path := CORE / name).exists()], ids=place)
def test_money_is_never_a_float(path):
    for node in _outside_ratios(parsed(path)):
        said = f"{place(path, node)}: {ast.unparse(node) if isinstance(node, ast.expr) else ''}"
        is_float = isinstance(node, ast.Constant) and isinstance(node.value, float)
        assert not is_float, f"{said} is a float: write money as a whole number, see instruments.money_from_text"
        is_call = isinstance(node, ast.Call) and ast.unparse(node.func) in {"float", "np.float64"}
        assert not is_call, f"{said} loses digits: keep the whole number"
        assert not isinstance(getattr(node, "op", None), ast.Div), f"{said} is inexact: use // or compare products"


def _outside_ratios(node: ast.AST) -> Iterator[ast.AST]:
    """Every node, but not the inside of a function that declares itself a ratio with ``-> float``."""
    yield node
    for child in ast.iter_child_nodes(node):
        returns = getattr(child, "returns", None)
        if not (isinstance(returns, ast.Name) and returns.id == "float"):
            yield from _outside_ratios(child)


def test_compiled_code_stands_in_the_kernels_only():
    for path in modules(PACKAGE):
        if CORE / "kernels" not in path.parents:
            for node in ast.walk(parsed(path)):
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert not any(n.split(".")[0] in {"numba", "llvmlite"} for n in names), (
                    f"{place(path, node)}: Numba is used in hft/kernels only: write a kernel there and call it"
                )


# The edge


def test_everything_that_listens_does_so_on_this_machine_only():
    for path in modules(PACKAGE):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Constant):
                assert node.value not in {"0.0.0.0", "::"}, f"{place(path, node)}: listen on 127.0.0.1"


def test_only_the_command_line_prints():
    for path in modules(PACKAGE):
        if PACKAGE / "cli" not in path.parents:
            for node in ast.walk(parsed(path)):
                is_print = isinstance(node, ast.Call) and ast.unparse(node.func) == "print"
                says_where = is_print and any(keyword.arg == "file" for keyword in node.keywords)
                assert says_where or not is_print, f"{place(path, node)}: return the text; cli/ prints it"


def test_every_error_of_ours_is_in_the_tree_that_errors_py_draws():
    bases = {
        node.name: {ast.unparse(base).rpartition(".")[2] for base in node.bases}
        for path in modules(PACKAGE)
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ClassDef)
    }
    ours = {"GraphwizError"}
    while more := {name for name, above in bases.items() if above & ours} - ours:
        ours |= more
    drawn = ast.get_docstring(parsed(PACKAGE / "errors.py")) or ""
    assert not {name for name in ours if not re.search(rf"\b{name}\b", drawn)}, "draw it in errors.py"


# The tests


def test_no_test_waits_by_the_clock_or_mocks_what_can_be_real():
    for path in modules(ROOT / "tests"):
        tree = parsed(path)
        # Between two looks at another process there is nothing to wait on but the clock: a sleep in a while loop.
        polls = {id(node) for loop in ast.walk(tree) if isinstance(loop, ast.While) for node in ast.walk(loop)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"time.sleep", "asyncio.sleep"}:
                yields = node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0
                assert yields or id(node) in polls, (
                    f"{place(path, node)}: wait for the thing itself, or use virtual time"
                )
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = ast.unparse(node)
                assert "unittest" not in names, (
                    f"{place(path, node)}: use the real part or a small fake of its Protocol"
                )


# What is shipped


def test_locks_hold_no_address_and_a_hash_for_everything():
    for name in ("run.lock", "dev.lock"):
        text = (ROOT / "requirements" / name).read_text()
        assert "://" not in text
        assert not re.search(r"(?m)^\s*--?(index|extra|find|trusted|i |f )", text)
        entries = re.split(r"(?m)^(?=\S)", text)[1:]
        assert entries
        assert all("--hash=sha256:" in entry for entry in entries), f"{name}: run requirements/update.sh"


def test_the_trader_runs_with_the_versions_it_was_tested_with():
    run, dev = (_pinned(ROOT / "requirements" / name) for name in ("run.lock", "dev.lock"))
    assert run <= dev


def _pinned(lock: Path) -> set[str]:
    return set(re.findall(r"(?m)^([\w.-]+==[\w.]+)", lock.read_text()))


def test_every_dependency_is_locked():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    locked = {line.split("==")[0] for line in _pinned(ROOT / "requirements/dev.lock")}
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = {re.split(r"[\[<>=~! ]", name)[0].lower().replace("_", "-") for name in wanted}
    assert names <= locked, "run requirements/update.sh"


def test_nothing_that_sets_up_names_an_index():
    for path in committed("Makefile", ".ci", "requirements", "pyproject.toml"):
        assert not re.search(r"https?://(?!127\.0\.0\.1)", path.read_text()), (
            f"{place(path)}: where packages come from is the machine's own setting"
        )


def test_no_file_holds_a_secret_or_a_path_of_one_machine():
    keys = re.compile(r"BEGIN [A-Z ]*PRIVATE KEY|AKIA[0-9A-Z]{16}")
    homes = re.compile(r"(?<![\w.])/(?:home|root|Users)/\w+")
    for path in committed():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        if path != Path(__file__):
            assert not keys.search(text), f"{place(path)} holds a key"
            assert not homes.search(text), f"{place(path)} names a folder of one machine"
