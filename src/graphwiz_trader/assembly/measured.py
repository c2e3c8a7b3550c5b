"""The engine with a stopwatch: what the lines of a session deliver to, and the latencies that come of it."""

from __future__ import annotations

import time

from graphwiz_trader.hft.engine import Engine
from graphwiz_trader.hft.executor import FastOrderExecutor
from graphwiz_trader.hft.performance import PerformanceMonitor


class MeasuredEngine:
    """A `venues.base.Sink`: the engine, and how long it takes for each market frame, its answer sent."""

    def __init__(self, engine: Engine, monitor: PerformanceMonitor) -> None:
        self._apply = engine.on_market_frame
        self._note = monitor.on_processed
        self.on_order_frame = engine.on_order_frame
        self.on_snapshot = engine.on_snapshot
        self.on_line = engine.on_line

    def on_market_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        self._apply(line, frame, now_ns)
        self._note(time.time_ns() - now_ns)


class OrderTimes:
    """When orders were sent, until they are answered. ``on_sent`` is an order line's callback."""

    def __init__(self, monitor: PerformanceMonitor) -> None:
        self._monitor = monitor
        self._unanswered: dict[str, int] = {}

    def on_sent(self, client_id: str, received_ns: int, sent_ns: int) -> None:
        self._monitor.on_sent(sent_ns - received_ns)
        self._unanswered[client_id] = sent_ns

    def note_answers(self, executor: FastOrderExecutor) -> None:
        """Measure the round trips that were completed since the last time; off the hot path."""
        for client_id, sent_ns in tuple(self._unanswered.items()):
            order = executor.find(client_id)
            if order is None or order.answered_ns:
                del self._unanswered[client_id]
                if order is not None:
                    self._monitor.on_answered(order.answered_ns - sent_ns)
