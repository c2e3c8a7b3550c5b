"""The core of a trader, wired in one place for every use: live session, simulation and replay differ around it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from types import MappingProxyType
from typing import NamedTuple

from graphwiz_trader.assembly.lines import MARKET, ORDERS, market_line_ids
from graphwiz_trader.config import HftConfig
from graphwiz_trader.hft.decoders import DECODERS
from graphwiz_trader.hft.engine import Engine, OrderDecoder
from graphwiz_trader.hft.events import Line, Recorder
from graphwiz_trader.hft.executor import FastOrderExecutor
from graphwiz_trader.hft.gateways import AccountGateway, OrderGateway
from graphwiz_trader.hft.instruments import Instruments, money_from_text
from graphwiz_trader.hft.leftovers import Leftovers
from graphwiz_trader.hft.legs import LegCoordinator, LegSettings
from graphwiz_trader.hft.limits import RiskLimits
from graphwiz_trader.hft.market_data import MarketData
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.hft.positions import PositionTracker
from graphwiz_trader.hft.records import SessionStart
from graphwiz_trader.hft.risk import HFTRiskManager
from graphwiz_trader.hft.strategies.base import HFTStrategy
from graphwiz_trader.hft.strategies.cross_exchange_arb import CrossExchangeArbitrage
from graphwiz_trader.hft.strategies.stat_arb import StatisticalArbitrage
from graphwiz_trader.venues.exchanges import orders_of
from graphwiz_trader.venues.simulated.reports import WIRE as REPORTS_WIRE
from graphwiz_trader.venues.simulated.reports import decode_reports


class Core(NamedTuple):
    """The synchronous part of a trader, wired."""

    engine: Engine
    books: OrderBookManager
    market_data: MarketData
    positions: PositionTracker
    risk: HFTRiskManager
    executor: FastOrderExecutor
    strategies: tuple[HFTStrategy, ...]
    market_lines: dict[str, tuple[int, ...]]

    def frames(self) -> dict[str, int]:
        """Market data frames by exchange, snapshots included."""
        by_line = self.engine.frames_by_line
        return {exchange: sum(by_line[line] for line in lines) for exchange, lines in self.market_lines.items()}

    def refused(self) -> Counter[str]:
        """Refused frames by exchange."""
        by_line = self.market_data.refused
        return Counter(
            {e: sum(n for (at, _), n in by_line.items() if at in lines) for e, lines in self.market_lines.items()}
        )


def build_core(
    config: HftConfig,
    instruments: Instruments,
    lines: Sequence[Line],
    *,
    recorder: Recorder,
    books: OrderBookManager,
    gateways: Mapping[str, OrderGateway],
    request_snapshot: Callable[[int], None],
    prefix: str,
    trader: str = "",
    accounts: Mapping[str, AccountGateway] = MappingProxyType({}),
    tripped: str = "",
    inventory_lots: dict[int, int] | None = None,
    strategies: Sequence[HFTStrategy] | None = None,
) -> Core:
    """Wire the core. ``books`` is made first, because a replay's venues fill from it.

    ``accounts``: the exchanges on which orders of the ``trader``'s earlier sessions may be open.
    ``strategies``: others than the configuration enables, started.
    """
    market_data = MarketData(
        books,
        [DECODERS[line.wire](instruments, line.exchange) for line in lines if line.role == MARKET],
        recorder,
        request_snapshot=request_snapshot,
        stale_after_ms=config.market_data.stale_after_ms,
        min_stale_after_ms=config.market_data.min_stale_after_ms,
    )
    positions = PositionTracker(instruments)
    risk = HFTRiskManager(
        instruments,
        risk_limits(config),
        holdings=positions,
        marks=books,
        recorder=recorder,
        inventory_lots=inventory_lots,
        tripped=tripped,
    )
    executor = FastOrderExecutor(
        instruments, prefix=prefix, risk=risk, positions=positions, gateways=gateways, recorder=recorder
    )
    legs = LegCoordinator(
        instruments, risk=risk, executor=executor, marks=books, recorder=recorder, settings=LegSettings()
    )
    strategies = tuple(build_strategies(config, books) if strategies is None else strategies)
    engine = Engine(
        lines=lines,
        books=books,
        market_data=market_data,
        strategies=strategies,
        risk=risk,
        executor=executor,
        leftovers=Leftovers(accounts, recorder, trader=trader, prefix=prefix, on_line=executor.on_line),
        legs=legs,
        positions=positions,
        order_decoders={line.line: order_decoder(line, instruments) for line in lines if line.role == ORDERS},
        recorder=recorder,
    )
    return Core(engine, books, market_data, positions, risk, executor, strategies, market_line_ids(lines))


def build_books(config: HftConfig, instruments: Instruments) -> OrderBookManager:
    """The session's books, with the configured bounds on age and skew."""
    market = config.market_data
    return OrderBookManager(instruments, max_book_age_ms=market.max_book_age_ms, max_skew_ms=market.max_skew_ms)


def build_strategies(config: HftConfig, books: OrderBookManager) -> tuple[HFTStrategy, ...]:
    """The enabled strategies, started. A new strategy is a line here."""
    strategies: list[HFTStrategy] = []
    mean = config.strategies.statistical_arbitrage
    if mean.enabled:
        strategies.append(
            StatisticalArbitrage(
                books,
                lookback_period=mean.lookback_period,
                z_score_threshold=float(mean.z_score_threshold),
                min_profit_bps=None if mean.min_profit_bps is None else float(mean.min_profit_bps),
                max_position_money=money_from_text(str(mean.max_position_size)),
            )
        )
    cross = config.strategies.cross_exchange_arbitrage
    if cross.enabled:
        strategies.append(
            CrossExchangeArbitrage(
                books,
                min_profit_bps=float(cross.min_profit_bps),
                max_position_money=money_from_text(str(cross.max_position_size)),
            )
        )
    for strategy in strategies:
        strategy.start()
    return tuple(strategies)


def risk_limits(config: HftConfig) -> RiskLimits:
    """The configuration's limits, exact."""
    risk = config.risk
    return RiskLimits(
        currency=risk.currency,
        max_position_money=money_from_text(str(risk.max_position_size)),
        max_exposure_money=money_from_text(str(risk.max_exposure)),
        max_orders_per_second=risk.max_orders_per_second,
        max_loss_money=money_from_text(str(risk.circuit_breaker_threshold)),
    )


def session_start(
    config: HftConfig,
    instruments: Instruments,
    lines: Sequence[Line],
    *,
    session: str,
    started_ns: int,
    prefix: str,
    trader: str = "",
    tripped: str = "",
    inventory_lots: dict[int, int] | None = None,
) -> SessionStart:
    """The first record of a session's journal: with it `build_core` can build the same core again."""
    strategies = config.strategies
    return SessionStart(
        session=session,
        started_ns=started_ns,
        mode=config.mode,
        version=version("graphwiz-trader"),
        prefix=prefix,
        trader=trader,
        tripped=tripped,
        config=config.model_dump(mode="json"),
        instruments=tuple(instruments),
        lines=tuple(lines),
        strategies=tuple(name for name, settings in strategies if settings.enabled),
        inventory_lots=inventory_lots or {},
    )


def order_decoder(line: Line, instruments: Instruments) -> OrderDecoder:
    """How the frames of an order line are read."""
    if line.wire == REPORTS_WIRE:
        return decode_reports
    return orders_of(line.exchange).decoder(instruments, line.exchange)
