"""A file of accounts for the simulated exchange: who trades there, with which key and which play money.

- name: alice
  exchange: binance            # left out: an account at every venue
  key: alicesapikey
  secret: alicessecret         # an HMAC secret, or an Ed25519 key in PEM form (its public half is enough)
  passphrase: alicesphrase     # where the venue asks for one
  funds: {USDT: "10000"}       # left out: the demo's funds
  trade_group: 1               # self-trade prevention spans the accounts of one group
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from graphwiz_trader.errors import GraphwizError
from graphwiz_trader.hft.instruments import units_from_text
from graphwiz_trader.venues.simulated.defaults import Credentials

_EXPECTED = (
    "expected a list of accounts, as `- {name: alice, key: alicesapikey, secret: alicessecret}`, texts in quotes"
)


class AccountFileError(GraphwizError):
    """The accounts cannot be read."""


class AccountEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One account. Its secret is not shown."""

    name: str
    key: str
    secret: str
    exchange: str | None = None
    passphrase: str = ""
    funds: Mapping[str, str] | None = None
    trade_group: int | None = None

    def __repr__(self) -> str:
        return f"AccountEntry({self.name!r}, {self.exchange!r})"

    @property
    def credentials(self) -> Credentials:
        return Credentials(self.key, self.secret, self.passphrase)


def read_accounts(path: Path) -> list[AccountEntry]:
    """Raises AccountFileError, whose text has no secret in it."""
    try:
        listed = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AccountFileError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise AccountFileError(f"{path} is no text file; expected YAML in UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        raise AccountFileError(f"{path} is no YAML{where}") from None
    except RecursionError:
        raise AccountFileError(f"{path}: lists stand inside one another too deep; {_EXPECTED}") from None
    if not isinstance(listed, list):
        raise AccountFileError(f"{path} holds no list; {_EXPECTED}")
    entries = [_entry(path, number, given) for number, given in enumerate(listed, 1)]
    _check(path, entries)
    return entries


def _entry(path: Path, number: int, given: Any) -> AccountEntry:
    try:
        entry = msgspec.convert(given, AccountEntry)
    except msgspec.ValidationError as error:
        raise AccountFileError(f"{path}, account {number}: {error}; {_EXPECTED}") from None
    for field in ("name", "key", "secret"):
        if not getattr(entry, field).strip():
            raise AccountFileError(f"{path}, account {number}: its {field} is empty; {_EXPECTED}")
    return entry


def _check(path: Path, entries: list[AccountEntry]) -> None:
    seen: set[tuple[str | None, str]] = set()
    for entry in entries:
        if (entry.exchange, entry.key) in seen:
            raise AccountFileError(f"{path}: account {entry.name!r} has the key of another; keys are unique")
        seen.add((entry.exchange, entry.key))
        for asset, amount in (entry.funds or {}).items():
            if not _is_amount(amount):
                expected = "expected a decimal that is not negative, as '10000'"
                raise AccountFileError(f"{path}: account {entry.name!r} has {amount!r} {asset}; {expected}")


def _is_amount(text: str) -> bool:
    try:
        return units_from_text(text) >= 0
    except ValueError:
        return False
