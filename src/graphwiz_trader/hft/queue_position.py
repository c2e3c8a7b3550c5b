"""Where a resting order stands among the orders at its price, in a market that shows sizes and not orders.

Behind everything that is visible when it arrives. Trades at the price take from the front. What else makes the level
smaller was cancelled, ahead of the order or behind it, and nobody can see which; two rules:

``RISK_AVERSE``    all of it stood behind: only trades advance an order.
``PROBABILISTIC``  it stood ahead with probability f(ahead) / (f(ahead) + f(behind)), where f(x) = x: every lot of
                   the level is as likely to be the one. The order advances by the expected value, kept to a fraction
                   of a lot, so that the same market always gives the same fills.

Source: E. Rigtorp, "Estimating order queue position" (2013), whose V, Q and f these are; the first rule is known as the
risk-averse queue model (hftbacktest, "Queue models").
"""

from __future__ import annotations

from enum import IntEnum

_PARTS = 1 << 16
"""A lot's fractions, in which an advance is kept."""


class QueueRule(IntEnum):
    """What a cancellation at the level says about an order's place."""

    RISK_AVERSE = 0
    PROBABILISTIC = 1


class QueuePosition:
    """One order's place: how much stands ahead of it at its price."""

    __slots__ = ("_ahead_parts", "_rule")

    def __init__(self, ahead_lots: int, rule: QueueRule) -> None:
        self._ahead_parts = ahead_lots * _PARTS
        self._rule = rule

    @property
    def ahead_lots(self) -> int:
        """A begun lot counts as a whole one."""
        return -(-self._ahead_parts // _PARTS)

    def traded(self, size_lots: int) -> int:
        """A trade took so much from the front of the level. Returns how much of it went beyond what stood ahead."""
        ahead_lots = self.ahead_lots
        self._ahead_parts = max(0, self._ahead_parts - size_lots * _PARTS)
        return max(0, size_lots - ahead_lots)

    def shrank(self, size_lots: int, level_lots: int) -> None:
        """So much of a level of ``level_lots`` (> 0) was cancelled."""
        if self._rule is QueueRule.PROBABILISTIC:
            self._ahead_parts -= self._ahead_parts * min(size_lots, level_lots) // level_lots

    def at_most(self, level_lots: int) -> None:
        """No more can stand ahead than the level shows."""
        self._ahead_parts = min(self._ahead_parts, level_lots * _PARTS)

    def behind(self, other: QueuePosition) -> None:
        """This order came later than ``other``: it cannot stand before it."""
        self._ahead_parts = max(self._ahead_parts, other._ahead_parts)
