"""Times in microseconds for who asks for them: ``timeUnit=MICROSECOND`` in an address, or the header of REST.

The venue's clock has milliseconds; so a time in microseconds ends in three zeros.
Source: Binance spot API docs, "General Information", ``X-MBX-TIME-UNIT``.
"""

from __future__ import annotations

import re

from graphwiz_trader.venues.simulated.binance.errors import BinanceError

_MILLISECONDS = re.compile(
    rb'("(?:E|T|W|O|C|time|updateTime|transactTime|workingTime|serverTime|authorizedSince|connectedSince|openTime'
    rb'|closeTime)":1\d{12}|"k":\{"t":1\d{12}|(?<=[\[,])1\d{12}(?=,"))(?=[,}])'
    rb'|("e":"outboundAccountPosition","E":1\d{12},"u":1\d{12})(?=,)'
)


def wants_microseconds(unit: str | None) -> bool:
    """Raises BinanceError for a unit there is not."""
    name = (unit or "MILLISECOND").upper()
    if name not in ("MILLISECOND", "MICROSECOND"):
        raise BinanceError(-1138, "Invalid value for timeUnit; expected 'MICROSECOND' or 'MILLISECOND'.")
    return name == "MICROSECOND"


def in_microseconds(message: bytes) -> bytes:
    """A JSON message of the venue with its times in microseconds."""
    return _MILLISECONDS.sub(_scaled, message)


def _scaled(match: re.Match[bytes]) -> bytes:
    if match[1] is not None:
        return match[1] + b"000"
    return match[2].replace(b',"u"', b'000,"u"') + b"000"
