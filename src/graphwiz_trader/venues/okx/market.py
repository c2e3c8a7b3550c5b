"""What OKX's market data is reached by: paths, kinds of instrument, channels, limits, published fees.

Sources: OKX API v5 docs, "WebSocket: Connect", "Subscribe", "Order book channel", "Get instruments".
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from graphwiz_trader.venues.pacing import Allowance

SPOT, SWAP = "SPOT", "SWAP"
INSTRUMENTS_PATH = "/api/v5/public/instruments"
SNAPSHOT_PATH = "/api/v5/market/books"
SNAPSHOTS_PER_2_SECONDS = 40
"""From one IP address."""
TIME_PATH = "/api/v5/public/time"
LEVELS = 400
"""Of a side, in the channel ``books`` and in a snapshot by REST."""

FEES_PPM: Mapping[str, tuple[int, int]] = {SPOT: (800, 1_000), SWAP: (200, 500)}
"""(maker, taker) by kind of instrument, as published for accounts without discounts."""

STREAM_PATH = "/ws/v5/public"
BOOKS = "books"
"""400 levels a side, every 100 ms: a snapshot, then updates that chain."""
CHANNELS = (BOOKS, "bbo-tbt", "trades")
"""What is subscribed of each instrument."""
SUBSCRIPTIONS_PER_HOUR = 480
"""Requests to subscribe, unsubscribe or log in, on one connection."""
CONNECTS, CONNECTS_IN_S = 3, 1.25
"""The venue allows 3 a second from one IP address. It counts arrivals and we departures, which may be further apart."""


def new_attempts() -> Allowance:
    """How often OKX's addresses may be connected to."""
    return Allowance(CONNECTS, CONNECTS_IN_S)


class _Time(msgspec.Struct):
    ts: str


class _TimeAnswer(msgspec.Struct):
    data: tuple[_Time]


def read_time(body: bytes) -> int:
    """An answer of ``public/time`` in milliseconds. Raises ValueError for what is none."""
    return int(msgspec.json.decode(body, type=_TimeAnswer).data[0].ts)
