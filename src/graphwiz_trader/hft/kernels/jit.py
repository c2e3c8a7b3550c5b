"""The one decorator of compiled functions: Numba's ``njit`` with our settings and with its type kept for mypy.

Code is cached on disk beside the module (or in ``NUMBA_CACHE_DIR``), so that only the first run on a machine
compiles. ``NUMBA_BOUNDSCHECK=1`` turns every out-of-range read into an IndexError; the fuzz tests run so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numba.extending import intrinsic

from graphwiz_trader.hft.kernels.stamp import stamp

_Function = TypeVar("_Function", bound=Callable[..., object])


def kernel(function: _Function) -> _Function:
    """Compile for the hot path: no Python objects, no zero-division exceptions, cached on disk."""
    compiled: Any = numba.njit(cache=True, error_model="numpy")(function)
    stamp(compiled)
    return compiled


def inlined(function: _Function) -> _Function:
    """A building block of kernels: compiled into its callers, so that returning a tuple costs nothing."""
    compiled: Any = numba.njit(cache=True, error_model="numpy", forceinline=True)(function)
    stamp(compiled)
    return compiled


def instruction(generator: Callable[..., Any]) -> Callable[..., Any]:
    """A piece of LLVM code under a name, for what Python cannot say; ``generator`` as ``numba.extending`` wants it."""
    made: Any = intrinsic(generator)
    return made


def direct(function: _Function, arguments: tuple[Any, ...]) -> _Function:
    """The kernel's own C entry for one tuple of Numba argument types (compiled, or loaded from the cache, here).

    A call skips Numba's look at each argument's type (0.2 µs with four integers and a ``bytes``) and converts
    instead: an IntEnum is an int (through the dispatcher it costs 9 µs), a float is truncated, a wrong type raises.
    """
    entry: _Function = function.compile(arguments)  # type: ignore[attr-defined]
    return entry
