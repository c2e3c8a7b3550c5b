"""The trader's state as Prometheus metrics, computed when they are asked for.

Money and exposure become floats here, which is what the format has: good for a chart, not for an account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from graphwiz_trader.hft.events import Trust
from graphwiz_trader.hft.performance import Percentiles
from graphwiz_trader.observers.state import TraderState

_NS_PER_S = 1e9
_BOOK_LABELS = ["exchange", "symbol"]
_COUNTERS = {
    "frames": "Frames received from exchanges.",
    "refused": "Frames refused because their content was not what it should be.",
    "opportunities": "Differences between venues seen, net of fees.",
    "decisions": "Decisions of strategies.",
    "orders": "Orders sent.",
    "fills": "Executions.",
}
_LATENCIES = {
    "processing_ns": ("processing", "From a frame's arrival until the engine is done with it."),
    "order_ns": ("order", "From a frame's arrival until the order it caused is sent."),
    "round_trip_ns": ("round_trip", "From sending an order to its answer."),
}
_ON_PAPER = {"round_trip_ns": ("simulated_round_trip", "From placing an order on paper to its answer, as configured.")}
_QUANTILES = {"p50": "0.5", "p90": "0.9", "p99": "0.99", "p999": "0.999", "max": "1"}


class TraderMetrics(Collector):
    """Collects from the states that `state` returns; `silent_s` is how long the journal has been silent."""

    def __init__(self, state: Callable[[], TraderState], silent_s: Callable[[], float]) -> None:
        self._state = state
        self._silent_s = silent_s
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def text(self) -> bytes:
        """The exposition in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        state = self._state()
        yield _gauge("journal_silent_seconds", "Time since the journal's last record was read.", self._silent_s())
        yield _gauge("session_ended", "1 once the session was closed in order.", float(state.ended))
        yield _gauge("session_start_seconds", "When the session began.", state.started_ms / 1000)
        yield from _counts(state)
        yield from _money(state)
        yield from _risk(state)
        yield from _venues(state)
        yield from _books(state)
        yield from _latencies(state)
        yield from _strategies(state)


def _counts(state: TraderState) -> Iterator[Metric]:
    for name, meaning in _COUNTERS.items():
        yield CounterMetricFamily(f"graphwiz_{name}", meaning, value=getattr(state.counts, name))
        yield _gauge(f"{name}_per_second", f"{meaning} Rate over the last seconds.", getattr(state.rates, name))
    yield CounterMetricFamily("graphwiz_journal_records", "Journal records read.", value=state.records)
    unreadable = CounterMetricFamily(
        "graphwiz_unreadable_records", "Journal records whose payload made no sense.", labels=["kind"]
    )
    for kind, count in state.unreadable.items():
        unreadable.add_metric([kind], count)
    yield unreadable
    venues = CounterMetricFamily("graphwiz_venue_frames", "Market frames by exchange.", labels=["exchange"])
    for venue in state.venues:
        venues.add_metric([venue.exchange], venue.frames)
    yield venues


def _venues(state: TraderState) -> Iterator[Metric]:
    offset = GaugeMetricFamily(
        "graphwiz_clock_offset_seconds", "How far the exchange's clock is ahead of ours.", labels=["exchange"]
    )
    error = GaugeMetricFamily("graphwiz_clock_error_seconds", "How wrong that may be.", labels=["exchange"])
    labels = ["exchange", "line", "role"]
    up = GaugeMetricFamily("graphwiz_line_up", "1 while the connection is up.", labels=labels)
    breaks = CounterMetricFamily("graphwiz_line_breaks", "How often it has broken or was replaced.", labels=labels)
    frames = CounterMetricFamily("graphwiz_line_frames", "Frames that came by it.", labels=labels)
    news = CounterMetricFamily("graphwiz_line_news", "Messages that it brought before any other line.", labels=labels)
    for venue in state.venues:
        if venue.clock_offset_ms is not None and venue.clock_error_ms is not None:
            offset.add_metric([venue.exchange], venue.clock_offset_ms / 1000)
            error.add_metric([venue.exchange], venue.clock_error_ms / 1000)
        for line in venue.lines:
            of_line = [venue.exchange, str(line.line), line.role]
            up.add_metric(of_line, float(line.up))
            breaks.add_metric(of_line, line.breaks)
            frames.add_metric(of_line, line.frames)
            if line.role == "market":
                news.add_metric(of_line, line.news)
    yield from (offset, error, up, breaks, frames, news)


