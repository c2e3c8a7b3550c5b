"""What one session's records mean for the graph: rows for the tables of `schema`, from a pure fold over the journal.

**A Trade is a closed round trip**: one strategy's purchases and sales of one symbol, over all venues, from flat to
flat. Its result is what the sales brought minus what the purchases cost minus the fees of all its fills. When it
counts as closed, and what becomes of the dust that a fee in base leaves and of a fill that turns long into short, is
the rule of `hft.positions.RoundTrips`, which the strategies' own figures in the trader follow too: the two agree.
The arithmetic is in whole numbers of 10^-24 of the quote currency. Fees in a third asset (BNB) are not in it.
"""

from __future__ import annotations

from collections.abc import Hashable

import msgspec

from graphwiz_trader.hft.events import Fill, Opportunity, RecordKind, Side
from graphwiz_trader.hft.instruments import Instrument, Instruments, text_from_money, text_from_units
from graphwiz_trader.hft.positions import PositionTracker
from graphwiz_trader.hft.pulse import Pulse
from graphwiz_trader.hft.records import OrderSent, OrderUpdate, SessionEnd
from graphwiz_trader.journal.layout import Record
from graphwiz_trader.observers import payloads
from graphwiz_trader.observers.knowledge_graph.correlations import Correlations
from graphwiz_trader.observers.knowledge_graph.patterns import CrossPatterns
from graphwiz_trader.observers.knowledge_graph.schema import Batch, Row

_ALWAYS = frozenset({RecordKind.SESSION, RecordKind.END})
_TRADES = frozenset({RecordKind.ORDER, RecordKind.ORDER_UPDATE, RecordKind.FILL})


