"""The inside of a simulated venue, in no protocol's words: books, accounts, orders, and what happened to them.

A request or a market action changes the books and leaves events behind; ``publish`` then tells the listeners.
The two are apart so that a wire dialect decides whether an owner hears the answer or the event first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from graphwiz_trader.hft.events import MarketTrade, OrderType, Side, TimeInForce
from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.executions import Executions
from graphwiz_trader.venues.simulated.ledger import ledger_for
from graphwiz_trader.venues.simulated.matching import NO_MAKER, NOBODY, LevelChange, Match, SelfTrade
from graphwiz_trader.venues.simulated.order_checks import check_amended, check_new_order, check_terms, sized
from graphwiz_trader.venues.simulated.order_index import OrderIndex
from graphwiz_trader.venues.simulated.orders import (
    EndReason,
    EventKind,
    NewOrder,
    Order,
    OrderEvent,
    OrderRefusedError,
    OrderStatus,
    PublicTrade,
    Refusal,
)
from graphwiz_trader.venues.simulated.venue_book import VenueBook


class MarketListener(Protocol):
    """Who is told what the public may know; a wire dialect implements it."""

    def traded(self, trade: PublicTrade) -> None: ...
    def book_changed(self, book: VenueBook, changes: Sequence[LevelChange], now_ms: int) -> None: ...


class OrderListener(Protocol):
    """Who is told what an order's owner may know; a wire dialect implements it."""

    def order_changed(self, event: OrderEvent) -> None: ...


class OrderFaults(Protocol):
    """What may go wrong with orders; `faults.Faults` is one."""

    def late_fill(self, order: Order) -> tuple[int, int] | None:
        """An order is being cancelled: the lots of it that trade all the same, and how many ms later."""
        ...

    def fill_copies(self, event: OrderEvent) -> int:
        """How many times more than once a fill is told."""
        ...


