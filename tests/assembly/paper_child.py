"""A trader under watch: FILE gets every address that its sockets connect to or look up, one a line.

Usage: ``python paper_child.py FILE COMMAND…``. It runs on asyncio's own loop, whose connections Python's audit events
tell of; libuv's they do not.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import uvloop

if __name__ == "__main__":
    log = Path(sys.argv[1]).open("a", buffering=1)  # noqa: SIM115  # as long as the process

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("socket.connect", "socket.sendto"):
            log.write(f"{arguments[1]}\n")
        elif event == "socket.getaddrinfo":
            log.write(f"{arguments[:2]}\n")

    uvloop.run = asyncio.run  # type: ignore[assignment]
    sys.addaudithook(watch)
    from graphwiz_trader.cli import main, trade

    def refuse(exchange: str) -> None:
        raise AssertionError(f"the key of {exchange} was asked for")

    trade._credentials = refuse  # type: ignore[assignment]
    sys.argv = ["graphwiz", *sys.argv[2:]]
    main()
