"""Streams that sum up what has happened: candles, tickers, averages, mark prices.

Each tells its forms when they have changed, once an interval at the most, and whole: a client that joins is told where
things stand. The times at which a form was made are no change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import msgspec

from graphwiz_trader.venues.simulated.binance.schedule import Schedule
from graphwiz_trader.venues.simulated.candles import Bar, Candle, Candles

Form: TypeAlias = dict[str, Any]
Maker: TypeAlias = Callable[[int], list[Form]]
"""Time → what there is to tell."""


class SummaryChannel:
    """One stream of one symbol, or of all of them."""

    def __init__(
        self,
        stream: str,
        interval_ms: int,
        makers: Sequence[Maker],
        *,
        is_array: bool = False,
        repeats: bool = False,
        no_news: frozenset[str] = frozenset({"E", "O", "C"}),
    ) -> None:
        """``makers``: one a symbol. ``is_array``: all news in one message. ``repeats``: what has not changed is told
        as well. ``no_news``: the names of what may differ in a form that has not changed."""
        self.stream = stream
        self._schedule = Schedule(interval_ms)
        self._makers = makers
        self._is_array = is_array
        self._repeats = repeats
        self._no_news = no_news
        self._told: dict[int, list[Form]] = {}

    def joined(self, *, is_first: bool) -> None:  # noqa: ARG002  # everybody wants to see where things stand
        self._told.clear()

    def collected(self, now_ms: int) -> list[bytes]:
        if not self._schedule.is_due(now_ms):
            return []
        news = [form for number, make in enumerate(self._makers) for form in self._new(number, make(now_ms))]
        if self._is_array:
            return [msgspec.json.encode(news)] if news else []
        return [msgspec.json.encode(form) for form in news]

    def _new(self, number: int, forms: list[Form]) -> list[Form]:
        known = self._told.get(number, [])
        kept = [{name: value for name, value in form.items() if name not in self._no_news} for form in forms]
        self._told[number] = kept
        return [form for form, what in zip(forms, kept, strict=True) if self._repeats or what not in known]


class KlineMaker:
    """The candle that is under way, and before it the one that has just ended."""

    def __init__(self, candles: Candles, bar: Bar, form: Callable[[Candle, int], Form]) -> None:
        """``form``: how a candle is written, at a time."""
        self._candles = candles
        self._bar = bar
        self._form = form
        self._begin_ms = 0

    def __call__(self, now_ms: int) -> list[Form]:
        begins = self._candles.begins(self._bar, now_ms)
        has_ended = self._begin_ms in begins[-2:-1]
        self._begin_ms = begins[-1] if begins else 0
        made = self._candles.made(self._bar, begins[-2:] if has_ended else begins[-1:])
        return [self._form(one, now_ms) for one in made]
