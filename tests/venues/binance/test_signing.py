"""Signatures are what the venue computes, and secrets stay where they are."""

from __future__ import annotations

import base64
import hashlib
import hmac
import traceback

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from graphwiz_trader.venues.base import Credentials, VenueError
from graphwiz_trader.venues.binance.signing import Ed25519Signer, HmacSigner, signed, signer_for

KEY = Ed25519PrivateKey.from_private_bytes(b"7" * 32)


def pem(key: object, encryption: object = NoEncryption()) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()  # type: ignore[attr-defined]


def test_the_example_of_the_venue_s_documentation_is_reproduced():
    """Spot API docs, "SIGNED request example (HMAC)" of the WebSocket API."""
    secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
    params = {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.01000000",
        "price": "52000.00",
        "newOrderRespType": "ACK",
        "recvWindow": 100,
        "timestamp": 1645423376532,
        "apiKey": "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
    }
    assert signed(params, signer_for(secret))["signature"] == (
        "cc15477742bd704c29492d96c7ead9414dfd8e0ec4a00f947bb5bb454ddbd08a"
    )


@given(st.binary(max_size=64) | st.binary(min_size=65, max_size=150), st.binary(max_size=300), st.binary(max_size=300))
def test_hashing_the_start_once_changes_no_signature(secret, start, rest):
    expected = hmac.new(secret, start + rest, hashlib.sha256).hexdigest()
    signer = HmacSigner(secret)
    sign_rest = signer.after(start)
    assert sign_rest(rest) == sign_rest(rest) == signer.sign(start + rest) == expected


def test_an_ed25519_key_signs_so_that_its_public_key_verifies():
    signer = signer_for(pem(KEY))
    assert isinstance(signer, Ed25519Signer)
    KEY.public_key().verify(base64.b64decode(signer.sign(b"a=1&b=2")), b"a=1&b=2")


def test_only_an_ed25519_key_can_log_on():
    assert signer_for(pem(KEY)).can_log_on
    assert not signer_for("a secret").can_log_on


def test_parameters_are_signed_in_order_of_name():
    got = signed({"b": 2, "a": "1"}, HmacSigner(b"s"))
    assert list(got) == ["a", "b", "signature"]
    assert got["signature"] == hmac.new(b"s", b"a=1&b=2", hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    "secret",
    [
        pem(generate_private_key(SECP256R1())),
        pem(KEY, BestAvailableEncryption(b"password")),
        pem(KEY)[:60],
        "-----BEGIN nothing",
    ],
)
def test_another_kind_of_pem_is_an_error_that_says_what_to_do_and_not_what_it_was(secret):
    with pytest.raises(VenueError, match="openssl genpkey -algorithm ed25519") as caught:
        signer_for(secret)
    shown = "".join(traceback.format_exception(caught.value))
    assert not any(line and line in shown for line in secret.splitlines())


def test_credentials_show_neither_key_nor_secret():
    shown = f"{Credentials('thekey', 'thesecret')!r} {Credentials('thekey', 'thesecret')}"
    assert "thekey" not in shown
    assert "thesecret" not in shown


@pytest.mark.parametrize(("key", "secret"), [("", "s"), ("k", ""), ("", "")])
def test_half_a_key_is_no_key(key, secret):
    with pytest.raises(VenueError, match="set both"):
        Credentials(key, secret)
