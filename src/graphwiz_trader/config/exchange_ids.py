"""Which exchange ids a configuration may name: those with a feed of their own here, and those that ccxt.pro knows."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from pathlib import Path

EXCHANGES = ("binance", "binanceusdm", "binancecoinm", "okx")
"""Those with a feed of their own, as ccxt spells them."""
TRADED = ("binance", "binanceusdm")
"""Those that take orders, and take part unless the configuration says otherwise."""
SBE = "sbe"
"""The format of binary market data."""
BINARY = ("binance",)
"""Those that have it."""

INSTALL_CCXT = "pip install 'graphwiz-trader[ccxt]'"


def checked_id(text: str) -> str:
    """The id as it is. Raises ValueError, in words for a person, for one that nobody knows."""
    known = {*EXCHANGES, *ids_through_ccxt()}
    if text in known:
        return text
    near = get_close_matches(text, known, n=2, cutoff=0.6)
    guess = f"did you mean {' or '.join(near)}? " if near else ""
    others = "any id of ccxt.pro" if ids_through_ccxt() else f"with ccxt any that it knows: {INSTALL_CCXT}"
    raise ValueError(f"an exchange id; {guess}(allowed: {', '.join(EXCHANGES)}; {others})")


@cache
def ids_through_ccxt() -> frozenset[str]:
    """The exchanges of the ccxt that is installed; none without it.

    Importing ccxt takes seconds. It keeps an exchange a module, so their names are read instead.
    """
    found = find_spec("ccxt")
    folders = found.submodule_search_locations if found is not None else None
    modules = {path.stem for folder in folders or () for path in Path(folder, "pro").glob("*.py")}
    return frozenset(modules - {"__init__"} - set(EXCHANGES))
