"""Coroutines that run together end together, each in its own good order, whatever ends them."""

from __future__ import annotations

import asyncio

import pytest

from graphwiz_trader.venues.together import together
from venues import virtual_time


class Endless:
    """Runs until it is told to stop, and takes its time to end."""

    ended = False

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await virtual_time.pause(1.0)
            self.ended = True


class TroubleError(Exception):
    pass


async def fail_after(pause_s: float) -> None:
    await virtual_time.pause(pause_s)
    raise TroubleError


def test_what_one_raises_ends_all_and_is_raised_as_it_is():
    endless = Endless()
    with pytest.raises(TroubleError):
        virtual_time.run(together(endless.run(), fail_after(5.0)))
    assert endless.ended


def test_a_cancellation_waits_until_all_have_ended():
    slow, quick = Endless(), fail_after(100.0)

    async def cancel() -> None:
        running = asyncio.ensure_future(together(quick, slow.run()))
        await virtual_time.pause(1.0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert running.cancelled()

    virtual_time.run(cancel())
    assert slow.ended


def test_a_cancellation_that_a_library_has_taken_back_is_repeated():
    ended = []

    async def swallow() -> None:
        task = asyncio.current_task()
        assert task is not None
        for times in range(3):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if times == 2:
                    ended.append(times)
                    raise
                task.uncancel()

    with pytest.raises(TroubleError):
        virtual_time.run(together(swallow(), fail_after(1.0)))
    assert ended == [2]


def test_a_failure_counts_more_than_a_cancellation_that_comes_while_all_end():
    async def cancel() -> None:
        running = asyncio.ensure_future(together(fail_after(1.0), Endless().run()))
        await virtual_time.pause(1.5)
        running.cancel()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        with pytest.raises(TroubleError):
            running.result()

    virtual_time.run(cancel())
