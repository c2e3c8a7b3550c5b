"""A profile of a session, for who looks for where its time goes."""

from __future__ import annotations

import cProfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROFILE = "profile.prof"
"""Its name beside the journal's segments; ``python -m pstats`` reads it."""


@contextmanager
def profiled(directory: Path) -> Iterator[None]:
    """Profile this thread, and write what was found when all has gone well. Compiled kernels are one call each."""
    with cProfile.Profile() as profile:
        yield
    profile.dump_stats(directory / PROFILE)
