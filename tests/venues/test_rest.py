"""A venue's REST endpoint: what ends a context of it, or a request, is told as it is."""

from __future__ import annotations

import asyncio

import pytest

from graphwiz_trader.venues.rest import Answer, RestClient
from venues import virtual_time


@pytest.mark.parametrize(("failure", "told"), [(ZeroDivisionError, ZeroDivisionError), (None, asyncio.CancelledError)])
def test_a_failure_outlives_a_cancellation_that_comes_while_the_client_closes(failure, told, monkeypatch):
    async def scenario() -> None:
        closing = asyncio.Event()

        async def close_for_ever() -> None:
            closing.set()
            await asyncio.Event().wait()

        async def use(rest: RestClient) -> None:
            async with rest:
                if failure is not None:
                    raise failure

        rest = RestClient("http://127.0.0.1:1")
        monkeypatch.setattr(rest._client, "aclose", close_for_ever)
        using = asyncio.create_task(use(rest))
        await closing.wait()
        using.cancel()
        with pytest.raises(told):
            await using

    virtual_time.run(scenario())


def test_a_request_that_is_cancelled_ends_even_if_the_library_takes_the_cancellation_for_one_of_its_own(monkeypatch):
    async def scenario() -> None:
        asked = asyncio.Event()

        async def swallow(*_: object) -> Answer:
            asked.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                task = asyncio.current_task()
                assert task is not None
                task.uncancel()
            return Answer(200, b"{}", "")

        async with RestClient("http://127.0.0.1:1") as rest:
            monkeypatch.setattr(rest, "_read", swallow)
            asking = asyncio.create_task(rest.get("/time", {}))
            await asked.wait()
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking

    virtual_time.run(scenario())
