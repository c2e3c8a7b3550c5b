"""A trader whose strategy only leaves orders resting, far from the market: ``python resting_child.py trade …``."""

from __future__ import annotations

from graphwiz_trader.assembly import core
from graphwiz_trader.cli import main
from graphwiz_trader.config import HftConfig
from graphwiz_trader.hft.events import Decision, OrderIntent, Side, TimeInForce
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.hft.strategies.base import HFTStrategy

_MOST = 2
"""A book."""


class Resting(HFTStrategy):
    """Buys at a price that the market will hardly come to."""

    def __init__(self, books: OrderBookManager) -> None:
        super().__init__("resting", books, {})

    def on_book(self, book: int, now_ns: int) -> Decision | None:
        touch = self.books[book].best_bid
        if touch is None or len(self._working[book]) == _MOST:
            return None
        instrument = self.books.instruments[book]
        price_ticks = touch[0] * 96 // 100
        price_ticks -= price_ticks % instrument.price_step_ticks
        lots = -(-instrument.min_notional_money * 2 // (price_ticks * instrument.tick_lot_money))
        intent = OrderIntent(
            strategy=self.name,
            book=book,
            side=Side.BUY,
            price_ticks=price_ticks,
            size_lots=max(lots + -lots % instrument.size_step_lots, instrument.min_size_lots),
            time_in_force=TimeInForce.GTC,
        )
        return Decision(strategy=self.name, book=book, intents=(intent,), reason="one more")


def _strategies(_config: HftConfig, books: OrderBookManager) -> tuple[HFTStrategy, ...]:
    strategy = Resting(books)
    strategy.start()
    return (strategy,)


if __name__ == "__main__":
    core.build_strategies = _strategies
    main()
