"""What the hand-made clients share: where the venue listens, and a loop that ends when the venue goes away."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop


def stream_url(port: int) -> str:
    return f"ws://127.0.0.1:{port}/stream?streams=btcusdt@depth@100ms"


def orders_url(port: int) -> str:
    return f"ws://127.0.0.1:{port}/ws-api/v3"


def rest_url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def run(client: Callable[[int], Coroutine[Any, Any, None]]) -> None:
    """Run a client on the port that the command line names, on uvloop, with what start-up made out of gc's way."""
    port = int(sys.argv[1])

    async def main() -> None:
        gc.collect()
        gc.freeze()
        await client(port)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
