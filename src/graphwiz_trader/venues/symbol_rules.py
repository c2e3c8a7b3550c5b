"""What loading any venue's symbol rules needs: patience, near matches for errors, and how fine a book must be."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping

from graphwiz_trader.hft.instruments import UNIT_DECIMALS, decimals_of, text_from_units, units_from_text
from graphwiz_trader.venues.base import VenueError
from graphwiz_trader.venues.rest import RestClient, RestError

_ATTEMPTS = 3
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 5.0


async def ask(rest: RestClient, exchange: str, path: str, params: Mapping[str, str]) -> bytes:
    """Ask, and again a few times: an exchange may be starting too. Raises VenueError."""
    pause_s = _FIRST_PAUSE_S
    for attempt in range(_ATTEMPTS):
        try:
            return await rest.get(path, params)
        except RestError as failure:
            pause_s = max(pause_s, failure.pause_s)
            if attempt == _ATTEMPTS - 1 or pause_s > _LONGEST_PAUSE_S:
                raise VenueError(f"{exchange} does not answer: {failure}; is its address right?") from None
        await asyncio.sleep(pause_s)
        pause_s *= 2
    raise AssertionError


def near(symbol: str, listed: Collection[str]) -> list[str]:
    """What to name in an error: not 1,700 symbols, but those of the same base or quote, or else a few."""
    base, _, quote = symbol.partition("/")
    same_base = [name for name in listed if name.startswith(f"{base}/")]
    same_quote = [name for name in listed if name.endswith(f"/{quote}")]
    return same_base or same_quote[:20] or list(listed)[:20]


def finest(step_units: int, seen: Iterable[str]) -> str:
    """The venue's own step while all that was seen keeps it, else the power of ten that divides both."""
    texts = list(seen)
    if all(units_from_text(text) % step_units == 0 for text in texts):
        return text_from_units(step_units)
    decimals = max(decimals_of(text_from_units(step_units)), *(decimals_of(text) for text in texts))
    return text_from_units(10 ** (UNIT_DECIMALS - decimals))