def _money(state: TraderState) -> Iterator[Metric]:
    pnl = GaugeMetricFamily("graphwiz_pnl_quote", "Profit and loss of the session in quote currency.", labels=["part"])
    for part in ("realised", "unrealised", "fees", "net"):
        pnl.add_metric([part], float(getattr(state.pnl, part)))
    yield pnl
    size = GaugeMetricFamily("graphwiz_position_base", "Position in base currency.", labels=_BOOK_LABELS)
    for row in state.positions:
        size.add_metric([row.exchange, row.symbol], float(row.position.size))
    yield size


def _risk(state: TraderState) -> Iterator[Metric]:
    yield _gauge("exposure_quote", "Positions and open orders, in quote currency.", float(state.risk.exposure))
    yield _gauge("exposure_limit_quote", "The limit of the exposure.", float(state.risk.max_exposure))
    yield _gauge("breaker_tripped", "1 while the circuit breaker refuses everything.", state.risk.state != "ok")
    yield _gauge("open_orders", "Orders whose end is not proven.", state.open_orders)
    refusals = CounterMetricFamily("graphwiz_refusals", "Orders refused by risk.", labels=["reason"])
    for reason, count in state.refusals_by_reason.items():
        refusals.add_metric([reason], count)
    yield refusals


def _books(state: TraderState) -> Iterator[Metric]:
    trust = GaugeMetricFamily(
        "graphwiz_book_trust", "1 for the trust state the book is in.", labels=[*_BOOK_LABELS, "trust"]
    )
    spread = GaugeMetricFamily("graphwiz_book_spread_bps", "Best ask over best bid.", labels=_BOOK_LABELS)
    age = GaugeMetricFamily("graphwiz_book_age_seconds", "Since the book's last update.", labels=_BOOK_LABELS)
    updates = CounterMetricFamily("graphwiz_book_updates", "Updates of the book.", labels=_BOOK_LABELS)
    for book in state.books:
        labels = [book.exchange, book.symbol]
        for name in (member.name.lower() for member in Trust):
            trust.add_metric([*labels, name], float(book.trust == name))
        if book.spread_bps is not None:
            spread.add_metric(labels, book.spread_bps)
        if book.age_ms is not None:
            age.add_metric(labels, book.age_ms / 1000)
        updates.add_metric(labels, book.updates)
    yield from (trust, spread, age, updates)


def _latencies(state: TraderState) -> Iterator[Metric]:
    named = _LATENCIES | (_ON_PAPER if state.mode == "paper" else {})
    for field, (name, meaning) in named.items():
        spread: Percentiles = getattr(state.latency, field)
        gauge = GaugeMetricFamily(f"graphwiz_{name}_seconds", meaning, labels=["quantile"])
        for percentile, quantile in _QUANTILES.items():
            value_ns = getattr(spread, percentile)
            if value_ns is not None:
                gauge.add_metric([quantile], value_ns / _NS_PER_S)
        yield gauge
        yield CounterMetricFamily(f"graphwiz_{name}_measured", f"{meaning} How many.", value=spread.count)


def _strategies(state: TraderState) -> Iterator[Metric]:
    trades = CounterMetricFamily("graphwiz_strategy_trades", "Closed round trips.", labels=["strategy"])
    pnl = GaugeMetricFamily("graphwiz_strategy_pnl_quote", "What they brought, net.", labels=["strategy"])
    for strategy in state.strategies:
        trades.add_metric([strategy.name], strategy.trades)
        pnl.add_metric([strategy.name], float(strategy.pnl))
    yield from (trades, pnl)


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"graphwiz_{name}", meaning, value=float(value))
