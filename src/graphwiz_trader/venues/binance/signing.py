"""Signatures of the WebSocket API: all parameters in order of name, ``name=value`` joined by ``&``, raw UTF-8.

HMAC-SHA256 gives hexadecimal, Ed25519 base64. Source: Binance spot API docs, "SIGNED request security".
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from graphwiz_trader.venues.base import VenueError

_BLOCK_BYTES = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


class Signer(Protocol):
    """Holds a secret and never shows it."""

    can_log_on: bool
    """Whether a session may be opened with this kind of key; orders then need no signature of their own."""

    def sign(self, payload: bytes) -> str: ...


class HmacSigner:
    """HMAC-SHA256 (RFC 2104), with the key's two blocks hashed once for all."""

    can_log_on = False

    def __init__(self, secret: bytes) -> None:
        key = hashlib.sha256(secret).digest() if len(secret) > _BLOCK_BYTES else secret
        block = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(block.translate(_INNER))
        self._outer = hashlib.sha256(block.translate(_OUTER))

    def sign(self, payload: bytes) -> str:
        return self.after(b"")(payload)

    def after(self, start: bytes) -> Callable[[bytes], str]:
        """A function that signs what begins with ``start`` when it is given the rest: the start is hashed once."""
        begun = self._inner.copy()
        begun.update(start)
        copy_begun, copy_outer = begun.copy, self._outer.copy

        def sign_rest(rest: bytes) -> str:
            inner = copy_begun()
            inner.update(rest)
            outer = copy_outer()
            outer.update(inner.digest())
            return outer.hexdigest()

        return sign_rest


class Ed25519Signer:
    """Ed25519, about 50 µs a signature: meant for logging on once."""

    can_log_on = True

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._sign = key.sign

    def sign(self, payload: bytes) -> str:
        return base64.b64encode(self._sign(payload)).decode()


def signer_for(secret: str) -> HmacSigner | Ed25519Signer:
    """The signer for an API secret: Ed25519 for a private key in PEM form, else HMAC. Raises VenueError."""
    if not secret.lstrip().startswith("-----BEGIN"):
        return HmacSigner(secret.encode())
    try:
        key = load_pem_private_key(secret.strip().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise VenueError(
            "the API secret is a PEM that holds no unencrypted Ed25519 private key; "
            "use one (openssl genpkey -algorithm ed25519), or an HMAC secret"
        ) from None
    return Ed25519Signer(key)


def signed(params: Mapping[str, str | int], signer: Signer) -> dict[str, str | int]:
    """The parameters, in order of name, with their signature."""
    ordered = {name: params[name] for name in sorted(params)}
    payload = "&".join([f"{name}={value}" for name, value in ordered.items()])
    return {**ordered, "signature": signer.sign(payload.encode())}
