"""How many examples a rule is held against: some at every run, very many in the slow tests; always the same ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis.strategies import SearchStrategy

T = TypeVar("T")
SEED = 20_261_123

EXAMPLES = pytest.mark.parametrize(
    "examples",
    [
        pytest.param(30, id="some"),
        pytest.param(1_500, id="many", marks=[pytest.mark.slow, pytest.mark.timeout(1_800)]),
    ],
)


def hold(rule: Callable[[T], None], of: SearchStrategy[T], examples: int) -> None:
    """Raises what the rule raises for the simplest example that breaks it."""

    @seed(SEED)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(of)
    def held(example: T) -> None:
        rule(example)

    held()
