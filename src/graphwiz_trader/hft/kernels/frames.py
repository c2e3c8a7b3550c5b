"""A frame as kernels see it: its address and length, two plain integers.

Numba counts references to ``bytes`` and arrays with atomic operations at every call between kernels, which made a
decoder three times slower than its work. An address has no count. The caller of a kernel keeps the bytes alive for
the call. With ``NUMBA_BOUNDSCHECK=1`` every read is checked a second time, here.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numba
from llvmlite import ir
from numba import types

from graphwiz_trader.hft.kernels.jit import inlined, instruction

_NUMBA_SETTINGS: Any = numba.config

Frame: TypeAlias = tuple[int, int]
"""(address, length)"""


@instruction
def _address(typing_context: Any, data: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        view = context.make_helper(builder, signature.args[0], value=args[0])
        return builder.ptrtoint(view.data, ir.IntType(64))

    return types.int64(data), generate


@instruction
def _load(typing_context: Any, address: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = builder.inttoptr(args[0], ir.IntType(8).as_pointer())
        return builder.zext(builder.load(pointer), ir.IntType(64))

    return types.int64(types.int64), generate


@instruction
def _load_word(typing_context: Any, address: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
        return builder.load(pointer, align=1)

    return types.uint64(types.int64), generate


@inlined
def view(data: bytes) -> Frame:
    """The frame in ``data``, valid while the caller holds ``data``."""
    return _address(data), len(data)


def _checked(frame: Frame, position: int) -> int:
    """The byte at ``position``."""
    if position < 0 or position >= frame[1]:
        raise IndexError("a decoder read outside its frame")
    byte: int = _load(frame[0] + position)
    return byte


def _unchecked(frame: Frame, position: int) -> int:
    """The byte at ``position``, which the caller has checked to be inside."""
    byte: int = _load(frame[0] + position)
    return byte


byte_at = inlined(_checked if _NUMBA_SETTINGS.BOUNDSCHECK else _unchecked)


def _checked_word(frame: Frame, position: int) -> Any:
    """The eight bytes from ``position`` on as an unsigned number, the first the lowest."""
    if position < 0 or position + 8 > frame[1]:
        raise IndexError("a decoder read outside its frame")
    return _load_word(frame[0] + position)


def _unchecked_word(frame: Frame, position: int) -> Any:
    """As _checked_word; the caller has checked that all eight are inside."""
    return _load_word(frame[0] + position)


word_at = inlined(_checked_word if _NUMBA_SETTINGS.BOUNDSCHECK else _unchecked_word)
