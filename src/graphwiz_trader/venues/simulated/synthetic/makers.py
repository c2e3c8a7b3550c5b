"""The standing quotes of one symbol on one venue: tight at the top, deeper further out, moved as their price moves.

The best bid and ask stand a tick apart and stay while the hidden price is near; when it has gone far enough, they
follow in one step, or one of them first: what the price comes at is pulled at once, what it leaves may wait until
somebody acts again. So do real ones: their spread is a tick nearly always, and their price moves a few times a second.
"""

from __future__ import annotations

from random import Random

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.venues.simulated.matching import MatchingEngine
from graphwiz_trader.venues.simulated.synthetic.character import Character
from graphwiz_trader.venues.simulated.synthetic.prices import VenueView
from graphwiz_trader.venues.simulated.venue import Venue
from graphwiz_trader.venues.simulated.venue_book import VenueBook

LEVELS = 16
LEVEL_WIDTH_BPS = 0.1
"""Level n stands n² times this behind the first: near the top levels are close together, further out not."""
STICKY_BPS = 0.42
STICKY_TICKS = 0.75
"""The best quotes follow the price when it is further than both of these from their middle."""
FULL_DEPTH_BPS = 2.5
TOP_SHARE_BPS = 0.3
"""Nearer the top there is less depth, in proportion to the distance and this much more."""
TOP_SPREAD_OF_SIZES = 1.0
SPREAD_OF_SIZES = 0.8
"""Standard deviations of a size's logarithm."""
TOP_OFTEN = 4
"""Quotes near the best price move oftenest, as in real books: the place of what moves is a random number to this
power."""


class Makers:
    """They pull what would trade with themselves, and put up again what has been taken."""

    def __init__(
        self,
        venue: Venue,
        book: VenueBook,
        engine: MatchingEngine,
        view: VenueView,
        character: Character,
        rng: Random,
    ) -> None:
        self._venue = venue
        self._book = book
        self._engine = engine
        self._view = view
        self._character = character
        self._rng = rng
        self._quotes: tuple[list[int], list[int]] = ([0] * LEVELS, [0] * LEVELS)
        self.best_bid_ticks = 0
        """Where their best bid belongs; their best ask a tick above."""

    def open(self, now_ms: int) -> None:
        """Fill the book for the first time."""
        self.best_bid_ticks = max(1, int(self._view.price_ticks(0.0)))
        for level in range(LEVELS):
            for side in Side:
                self._quote(side, level, now_ms)

    def act(self, time_ms: float, now_ms: int) -> None:
        """One of them moves a quote: the best to a price that has gone away, one that is missing there, or any."""
        price = self._view.price_ticks(time_ms)
        if abs(price - self.best_bid_ticks - 0.5) > max(STICKY_TICKS, price * STICKY_BPS * 1e-4):
            self._follow(price, now_ms)
            return
        for side in Side:
            if not self._is_at_its_place(side):
                self._quote(side, 0, now_ms)
                return
        level = int(LEVELS * self._rng.random() ** TOP_OFTEN)
        self._quote(self._rng.choice((Side.BUY, Side.SELL)), level, now_ms)

    def _follow(self, price: float, now_ms: int) -> None:
        before, self.best_bid_ticks = self.best_bid_ticks, max(1, int(price))
        ahead = Side.SELL if self.best_bid_ticks > before else Side.BUY
        self._quote(ahead, 0, now_ms)
        if self._rng.random() >= self._character.hesitation:
            self._quote(ahead.opposite, 0, now_ms)

    def _is_at_its_place(self, side: Side) -> bool:
        """Whether the best quote of a side stands, and where it belongs."""
        order_id = self._quotes[side][0]
        return order_id in self._engine and self._engine.resting(order_id).price_ticks == self._price(side, 0)

    def _quote(self, side: Side, level: int, now_ms: int) -> None:
        """Move one quote to where it belongs now, and with it the opposite ones that it would cross."""
        self._pull(side, level)
        price_ticks = self._price(side, level)
        crossed = self._crossed(side, price_ticks)
        for other in crossed:
            self._pull(side.opposite, other)
        self._place(side, level, price_ticks, now_ms)
        for other in crossed:
            self._place(side.opposite, other, self._price(side.opposite, other), now_ms)

    def _price(self, side: Side, level: int) -> int:
        best = self.best_bid_ticks if side is Side.BUY else self.best_bid_ticks + 1
        if level == 0:
            return best
        away_bps = (level**2 + self._rng.uniform(0.0, 2 * level + 1)) * LEVEL_WIDTH_BPS
        return max(1, best - side.sign * round(best * away_bps * 1e-4))

    def _place(self, side: Side, level: int, price_ticks: int, now_ms: int) -> None:
        size_lots = max(1, round(self._worth(level) / self._view.lot_dollars()))
        self._quotes[side][level] = self._venue.place_for_market(
            self._book, side, price_ticks, size_lots, TimeInForce.GTC, now_ms
        )

    def _worth(self, level: int) -> float:
        """In dollars: at the top its own median, further out what the distance to the next level is to hold."""
        if level == 0:
            return self._character.top * self._rng.lognormvariate(0.0, TOP_SPREAD_OF_SIZES)
        away_bps = (level**2 + level + 0.5) * LEVEL_WIDTH_BPS
        share = min(1.0, (away_bps + TOP_SHARE_BPS) / (FULL_DEPTH_BPS + TOP_SHARE_BPS))
        mean = self._character.depth_a_bps * share * (2 * level + 1) * LEVEL_WIDTH_BPS
        return mean * self._rng.lognormvariate(-(SPREAD_OF_SIZES**2) / 2, SPREAD_OF_SIZES)

    def _pull(self, side: Side, level: int) -> None:
        order_id = self._quotes[side][level]
        if order_id in self._engine:
            self._venue.cancel_for_market(self._book, order_id)
        self._quotes[side][level] = 0

    def _crossed(self, side: Side, price_ticks: int) -> list[int]:
        """The opposite levels that stand at or beyond a price: makers take stale quotes away, they do not trade
        with themselves."""
        best = self._engine.best(side.opposite)
        if best is None or (price_ticks - best) * side.sign < 0:
            return []
        return [
            level
            for level, order_id in enumerate(self._quotes[side.opposite])
            if order_id in self._engine and (price_ticks - self._engine.resting(order_id).price_ticks) * side.sign >= 0
        ]
