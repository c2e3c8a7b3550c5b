"""How long things take: latency histograms that cost one compiled call an entry, and their percentiles.

The clock is the caller's: what comes in are durations.
"""

from __future__ import annotations

import msgspec
import numpy as np

from graphwiz_trader.hft.kernels.histogram import BUCKETS, add, upper_ns


class Percentiles(msgspec.Struct, frozen=True):
    """A latency distribution in nanoseconds, cumulative since the session began; None while it is empty."""

    count: int = 0
    p50: float | None = None
    p90: float | None = None
    p99: float | None = None
    p999: float | None = None
    max: float | None = None


class Latency(msgspec.Struct, frozen=True):
    """LATENCY: from a frame's arrival until the engine is done, until its order is sent; from then to the answer."""

    processing_ns: Percentiles = Percentiles()
    order_ns: Percentiles = Percentiles()
    round_trip_ns: Percentiles = Percentiles()


class Histogram:
    """Durations in nanoseconds, to 1.6 % of their value."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts = np.zeros(BUCKETS, np.int64)

    def add(self, duration_ns: int) -> None:
        add(self._counts, duration_ns)

    def percentiles(self) -> Percentiles:
        """Of everything so far; each the upper edge of its bucket."""
        total = int(self._counts.sum())
        if not total:
            return Percentiles()
        reached = np.cumsum(self._counts)
        p50, p90, p99, p999 = (
            float(upper_ns(int(np.searchsorted(reached, share * total)))) for share in (0.5, 0.9, 0.99, 0.999)
        )
        last = float(upper_ns(int(np.flatnonzero(self._counts)[-1])))
        return Percentiles(count=total, p50=p50, p90=p90, p99=p99, p999=p999, max=last)


class PerformanceMonitor:
    """The three latencies of a trading process, and whether they are within what was asked of them.

    ``max_processing_latency_ms`` and ``max_order_latency_ms`` count what is slower, they do not stop it.
    """

    def __init__(self, *, max_processing_latency_ms: float = 1.0, max_order_latency_ms: float = 10.0) -> None:
        self.processing = Histogram()
        self.order = Histogram()
        self.round_trip = Histogram()
        self._max_processing_ns = round(max_processing_latency_ms * 1e6)
        self._max_order_ns = round(max_order_latency_ms * 1e6)
        self.slow_frames = 0
        self.slow_orders = 0

    def on_processed(self, duration_ns: int) -> None:
        """A frame has been dealt with, ``duration_ns`` after it arrived."""
        self.processing.add(duration_ns)
        if duration_ns > self._max_processing_ns:
            self.slow_frames += 1

    def on_sent(self, duration_ns: int) -> None:
        """An order has been sent, ``duration_ns`` after the frame that triggered it arrived."""
        self.order.add(duration_ns)
        if duration_ns > self._max_order_ns:
            self.slow_orders += 1

    def on_answered(self, duration_ns: int) -> None:
        """An order has been answered, ``duration_ns`` after it was sent."""
        self.round_trip.add(duration_ns)

    def latency(self) -> Latency:
        """What a LATENCY record says."""
        return Latency(self.processing.percentiles(), self.order.percentiles(), self.round_trip.percentiles())
