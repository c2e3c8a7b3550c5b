"""The file of ``graphwiz exchange serve --faults``: what is to go wrong, in YAML."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from graphwiz_trader.config.yaml_tree import YamlTextError, parse
from graphwiz_trader.venues.simulated.faults import FaultPlan, FaultPlanError, read_plan

MAX_BYTES = 256 * 1024


def read_faults(path: Path, venues: Collection[str]) -> FaultPlan:
    """Raises FaultPlanError with a line for each thing that is wrong."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise FaultPlanError(f"{path}: cannot be read: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise FaultPlanError(f"{path}: longer than {MAX_BYTES} bytes: this is no fault plan")
    try:
        tree = parse(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise FaultPlanError(f"{path}: byte {error.start} is not UTF-8 text: save the file as UTF-8") from None
    except YamlTextError as error:
        raise FaultPlanError(f"{path}:{error.line}: {error}") from None
    if tree.repeated:
        raise FaultPlanError(f"{path}:{tree.lines[tree.repeated[0]]}: {tree.repeated[0][-1]}: this key is given twice")
    return read_plan(tree.value, venues, str(path), tree.lines)
