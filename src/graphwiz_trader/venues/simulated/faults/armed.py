"""One armed fault and its chances. Its own seeded generator draws once a chance, so other faults change nothing."""

from __future__ import annotations

from fnmatch import fnmatchcase
from random import Random

from graphwiz_trader.venues.simulated.faults.kinds import Delay, Fault


class Armed:
    """A fault in force at one venue. Times are ms of the venue's true clock."""

    def __init__(self, number: int, fault: Fault, seed: int, now_ms: int) -> None:
        self.number = number
        self.fault = fault
        self.chances = 0
        self.fired = 0
        self.armed_ms = now_ms
        self.lasts_until_ms = 0
        """A fault that lasts is in force until then."""
        self._random = Random(f"{seed} {number} {fault.fault}")  # noqa: S311  # chance that can be repeated is meant
        self._due_s = list(fault.at_s or (0.0,)) if fault.kind.happens_at_a_time and not self._has_chances else []

    @property
    def _has_chances(self) -> bool:
        """Whether it waits for chances; else it happens at its times."""
        return len(self.fault.kind.places) > self.fault.kind.happens_at_a_time and not self.fault.at_s

    @property
    def is_spent(self) -> bool:
        """It will not fire any more."""
        return not self._due_s if not self._has_chances else self.fired >= self.fault.times

    def concerns(self, account: str, *names: str) -> bool:
        """Whether something with one of these names is where this fault strikes."""
        fault = self.fault
        return fnmatchcase(account, fault.account) and any(
            fnmatchcase(name, channel) for channel in fault.channels for name in names
        )

    def fires(self, now_ms: int) -> bool:
        """Take a chance."""
        fault = self.fault
        since_s = (now_ms - self.armed_ms) / 1_000
        if not self._has_chances or self.is_spent or since_s < fault.from_s:
            return False
        if fault.until_s is not None and since_s > fault.until_s:
            return False
        self.chances += 1
        beyond = self.chances - fault.after
        if beyond <= 0:
            return False
        if fault.every is not None:
            strikes = beyond % fault.every == 0
        else:
            strikes = fault.probability is None or self._random.random() < fault.probability
        self.fired += strikes
        return strikes

    def falls_due(self, now_ms: int) -> bool:
        """Whether one of its times has come; each is told once."""
        if not self._due_s or (now_ms - self.armed_ms) / 1_000 < self._due_s[0]:
            return False
        self._due_s.pop(0)
        self.fired += 1
        return True

    def last(self, now_ms: int) -> None:
        """It has fired and is in force for its time, without end if it has none."""
        for_s = self.fault.for_s
        self.lasts_until_ms = now_ms + round(for_s * 1_000) if for_s is not None else 1 << 62

    def is_lasting(self, now_ms: int) -> bool:
        return now_ms < self.lasts_until_ms

    def draw_delay_s(self, default_ms: float = 0.0) -> float:
        """How long this time."""
        delay = self.fault.delay_ms or Delay("fixed", default_ms)
        if delay.law == "uniform":
            return self._random.uniform(delay.low, delay.high) / 1_000
        if delay.law == "exponential":
            return self._random.expovariate(1.0) * delay.low / 1_000
        return delay.low / 1_000