class SessionProjection:
    """Turns the records of one session, given to `apply` from the first on, into rows that `take` hands out."""

    def __init__(self) -> None:
        self.session = ""
        self.position = 0
        """How many records were applied."""
        self.last_ns = 0
        self.end_reason: str | None = None
        """None until the session was closed in order."""
        self._batch: Batch = {}
        self._kinds = _ALWAYS
        self._instruments = Instruments(())
        self._trackers: dict[str, PositionTracker] = {}
        self._patterns = CrossPatterns("", self._name_of)
        self._correlations = Correlations(0)
        self._open_trips: dict[tuple[str, str], list[tuple[str, int]]] = {}

    @property
    def pending(self) -> int:
        """Rows that `take` would hand out."""
        return sum(map(len, self._batch.values()))

    def apply(self, record: Record) -> None:
        """Applies one record. A payload that makes no sense is passed over: the state's fold counts those."""
        self.position += 1
        self.last_ns = record.time_ns
        try:
            payload = payloads.decode(record.kind, record.payload) if record.kind in self._kinds else None
        except msgspec.DecodeError:
            return
        match payload:
            case OrderSent():
                self._order(payload, record.time_ns)
            case OrderUpdate():
                self._order_state(payload)
            case Fill():
                self._fill(payload)
            case Opportunity():
                self._pattern(payload)
            case Pulse():
                self._moves(payload, record.time_ns)
            case payloads.Session():
                self._begin(payload)
            case SessionEnd():
                self.end_reason = payload.reason

    def take(self, *, complete: bool = False) -> Batch:
        """The rows since the last call, and with them how far the journal has been read."""
        batch, self._batch = self._batch, {}
        if self.session:
            batch["progress"] = {
                self.session: {
                    "id": self.session,
                    "position": self.position,
                    "last_ns": self.last_ns,
                    "complete": complete,
                    "end_reason": self.end_reason or "",
                }
            }
        return batch

    def put_back(self, batch: Batch) -> None:
        """Returns rows that could not be written; rows made since then stay the newer ones."""
        for kind, rows in batch.items():
            self._batch[kind] = rows | self._batch.get(kind, {})

    def _put(self, kind: str, key: Hashable, row: Row) -> None:
        self._batch.setdefault(kind, {})[key] = row

    def _begin(self, session: payloads.Session) -> None:
        self.session = session.session
        self._instruments = Instruments(session.instruments)
        self._kinds = _wanted(session.config.knowledge_graph)
        self._patterns = CrossPatterns(self.session, self._name_of)
        self._correlations = Correlations(len(self._instruments))
        self._put(
            "sessions",
            session.session,
            {
                "id": session.session,
                "mode": session.mode,
                "version": session.version,
                "started_ns": session.started_ns,
            },
        )
        for instrument in session.instruments:
            row = {"id": _instrument_id(instrument)}
            for field in ("exchange", "symbol", "base", "quote", "tick_size", "lot_size"):
                row[field] = getattr(instrument, field)
            self._put("instruments", row["id"], row)
            self._put("exchanges", instrument.exchange, {"name": instrument.exchange})
        for name in session.strategies:
            self._put("strategies", name, {"name": name})

    def _instrument(self, book: int) -> Instrument | None:
        return self._instruments[book] if 0 <= book < len(self._instruments) else None

    def _name_of(self, book: int) -> str | None:
        instrument = self._instrument(book)
        return None if instrument is None else _instrument_id(instrument)

    def _pattern(self, opportunity: Opportunity) -> None:
        row = self._patterns.add(opportunity)
        if row is not None:
            self._put("patterns", row["id"], row)

    def _moves(self, pulse: Pulse, time_ns: int) -> None:
        if not self._correlations.add(pulse, time_ns):
            return
        for one, other, coefficient, seconds in self._correlations.coefficients():
            names = {"one": self._name_of(one), "other": self._name_of(other)}
            row = {**names, "session": self.session, "coefficient": coefficient, "seconds": seconds}
            self._put("correlations", (one, other), row)

    def _order(self, order: OrderSent, time_ns: int) -> None:
        instrument = self._instrument(order.book)
        if instrument is None:
            return
        self._put("strategies", order.strategy, {"name": order.strategy})
        order_id = self._order_id(order.client_id)
        self._put(
            "orders",
            order_id,
            {
                "id": order_id,
                "session": self.session,
                "strategy": order.strategy,
                "instrument": _instrument_id(instrument),
                "client_id": order.client_id,
                "side": order.side.name.lower(),
                "kind": f"{order.order_type.name} {order.time_in_force.name}".lower(),
                "price": instrument.price_text(order.price_ticks),
                "size": instrument.size_text(order.size_lots),
                "size_lots": order.size_lots,
                "leg_group": order.legs,
                "time_ns": time_ns,
            },
        )
        self._put("order_states", order_id, _order_state(order_id, "sent", 0, "", ""))

    def _order_state(self, update: OrderUpdate) -> None:
        order_id = self._order_id(update.client_id)
        name = update.state.name.lower()
        row = _order_state(order_id, name, update.filled_lots, update.venue_id, update.reason)
        self._put("order_states", order_id, row)

    def _fill(self, fill: Fill) -> None:
        instrument = self._instrument(fill.book)
        if instrument is None:
            return
        trade = fill.trade
        order_id = self._order_id(fill.client_id)
        fill_id = f"{order_id}/{trade.trade_id}"
        self._put(
            "fills",
            fill_id,
            {
                "id": fill_id,
                "order_id": order_id,
                "side": Side(fill.side).name.lower(),
                "price": instrument.price_text(trade.price_ticks),
                "size": instrument.size_text(trade.size_lots),
                "fee": text_from_units(trade.fee_units),
                "fee_asset": trade.fee_asset,
                "maker": trade.maker,
                "time_ns": fill.time_ns,
            },
        )
        self._count_round_trip(fill, fill_id, instrument.symbol)

    def _count_round_trip(self, fill: Fill, fill_id: str, symbol: str) -> None:
        """A fill that turns long into short belongs to the trade it closes."""
        tracker = self._trackers.get(fill.strategy)
        if tracker is None:
            tracker = self._trackers[fill.strategy] = PositionTracker(self._instruments)
        trips = tracker.round_trips
        closed, result_money = trips.closed, trips.profit_money - trips.loss_money
        tracker.apply(fill)
        parts = self._open_trips.setdefault((fill.strategy, symbol), [])
        parts.append((fill_id, fill.time_ns))
        if trips.closed == closed:
            return
        result_money = trips.profit_money - trips.loss_money - result_money
        trade_id = f"{self.session}/{fill.strategy}/{trips.closed}"
        self._put(
            "trades",
            trade_id,
            {
                "id": trade_id,
                "strategy": fill.strategy,
                "symbol": symbol,
                "pnl": text_from_money(result_money),
                # As text: the database's client narrows integers to what fits their first value.
                "pnl_money": str(result_money),
                "opened_ns": parts[0][1],
                "closed_ns": fill.time_ns,
            },
        )
        for part_id, _ in parts:
            self._put("trade_fills", (trade_id, part_id), {"trade_id": trade_id, "fill_id": part_id})
        del self._open_trips[fill.strategy, symbol]

    def _order_id(self, client_id: str) -> str:
        return f"{self.session}/{client_id}"


def _wanted(keys: payloads.GraphKeys) -> frozenset[RecordKind]:
    """The kinds of record that a session's graph is made of."""
    kinds = _ALWAYS
    if keys.store_trades:
        kinds |= _TRADES
    if keys.store_patterns:
        kinds |= {RecordKind.OPPORTUNITY}
    if keys.analyze_correlations:
        kinds |= {RecordKind.PULSE}
    return kinds


def _instrument_id(instrument: Instrument) -> str:
    return f"{instrument.exchange} {instrument.symbol}"


def _order_state(order_id: str, state: str, filled_lots: int, venue_id: str, reason: str) -> Row:
    return {
        "id": order_id,
        "state": state,
        "filled_lots": filled_lots,
        "venue_id": venue_id,
        "reason": reason,
    }
