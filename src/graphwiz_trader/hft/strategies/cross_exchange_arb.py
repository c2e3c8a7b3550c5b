"""Cross-exchange arbitrage: buy where a symbol is cheap and sell where it is dear, at the same moment.

When a cross nets ``min_profit_bps`` after both taker fees, both legs go out together as immediate-or-cancel limits,
sized by what both books show at prices that still net as much, and by ``max_position_size``.
"""

from __future__ import annotations

from math import lcm

from graphwiz_trader.hft.events import Decision, OrderIntent, Side
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.hft.strategies.base import HFTStrategy

NAME = "cross_exchange_arbitrage"


class CrossExchangeArbitrage(HFTStrategy):
    """``max_position_money``: the most that a position of ours may be worth on either exchange, in money."""

    def __init__(self, books: OrderBookManager, *, min_profit_bps: float, max_position_money: int) -> None:
        super().__init__(NAME, books, {"min_profit_bps": min_profit_bps})
        self._min_profit_bps = min_profit_bps
        self._max_position_money = max_position_money

    def on_book(self, book: int, now_ns: int) -> Decision | None:
        """Acts on what the engine's scan of this event has found."""
        best: tuple[int, int, float] | None = None
        for cross in self.books.crosses(book):
            if cross[2] >= self._min_profit_bps and (best is None or cross[2] > best[2]):
                best = cross
        if best is None or not (self.may_act(best[0], now_ns) and self.may_act(best[1], now_ns)):
            return None
        return self._legs(book, *best)

    def _legs(self, book: int, buy_book: int, sell_book: int, net_bps: float) -> Decision | None:
        buy, sell = self.books.instruments[buy_book], self.books.instruments[sell_book]
        buy_ticks, sell_ticks, buy_lots, sell_lots = self.books.walk(buy_book, sell_book, self._min_profit_bps)
        if not buy_lots or not sell_lots:
            return None
        shown_units = min(buy_lots * buy.lot_units, sell_lots * sell.lot_units)
        buy_price_units, sell_price_units = buy_ticks * buy.tick_units, sell_ticks * sell.tick_units
        room_units = min(
            self._max_position_money // buy_price_units - self.positions.size_units(buy_book),
            self._max_position_money // sell_price_units + self.positions.size_units(sell_book),
        )
        step_units = lcm(buy.size_step_units, sell.size_step_units)
        size_units = min(shown_units, room_units) // step_units * step_units
        if size_units <= 0:
            return None
        bought = self._leg(buy_book, Side.BUY, buy_ticks, size_units)
        sold = self._leg(sell_book, Side.SELL, sell_ticks, size_units)
        if bought is None or sold is None:
            return None
        return Decision(strategy=self.name, book=book, intents=(bought, sold), reason=f"net {net_bps:.2f} bps")

    def _leg(self, book: int, side: Side, price_ticks: int, size_units: int) -> OrderIntent | None:
        """None when the venue would not take so small an order."""
        instrument = self.books.instruments[book]
        size_lots = size_units // instrument.lot_units
        price_ticks = instrument.on_price_step(side, price_ticks)
        if not instrument.takes(price_ticks, size_lots):
            return None
        return OrderIntent(strategy=self.name, book=book, side=side, price_ticks=price_ticks, size_lots=size_lots)
