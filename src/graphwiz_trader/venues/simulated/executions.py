"""What happens at a venue when orders meet: trades are booked or prevented, orders end, and each step is noted."""

from __future__ import annotations

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.ledger import Ledger
from graphwiz_trader.venues.simulated.matching import Match, Prevention, SelfTrade
from graphwiz_trader.venues.simulated.order_index import OrderIndex
from graphwiz_trader.venues.simulated.orders import (
    EndReason,
    EventKind,
    Execution,
    Order,
    OrderEvent,
    OrderStatus,
    PreventedMatch,
    PublicTrade,
)
from graphwiz_trader.venues.simulated.venue_book import VenueBook


class Executions:
    """Keeps the events and trades that nobody has been told of yet. ``market``: the account of everybody else."""

    def __init__(self, ledger: Ledger, orders: OrderIndex, market: Account) -> None:
        self._ledger = ledger
        self._orders = orders
        self._market = market
        self._events: list[OrderEvent] = []
        self._trades: list[PublicTrade] = []
        self._late: list[tuple[int, VenueBook, Order, int]] = []

    def take(self) -> tuple[list[OrderEvent], list[PublicTrade]]:
        """What has happened since the last call, each in order."""
        events, self._events = self._events, []
        trades, self._trades = self._trades, []
        return events, trades

    def execute(self, book: VenueBook, taker: Order | None, taker_side: Side, match: Match, now_ms: int) -> None:
        """Two orders trade. ``taker`` None: the market's own."""
        book.last_trade_id += 1
        book.last_price_ticks = match.price_ticks
        maker = self._orders.find_open(match.maker_id)
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

    def trade_later(self, book: VenueBook, order: Order, lots: int, at_ms: int) -> None:
        """The market trades then with an order that has ended, as maker at its price; it still has its funds bound."""
        self._late.append((at_ms, book, order, lots))

    def trade_due(self, now_ms: int) -> None:
        """What was to trade later and is due, trades."""
        due, self._late = [t for t in self._late if t[0] <= now_ms], [t for t in self._late if t[0] > now_ms]
        for _, book, order, lots in due:
            match = Match(order.order_id, order.price_ticks, lots)
            book.last_trade_id += 1
            self._fill(book, None, order.side.opposite, match, False, now_ms)
            self._fill(book, order, order.side, match, True, now_ms)

    def _fill(self, book: VenueBook, order: Order | None, side: Side, match: Match, maker: bool, now_ms: int) -> None:
        """Book one side of a trade; ``order`` None is the market's own side, which pays no fee."""
        listing = book.listing
        if order is None:
            self._ledger.settle(self._market, listing, side, match.price_ticks, match.size_lots, 0)
            return
        rate = listing.instrument.maker_fee_ppm if maker else listing.instrument.taker_fee_ppm
        charge = self._ledger.settle(order.account, listing, side, match.price_ticks, match.size_lots, rate)
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
        done = not order.remaining_lots
        if done:
            order.status = OrderStatus.FILLED
            self._orders.close(order)
        elif order.status.is_open:
            order.status = OrderStatus.PARTIALLY_FILLED
        self._ledger.release(order, is_open=order.status.is_open)
        self.tell(EventKind.TRADE, order, now_ms, execution)

    def prevent(self, book: VenueBook, taker: Order, prevention: Prevention, now_ms: int) -> None:
        """Two orders of one owner met: whoever loses lots is told, and ends when none are left."""
        maker = self._orders.find_open(prevention.maker_id)
        if maker is None:
            raise LookupError(
                f"order {prevention.maker_id} stands in the book of {book.listing.symbol}, but is not open"
            )
        mode = taker.self_trade
        if mode is SelfTrade.TRANSFER and maker.self_trade is not SelfTrade.TRANSFER:
            mode = SelfTrade.DECREMENT
        if mode is SelfTrade.TRANSFER and maker.account is not taker.account:
            for order in (maker, taker):
                self._ledger.settle(
                    order.account, book.listing, order.side, prevention.price_ticks, prevention.taker_lots, 0
                )
        book.last_prevented_id += 1
        prevented = PreventedMatch(
            book.last_prevented_id,
            taker.order_id,
            maker.order_id,
            mode,
            taker.account.trade_group,
            prevention.price_ticks,
            min(taker.remaining_lots, maker.remaining_lots),
            prevention.taker_lots,
            prevention.maker_lots,
            now_ms,
        )
        taker.prevented_matches.append(prevented)
        maker.prevented_matches.append(prevented)
        for order, lots in ((maker, prevention.maker_lots), (taker, prevention.taker_lots)):
            if lots:
                self._expire_in_match(order, lots, prevented, now_ms)

    def _expire_in_match(self, order: Order, lots: int, prevented: PreventedMatch, now_ms: int) -> None:
        order.prevented_lots += lots
        done = not order.remaining_lots
        if done:
            order.status, order.end_reason = OrderStatus.EXPIRED_IN_MATCH, EndReason.SELF_TRADE
            self._orders.close(order)
        self._ledger.release(order, is_open=not done)
        self.tell(EventKind.TRADE_PREVENTION, order, now_ms, prevented=prevented)

    def close(
        self,
        order: Order,
        status: OrderStatus,
        kind: EventKind,
        now_ms: int,
        cancel_client_id: str = "",
        *,
        keeps_funds: bool = False,
    ) -> None:
        """An order that no longer stands in the book ends. ``keeps_funds``: what it has bound is still needed."""
        order.status = status
        if not keeps_funds:
            self._ledger.release(order, is_open=False)
        self.tell(kind, order, now_ms, other_client_id=cancel_client_id)

    def tell(
        self,
        kind: EventKind,
        order: Order,
        now_ms: int,
        execution: Execution | None = None,
        *,
        other_client_id: str = "",
        prevented: PreventedMatch | None = None,
    ) -> None:
        """Note a step in an order's life."""
        order.updated_ms = now_ms
        self._events.append(
            OrderEvent(
                kind,
                order,
                order.status,
                order.filled_lots,
                order.quote_units,
                execution,
                other_client_id,
                now_ms,
                prevented,
            )
        )
