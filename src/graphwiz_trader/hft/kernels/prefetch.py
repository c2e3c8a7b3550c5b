"""Fetching memory ahead of its use: a hint to the processor that costs nothing to wait for."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from graphwiz_trader.hft.kernels.jit import instruction

_INT, _BYTES = ir.IntType(32), ir.IntType(8).as_pointer()
_SIGNATURE = ir.FunctionType(ir.VoidType(), (_BYTES, _INT, _INT, _INT))
_TO_WRITE, _KEEP, _DATA = ir.Constant(_INT, 1), ir.Constant(_INT, 3), ir.Constant(_INT, 1)


@instruction
def prefetch(_context: Any, record: Any, _offset: Any) -> Any:
    """Bring the cache line at ``offset`` bytes into a record nearer. Any offset is allowed: nothing is read."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = builder.gep(builder.bitcast(args[0], _BYTES), [args[1]])
        hint = builder.module.declare_intrinsic("llvm.prefetch.p0", (), _SIGNATURE)
        builder.call(hint, (address, _TO_WRITE, _KEEP, _DATA))
        return context.get_dummy_value()

    return types.void(record, types.int64), generate
