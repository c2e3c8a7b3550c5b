"""Every key of ``config/hft.yaml``: its kind, unit, bounds, default, meaning, and how keys bound each other.

This file is the reference. ``docs/configuration.md``, ``graphwiz config keys`` and the error messages are
made from it. Sizes and limits are amounts of the risk currency (``risk.currency``), not of the base asset.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from graphwiz_trader.config.exchange_ids import BINARY, EXCHANGES, SBE, TRADED, checked_id
from graphwiz_trader.config.modes import Mode, PaperConfig
from graphwiz_trader.config.section import MILLISECONDS, Section, beyond, refuse
from graphwiz_trader.config.values import (
    Asset,
    Folder,
    HttpAddress,
    Kind,
    Money,
    Number,
    SocketAddress,
    Symbols,
    Unit,
    is_loopback,
)

_MaybeAddress = Annotated[SocketAddress | None, Kind("a ws:// or wss:// address")]
ExchangeId = Annotated[str, AfterValidator(checked_id)]

CURRENCY = Unit("risk.currency")
PPM_OF_NOTIONAL = Unit("ppm of notional")


class EndpointsConfig(Section):
    """Where an exchange is reached.

    Left out: in simulated mode the simulated exchange's own addresses, else the exchange's public ones. Through ccxt
    an address replaces the beginning of each of ccxt's own; their paths stay.
    """

    rest: HttpAddress = Field(description="Snapshots and symbol rules.")
    stream: SocketAddress = Field(description="Market data streams.")
    orders: _MaybeAddress = Field(default=None, description="Order entry; not needed in paper and shadow mode.")
    backup_stream: _MaybeAddress = Field(
        default=None, description="Another way to the same streams: lines are spread over both."
    )


class ExchangeConfig(Section):
    """One exchange: whether it takes part, and with what."""

    enabled: bool = Field(default=True, description="Whether this exchange takes part.")
    symbols: Symbols = Field(
        default=("BTC/USDT", "ETH/USDT"),
        description="What is watched and traded, as BASE/QUOTE; a swap of OKX's or of ccxt's as BASE/QUOTE:SETTLE.",
    )
    websocket: bool = Field(
        default=True,
        description="Market data over WebSocket, or else by asking again and again: slower, and through ccxt alone.",
    )
    format: Literal["json", "sbe"] = Field(
        default="json",
        description="What the streams speak. sbe: binary, on Binance spot, with the API key of an Ed25519 pair.",
    )
    lines: Annotated[int, Unit("connections")] = Field(
        default=1,
        ge=1,
        le=4,
        description="How many connections carry the same market data: what one misses another brings.",
    )
    taker_fee_ppm: Annotated[int | None, PPM_OF_NOTIONAL] = Field(
        default=None, ge=0, le=100_000, description="Your taker fee. Left out: the venue's published rate."
    )
    maker_fee_ppm: Annotated[int | None, PPM_OF_NOTIONAL] = Field(
        default=None,
        ge=-100_000,
        le=100_000,
        description="Your maker fee, negative for a rebate. Left out: the published rate.",
    )
    endpoints: EndpointsConfig | None = Field(
        default=None,
        description="Where the exchange is reached. In simulated mode only this machine is allowed.",
    )


def _default_exchanges() -> dict[str, ExchangeConfig]:
    return {exchange: ExchangeConfig() for exchange in TRADED}


class MarketDataConfig(Section):
    """Which books are kept, and how fresh one must be before anything acts on it."""

    exchanges: Mapping[ExchangeId, ExchangeConfig] = Field(
        default_factory=_default_exchanges,
        description="By exchange id, as ccxt spells it.",
    )
    max_book_age_ms: Annotated[int, MILLISECONDS] = Field(
        default=1_000,
        ge=1,
        le=60_000,
        description="An arbitrage uses no book whose last update is older. One that is older already when it comes, "
        "by the venue's clock, makes no book trusted: it waited for a slow reader.",
    )
    max_skew_ms: Annotated[int, MILLISECONDS] = Field(
        default=500,
        ge=1,
        le=60_000,
        description="An arbitrage compares no two books whose last updates are further apart.",
    )
    stale_after_ms: Annotated[int, MILLISECONDS] = Field(
        default=5_000,
        ge=10,
        le=600_000,
        description="A book without an update for this long is no longer trusted.",
    )
    min_stale_after_ms: Annotated[int, MILLISECONDS] = Field(
        default=1_000,
        ge=10,
        le=600_000,
        description="A busy book is no longer trusted sooner, as its own rate teaches; not before this long, though.",
    )

    @model_validator(mode="after")
    def _every_exchange_has_a_feed(self) -> MarketDataConfig:
        text = "is false, and this exchange is only streamed; set it to true, or enabled to false"
        only_streamed = {name: self.exchanges[name] for name in EXCHANGES if name in self.exchanges}
        refuse(
            [
                (f"exchanges.{name}.websocket", text)
                for name, exchange in only_streamed.items()
                if exchange.enabled and not exchange.websocket
            ]
        )
        return self

    @model_validator(mode="after")
    def _binary_streams_are_there(self) -> MarketDataConfig:
        text = f"is {SBE}, and binary streams are there of {' and '.join(BINARY)} alone; set it to json"
        refuse(
            [(f"exchanges.{n}.format", text) for n, e in self.exchanges.items() if e.format == SBE and n not in BINARY]
        )
        return self

    @model_validator(mode="after")
    def _ccxt_has_one_line(self) -> MarketDataConfig:
        text = "is more than 1, and ccxt keeps its connections itself; set it to 1"
        refuse(
            [(f"exchanges.{n}.lines", text) for n, e in self.exchanges.items() if e.lines > 1 and n not in EXCHANGES]
        )
        return self

    @model_validator(mode="after")
    def _freshness_limits_nest(self) -> MarketDataConfig:
        skew_ms, age_ms, stale_ms = map(Decimal, (self.max_skew_ms, self.max_book_age_ms, self.stale_after_ms))
        refuse(
            beyond("max_skew_ms", skew_ms, "max_book_age_ms", age_ms)
            + beyond("max_book_age_ms", age_ms, "stale_after_ms", stale_ms)
        )
        return self


class StatisticalArbitrageConfig(Section):
    """Mean reversion of one symbol's mid price."""

    enabled: bool = Field(default=True, description="Whether the strategy runs.")
    lookback_period: Annotated[int, Unit("mid prices")] = Field(
        default=1_000,
        ge=2,
        le=1_000,
        description="How many mid prices the rolling mean covers; a book's history keeps 1,000.",
    )
    z_score_threshold: Annotated[Number, Unit("standard deviations")] = Field(
        default=3.0, gt=0, le=100, description="How far from the mean a mid price must be to enter."
    )
    min_profit_bps: Annotated[Number | None, Unit("bps of notional")] = Field(
        default=None,
        ge=0,
        le=10_000,
        description="The least that an entry must net when the price returns to its mean, both taker fees and the "
        "spread paid; null does not ask.",
    )
    max_position_size: Annotated[Money, CURRENCY] = Field(
        default=Decimal(1_000), gt=0, le=10**12, description="The most the strategy holds of one instrument."
    )


