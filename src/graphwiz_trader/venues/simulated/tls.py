"""A certificate authority of this machine's own, so that clients that insist on TLS can trust a simulated exchange.

A client accepts it without a change to its code when ``SSL_CERT_FILE`` names the authority's file. The keys stay in
one folder, readable by their owner alone, and certify nothing but this machine's loopback addresses.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_FILE = "authority.pem"
_CERTIFICATE_FILE = "server.pem"
_KEY_FILE = "server.key"
_LIFETIME = timedelta(days=397)
_RENEW_BEFORE = timedelta(days=7)
_ADDRESSES = ("127.0.0.1", "::1")
_NAMES = ("localhost",)


def server_context(folder: Path) -> ssl.SSLContext:
    """What a server needs to speak TLS, from the folder's certificates; they are made there when there are none.

    The authority's own key is thrown away once it has signed: nobody can make it certify anything else. Raises
    OSError when the folder cannot be written.
    """
    if not _is_good(folder):
        _make(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(folder / _CERTIFICATE_FILE, folder / _KEY_FILE)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _is_good(folder: Path) -> bool:
    """Whether all three files are there, belong together, and are valid for a while yet."""
    try:
        key = load_pem_private_key((folder / _KEY_FILE).read_bytes(), password=None)
        authority, certificate = (
            x509.load_pem_x509_certificate((folder / name).read_bytes()) for name in (AUTHORITY_FILE, _CERTIFICATE_FILE)
        )
        certificate.verify_directly_issued_by(authority)
    except (FileNotFoundError, ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    is_its_key = key.public_key() == certificate.public_key()
    return is_its_key and datetime.now(UTC) < certificate.not_valid_after_utc - _RENEW_BEFORE


def _make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = _name("GraphWiz simulated exchange, this machine only")
    identifier = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    authority = (
        _certificate(authority_name, authority_name, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(certifies=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    hosts = [x509.IPAddress(ipaddress.ip_address(address)) for address in _ADDRESSES]
    certificate = (
        _certificate(_name("localhost"), authority_name, key)
        .add_extension(x509.SubjectAlternativeName([*hosts, *map(x509.DNSName, _NAMES)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(certifies=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _write(folder / _KEY_FILE, secret, mode=0o600)
    _write(folder / _CERTIFICATE_FILE, certificate.public_bytes(Encoding.PEM), mode=0o644)
    _write(folder / AUTHORITY_FILE, authority.public_bytes(Encoding.PEM), mode=0o644)


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(*, certifies: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certifies,
        key_cert_sign=certifies,
        crl_sign=certifies,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _write(path: Path, content: bytes, *, mode: int) -> None:
    """Whole or not at all, and never readable by others for a moment."""
    temporary = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        temporary.replace(path)
    except OSError:
        temporary.unlink()
        raise
