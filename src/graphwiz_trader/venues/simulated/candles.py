"""What was traded at one symbol, step by step: candles of any length, and the figures of the last day.

A span without a trade has a candle that is flat at the last price before it. There are none from before the first
trade, or from before what is remembered.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from copy import copy
from itertools import islice
from typing import NamedTuple

from graphwiz_trader.venues.simulated.orders import PublicTrade

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
_REMEMBERED_STEPS = 2 * DAY_MS // MINUTE_MS
_NO_TRADE = -1


class Bar(NamedTuple):
    """A length of candles, and how much earlier than by UTC they begin."""

    length_ms: int
    early_ms: int = 0

    def begin_ms(self, time_ms: int) -> int:
        """When the candle that a time is in begins."""
        return (time_ms + self.early_ms) // self.length_ms * self.length_ms - self.early_ms


class Candle:
    """The trades of one span of time. Prices in ticks, sizes in lots, amounts as `Listing.traded_units`."""

    __slots__ = (
        "begin_ms",
        "bought_lots",
        "bought_units",
        "close",
        "count",
        "first_id",
        "high",
        "last_id",
        "lots",
        "low",
        "open",
        "units",
    )

    def __init__(self, begin_ms: int, price_ticks: int) -> None:
        """Flat at a price, until there is a trade."""
        self.begin_ms = begin_ms
        self.open = self.high = self.low = self.close = price_ticks
        self.lots = self.units = self.count = self.bought_lots = self.bought_units = 0
        self.first_id = self.last_id = _NO_TRADE

    def add(self, trade: PublicTrade) -> None:
        one = Candle(self.begin_ms, trade.price_ticks)
        one.first_id = one.last_id = trade.trade_id
        one.lots = trade.size_lots
        one.units = trade.listing.traded_units(trade.price_ticks, trade.size_lots)
        one.count = 1
        if not trade.buyer_is_maker:
            one.bought_lots, one.bought_units = one.lots, one.units
        self.join(one)

    def join(self, later: Candle) -> None:
        """Add a later one, which has trades."""
        if not self.count:
            self.open = self.high = self.low = later.open
            self.first_id = later.first_id
        self.high, self.low = max(self.high, later.high), min(self.low, later.low)
        self.close, self.last_id = later.close, later.last_id
        self.lots += later.lots
        self.units += later.units
        self.count += later.count
        self.bought_lots += later.bought_lots
        self.bought_units += later.bought_units


class Window(NamedTuple):
    """A span that ends now."""

    candle: Candle
    before_ticks: int
    """The last price before it, as far as that is remembered; 0: there was none."""


class Candles:
    """The candles of one symbol, made of steps of time."""

    def __init__(self, step_ms: int = MINUTE_MS, remembered_steps: int = _REMEMBERED_STEPS) -> None:
        """The lengths that are asked for are whole numbers of steps."""
        self._step = Bar(step_ms)
        self._steps: deque[Candle] = deque(maxlen=remembered_steps)
        self._windows: dict[int, tuple[tuple[int, int], Window]] = {}
        self.last: PublicTrade | None = None

    def traded(self, trade: PublicTrade) -> None:
        begin_ms = self._step.begin_ms(trade.time_ms)
        if not self._steps or self._steps[-1].begin_ms != begin_ms:
            self._steps.append(Candle(begin_ms, trade.price_ticks))
        self._steps[-1].add(trade)
        self.last = trade

    def begins(self, bar: Bar, now_ms: int) -> range:
        """When the candles there are begin, the oldest first."""
        if not self._steps:
            return range(0)
        return range(bar.begin_ms(self._steps[0].begin_ms), bar.begin_ms(now_ms) + 1, bar.length_ms)

    def made(self, bar: Bar, begins: Sequence[int]) -> list[Candle]:
        """The candles that begin then: a part of ``begins(bar, …)``."""
        if not begins:
            return []
        within: dict[int, list[Candle]] = {}
        for step in reversed(self._steps):
            if step.begin_ms < begins[0]:
                price = step.close
                break
            within.setdefault(bar.begin_ms(step.begin_ms), []).append(step)
        else:
            price = self._steps[0].open
        candles = []
        for begin_ms in begins:
            candles.append(_joined(Candle(begin_ms, price), reversed(within.get(begin_ms, []))))
            price = candles[-1].close
        return candles

    def newest(self, bar: Bar, now_ms: int) -> Candle | None:
        """The one that a time is in; None before the first trade."""
        made = self.made(bar, self.begins(bar, now_ms)[-1:])
        return made[0] if made else None

    def window(self, span_ms: int, now_ms: int) -> Window | None:
        """What was traded in the last so many ms, and up to one step more. None when nothing was."""
        first_ms = self._step.begin_ms(now_ms - span_ms)
        if not self._steps or self._steps[-1].begin_ms < first_ms:
            return None
        newest = self._steps[-1]
        key = (first_ms, newest.begin_ms)
        known = self._windows.get(span_ms)
        if known is None or known[0] != key:
            known = self._windows[span_ms] = (key, self._complete(first_ms))
        complete = known[1]
        whole = copy(complete.candle)
        whole.join(newest)
        return Window(whole, complete.before_ticks)

    def _complete(self, first_ms: int) -> Window:
        """All steps from a time on but the newest, which still grows."""
        whole, before = Candle(first_ms, 0), 0
        for step in islice(self._steps, len(self._steps) - 1):
            if step.begin_ms < first_ms:
                before = step.close
            else:
                whole.join(step)
        return Window(whole, before)


def _joined(flat: Candle, steps: Iterable[Candle]) -> Candle:
    for step in steps:
        flat.join(step)
    return flat
