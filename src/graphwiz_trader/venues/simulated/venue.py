"""The inside of a simulated venue, in no protocol's words: books, accounts, orders, and what happened to them.

A request or a market action changes the books and leaves events behind; ``publish`` then tells the listeners.
The two are apart so that a wire dialect decides whether an owner hears the answer or the event first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Protocol

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.ledger import ledger_for
from graphwiz_trader.venues.simulated.matching import LevelChange, Match
from graphwiz_trader.venues.simulated.order_checks import check_new_order
from graphwiz_trader.venues.simulated.orders import (
    EventKind,
    Execution,
    NewOrder,
    Order,
    OrderEvent,
    OrderRefusedError,
    OrderStatus,
    PublicTrade,
    Refusal,
)
from graphwiz_trader.venues.simulated.venue_book import VenueBook

REMEMBERED_ORDERS = 100_000
"""Closed orders beyond this many are forgotten, the oldest first."""


class MarketListener(Protocol):
    """Who is told what the public may know; a wire dialect implements it."""

    def traded(self, trade: PublicTrade) -> None: ...
    def book_changed(self, book: VenueBook, changes: Sequence[LevelChange], now_ms: int) -> None: ...


class OrderListener(Protocol):
    """Who is told what an order's owner may know; a wire dialect implements it."""

    def order_changed(self, event: OrderEvent) -> None: ...


