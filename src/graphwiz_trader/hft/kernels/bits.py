"""Counting trailing zero bits of a word: one machine instruction, which Numba does not offer by name."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from graphwiz_trader.hft.kernels.jit import instruction


@instruction
def trailing_zeros(typing_context: Any, word: Any) -> Any:
    """How many zero bits stand below the lowest set bit of a uint64; 64 for zero."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), generate
