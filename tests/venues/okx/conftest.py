"""OKX's kernels are compiled before a test's own time begins: on a new machine that takes longer than any may."""

from __future__ import annotations

import pytest

from venues.okx.scripted import compile_kernels


@pytest.fixture(scope="session", autouse=True)
def _compiled() -> None:
    compile_kernels()
