"""What OKX's market data is reached by: paths, kinds of instrument, channels, limits, published fees.

Sources: OKX API v5 docs, "WebSocket: Connect", "Subscribe", "Order book channel", "Get instruments".
"""

from __future__ import annotations

from collections.abc import Mapping

SPOT, SWAP = "SPOT", "SWAP"
INSTRUMENTS_PATH = "/api/v5/public/instruments"
SNAPSHOT_PATH = "/api/v5/market/books"
TIME_PATH = "/api/v5/public/time"
LEVELS = 400
"""Of a side, in the channel ``books`` and in a snapshot by REST."""

FEES_PPM: Mapping[str, tuple[int, int]] = {SPOT: (800, 1_000), SWAP: (200, 500)}
"""(maker, taker) by kind of instrument, as published for accounts without discounts."""
