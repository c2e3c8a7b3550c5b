"""The served exchange that every client here connects to, plain or over TLS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from conformance.served import Served
from graphwiz_trader.venues.simulated.tls import AUTHORITY_FILE


@pytest.fixture
def served() -> Iterator[Served]:
    """Every simulated venue, in plain text."""
    with Served() as exchange:
        yield exchange


@pytest.fixture
def secure(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """Every simulated venue over TLS, trusted by whoever heeds ``SSL_CERT_FILE``, or ``requests``' own variable."""
    folder: Path = tmp_path_factory.getbasetemp() / "certificates"
    with Served(certificates=folder) as exchange:
        for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
            monkeypatch.setenv(variable, str(folder / AUTHORITY_FILE))
        yield exchange


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Other people's clients take their time: `make check` leaves them out."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.slow)
