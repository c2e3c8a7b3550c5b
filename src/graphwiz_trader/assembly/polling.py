"""How a session's event loop waits: awake most of the time, asking its sockets, so that no frame need wake it.

A sleeping processor takes longer to wake than a frame takes to become an order. But who is always awake has used up
its turn when others want the processor too, and then waits for milliseconds: so it sleeps as soon as that happens.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from math import inf

_NAP_S = 0.001
"""The shortest that the event loop's timers know."""
_TAKEN_S = 0.001
"""Nothing that the session does itself takes this long: another process had the processor."""
_YIELD_S = 0.1
"""How long the processor is left to others then."""


def spare_percent(wanted_percent: int) -> int:
    """``wanted_percent``, or 0 where this process has one processor only, which others need as well."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return wanted_percent if processors > 1 else 0


async def keep_awake(percent: int, clock: Callable[[], float] = time.perf_counter) -> None:
    """Keep the event loop from sleeping for ``percent`` of the time, from 1 to 100, until cancelled.

    ``clock`` in seconds.
    """
    awake_s = _NAP_S * percent / (100 - percent) if percent < 100 else inf
    while True:
        looked_s = clock()
        until_s = looked_s + awake_s
        nap_s = _NAP_S
        while looked_s < until_s and nap_s == _NAP_S:
            await asyncio.sleep(0)
            before_s, looked_s = looked_s, clock()
            if looked_s - before_s > _TAKEN_S:
                nap_s = _YIELD_S
        await asyncio.sleep(nap_s)