class CrossExchangeArbitrageConfig(Section):
    """Buying on one exchange what another pays more for."""

    enabled: bool = Field(default=True, description="Whether the strategy runs.")
    min_profit_bps: Annotated[Number, Unit("bps of notional")] = Field(
        default=1.0, ge=0, le=10_000, description="The least profit, net of both taker fees, worth acting on."
    )
    max_position_size: Annotated[Money, CURRENCY] = Field(
        default=Decimal(1_000),
        gt=0,
        le=10**12,
        description="The most one pair of orders is worth on each exchange.",
    )


class StrategiesConfig(Section):
    """What decides."""

    statistical_arbitrage: StatisticalArbitrageConfig = StatisticalArbitrageConfig()
    cross_exchange_arbitrage: CrossExchangeArbitrageConfig = CrossExchangeArbitrageConfig()


class RiskConfig(Section):
    """What no order may break, whoever wants it."""

    max_position_size: Annotated[Money, CURRENCY] = Field(
        default=Decimal(10_000),
        gt=0,
        le=10**12,
        description="The most of one instrument: its position and its open orders.",
    )
    max_exposure: Annotated[Money, CURRENCY] = Field(
        default=Decimal(50_000),
        gt=0,
        le=10**12,
        description="The most of everything: all positions and all open orders.",
    )
    max_orders_per_second: Annotated[int, Unit("orders/s")] = Field(
        default=50, ge=1, le=10_000, description="Orders sent within any one second, over all exchanges."
    )
    circuit_breaker_threshold: Annotated[Money, CURRENCY] = Field(
        default=Decimal(500),
        gt=0,
        le=10**12,
        description="The loss, realised and unrealised, net of fees, that stops trading.",
    )
    currency: Asset = Field(
        default="USDT",
        description="What limits and profit are counted in; other quotes are refused.",
    )

    @model_validator(mode="after")
    def _one_position_fits_the_exposure(self) -> RiskConfig:
        refuse(beyond("max_position_size", self.max_position_size, "max_exposure", self.max_exposure))
        return self


