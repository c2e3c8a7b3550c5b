"""A strategy that never rests: it wants orders of every kind, all the time, and does not care what they bring."""

from __future__ import annotations

from graphwiz_trader.hft.events import Decision, OrderIntent, Side, TimeInForce
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.hft.strategies.base import HFTStrategy

_EVERY_NS = 5_000_000
"""Per book."""


class Restless(HFTStrategy):
    """Wants orders all the time, of every kind: one that takes, one that rests, a pair of both."""

    def __init__(self, books: OrderBookManager) -> None:
        super().__init__("restless", books, {})
        self._turns = 0
        self._acted_ns = [0] * len(books.instruments)

    def on_book(self, book: int, now_ns: int) -> Decision | None:
        if not self.may_act(book, now_ns) or now_ns - self._acted_ns[book] < _EVERY_NS:
            return None
        self._acted_ns[book] = now_ns
        self._turns += 1
        peers = self.books.peers[book].tolist()
        if self._turns % 2 == 0 and peers and self.books[peers[0]].is_trusted and self.may_act(peers[0], now_ns):
            other = peers[0]
            side = self._side(book)
            pair = (self._order(book, side, TimeInForce.IOC), self._order(other, side.opposite, TimeInForce.POST_ONLY))
            return self._decision(book, [intent for intent in pair if intent is not None], "a pair")
        rests = self._turns % 7 == 1
        intent = self._order(book, self._side(book), TimeInForce.GTC if rests else TimeInForce.IOC, joins=rests)
        return self._decision(book, [intent] if intent is not None else [], "a single one")

    def _side(self, book: int) -> Side:
        """Back to where it began, or now this way, now that."""
        held = self.positions.size_units(book)
        if held:
            return Side.SELL if held > 0 else Side.BUY
        return Side.BUY if self._turns % 2 else Side.SELL

    def _order(self, book: int, side: Side, force: TimeInForce, *, joins: bool = False) -> OrderIntent | None:
        instrument = self.books.instruments[book]
        own_side = side if joins or force is TimeInForce.POST_ONLY else side.opposite
        touch = self.books[book].best_bid if own_side is Side.BUY else self.books[book].best_ask
        if touch is None:
            return None
        lots = -(-instrument.min_notional_money * 12 // (touch[0] * instrument.tick_lot_money))
        lots = max(lots + -lots % instrument.size_step_lots, instrument.min_size_lots)
        return OrderIntent(
            strategy=self.name, book=book, side=side, price_ticks=touch[0], size_lots=lots, time_in_force=force
        )

    def _decision(self, book: int, intents: list[OrderIntent], reason: str) -> Decision | None:
        if not intents:
            return None
        return Decision(strategy=self.name, book=book, intents=tuple(intents), reason=reason)
