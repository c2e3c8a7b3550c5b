"""What a recorded symbol is, read off the venue's name for it: base and quote, spot or derivative, and our name.

Derivatives that could be taken for spot get the unified names of the field, as ``BTC/USD:BTC-220527``: behind the
colon what they settle in, and when. A perpetual of Binance's keeps the pair's plain name: its market is another
exchange already, and strategies look for one pair across exchanges.
"""

from __future__ import annotations

from typing import NamedTuple

_QUOTES = (
    "FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USDP", "EURI", "BTC", "ETH", "BNB", "EUR", "GBP", "TRY", "BRL", "JPY",
    "AUD", "RUB", "UAH", "ZAR", "PLN", "RON", "ARS", "MXN", "CZK", "COP", "DAI", "PAX", "VAI", "TRX", "XRP", "DOGE",
    "DOT", "SOL", "USD", "IDRT", "BIDR", "NGN",
)  # fmt: skip
_INVERSE_QUOTE = "USD"
"""What inverse contracts are quoted in: no account holds it, so they settle in the base."""


class Listed(NamedTuple):
    """What a venue's symbol is."""

    symbol: str
    """Unified."""
    base: str
    quote: str
    is_derivative: bool = False
    inverse: bool = False
    counts_contracts: bool = False
    """Its sizes are contracts, and how much one is does not stand in the frames."""


def listed(exchange: str, venue_symbol: str) -> Listed:
    """Read a venue's symbol; one of no known form keeps its name, with no quote."""
    if exchange == "okx":
        return _listed_on_okx(venue_symbol)
    pair, _, expiry = venue_symbol.partition("_")
    base, quote = split_symbol(pair)
    is_derivative, inverse = exchange != "binance", exchange == "binancecoinm"
    symbol = f"{base}/{quote}" if quote else venue_symbol
    if quote and expiry not in ("", "PERP"):
        symbol = f"{symbol}:{base if inverse else quote}-{expiry}"
    return Listed(symbol, base, quote, is_derivative, inverse, counts_contracts=inverse)


def split_symbol(venue_symbol: str) -> tuple[str, str]:
    """``BTCUSDT`` → (``BTC``, ``USDT``), by the longest quote asset that it ends with; ("…", "") without one."""
    quote = max((q for q in _QUOTES if venue_symbol.endswith(q) and q != venue_symbol), key=len, default="")
    return venue_symbol.removesuffix(quote), quote


def _listed_on_okx(venue_symbol: str) -> Listed:
    """``BTC-USDT`` is spot; ``BTC-USDT-SWAP``, ``BTC-USD-220527`` and ``BTC-USD-220527-30000-C`` are derivatives."""
    base, *rest = venue_symbol.split("-")
    if not rest:
        return Listed(venue_symbol, venue_symbol, "")
    quote, *contract = rest
    symbol = f"{base}/{quote}"
    if not contract:
        return Listed(symbol, base, quote)
    inverse = quote == _INVERSE_QUOTE
    settled = base if inverse else quote
    when = "" if contract == ["SWAP"] else "-" + "-".join(contract)
    return Listed(f"{symbol}:{settled}{when}", base, quote, is_derivative=True, inverse=inverse, counts_contracts=True)
