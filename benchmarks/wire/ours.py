"""The product: its feed, engine, strategy interface, risk, executor, journal and order line, as a session wires them.

Only the strategy is made for the benchmark: it wants one IOC order whenever the top changes, as all clients do.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from time import time_ns

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from benchmarks.cores import instruments_of
from benchmarks.wire import KEY, SECRET, SIZE, SYMBOL
from benchmarks.wire.connecting import orders_url, rest_url, run
from graphwiz_trader.assembly import core as assembly
from graphwiz_trader.assembly.lines import session_lines
from graphwiz_trader.assembly.measured import MeasuredEngine
from graphwiz_trader.assembly.polling import keep_awake, spare_percent
from graphwiz_trader.assembly.rehearsal import Rehearsal
from graphwiz_trader.config import HftConfig
from graphwiz_trader.hft.events import Decision, OrderIntent, Side
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.hft.performance import PerformanceMonitor
from graphwiz_trader.hft.strategies.base import HFTStrategy
from graphwiz_trader.journal.writer import JournalWriter
from graphwiz_trader.venues.base import Credentials, Endpoints
from graphwiz_trader.venues.binance.feed import BinanceFeed
from graphwiz_trader.venues.binance.order_line import BinanceOrderLine

_EXCHANGE = "binance"
_TIMER_S = 0.1


class BuyOnChange(HFTStrategy):
    """One IOC order to buy at the best ask whenever the top of a book changes."""

    def __init__(self, books: OrderBookManager) -> None:
        super().__init__("buy_on_change", books, {})
        self._size_lots = books.instruments[0].lots_from_text(SIZE)

    def on_book(self, book: int, now_ns: int) -> Decision | None:  # noqa: ARG002  # the interface
        touch = self.books[book].best_ask
        if touch is None:
            return None
        intent = OrderIntent(
            strategy=self.name, book=book, side=Side.BUY, price_ticks=touch[0], size_lots=self._size_lots
        )
        return Decision(strategy=self.name, book=book, intents=(intent,), reason="top changed")


def _credentials() -> Credentials:
    """An Ed25519 key, which logs on once, or with ``hmac`` on the command line one that signs every order."""
    if "hmac" in sys.argv:
        return Credentials(KEY, SECRET)
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Credentials(KEY, pem.decode())


def _busy_poll_percent(config: HftConfig) -> int:
    """What the command line says, as ``poll=100``, or the default."""
    said = [argument for argument in sys.argv if argument.startswith("poll=")]
    return int(said[0].removeprefix("poll=")) if said else config.performance.busy_poll_percent


def _fail(failure: Exception) -> None:
    raise failure


async def _client(port: int) -> None:
    instruments = instruments_of([(_EXCHANGE, SYMBOL)])
    config = HftConfig.model_validate({"risk": {"max_orders_per_second": 10_000, "max_exposure": Decimal(10**9)}})
    endpoints = Endpoints(rest=rest_url(port), stream=f"ws://127.0.0.1:{port}", orders=orders_url(port))
    lines = session_lines((_EXCHANGE,))
    sink = MeasuredEngine(PerformanceMonitor(), _fail)
    feed = BinanceFeed(instruments, _EXCHANGE, endpoints=endpoints, lines=(0,), sink=sink)
    orders = BinanceOrderLine(
        instruments, _EXCHANGE, endpoints=endpoints, credentials=_credentials(), line=1, sink=sink
    )
    with tempfile.TemporaryDirectory() as folder:
        journal = JournalWriter(Path(folder) / "journal", session="wire")
        books = OrderBookManager(instruments)
        core = assembly.build_core(
            config,
            instruments,
            lines,
            recorder=journal,
            books=books,
            strategies=[BuyOnChange(books)],
            gateways={_EXCHANGE: orders},
            request_snapshot=feed.request_snapshot,
            prefix="wire",
        )
        sink.attach(core.engine)
        rehearsal = Rehearsal(config, instruments, {_EXCHANGE: orders})
        tasks = [asyncio.create_task(feed.run()), asyncio.create_task(orders.run())]
        tasks.append(asyncio.create_task(rehearsal.keep_warm(config.performance.rehearsal_interval_ms / 1_000)))
        awake_percent = spare_percent(_busy_poll_percent(config))
        if awake_percent:
            tasks.append(asyncio.create_task(keep_awake(awake_percent)))
        try:
            while not any(task.done() for task in tasks):
                await asyncio.sleep(_TIMER_S)
                core.engine.on_timer(time_ns())
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            journal.close()


if __name__ == "__main__":
    run(_client)
