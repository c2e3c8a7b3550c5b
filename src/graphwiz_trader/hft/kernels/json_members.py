"""Members of JSON objects: keys, known texts, and decimals in quotes, as the venues' decoders look for them."""

from __future__ import annotations

from graphwiz_trader.hft.kernels.frames import Frame, byte_at
from graphwiz_trader.hft.kernels.jit import inlined, kernel
from graphwiz_trader.hft.kernels.json_scan import REFUSED, at, skip_plain_string, skip_space, steps, whole_number

_QUOTE, _COLON, _MINUS = 0x22, 0x3A, 0x2D


@kernel
def is_text(frame: Frame, position: int, text: bytes) -> bool:
    """Whether the bytes from ``position`` are exactly this text."""
    if position + len(text) > frame[1]:
        return False
    for i in range(len(text)):
        if byte_at(frame, position + i) != text[i]:
            return False
    return True


@kernel
def behind_key(frame: Frame, position: int) -> int:
    """Where the value starts of a member whose key stands at ``position``, or REFUSED."""
    if at(frame, position) != _QUOTE:
        return REFUSED
    position = skip_plain_string(frame, position + 1)
    if position < 0:
        return REFUSED
    position = skip_space(frame, position)
    return skip_space(frame, position + 1) if at(frame, position) == _COLON else REFUSED


@inlined
def decimal_at(frame: Frame, position: int, decimals: int, step: int) -> int:
    """One decimal in quotes as steps (see `json_scan.steps`), or REFUSED."""
    if at(frame, position) != _QUOTE:
        return REFUSED
    value, behind = steps(frame, position + 1, decimals, step)
    return value if behind > 0 else REFUSED


@kernel
def signed_number(frame: Frame, position: int) -> tuple[int, int]:
    """A JSON integer with or without a minus: (value, position behind it), or (0, REFUSED)."""
    if at(frame, position) != _MINUS:
        return whole_number(frame, position)
    value, behind = whole_number(frame, position + 1)
    return -value, behind
