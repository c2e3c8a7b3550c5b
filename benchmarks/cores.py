"""The product's core over tapes: what a session has in the way of books, strategies, risk and executor, no sockets."""

from __future__ import annotations

from collections.abc import Sequence

from graphwiz_trader.assembly.core import Core, build_core
from graphwiz_trader.assembly.lines import session_lines
from graphwiz_trader.config import HftConfig
from graphwiz_trader.hft.events import ExecutionReport, OrderState, Recorder, Trade
from graphwiz_trader.hft.instruments import Instrument, Instruments
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.hft.orders import Order

Names = Sequence[tuple[str, str]]
"""(exchange, venue symbol) by book id."""


def instruments_of(names: Names) -> Instruments:
    """Instruments of the tapes of these names. Book steps are the wire's, order steps the venue's."""
    return Instruments(_instrument(book, exchange, symbol) for book, (exchange, symbol) in enumerate(names))


def _instrument(book: int, exchange: str, symbol: str) -> Instrument:
    futures = exchange == "binanceusdm"
    base = symbol.removesuffix("USDT")
    return Instrument(
        book=book,
        exchange=exchange,
        symbol=f"{base}/USDT",
        venue_symbol=symbol,
        base=base,
        quote="USDT",
        tick_size="0.01",
        lot_size="0.001" if futures else "0.00000001",
        size_step_lots=1 if futures else 1_000,
        maker_fee_ppm=200 if futures else 1_000,
        taker_fee_ppm=500 if futures else 1_000,
        can_short=futures,
    )


_BUSY = {"strategies": {"statistical_arbitrage": {"lookback_period": 100, "z_score_threshold": 2.0}}}
"""Decides far more often than the default: the path of an order is part of what is measured."""


class Venue:
    """An order gateway whose orders are filled whole at their own price, or all expire. ``answer`` them in time."""

    def __init__(self, *, fills: bool) -> None:
        self._outcome = _filled if fills else _expired
        self._sent: list[Order] = []
        self.orders = 0

    def place(self, order: Order, now_ns: int) -> None:  # noqa: ARG002
        self._sent.append(order)
        self.orders += 1

    def cancel(self, order: Order, now_ns: int) -> None:
        """Nothing is left to cancel."""

    def query(self, order: Order, now_ns: int) -> None:
        """Every order is answered."""

    def answer(self, core: Core, now_ns: int) -> None:
        if self._sent:
            sent, self._sent = self._sent, []
            core.engine.on_reports([self._outcome(order) for order in sent], now_ns)


def _filled(order: Order) -> ExecutionReport:
    intent = order.intent
    trade = Trade(
        trade_id=order.client_id,
        price_ticks=intent.price_ticks,
        size_lots=intent.size_lots,
        fee_units=0,
        fee_asset="USDT",
    )
    return ExecutionReport(
        client_id=order.client_id, state=OrderState.FILLED, filled_lots=intent.size_lots, trades=(trade,)
    )


def _expired(order: Order) -> ExecutionReport:
    return ExecutionReport(client_id=order.client_id, state=OrderState.EXPIRED, filled_lots=0)


def build(names: Names, recorder: Recorder, venue: Venue) -> Core:
    """A core over these symbols with both strategies and all limits."""
    config, instruments = HftConfig.model_validate(_BUSY), instruments_of(names)
    lines = session_lines(instruments.exchanges)
    core = build_core(
        config,
        instruments,
        lines,
        recorder=recorder,
        books=OrderBookManager(instruments),
        gateways=dict.fromkeys(instruments.exchanges, venue),
        request_snapshot=lambda _: None,
        prefix="bench",
    )
    for line in lines:
        core.engine.on_line(line.line, True, "bench", 0)
    return core
