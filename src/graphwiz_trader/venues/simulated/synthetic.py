"""The synthetic market: makers and takers who trade on the venues' own matching engines around a hidden price.

Everything it does is an order in the book, so that a user's orders compete with it by price and time. It moves
in virtual time by ``advance`` alone; the same seed gives the same sequence of market actions.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Protocol

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.hft.instruments import UNIT_DECIMALS
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.matching import MatchingEngine
from graphwiz_trader.venues.simulated.synthetic_prices import FairPrice, SymbolPrice, VenueView
from graphwiz_trader.venues.simulated.venue import Venue
from graphwiz_trader.venues.simulated.venue_book import VenueBook

START_PRICES = {"BTC": 61_800.0, "ETH": 2_680.0, "SOL": 152.0}
"""In dollars."""
DEFAULT_START_PRICE = 100.0
DOLLARS = frozenset({"USDT", "USDC", "USD"})
LEVELS = 16
HALF_SPREAD_BPS = 0.02
LEVEL_WIDTH_BPS = 0.1
"""Level n stands n² times this behind the first: near the top levels are close together, further out not."""
QUOTE_NOTIONAL = 60_000.0
"""What a maker's first quote is typically worth, in dollars, further out more; sizes are spread widely around it."""
TAKER_NOTIONAL = 2_700.0
TAKER_SHARE = 0.12
"""Of all actions."""
TAKER_REACH_BPS = 3.0
BURST_PACE = 3.0
LAG_MS = (0, 40, 60, 80)
"""How far behind the fair price the first, second, … venue is; recorded are up to 60 ms either way."""
DEFAULT_RATE_PER_S = 300.0
RUN_EVERY_S = 0.002
MAX_CATCH_UP_MS = 100


class Hosted(Protocol):
    """What stands around a venue: its server."""

    @property
    def venue(self) -> Venue: ...


class Maker:
    """The standing quotes of one symbol on one venue, and the takers who come by."""

    def __init__(self, venue: Venue, book: VenueBook, engine: MatchingEngine, view: VenueView, rng: Random) -> None:
        self.venue = venue
        self._book = book
        self._engine = engine
        self._view = view
        self._rng = rng
        instrument = book.listing.instrument
        self._tick = instrument.tick_units / 10**UNIT_DECIMALS
        self._lot = instrument.lot_units / 10**UNIT_DECIMALS
        self._contract_dollars = float(instrument.contract_value) if instrument.inverse else 0.0
        self._quotes: tuple[list[int], list[int]] = ([0] * LEVELS, [0] * LEVELS)

    def open(self, now_ms: int) -> None:
        """Fill the book for the first time."""
        for level in range(LEVELS):
            for side in Side:
                self._quote(side, level, 0.0, now_ms)

    def act(self, time_ms: float, now_ms: int) -> None:
        """One action of somebody: a quote moves, or a taker trades."""
        if self._rng.random() < TAKER_SHARE:
            self._take(time_ms, now_ms)
        else:
            # The square prefers the levels near the best price, where real books move most.
            level = int(LEVELS * self._rng.random() ** 2)
            self._quote(self._rng.choice((Side.BUY, Side.SELL)), level, time_ms, now_ms)

    def pause_ms(self, rate_per_ms: float) -> float:
        """How long until the next action."""
        return self._rng.expovariate(rate_per_ms * (BURST_PACE if self._view.is_bursting else 1.0))

    def _quote(self, side: Side, level: int, time_ms: float, now_ms: int) -> None:
        """Move one quote to where it belongs now, and with it the opposite ones that it would cross."""
        fair = self._view.price(time_ms)
        self._pull(side, level)
        price_ticks = self._price(side, level, fair)
        crossed = self._crossed(side, price_ticks)
        for other in crossed:
            self._pull(side.opposite, other)
        self._place(side, level, price_ticks, now_ms)
        for other in crossed:
            self._place(side.opposite, other, self._price(side.opposite, other, fair), now_ms)

    def _price(self, side: Side, level: int, fair: float) -> int:
        jitter = self._rng.uniform(0.0, (2 * level + 1) * LEVEL_WIDTH_BPS)
        distance_bps = HALF_SPREAD_BPS + level**2 * LEVEL_WIDTH_BPS + jitter
        return max(1, self._ticks(fair * (1 - side.sign * distance_bps * 1e-4), side))

    def _place(self, side: Side, level: int, price_ticks: int, now_ms: int) -> None:
        size_lots = max(1, round(QUOTE_NOTIONAL * self._rng.lognormvariate(0.0, 0.8) / self._lot_dollars()))
        self._quotes[side][level] = self.venue.place_for_market(
            self._book, side, price_ticks, size_lots, TimeInForce.GTC, now_ms
        )

    def _pull(self, side: Side, level: int) -> None:
        order_id = self._quotes[side][level]
        if order_id in self._engine:
            self.venue.cancel_for_market(self._book, order_id)
        self._quotes[side][level] = 0

    def _crossed(self, side: Side, price_ticks: int) -> list[int]:
        """The opposite levels that stand at or beyond a price: makers take stale quotes away, they do not trade
        with themselves."""
        return [
            level
            for level, order_id in enumerate(self._quotes[side.opposite])
            if order_id in self._engine and (price_ticks - self._engine.resting(order_id).price_ticks) * side.sign >= 0
        ]

    def _take(self, time_ms: float, now_ms: int) -> None:
        side = self._rng.choice((Side.BUY, Side.SELL))
        fair = self._view.price(time_ms)
        limit_ticks = max(1, self._ticks(fair * (1 + side.sign * TAKER_REACH_BPS * 1e-4), side))
        notional = TAKER_NOTIONAL * self._rng.lognormvariate(0.0, 1.0)
        size_lots = max(1, round(notional / self._lot_dollars()))
        self.venue.place_for_market(self._book, side, limit_ticks, size_lots, TimeInForce.IOC, now_ms)

    def _lot_dollars(self) -> float:
        """What a lot is worth; an inverse contract is worth the same at every price."""
        return self._contract_dollars or self._view.dollars() * self._lot

    def _ticks(self, price: float, side: Side) -> int:
        """Rounded away from the fair price."""
        ticks = price / self._tick
        return int(ticks) if side is Side.BUY else int(ticks) + 1


