"""Lines that are replaced by fresh ones before the venue cuts them: a feed's parallel ones, an order line's one.

A line is one connection under one id. The one that replaces it comes up under the spare id: for a moment both carry
the same, so that nothing is missed, and the core takes from each what is new. Then the old one is closed, and its id
is the next spare.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from random import Random
from typing import Any, Generic, NoReturn, Protocol, TypeVar

from graphwiz_trader.venues.connection import Timing
from graphwiz_trader.venues.pacing import BackOff
from graphwiz_trader.venues.together import end, raise_failure

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 60.0
_EARLIEST = 0.8
"""Lines that came up together are not replaced together: each after this share of its lifetime, or later."""


class ReplaceableLine(Protocol):
    """One connection, kept open by its `run`."""

    ready: asyncio.Event
    """Set while everything that is wanted is subscribed, but for what the venue refuses."""

    @property
    def is_up(self) -> bool: ...
    @property
    def last_failure(self) -> str: ...
    async def run(self) -> None: ...


L = TypeVar("L", bound=ReplaceableLine)

MakeLine = Callable[[int, Callable[[str], None]], L]
"""(id, what to call with a reason when the venue will soon end the connection) → a line"""


class _Running(Generic[L]):
    """A line that runs. ``notice``: the venue has said that it will end the connection."""

    def __init__(self, line_id: int, make: MakeLine[L]) -> None:
        self.line_id = line_id
        self.notice = asyncio.Event()
        self.line = make(line_id, lambda _reason: self.notice.set())
        self.task = asyncio.create_task(self.line.run(), name=f"line {line_id}")

    async def end(self, reason: str) -> None:
        """Close it, with this as the reason that the sink is told."""
        self.task.cancel(reason)
        await asyncio.gather(self.task, return_exceptions=True)


class ParallelLines(Generic[L]):
    """Keeps one line open for each of ``line_ids``. Run it once.

    A line is replaced when it is ``timing.lifetime_s`` old (0: never) and when the venue gives notice. Without a
    ``spare`` id its replacement comes up only after it is closed.
    """

    def __init__(
        self, line_ids: Sequence[int], spare: int | None, make: MakeLine[L], *, timing: Timing, random: Random
    ) -> None:
        self._line_ids = tuple(line_ids)
        self._spare = spare
        self._make = make
        self._timing = timing
        self._random = random
        self._replacing = asyncio.Lock()
        self._failed = asyncio.Event()
        self._running: dict[int, _Running[L]] = {}
        self._last_failure = ""

    @property
    def lines(self) -> tuple[L, ...]:
        """Every line there is, replacements under way included."""
        return tuple(running.line for running in self._running.values())

    @property
    def is_up(self) -> bool:
        return any(line.is_up for line in self.lines)

    @property
    def last_failure(self) -> str:
        """Why a line went down, could not come up or could not be replaced; empty at first."""
        return next((line.last_failure for line in self.lines if line.last_failure), self._last_failure)

    async def run(self) -> NoReturn:
        """Until cancelled: then every line is closed. Raises what one of them raised."""
        keepers = [asyncio.create_task(self._keep(line_id)) for line_id in self._line_ids]
        try:
            await _happens(self._failed.wait(), None, *keepers)
        finally:
            tasks = (*keepers, *(running.task for running in self._running.values()))
            try:
                await end(tasks)
            finally:
                self._running.clear()
                raise_failure(tasks)
        raise AssertionError

    async def _keep(self, line_id: int) -> NoReturn:
        """Have one line up all the time, under whatever id."""
        current = self._start(line_id)
        pauses = BackOff(first_s=_FIRST_PAUSE_S, most_s=_LONGEST_PAUSE_S, random=self._random)
        lifetime_s = self._timing.lifetime_s
        while True:
            age_s = self._random.uniform(_EARLIEST * lifetime_s, lifetime_s) if lifetime_s else None
            await _happens(current.notice.wait(), age_s)
            while (replacement := await self._replace(current)) is None:
                await asyncio.sleep(pauses.next_s())
            current = replacement
            pauses.reset()

    async def _replace(self, current: _Running[L]) -> _Running[L] | None:
        """The line that stands in its place now, None when none could."""
        async with self._replacing:
            if self._spare is None:
                await self._end(current, "replaced")
                return self._start(current.line_id)
            successor = self._start(self._spare)
            if await _happens(successor.line.ready.wait(), self._timing.ready_s):
                await asyncio.sleep(self._timing.overlap_s)
                self._spare = current.line_id
                await self._end(current, "replaced")
                return successor
            self._last_failure = successor.line.last_failure or "a line's replacement does not get ready"
            await self._end(successor, "not ready")
            return None

    def _start(self, line_id: int) -> _Running[L]:
        running = self._running[line_id] = _Running(line_id, self._make)
        running.task.add_done_callback(self._on_end)
        return running

    async def _end(self, running: _Running[L], reason: str) -> None:
        await running.end(reason)
        del self._running[running.line_id]

    def _on_end(self, task: asyncio.Task[None]) -> None:
        """A line ends of its own accord only by what the sink raised."""
        if not task.cancelled():
            self._failed.set()


async def _happens(event: Coroutine[Any, Any, Any], within_s: float | None, *others: asyncio.Task[Any]) -> bool:
    """Whether it does in time, and before any of the others ends."""
    waiting = asyncio.ensure_future(event)
    try:
        await asyncio.wait((waiting, *others), timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        return waiting.done()
    finally:
        waiting.cancel()
