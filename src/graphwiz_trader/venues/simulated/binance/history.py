"""How a client asks for a part of a list: from an id, between two times, at most so many.

Source: Binance spot API docs, "All orders", "Account trade list", "Compressed/Aggregate trades list".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self, TypeVar

import msgspec

from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.parameters import Parameters, invalid

T = TypeVar("T")


class Span(msgspec.Struct, frozen=True):
    """``startTime``, ``endTime`` (ms, both included) and ``limit``."""

    start_ms: int | None
    end_ms: int | None
    limit: int

    @classmethod
    def of(cls, parameters: Parameters, default: int = 500, at_most: int = 1000) -> Self:
        """Raises BinanceError for what is no span."""
        limit = parameters.optional_integer("limit")
        if limit is not None and limit < 1:
            raise invalid("limit")
        start_ms, end_ms = parameters.optional_integer("startTime"), parameters.optional_integer("endTime")
        if start_ms is not None and end_ms is not None and start_ms > end_ms:
            raise BinanceError(-1127, "Start time is greater than end time.")
        return cls(start_ms, end_ms, min(limit or default, at_most))

    def choose(
        self, of: Sequence[T], id_of: Callable[[T], int], time_of: Callable[[T], int], from_id: int | None = None
    ) -> Sequence[T]:
        """The ones asked for, in their order: the first from an id or a time on, else the last."""
        chosen = [
            one
            for one in of
            if (from_id is None or id_of(one) >= from_id)
            and (self.start_ms is None or time_of(one) >= self.start_ms)
            and (self.end_ms is None or time_of(one) <= self.end_ms)
        ]
        begins = from_id is not None or self.start_ms is not None
        return chosen[: self.limit] if begins else chosen[-self.limit :]
