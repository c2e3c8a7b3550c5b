"""Statistical arbitrage: a mid price far from its rolling mean is expected back.

Per book: when the z-score of the mid over the last ``lookback_period`` values is beyond ``z_score_threshold``, take
the side that profits from its return; when it is back at the mean, close. Entries and exits are immediate-or-cancel
limits at the touch, never larger than what is shown there.

A z-score knows nothing of costs: in a calm market two deviations are less than the fees. ``min_profit_bps`` asks that
the way back pays for itself.
"""

from __future__ import annotations

import math

import numpy as np

from graphwiz_trader.hft.events import Decision, OrderIntent, Side
from graphwiz_trader.hft.kernels.jit import direct
from graphwiz_trader.hft.kernels.signals import Z_ANCHOR, Z_ARGUMENTS, Z_RING, Z_SUM, z_score
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.hft.strategies.base import HFTStrategy

NAME = "statistical_arbitrage"


class StatisticalArbitrage(HFTStrategy):
    """``max_position_money``: the most held of one instrument, in money of the quote currency.

    ``min_profit_bps``: what an entry must net when the mid returns to its mean, both taker fees and the spread paid;
    None does not ask.
    """

    def __init__(
        self,
        books: OrderBookManager,
        *,
        lookback_period: int,
        z_score_threshold: float,
        max_position_money: int,
        min_profit_bps: float | None = None,
    ) -> None:
        parameters = {"lookback_period": lookback_period, "z_score_threshold": z_score_threshold}
        super().__init__(NAME, books, parameters | {"min_profit_bps": min_profit_bps})
        self._lookback = lookback_period
        self._threshold = z_score_threshold
        self._min_profit_bps = min_profit_bps
        self._max_position_money = max_position_money
        self._z_score = direct(z_score, Z_ARGUMENTS)
        self._states = np.zeros((len(books.instruments), Z_RING + lookback_period), np.int64)

    def on_book(self, book: int, now_ns: int) -> Decision | None:
        z = self._z_score(self._states, self.books.records, book)
        held_units = self.positions.size_units(book)
        is_near = -self._threshold < z < self._threshold or math.isnan(z)
        is_back = (z >= 0.0 if held_units > 0 else z <= 0.0) if held_units else False
        if (is_near and not is_back) or not self.may_act(book, now_ns):
            return None
        if held_units and self._could_close(book, held_units):
            return self._exit(book, held_units, z) if is_back else None
        return None if is_near else self._enter(book, held_units, z)

    def _could_close(self, book: int, held_units: int) -> bool:
        """Whether the venue takes orders so small: a rest below that waits to be closed with the next position."""
        instrument = self.books.instruments[book]
        lots = abs(held_units) // instrument.lot_units
        lots -= lots % instrument.size_step_lots
        value_money = instrument.notional_money(self.books.mid2_ticks(book), lots) // 2
        return lots >= instrument.min_size_lots and value_money >= instrument.min_notional_money

    def _enter(self, book: int, held_units: int, z: float) -> Decision | None:
        instrument = self.books.instruments[book]
        side = Side.SELL if z > 0 else Side.BUY
        if side is Side.SELL and not instrument.can_short:
            return None
        touch = self.books[book].best_bid if side is Side.SELL else self.books[book].best_ask
        if touch is None:
            return None
        price_ticks, shown_lots = touch
        if self._min_profit_bps is not None and self._return_bps(book, price_ticks) < self._min_profit_bps:
            return None
        affordable_lots = self._max_position_money // (price_ticks * instrument.tick_lot_money)
        affordable_lots -= side.sign * held_units // instrument.lot_units
        return self._decide(book, side, price_ticks, min(shown_lots, affordable_lots), z, reduces=False)

    def _return_bps(self, book: int, price_ticks: int) -> float:
        """What the mid's return to its mean would net of an entry at that touch."""
        mean2_ticks = self._states[book, Z_ANCHOR] + self._states[book, Z_SUM] / self._lookback
        mid2_ticks = self.books.mid2_ticks(book)
        spread_ticks = abs(2 * price_ticks - mid2_ticks)
        gain_ticks = abs(mean2_ticks - mid2_ticks) / 2 - spread_ticks
        return float(gain_ticks / price_ticks) * 1e4 - 2 * self.books.instruments[book].taker_fee_ppm / 100

    def _exit(self, book: int, held_units: int, z: float) -> Decision | None:
        side = Side.SELL if held_units > 0 else Side.BUY
        touch = self.books[book].best_bid if side is Side.SELL else self.books[book].best_ask
        if touch is None:
            return None
        price_ticks, shown_lots = touch
        held_lots = abs(held_units) // self.books.instruments[book].lot_units
        return self._decide(book, side, price_ticks, min(shown_lots, held_lots), z, reduces=True)

    def _decide(
        self, book: int, side: Side, price_ticks: int, size_lots: int, z: float, *, reduces: bool
    ) -> Decision | None:
        instrument = self.books.instruments[book]
        size_lots -= size_lots % instrument.size_step_lots
        price_ticks = instrument.on_price_step(side, price_ticks)
        if not instrument.takes(price_ticks, size_lots):
            return None
        intent = OrderIntent(
            strategy=self.name, book=book, side=side, price_ticks=price_ticks, size_lots=size_lots, reduces=reduces
        )
        reason = f"{'exit' if reduces else 'entry'} z={z:.3f}"
        return Decision(strategy=self.name, book=book, intents=(intent,), reason=reason)
