"""The metrics say what the state says, in a form that Prometheus reads."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from graphwiz_trader.hft.events import RecordKind
from graphwiz_trader.observers.fold import StateFold
from graphwiz_trader.observers.metrics import TraderMetrics
from observers import market
from observers.market import START_NS, MadeUpSession

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(fold: StateFold) -> Samples:
    text = TraderMetrics(lambda: fold.state, lambda: 0.5).text().decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture(scope="module")
def fold() -> StateFold:
    made = StateFold()
    for item in MadeUpSession().records(12, frames_per_s=200):
        made.apply(item)
    return made


def test_counts_money_and_risk_are_the_states_own(fold: StateFold) -> None:
    found, state = samples(fold), fold.state
    assert found["graphwiz_frames_total", ()] == state.counts.frames == 2400
    assert found["graphwiz_pnl_quote", (("part", "net"),)] == float(state.pnl.net)
    assert found["graphwiz_exposure_quote", ()] == float(state.risk.exposure)
    assert found["graphwiz_breaker_tripped", ()] == 0
    assert found["graphwiz_session_ended", ()] == 1


def test_latency_is_in_seconds_by_quantile(fold: StateFold) -> None:
    found = samples(fold)
    assert found["graphwiz_processing_seconds", (("quantile", "0.99"),)] == pytest.approx(32.8e-6)
    assert found["graphwiz_round_trip_seconds", (("quantile", "0.5"),)] == pytest.approx(412e-6)


def test_an_answer_on_paper_is_not_taken_for_a_venues() -> None:
    made = StateFold()
    for item in MadeUpSession().records(12, frames_per_s=200):
        made.apply(item)
    made.state.mode = "paper"
    found = samples(made)
    assert found["graphwiz_simulated_round_trip_seconds", (("quantile", "0.5"),)] == pytest.approx(412e-6)
    assert not any(name.startswith("graphwiz_round_trip") for name, _ in found)


def test_a_book_is_in_exactly_one_trust_state(fold: StateFold) -> None:
    trust = {k: v for k, v in samples(fold).items() if k[0] == "graphwiz_book_trust"}
    assert len(trust) == 4 * 5
    assert sum(trust.values()) == 4
    live = (("exchange", "binance"), ("symbol", "BTC/USDT"), ("trust", "live"))
    assert trust["graphwiz_book_trust", live] == 1


def test_an_exchange_s_clock_and_lines_have_figures_of_their_own(fold: StateFold) -> None:
    found = samples(fold)
    assert found["graphwiz_clock_offset_seconds", (("exchange", "binance"),)] == -1.27
    assert found["graphwiz_clock_error_seconds", (("exchange", "binance"),)] == 0.0005
    up = {labels: value for (name, labels), value in found.items() if name == "graphwiz_line_up"}
    assert list(up.values()) == [1.0] * 4
    frames = [value for (name, _), value in found.items() if name == "graphwiz_line_frames_total"]
    assert sum(frames) == fold.state.counts.frames
    fold.apply(market.pulse(START_NS, news_by_line=[5, 3]))
    assert [value for (name, _), value in samples(fold).items() if name == "graphwiz_line_news_total"] == [5, 3]


def test_a_tripped_breaker_and_unreadable_records_show() -> None:
    fold = StateFold()
    fold.apply(market.session())
    fold.apply(market.pulse(START_NS, risk={"state": "tripped", "reason": "LOSS", "exposure": "0"}))
    fold.apply(market.record(RecordKind.PULSE, b"{"))
    found = samples(fold)
    assert found["graphwiz_breaker_tripped", ()] == 1
    assert found["graphwiz_unreadable_records_total", (("kind", "PULSE"),)] == 1


def test_before_the_first_record_there_are_metrics_too() -> None:
    assert samples(StateFold())["graphwiz_journal_silent_seconds", ()] == 0.5
