"""The core: synchronous and deterministic, without I/O, without a clock of its own, without logging.

Begin with `engine`: it is the journey of one event. The names below are the package's public ones, each loaded
from its home when it is first asked for, so that importing one value type does not compile the kernels. A home
outside of this folder is an edge (it waits on sockets), which the core itself never imports.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "CrossExchangeArbitrage": "graphwiz_trader.hft.strategies.cross_exchange_arb",
    "FastOrderExecutor": "graphwiz_trader.hft.executor",
    "HFTRiskManager": "graphwiz_trader.hft.risk",
    "HFTStrategy": "graphwiz_trader.hft.strategies.base",
    "OrderBook": "graphwiz_trader.hft.orderbook",
    "OrderBookManager": "graphwiz_trader.hft.orderbook",
    "PerformanceMonitor": "graphwiz_trader.hft.performance",
    "StatisticalArbitrage": "graphwiz_trader.hft.strategies.stat_arb",
    "WebSocketMarketData": "graphwiz_trader.venues.market_data",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - computed from the one table


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
