"""Tasks that run together and end in good order: what ends one ends all, and a failure is raised as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

_LOOK_AGAIN_S = 0.1


async def together(*coroutines: Coroutine[Any, Any, Any]) -> None:
    """Run them until one raises or this is cancelled; the others are cancelled then, and have ended when this does."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        try:
            await end(tasks)
        finally:
            raise_failure(tasks)


async def end(tasks: Iterable[asyncio.Task[Any]], reason: str = "stopped") -> None:
    """Cancel what still runs and wait until all have ended: a cancellation of this waits for that too.

    Once, because a second time would cut short how a task ends; but again where the first has left no trace, as in a
    task that was in anyio's connect: its scopes can take another's cancellation for their own, and take it back.
    What they have raised is theirs to tell: `raise_failure` asks.
    """
    tasks = tuple(tasks)
    waiting = set(tasks)
    cancelled: asyncio.CancelledError | None = None
    while waiting := {task for task in waiting if not task.done()}:
        for task in waiting:
            if not task.cancelling():
                task.cancel(reason)
        try:
            await asyncio.wait(waiting, timeout=_LOOK_AGAIN_S)
        except asyncio.CancelledError as cancellation:
            cancelled = cancellation
    for task in tasks:
        if not task.cancelled():
            task.exception()  # or asyncio says that nobody has asked
    if cancelled is not None:
        raise cancelled


def raise_failure(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Raise what one of these has raised, if any has: that counts more than having been cancelled meanwhile."""
    for task in tasks:
        if task.done() and not task.cancelled() and (failure := task.exception()) is not None:
            raise failure
