"""Folds journal records, one after another, into a TraderState: no I/O, no clock, bounded memory.

The time it knows is the records' own, so the same journal always gives the same state.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from graphwiz_trader.hft.events import Fill, Opportunity, RecordKind, Side, Trust
from graphwiz_trader.hft.instruments import Instrument, text_from_units
from graphwiz_trader.hft.performance import Latency
from graphwiz_trader.hft.pulse import BookPulse, PositionPulse, Pulse
from graphwiz_trader.hft.records import (
    ClockOffset,
    LegsEvent,
    LineChange,
    Notice,
    OrderSent,
    OrderUpdate,
    RiskEvent,
    SessionEnd,
    TrustChange,
)
from graphwiz_trader.hft.strategies.base import Performance
from graphwiz_trader.journal.layout import Record
from graphwiz_trader.observers import payloads, state
from graphwiz_trader.observers.series import RateMeter, ThinningHistory
from graphwiz_trader.observers.state import TraderState

_T = TypeVar("_T")

_REASONS_MAX = 64
_LEGS_AS_PLANNED = {"none", "even"}
_NS_PER_MS = 1_000_000


class StateFold:
    """Applies records to `state`. A SESSION record starts a new state, all others change the present one."""

    def __init__(self) -> None:
        self.state = TraderState()
        self._start(payloads.Session(session=""))

    def apply(self, record: Record) -> None:
        """Applies one record. A payload that cannot be read is counted in `state.unreadable` and skipped."""
        kind = record.kind
        if kind == RecordKind.MARKET_FRAME:
            self._count_frame(record.source, market=True)
        elif kind == RecordKind.ORDER_FRAME:
            self._count_frame(record.source, market=False)
        else:
            try:
                payload = payloads.decode(kind, record.payload)
            except msgspec.DecodeError:
                self._count_unreadable(kind)
            else:
                self._apply_payload(payload, record.source, record.time_ns)
        self.state.records += 1
        self.state.time_ms = record.time_ns // _NS_PER_MS

    def _apply_payload(self, payload: payloads.Payload | None, source: int, time_ns: int) -> None:
        match payload:
            case Pulse():
                self._pulse(payload, time_ns)
            case Opportunity():
                self._opportunity(payload)
            case OrderSent():
                self._order_sent(payload, time_ns)
            case OrderUpdate():
                self._order_update(payload)
            case Fill():
                self._fill(payload)
            case Latency():
                self.state.latency = payload
            case ClockOffset():
                self._clock(source, payload)
            case LineChange():
                self._line(source, payload)
            case TrustChange():
                self._trust(payload)
            case RiskEvent():
                self._risk_event(payload, time_ns)
            case Notice():
                self._notice(payload, time_ns)
            case LegsEvent():
                self._legs(payload, time_ns)
            case payloads.Session():
                self._start(payload)
            case SessionEnd():
                self.state.ended = True
                self.state.end_reason = payload.reason
                self.state.rates = state.Rates()

    def _start(self, session: payloads.Session) -> None:
        self._instruments = {i.book: i for i in session.instruments}
        names = [i.exchange for i in session.instruments] + [line.exchange for line in session.lines]
        venues = {name: state.VenueView(exchange=name) for name in names}
        for instrument in session.instruments:
            venues[instrument.exchange].books += 1
        self._lines = {line.line: state.LineView(line.line, line.role) for line in session.lines}
        self._venue_of_line = {line.line: venues[line.exchange] for line in session.lines}
        for line in session.lines:
            venues[line.exchange].lines.append(self._lines[line.line])
        self._orders: dict[str, state.OrderView] = {}
        self._instrument_of_order: dict[str, Instrument | None] = {}
        self._rates = RateMeter()
        self._pnl = ThinningHistory()
        self.state = TraderState(
            session=session.session,
            mode=session.mode,
            version=session.version,
            started_ms=session.started_ns // _NS_PER_MS,
            venues=list(venues.values()),
            books=[state.BookView(book=i.book, exchange=i.exchange, symbol=i.symbol) for i in session.instruments],
            strategies=tuple(_not_measured(name) for name in session.strategies),
            pnl_history=self._pnl.points,
        )

    def _count_frame(self, line: int, *, market: bool) -> None:
        venue = self._venue_of_line.get(line)
        if venue is None:
            return
        self._lines[line].frames += 1
        if market:
            venue.frames += 1
        else:
            venue.order_frames += 1

    def _count_unreadable(self, kind: int) -> None:
        name = RecordKind(kind).name
        self.state.unreadable[name] = self.state.unreadable.get(name, 0) + 1

    # ---- measurements

    def _pulse(self, pulse: Pulse, time_ns: int) -> None:
        now = self.state
        now.pulses += 1
        now.pnl, now.counts, now.risk = pulse.pnl, pulse.counts, pulse.risk
        now.open_orders = pulse.open_orders
        now.strategies = pulse.strategies
        for number, news in enumerate(pulse.news_by_line):
            if number in self._lines:
                self._lines[number].news = news
        for top in pulse.books:
            book = self._book(top.book)
            if book is not None:
                _copy_top(book, top)
        now.positions = [self._position(position) for position in pulse.positions]
        self._count_live()
        self._measure_rates(time_ns)
        self._pnl.add(time_ns, now.pnl.net)

    def _position(self, position: PositionPulse) -> state.PositionView:
        instrument = self._instruments.get(position.book)
        if instrument is None:
            return state.PositionView("?", f"book {position.book}", "", "", position)
        return state.PositionView(instrument.exchange, instrument.symbol, instrument.base, instrument.quote, position)

    def _count_live(self) -> None:
        live: dict[str, int] = {}
        for book in self.state.books:
            if book.trust == "live":
                live[book.exchange] = live.get(book.exchange, 0) + 1
        for venue in self.state.venues:
            venue.live = live.get(venue.exchange, 0)

    def _measure_rates(self, time_ns: int) -> None:
        now = self.state
        names = state.Rates.__struct_fields__
        counters = [getattr(now.counts, name) for name in names]
        counters += [book.updates for book in now.books]
        counters += [venue.frames for venue in now.venues]
        rates = iter(self._rates.per_second(time_ns, tuple(counters)))
        now.rates = state.Rates(*(next(rates) for _ in names))
        for book in now.books:
            book.updates_per_s = next(rates)
        for venue in now.venues:
            venue.frames_per_s = next(rates)

    def _clock(self, line: int, clock: ClockOffset) -> None:
        venue = self._venue_of_line.get(line)
        if venue is not None:
            venue.clock_offset_ms = clock.offset_ns / _NS_PER_MS
            venue.clock_error_ms = clock.error_ns / _NS_PER_MS

    # ---- events

    def _line(self, number: int, change: LineChange) -> None:
        line = self._lines.get(number)
        if line is not None:
            line.breaks += line.up and not change.up
            line.up, line.reason = change.up, change.reason

    def _trust(self, change: TrustChange) -> None:
        book = self._book(change.book)
        if book is None:
            return
        book.trust = change.trust.name.lower()
        book.reason = change.reason
        if change.trust is not Trust.LIVE:
            book.updates_per_s = 0.0
        self._count_live()

    def _opportunity(self, seen: Opportunity) -> None:
        buy, sell = self._instruments.get(seen.buy_book), self._instruments.get(seen.sell_book)
        if buy is None or sell is None:
            return
        view = state.OpportunityView(
            time_ms=seen.time_ns // _NS_PER_MS,
            symbol=seen.symbol,
            buy=buy.exchange,
            buy_price=buy.price_text(seen.buy_price_ticks),
            sell=sell.exchange,
            sell_price=sell.price_text(seen.sell_price_ticks),
            size=f"{seen.size:.8f}".rstrip("0").rstrip("."),
            net_bps=seen.net_bps,
        )
        _push(self.state.opportunities, view, state.OPPORTUNITIES_MAX)

    def _order_sent(self, order: OrderSent, time_ns: int) -> None:
        instrument = self._instruments.get(order.book)
        view = state.OrderView(
            client_id=order.client_id,
            time_ms=time_ns // _NS_PER_MS,
            exchange=instrument.exchange if instrument else "?",
            symbol=instrument.symbol if instrument else f"book {order.book}",
            strategy=order.strategy,
            side=order.side.name.lower(),
            kind=f"{order.order_type.name} {order.time_in_force.name}".lower().replace("_", "-"),
            price=instrument.price_text(order.price_ticks) if instrument else str(order.price_ticks),
            size=instrument.size_text(order.size_lots) if instrument else str(order.size_lots),
            legs=order.legs,
        )
        orders = self.state.orders
        orders.insert(0, view)
        self._orders[order.client_id] = view
        self._instrument_of_order[order.client_id] = instrument
        if len(orders) > state.ORDERS_MAX:
            # An open order matters longer than a finished one, so the oldest finished one makes room first.
            row = next((r for r in range(len(orders) - 1, 0, -1) if orders[r].final), len(orders) - 1)
            gone = orders.pop(row)
            self._orders.pop(gone.client_id, None)
            self._instrument_of_order.pop(gone.client_id, None)

    def _order_update(self, update: OrderUpdate) -> None:
        view = self._orders.get(update.client_id)
        if view is None:
            return
        view.state = update.state.name.lower()
        view.final = update.state.is_final
        view.reason = update.reason
        instrument = self._instrument_of_order[update.client_id]
        if update.filled_lots >= 0 and instrument is not None:
            view.filled = instrument.size_text(update.filled_lots)

    def _fill(self, fill: Fill) -> None:
        instrument = self._instruments.get(fill.book)
        if instrument is None:
            return
        view = state.FillView(
            time_ms=fill.time_ns // _NS_PER_MS,
            exchange=instrument.exchange,
            symbol=instrument.symbol,
            strategy=fill.strategy,
            client_id=fill.client_id,
            side=Side(fill.side).name.lower(),
            price=instrument.price_text(fill.trade.price_ticks),
            size=instrument.size_text(fill.trade.size_lots),
            fee=text_from_units(fill.trade.fee_units),
            fee_asset=fill.trade.fee_asset,
            maker=fill.trade.maker,
        )
        _push(self.state.fills, view, state.FILLS_MAX)

    def _risk_event(self, event: RiskEvent, time_ns: int) -> None:
        view = state.RiskEventView(time_ns // _NS_PER_MS, event.event, event.reason, event.detail)
        _push(self.state.risk_events, view, state.RISK_EVENTS_MAX)
        reasons = self.state.refusals_by_reason
        if event.event == "refused" and (event.reason in reasons or len(reasons) < _REASONS_MAX):
            reasons[event.reason] = reasons.get(event.reason, 0) + 1

    def _legs(self, event: LegsEvent, time_ns: int) -> None:
        if event.event in _LEGS_AS_PLANNED:
            return
        detail = f"{event.symbol} residual {event.residual} {event.detail}".rstrip()
        view = state.RiskEventView(time_ns // _NS_PER_MS, "legs", event.event, detail)
        _push(self.state.risk_events, view, state.RISK_EVENTS_MAX)

    def _notice(self, notice: Notice, time_ns: int) -> None:
        time_ms = time_ns // _NS_PER_MS
        for row, known in enumerate(self.state.notices):
            if (known.what, known.kind) == (notice.what, notice.kind):
                del self.state.notices[row]
                break
        _push(
            self.state.notices,
            state.NoticeView(time_ms, notice.what, notice.kind, notice.count),
            state.NOTICES_MAX,
        )

    def _book(self, book: int) -> state.BookView | None:
        books = self.state.books
        return books[book] if 0 <= book < len(books) else None


def _copy_top(book: state.BookView, top: BookPulse) -> None:
    book.trust = Trust(top.trust).name.lower()
    book.bid, book.bid_size = top.bid, top.bid_size
    book.ask, book.ask_size = top.ask, top.ask_size
    book.spread_bps, book.age_ms = top.spread_bps, top.age_ms
    book.updates = top.updates


def _not_measured(name: str) -> Performance:
    return Performance(name=name, active=False, trades=0, win_rate=0.0, pnl="0", profit="0", loss="0")


def _push(newest_first: list[_T], item: _T, limit: int) -> None:
    newest_first.insert(0, item)
    del newest_first[limit:]
