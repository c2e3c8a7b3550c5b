"""COIN-M's public market data in Binance's wire form: USD-M's, with the pair beside the symbol.

Sources: Binance COIN-M futures docs, "Websocket Market Streams", "Order Book".
"""

from __future__ import annotations

from graphwiz_trader.venues.simulated.binance.market_frames import UsdmFrames
from graphwiz_trader.venues.simulated.binance.numbers import Numbers


def pair_of(symbol: str) -> str:
    """``BTCUSD_PERP`` → ``BTCUSD``."""
    return symbol.partition("_")[0]


class CoinmFrames(UsdmFrames):
    """One COIN-M futures symbol."""

    def __init__(self, symbol: str, numbers: Numbers) -> None:
        super().__init__(symbol, numbers)
        self._end = ""
        pair = pair_of(symbol)
        self._named = f'"s":"{symbol}","ps":"{pair}"'
        self._owned = f',"symbol":"{symbol}","pair":"{pair}"'
