"""The whole trader under every fault there is, by a seed: whatever breaks, it ends with what the venues' accounts say.

What is checked stands in `storm.Reckoning`; that everything is known again in time, in `Storm.calm`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from assembly.storm import EXCHANGES, quick, storm, weather_out
from graphwiz_trader.assembly.warmup import warm_up
from graphwiz_trader.venues.simulated.faults.kinds import KINDS

__all__ = ["quick"]
pytestmark = pytest.mark.usefixtures("quick")

STORM_S = 2.0
STORMS: dict[str, list[dict[str, Any]]] = {
    "disconnect": [{"at_s": [0.2, 0.9]}, {"channel": "order.*", "probability": 0.02}],
    "half_open": [{"at_s": [0.2]}, {"channel": "/ws-*", "at_s": [1.2]}],
    "drop": [{"probability": 0.05}],
    "duplicate": [{"probability": 0.2, "copies": 2}],
    "reorder": [{"probability": 0.2, "delay_ms": 30}],
    "delay": [{"probability": 0.1, "delay_ms": {"exponential": 40}}],
    "gap": [{"probability": 0.1}],
    "stale_book": [{"at_s": [0.3], "for_s": 1.0}],
    "http_status": [
        {"channel": "GET *", "probability": 0.3, "status": 429, "retry_after_s": 1},
        {"channel": "GET *", "count": 1, "status": 418, "retry_after_s": 1},
        {"channel": "GET *", "probability": 0.3, "status": 503},
        {"fault": "disconnect", "at_s": [0.1, 0.7, 1.3]},
    ],
    "lost_answer": [{"channel": "order.*", "probability": 0.2}],
    "unknown_outcome": [
        {"channel": "order.place", "probability": 0.1},
        {"channel": "order.place", "probability": 0.1, "processed": False},
        {"channel": "order.cancel", "probability": 0.2},
    ],
    "answer_after_event": [{"channel": "order.*", "probability": 0.5}],
    "late_fill": [{"probability": 0.5, "delay_ms": {"exponential": 60}, "fraction": 0.5}],
    "duplicate_fill": [{"probability": 0.5, "copies": 2}],
    "clock_skew": [{"skew_ms": -3_000, "for_s": 1.5}],
    "restart": [{"at_s": [0.3], "down_s": 0.5}],
    "shutdown_notice": [{"at_s": [0.2], "closes_after_s": 0.5}],
}
"""Kind of fault → how it strikes; what does not name its fault is of that kind."""
OF_ORDERS = {"lost_answer", "unknown_outcome", "answer_after_event", "late_fill", "duplicate_fill"}
"""What cannot happen to orders that stay in the process."""
UNHEARD: dict[str, list[dict[str, Any]]] = {
    "late fills, while the line is down": [
        {"fault": "late_fill", "every": 1, "delay_ms": 120},
        {"fault": "restart", "at_s": [0.4, 1.3], "down_s": 0.3},
    ],
    "every event of an order, while its line lives": [
        {"fault": "drop", "channel": "executionReport", "every": 1},
        {"fault": "drop", "channel": "ORDER_TRADE_UPDATE", "every": 1},
    ],
    "a private stream that is half open, while orders go on": [
        {"fault": "half_open", "venue": "binanceusdm", "channel": "/private/*", "at_s": [0.3, 1.2]},
        {"fault": "lost_answer", "channel": "order.*", "probability": 0.1},
    ],
}
"""News of orders that does not come, by what is lost."""


@pytest.fixture(autouse=True, scope="module")
def _compiled() -> None:
    warm_up(lambda *_: None)


def weather(directory: Path, faults: Sequence[dict[str, Any]], seed: int, **named: Any) -> None:
    """Trade through these faults and be called to account."""

    async def run() -> None:
        async with storm(directory, seed=seed, **named) as found:
            found.arm(*faults, seed=seed)
            await found.trade(STORM_S)
            silent = {str(fault["fault"]) for fault in faults} - set(found.fired())
            assert len(faults) > len(STORMS["http_status"]) or not silent, f"did not strike: {silent}"
            await found.calm()

    weather_out(run)


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [{"fault": kind, **fault} for fault in STORMS[kind]]


def test_every_kind_of_fault_has_its_storm() -> None:
    assert set(STORMS) == set(KINDS)


@pytest.mark.slow
@pytest.mark.parametrize("kind", STORMS)
def test_a_storm_of_one_kind(tmp_path: Path, kind: str) -> None:
    weather(tmp_path, of_kind(kind), seed=11)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_storm_of_many_kinds(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    faults = [fault for kind in random.sample(sorted(STORMS), 6) for fault in of_kind(kind)]
    weather(tmp_path, [{**fault, "venue": random.choice(["*", *EXCHANGES])} for fault in faults], seed=seed)


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(set(STORMS) - OF_ORDERS))
def test_a_storm_over_the_markets_that_a_session_on_paper_follows(tmp_path: Path, kind: str) -> None:
    weather(tmp_path, of_kind(kind), seed=5, on_paper=True)


@pytest.mark.parametrize("news", UNHEARD)
def test_what_nobody_hears_is_asked_for(tmp_path: Path, news: str) -> None:
    weather(tmp_path, UNHEARD[news], seed=3)
