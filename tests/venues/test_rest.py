"""A venue's REST endpoint as a context: what ends it is told as it is."""

from __future__ import annotations

import asyncio

import pytest

from graphwiz_trader.venues.rest import RestClient
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
