"""Markets that are elsewhere, for simulated exchanges: a recording at its pace, or the real venues' public feeds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from graphwiz_trader.assembly.lines import MARKET, market_line_ids, session_lines
from graphwiz_trader.assembly.timer import timer
from graphwiz_trader.assembly.venues import make_feeds, new_attempts
from graphwiz_trader.backtest.recordings import RecordedFrame, RecordedLine, Recording
from graphwiz_trader.backtest.survey import wires
from graphwiz_trader.hft.decoders import DECODERS, Decoder
from graphwiz_trader.hft.events import Line
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.venues.base import Endpoints, Feed
from graphwiz_trader.venues.exchanges import exchange_of
from graphwiz_trader.venues.simulated.dialect import ServedVenue
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.mirror import Mirror
from graphwiz_trader.venues.simulated.pace import Pace
from graphwiz_trader.venues.simulated.venue_book import Matcher

_FRAMES_AT_ONCE = 64


class PlayedMarket:
    """A recording, begun at once and played to its end, where all its books are left empty.

    ``speed``: times the recorded pace. ``is_looped``: at its end it begins anew, and orders that rest stay where they
    are. ``on_end`` is called at every end; ``finished`` is set at the last.
    """

    def __init__(
        self,
        recording: Recording,
        instruments: Instruments,
        *,
        speed: float,
        is_looped: bool = False,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        self.finished = asyncio.Event()
        self._recording = recording
        self._instruments = instruments
        self._speed = speed
        self._is_looped = is_looped
        self._on_end = on_end
        self._all_lines = _market_lines(instruments.exchanges, recording.lines, wires(recording))
        self._lines = market_line_ids(self._all_lines)
        self._mirror = Mirror(instruments, self._decoders(), request_snapshot=_recorded_snapshots_only)

    def matcher(self, exchange: str, listing: Listing) -> Matcher:
        return self._mirror.matcher(exchange, listing)

    def open(self, venues: Mapping[str, ServedVenue], now_ms: int) -> None:
        self._mirror.open(venues, now_ms)

    async def run(self, clock_ms: Callable[[], int]) -> None:  # noqa: ARG002  # Market's signature
        await self._play()
        while self._is_looped:
            await asyncio.sleep(0)
            await self._play()
        self.finished.set()

    async def _play(self) -> None:
        """From the beginning to the end, after which nothing is known of the market."""
        for line in self._all_lines:
            self._mirror.on_line(line.line, True, "the recording begins", 0)
        pace = Pace(self._speed)
        for count, recorded in enumerate(self._recording.history(), 1):
            await pace.wait_for(recorded.time_ns)
            self._happen(recorded)
            if count % _FRAMES_AT_ONCE == 0:
                await asyncio.sleep(0)
        self._mirror.begin_anew(self._decoders())
        self._on_end()

    def _decoders(self) -> list[Decoder]:
        return [DECODERS[line.wire](self._instruments, line.exchange) for line in self._all_lines]

    def _happen(self, recorded: RecordedFrame | RecordedLine) -> None:
        lines = self._lines.get(recorded.exchange)
        if lines is None:
            return
        line = lines[recorded.line]
        if isinstance(recorded, RecordedLine):
            self._mirror.on_line(line, recorded.up, recorded.reason, recorded.time_ns)
        elif not recorded.snapshot_of:
            self._mirror.on_market_frame(line, recorded.payload, recorded.time_ns)
        else:
            instrument = self._instruments.by_venue_symbol(recorded.exchange, recorded.snapshot_of)
            if instrument is not None:
                self._mirror.on_snapshot(instrument.book, recorded.payload, recorded.time_ns)


class LiveMarket:
    """The real venues' public market data, by the trader's own feeds, without a key. ``endpoints`` by exchange."""

    def __init__(self, instruments: Instruments, endpoints: Mapping[str, Endpoints]) -> None:
        self._feeds: dict[str, Feed] = {}
        lines = _market_lines(instruments.exchanges)
        self._mirror = Mirror(
            instruments,
            [DECODERS[line.wire](instruments, line.exchange) for line in lines],
            request_snapshot=lambda book: self._feeds[instruments[book].exchange].request_snapshot(book),
        )
        attempts = new_attempts(instruments.exchanges)
        self._feeds = make_feeds(instruments, lines, endpoints, self._mirror, attempts, {})

    def matcher(self, exchange: str, listing: Listing) -> Matcher:
        return self._mirror.matcher(exchange, listing)

    def open(self, venues: Mapping[str, ServedVenue], now_ms: int) -> None:
        self._mirror.open(venues, now_ms)

    async def run(self, clock_ms: Callable[[], int]) -> None:  # noqa: ARG002  # Market's signature
        async with asyncio.TaskGroup() as tasks:
            for feed in self._feeds.values():
                tasks.create_task(feed.run())
            tasks.create_task(self._watch())

    async def _watch(self) -> None:
        async for _ in timer():
            self._mirror.on_timer(time.time_ns())


def _market_lines(
    exchanges: Sequence[str],
    counts: Mapping[str, int] = MappingProxyType({}),
    recorded: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Line, ...]:
    """``recorded``: in whose words an exchange's frames are, where they are not its own."""
    spoken = {exchange: exchange_of(exchange).wire for exchange in exchanges} | dict(recorded)
    lines = session_lines(exchanges, market_lines=counts, market_wires=spoken)
    return tuple(line for line in lines if line.role == MARKET)


def _recorded_snapshots_only(_book: int) -> None:
    """A recording's snapshots come when they came."""
