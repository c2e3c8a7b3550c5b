"""One connection that orders are sent over, with the account's own events: together they are up, or they are not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

from picows import WSTransport

from graphwiz_trader.venues.base import Credentials, Endpoints
from graphwiz_trader.venues.binance.api_session import ApiSession
from graphwiz_trader.venues.binance.market import Market
from graphwiz_trader.venues.binance.signing import Signer
from graphwiz_trader.venues.binance.user_stream import UserStream
from graphwiz_trader.venues.binance.venue_time import VenueTime
from graphwiz_trader.venues.connection import Receive, Timing
from graphwiz_trader.venues.pacing import Allowance
from graphwiz_trader.venues.together import together


class OrderConnection:
    """A line of `venues.lines.ParallelLines`. ``deliver`` gets every message that is not its own.

    ``changed(reason)`` is called when it is up or down, and when orders can be sent over it or no longer can;
    ``on_rotate(reason)`` when the venue says that it will soon end.
    """

    def __init__(
        self,
        market: Market,
        endpoints: Endpoints,
        credentials: Credentials,
        signer: Signer,
        *,
        time: VenueTime,
        deliver: Receive,
        changed: Callable[[str], None],
        on_rotate: Callable[[str], None],
        attempts: Allowance,
        timing: Timing,
        random: Random,
    ) -> None:
        self._deliver = deliver
        self._changed = changed
        self.session = ApiSession(
            endpoints.orders,
            credentials,
            signer,
            subscribes=not market.user_stream_path,
            key_check=market.key_check,
            time=time,
            changed=self._on_changed,
            on_rotate=on_rotate,
            attempts=attempts,
            timing=timing,
            random=random,
        )
        self._user_stream = (
            UserStream(
                endpoints.stream.rstrip("/") + market.user_stream_path,
                self.session,
                changed=self._on_changed,
                on_rotate=on_rotate,
                attempts=attempts,
                timing=timing,
                random=random,
            )
            if market.user_stream_path
            else None
        )
        self.ready = asyncio.Event()

    @property
    def is_up(self) -> bool:
        return self.ready.is_set()

    @property
    def transport(self) -> WSTransport | None:
        """Where requests are sent, with user data or without; None while that is not possible."""
        return self.session.transport

    @property
    def last_failure(self) -> str:
        return self.session.last_failure or (self._user_stream.last_failure if self._user_stream is not None else "")

    async def run(self) -> None:
        """Keep it up until cancelled. Raises what ``deliver`` raised."""
        runs = [self.session.run(self._deliver)]
        if self._user_stream is not None:
            runs.append(self._user_stream.run(self._deliver))
        await together(*runs)

    def fail(self, failure: Exception) -> None:
        """End `run` with what went wrong elsewhere."""
        self.session.fail(failure)

    def _on_changed(self, reason: str) -> None:
        if self.session.transport is not None and (self._user_stream is None or self._user_stream.is_open):
            self.ready.set()
        else:
            self.ready.clear()
        self._changed(reason)
