"""The hidden prices of the synthetic market: one an asset, a symbol's of its two, and each venue's late, noisy view.

A fair price is a random walk with bursts. A venue sees it some milliseconds late, with a slowly wandering basis,
and now and then gets dislocated by more than both venues' taker fees together: that is where an opportunity
between venues comes from, and why it vanishes within seconds. All of it is seeded; none of it is money, so plain
floats are fine.
"""

from __future__ import annotations

import math
from collections import deque
from random import Random

from graphwiz_trader.hft.instruments import UNIT_DECIMALS, Instrument

STEP_MS = 20
"""The walk moves in steps of this length."""
CALM_VOLATILITY_BPS = 0.77
"""Per square root of a second; with the bursts 1.2, as recorded (docs/synthetic_market.md)."""
COMMON_SHARE = 0.95
"""How much of an asset's variance all assets share; bursts and the venues' own noise take from what is seen of it."""
BURST_FACTOR = 5.0
BURST_EVERY_MS = 25_000.0
BURST_LASTS_MS = 1_500.0
BASIS_BPS = 0.3
BASIS_MEMORY_MS = 2_000.0
DISLOCATION_EVERY_MS = 45_000.0
DISLOCATION_BPS = (20.0, 45.0)
DISLOCATION_HALF_LIFE_MS = 1_200.0
LAGS_MS = (0, 0, 20, 40, 60)
"""How far a venue is behind the fair price, each as likely: now one venue leads, now another, as recorded."""
LAG_LASTS_MS = 2_000.0


class FairPrice:
    """One asset's hidden price in dollars. It answers for the last LAGS_MS before the time it was advanced to.

    ``common`` draws what all assets share: each is given one that draws the same.
    """

    def __init__(self, start: float, rng: Random, common: Random) -> None:
        self._log = math.log(start)
        self._rng = rng
        self._common = common
        self._step = 0
        self._burst_until_ms = 0.0
        self._history: deque[float] = deque([self._log], maxlen=max(LAGS_MS) // STEP_MS + 1)

    def advance(self, time_ms: float) -> None:
        per_step = CALM_VOLATILITY_BPS * 1e-4 * math.sqrt(STEP_MS / 1000)
        while (self._step + 1) * STEP_MS <= time_ms:
            self._step += 1
            if self._rng.random() < STEP_MS / BURST_EVERY_MS:
                self._burst_until_ms = self._step * STEP_MS + self._rng.expovariate(1 / BURST_LASTS_MS)
            drawn = math.sqrt(COMMON_SHARE) * self._common.gauss(0.0, 1.0)
            drawn += math.sqrt(1 - COMMON_SHARE) * self._rng.gauss(0.0, 1.0)
            self._log += drawn * per_step * (BURST_FACTOR if self.is_bursting else 1.0)
            self._history.append(self._log)

    @property
    def is_bursting(self) -> bool:
        return self._step * STEP_MS < self._burst_until_ms

    def log_price(self, lag_ms: int) -> float:
        """Its logarithm as it was ``lag_ms`` ago."""
        return self._history[max(0, len(self._history) - 1 - lag_ms // STEP_MS)]


class SymbolPrice:
    """What a base asset is worth in a quote asset: one hidden price by the other, so that triangles close.

    ``quote`` None is a dollar.
    """

    def __init__(self, base: FairPrice, quote: FairPrice | None) -> None:
        self._base = base
        self._quote = quote

    def advance(self, time_ms: float) -> None:
        self._base.advance(time_ms)
        if self._quote is not None:
            self._quote.advance(time_ms)

    @property
    def is_bursting(self) -> bool:
        return self._base.is_bursting or (self._quote is not None and self._quote.is_bursting)

    def log_price(self, lag_ms: int) -> float:
        """Its logarithm as it was ``lag_ms`` ago."""
        return self._base.log_price(lag_ms) - (self._quote.log_price(lag_ms) if self._quote is not None else 0.0)

    def dollars(self) -> float:
        """What one of the base asset is worth now."""
        return math.exp(self._base.log_price(0))


class VenueView:
    """What one venue's makers believe a symbol is worth, in the ticks and lots of its instrument there."""

    def __init__(self, fair: SymbolPrice, instrument: Instrument, rng: Random, *, is_dislocated: bool) -> None:
        self._fair = fair
        self._tick: float = instrument.tick_units / 10**UNIT_DECIMALS
        self._lot: float = instrument.lot_units / 10**UNIT_DECIMALS
        self._contract_dollars = float(instrument.contract_value) if instrument.inverse else 0.0
        self._chance_of_dislocation = STEP_MS / DISLOCATION_EVERY_MS if is_dislocated else 0.0
        self._lag_ms = rng.choice(LAGS_MS)
        self._rng = rng
        self._step = 0
        self._basis = 0.0
        self._dislocation = 0.0

    def price_ticks(self, time_ms: float) -> float:
        """At a time that never goes back; between ticks as it may be."""
        self._fair.advance(time_ms)
        pull = STEP_MS / BASIS_MEMORY_MS
        decay = 0.5 ** (STEP_MS / DISLOCATION_HALF_LIFE_MS)
        while (self._step + 1) * STEP_MS <= time_ms:
            self._step += 1
            self._basis += -pull * self._basis + self._rng.gauss(0.0, BASIS_BPS * math.sqrt(2 * pull))
            self._dislocation *= decay
            if self._rng.random() < STEP_MS / LAG_LASTS_MS:
                self._lag_ms = self._rng.choice(LAGS_MS)
            if self._rng.random() < self._chance_of_dislocation:
                self._dislocation = self._rng.choice((-1.0, 1.0)) * self._rng.uniform(*DISLOCATION_BPS)
        return math.exp(self._fair.log_price(self._lag_ms) + (self._basis + self._dislocation) * 1e-4) / self._tick

    @property
    def is_bursting(self) -> bool:
        return self._fair.is_bursting

    def lot_dollars(self) -> float:
        """What a lot is worth, as of the last `price_ticks`; an inverse contract is worth the same at every price."""
        return self._contract_dollars or self._fair.dollars() * self._lot
