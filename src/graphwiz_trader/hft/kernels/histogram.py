"""A latency histogram: log-linear buckets, a constant 1.6 % of the value wide, one integer add an entry."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from graphwiz_trader.hft.kernels.jit import kernel

_SUB_BITS = 6
_SUB = 1 << _SUB_BITS
BUCKETS = 40 * _SUB
"""Covers up to 2^44 ns, about five hours; longer ones count in the last bucket."""


@kernel
def add(counts: npt.NDArray[np.int64], value_ns: int) -> None:
    """Count one value; ``counts``: int64 (BUCKETS,). A negative value, from a clock set back, counts as 0."""
    counts[bucket(value_ns)] += 1


@kernel
def bucket(value_ns: int) -> int:
    """The bucket of a value: exact below 64 ns, then 64 buckets to each doubling."""
    if value_ns < _SUB:
        return max(value_ns, 0)
    shift = 0
    while value_ns >> shift >= 2 * _SUB:
        shift += 1
    return min(shift * _SUB + (value_ns >> shift), BUCKETS - 1)


def upper_ns(index: int) -> int:
    """The largest value that ``bucket`` puts into ``index``."""
    if index < 2 * _SUB:
        return index
    shift = index // _SUB - 1
    return ((index - shift * _SUB + 1) << shift) - 1
