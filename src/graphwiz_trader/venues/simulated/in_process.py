"""Simulated venues as an order gateway inside the trader's own process: no socket, no key, the caller's time.

Orders meet books that do not know of them, recorded or followed live, after a latency, and are answered after another.
They are taken, matched, charged and paid by the same venue that stands behind the simulated exchange's servers; its
orders are filled by `hft.fill_model`. Paper trading and direct replays trade here, so nothing can leave the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from graphwiz_trader.hft.events import ExecutionReport, OrderIntent, OrderState, OrderType, Trade
from graphwiz_trader.hft.instruments import Instrument
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.hft.orders import Order
from graphwiz_trader.hft.queue_position import QueueRule
from graphwiz_trader.venues.simulated import orders as placed
from graphwiz_trader.venues.simulated.agenda import Agenda
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.recorded_book import RecordedBook
from graphwiz_trader.venues.simulated.venue import Venue
from graphwiz_trader.venues.simulated.venue_book import VenueBook

_FINAL = {
    placed.OrderStatus.FILLED: OrderState.FILLED,
    placed.OrderStatus.CANCELED: OrderState.CANCELED,
}
"""What else is no longer open has expired."""


class Latency(NamedTuple):
    """How long what is said takes to be heard, in ns: an order and a cancel to the venue, its answers back."""

    entry_ns: int
    cancel_ns: int
    answer_ns: int


class InProcessVenues:
    """Every exchange of ``books`` as one `OrderGateway`.

    ``order_lines``: exchange → the line that its answers come on. ``funds``: what one account holds on each exchange,
    exchange → asset → amount. Time passes as the caller says: the ``agenda`` holds what is under way, and `observe` is
    to be called after every event of the market.
    """

    def __init__(
        self,
        books: OrderBookManager,
        order_lines: Mapping[str, int],
        *,
        latency: Latency,
        funds: Mapping[str, Mapping[str, str]],
        rule: QueueRule = QueueRule.RISK_AVERSE,
        on_placed: Callable[[str, int], None] = lambda *_: None,
    ) -> None:
        """``on_placed`` is told of every order that sets out: its client id, and the caller's time."""
        self._instruments = books.instruments
        self._latency = latency
        self._on_placed = on_placed
        self.agenda = Agenda(order_lines)
        self._venues = {
            exchange: _Venue(exchange, books, rule, funds.get(exchange, {})) for exchange in self._instruments.exchanges
        }

    def place(self, order: Order, now_ns: int) -> None:
        client_id, intent = order.client_id, order.intent
        self.agenda.add(now_ns + self._latency.entry_ns, lambda at_ns: self._arrive(client_id, intent, at_ns))
        self._on_placed(client_id, now_ns)

    def cancel(self, order: Order, now_ns: int) -> None:
        client_id, book = order.client_id, order.intent.book
        self.agenda.add(now_ns + self._latency.cancel_ns, lambda at_ns: self._cancel(client_id, book, at_ns))

    def query(self, order: Order, now_ns: int) -> None:
        client_id, book = order.client_id, order.intent.book
        self.agenda.add(now_ns + self._latency.entry_ns, lambda at_ns: self._answer_query(client_id, book, at_ns))

    def observe(self, now_ns: int) -> None:
        """What the market has just done to orders that rest."""
        for exchange, venue in self._venues.items():
            if venue.match_resting(now_ns):
                self._tell(exchange, venue.news(now_ns), now_ns)

    def balances(self, exchange: str) -> dict[str, int]:
        """Asset → what the account holds of it, in units (10^-12)."""
        return {asset: balance.total_units for asset, balance in self._venues[exchange].account.balances.items()}

    def _arrive(self, client_id: str, intent: OrderIntent, now_ns: int) -> None:
        instrument = self._instruments[intent.book]
        venue = self._venues[instrument.exchange]
        self._tell(instrument.exchange, venue.place(instrument, client_id, intent, now_ns), now_ns)

    def _cancel(self, client_id: str, book: int, now_ns: int) -> None:
        instrument = self._instruments[book]
        venue = self._venues[instrument.exchange]
        self._tell(instrument.exchange, venue.cancel(instrument, client_id, now_ns), now_ns)

    def _answer_query(self, client_id: str, book: int, now_ns: int) -> None:
        instrument = self._instruments[book]
        self._tell(instrument.exchange, [self._venues[instrument.exchange].query(instrument, client_id)], now_ns)

    def _tell(self, exchange: str, reports: Iterable[ExecutionReport], now_ns: int) -> None:
        self.agenda.answer(exchange, reports, now_ns + self._latency.answer_ns)


