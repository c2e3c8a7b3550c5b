"""The path from frame to order, walked every millisecond on a stand-in, so that the real one is never cold.

An order goes out seldom. In between, other work pushes the code and data of its path out of the processor's caches,
and the next order takes five to ten times as long as one right after another. So a second core, wired like the real
one, is given a frame of its own each time: it decodes, decides, approves, journals nothing, encodes and signs the
orders, and sends nothing. It shares code with the real core and no state.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from math import lcm
from typing import NamedTuple, Protocol

from graphwiz_trader.assembly.core import build_books, build_core
from graphwiz_trader.assembly.lines import MARKET, line_ids, session_lines
from graphwiz_trader.config import HftConfig
from graphwiz_trader.hft.events import Decision, ExecutionReport, Line, OrderIntent, OrderState, Side
from graphwiz_trader.hft.instruments import Instrument, Instruments, money_from_text
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.hft.orders import Order
from graphwiz_trader.hft.strategies.base import HFTStrategy
from graphwiz_trader.hft.strategies.cross_exchange_arb import CrossExchangeArbitrage

_MAX_ORDERS_PER_SECOND = 10_000
_NO_LIMIT = 10**12
"""In the quote currency."""
_LOW_STEPS, _HIGH_STEPS = 1_000, 1_100
"""What the instrument costs at the first venue and at the second, in price steps that both take."""
_FIRST_UPDATE = 1


class Rehearsing(Protocol):
    """An order line that can go through the motions."""

    def rehearse(self, order: Order, now_ns: int) -> None: ...


class Rehearsal:
    """Two legs where a symbol is traded on two exchanges, one order where it is not.

    ``order_lines`` by exchange. Raises ValueError without instruments.
    """

    def __init__(self, config: HftConfig, instruments: Instruments, order_lines: Mapping[str, Rehearsing]) -> None:
        if not len(instruments):
            raise ValueError("a rehearsal needs an instrument to trade")
        self._stage = _Stage(order_lines)
        self._scenes = _scenes(instruments)
        books = build_books(config, instruments)
        lines = session_lines(instruments.exchanges)
        line_of = line_ids(lines, MARKET)
        self._lines = [line_of[scene.instrument.exchange] for scene in self._scenes]
        strategy = _strategy(books, self._scenes)
        strategy.start()
        core = build_core(
            _unlimited(config, self._scenes[0].instrument),
            instruments,
            lines,
            recorder=self._stage,
            books=books,
            gateways=dict.fromkeys(instruments.exchanges, self._stage),
            request_snapshot=_none_needed,
            prefix="rehearsal",
            inventory_lots={i.book: i.max_size_lots for i in instruments},
            strategies=[strategy],
        )
        self._engine = core.engine
        self._walks = 0
        self._open(lines)

    def walk(self) -> None:
        """Once through the path."""
        updates, at = divmod(self._walks, len(self._scenes))
        self._walks += 1
        now_ns = time.time_ns()
        self._engine.on_market_frame(self._lines[at], self._scenes[at].frame(_FIRST_UPDATE + 1 + updates), now_ns)
        orders, self._stage.orders = self._stage.orders, []
        if orders:
            expired = [ExecutionReport(client_id=o.client_id, state=OrderState.EXPIRED, filled_lots=0) for o in orders]
            self._engine.on_reports(expired, now_ns)

    async def keep_warm(self, every_s: float) -> None:
        """Walk again and again until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            self.walk()

    def _open(self, lines: Sequence[Line]) -> None:
        """Make the stand-in's lines and books live."""
        now_ns = time.time_ns()
        for line in lines:
            self._engine.on_line(line.line, True, "", now_ns)
        for at, scene in zip(self._lines, self._scenes, strict=True):
            self._engine.on_market_frame(at, scene.frame(_FIRST_UPDATE), now_ns)
            self._engine.on_snapshot(scene.instrument.book, scene.snapshot(), now_ns)
        self._stage.orders = []


