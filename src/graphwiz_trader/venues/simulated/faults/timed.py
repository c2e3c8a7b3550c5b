"""What goes wrong at a time: connections that die, notices of a shutdown, a venue that restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress

from graphwiz_trader.venues.simulated.connection import Connection
from graphwiz_trader.venues.simulated.faults.armed import Armed
from graphwiz_trader.venues.simulated.faults.kinds import Fault
from graphwiz_trader.venues.simulated.faults.venue_faults import Faults
from graphwiz_trader.venues.simulated.http_front import HttpFront

_PORT_AGAIN_S = 0.1


class TimedFaults:
    """Looks, whenever ``tick`` is called, what is due at one venue."""

    def __init__(self, faults: Faults, front: HttpFront) -> None:
        self._faults = faults
        self._front = front
        self._tasks: set[asyncio.Task[None]] = set()

    def tick(self) -> None:
        """Do what is due."""
        for armed in self._faults.due():
            self._strike(armed)

    async def stop(self) -> None:
        """Nothing more happens."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _strike(self, armed: Armed) -> None:
        fault = armed.fault
        match fault.fault:
            case "disconnect":
                for connection in self._concerned(armed):
                    connection.abort()
            case "half_open":
                for connection in self._concerned(armed):
                    connection.freeze()
            case "shutdown_notice":
                self._begin(self._shut_down(armed))
            case "restart":
                self._begin(self._restart(fault))

    def _concerned(self, armed: Armed) -> list[Connection]:
        return [
            connection
            for connection in self._front.connections
            if armed.concerns(connection.account_name, connection.path)
        ]

    async def _shut_down(self, armed: Armed) -> None:
        told = self._concerned(armed)
        for connection in told:
            connection.announce_shutdown(self._faults.venue_ms())
        await asyncio.sleep(armed.fault.closes_after_s)
        for connection in told:
            connection.close()

    async def _restart(self, fault: Fault) -> None:
        """The port comes back where it was; somebody may have taken it meanwhile, so it is tried until it does."""
        port = self._front.port
        self._front.disconnect_all()
        await self._front.stop()
        await asyncio.sleep(fault.down_s)
        while not self._front.is_listening:
            with suppress(OSError):
                await self._front.start(port)
            if not self._front.is_listening:
                await asyncio.sleep(_PORT_AGAIN_S)

    def _begin(self, what: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
