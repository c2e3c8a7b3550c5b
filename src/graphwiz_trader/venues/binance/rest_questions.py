"""Signed questions that only REST answers (USD-M): the trades of an order, and which orders are open.

The answer goes to the sink as the WebSocket API would have sent it, so that it is journaled and replayed like any
other. Sources: USD-M futures docs, "Account Trade List", "Current All Open Orders"; "SIGNED Endpoint security": the
query is signed as sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from time import time_ns
from urllib.parse import urlencode

import msgspec

from graphwiz_trader.venues.base import Credentials
from graphwiz_trader.venues.binance.signing import Signer
from graphwiz_trader.venues.binance.venue_time import VenueTime
from graphwiz_trader.venues.connection import Receive
from graphwiz_trader.venues.rest import RestClient, RestError


class RestQuestions:
    """Each question once at a time; one that fails is left to be asked again.

    ``fail`` is told what ``deliver`` raised. ``rest`` is set while there is a network.
    """

    def __init__(
        self,
        credentials: Credentials,
        signer: Signer,
        *,
        time: VenueTime,
        deliver: Receive,
        fail: Callable[[Exception], None],
    ) -> None:
        self._credentials = credentials
        self._signer = signer
        self._time = time
        self._deliver = deliver
        self._fail = fail
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._silence_until_s = float("-inf")
        self.rest: RestClient | None = None
        self.last_failure = ""

    def ask(self, request_id: str, path: str, params: Mapping[str, str]) -> None:
        """Does nothing while the question is under way, or while the venue wants to be left alone."""
        loop = asyncio.get_running_loop()
        if self.rest is None or request_id in self._under_way or loop.time() < self._silence_until_s:
            return
        self._under_way[request_id] = loop.create_task(self._ask(self.rest, request_id, path, params))

    def forget(self) -> None:
        """Give up what is under way."""
        self.rest = None
        for task in self._under_way.values():
            task.cancel()

    async def _ask(self, rest: RestClient, request_id: str, path: str, params: Mapping[str, str]) -> None:
        timed = {**params, "timestamp": str(self._time.now_ms())}
        signature = self._signer.sign(urlencode(timed).encode())
        try:
            body = await rest.get(path, {**timed, "signature": signature}, {"X-MBX-APIKEY": self._credentials.key})
            self._deliver(
                msgspec.json.encode({"id": request_id, "status": 200, "result": msgspec.Raw(body)}), time_ns()
            )
        except RestError as failure:
            self.last_failure = str(failure)
            self._silence_until_s = asyncio.get_running_loop().time() + failure.pause_s
        except Exception as failure:  # a bug of ours or a full journal: as grave as a frame that is refused
            self._fail(failure)
        finally:
            self._under_way.pop(request_id, None)
