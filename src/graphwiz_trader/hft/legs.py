"""Legs: orders that only make sense together, and what to do when they do not fill alike.

The coordinator sends a group of legs back to back and waits until every leg has ended, proven: an UNKNOWN leg is
waited for, never hedged on a guess. What one side then filled more than the other is taken back with
immediate-or-cancel orders, a bounded number of them within a bounded distance from the mid price, first where
too much was traded, then at the other venues in turn. Afterwards the route rests for a while.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from graphwiz_trader.hft.events import OrderIntent, Recorder, RecordKind, Side, TimeInForce
from graphwiz_trader.hft.executor import FastOrderExecutor
from graphwiz_trader.hft.instruments import Instruments, text_from_units
from graphwiz_trader.hft.limits import Reason, Refusal
from graphwiz_trader.hft.orders import Order
from graphwiz_trader.hft.records import LegsEvent, RiskEvent, encode
from graphwiz_trader.hft.risk import ApprovedOrder, HFTRiskManager, Marks

_LEGS = int(RecordKind.LEGS)
_RISK = int(RecordKind.RISK)
_RESTING = (TimeInForce.GTC, TimeInForce.POST_ONLY)
_LASTING = (Reason.BREAKER, Reason.MIN_SIZE, Reason.MIN_NOTIONAL, Reason.FOREIGN_QUOTE, Reason.BAD_INTENT)
"""Refusals that waiting does not lift."""
_RETRY_NS = 100_000_000
"""The pause after a first attempt that filled nothing; it doubles with each further one."""

Route = tuple[str, str]
"""A strategy and a unified symbol: what is paused after legs filled unevenly."""


class LegSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds on putting uneven legs right."""

    attempts_max: int = 5
    slippage_bps: int = 20
    """From the mid price of the moment, per attempt."""
    patience_ns: int = 10_000_000_000
    """From finding the legs uneven to giving up, whatever it was that stood in the way."""
    pause_ns: int = 30_000_000_000


class _Group(msgspec.Struct, gc=False):
    number: int
    route: Route
    orders: tuple[Order, ...] = ()
    """Its legs, then the orders that put them right."""
    sending: bool = False
    uneven: bool = False
    attempts: int = 0
    retry_ns: int = 0
    give_up_ns: int = 0


