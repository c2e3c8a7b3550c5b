"""The venues of a direct replay: orders meet the recorded book after a latency, and are answered after another.

The recorded market does not react to us; what an order gets from it is decided by the core's fill model, the same
that the simulated exchange uses over a recording. Reports reach the engine as frames of an order line, so that a
journal of a direct replay is as complete as one of a live session.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence

import msgspec

from graphwiz_trader.hft.events import ExecutionReport, OrderIntent, OrderState, OrderType, Side, TimeInForce, Trade
from graphwiz_trader.hft.fill_model import VISIBLE_LEVELS
from graphwiz_trader.hft.instruments import PPM, UNIT_DECIMALS
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.hft.orders import Order
from graphwiz_trader.hft.visible_fill import VisibleBookFill

WIRE = "reports"
"""`Line.wire` of an order line whose frames are a JSON array of ExecutionReport."""

_FEE_STEP_UNITS = 10 ** (UNIT_DECIMALS - 8)
"""Fees are kept to eight decimals; what is finer is not charged."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[ExecutionReport]).decode


def decode_reports(frame: bytes) -> Sequence[ExecutionReport]:
    """The order decoder of wire ``reports``. Never raises: a frame of anything else holds no reports."""
    try:
        return _decode(frame)
    except (msgspec.DecodeError, RecursionError):
        return ()


class _Resting(msgspec.Struct, gc=False):
    client_id: str
    intent: OrderIntent
    filled_lots: int


