"""Whether code was compiled or came from the cache: who has compiled keeps the compiler's memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from numba.core.event import install_recorder


@contextmanager
def noting_compilation() -> Iterator[Sequence[object]]:
    """What is compiled meanwhile, as a sequence that grows; it stays empty while everything is in the cache."""
    with install_recorder("numba:compile") as recorder:
        yield recorder.buffer
