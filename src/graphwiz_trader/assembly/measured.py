"""The engine with a stopwatch: what the lines of a session deliver to, and the latencies that come of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVarTuple

from graphwiz_trader.hft.executor import FastOrderExecutor
from graphwiz_trader.hft.performance import PerformanceMonitor
from graphwiz_trader.venues.base import Sink

_Words = TypeVarTuple("_Words")


class MeasuredEngine:
    """A `venues.base.Sink`: the engine, and how long it takes for each market frame, its orders sent.

    Lines are made before the engine that they deliver to, because it is made with them: ``attach`` comes between
    that and their first word. What the engine raises is ``on_failure``'s business and ends no line: over the lines
    that stand, open orders can still be cancelled. The engine hears nothing more then.
    """

    def __init__(self, monitor: PerformanceMonitor, on_failure: Callable[[Exception], None]) -> None:
        self._note = monitor.on_processed
        self._on_failure = on_failure
        self._engine: Sink = _Ended()

    def attach(self, engine: Sink) -> None:
        """Deliver to this engine from now on."""
        self._engine = engine

    def detach(self) -> None:
        """Deliver to nobody: the session has ended, and that its lines are closed now is no news of the market."""
        self._engine = _Ended()

    def on_market_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        try:  # as `_deliver` does: a frame's way to its order is spared that call
            self._engine.on_market_frame(line, frame, now_ns)
        except Exception as failure:
            self._fail(failure)
        self._note(time.time_ns() - now_ns)

    def on_order_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        self._deliver(self._engine.on_order_frame, line, frame, now_ns)

    def on_snapshot(self, book: int, body: bytes, now_ns: int) -> None:
        self._deliver(self._engine.on_snapshot, book, body, now_ns)

    def on_line(self, line: int, up: bool, reason: str, now_ns: int) -> None:
        self._deliver(self._engine.on_line, line, up, reason, now_ns)

    def on_clock(self, line: int, offset_ns: int, error_ns: int, now_ns: int) -> None:
        self._deliver(self._engine.on_clock, line, offset_ns, error_ns, now_ns)

    def _deliver(self, hear: Callable[[*_Words], None], *words: *_Words) -> None:
        try:
            hear(*words)
        except Exception as failure:
            self._fail(failure)

    def _fail(self, failure: Exception) -> None:
        self.detach()
        self._on_failure(failure)


class _Ended:
    """Where words go before a session has begun and after it has ended."""

    def _pass_over(self, *_: object, **__: object) -> None:
        pass

    on_market_frame = on_order_frame = on_snapshot = on_line = on_clock = _pass_over


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
