"""The venues of shadow mode: what is decided goes nowhere. Every order ends at once, unfilled, as its answer says."""

from __future__ import annotations

from collections.abc import Mapping

from graphwiz_trader.hft.events import ExecutionReport, OrderState
from graphwiz_trader.hft.orders import Order
from graphwiz_trader.venues.simulated.agenda import Agenda

REASON = "shadow mode sends nothing"


class ShadowVenues:
    """An `OrderGateway` without anything behind it. ``order_lines``: exchange → the line that answers come on."""

    def __init__(self, order_lines: Mapping[str, int]) -> None:
        self.agenda = Agenda(order_lines)

    def place(self, order: Order, now_ns: int) -> None:
        self._end(order, now_ns)

    def cancel(self, order: Order, now_ns: int) -> None:
        self._end(order, now_ns)

    def query(self, order: Order, now_ns: int) -> None:
        self._end(order, now_ns)

    def observe(self, now_ns: int) -> None:
        """The market cannot trade with what is nowhere."""

    def _end(self, order: Order, now_ns: int) -> None:
        report = ExecutionReport(
            client_id=order.client_id, state=OrderState.EXPIRED, filled_lots=0, reason=REASON, time_ms=now_ns // 10**6
        )
        self.agenda.answer(order.exchange, [report], now_ns)