class RecordedVenues:
    """Every venue of a replay as one `OrderGateway`, in virtual time. ``order_lines``: exchange → its order line."""

    def __init__(self, books: OrderBookManager, order_lines: Mapping[str, int], *, latency_ns: int) -> None:
        self._books = books
        self._instruments = books.instruments
        self._order_lines = dict(order_lines)
        self._latency_ns = latency_ns
        self._fills = tuple(VisibleBookFill() for _ in self._instruments)
        self._due: list[tuple[int, int, Callable[[int], None]]] = []
        self._resting: dict[str, _Resting] = {}
        self._ended: dict[str, ExecutionReport] = {}
        self._count = 0
        self._trades = 0
        self.deliver: Callable[[int, bytes, int], None] = _nobody
        """``Engine.on_order_frame``, set once the engine exists."""

    def place(self, order: Order, now_ns: int) -> None:
        client_id, intent = order.client_id, order.intent
        self._at(now_ns + self._latency_ns, lambda at_ns: self._arrive(client_id, intent, at_ns))

    def cancel(self, order: Order, now_ns: int) -> None:
        client_id, book = order.client_id, order.intent.book
        self._at(now_ns + self._latency_ns, lambda at_ns: self._cancel(client_id, book, at_ns))

    def query(self, order: Order, now_ns: int) -> None:
        client_id, book = order.client_id, order.intent.book
        self._at(now_ns + self._latency_ns, lambda at_ns: self._answer_query(client_id, book, at_ns))

    @property
    def next_ns(self) -> int | None:
        """When the next thing happens, None while nothing is under way."""
        return self._due[0][0] if self._due else None

    def run_next(self) -> None:
        at_ns, _, happen = heapq.heappop(self._due)
        happen(at_ns)

    def match_resting(self, now_ns: int) -> None:
        """Fill resting orders that the recorded market has come to."""
        for resting in tuple(self._resting.values()):
            if self._books.is_tradable(resting.intent.book):
                self._fill(resting, now_ns, maker=True)

    def _at(self, time_ns: int, happen: Callable[[int], None]) -> None:
        self._count += 1
        heapq.heappush(self._due, (time_ns, self._count, happen))

    def _arrive(self, client_id: str, intent: OrderIntent, now_ns: int) -> None:
        resting = _Resting(client_id, intent, 0)
        if not self._books.is_tradable(intent.book):
            self._end(resting, OrderState.EXPIRED, (), now_ns, "no recorded book at that moment")
            return
        visible = self._fills[intent.book].preview(self._levels(intent), intent.side, _limit(intent), intent.size_lots)
        force = intent.time_in_force
        if force is TimeInForce.POST_ONLY and visible:
            self._end(resting, OrderState.EXPIRED, (), now_ns, "would have taken")
        elif force is TimeInForce.FOK and sum(lots for _, lots in visible) < intent.size_lots:
            self._end(resting, OrderState.EXPIRED, (), now_ns, "not all of it at once")
        else:
            self._fill(resting, now_ns, maker=False)

    def _fill(self, resting: _Resting, now_ns: int, *, maker: bool) -> None:
        intent = resting.intent
        wanted = intent.size_lots - resting.filled_lots
        taken = self._fills[intent.book].take(self._levels(intent), intent.side, _limit(intent), wanted)
        trades = tuple(self._trade(intent, price_ticks, lots, maker) for price_ticks, lots in taken)
        resting.filled_lots += sum(lots for _, lots in taken)
        if resting.filled_lots == intent.size_lots:
            self._end(resting, OrderState.FILLED, trades, now_ns, "")
        elif intent.order_type is OrderType.MARKET or intent.time_in_force in (TimeInForce.IOC, TimeInForce.FOK):
            self._end(resting, OrderState.EXPIRED, trades, now_ns, "")
        elif trades or not maker:
            self._resting[resting.client_id] = resting
            self._report(resting, OrderState.OPEN, trades, now_ns, "")

    def _trade(self, intent: OrderIntent, price_ticks: int, lots: int, maker: bool) -> Trade:
        instrument = self._instruments[intent.book]
        if maker:
            price_ticks = intent.price_ticks
        received_units, fee_asset = (
            price_ticks * lots * instrument.tick_lot_money // 10**UNIT_DECIMALS,
            instrument.quote,
        )
        if intent.side is Side.BUY and not instrument.can_short:
            # Binance spot takes the fee out of what is received, its derivatives out of the quote asset.
            received_units, fee_asset = lots * instrument.lot_units, instrument.base
        fee_ppm = instrument.maker_fee_ppm if maker else instrument.taker_fee_ppm
        fee_units = received_units * fee_ppm // PPM
        self._trades += 1
        return Trade(
            trade_id=str(self._trades),
            price_ticks=price_ticks,
            size_lots=lots,
            fee_units=fee_units - fee_units % _FEE_STEP_UNITS,
            fee_asset=fee_asset,
            maker=maker,
        )

    def _cancel(self, client_id: str, book: int, now_ns: int) -> None:
        resting = self._resting.get(client_id)
        if resting is not None:
            self._end(resting, OrderState.CANCELED, (), now_ns, "")
        else:
            report = ExecutionReport(
                client_id=client_id, state=OrderState.UNKNOWN, about_cancel=True, reason="no such open order"
            )
            self._send(book, report, now_ns)

    def _answer_query(self, client_id: str, book: int, now_ns: int) -> None:
        resting = self._resting.get(client_id)
        if resting is not None:
            self._report(resting, OrderState.OPEN, (), now_ns, "")
        elif client_id in self._ended:
            self._send(book, self._ended[client_id], now_ns)

    def _end(self, resting: _Resting, state: OrderState, trades: tuple[Trade, ...], now_ns: int, reason: str) -> None:
        self._resting.pop(resting.client_id, None)
        self._report(resting, state, trades, now_ns, reason)

    def _report(
        self, resting: _Resting, state: OrderState, trades: tuple[Trade, ...], now_ns: int, reason: str
    ) -> None:
        report = ExecutionReport(
            client_id=resting.client_id,
            state=state,
            venue_id=resting.client_id,
            filled_lots=resting.filled_lots,
            trades=trades,
            time_ms=now_ns // 1_000_000,
            reason=reason,
        )
        if state.is_final:
            self._ended[resting.client_id] = msgspec.structs.replace(report, trades=())
        self._send(resting.intent.book, report, now_ns)

    def _send(self, book: int, report: ExecutionReport, now_ns: int) -> None:
        line = self._order_lines[self._instruments[book].exchange]
        self._at(now_ns + self._latency_ns, lambda at_ns: self.deliver(line, _encode([report]), at_ns))

    def _levels(self, intent: OrderIntent) -> list[tuple[int, int]]:
        return self._books[intent.book].levels(intent.side.opposite, VISIBLE_LEVELS)


def _limit(intent: OrderIntent) -> int | None:
    return None if intent.order_type is OrderType.MARKET else intent.price_ticks


def _nobody(*_: object) -> None:
    raise RuntimeError("RecordedVenues.deliver is not set: connect it to Engine.on_order_frame")
