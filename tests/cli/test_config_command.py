"""``graphwiz config`` prints what is in force, as a person and as a program reads it, and no secret."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from graphwiz_trader.cli.config import app
from graphwiz_trader.config import HftConfig, load


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_what_check_prints_is_itself_a_configuration_with_the_same_values(tmp_path):
    source, printed = tmp_path / "hft.yaml", tmp_path / "printed.yaml"
    source.write_text("hft: {risk: {max_exposure: 77777.7}}")
    printed.write_text(run("check", str(source)))
    assert load(printed) == load(source)


def test_check_without_a_file_takes_the_one_in_the_folder_or_else_the_defaults(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "from defaults" in run("check")
    (tmp_path / "config").mkdir()
    (tmp_path / "config/hft.yaml").write_text("hft: {observer: {port: 9}}")
    assert "port: 9\n" in run("check")


def test_check_as_json_holds_the_values_with_money_as_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    printed = json.loads(run("check", "--json"))
    assert printed["hft"] == HftConfig().model_dump(mode="json")
    assert printed["hft"]["risk"]["max_exposure"] == "50000"


def test_secrets_show_as_set_or_not_set_only(monkeypatch):
    monkeypatch.setenv("GRAPHWIZ_BINANCE_API_KEY", "the-key")
    monkeypatch.setenv("GRAPHWIZ_BINANCE_API_SECRET", "the-secret")
    text, as_json = run("check"), run("check", "--json")
    assert "# GRAPHWIZ_BINANCE_API_SECRET: set\n" in text
    assert "# GRAPHWIZ_BINANCEUSDM_API_SECRET: not set\n" in text
    assert json.loads(as_json)["secrets"]["GRAPHWIZ_BINANCE_API_KEY"] is True
    assert "the-" not in text + as_json


def test_keys_prints_the_reference_page():
    assert run("keys").startswith("# Configuration")
    assert any(row["key"] == "hft.risk.max_exposure" for row in json.loads(run("keys", "--json")))
