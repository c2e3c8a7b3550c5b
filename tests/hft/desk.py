"""A trading desk on the table: the real positions, risk, executor and legs over gateways that keep what they get."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from an_instrument import an_instrument
from graphwiz_trader.hft.events import (
    ExecutionReport,
    Fill,
    OrderIntent,
    OrderState,
    OrderType,
    RecordKind,
    Side,
    TimeInForce,
    Trade,
)
from graphwiz_trader.hft.executor import FastOrderExecutor, OrderGateway
from graphwiz_trader.hft.instruments import Instrument, Instruments, money_from_text
from graphwiz_trader.hft.legs import LegCoordinator, LegSettings
from graphwiz_trader.hft.limits import RiskLimits
from graphwiz_trader.hft.orders import Order
from graphwiz_trader.hft.positions import PositionTracker
from graphwiz_trader.hft.risk import ApprovedOrder, HFTRiskManager

MS = 1_000_000
SECOND = 1_000 * MS
START = 1_723_075_200 * SECOND

SPOT, PERP, ETH, FOREIGN = range(4)
"""Book ids: BTC/USDT on a spot and a futures venue, ETH/USDT on the futures venue, BTC/USDC on the spot venue."""

TICK_LOT = money_from_text("0.001")
"""Tick 1 and lot 0.001: a price of 60 000 ticks is 60 000 USDT, and one lot there is worth 60 USDT."""


def instrument(book: int, exchange: str, symbol: str, **changed: Any) -> Instrument:
    rules = {"tick_size": "1", "lot_size": "0.001", "can_short": exchange != "binance", "min_notional": "5"} | changed
    return an_instrument(book, exchange, symbol, **rules)


INSTRUMENTS = Instruments(
    [
        instrument(SPOT, "binance", "BTC/USDT", max_size_lots=10_000),
        instrument(PERP, "binanceusdm", "BTC/USDT"),
        instrument(ETH, "binanceusdm", "ETH/USDT", lot_size="0.01", min_size_lots=2),
        instrument(FOREIGN, "binance", "BTC/USDC"),
    ]
)


class Marks:
    """Books as risk sees them: a mid price each, in half ticks, and whether it is trusted."""

    def __init__(self) -> None:
        self.mid2 = {SPOT: 120_000, PERP: 120_000, ETH: 6_000, FOREIGN: 120_000}
        self.untrusted: set[int] = set()

    def mid2_ticks(self, book: int) -> int:
        return self.mid2[book]

    def is_tradable(self, book: int) -> bool:
        return book not in self.untrusted


class ListRecorder:
    """The journal as a list; ``full`` makes the next append fail as a full disk does."""

    def __init__(self) -> None:
        self.records: list[tuple[RecordKind, int, int, dict[str, Any]]] = []
        self.full = False

    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        if self.full:
            raise OSError("the disk is full")
        self.records.append((RecordKind(kind), source, time_ns, msgspec.json.decode(payload)))

    def of(self, kind: RecordKind) -> list[dict[str, Any]]:
        return [payload for recorded, _, _, payload in self.records if recorded is kind]

    def notices(self) -> list[str]:
        return [notice["kind"] for notice in self.of(RecordKind.NOTICE)]

    def states(self, client_id: str) -> list[OrderState]:
        updates = self.of(RecordKind.ORDER_UPDATE)
        return [OrderState(u["state"]) for u in updates if u["client_id"] == client_id]


class Gateway:
    """Keeps requests in order; raises what it is told to. ``recorded_before``: what the journal held at each."""

    def __init__(self, recorder: ListRecorder) -> None:
        self.requests: list[tuple[str, str]] = []
        self.recorded_before: list[list[RecordKind]] = []
        self.fails: dict[str, Exception] = {}
        self._recorder = recorder

    def _take(self, what: str, order: Order) -> None:
        self.recorded_before.append([record[0] for record in self._recorder.records])
        if what in self.fails:
            raise self.fails[what]
        self.requests.append((what, order.client_id))

    def place(self, order: Order, now_ns: int) -> None:
        self._take("place", order)

    def cancel(self, order: Order, now_ns: int) -> None:
        self._take("cancel", order)

    def query(self, order: Order, now_ns: int) -> None:
        self._take("query", order)

    def count(self, what: str) -> int:
        return sum(asked == what for asked, _ in self.requests)


class Desk:
    """Everything between a strategy's intents and a venue's reports."""

    def __init__(
        self,
        *,
        inventory_lots: dict[int, int] | None = None,
        gateways: Mapping[str, OrderGateway] | None = None,
        **limits: Any,
    ) -> None:
        self.recorder = ListRecorder()
        self.marks = Marks()
        self.positions = PositionTracker(INSTRUMENTS)
        self.risk = HFTRiskManager(
            INSTRUMENTS,
            a_limits(**limits),
            holdings=self.positions,
            marks=self.marks,
            recorder=self.recorder,
            inventory_lots=inventory_lots,
        )
        self.gateways = {exchange: Gateway(self.recorder) for exchange in INSTRUMENTS.exchanges}
        self.executor = FastOrderExecutor(
            INSTRUMENTS,
            prefix="t1",
            risk=self.risk,
            positions=self.positions,
            gateways=gateways or self.gateways,
            recorder=self.recorder,
            answer_timeout_ns=SECOND,
            query_pause_max_ns=8 * SECOND,
            missing_after_ns=10 * SECOND,
        )
        self.legs = LegCoordinator(
            INSTRUMENTS,
            risk=self.risk,
            executor=self.executor,
            marks=self.marks,
            recorder=self.recorder,
            settings=LegSettings(attempts_max=3, slippage_bps=20, patience_ns=10 * SECOND, pause_ns=30 * SECOND),
        )
        self.executor.on_final = self.legs.on_final

    def approve(self, *intents: OrderIntent, now: int = START) -> tuple[ApprovedOrder, ...]:
        approved = self.risk.approve(intents, now)
        assert isinstance(approved, tuple), approved
        return approved

    def place(self, intent: OrderIntent, now: int = START) -> Order:
        return self.executor.place(self.approve(intent, now=now)[0], now)

    def report(
        self, order: Order, state: OrderState, *trades: Trade, now: int = START, **said: Any
    ) -> tuple[Fill, ...]:
        said.setdefault("filled_lots", -1)
        report = ExecutionReport(client_id=order.client_id, state=state, trades=trades, **said)
        return self.executor.on_report(report, now)

    def hold(self, book: int, lots: int, price_ticks: int = 60_000) -> None:
        """Give the desk a position out of nowhere."""
        side = Side.BUY if lots > 0 else Side.SELL
        self.positions.apply(a_fill(book, side, price_ticks, abs(lots)))


def a_limits(**changed: Any) -> RiskLimits:
    """Roomy limits, in whole USDT."""
    amounts = {"max_position": 100_000, "max_exposure": 200_000, "max_loss": 1_000} | {
        name: value for name, value in changed.items() if name != "max_orders_per_second"
    }
    return RiskLimits(
        currency="USDT",
        max_orders_per_second=changed.get("max_orders_per_second", 1_000),
        **{f"{name}_money": money_from_text(str(amount)) for name, amount in amounts.items()},
    )


def an_intent(
    book: int = PERP, side: Side = Side.BUY, size_lots: int = 10, price_ticks: int = 60_000, **other: Any
) -> OrderIntent:
    return OrderIntent(
        strategy=other.pop("strategy", "arb"),
        book=book,
        side=side,
        price_ticks=price_ticks,
        size_lots=size_lots,
        **other,
    )


def a_resting_intent(**other: Any) -> OrderIntent:
    return an_intent(time_in_force=TimeInForce.GTC, **other)


def a_market_intent(**other: Any) -> OrderIntent:
    return an_intent(order_type=OrderType.MARKET, **other)


def a_trade(
    trade_id: str, size_lots: int, price_ticks: int = 60_000, fee_units: int = 0, fee_asset: str = "USDT"
) -> Trade:
    return Trade(
        trade_id=trade_id, price_ticks=price_ticks, size_lots=size_lots, fee_units=fee_units, fee_asset=fee_asset
    )


def a_fill(
    book: int, side: Side, price_ticks: int, size_lots: int, fee_units: int = 0, fee_asset: str = "USDT"
) -> Fill:
    trade = a_trade("1", size_lots, price_ticks, fee_units, fee_asset)
    return Fill(client_id="t1x", strategy="arb", book=book, side=side, trade=trade, time_ns=START)
