"""The command line answers at once, imports only what a command needs, and turns our errors into one line."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest
from typer.testing import CliRunner

from graphwiz_trader.cli import COMMANDS, command_line, load_command, main
from patience import PATIENCE_S

HEAVY = ("numba", "numpy", "picows", "ladybug", "pyarrow", "starlette", "pydantic_settings")


def graphwiz(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from graphwiz_trader.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def modules_imported_by(*arguments: str) -> set[str]:
    code = (
        "import sys; from graphwiz_trader.cli import command_line\n"
        "try: command_line()(sys.argv[1:])\n"
        "finally: print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    return set(done.stderr.split())


def test_help_lists_every_command_without_importing_any():
    imported = modules_imported_by("--help")
    assert "graphwiz_trader.cli" in imported
    assert not imported & {*HEAVY, *(f"graphwiz_trader.cli.{name}" for name in COMMANDS)}
    help_text = graphwiz("--help").stdout
    assert all(name in help_text for name in COMMANDS)


def test_a_light_command_does_not_import_the_compiled_core():
    assert not modules_imported_by("config", "check") & {"numba", "numpy", "picows", "ladybug", "pyarrow"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_listed_command_has_its_module(name):
    assert find_spec(f"graphwiz_trader.cli.{name}"), f"cli/{name}.py is missing"
    assert load_command(name).get_short_help_str()


def test_the_version_is_the_package_s():
    assert graphwiz("--version").stdout.startswith("graphwiz ")


def test_an_unknown_command_names_the_nearest():
    done = graphwiz("cofnig")
    assert done.returncode == 2
    assert "config" in done.stderr


def test_an_error_of_ours_is_one_line_and_exit_code_2(tmp_path):
    done = graphwiz("config", "check", str(tmp_path / "nowhere.yaml"))
    assert done.returncode == 2
    assert done.stderr == f"graphwiz: {tmp_path}/nowhere.yaml: cannot be read: No such file or directory\n"
    assert done.stdout == ""


def test_a_bug_keeps_its_traceback(monkeypatch):
    class Broken:
        def __call__(self, prog_name: str) -> None:
            raise KeyError("ours")

    monkeypatch.setattr("graphwiz_trader.cli.command_line", Broken)
    with pytest.raises(KeyError):
        main()


def test_a_command_runs_in_process_as_it_does_from_the_shell():
    result = CliRunner().invoke(command_line(), ["config", "check"])
    assert result.exit_code == 0
    assert result.stdout == graphwiz("config", "check").stdout