class Replacement(NamedTuple):
    """What became of a cancel and a new order that were asked for together."""

    canceled: Order | Refusal
    placed: Order | Refusal | None
    """None: not attempted."""


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
        self._orders = OrderIndex()
        self._executions = Executions(self.ledger, self._orders, self.market)
        self._touched: dict[str, VenueBook] = {}
        self.order_faults: OrderFaults | None = None

    def open_account(self, name: str, funds: Mapping[str, str], trade_group: int | None = None) -> Account:
        """``trade_group``: self-trade prevention spans all accounts of one group."""
        account = Account(len(self.accounts) + 1, name, funds, trade_group)
        self.accounts.append(account)
        return account

    def place(self, account: Account, wanted: NewOrder, now_ms: int) -> Order:
        """Take an order, match it, and leave its rest in the book. Raises OrderRefusedError."""
        book = self.book(wanted.symbol)
        wanted = sized(book, account, wanted)
        self._check(account, book, wanted)
        order = Order(self.new_order_id(), account, book.listing, wanted, now_ms)
        self.ledger.reserve(order, order.limit_ticks, order.size_lots, self._walk(book, order))
        self._orders.remember(order)
        self._executions.tell(EventKind.NEW, order, now_ms)
        self._enter(book, order, now_ms)
        return order

    def cancel(
        self, order: Order, now_ms: int, cancel_client_id: str = "", reason: EndReason = EndReason.OWNER
    ) -> None:
        """Cancel an open order. Raises OrderRefusedError(UNKNOWN_ORDER) when it is not open."""
        book = self._take_out(order)
        order.end_reason = reason
        self._touched[book.listing.symbol] = book
        late = self.order_faults.late_fill(order) if self.order_faults is not None else None
        self._executions.close(
            order,
            OrderStatus.CANCELED,
            EventKind.CANCELED,
            now_ms,
            cancel_client_id,
            keeps_funds=late is not None,
        )
        if late is not None:
            self._executions.trade_later(book, order, late[0], now_ms + late[1])

    def amend(
        self,
        order: Order,
        now_ms: int,
        *,
        price_ticks: int | None = None,
        size_lots: int | None = None,
        client_id: str | None = None,
        keeps_priority: bool = True,
    ) -> None:
        """Change an open order's price or size, and its owner's name for it. ``size_lots`` counts what has been filled.

        A smaller size at the same price leaves the order where it stands, if ``keeps_priority``. Every other change
        sends it to the back of its queue under the same id, and it may trade at once; a post-only order that would is
        cancelled instead. Raises OrderRefusedError, and the order is as it was.
        """
        if not self._orders.is_open(order):
            raise OrderRefusedError(Refusal.UNKNOWN_ORDER)
        book = self.books[order.listing.symbol]
        price = order.price_ticks if price_ticks is None else price_ticks
        size = order.size_lots if size_lots is None else size_lots
        check_amended(book, order, price, size)
        if client_id is not None and client_id != order.client_id:
            self._check_name(order.account, book.listing.symbol, client_id)
        remaining = size - order.filled_lots - order.prevented_lots
        stays = keeps_priority and price == order.price_ticks and size <= order.size_lots
        owner = order.account.owner
        walk = [] if stays else book.matcher.walk(order.side, price, remaining, owner, order.self_trade)
        self.ledger.reserve(order, price, remaining, walk)
        if stays and size < order.size_lots:
            book.matcher.reduce(order.order_id, order.size_lots - size)
        elif not stays:
            self._take_out(order)
        before = order.client_id
        order.price_ticks, order.size_lots = price, size
        if client_id is not None:
            self._orders.rename(order, client_id)
        self._executions.tell(EventKind.AMENDED, order, now_ms, other_client_id=before)
        if stays:
            self._touched[book.listing.symbol] = book
        else:
            self._enter(book, order, now_ms)

    def replace(
        self,
        old: Order | None,
        account: Account,
        wanted: NewOrder,
        now_ms: int,
        *,
        stop_on_failure: bool,
        cancel_client_id: str = "",
        only_status: OrderStatus | None = None,
    ) -> Replacement:
        """Cancel one order and place another. ``only_status``: cancel it only while it is in that status.

        The new order's price and size are checked before anything happens (raises OrderRefusedError); after that
        each of the two may fail by itself, and a cancel stands when the order that follows it is refused.
        """
        book = self.book(wanted.symbol)
        check_terms(book.listing, sized(book, account, wanted), book.last_price_ticks)
        canceled: Order | Refusal = Refusal.UNKNOWN_ORDER
        if old is not None and self._orders.is_open(old):
            if only_status in (None, old.status):
                self.cancel(old, now_ms, cancel_client_id)
                canceled = old
            else:
                canceled = Refusal.CANCEL_RESTRICTED
        if isinstance(canceled, Refusal) and stop_on_failure:
            return Replacement(canceled, None)
        try:
            return Replacement(canceled, self.place(account, wanted, now_ms))
        except OrderRefusedError as error:
            return Replacement(canceled, error.refusal)

    def place_for_market(
        self, book: VenueBook, side: Side, limit_ticks: int, size_lots: int, time_in_force: TimeInForce, now_ms: int
    ) -> int:
        """An order of the market's own account, unchecked. Returns its id, 0 when nothing of it rests."""
        order_id = self.new_order_id()
        outcome = book.matcher.place(order_id, side, limit_ticks, size_lots, time_in_force, NOBODY, SelfTrade.NONE)
        for step in outcome.steps:
            if isinstance(step, Match):
                self._executions.execute(book, None, side, step, now_ms)
        self._touched[book.listing.symbol] = book
        return order_id if outcome.resting_lots else 0

    def cancel_for_market(self, book: VenueBook, order_id: int) -> None:
        book.matcher.cancel(order_id)
        self._touched[book.listing.symbol] = book

    def fill_resting(self, book: VenueBook, order_id: int, match: Match, now_ms: int) -> None:
        """A resting order was traded with by a market that is not in the book (a recording)."""
        order = self._orders.find_open(order_id)
        if order is None:
            raise LookupError(f"order {order_id} is not open")
        self._executions.execute(book, None, order.side.opposite, match, now_ms)

    def show_trade(self, book: VenueBook, trade: MarketTrade, now_ms: int) -> None:
        """Others traded, in a market that is elsewhere."""
        match = Match(NO_MAKER, trade.price_ticks, trade.size_lots)
        self._executions.execute(book, None, trade.taker, match, now_ms)

    def show_changes(self, book: VenueBook) -> None:
        """A book changed without an order of this venue."""
        self._touched[book.listing.symbol] = book

    def book(self, symbol: str) -> VenueBook:
        """Raises OrderRefusedError(UNKNOWN_SYMBOL)."""
        found = self.books.get(symbol)
        if found is None:
            raise OrderRefusedError(Refusal.UNKNOWN_SYMBOL)
        return found

    def find_order(self, account: Account, symbol: str, order_id: int | None, client_id: str | None) -> Order | None:
        """An account's order by the venue's id or else by the client's; None when there is none that is remembered."""
        return self._orders.find(account, symbol, order_id, client_id)

    def open_orders(self, account: Account, symbol: str | None = None) -> list[Order]:
        """Oldest first."""
        return self._orders.open_orders(account, symbol)

    def orders(self, account: Account, symbol: str) -> list[Order]:
        """Open or remembered, by their ids."""
        return self._orders.every(account, symbol)

    def publish(self, now_ms: int) -> None:
        """Tell the listeners what has happened since the last call."""
        self._executions.trade_due(now_ms)
        events, trades = self._executions.take()
        if not (events or trades or self._touched):
            return
        if self.order_faults is not None:
            events = [told for event in events for told in (event,) * _tellings(event, self.order_faults)]
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
        self._check_name(account, wanted.symbol, wanted.client_id)
        check_new_order(book, account, wanted, len(self.open_orders(account, wanted.symbol)))
        if self._accepts_unfit:
            return
        if book.listing.linear and wanted.time_in_force is TimeInForce.FOK:
            walk = book.matcher.walk(
                wanted.side, wanted.price_ticks, wanted.size_lots, account.owner, wanted.self_trade
            )
            if sum(lots for _, lots in walk) < wanted.size_lots:
                raise OrderRefusedError(Refusal.UNFILLABLE)
        if wanted.time_in_force is TimeInForce.POST_ONLY and book.matcher.would_trade(wanted.side, wanted.price_ticks):
            raise OrderRefusedError(Refusal.WOULD_TAKE)

    def _check_name(self, account: Account, symbol: str, client_id: str) -> None:
        existing = self._orders.find(account, symbol, None, client_id)
        if existing is not None and existing.status.is_open:
            raise OrderRefusedError(Refusal.DUPLICATE_CLIENT_ID)

    def _walk(self, book: VenueBook, order: Order) -> list[tuple[int, int]]:
        """What it would trade at once, and what it would have transferred to it, which costs it the same."""
        mode = SelfTrade.NONE if order.self_trade is SelfTrade.TRANSFER else order.self_trade
        return book.matcher.walk(order.side, order.limit_ticks, order.remaining_lots, order.account.owner, mode)

    def _take_out(self, order: Order) -> VenueBook:
        """Out of the book with it. Raises OrderRefusedError(UNKNOWN_ORDER) when it does not stand there."""
        if not self._orders.is_open(order):
            raise OrderRefusedError(Refusal.UNKNOWN_ORDER)
        book = self.books[order.listing.symbol]
        book.matcher.cancel(order.order_id)
        self._orders.close(order)
        return book

    def _enter(self, book: VenueBook, order: Order, now_ms: int) -> None:
        """Let an order meet the book: it trades, then rests or ends."""
        self._touched[book.listing.symbol] = book
        outcome = book.matcher.place(
            order.order_id,
            order.side,
            order.limit_ticks,
            order.remaining_lots,
            order.time_in_force,
            order.account.owner,
            order.self_trade,
        )
        for step in outcome.steps:
            if isinstance(step, Match):
                self._executions.execute(book, order, order.side, step, now_ms)
            else:
                self._executions.prevent(book, order, step, now_ms)
        if outcome.resting_lots:
            self._orders.open(order)
        elif order.status.is_open:
            order.end_reason = _why_it_ended(order)
            self._executions.close(order, OrderStatus.EXPIRED, EventKind.EXPIRED, now_ms)


def _tellings(event: OrderEvent, faults: OrderFaults) -> int:
    """How often an event is told."""
    return 1 + faults.fill_copies(event) if event.kind is EventKind.TRADE else 1


def _why_it_ended(order: Order) -> EndReason:
    """Why an order that met the book neither filled nor rests."""
    if order.order_type is OrderType.MARKET:
        return EndReason.NO_LIQUIDITY
    if order.time_in_force is TimeInForce.FOK:
        return EndReason.FOK_UNFILLABLE
    return EndReason.WOULD_TAKE if order.time_in_force is TimeInForce.POST_ONLY else EndReason.IOC_REST
