"""Coroutines that run together: what ends one ends all, and is raised as it is."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def together(*coroutines: Coroutine[Any, Any, Any]) -> None:
    """Run them until one raises or this is cancelled; the others are cancelled then, and have ended when this does."""
    tasks = [asyncio.ensure_future(coroutine) for coroutine in coroutines]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            if not task.cancelling():  # twice would cut short how it ends
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