class Venue:
    """A venue's books, accounts and orders. Every method takes the time, in ms since the epoch."""

    def __init__(self, name: str, books: Iterable[VenueBook], *, accepts_unfit: bool = False) -> None:
        """``accepts_unfit``: an order that cannot do what it says (only make, or fill at once and whole) is accepted
        and then cancelled, where other venues refuse it."""
        self.name = name
        self._accepts_unfit = accepts_unfit
        self.books = {book.listing.symbol: book for book in books}
        self.market = Account(1, "market")
        self.fees = Account(2, "fees")
        self.accounts: list[Account] = [self.market, self.fees]
        listings = {symbol: book.listing for symbol, book in self.books.items()}
        self.ledger = ledger_for(self.fees, lambda symbol: self.books[symbol].mark_ticks(), listings)
        self.market_listeners: list[MarketListener] = []
        self.order_listeners: list[OrderListener] = []
        self._next_order_id = 1
        self._open: dict[int, Order] = {}
        self._orders: OrderedDict[int, Order] = OrderedDict()
        self._by_client_id: dict[tuple[int, str, str], Order] = {}
        self._events: list[OrderEvent] = []
        self._trades: list[PublicTrade] = []
        self._touched: dict[str, VenueBook] = {}

    def open_account(self, name: str, funds: dict[str, str]) -> Account:
        account = Account(len(self.accounts) + 1, name, funds)
        self.accounts.append(account)
        return account

    def place(self, account: Account, wanted: NewOrder, now_ms: int) -> Order:
        """Take an order, match it, and leave its rest in the book. Raises OrderRefusedError."""
        book = self.book(wanted.symbol)
        self._check(account, book, wanted)
        order = Order(self.new_order_id(), account, book.listing, wanted, now_ms)
        matcher = book.matcher
        self.ledger.reserve(order, matcher.walk(order.side, order.limit_ticks, order.size_lots))
        self._remember(order)
        self._tell(EventKind.NEW, order, now_ms)
        outcome = matcher.place(order.order_id, order.side, order.limit_ticks, order.size_lots, order.time_in_force)
        for match in outcome.matches:
            self._execute(book, order, order.side, match, now_ms)
        if outcome.resting_lots:
            self._open[order.order_id] = order
        elif outcome.unplaced_lots:
            self._close(order, OrderStatus.EXPIRED, EventKind.EXPIRED, now_ms)
        self._touched[wanted.symbol] = book
        return order

    def cancel(self, order: Order, now_ms: int, cancel_client_id: str = "") -> None:
        """Cancel an open order. Raises OrderRefusedError(UNKNOWN_ORDER) when it is not open."""
        if order.order_id not in self._open:
            raise OrderRefusedError(Refusal.UNKNOWN_ORDER)
        book = self.books[order.listing.symbol]
        book.matcher.cancel(order.order_id)
        self._touched[order.listing.symbol] = book
        self._close(order, OrderStatus.CANCELED, EventKind.CANCELED, now_ms, cancel_client_id)

    def place_for_market(
        self, book: VenueBook, side: Side, limit_ticks: int, size_lots: int, time_in_force: TimeInForce, now_ms: int
    ) -> int:
        """An order of the market's own account, unchecked. Returns its id, 0 when nothing of it rests."""
        order_id = self.new_order_id()
        outcome = book.matcher.place(order_id, side, limit_ticks, size_lots, time_in_force)
        for match in outcome.matches:
            self._execute(book, None, side, match, now_ms)
        self._touched[book.listing.symbol] = book
        return order_id if outcome.resting_lots else 0

    def cancel_for_market(self, book: VenueBook, order_id: int) -> None:
        book.matcher.cancel(order_id)
        self._touched[book.listing.symbol] = book

    def fill_resting(self, book: VenueBook, order_id: int, match: Match, now_ms: int) -> None:
        """A resting order was traded with by a market that is not in the book (a recording)."""
        order = self._open[order_id]
        self._execute(book, None, order.side.opposite, match, now_ms)

    def book(self, symbol: str) -> VenueBook:
        """Raises OrderRefusedError(UNKNOWN_SYMBOL)."""
        found = self.books.get(symbol)
        if found is None:
            raise OrderRefusedError(Refusal.UNKNOWN_SYMBOL)
        return found

    def find_order(self, account: Account, symbol: str, order_id: int | None, client_id: str | None) -> Order | None:
        """An account's order by the venue's id or else by the client's; None when there is none that is remembered."""
        found = (
            self._orders.get(order_id)
            if order_id is not None
            else self._by_client_id.get((account.uid, symbol, client_id or ""))
        )
        return found if found is not None and found.account is account and found.listing.symbol == symbol else None

    def open_orders(self, account: Account, symbol: str | None = None) -> list[Order]:
        """Oldest first."""
        return [
            order
            for order in self._open.values()
            if order.account is account and symbol in (None, order.listing.symbol)
        ]

    def publish(self, now_ms: int) -> None:
        """Tell the listeners what has happened since the last call."""
        if not (self._events or self._trades or self._touched):
            return
        events, self._events = self._events, []
        trades, self._trades = self._trades, []
        touched, self._touched = self._touched, {}
        changed = [(book, book.matcher.take_changes()) for book in touched.values()]
        for order_listener in self.order_listeners:
            for event in events:
                order_listener.order_changed(event)
        for market_listener in self.market_listeners:
            for trade in trades:
                market_listener.traded(trade)
            for book, changes in changed:
                market_listener.book_changed(book, changes, now_ms)

    def new_order_id(self) -> int:
        self._next_order_id += 1
        return self._next_order_id

    def _check(self, account: Account, book: VenueBook, wanted: NewOrder) -> None:
        existing = self._by_client_id.get((account.uid, wanted.symbol, wanted.client_id))
        if existing is not None and existing.status.is_open:
            raise OrderRefusedError(Refusal.DUPLICATE_CLIENT_ID)
        check_new_order(book.listing, wanted, book.last_price_ticks, len(self.open_orders(account, wanted.symbol)))
        held = account.position(wanted.symbol).size_lots if book.listing.linear else 0
        if wanted.reduce_only and wanted.size_lots > -held * wanted.side.sign:
            raise OrderRefusedError(Refusal.NOTHING_TO_REDUCE)
        if self._accepts_unfit:
            return
        if book.listing.linear and wanted.time_in_force is TimeInForce.FOK:
            walk = book.matcher.walk(wanted.side, wanted.price_ticks, wanted.size_lots)
            if sum(lots for _, lots in walk) < wanted.size_lots:
                raise OrderRefusedError(Refusal.UNFILLABLE)
        if wanted.time_in_force is TimeInForce.POST_ONLY and book.matcher.would_trade(wanted.side, wanted.price_ticks):
            raise OrderRefusedError(Refusal.WOULD_TAKE)

    def _execute(self, book: VenueBook, taker: Order | None, taker_side: Side, match: Match, now_ms: int) -> None:
        book.last_trade_id += 1
        book.last_price_ticks = match.price_ticks
        maker = self._open.get(match.maker_id)
        if maker is not None or taker is not None:
            self._fill(book, maker, taker_side.opposite, match, True, now_ms)
            self._fill(book, taker, taker_side, match, False, now_ms)
        self._trades.append(
            PublicTrade(
                book.listing,
                book.last_trade_id,
                match.price_ticks,
                match.size_lots,
                taker_side is Side.SELL,
                now_ms,
            )
        )

    def _fill(self, book: VenueBook, order: Order | None, side: Side, match: Match, maker: bool, now_ms: int) -> None:
        """Book one side of a trade; ``order`` None is the market's own side, which pays no fee."""
        listing = book.listing
        if order is None:
            self.ledger.settle(self.market, listing, side, match.price_ticks, match.size_lots, 0)
            return
        rate = listing.instrument.maker_fee_ppm if maker else listing.instrument.taker_fee_ppm
        charge = self.ledger.settle(order.account, listing, side, match.price_ticks, match.size_lots, rate)
        quote_units = listing.notional_units(match.price_ticks, match.size_lots)
        execution = Execution(
            book.last_trade_id,
            match.price_ticks,
            match.size_lots,
            quote_units,
            charge.fee_units,
            charge.fee_asset,
            maker,
            charge.realised_units,
            now_ms,
        )
        order.executions.append(execution)
        order.filled_lots += match.size_lots
        order.quote_units += quote_units
        done = order.filled_lots == order.size_lots
        order.status = OrderStatus.FILLED if done else OrderStatus.PARTIALLY_FILLED
        self.ledger.release(order, is_open=not done)
        self._tell(EventKind.TRADE, order, now_ms, execution)
        if done:
            self._open.pop(order.order_id, None)

    def _close(
        self, order: Order, status: OrderStatus, kind: EventKind, now_ms: int, cancel_client_id: str = ""
    ) -> None:
        order.status = status
        self._open.pop(order.order_id, None)
        self.ledger.release(order, is_open=False)
        self._tell(kind, order, now_ms, cancel_client_id=cancel_client_id)

    def _tell(
        self,
        kind: EventKind,
        order: Order,
        now_ms: int,
        execution: Execution | None = None,
        cancel_client_id: str = "",
    ) -> None:
        order.updated_ms = now_ms
        self._events.append(
            OrderEvent(
                kind, order, order.status, order.filled_lots, order.quote_units, execution, cancel_client_id, now_ms
            )
        )

    def _remember(self, order: Order) -> None:
        self._orders[order.order_id] = order
        self._by_client_id[order.account.uid, order.listing.symbol, order.client_id] = order
        while len(self._orders) > REMEMBERED_ORDERS:
            oldest = next(iter(self._orders.values()))
            if oldest.status.is_open:
                self._orders.move_to_end(oldest.order_id)
                continue
            del self._orders[oldest.order_id]
            key = (oldest.account.uid, oldest.listing.symbol, oldest.client_id)
            if self._by_client_id.get(key) is oldest:
                del self._by_client_id[key]
