"""Who signed a request: API keys, HMAC-SHA256, Ed25519 and RSA signatures, and the window a timestamp must be in.

Sources: Binance spot API docs, "SIGNED request security" and "Timing security".
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Callable

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.binance import errors
from graphwiz_trader.venues.simulated.binance.errors import BinanceError

DEFAULT_RECV_WINDOW_MS = 5_000
MAX_RECV_WINDOW_MS = 60_000
MAX_AHEAD_MS = 1_000
_KEY_FORM = re.compile(r"^[A-Za-z0-9_-]{1,128}$")


class ApiKey:
    """One API key of an account, and how its signatures are checked."""

    def __init__(self, key: str, account: Account, verify: Callable[[bytes, str], bool], *, is_ed25519: bool) -> None:
        self.key = key
        self.account = account
        self.verify = verify
        self.is_ed25519 = is_ed25519
        """Only such a key may open a session with ``session.logon``, and read binary streams."""


class ApiKeys:
    """The keys a venue knows."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}

    def add(self, key: str, secret: str, account: Account) -> None:
        """Register a key. ``secret`` is an HMAC secret, or an Ed25519 or RSA key (public, or private) in PEM form.

        Raises ValueError when a PEM holds another kind of key.
        """
        if secret.lstrip().startswith("-----BEGIN"):
            public = _public_key(secret)
            if isinstance(public, Ed25519PublicKey):
                self._keys[key] = ApiKey(key, account, _ed25519_check(public), is_ed25519=True)
            else:
                self._keys[key] = ApiKey(key, account, _rsa_check(public), is_ed25519=False)
        else:
            self._keys[key] = ApiKey(key, account, _hmac_check(secret.encode()), is_ed25519=False)

    def known(self, key: str) -> ApiKey | None:
        """Whose key it is, signature unseen."""
        return self._keys.get(key)

    def find(self, key: str) -> ApiKey:
        """Raises BinanceError for a key that is malformed or unknown."""
        found = self._keys.get(key)
        if found is None:
            raise BinanceError(*(errors.BAD_KEY if _KEY_FORM.fullmatch(key) else errors.BAD_KEY_FORMAT))
        return found


def check_time(timestamp_ms: int, recv_window_ms: float, now_ms: int) -> None:
    """The window rule: at most a second ahead of the venue, at most ``recvWindow`` behind it."""
    if timestamp_ms >= now_ms + MAX_AHEAD_MS:
        raise BinanceError(*errors.TOO_EARLY)
    if now_ms - timestamp_ms > recv_window_ms:
        raise BinanceError(*errors.TOO_OLD)


def _hmac_check(secret: bytes) -> Callable[[bytes, str], bool]:
    def check(payload: bytes, signature: str) -> bool:
        expected = hmac.digest(secret, payload, "sha256").hex()
        return hmac.compare_digest(expected.encode(), signature.lower().encode())

    return check


def _ed25519_check(key: Ed25519PublicKey) -> Callable[[bytes, str], bool]:
    def check(payload: bytes, signature: str) -> bool:
        try:
            key.verify(base64.b64decode(signature, validate=True), payload)
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True

    return check


def _rsa_check(key: RSAPublicKey) -> Callable[[bytes, str], bool]:
    def check(payload: bytes, signature: str) -> bool:
        try:
            key.verify(base64.b64decode(signature, validate=True), payload, PKCS1v15(), SHA256())
        except (InvalidSignature, binascii.Error, ValueError):
            return False
        return True

    return check


def _public_key(pem: str) -> Ed25519PublicKey | RSAPublicKey:
    problem = "holds no Ed25519 or RSA key"
    try:
        if "PRIVATE" in pem:
            private = load_pem_private_key(pem.encode(), password=None)
            if isinstance(private, Ed25519PrivateKey | RSAPrivateKey):
                return private.public_key()
        else:
            public = load_pem_public_key(pem.encode())
            if isinstance(public, Ed25519PublicKey | RSAPublicKey):
                return public
    except TypeError:
        problem = "is encrypted with a password"
    except (ValueError, UnsupportedAlgorithm):
        problem = "cannot be read"
    raise ValueError(f"its PEM {problem}; expected a plain Ed25519 or RSA key, or an HMAC secret without PEM lines")
