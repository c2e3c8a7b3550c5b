"""What the simulated exchange lists and who has an account there, unless it is told otherwise.

The demo key and secret are no secrets: they open an account with play money on a loopback port. The environment
may replace them (``GRAPHWIZ_<EXCHANGE>_API_KEY`` and ``_API_SECRET``), for a client that brings its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from graphwiz_trader.hft.instruments import Instrument

DEMO_API_KEY = "graphwizdemographwizdemographwizdemographwizdemographwizdemo0000"
DEMO_API_SECRET = "loopbackplaymoneyloopbackplaymoneyloopbackplaymoneyloopback00000"  # noqa: S105
DEMO_PASSPHRASE = "graphwiz-Demo-1"  # noqa: S105
WITH_PASSPHRASE = frozenset({"okx"})
DEMO_FUNDS = {
    "binance": {"USDT": "1000000", "BTC": "20", "ETH": "400", "SOL": "5000"},
    "binanceusdm": {"USDT": "1000000"},
    "binancecoinm": {},
    "okx": {"USDT": "1000000", "BTC": "20", "ETH": "400", "SOL": "5000"},
}


class Credentials(msgspec.Struct, frozen=True):
    """An API key with its HMAC secret or its Ed25519 key in PEM form."""

    key: str
    secret: str
    passphrase: str = ""
    """What OKX asks for besides; other venues have none."""

    def __repr__(self) -> str:
        return f"Credentials({self.key[:4]}…)"


def credentials(exchange: str, environment: Mapping[str, str]) -> Credentials:
    """The account key of an exchange: from the environment, else the demo key."""
    prefix = f"GRAPHWIZ_{exchange.upper()}"
    return Credentials(
        environment.get(f"{prefix}_API_KEY") or DEMO_API_KEY,
        environment.get(f"{prefix}_API_SECRET") or DEMO_API_SECRET,
        (environment.get(f"{prefix}_API_PASSPHRASE") or DEMO_PASSPHRASE) if exchange in WITH_PASSPHRASE else "",
    )


def default_instruments(exchanges: Iterable[str]) -> list[Instrument]:
    """BTC, ETH and SOL against USDT on each of the exchanges, on spot venues also ETH and SOL against BTC, on COIN-M
    against USD.

    Their rules are like the real ones'.

    Raises KeyError for an exchange that is not known here.
    """
    listed = [instrument for exchange in exchanges for instrument in _LISTED[exchange]]
    return [msgspec.structs.replace(instrument, book=row) for row, instrument in enumerate(listed)]


def _spot(base: str, quote: str, tick_size: str, lot_size: str, min_notional: str) -> Instrument:
    return Instrument(
        book=0,
        exchange="binance",
        symbol=f"{base}/{quote}",
        venue_symbol=f"{base}{quote}",
        base=base,
        quote=quote,
        tick_size=tick_size,
        lot_size=lot_size,
        max_size_lots=10**9,
        min_notional=min_notional,
        maker_fee_ppm=1_000,
        taker_fee_ppm=1_000,
    )


def _usdm(base: str, tick_size: str, lot_size: str) -> Instrument:
    return Instrument(
        book=0,
        exchange="binanceusdm",
        symbol=f"{base}/USDT",
        venue_symbol=f"{base}USDT",
        base=base,
        quote="USDT",
        tick_size=tick_size,
        lot_size=lot_size,
        max_size_lots=10**7,
        min_notional="5",
        maker_fee_ppm=200,
        taker_fee_ppm=500,
        can_short=True,
    )


def _coinm(base: str, tick_size: str, contract_value: str) -> Instrument:
    return Instrument(
        book=0,
        exchange="binancecoinm",
        symbol=f"{base}/USD",
        venue_symbol=f"{base}USD_PERP",
        base=base,
        quote="USD",
        tick_size=tick_size,
        lot_size="1",
        max_size_lots=10**6,
        maker_fee_ppm=200,
        taker_fee_ppm=500,
        can_short=True,
        inverse=True,
        contract_value=contract_value,
    )


def _okx_spot(base: str, tick_size: str, lot_size: str, min_size_lots: int, quote: str = "USDT") -> Instrument:
    return Instrument(
        book=0,
        exchange="okx",
        symbol=f"{base}/{quote}",
        venue_symbol=f"{base}-{quote}",
        base=base,
        quote=quote,
        tick_size=tick_size,
        lot_size=lot_size,
        min_size_lots=min_size_lots,
        max_size_lots=10**15,
        maker_fee_ppm=800,
        taker_fee_ppm=1_000,
    )


def _okx_swap(base: str, tick_size: str, contract_size: str) -> Instrument:
    return Instrument(
        book=0,
        exchange="okx",
        symbol=f"{base}/USDT:USDT",
        venue_symbol=f"{base}-USDT-SWAP",
        base=base,
        quote="USDT",
        tick_size=tick_size,
        lot_size="0.01",
        max_size_lots=10**9,
        maker_fee_ppm=200,
        taker_fee_ppm=500,
        can_short=True,
        contract_size=contract_size,
    )


_LISTED = {
    "binance": (
        _spot("BTC", "USDT", "0.01", "0.00001", "5"),
        _spot("ETH", "USDT", "0.01", "0.0001", "5"),
        _spot("SOL", "USDT", "0.01", "0.001", "5"),
        _spot("ETH", "BTC", "0.00001", "0.0001", "0.0001"),
        _spot("SOL", "BTC", "0.0000001", "0.01", "0.0001"),
    ),
    "binanceusdm": (_usdm("BTC", "0.1", "0.001"), _usdm("ETH", "0.01", "0.001"), _usdm("SOL", "0.01", "0.01")),
    "binancecoinm": (_coinm("BTC", "0.1", "100"), _coinm("ETH", "0.01", "10"), _coinm("SOL", "0.001", "10")),
    "okx": (
        _okx_spot("BTC", "0.1", "0.00000001", 1_000),
        _okx_spot("ETH", "0.01", "0.000001", 100),
        _okx_spot("SOL", "0.01", "0.000001", 10_000),
        _okx_spot("ETH", "0.00001", "0.000001", 100, "BTC"),
        _okx_spot("SOL", "0.0000001", "0.000001", 10_000, "BTC"),
        _okx_swap("BTC", "0.1", "0.01"),
        _okx_swap("ETH", "0.01", "0.1"),
        _okx_swap("SOL", "0.01", "1"),
    ),
}
