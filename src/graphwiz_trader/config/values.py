"""The kinds of value a configuration key can hold: money, numbers, symbols, addresses, and their units.

A kind is strict: it takes what a careful person writes in YAML and nothing that merely converts. ``true`` is
not the number 1, and money is never a binary float.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field


@dataclass(frozen=True)
class Unit:
    """What a number counts; shown in the reference table and in error messages."""

    name: str


@dataclass(frozen=True)
class Kind:
    """What a value is, in the words of the reference table and of error messages."""

    words: str


MAX_SYMBOLS = 100
MONEY_DECIMALS = 12

_SYMBOL = re.compile(r"[A-Z0-9]{1,20}/[A-Z0-9]{1,20}(:[A-Z0-9]{1,20})?")
"""As ccxt spells them: a pair, and for a swap that stands beside it on the same exchange what it settles in."""
_DATED = re.compile(_SYMBOL.pattern + r"-\d{6}(-\d+-[CP])?")
"""And futures and options, with the day on which they expire."""


def _exact_decimal(value: Any) -> Any:
    """Decimal from a whole number or a decimal text. A float has already lost digits."""
    if isinstance(value, bool | float):
        raise ValueError("an exact decimal number: a whole number or decimal text")
    if not isinstance(value, int | str | Decimal):
        return value
    try:
        exact = Decimal(value)
    except InvalidOperation:
        raise ValueError("a decimal number") from None
    exponent = exact.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -MONEY_DECIMALS:
        raise ValueError(f"at most {MONEY_DECIMALS} decimals")
    return exact


def _float(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def _path(value: Any) -> Any:
    if isinstance(value, str):
        if not value.strip() or "\0" in value:
            raise ValueError("the path of a folder")
        return Path(value)
    return value


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _symbol(value: str) -> str:
    if _DATED.fullmatch(value):
        raise ValueError("a pair or its swap, as BTC/USDT:USDT; contracts that expire are not followed")
    if not _SYMBOL.fullmatch(value):
        raise ValueError("BASE/QUOTE in capital letters, as BTC/USDT, or BASE/QUOTE:SETTLE for a swap")
    return value


def _symbol_list(symbols: tuple[str, ...]) -> tuple[str, ...]:
    if not 1 <= len(symbols) <= MAX_SYMBOLS:
        raise ValueError(f"1 to {MAX_SYMBOLS} symbols")
    repeated = sorted({symbol for symbol in symbols if symbols.count(symbol) > 1})
    if repeated:
        raise ValueError(f"every symbol once; repeated: {', '.join(repeated)}")
    return symbols


def _address(*schemes: str) -> AfterValidator:
    def check(value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in schemes or not parts.hostname:
            raise ValueError(f"an address that starts with {' or '.join(f'{s}://' for s in schemes)}")
        if parts.username is not None or parts.password is not None:
            raise ValueError("no user name or password: secrets come from the environment")
        return value

    return AfterValidator(check)


def is_loopback(address: str) -> bool:
    """Whether an address can only reach this machine: ``localhost`` or a loopback IP, never another name."""
    host = urlsplit(address).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


Money = Annotated[Decimal, BeforeValidator(_exact_decimal), Field(allow_inf_nan=False), Kind("an exact decimal number")]
Number = Annotated[float, BeforeValidator(_float), Field(allow_inf_nan=False), Kind("a number")]
Folder = Annotated[Path, BeforeValidator(_path), Kind("a folder")]
Symbol = Annotated[str, AfterValidator(_symbol)]
Symbols = Annotated[
    tuple[Symbol, ...],
    BeforeValidator(_tuple),
    AfterValidator(_symbol_list),
    Kind(f"a list of 1 to {MAX_SYMBOLS} symbols as BASE/QUOTE"),
]
Asset = Annotated[str, Field(pattern=r"^[A-Z0-9]{1,20}$"), Kind("an asset's name in capital letters")]
HttpAddress = Annotated[str, _address("http", "https"), Kind("an http:// or https:// address")]
SocketAddress = Annotated[str, _address("ws", "wss"), Kind("a ws:// or wss:// address")]