class PerformanceConfig(Section):
    """When the machine counts as too slow."""

    max_order_latency_ms: Annotated[Number, MILLISECONDS] = Field(
        default=100.0, gt=0, le=60_000, description="An order's answer that takes longer is reported."
    )
    max_processing_latency_ms: Annotated[Number, MILLISECONDS] = Field(
        default=10.0, gt=0, le=60_000, description="A frame whose processing takes longer is reported."
    )
    rehearsal_interval_ms: Annotated[int, MILLISECONDS] = Field(
        default=1,
        ge=0,
        le=1_000,
        description="How often the path of an order is walked without sending one, so that it is never cold; 0: never.",
    )
    busy_poll_percent: Annotated[int, Unit("% of a processor")] = Field(
        default=70,
        ge=0,
        le=100,
        description="How much of the time the sockets are asked instead of slept, which saves waking up; 100: always, "
        "0: never, as on a machine with one processor.",
    )
    enable_profiling: bool = Field(
        default=False,
        description="Write a profile of the trading process, `profile.prof`, beside its journal; that slows it.",
    )


class KnowledgeGraphConfig(Section):
    """What the observer keeps in the graph."""

    store_trades: bool = Field(default=True, description="Keep every order and trade.")
    store_patterns: bool = Field(default=True, description="Keep detected patterns.")
    analyze_correlations: bool = Field(default=True, description="Keep correlations between instruments.")


class ObserverConfig(Section):
    """The page and the metrics, on this machine only."""

    port: Annotated[int, Unit("TCP port")] = Field(
        default=8080,
        ge=0,
        le=65_535,
        description="Where the page is served on 127.0.0.1; 0 takes a free port.",
    )


class HftConfig(Section):
    """The whole configuration, the ``hft:`` of the file. Its defaults trade on simulated exchanges only."""

    enabled: bool = Field(default=True, description="Whether the engine starts at all.")
    mode: Mode = Field(
        default="simulated",
        description="Where orders go. simulated: to exchanges simulated on this machine. paper: the real markets are "
        "followed, and orders are filled inside this process. shadow: nowhere. There is no live mode.",
    )
    data_dir: Folder = Field(default=Path("var"), description="Where the journal and everything made from it is kept.")
    market_data: MarketDataConfig = MarketDataConfig()
    strategies: StrategiesConfig = StrategiesConfig()
    risk: RiskConfig = RiskConfig()
    paper: PaperConfig = PaperConfig()
    performance: PerformanceConfig = PerformanceConfig()
    knowledge_graph: KnowledgeGraphConfig = KnowledgeGraphConfig()
    observer: ObserverConfig = ObserverConfig()

    @property
    def enabled_exchanges(self) -> dict[str, ExchangeConfig]:
        return {name: exchange for name, exchange in self.market_data.exchanges.items() if exchange.enabled}

    @model_validator(mode="after")
    def _sections_agree(self) -> HftConfig:
        limit = ("risk.max_position_size", self.risk.max_position_size)
        stat_arb, cross = self.strategies.statistical_arbitrage, self.strategies.cross_exchange_arbitrage
        refuse(
            beyond("strategies.statistical_arbitrage.max_position_size", stat_arb.max_position_size, *limit)
            + beyond("strategies.cross_exchange_arbitrage.max_position_size", cross.max_position_size, *limit)
            + [problem for exchange in self.market_data.exchanges for problem in self._beyond_this_machine(exchange)]
        )
        return self

    def _beyond_this_machine(self, exchange: str) -> list[tuple[str, str]]:
        """A simulated exchange is on this machine; orders to an address elsewhere would be real ones."""
        endpoints = self.market_data.exchanges[exchange].endpoints
        if self.mode != "simulated" or endpoints is None:
            return []
        missing = "is missing, and in simulated mode that is where orders go; give it, or set hft.mode to paper"
        unsent = [(f"market_data.exchanges.{exchange}.endpoints.orders", missing)] if endpoints.orders is None else []
        return unsent + [
            (
                f"market_data.exchanges.{exchange}.endpoints.{name}",
                f"{urlsplit(address).hostname} is not this machine, as in simulated mode it must be",
            )
            for name, address in endpoints
            if address is not None and not is_loopback(address)
        ]