class _Venue:
    """One exchange: the venue, our account there, and what is to be told of its orders."""

    def __init__(self, exchange: str, books: OrderBookManager, rule: QueueRule, funds: Mapping[str, str]) -> None:
        instruments = books.instruments.on_exchange(exchange)
        self._matchers = {i.venue_symbol: RecordedBook(books[i.book], rule) for i in instruments}
        listings = [Listing.of(i, linear=i.can_short) for i in instruments]
        self._venue = Venue(exchange, [VenueBook(listing, self._matchers[listing.symbol]) for listing in listings])
        self._venue.order_listeners.append(self)
        self.account = self._venue.open_account("trader", dict(funds))
        self._events: dict[int, list[placed.OrderEvent]] = {}

    def place(self, instrument: Instrument, client_id: str, intent: OrderIntent, now_ns: int) -> list[ExecutionReport]:
        wanted = placed.NewOrder(
            symbol=instrument.venue_symbol,
            side=intent.side,
            price_ticks=None if intent.order_type is OrderType.MARKET else intent.price_ticks,
            size_lots=intent.size_lots,
            time_in_force=intent.time_in_force,
            client_id=client_id,
        )
        try:
            self._venue.place(self.account, wanted, now_ns // 1_000_000)
        except placed.OrderRefusedError as refused:
            return [ExecutionReport(client_id=client_id, state=OrderState.REJECTED, reason=_words(refused.refusal))]
        return self.news(now_ns)

    def cancel(self, instrument: Instrument, client_id: str, now_ns: int) -> list[ExecutionReport]:
        order = self._find(instrument, client_id)
        if order is not None and order.status.is_open:
            self._venue.cancel(order, now_ns // 1_000_000)
            return self.news(now_ns)
        reason = _words(placed.Refusal.UNKNOWN_ORDER)
        return [ExecutionReport(client_id=client_id, state=OrderState.UNKNOWN, about_cancel=True, reason=reason)]

    def query(self, instrument: Instrument, client_id: str) -> ExecutionReport:
        order = self._find(instrument, client_id)
        if order is None:
            return ExecutionReport(client_id=client_id, state=OrderState.UNKNOWN, not_found=True)
        return _report(order, order.executions)

    def match_resting(self, now_ns: int) -> bool:
        """Let the market trade with what rests; whether it did."""
        traded = False
        for symbol, matcher in self._matchers.items():
            for order_id, match in matcher.match_resting():
                self._venue.fill_resting(self._venue.book(symbol), order_id, match, now_ns // 1_000_000)
                traded = True
        return traded

    def news(self, now_ns: int) -> list[ExecutionReport]:
        """One report an order of what has happened to it since the last call."""
        self._venue.publish(now_ns // 1_000_000)
        events, self._events = self._events, {}
        return [
            _report(heard[-1].order, [event.execution for event in heard if event.execution is not None])
            for heard in events.values()
        ]

    def order_changed(self, event: placed.OrderEvent) -> None:
        """The venue's word to its listener."""
        self._events.setdefault(event.order.order_id, []).append(event)

    def _find(self, instrument: Instrument, client_id: str) -> placed.Order | None:
        return self._venue.find_order(self.account, instrument.venue_symbol, None, client_id)


def _report(order: placed.Order, executions: Iterable[placed.Execution]) -> ExecutionReport:
    state = OrderState.OPEN if order.status.is_open else _FINAL.get(order.status, OrderState.EXPIRED)
    trades = tuple(
        Trade(
            trade_id=str(execution.trade_id),
            price_ticks=execution.price_ticks,
            size_lots=execution.size_lots,
            fee_units=execution.fee_units,
            fee_asset=execution.fee_asset,
            maker=execution.maker,
        )
        for execution in executions
    )
    return ExecutionReport(
        client_id=order.client_id,
        state=state,
        venue_id=str(order.order_id),
        filled_lots=order.filled_lots,
        trades=trades,
        time_ms=order.updated_ms,
    )


def _words(refusal: placed.Refusal) -> str:
    return refusal.name.lower().replace("_", " ")
