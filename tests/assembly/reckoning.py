"""A session that has ended is called to account: what it has written against what the venues' own accounts say."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from graphwiz_trader.assembly.replays import journal_replay
from graphwiz_trader.assembly.session import TradingSession
from graphwiz_trader.hft.events import Fill, RecordKind, Trade
from graphwiz_trader.hft.instruments import Instrument
from graphwiz_trader.hft.records import LegsEvent, OrderSent
from graphwiz_trader.journal.layout import Record
from graphwiz_trader.journal.reader import JournalReader
from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.orders import Execution, Order
from graphwiz_trader.venues.simulated.venue import Venue


class Reckoning:
    """The session's journal and books against the venues' own accounts, after its end."""

    def __init__(
        self, session: TradingSession, venues: Mapping[str, Venue], began_with: Mapping[str, Mapping[str, int]]
    ) -> None:
        """``began_with``: exchange → asset → units, before the session."""
        self._session = session
        self._core = session.core
        self._instruments = session.core.books.instruments
        self._venues = venues
        self._accounts = {name: account_of(venue) for name, venue in venues.items()}
        self._began_with = began_with
        self._records = list(JournalReader(session.directory).records())

    def check(self) -> None:
        self.no_order_is_open_or_was_sent_twice()
        self.fills_are_the_venues_own()
        self.positions_and_cash_are_the_accounts()
        self.no_leg_is_naked_unrecorded()
        again = journal_replay(self._session.directory, lambda _: None)
        assert again.is_same
        assert again.recorded_decisions > 0

    def _orders(self) -> Iterable[tuple[str, Order]]:
        for name, account in self._accounts.items():
            venue = self._venues[name]
            for symbol in venue.books:
                for order in venue.orders(account, symbol):
                    yield name, order

    def no_order_is_open_or_was_sent_twice(self) -> None:
        sent = [msgspec.json.decode(r.payload, type=OrderSent).client_id for r in self._of(RecordKind.ORDER)]
        at_venues = Counter(order.client_id for _, order in self._orders())
        assert not [name for name, times in at_venues.items() if times > 1], "sent twice"
        assert not set(at_venues) - set(sent), "never decided"
        assert [o.client_id for _, o in self._orders() if o.status.is_open] == []
        assert [(o.client_id, o.state) for o in self._core.executor.open_orders()] == []

    def fills_are_the_venues_own(self) -> None:
        told: dict[str, dict[str, tuple[int, int, int, str]]] = defaultdict(dict)
        for record in self._of(RecordKind.FILL):
            fill = msgspec.json.decode(record.payload, type=Fill)
            trade = fill.trade
            assert trade.trade_id not in told[fill.client_id], "counted twice"
            told[fill.client_id][trade.trade_id] = _in_units(self._instruments[fill.book], trade)
        made = {
            order.client_id: {str(e.trade_id): _in_units(order.listing.instrument, e) for e in order.executions}
            for _, order in self._orders()
            if order.executions
        }
        assert made, "nothing was traded at all"
        assert told == made

    def positions_and_cash_are_the_accounts(self) -> None:
        for name, account in self._accounts.items():
            began, ended = self._began_with[name], held_by(account)
            cash_money = 0
            for instrument in self._instruments.on_exchange(name):
                position = self._core.positions.position(instrument.book)
                held = ended[instrument.base] - began[instrument.base]
                if instrument.can_short:
                    there = account.position(instrument.venue_symbol)
                    listing = self._venues[name].books[instrument.venue_symbol].listing
                    held = there.size_lots * listing.instrument.lot_units
                    cash_money += there.cost_units * 10**12  # what an open future cost is not paid for
                assert position.size_units == held, (name, instrument.symbol)
                cash_money += position.realised_money - position.cost_money - position.fees_money
            assert cash_money == (ended["USDT"] - began["USDT"]) * 10**12, name

    def no_leg_is_naked_unrecorded(self) -> None:
        groups: dict[int, list[OrderSent]] = defaultdict(list)
        for record in self._of(RecordKind.ORDER):
            order = msgspec.json.decode(record.payload, type=OrderSent)
            if order.legs:
                groups[order.legs].append(order)
        events: dict[int, list[LegsEvent]] = defaultdict(list)
        for record in self._of(RecordKind.LEGS):
            event = msgspec.json.decode(record.payload, type=LegsEvent)
            events[event.group].append(event)
        executed = {order.client_id: order for _, order in self._orders()}
        for number, orders in groups.items():
            net_units = fee_units = 0
            for sent in orders:
                instrument = self._instruments[sent.book]
                for execution in executed[sent.client_id].executions if sent.client_id in executed else ():
                    net_units += sent.side.sign * execution.size_lots * instrument.lot_units
                    fee_units += execution.fee_units if execution.fee_asset == instrument.base else 0
            step_units = min(self._instruments[sent.book].size_step_units for sent in orders)
            is_even = abs(net_units) < step_units or abs(net_units) <= fee_units
            said = [event.event for event in events[number]]
            assert is_even or {"residual", "late"} & set(said), (number, net_units, orders, events[number])

    def _of(self, kind: RecordKind) -> list[Record]:
        return [record for record in self._records if record.kind == kind]


def account_of(venue: Venue) -> Account:
    """The only account there is besides the venue's own."""
    return venue.accounts[-1]


def held_by(account: Account) -> dict[str, int]:
    """Asset → units, bound by orders or not."""
    return defaultdict(int, {asset: balance.total_units for asset, balance in account.balances.items()})


def _in_units(instrument: Instrument, trade: Trade | Execution) -> tuple[int, int, int, str]:
    price_units, size_units = trade.price_ticks * instrument.tick_units, trade.size_lots * instrument.lot_units
    return price_units, size_units, trade.fee_units, trade.fee_asset
