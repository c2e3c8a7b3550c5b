"""Numbers of binary frames: little-endian integers in place, and mantissas with an exponent as ticks or lots."""

from __future__ import annotations

import numpy as np

from graphwiz_trader.hft.kernels.frames import Frame, byte_at
from graphwiz_trader.hft.kernels.jit import inlined
from graphwiz_trader.hft.kernels.json_scan import MAX_DIGITS, REFUSED

_POWERS = np.array([10**exponent for exponent in range(MAX_DIGITS + 1)], np.int64)


@inlined
def little_endian(frame: Frame, position: int, size: int) -> int:
    """``size`` bytes, which the caller has checked to be inside: signed when they are eight, else not."""
    value = 0
    for i in range(size):
        value |= byte_at(frame, position + i) << (8 * i)
    return value


@inlined
def scaled(mantissa: int, exponent: int, decimals: int, step: int) -> int:
    """``mantissa × 10^exponent`` as a whole number of steps of ``step × 10^-decimals``, or REFUSED.

    Refused as in text: what is negative, no whole number of steps, or needs more than 18 digits.
    """
    if mantissa < 0:
        return REFUSED
    if mantissa == 0:
        return 0
    shift = exponent + decimals
    if shift > MAX_DIGITS or shift < -MAX_DIGITS:
        return REFUSED
    if shift >= 0:
        if mantissa > (_POWERS[MAX_DIGITS] - 1) // _POWERS[shift]:
            return REFUSED
        value = mantissa * _POWERS[shift]
    else:
        if mantissa % _POWERS[-shift] != 0:
            return REFUSED
        value = mantissa // _POWERS[-shift]
    return value // step if value % step == 0 else REFUSED
