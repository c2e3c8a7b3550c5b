"""Where the recordings are: ``GRAPHWIZ_DATA``, or ``../shared/data`` beside the repository.

They are not part of the repository. A test that needs one skips with a reason where it is absent, and fails where
``CI=true``, so that no continuous-integration run passes by not looking.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


class Symbol(NamedTuple):
    """A recorded symbol. ``rule`` is the venue's way of chaining updates: ``spot`` or ``usdm``.

    Tick and lot are the finest that stand in its books. Orders outlive a venue's coarser steps: spot BTCUSDT's lot
    is 0.00001 and 25.426189 stands at 200,000; NKNUSDT's tick is 0.0001 and a bid stands at 0.00212.
    """

    exchange: str
    rule: str
    symbol: str
    base: str
    quote: str
    tick_size: str
    lot_size: str
    files: tuple[str, ...]


SPOT_BTC = Symbol(
    "binance", "spot", "BTCUSDT", "BTC", "USDT", "0.01", "0.00000001", ("binance/spot_btcusdt_20240808.jsonl.gz",)
)
SPOT_ETH = Symbol(
    "binance", "spot", "ETHUSDT", "ETH", "USDT", "0.01", "0.00000001", ("binance/spot_ethusdt_20240808.jsonl.gz",)
)
USDM_BTC = Symbol(
    "binanceusdm", "usdm", "BTCUSDT", "BTC", "USDT", "0.1", "0.001", ("binance/usdm_btcusdt_20240808.jsonl.gz",)
)
USDM_ETH = Symbol(
    "binanceusdm", "usdm", "ETHUSDT", "ETH", "USDT", "0.01", "0.001", ("binance/usdm_ethusdt_20240808.jsonl.gz",)
)
_SPOT4_FILES = ("binance/spot4_snapshots.txt.gz", "binance/spot4_diffs.txt.gz")
NKN_USDT = Symbol("binance", "spot", "NKNUSDT", "NKN", "USDT", "0.00001", "0.1", _SPOT4_FILES)
BLZ_ETH = Symbol("binance", "spot", "BLZETH", "BLZ", "ETH", "0.00000001", "1", _SPOT4_FILES)
LRC_BTC = Symbol("binance", "spot", "LRCBTC", "LRC", "BTC", "0.00000001", "1", _SPOT4_FILES)
RUNE_EUR = Symbol("binance", "spot", "RUNEEUR", "RUNE", "EUR", "0.001", "0.1", _SPOT4_FILES)

FOUR_OF_2024 = (SPOT_BTC, SPOT_ETH, USDM_BTC, USDM_ETH)
FOUR_OF_2021 = (NKN_USDT, BLZ_ETH, LRC_BTC, RUNE_EUR)


def data_directory() -> Path:
    return Path(os.environ.get("GRAPHWIZ_DATA", REPOSITORY.parent / "shared" / "data"))


def need(name: str) -> Path:
    """The path of a recording, as ``binance/spot_btcusdt_20240808.jsonl.gz``; skips or fails the test without it."""
    path = data_directory() / name
    if not path.exists():
        message = f"the recording {name} is not in {data_directory()}; set GRAPHWIZ_DATA to the folder that has it"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return path
