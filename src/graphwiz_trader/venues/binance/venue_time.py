"""The time that requests are signed with: the venue's own as it was measured, since the venue goes by no other.

It refuses what is more than 1,000 ms ahead of its clock, or behind by more than recvWindow (5,000 ms), with -1021.
Source: Binance spot API docs, "SIGNED request security".
"""

from __future__ import annotations

from time import time_ns

from graphwiz_trader.venues.binance.market import Market, read_time
from graphwiz_trader.venues.clock import Asked, VenueClock

OUT_OF_TIME = b'"code":-1021'
"""In every refusal of a request whose time the venue does not accept."""
_MS = 1_000_000


class VenueTime:
    """One market's time; ours until it has been measured."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._clock: VenueClock | None = None
        self.offset_ms = 0
        """How far the venue's clock is ahead of ours."""

    def now_ms(self) -> int:
        return time_ns() // _MS + self.offset_ms

    def doubt(self) -> None:
        """A request was refused for its time: measure again soon."""
        if self._clock is not None:
            self._clock.measure_soon()

    async def measure(self, rest: Asked) -> None:
        """Once. Raises RestError."""
        await self._clock_over(rest).measure()

    async def run(self, rest: Asked) -> None:
        """Again and again until cancelled."""
        self._clock = self._clock_over(rest)
        await self._clock.run()

    def _clock_over(self, rest: Asked) -> VenueClock:
        return VenueClock(rest, self._market.time_path, read_time, self._note)

    def _note(self, offset_ns: int, _error_ns: int, _now_ns: int) -> None:
        self.offset_ms = round(offset_ns / _MS)
