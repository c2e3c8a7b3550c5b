"""The engine: one event's journey, top to bottom, in one synchronous chain of calls.

    market frame ▸ journal ▸ decode and book ▸ crosses ▸ strategies ▸ risk ▸ journal ▸ order line
    order frame  ▸ journal ▸ reports ▸ leftovers ▸ executor ▸ positions ▸ strategies

Everything that can change the engine arrives through the ``on_…`` methods with the time it was received, and is
journaled before anything is made of it. The engine asks for nothing itself, neither the time nor the network, so
the same journal gives the same orders, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from graphwiz_trader.hft.events import (
    Command,
    Decision,
    ExecutionReport,
    Line,
    OpenOrders,
    Opportunity,
    Recorder,
    RecordKind,
)
from graphwiz_trader.hft.executor import FastOrderExecutor
from graphwiz_trader.hft.instruments import text_from_money
from graphwiz_trader.hft.leftovers import Leftovers
from graphwiz_trader.hft.legs import LegCoordinator
from graphwiz_trader.hft.limits import Refusal
from graphwiz_trader.hft.market_data import MarketData
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.hft.orders import Order
from graphwiz_trader.hft.positions import PositionTracker
from graphwiz_trader.hft.pulse import Counts, Pulse, RiskPulse, book_pulse, pnl_pulse, position_pulses
from graphwiz_trader.hft.records import ClockOffset, LineChange, encode
from graphwiz_trader.hft.risk import HFTRiskManager
from graphwiz_trader.hft.strategies.base import HFTStrategy

_MARKET_FRAME = int(RecordKind.MARKET_FRAME)
_ORDER_FRAME = int(RecordKind.ORDER_FRAME)
_DECISION = int(RecordKind.DECISION)

OrderDecoder = Callable[[bytes], Sequence[ExecutionReport | OpenOrders]]
"""Reads one frame of an order line; never raises, whatever the frame."""


class Engine:
    """Wires the rooms of the core together. Built by `assembly` alone.

    ``order_decoders`` by line id; ``strategies`` see events in this order.
    """

    def __init__(
        self,
        *,
        lines: Sequence[Line],
        books: OrderBookManager,
        market_data: MarketData,
        strategies: Sequence[HFTStrategy],
        risk: HFTRiskManager,
        executor: FastOrderExecutor,
        leftovers: Leftovers,
        legs: LegCoordinator,
        positions: PositionTracker,
        order_decoders: Mapping[int, OrderDecoder],
        recorder: Recorder,
    ) -> None:
        self._lines = {line.line: line for line in lines}
        self._books = books
        self._market_data = market_data
        self._strategies = {strategy.name: strategy for strategy in strategies}
        self._acting = tuple(strategies)
        self._risk = risk
        self._executor = executor
        self._leftovers = leftovers
        self._legs = legs
        self._positions = positions
        self._order_decoders = dict(order_decoders)
        self._recorder = recorder
        self._symbols = tuple(i.symbol for i in books.instruments)
        market_lines = {line.exchange: line.line for line in lines if line.role == "market"}
        self._market_lines = tuple(market_lines[i.exchange] for i in books.instruments)
        self._open_crosses: dict[int, set[tuple[int, int]]] = {i.book: set() for i in books.instruments}
        self.frames_by_line = [0] * len(lines)
        """Market data, snapshots included."""
        self.counts = Counts()
        executor.on_final = self._on_final
        for line in lines:
            if line.role == "orders":
                executor.on_line(line.exchange, False, 0)  # until it is reported up

    # What arrives

    def on_market_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        """A frame of a market data line: the hot path."""
        self._recorder.append(_MARKET_FRAME, line, now_ns, frame)
        self.frames_by_line[line] += 1
        book = self._market_data.on_frame(line, frame, now_ns)
        if book >= 0:
            self._on_top(book, now_ns)

    def on_snapshot(self, book: int, body: bytes, now_ns: int) -> None:
        """A REST snapshot that was asked for."""
        self._recorder.append(RecordKind.SNAPSHOT, book, now_ns, body)
        self.frames_by_line[self._market_lines[book]] += 1
        if self._market_data.on_snapshot(book, body, now_ns) >= 0:
            self._on_top(book, now_ns)

    def on_order_frame(self, line: int, frame: bytes, now_ns: int) -> None:
        """A frame of an order line: answers to requests and the account's own events."""
        self._recorder.append(_ORDER_FRAME, line, now_ns, frame)
        words = self._order_decoders[line](frame)
        self.on_reports(self._leftovers.sift(self._lines[line].exchange, words, now_ns), now_ns)

    def on_line(self, line: int, up: bool, reason: str, now_ns: int) -> None:
        """A line came up or broke."""
        self._recorder.append(RecordKind.LINE, line, now_ns, encode(LineChange(up, reason)))
        exchange = self._lines[line].exchange
        if self._lines[line].role == "market":
            self._market_data.on_line(line, up, now_ns)
        else:
            self._leftovers.on_line(exchange, up, now_ns)

    def on_clock(self, line: int, offset_ns: int, error_ns: int, now_ns: int) -> None:
        """The venue's clock was measured: it is ``offset_ns`` ahead of ours, give or take ``error_ns``."""
        clock = ClockOffset(offset_ns, error_ns)
        self._recorder.append(RecordKind.CLOCK, line, now_ns, encode(clock))
        self._books.note_clock(self._lines[line].exchange, clock)

    def on_timer(self, now_ns: int) -> None:
        """Ten times a second: what silence means, and the pulse."""
        self._recorder.append(RecordKind.TIMER, 0, now_ns, b"")
        self._market_data.on_timer(now_ns)
        self._leftovers.on_timer(now_ns)
        self._executor.on_timer(now_ns)
        self._legs.on_timer(now_ns)
        self._check_loss(now_ns)
        self._recorder.append(RecordKind.PULSE, 0, now_ns, encode(self.pulse(now_ns)))

    def on_command(self, command: Command, now_ns: int) -> None:
        """A person's word."""
        self._recorder.append(RecordKind.COMMAND, 0, now_ns, encode(command))
        if command.command == "reset":
            self._risk.reset(command.by, command.reason, now_ns)
        elif command.command == "trip":
            self._risk.trip(command.reason, now_ns)
            self._halt(now_ns)
        elif command.command == "stop":
            for strategy in self._acting:
                strategy.stop()
            self._acting = ()
            self._halt(now_ns)

    # What is made of it

    def _on_top(self, book: int, now_ns: int) -> None:
        """The top of a trusted book changed."""
        if self._books.scan(book, now_ns) or self._open_crosses[book]:
            self._note_crosses(book, now_ns)
        if self._risk.check_loss(now_ns):
            self._halt(now_ns)
        for strategy in self._acting:
            decision = strategy.on_book(book, now_ns)
            if decision is not None:
                self._act(strategy, decision, now_ns)

    def _act(self, strategy: HFTStrategy, decision: Decision, now_ns: int) -> None:
        """A strategy wants orders: risk approves all of them or none, and they go out together.

        The decision itself is recorded behind its orders: each of those is journaled before it is sent, and nothing
        else may stand between a decision and the wire.
        """
        for intent in decision.intents:
            if not self._executor.is_reachable(intent.book):
                return  # one leg of two would be a position
        has_legs = len(decision.intents) > 1
        if has_legs and self._legs.is_paused((strategy.name, self._symbols[decision.book]), now_ns):
            return
        approved = self._risk.approve(decision.intents, now_ns)
        if isinstance(approved, Refusal):
            self.counts.refusals += 1
            strategy.on_refused(decision, now_ns)
        else:
            strategy.on_sent(decision)
            if has_legs:
                self._legs.place(approved, now_ns)
            else:
                self._executor.place(approved[0], now_ns)
        self.counts.decisions += 1
        self._recorder.append(_DECISION, decision.book, now_ns, encode(decision))

    def on_reports(self, reports: Sequence[ExecutionReport], now_ns: int) -> None:
        """What a venue said about our orders."""
        for report in reports:
            for fill in self._executor.on_report(report, now_ns):
                self.counts.fills += 1
                strategy = self._strategies.get(fill.strategy)
                if strategy is not None:
                    strategy.on_fill(fill)
        self._check_loss(now_ns)

    def _on_final(self, order: Order, now_ns: int) -> None:
        strategy = self._strategies.get(order.intent.strategy)
        if strategy is not None:
            strategy.on_final(order.intent)
        self._legs.on_final(order, now_ns)

    def _check_loss(self, now_ns: int) -> None:
        if self._risk.check_loss(now_ns):
            self._halt(now_ns)

    def _halt(self, now_ns: int) -> None:
        self._executor.cancel_all(now_ns, "HALT")

    def _note_crosses(self, book: int, now_ns: int) -> None:
        """Record a cross when it appears, not on every tick that it lasts."""
        seen = self._open_crosses[book]
        now = set()
        for buy_book, sell_book, net_bps in self._books.crosses(book):
            now.add((buy_book, sell_book))
            if (buy_book, sell_book) not in seen:
                self._note_opportunity(self._books.opportunity(buy_book, sell_book, net_bps, now_ns), now_ns)
        for peer in self._books.peers[book].tolist():
            # A cross is of two books: whichever of them an event is about, it is the same cross.
            others = self._open_crosses[peer]
            self._open_crosses[peer] = {pair for pair in others if book not in pair} | {p for p in now if peer in p}
        self._open_crosses[book] = now

    def _note_opportunity(self, opportunity: Opportunity, now_ns: int) -> None:
        self.counts.opportunities += 1
        self._recorder.append(RecordKind.OPPORTUNITY, opportunity.buy_book, now_ns, encode(opportunity))

    # What can be seen

    def pulse(self, now_ns: int) -> Pulse:
        """The session at this moment."""
        books = tuple(self._books)
        self.counts.frames = sum(self.frames_by_line)
        self.counts.refused = self._market_data.refused.total()
        self.counts.orders = self._executor.placed
        self.counts.leftovers = self._leftovers.canceled
        return Pulse(
            books=tuple(book_pulse(book, now_ns) for book in books),
            positions=position_pulses(self._positions, books),
            pnl=pnl_pulse(self._positions, books),
            counts=self.counts,
            news_by_line=self._market_data.news_by_line(),
            open_orders=len(self._executor.open_orders()),
            risk=RiskPulse(
                state="tripped" if self._risk.tripped else "ok",
                reason=self._risk.tripped,
                exposure=text_from_money(self._risk.exposure_money()),
                max_exposure=text_from_money(self._risk.limits.max_exposure_money),
            ),
            strategies=tuple(strategy.performance() for strategy in self._strategies.values()),
        )
