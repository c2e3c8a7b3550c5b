"""A configuration file → a checked HftConfig, or every reason why not."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from graphwiz_trader.config.models import HftConfig
from graphwiz_trader.config.problems import ConfigError, Problem, problems_of, secrets_in
from graphwiz_trader.config.yaml_tree import YamlTextError, YamlTree, parse
from graphwiz_trader.errors import did_you_mean

ROOT = "hft"
DEFAULT_FILE = Path("config/hft.yaml")
MAX_BYTES = 64 * 1024


def default_file() -> Path | None:
    """``config/hft.yaml`` below the current folder, when it is there."""
    return DEFAULT_FILE if DEFAULT_FILE.is_file() else None


def load(path: Path | None) -> HftConfig:
    """Read and check a file; None, like an empty file, gives the defaults. Raises ConfigError."""
    if path is None:
        return HftConfig()
    try:
        tree = parse(_text_of(path))
    except YamlTextError as error:
        raise ConfigError(f"{path}:{error.line}", [Problem((), str(error))]) from None
    problems = [*_file_problems(tree), *secrets_in(tree.value)]
    if problems:
        raise ConfigError(path, problems, tree.lines)
    try:
        return HftConfig.model_validate(tree.value.get(ROOT))
    except ValidationError as error:
        # `from None`: pydantic's own text quotes the values, and the traceback would carry it.
        raise ConfigError(path, problems_of(error, (ROOT,)), tree.lines) from None


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(path, [Problem((), f"cannot be read: {error.strerror}")]) from None
    if len(data) > MAX_BYTES:
        raise ConfigError(path, [Problem((), f"longer than {MAX_BYTES} bytes: this is not a configuration file")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            path, [Problem((), f"byte {error.start} is not UTF-8 text: save the file as UTF-8")]
        ) from None


def _file_problems(tree: YamlTree) -> list[Problem]:
    problems = [Problem(key, "this key is given twice: keep one of the two") for key in tree.repeated]
    if not isinstance(tree.value, dict):
        return [*problems, Problem((), f"expected one group of keys, {ROOT}:, at the top of the file")]
    problems += [Problem((key,), f"unknown key; {did_you_mean(key, (ROOT,))}") for key in tree.value if key != ROOT]
    return problems
