"""When somebody acts in a book of the synthetic market: takers bring takers along, and makers move with them.

Takers arrive as a Hawkes process with an exponential kernel: each raises the rate of the next, and what it raised
decays. Makers' rate goes partly along. Times are drawn by thinning (Ogata 1981, "On Lewis' simulation method for
point processes"); the kernel's decay makes the rate a recursion, so that an event costs the same after any history.
"""

from __future__ import annotations

import math
from random import Random

from graphwiz_trader.venues.simulated.synthetic.character import Character

MEMORY_MS = 120.0
"""In which what one taker raised falls to 1/e; clusters last longer by 1 / (1 - branching)."""
STEADY_SHARE = 0.4
"""Of the makers' rate: what takers do not move."""
BURST_PACE = 3.0
"""How much oftener takers come by themselves while the hidden price bursts."""


class Rhythm:
    """One book's. ``pace``: times its character's rates. Times in ms, never going back."""

    def __init__(self, character: Character, pace: float, rng: Random) -> None:
        self._rng = rng
        self._takers = character.takers_per_s * pace / 1_000
        self._quotes = character.quotes_per_s * pace / 1_000
        self._own = 1 - character.branching
        self._raise = character.branching / (MEMORY_MS * self._takers)
        self._raised = 0.0
        self._raised_ms = 0.0
        self.excitement = 1.0
        """Takers' rate when the last thing happened, by their mean rate."""

    def next(self, after_ms: float, is_bursting: bool) -> tuple[float, bool]:
        """When somebody acts next, and whether it is a taker."""
        own = self._own * (BURST_PACE if is_bursting else 1.0)
        time_ms = after_ms
        bound = self._rate(own + self._raised_at(time_ms))
        while True:
            time_ms += self._rng.expovariate(bound)
            level = own + self._raised_at(time_ms)
            rate = self._rate(level)
            drawn = self._rng.random() * bound
            if drawn < rate:
                break
            bound = rate
        self.excitement = level
        is_taker = drawn < self._takers * level
        if is_taker:
            self._raised = self._raised_at(time_ms) + self._raise
            self._raised_ms = time_ms
        return time_ms, is_taker

    def _raised_at(self, time_ms: float) -> float:
        """What is left of what takers raised, relative to their mean rate."""
        return self._raised * math.exp((self._raised_ms - time_ms) / MEMORY_MS)

    def _rate(self, level: float) -> float:
        return self._takers * level + self._quotes * (STEADY_SHARE + (1 - STEADY_SHARE) * level)