class LegCoordinator:
    """Sends legs and sees them through. It must be told of every order that ends, see `on_final`."""

    def __init__(
        self,
        instruments: Instruments,
        *,
        risk: HFTRiskManager,
        executor: FastOrderExecutor,
        marks: Marks,
        recorder: Recorder,
        settings: LegSettings,
    ) -> None:
        self._instruments = instruments
        self._lot_units = tuple(i.lot_units for i in instruments)
        self._risk = risk
        self._executor = executor
        self._marks = marks
        self._recorder = recorder
        self._settings = settings
        self._groups: dict[int, _Group] = {}
        self._paused_until_ns: dict[Route, int] = {}
        self._count = 0

    def place(self, approved: Sequence[ApprovedOrder], now_ns: int) -> tuple[Order, ...]:
        """Send legs together, as one group."""
        intent = approved[0].intent
        self._count += 1
        group = _Group(self._count, (intent.strategy, self._instruments[intent.book].symbol))
        self._groups[group.number] = group
        legs = self._send(group, approved, now_ns)
        self._advance(group, now_ns)
        return legs

    def is_paused(self, route: Route, now_ns: int) -> bool:
        """Whether the route has legs in flight or being put right, or rests after that."""
        if now_ns < self._paused_until_ns.get(route, 0):
            return True
        return any(group.route == route for group in self._groups.values())

    def on_timer(self, now_ns: int) -> None:
        """Try again what could not be put right at once."""
        for group in tuple(self._groups.values()):
            self._advance(group, now_ns)

    def on_final(self, order: Order, now_ns: int) -> None:
        """An order has ended; of those that are no legs nothing is made."""
        if not order.legs:
            return
        group = self._groups.get(order.legs)
        if group is None:
            route = (order.intent.strategy, self._instruments[order.intent.book].symbol)
            group = _Group(order.legs, route, (order,))
            self._record("late", group, f"{order.client_id} filled after its group was closed", now_ns)
            self._pause(group, now_ns)
            return
        if order.filled_lots:
            group.retry_ns = now_ns
        self._advance(group, now_ns)

    def _send(self, group: _Group, approved: Sequence[ApprovedOrder], now_ns: int) -> tuple[Order, ...]:
        group.sending = True
        orders = self._executor.place_simultaneous_orders(approved, now_ns, legs=group.number)
        group.orders += orders
        group.sending = False
        return orders

    def _advance(self, group: _Group, now_ns: int) -> None:
        """Once all its orders have ended: done, or put right what is uneven, or give up."""
        if group.sending:
            return
        live = [order for order in group.orders if not order.state.is_final]
        if live:
            if len(live) < len(group.orders):
                self._cancel_resting(live, now_ns)
            return
        if self._is_even(group):
            event = "even" if any(order.filled_lots for order in group.orders) else "none"
            self._close(event, group, "", now_ns)
            return
        if not group.uneven:
            group.uneven = True
            group.give_up_ns = now_ns + self._settings.patience_ns
            self._record("uneven", group, _fills_text(group), now_ns)
        if group.attempts >= self._settings.attempts_max:
            self._close("residual", group, f"after {group.attempts} attempts", now_ns)
        elif now_ns >= group.give_up_ns:
            self._close("residual", group, "out of patience", now_ns)
        elif now_ns >= group.retry_ns:
            self._put_right(group, now_ns)

    def _cancel_resting(self, live: Sequence[Order], now_ns: int) -> None:
        """A leg has ended: what rests of the others must not fill later, and its end is waited for."""
        for order in live:
            if order.intent.time_in_force in _RESTING:
                self._executor.cancel(order, now_ns, "LEG_ENDED")

    def _put_right(self, group: _Group, now_ns: int) -> None:
        """One order against the residual, at the first book that takes it; each attempt begins at another book."""
        refusals: list[Reason] = []
        books = self._books(group)
        first = group.attempts % len(books)
        for book in books[first:] + books[:first]:
            mid2_ticks = self._marks.mid2_ticks(book)
            if not mid2_ticks:
                refusals.append(Reason.UNTRUSTED_BOOK)
                continue
            intent = self._intent_against_residual(group, book, mid2_ticks)
            if intent is None:
                continue
            outcome = self._risk.approve((intent,), now_ns)
            if isinstance(outcome, Refusal):
                refusals.append(outcome.reason)
                continue
            group.retry_ns = now_ns + (_RETRY_NS << group.attempts)
            group.attempts += 1
            self._record("unwind", group, f"attempt {group.attempts} in book {book}", now_ns)
            self._send(group, outcome, now_ns)
            return
        if all(reason in _LASTING for reason in refusals):
            self._close("residual", group, ", ".join(refusals) or "nothing that can be sold", now_ns)

    def _intent_against_residual(self, group: _Group, book: int, mid2_ticks: int) -> OrderIntent | None:
        """An immediate-or-cancel order for as much of the residual as this book can take; None if it can take none."""
        residual_units = self._residual_units(group)
        instrument = self._instruments[book]
        lots = abs(residual_units) // instrument.lot_units
        if residual_units > 0:
            side = Side.SELL
            price_ticks = -(-mid2_ticks * (10_000 - self._settings.slippage_bps) // 20_000)
            sellable_lots = self._risk.sellable_lots(book)
            if sellable_lots is not None:
                lots = min(lots, sellable_lots)
        else:
            side = Side.BUY
            price_ticks = mid2_ticks * (10_000 + self._settings.slippage_bps) // 20_000
        lots -= lots % instrument.size_step_lots
        if not lots:
            return None
        return OrderIntent(
            strategy=group.route[0],
            book=book,
            side=side,
            price_ticks=instrument.on_price_step(side, price_ticks),
            size_lots=lots,
            reduces=True,
        )

    def _books(self, group: _Group) -> list[int]:
        """The group's books, those that traded too much first."""
        net_units: dict[int, int] = {}
        for order in group.orders:
            book = order.intent.book
            net_units[book] = net_units.get(book, 0) + self._filled_units(order)
        residual_units = self._residual_units(group)
        return sorted(net_units, key=lambda book: net_units[book] * residual_units <= 0)

    def _filled_units(self, order: Order) -> int:
        return order.intent.side.sign * order.filled_lots * self._lot_units[order.intent.book]

    def _residual_units(self, group: _Group) -> int:
        return sum(self._filled_units(order) for order in group.orders)

    def _is_even(self, group: _Group) -> bool:
        """A residual below every order step cannot be traded; one within the fees paid in base is not held."""
        residual_units = abs(self._residual_units(group))
        base_fee_units = 0
        for order in group.orders:
            base = self._instruments[order.intent.book].base
            base_fee_units += sum(trade.fee_units for trade in order.trades.values() if trade.fee_asset == base)
        step_units = min(self._instruments[order.intent.book].size_step_units for order in group.orders)
        return residual_units < step_units or residual_units <= base_fee_units

    def _close(self, event: str, group: _Group, detail: str, now_ns: int) -> None:
        del self._groups[group.number]
        self._record(event, group, detail, now_ns)
        if group.uneven:
            self._pause(group, now_ns)

    def _pause(self, group: _Group, now_ns: int) -> None:
        self._paused_until_ns[group.route] = now_ns + self._settings.pause_ns
        detail = f"{group.route[0]} {group.route[1]} for {self._settings.pause_ns // 1_000_000} ms"
        record = RiskEvent("legs_paused", "UNEVEN_LEGS", detail)
        self._recorder.append(_RISK, group.orders[0].intent.book, now_ns, encode(record))

    def _record(self, event: str, group: _Group, detail: str, now_ns: int) -> None:
        residual = text_from_units(self._residual_units(group))
        record = LegsEvent(event, group.number, *group.route, residual, detail)
        self._recorder.append(_LEGS, group.orders[0].intent.book, now_ns, encode(record))


def _fills_text(group: _Group) -> str:
    return ", ".join(f"{o.client_id} {o.state.name} {o.filled_lots} of {o.intent.size_lots} lots" for o in group.orders)
