"""Sends the trader's state to any number of browsers: the newest one, a few times a second.

A browser that reads slowly misses states in between; nothing queues up for it. While nobody looks, nothing is
encoded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.websockets import WebSocket, WebSocketDisconnect

INTERVAL_S = 0.25
BROWSERS_MAX = 32
_TRY_AGAIN_LATER = 1013


class LiveState:
    """Holds the newest message. `run` renews it, `serve` hands it to one browser for as long as it stays."""

    def __init__(self, encode: Callable[[], bytes]) -> None:
        self._encode = encode
        self._newest = ""
        self._version = 0
        self._renewed = asyncio.Condition()
        self._browsers = 0

    async def run(self) -> None:
        """Renews the message at most every `INTERVAL_S`, until cancelled."""
        while True:
            if self._browsers:
                self._newest = self._encode().decode()
                async with self._renewed:
                    self._version += 1
                    self._renewed.notify_all()
            await asyncio.sleep(INTERVAL_S)

    async def serve(self, browser: WebSocket) -> None:
        """Speaks to one browser until it leaves. What it says is read, to notice its leaving, and ignored."""
        if self._browsers >= BROWSERS_MAX:
            await browser.close(_TRY_AGAIN_LATER)
            return
        await browser.accept()
        self._browsers += 1
        sending = asyncio.create_task(self._send_newest(browser))
        try:
            while (await browser.receive())["type"] != "websocket.disconnect":
                pass
        finally:
            self._browsers -= 1
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _send_newest(self, browser: WebSocket) -> None:
        seen = 0
        while True:
            async with self._renewed:
                if seen == self._version:
                    await self._renewed.wait()
            seen = self._version
            try:
                # Returns when the socket has room again: until then this browser sees nothing newer.
                await browser.send_text(self._newest)
            except (WebSocketDisconnect, RuntimeError):
                return
