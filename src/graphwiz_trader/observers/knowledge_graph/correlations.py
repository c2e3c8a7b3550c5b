"""How instruments move together: the correlation of their mid prices' returns from second to second.

Returns are logarithmic, between pulses a second apart, of books that were trusted at both. A pair counts the seconds
in which both have a return: means, variances and covariance are Welford's, over those alone.

Source: Welford, "Note on a Method for Calculating Corrected Sums of Squares and Products", Technometrics 4 (1962).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from graphwiz_trader.hft.events import Trust
from graphwiz_trader.hft.pulse import BookPulse, Pulse

INTERVAL_NS = 1_000_000_000
SAMPLES_MIN = 30
"""Of fewer seconds a coefficient says nothing."""


class Correlations:
    """Over ``books`` books of one session. Give it every pulse, in order."""

    def __init__(self, books: int) -> None:
        self._log_mids: npt.NDArray[np.float64] = np.full(books, np.nan)
        self._due_ns = 0
        shape = (books, books)
        self._samples = np.zeros(shape)
        self._means = np.zeros(shape)  # [i, j]: of i's returns, over the seconds that i and j share
        self._squares = np.zeros(shape)
        self._products = np.zeros(shape)

    def add(self, pulse: Pulse, time_ns: int) -> bool:
        """True when a second was over and its returns were counted."""
        if time_ns < self._due_ns:
            return False
        self._due_ns = time_ns + INTERVAL_NS
        now = np.full_like(self._log_mids, np.nan)
        for book in pulse.books:
            if 0 <= book.book < len(now):
                now[book.book] = _log_mid(book)
        self._count(now - self._log_mids)
        self._log_mids = now
        return True

    def coefficients(self) -> Iterator[tuple[int, int, float, int]]:
        """(book, book, coefficient from -1 to 1, seconds) of each pair with enough of them that has moved."""
        for i, j in zip(*np.triu_indices(len(self._log_mids), 1), strict=True):
            samples = int(self._samples[i, j])
            spread = math.sqrt(self._squares[i, j] * self._squares[j, i])
            if samples >= SAMPLES_MIN and spread > 0.0:
                yield int(i), int(j), float(np.clip(self._products[i, j] / spread, -1.0, 1.0)), samples

    def _count(self, returns: npt.NDArray[np.float64]) -> None:
        has = np.isfinite(returns)
        both = np.outer(has, has)
        filled = np.where(has, returns, 0.0)
        self._samples += both
        before = np.where(both, filled[:, None] - self._means, 0.0)
        self._means += np.divide(before, self._samples, out=np.zeros_like(before), where=both)
        after = np.where(both, filled[:, None] - self._means, 0.0)
        self._squares += before * after
        self._products += before * after.T


def _log_mid(book: BookPulse) -> float:
    if book.trust is not Trust.LIVE or book.bid is None or book.ask is None:
        return math.nan
    mid = (float(book.bid) + float(book.ask)) / 2
    return math.log(mid) if mid > 0 else math.nan
