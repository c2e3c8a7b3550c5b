"""A seeded, made-up trading session as journal records: what the observers' tests read.

Positions follow from its fills and PnL from its positions, so that a test may compare what an observer says
with what the session knows.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from an_instrument import an_instrument
from graphwiz_trader.hft.events import (
    Fill,
    Opportunity,
    OrderState,
    OrderType,
    RecordKind,
    Side,
    TimeInForce,
    Trade,
    Trust,
)
from graphwiz_trader.journal.layout import Record
from graphwiz_trader.journal.writer import JournalWriter

START_NS = 1_723_100_000_000_000_000
MS = 1_000_000
STRATEGIES = ("statistical_arbitrage", "cross_exchange_arbitrage")


INSTRUMENTS = tuple(
    an_instrument(book, exchange, symbol, tick, lot, can_short=exchange == "binanceusdm")
    for book, (exchange, symbol, tick, lot) in enumerate(
        [
            ("binance", "BTC/USDT", "0.01", "0.00001"),
            ("binance", "ETH/USDT", "0.01", "0.0001"),
            ("binanceusdm", "BTC/USDT", "0.10", "0.001"),
            ("binanceusdm", "ETH/USDT", "0.01", "0.001"),
        ]
    )
)


def record(kind: RecordKind, payload: Any, time_ns: int = START_NS, source: int = 0) -> Record:
    """One record; a payload that is not bytes is written as JSON."""
    raw = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    return Record(int(kind), source, time_ns, raw)


def session(name: str = "s1", time_ns: int = START_NS, config: Mapping[str, Any] | None = None) -> Record:
    payload = {
        "session": name,
        "started_ns": time_ns,
        "mode": "simulated",
        "version": "0.1.0",
        "config": config or {},
        "instruments": INSTRUMENTS,
        "lines": [
            {"line": 0, "exchange": "binance", "role": "market"},
            {"line": 1, "exchange": "binanceusdm", "role": "market"},
            {"line": 2, "exchange": "binance", "role": "orders"},
            {"line": 3, "exchange": "binanceusdm", "role": "orders"},
        ],
        "strategies": list(STRATEGIES),
    }
    return record(RecordKind.SESSION, payload, time_ns)


def order(
    client_id: str,
    book: int,
    side: Side,
    price_ticks: int,
    size_lots: int,
    *,
    strategy: str = STRATEGIES[0],
    time_ns: int = START_NS,
    legs: int = 0,
) -> Record:
    payload = {
        "client_id": client_id,
        "strategy": strategy,
        "book": book,
        "side": side,
        "order_type": OrderType.LIMIT,
        "time_in_force": TimeInForce.IOC,
        "price_ticks": price_ticks,
        "size_lots": size_lots,
        "legs": legs,
    }
    return record(RecordKind.ORDER, payload, time_ns, book)


def update(client_id: str, state: OrderState, filled_lots: int = -1, time_ns: int = START_NS) -> Record:
    payload = {
        "client_id": client_id,
        "state": state,
        "filled_lots": filled_lots,
        "venue_id": "1",
        "reason": "",
    }
    return record(RecordKind.ORDER_UPDATE, payload, time_ns)


def fill(
    client_id: str,
    book: int,
    side: Side,
    price_ticks: int,
    size_lots: int,
    *,
    fee_units: int = 0,
    fee_asset: str = "USDT",
    strategy: str = STRATEGIES[0],
    time_ns: int = START_NS,
    trade_id: str = "t1",
) -> Record:
    value = Fill(
        client_id=client_id,
        strategy=strategy,
        book=book,
        side=side,
        trade=Trade(
            trade_id=trade_id,
            price_ticks=price_ticks,
            size_lots=size_lots,
            fee_units=fee_units,
            fee_asset=fee_asset,
        ),
        time_ns=time_ns,
    )
    return record(RecordKind.FILL, value, time_ns, book)


def pulse(time_ns: int, *, net: str = "0", **fields: Any) -> Record:
    payload = {
        "books": [],
        "positions": [],
        "pnl": {"realised": net, "unrealised": "0", "fees": "0", "net": net},
        "counts": {},
        "open_orders": 0,
        "risk": {"state": "ok", "reason": "", "exposure": "0", "max_exposure": "25000"},
        "strategies": [],
    }
    return record(RecordKind.PULSE, payload | fields, time_ns)


class MadeUpSession:
    """Yields the records of `seconds` of trading, `frames_per_s` market frames among them."""

    def __init__(self, seed: int = 7, *, name: str = "s1", start_ns: int = START_NS) -> None:
        self._random = random.Random(seed)
        self._name = name
        self._now_ns = start_ns
        self._fair = {"BTC": 61_837.0, "ETH": 2_688.0}
        self._counts = dict.fromkeys(
            ("frames", "refused", "opportunities", "decisions", "orders", "fills", "refusals"), 0
        )
        self._updates = [0] * len(INSTRUMENTS)
        self._held_lots = [0] * len(INSTRUMENTS)
        self._cash = Decimal(0)
        self._fees = Decimal(0)
        self._trades = 0

    def records(self, seconds: float, *, frames_per_s: int = 1000, end: bool = True) -> Iterator[Record]:
        yield session(self._name, self._now_ns)
        for number in range(4):
            yield record(RecordKind.LINE, {"up": True, "reason": "connected"}, self._now_ns, number)
        for number, offset_ns in enumerate((-1_270 * MS, 4 * MS)):
            yield record(RecordKind.CLOCK, {"offset_ns": offset_ns, "error_ns": MS // 2}, self._now_ns, number)
        for instrument in INSTRUMENTS:
            trust = {"book": instrument.book, "trust": Trust.LIVE, "was": Trust.SYNCING, "reason": "snapshot"}
            yield record(RecordKind.TRUST, trust, self._now_ns, instrument.book)
        for step in range(round(seconds * 10)):
            yield from self._frames(frames_per_s // 10)
            self._move()
            if self._random.random() < 0.35:
                yield from self._arbitrage(step)
            if self._random.random() < 0.05:
                self._counts["refusals"] += 1
                yield record(RecordKind.RISK, self._refusal(), self._now_ns)
            yield self._pulse()
            if step % 10 == 9:
                yield record(RecordKind.LATENCY, self._latency(), self._now_ns)
        if end:
            yield record(RecordKind.END, {"reason": "stopped by the user"}, self._now_ns)

    def _frames(self, count: int) -> Iterator[Record]:
        begin_ns = self._now_ns
        for number in range(count):
            self._now_ns = begin_ns + 100 * MS * number // count
            book = self._random.randrange(len(INSTRUMENTS))
            self._updates[book] += 1
            self._counts["frames"] += 1
            line = 0 if INSTRUMENTS[book].exchange == "binance" else 1
            frame = b'{"e":"depthUpdate","pad":"' + b"x" * 1500
            yield record(RecordKind.MARKET_FRAME, frame, self._now_ns, line)
        self._now_ns = begin_ns + 100 * MS

    def _move(self) -> None:
        for base in self._fair:
            self._fair[base] *= 1 + self._random.gauss(0, 3e-5)

    def _top(self, book: int) -> tuple[int, int]:
        instrument = INSTRUMENTS[book]
        tick = float(instrument.tick_size)
        mid = self._fair[instrument.base] * (1 + (self._premium if instrument.can_short else 0))
        bid = int(mid / tick) - self._random.randrange(3)
        return bid, bid + 1 + self._random.randrange(2)

    @property
    def _premium(self) -> float:
        """What futures cost above spot; it swings, so that buying the cheap venue earns."""
        return 4e-4 * math.sin(self._now_ns / 7e9)

    def _arbitrage(self, step: int) -> Iterator[Record]:
        base_row = self._random.randrange(2)
        buy_book, sell_book = base_row, base_row + 2
        if self._premium < 0:
            buy_book, sell_book = sell_book, buy_book
        buy_ticks, sell_ticks = self._top(buy_book)[1], self._top(sell_book)[0]
        self._counts["opportunities"] += 1
        seen = Opportunity(
            symbol=INSTRUMENTS[buy_book].symbol,
            buy_book=buy_book,
            sell_book=sell_book,
            buy_price_ticks=buy_ticks,
            sell_price_ticks=sell_ticks,
            size=round(self._random.uniform(0.01, 2), 5),
            net_bps=round(self._random.uniform(0.5, 9), 2),
            time_ns=self._now_ns,
        )
        yield record(RecordKind.OPPORTUNITY, seen, self._now_ns, buy_book)
        self._counts["decisions"] += 1
        strategy = STRATEGIES[self._random.randrange(2)]
        legs = ((buy_book, Side.BUY, buy_ticks), (sell_book, Side.SELL, sell_ticks))
        for row, (book, side, ticks) in enumerate(legs):
            size = round(0.02 / float(INSTRUMENTS[book].lot_size))
            yield from self._trade(f"gw{step}x{row}", book, side, ticks, size, strategy=strategy, legs=step + 1)

    def _trade(
        self, client_id: str, book: int, side: Side, ticks: int, size: int, *, strategy: str, legs: int
    ) -> Iterator[Record]:
        self._counts["orders"] += 1
        yield order(client_id, book, side, ticks, size, strategy=strategy, time_ns=self._now_ns, legs=legs)
        outcome = self._random.random()
        filled = size if outcome < 0.8 else size // 2 if outcome < 0.9 else 0
        if filled:
            instrument = INSTRUMENTS[book]
            notional = Decimal(ticks) * Decimal(instrument.tick_size) * filled * Decimal(instrument.lot_size)
            fee_units = int(notional * Decimal("0.00005") * 10**12)
            self._counts["fills"] += 1
            self._trades += 1
            self._held_lots[book] += side.sign * filled
            self._cash -= side.sign * notional
            self._fees += Decimal(fee_units).scaleb(-12)
            yield fill(
                client_id,
                book,
                side,
                ticks,
                filled,
                fee_units=fee_units,
                strategy=strategy,
                time_ns=self._now_ns,
                trade_id=f"{self._trades}",
            )
        state = OrderState.FILLED if filled == size else OrderState.EXPIRED
        yield update(client_id, state, filled, self._now_ns)

    def _pulse(self) -> Record:
        books, positions, value = [], [], Decimal(0)
        for instrument in INSTRUMENTS:
            bid, ask = self._top(instrument.book)
            held = self._held_lots[instrument.book] * Decimal(instrument.lot_size)
            value += held * Decimal(bid) * Decimal(instrument.tick_size)
            books.append(
                {
                    "book": instrument.book,
                    "trust": 1,
                    "bid": instrument.price_text(bid),
                    "bid_size": instrument.size_text(self._random.randrange(1, 9000)),
                    "ask": instrument.price_text(ask),
                    "ask_size": instrument.size_text(self._random.randrange(1, 9000)),
                    "spread_bps": (ask - bid) / bid * 10_000,
                    "updates": self._updates[instrument.book],
                    "age_ms": self._random.uniform(0.1, 60),
                }
            )
            positions.append(
                {
                    "book": instrument.book,
                    "size": str(held),
                    "average_price": instrument.price_text(bid - 40),
                    "realised": "1.25",
                    "unrealised": "0.8",
                    "fees": "0.31",
                }
            )
        net = self._cash + value - self._fees
        risk = {
            "state": "ok",
            "reason": "",
            "exposure": f"{abs(value) + 5000:.2f}",
            "max_exposure": "25000",
        }
        return pulse(
            self._now_ns,
            books=books,
            positions=positions,
            pnl={
                "realised": f"{self._cash + value:f}",
                "unrealised": "0",
                "fees": f"{self._fees:f}",
                "net": f"{net:f}",
            },
            counts=dict(self._counts),
            open_orders=0,
            risk=risk,
            strategies=[
                {
                    "name": name,
                    "trades": self._trades,
                    "pnl": "12.5",
                    "profit": "20",
                    "loss": "7.5",
                    "win_rate": 0.62,
                    "active": True,
                }
                for name in STRATEGIES
            ],
        )

    def _refusal(self) -> dict[str, str]:
        return {"event": "refused", "reason": "MAX_POSITION_SIZE", "detail": "5210.00 > 5000.00 USDT"}

    def _latency(self) -> dict[str, Any]:
        def spread(scale: int) -> dict[str, int]:
            return {
                "count": self._counts["frames"],
                "p50": scale,
                "p90": scale * 2,
                "p99": scale * 4,
                "p999": scale * 11,
                "max": scale * 40,
            }

        return {"processing_ns": spread(8_200), "order_ns": spread(31_000), "round_trip_ns": spread(412_000)}


def write_journal(root: Path, records: Iterable[Record], name: str = "s1", *, close: bool = True) -> JournalWriter:
    """The records as a journal under `root`. Left open, its writer is returned alive: the caller keeps it so."""
    writer = JournalWriter(root / name, session=name, segment_bytes=1 << 20)
    for item in records:
        writer.append(*item)
    if close:
        writer.close()
    return writer
