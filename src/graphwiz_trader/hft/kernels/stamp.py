"""When compiled code on disk is out of date: a hash over a kernel's module and every kernel module it stands on.

Numba compiles a function's callees into it and takes over the constants it names, but looks only at the function's
own file to tell whether what it has cached is still right: a change of `ladder` would leave the old ladder in every
decoder, on the machine of whoever pulls it.
"""

from __future__ import annotations

import re
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

_PACKAGE = __name__.rpartition(".")[0]
_IMPORT = re.compile(rf"^from {re.escape(_PACKAGE)}(?:\.(\w+))? import (?:\(([^)]*)\)|(.*))$", re.MULTILINE)


def stamp(compiled: Any) -> None:
    """Make a function's cache be right only for the sources as they are. Does nothing when Numba is switched off."""
    cached = getattr(compiled, "_cache", None)
    package, _, module = compiled.__module__.rpartition(".")
    if cached is not None and package == _PACKAGE:
        cached._cache_file._source_stamp = _stamp_of(module)


@cache
def _stamp_of(module: str) -> bytes:
    modules = {module}
    unread = [module]
    while unread:
        found = _imports(unread.pop()) - modules
        modules |= found
        unread.extend(found)
    return sha256(b"".join(sha256(_source(name)).digest() for name in sorted(modules))).digest()


@cache
def _imports(module: str) -> frozenset[str]:
    found: set[str] = set()
    for name, in_brackets, in_line in _IMPORT.findall(_source(module).decode()):
        found |= {name} if name else set(re.findall(r"\w+", in_brackets or in_line))
    return frozenset(found)


@cache
def _source(module: str) -> bytes:
    return files(_PACKAGE).joinpath(f"{module}.py").read_bytes()
