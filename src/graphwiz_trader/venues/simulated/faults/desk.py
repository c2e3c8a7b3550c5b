"""The faults of every venue of an exchange together: armed from a plan, listed, added and cleared while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from graphwiz_trader.venues.simulated.faults.kinds import Fault
from graphwiz_trader.venues.simulated.faults.plan import MAX_FAULTS, FaultPlan, FaultPlanError
from graphwiz_trader.venues.simulated.faults.venue_faults import Faults


class FaultDesk:
    """Numbers the faults. One for every venue is armed at each, under one number, and counts there by itself."""

    def __init__(self, venues: Mapping[str, Faults], seed: int) -> None:
        self._venues = venues
        self._seed = seed
        self._last_number = 0

    @property
    def venues(self) -> tuple[str, ...]:
        return tuple(self._venues)

    def arm(self, plan: FaultPlan) -> list[int]:
        """Arm a plan's faults. Returns their numbers. Raises FaultPlanError when there would be too many."""
        if sum(len(faults.armed) for faults in self._venues.values()) + len(plan.faults) > MAX_FAULTS:
            raise FaultPlanError(f"more than {MAX_FAULTS} faults would be armed; clear some first")
        return [self._add(fault) for fault in plan.faults]

    def clear(self, number: int | None = None) -> bool:
        """Take back one fault, or all. Returns whether there was one."""
        return sum(faults.clear(number) for faults in self._venues.values()) > 0

    def listing(self) -> list[dict[str, Any]]:
        """Every armed fault at its venue, with how many chances it had and how often it fired."""
        return [
            {
                "number": armed.number,
                "at": venue,
                **msgspec.to_builtins(armed.fault),
                "chances": armed.chances,
                "fired": armed.fired,
                "spent": armed.is_spent,
            }
            for venue, faults in self._venues.items()
            for armed in faults.armed
        ]

    def _add(self, fault: Fault) -> int:
        self._last_number += 1
        for venue, faults in self._venues.items():
            if fault.venue in ("*", venue):
                faults.add(fault, self._last_number, self._seed)
        return self._last_number