class _Scene(NamedTuple):
    """An instrument's market in the rehearsal: one level a side, of which one changes its size every time."""

    instrument: Instrument
    bid: str
    ask: str
    sizes: tuple[str, str]
    changing: str
    """``b`` or ``a``, as in the frames."""

    def frame(self, number: int) -> bytes:
        """The next depth update."""
        level = f'["{self.bid if self.changing == "b" else self.ask}","{self.sizes[number % 2]}"]'
        bids, asks = (level, "") if self.changing == "b" else ("", level)
        return (
            f'{{"stream":"rehearsal","data":{{"e":"depthUpdate","E":1,"s":"{self.instrument.venue_symbol}",'
            f'"U":{number},"u":{number},"pu":{number - 1},"b":[{bids}],"a":[{asks}]}}}}'
        ).encode()

    def snapshot(self) -> bytes:
        bid, ask = (f'["{price}","{self.sizes[0]}"]' for price in (self.bid, self.ask))
        return f'{{"lastUpdateId":{_FIRST_UPDATE},"bids":[{bid}],"asks":[{ask}]}}'.encode()


def _scenes(instruments: Instruments) -> list[_Scene]:
    """A symbol that is cheap at one exchange and dear at another, or the first instrument alone."""
    pair = next(((i, instruments[peers[0]]) for i in instruments if (peers := instruments.same_symbol(i.book))), None)
    if pair is None:
        return [_scene((instruments[0],), instruments[0], _LOW_STEPS, "a")]
    return [_scene(pair, pair[0], _LOW_STEPS, "a"), _scene(pair, pair[1], _HIGH_STEPS, "b")]


def _scene(traded: Sequence[Instrument], instrument: Instrument, price_steps: int, changing: str) -> _Scene:
    """The instrument at that price, in sizes that all who are traded take at the lowest."""
    step_units = lcm(*(i.tick_units * i.price_step_ticks for i in traded))
    least_units = max(_least_units(i, _LOW_STEPS * step_units // i.tick_units) for i in traded)
    size_step_units = lcm(*(i.size_step_units for i in traded))
    size_units = -(-least_units // size_step_units) * size_step_units
    bid_ticks = price_steps * step_units // instrument.tick_units
    size_lots = size_units // instrument.lot_units
    return _Scene(
        instrument,
        bid=instrument.price_text(bid_ticks),
        ask=instrument.price_text(bid_ticks + instrument.price_step_ticks),
        sizes=(instrument.size_text(size_lots), instrument.size_text(2 * size_lots)),
        changing=changing,
    )


def _least_units(instrument: Instrument, price_ticks: int) -> int:
    """The smallest size that the venue takes at that price."""
    least = -(-instrument.min_notional_money // (price_ticks * instrument.tick_lot_money))
    return max(instrument.min_size_lots, least) * instrument.lot_units


def _strategy(books: OrderBookManager, scenes: Sequence[_Scene]) -> HFTStrategy:
    """What acts on every change of the scenes."""
    if len(scenes) > 1:
        return CrossExchangeArbitrage(books, min_profit_bps=0.0, max_position_money=money_from_text(str(_NO_LIMIT)))
    return _Extra(books, scenes[0])


class _Extra(HFTStrategy):
    """Buys what is offered at every change."""

    def __init__(self, books: OrderBookManager, scene: _Scene) -> None:
        super().__init__("rehearsal", books, {})
        self._book = scene.instrument.book
        self._size_lots = scene.instrument.lots_from_text(scene.sizes[0])

    def on_book(self, book: int, now_ns: int) -> Decision | None:
        touch = self.books[book].best_ask
        if touch is None or book != self._book or not self.may_act(book, now_ns):
            return None
        intent = OrderIntent(
            strategy=self.name, book=book, side=Side.BUY, price_ticks=touch[0], size_lots=self._size_lots
        )
        return Decision(strategy=self.name, book=book, intents=(intent,), reason="rehearsal")


class _Stage:
    """Recorder and gateway of the stand-in: nothing is kept and nothing leaves."""

    def __init__(self, order_lines: Mapping[str, Rehearsing]) -> None:
        self._order_lines = dict(order_lines)
        self.orders: list[Order] = []

    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        pass

    def place(self, order: Order, now_ns: int) -> None:
        self.orders.append(order)
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
            "max_position_size": _NO_LIMIT,
            "max_exposure": _NO_LIMIT,
            "currency": instrument.quote,
        }
    )
    return config.model_copy(update={"risk": risk})


def _none_needed(_book: int) -> None:
    """The stand-in is given its snapshots."""
