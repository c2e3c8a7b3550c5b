"""OKX's market data: books, best bids and offers and trades of all of its instruments, over one line or several.

Snapshots come in the stream, so to ask for one is to subscribe that symbol anew, on one line: what another carries
continues it too, since the venue numbers an instrument's changes alike for everybody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from time import time_ns

from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.venues.base import ApiKey, Endpoints, Sink
from graphwiz_trader.venues.clock import VenueClock
from graphwiz_trader.venues.connection import Timing
from graphwiz_trader.venues.lines import ParallelLines
from graphwiz_trader.venues.okx.line import OkxLine
from graphwiz_trader.venues.okx.market import BOOKS, CHANNELS, STREAM_PATH, TIME_PATH, new_attempts, read_time
from graphwiz_trader.venues.okx.messages import Topic
from graphwiz_trader.venues.pacing import Allowance
from graphwiz_trader.venues.rest import RestClient
from graphwiz_trader.venues.together import together

FEED_TIMING = Timing(ping_s=5.0, pong_s=5.0, silence_s=75.0)
"""A book that nobody moves is told about every 60 s: a line that says less is no line."""


class OkxFeed:
    """The market data of ``exchange``. ``lines``: the ids, in the sink's calls, of connections that carry the same;
    ``spare``: one more, for replacing one of them without a gap.

    ``attempts`` is the venue's allowance of connection attempts. The streams are public: no ``api_key`` is used.
    """

    def __init__(
        self,
        instruments: Instruments,
        exchange: str,
        *,
        endpoints: Endpoints,
        lines: Sequence[int],
        sink: Sink,
        spare: int | None = None,
        attempts: Allowance | None = None,
        timing: Timing = FEED_TIMING,
        random: Random | None = None,
        api_key: ApiKey | None = None,  # noqa: ARG002
    ) -> None:
        self._names = {i.book: i.venue_symbol for i in instruments.on_exchange(exchange)}
        self._urls = endpoints.streams(STREAM_PATH)
        self._rest_endpoint = endpoints.rest
        self._sink = sink
        self._report_clock = partial(sink.on_clock, lines[0])
        self._attempts = attempts or new_attempts()
        self._timing = timing
        self._random = random or Random()  # noqa: S311
        self._left: set[int] = set()
        self._lines = ParallelLines(lines, spare, self._make_line, timing=timing, random=self._random)

    @property
    def is_up(self) -> bool:
        return self._lines.is_up

    @property
    def last_failure(self) -> str:
        return self._lines.last_failure

    def request_snapshot(self, book: int) -> None:
        """Subscribe that book anew, on the first line that can; does nothing while all are down.

        Raises KeyError for a book that is not this exchange's.
        """
        topic = Topic(BOOKS, self._names[book])
        for line in self._lines.lines:
            if line.renew(topic):
                return

    def subscribe(self, book: int) -> None:
        """Take a book up again. Raises KeyError for a book that is not this exchange's."""
        topics = self._topics(book)
        self._left.discard(book)
        for line in self._lines.lines:
            line.want(topics)

    def unsubscribe(self, book: int) -> None:
        """Leave a book. Raises KeyError for a book that is not this exchange's."""
        topics = self._topics(book)
        self._left.add(book)
        for line in self._lines.lines:
            line.unwant(topics)
        if self._lines.lines:
            self._sink.on_snapshot(book, b"", time_ns())

    async def run(self) -> None:
        """Until cancelled: then every line is closed and reported down. Raises what the sink raised."""
        async with RestClient(self._rest_endpoint) as rest:
            clock = VenueClock(rest, TIME_PATH, read_time, self._report_clock)
            await together(self._lines.run(), clock.run())

    def _make_line(self, line: int, on_rotate: Callable[[str], None]) -> OkxLine:
        topics = [topic for book in self._names if book not in self._left for topic in self._topics(book)]
        return OkxLine(
            line,
            self._urls,
            topics,
            sink=self._sink,
            attempts=self._attempts,
            timing=self._timing,
            random=self._random,
            on_rotate=on_rotate,
        )

    def _topics(self, book: int) -> list[Topic]:
        return [Topic(channel, self._names[book]) for channel in CHANNELS]
