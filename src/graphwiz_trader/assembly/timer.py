"""A session's timer: ten times a second, what happens without a frame."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from graphwiz_trader.hft.events import TIMER_NS

TIMER_S = TIMER_NS / 1e9


async def timer() -> AsyncIterator[int]:
    """Count from 1, a number each time it is due. A turn that took too long is not made up for."""
    loop = asyncio.get_running_loop()
    due_s = loop.time()
    turns = 0
    while True:
        due_s = max(due_s + TIMER_S, loop.time())
        await asyncio.sleep(due_s - loop.time())
        turns += 1
        yield turns
