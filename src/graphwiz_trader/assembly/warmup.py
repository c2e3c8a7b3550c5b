"""Compile the core before anything depends on it, and say how far that is.

Numba keeps what it compiled on disk, so this takes most of a minute once on a machine and a second from then on. It
drives the real engine with small frames, because what is compiled is what is called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType

from graphwiz_trader.assembly.core import build_books
from graphwiz_trader.assembly.replays import direct_replay
from graphwiz_trader.backtest.survey import compile_survey
from graphwiz_trader.config import HftConfig
from graphwiz_trader.hft.decoders import DECODERS
from graphwiz_trader.hft.instruments import Instrument, Instruments
from graphwiz_trader.hft.kernels.compiling import noting_compilation
from graphwiz_trader.hft.performance import PerformanceMonitor

Step = tuple[str, Callable[[], object]]


def warm_up(progress: Callable[[str, int, int], None], wires: Mapping[str, str] = MappingProxyType({})) -> bool:
    """Compile, or load from the cache, all that a session calls. ``progress(what, done, of)`` before each step.

    ``wires``: what the market data of the session's exchanges speaks, where it may be another than Binance's JSON.
    Returns whether anything was compiled: then this process keeps the compiler's memory, 230 MB, as long as it lives.
    """
    steps = (*_steps(), *_decoders(wires))
    with noting_compilation() as compiled:
        for done, (what, run) in enumerate(steps):
            progress(what, done, len(steps))
            run()
    progress("ready", len(steps), len(steps))
    return bool(compiled)


def _steps() -> Iterator[Step]:
    config = HftConfig()
    instruments = Instruments(_instrument(book, exchange) for book, exchange in enumerate(("binance", "binanceusdm")))
    replay = direct_replay(config, instruments, latency_ms=0.0)
    engine = replay.core.engine
    books = build_books(config, instruments)
    monitor = PerformanceMonitor()
    yield "decoders", lambda: engine.on_market_frame(0, b"{}", 1)
    yield "snapshots", lambda: engine.on_snapshot(0, _snapshot(100), 2)
    yield "books", lambda: engine.on_market_frame(0, _update("bids"), 3)
    yield "strategies", lambda: engine.on_snapshot(1, _snapshot(120), 4)
    yield "crosses", lambda: engine.on_market_frame(1, _update("asks"), 5)
    yield "depth", lambda: books.opportunity(0, 1, 0.0, 6)
    yield "trust", lambda: engine.on_timer(10**12)
    yield "lines", lambda: engine.on_line(0, False, "warm-up", 10**12)
    yield "latency", lambda: monitor.on_processed(1)
    yield "recordings", compile_survey


def _decoders(wires: Mapping[str, str]) -> Iterator[Step]:
    for exchange, wire in wires.items():
        yield f"decoder of {exchange}", partial(DECODERS[wire], Instruments(()), exchange)


def _instrument(book: int, exchange: str) -> Instrument:
    return Instrument(
        book=book,
        exchange=exchange,
        symbol="BTC/USDT",
        venue_symbol="BTCUSDT",
        base="BTC",
        quote="USDT",
        tick_size="0.01",
        lot_size="0.001",
    )


def _snapshot(price: int) -> bytes:
    return b'{"lastUpdateId":1,"bids":[["%d.00","1.000"]],"asks":[["%d.00","1.000"]]}' % (price, price + 1)


def _update(changed: str) -> bytes:
    bids, asks = (b'[["90.00","1.000"]]', b"[]") if changed == "bids" else (b"[]", b'[["190.00","1.000"]]')
    return b'{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":1,"u":2,"pu":1,"b":' + bids + b',"a":' + asks + b"}"
