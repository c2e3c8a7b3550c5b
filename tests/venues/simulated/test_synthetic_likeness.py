"""The synthetic market is like recorded ones, within stated factors: spread, depth, rates, clustering, lag."""

from __future__ import annotations

import math

import pytest
from benchmarks.synthetic_market import compare, measures
from benchmarks.synthetic_market.compare import BOOKS
from benchmarks.synthetic_market.recorded import ALIKE_WITHIN, RECORDED, RECORDED_CORRELATION, RECORDED_LAG_MS

from recordings import need

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def synthetic() -> compare.Tapes:
    return compare.synthetic(240)


@pytest.mark.parametrize("key", BOOKS)
def test_every_figure_of_a_book_is_within_its_factor_of_the_recorded_one(synthetic, key):
    made = measures.figures(synthetic[key])._asdict()
    apart = {name: made[name] / recorded for name, recorded in RECORDED[key]._asdict().items()}
    limits = ALIKE_WITHIN._asdict()
    assert {name: by for name, by in apart.items() if abs(math.log(by)) > math.log(limits[name])} == {}


@pytest.mark.parametrize("base", ["BTC", "ETH"])
def test_venues_follow_each_other_as_closely_as_recorded(synthetic, base):
    lag_ms = measures.lag_ms(synthetic["binanceusdm", base], synthetic["binance", base])
    assert lag_ms == pytest.approx(RECORDED_LAG_MS[base], rel=0.35)


def test_assets_move_together_as_recorded(synthetic):
    made = measures.correlation(synthetic["binance", "BTC"], synthetic["binance", "ETH"])
    assert made == pytest.approx(RECORDED_CORRELATION, abs=0.15)


@pytest.mark.recorded
def test_the_recorded_figures_are_what_the_recordings_measure():
    for name in BOOKS.values():
        need(f"binance/{name}_20240808.jsonl.gz")
    for key, tape in compare.recorded().items():
        assert measures.figures(tape) == pytest.approx(RECORDED[key], rel=0.02), key
