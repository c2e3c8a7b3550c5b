"""An event loop whose time is virtual: a pause of an hour is over at once, and exactly an hour has passed."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


_ON_ITS_WAY_S = 0.01
"""What was written to a socket may take this long to arrive at its other end."""


class _Selector(selectors.DefaultSelector):
    """Never waits: the time it was asked to wait is over, unless something arrives on a socket."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        arrived = super().select(0)
        has_sockets = len(self.get_map()) > 1  # one is the loop's own
        if not arrived and timeout != 0 and has_sockets:
            arrived = super().select(_ON_ITS_WAY_S)
        if not arrived:
            self.now_s += timeout or 0.0
        return arrived


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now_s


async def pause(pause_s: float) -> None:
    """Let virtual time pass. Raises TypeError on a loop whose time is real: there a test does not wait by the clock."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualLoop):
        raise TypeError("pause() is for virtual_time.run()")
    over = loop.create_future()
    loop.call_later(pause_s, over.set_result, None)
    await over


def run(main: Coroutine[Any, Any, T]) -> T:
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main)
    finally:
        loop.close()