class SyntheticMarket:
    """A market for any number of venues that share one hidden price an asset.

    ``rate_per_s``: actions (a quote that moves, a trade) a second, over all venues and symbols.
    """

    def __init__(self, *, seed: int, rate_per_s: float = DEFAULT_RATE_PER_S) -> None:
        if rate_per_s <= 0:
            raise ValueError(f"a market's rate is above 0 actions a second, not {rate_per_s}")
        self._seed = seed
        self._rate_per_s = rate_per_s
        self._assets: dict[str, FairPrice] = {}
        self._engines: dict[tuple[str, str], MatchingEngine] = {}
        self._makers: list[Maker] = []
        self._due: list[tuple[float, int]] = []

    def matcher(self, exchange: str, listing: Listing) -> MatchingEngine:
        """Where a symbol's orders meet on a venue: one matching engine each."""
        return self._engines.setdefault((exchange, listing.symbol), MatchingEngine())

    def open(self, venues: Mapping[str, Hosted], now_ms: int) -> None:
        """Quote on all venues; virtual time begins at 0."""
        for position, (exchange, hosted) in enumerate(venues.items()):
            venue = hosted.venue
            for book in venue.books.values():
                instrument = book.listing.instrument
                rng = Random(f"{self._seed} {exchange} {instrument.symbol}")  # noqa: S311  # a market, not a secret
                quote = None if instrument.quote in DOLLARS else self._asset(instrument.quote)
                fair = SymbolPrice(self._asset(instrument.base), quote)
                view = VenueView(fair, LAG_MS[position % len(LAG_MS)], rng)
                engine = self._engines[exchange, book.listing.symbol]
                self._makers.append(Maker(venue, book, engine, view, rng))
        for index, maker in enumerate(self._makers):
            maker.open(now_ms)
            maker.venue.publish(now_ms)
            self._schedule(index, 0.0)

    def advance(self, time_ms: float, now_ms: int) -> None:
        """Do everything that happens up to a virtual time; ``now_ms`` is the venues' clock."""
        for maker, action_ms in self._actions(time_ms):
            maker.act(action_ms, now_ms)
            maker.venue.publish(now_ms)

    async def run(self, clock_ms: Callable[[], int]) -> None:
        """Let virtual time follow the clock. Time the process was held up for is left out, not caught up."""
        virtual_ms, before_ms = 0, clock_ms()
        while True:
            await asyncio.sleep(RUN_EVERY_S)
            now_ms = clock_ms()
            virtual_ms += min(max(0, now_ms - before_ms), MAX_CATCH_UP_MS)
            before_ms = now_ms
            self.advance(virtual_ms, now_ms)

    def _actions(self, until_ms: float) -> Iterator[tuple[Maker, float]]:
        while self._due and self._due[0][0] <= until_ms:
            action_ms, index = heapq.heappop(self._due)
            yield self._makers[index], action_ms
            self._schedule(index, action_ms)

    def _schedule(self, index: int, after_ms: float) -> None:
        rate_per_ms = self._rate_per_s / 1000 / len(self._makers)
        heapq.heappush(self._due, (after_ms + self._makers[index].pause_ms(rate_per_ms), index))

    def _asset(self, asset: str) -> FairPrice:
        if asset not in self._assets:
            start = START_PRICES.get(asset, DEFAULT_START_PRICE)
            common = Random(f"{self._seed} common")  # noqa: S311
            self._assets[asset] = FairPrice(start, Random(f"{self._seed} {asset}"), common)  # noqa: S311
        return self._assets[asset]
