"""Who asks: API keys with their passphrases, signatures, and the window that a timestamp must be in.

Sources: OKX API v5 docs, "REST Authentication" (ISO time, 30 s) and "WebSocket: Login" (seconds, 30 s).
"""

from __future__ import annotations

import base64
import hmac
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.defaults import Credentials
from graphwiz_trader.venues.simulated.okx import errors
from graphwiz_trader.venues.simulated.okx.errors import OkxError

WINDOW_MS = 30_000
LOGIN_PATH = "/users/self/verify"


class _Key(NamedTuple):
    secret: bytes
    passphrase: str
    account: Account


class ApiKeys:
    """The keys a venue knows."""

    def __init__(self) -> None:
        self._keys: dict[str, _Key] = {}

    def add(self, who: Credentials, account: Account) -> None:
        self._keys[who.key] = _Key(who.secret.encode(), who.passphrase, account)

    def account_name(self, key: str) -> str:
        """Whose key it is, signature unseen; empty for nobody's."""
        known = self._keys.get(key)
        return known.account.name if known is not None else ""

    def log_in(self, arg: Mapping[str, Any], now_ms: int) -> Account:
        """Whose login this is: ``apiKey``, ``passphrase``, ``timestamp`` in seconds, ``sign``. Raises OkxError."""
        key, passphrase, sign = (_text(arg.get(name)) for name in ("apiKey", "passphrase", "sign"))
        for text, problem in (
            (key, errors.LOGIN_NO_KEY),
            (sign, errors.LOGIN_NO_SIGN),
            (passphrase, errors.LOGIN_NO_PASSPHRASE),
        ):
            if not text:
                raise OkxError(*problem)
        timestamp = arg.get("timestamp")
        time_ms = _seconds_ms(timestamp)
        if abs(now_ms - time_ms) > WINDOW_MS:
            raise OkxError(*errors.LOGIN_EXPIRED)
        known = self._keys.get(key)
        if known is None:
            raise OkxError(*errors.LOGIN_BAD_KEY)
        if not _signed(known, f"{timestamp}GET{LOGIN_PATH}".encode(), sign):
            raise OkxError(*errors.LOGIN_BAD_SIGN)
        if not hmac.compare_digest(known.passphrase.encode(), passphrase.encode()):
            raise OkxError(*errors.WRONG_PASSPHRASE)
        return known.account

    def caller(self, headers: Mapping[str, str], method: str, target: str, body: bytes, now_ms: int) -> Account:
        """Who signed a REST request. ``target``: its path with its query. Raises OkxError."""
        key, sign, time, passphrase = (
            headers.get(f"ok-access-{name}", "") for name in ("key", "sign", "timestamp", "passphrase")
        )
        for text, problem in (
            (key, errors.NO_KEY),
            (passphrase, errors.NO_PASSPHRASE),
            (sign, errors.NO_SIGN),
            (time, errors.NO_TIMESTAMP),
        ):
            if not text:
                raise OkxError(*problem)
        if abs(now_ms - _iso_ms(time)) > WINDOW_MS:
            raise OkxError(*errors.EXPIRED)
        known = self._keys.get(key)
        if known is None:
            raise OkxError(*errors.BAD_KEY)
        if not _signed(known, f"{time}{method}{target}".encode() + body, sign):
            raise OkxError(*errors.BAD_SIGN)
        if not hmac.compare_digest(known.passphrase.encode(), passphrase.encode()):
            raise OkxError(*errors.BAD_PASSPHRASE)
        return known.account


def _signed(key: _Key, message: bytes, sign: str) -> bool:
    expected = base64.b64encode(hmac.digest(key.secret, message, "sha256"))
    return hmac.compare_digest(expected, sign.encode())


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _seconds_ms(value: object) -> float:
    """A login's time; clients send it as text, some as a number."""
    try:
        seconds = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        seconds = math.nan
    if not math.isfinite(seconds):
        raise OkxError(*errors.LOGIN_BAD_TIMESTAMP)
    return seconds * 1000


def _iso_ms(text: str) -> float:
    """``2020-12-08T09:08:57.715Z``."""
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is None:
            raise ValueError(text)
        return time.timestamp() * 1000
    except (ValueError, OverflowError):
        raise OkxError(*errors.BAD_TIMESTAMP) from None
