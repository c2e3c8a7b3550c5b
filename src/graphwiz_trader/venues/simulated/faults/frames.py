"""A WebSocket's messages on their way out, through the faults of its venue.

What is delayed delays what comes behind it, as on a real connection; only ``reorder`` lets a message overtake.
"""

from __future__ import annotations

import asyncio
from collections import deque

from graphwiz_trader.venues.simulated.connection import Connection
from graphwiz_trader.venues.simulated.faults.venue_faults import Faults

MAX_WAITING = 20_000
"""A connection on which more messages than this are delayed is dropped: a fault must not fill the memory."""


class FaultyLine:
    """Stands between one connection and its socket."""

    def __init__(self, faults: Faults, connection: Connection) -> None:
        self._faults = faults
        self._connection = connection
        self._waiting: deque[tuple[float, bytes]] = deque()
        """(loop's time to send it, message), in the order in which they go out."""
        self._timer: asyncio.TimerHandle | None = None
        self._held: bytes | None = None
        self._held_timer: asyncio.TimerHandle | None = None
        connection.on_closed(self._stop)

    def __call__(self, channel: str, message: bytes) -> None:
        fate = self._faults.frame(channel, self._connection.path, self._connection.account_name)
        if fate.ends:
            self._end(fate.ends)
            return
        if fate.held_s and self._held is None:
            self._held = message
            self._held_timer = asyncio.get_running_loop().call_later(fate.held_s, self._let_go)
            return
        for _ in range(1 + fate.copies):
            self._pass_on(message, fate.delay_s)
        self._let_go()

    def _pass_on(self, message: bytes, delay_s: float) -> None:
        if not delay_s and not self._waiting:
            self._connection.transmit(message)
            return
        loop = asyncio.get_running_loop()
        behind = self._waiting[-1][0] if self._waiting else 0.0
        self._waiting.append((max(loop.time() + delay_s, behind), message))
        if len(self._waiting) > MAX_WAITING:
            self._connection.abort()
        elif self._timer is None:
            self._timer = loop.call_at(self._waiting[0][0], self._send_due)

    def _send_due(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting and self._waiting[0][0] <= loop.time():
            self._connection.transmit(self._waiting.popleft()[1])
        self._timer = loop.call_at(self._waiting[0][0], self._send_due) if self._waiting else None

    def _let_go(self) -> None:
        """The message that was held goes out."""
        message, self._held = self._held, None
        if self._held_timer is not None:
            self._held_timer.cancel()
            self._held_timer = None
        if message is not None:
            self._pass_on(message, 0.0)

    def _end(self, how: str) -> None:
        if how == "disconnect":
            self._connection.abort()
        elif how == "half_open":
            self._connection.freeze()

    def _stop(self) -> None:
        for timer in (self._timer, self._held_timer):
            if timer is not None:
                timer.cancel()
        self._waiting.clear()
        self._held = None
