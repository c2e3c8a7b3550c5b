"""The path from frame to order, walked every millisecond on a stand-in, so that the real one is never cold.

An order goes out seldom. In between, other work pushes the code and data of its path out of the processor's caches,
and the next order takes five to ten times as long as one right after another. So a second core, wired like the real
one, is given a frame of its own each time: it decodes, decides, approves, journals nothing, encodes and signs an
order, and sends nothing. It shares code with the real core and no state.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Protocol

from graphwiz_trader.assembly.core import build_books, build_core, session_lines
from graphwiz_trader.config import HftConfig
from graphwiz_trader.hft.events import Decision, ExecutionReport, OrderIntent, OrderState, Side
from graphwiz_trader.hft.instruments import Instrument, Instruments
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.hft.orders import Order
from graphwiz_trader.hft.strategies.base import HFTStrategy

_MAX_ORDERS_PER_SECOND = 10_000


class Rehearsing(Protocol):
    """An order line that can go through the motions."""

    def rehearse(self, order: Order, now_ns: int) -> None: ...


class Rehearsal:
    """``order_lines`` by exchange. Raises ValueError without instruments."""

    def __init__(self, config: HftConfig, instruments: Instruments, order_lines: Mapping[str, Rehearsing]) -> None:
        if not len(instruments):
            raise ValueError("a rehearsal needs an instrument to trade")
        self._stage = _Stage(order_lines)
        books = build_books(config, instruments)
        core = build_core(
            _unlimited(config, instruments[0]),
            instruments,
            session_lines(instruments.exchanges),
            recorder=self._stage,
            books=books,
            gateways=dict.fromkeys(instruments.exchanges, self._stage),
            request_snapshot=_none_needed,
            prefix="rehearsal",
            strategies=[_Extra(books, instruments[0])],
        )
        self._engine = core.engine
        self._symbol = instruments[0].venue_symbol.encode()
        self._prices = _prices(instruments[0])
        self._update_id = 1
        self._begin()

    def walk(self) -> None:
        """Once through the path."""
        self._update_id += 1
        now_ns = time.time_ns()
        self._engine.on_market_frame(0, self._frame(), now_ns)
        order = self._stage.order
        if order is not None:
            self._stage.order = None
            expired = ExecutionReport(client_id=order.client_id, state=OrderState.EXPIRED, filled_lots=0)
            self._engine.on_reports((expired,), now_ns)

    async def keep_warm(self, every_s: float) -> None:
        """Walk again and again until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            self.walk()

    def _begin(self) -> None:
        """Make the stand-in's book live."""
        self._engine.on_market_frame(0, self._frame(), 1)
        bid, ask = self._prices
        self._engine.on_snapshot(
            0, b'{"lastUpdateId":1,"bids":[["%s","1"]],"asks":[["%s","1"]]}' % (bid, ask), time.time_ns()
        )

    def _frame(self) -> bytes:
        """The next depth update: the size at the best ask changes every time."""
        number = self._update_id
        return (
            b'{"stream":"rehearsal","data":{"e":"depthUpdate","E":1,"s":"%s","U":%d,"u":%d,"pu":%d,'
            b'"b":[],"a":[["%s","%d"]]}}'
        ) % (self._symbol, number, number, number - 1, self._prices[1], 1 + number % 2)


async def keep_awake() -> None:
    """Keep the event loop from sleeping until cancelled: it then asks its sockets all the time."""
    while True:
        await asyncio.sleep(0)


class _Extra(HFTStrategy):
    """Wants one order at every change, the smallest that its instrument takes."""

    def __init__(self, books: OrderBookManager, instrument: Instrument) -> None:
        super().__init__("rehearsal", books, {})
        self._instrument = instrument

    def on_book(self, book: int, now_ns: int) -> Decision | None:
        touch = self.books[book].best_ask
        if touch is None or book != self._instrument.book or not self.may_act(book, now_ns):
            return None
        intent = OrderIntent(
            strategy=self.name, book=book, side=Side.BUY, price_ticks=touch[0], size_lots=_size_lots(self._instrument)
        )
        return Decision(strategy=self.name, book=book, intents=(intent,), reason="rehearsal")


class _Stage:
    """Recorder and gateway of the stand-in: nothing is kept and nothing leaves."""

    def __init__(self, order_lines: Mapping[str, Rehearsing]) -> None:
        self._order_lines = dict(order_lines)
        self.order: Order | None = None

    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        pass

    def place(self, order: Order, now_ns: int) -> None:
        self.order = order
        self._order_lines[order.exchange].rehearse(order, now_ns)

    def cancel(self, order: Order, now_ns: int) -> None:
        pass

    def query(self, order: Order, now_ns: int) -> None:
        pass


def _unlimited(config: HftConfig, instrument: Instrument) -> HftConfig:
    """Limits that a rehearsal does not run into."""
    risk = config.risk.model_copy(
        update={
            "max_orders_per_second": _MAX_ORDERS_PER_SECOND,
            "max_position_size": 10**12,
            "max_exposure": 10**12,
            "currency": instrument.quote,
        }
    )
    return config.model_copy(update={"risk": risk})


def _prices(instrument: Instrument) -> tuple[bytes, bytes]:
    """A bid and an ask on the instrument's grid."""
    ticks = 1_000 * instrument.price_step_ticks
    bid, ask = ticks, ticks + instrument.price_step_ticks
    return instrument.price_text(bid).encode(), instrument.price_text(ask).encode()


def _size_lots(instrument: Instrument) -> int:
    """The smallest size whose notional the venue takes at the rehearsal's price."""
    ask_ticks = 1_001 * instrument.price_step_ticks
    step = instrument.size_step_lots
    least = max(instrument.min_size_lots, -(-instrument.min_notional_money // (ask_ticks * instrument.tick_lot_money)))
    return -(-least // step) * step


def _none_needed(_book: int) -> None:
    """The stand-in is given its snapshot."""
