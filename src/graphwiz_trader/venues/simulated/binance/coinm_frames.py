"""COIN-M's public market data in Binance's wire form: USD-M's, with the pair beside the symbol.

Sources: Binance COIN-M futures docs, "Websocket Market Streams", "Order Book".
"""

from __future__ import annotations

from graphwiz_trader.venues.simulated.binance.market_frames import DepthSpan, Levels, UsdmFrames
from graphwiz_trader.venues.simulated.binance.numbers import Numbers


def pair_of(symbol: str) -> str:
    """``BTCUSD_PERP`` → ``BTCUSD``."""
    return symbol.partition("_")[0]


class CoinmFrames(UsdmFrames):
    """One COIN-M futures symbol."""

    def __init__(self, symbol: str, numbers: Numbers) -> None:
        super().__init__(symbol, numbers)
        self._named = f'"s":"{symbol}",'.encode()
        self._paired = f'"s":"{symbol}","ps":"{pair_of(symbol)}",'.encode()
        self._snapshot_head = f',"symbol":"{symbol}","pair":"{pair_of(symbol)}","E":'.encode()

    def top(self, span: DepthSpan, bids: Levels, asks: Levels, now_ms: int) -> bytes:
        return super().top(span, bids, asks, now_ms).replace(self._named, self._paired, 1)

    def ticker(self, update_id: int, bid: tuple[int, int], ask: tuple[int, int], now_ms: int) -> bytes:
        return super().ticker(update_id, bid, ask, now_ms).replace(self._named, self._paired, 1)

    def snapshot(self, last_id: int, bids: Levels, asks: Levels, now_ms: int) -> bytes:
        return super().snapshot(last_id, bids, asks, now_ms).replace(b',"E":', self._snapshot_head, 1)
