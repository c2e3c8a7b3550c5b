"""What the graph finds out: crosses that recur are patterns, and instruments that move together are joined."""

from __future__ import annotations

import math
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from graphwiz_trader.hft.events import RecordKind, Trust
from graphwiz_trader.hft.pulse import BookPulse, Pulse
from graphwiz_trader.journal.layout import Record
from graphwiz_trader.observers.knowledge_graph.correlations import SAMPLES_MIN, Correlations
from graphwiz_trader.observers.knowledge_graph.findings import correlations, patterns
from graphwiz_trader.observers.knowledge_graph.projector import GraphProjector
from graphwiz_trader.observers.knowledge_graph.store import GraphStore
from observers import market
from observers.market import START_NS, write_journal

SECOND_NS = 10**9


@pytest.fixture
def store(tmp_path: Path) -> GraphStore:
    return GraphStore(tmp_path / "graph")


def cross(buy_book: int, sell_book: int, net_bps: float, second: int) -> Record:
    payload = {
        "symbol": "BTC/USDT",
        "buy_book": buy_book,
        "sell_book": sell_book,
        "buy_price_ticks": 6_000_000,
        "sell_price_ticks": 600_100,
        "size": 0.5,
        "net_bps": net_bps,
        "time_ns": START_NS + second * SECOND_NS,
    }
    return market.record(RecordKind.OPPORTUNITY, payload, START_NS + second * SECOND_NS, buy_book)


def pulse(mids: list[float | None], second: float) -> Record:
    return market.record(RecordKind.PULSE, _pulse(mids), START_NS + round(second * SECOND_NS))


def _pulse(mids: list[float | None]) -> Pulse:
    books = tuple(
        BookPulse(book=book, trust=Trust.SYNCING)
        if mid is None
        else BookPulse(book=book, trust=Trust.LIVE, bid=repr(mid), ask=repr(mid))
        for book, mid in enumerate(mids)
    )
    return Pulse(books=books)


def graph(store: GraphStore, root: Path, records: list[Record], config: dict[str, Any] | None = None) -> GraphStore:
    write_journal(root, [market.session(config=config), *records, market.record(RecordKind.END, {"reason": "done"})])
    projector = GraphProjector(store, root, pytest.fail)
    while projector.step():
        pass
    return store


def walks(seconds: int, seed: int = 1) -> list[list[float]]:
    """Mid prices of four books: the second moves as the first does, the third against it, the fourth on its own."""
    random_ = random.Random(seed)
    logs, rows = [11.0, 8.0, 11.0, 8.0], []
    for _ in range(seconds):
        step, own = random_.gauss(0, 1e-4), random_.gauss(0, 1e-4)
        logs = [logs[0] + step, logs[1] + 2 * step, logs[2] - step, logs[3] + own]
        rows.append([math.exp(value) for value in logs])
    return rows


def test_a_cross_that_comes_again_is_one_pattern_with_its_count_its_mean_and_its_best(
    store: GraphStore, tmp_path: Path
) -> None:
    seen = [cross(0, 2, 2.0, 1), cross(0, 2, 4.0, 2), cross(2, 0, 1.0, 3), cross(0, 99, 1.0, 4)]
    graph(store, tmp_path / "journal", seen)
    there, back = patterns(store)
    assert there[:4] == ("cross_exchange", "binance BTC/USDT", "binanceusdm BTC/USDT", 2)
    assert (there.mean_bps, there.best_bps, there.last_ns) == (3.0, 4.0, START_NS + 2 * SECOND_NS)
    assert back[:4] == ("cross_exchange", "binanceusdm BTC/USDT", "binance BTC/USDT", 1)
    assert patterns(store, since_ns=START_NS + 3 * SECOND_NS) == [back]


def test_instruments_that_move_together_are_joined_by_how_much(store: GraphStore, tmp_path: Path) -> None:
    graph(store, tmp_path / "journal", [pulse([*row], second) for second, row in enumerate(walks(120))])
    found = {(c.one, c.other): c for c in correlations(store)}
    in_step = found["binance BTC/USDT", "binance ETH/USDT"]
    assert in_step.coefficient == pytest.approx(1.0, abs=1e-6)
    assert in_step.seconds == 119
    assert found["binance BTC/USDT", "binanceusdm BTC/USDT"].coefficient == pytest.approx(-1.0, abs=1e-6)
    assert abs(found["binance BTC/USDT", "binanceusdm ETH/USDT"].coefficient) < 0.3


def test_only_seconds_in_which_both_books_were_trusted_count() -> None:
    rows: list[list[float | None]] = [[*row] for row in walks(100)]
    for row in rows[40:60]:
        row[1] = None
    counted = Correlations(4)
    for second, row in enumerate(rows):
        counted.add(_pulse(row), second * SECOND_NS)
    seconds = {(one, other): seconds for one, other, _, seconds in counted.coefficients()}
    assert (seconds[0, 1], seconds[0, 2]) == (78, 99)  # 20 seconds away, and the step back in


def test_a_coefficient_is_the_textbooks(tmp_path: Path) -> None:
    rows = walks(200, seed=3)
    counted = Correlations(4)
    for second, row in enumerate(rows):
        counted.add(_pulse([*row]), second * SECOND_NS)
        counted.add(_pulse([1.0, 1.0, 1.0, 1.0]), second * SECOND_NS + 1)  # between the seconds: passed over
    returns = [[math.log(b[i] / a[i]) for a, b in pairwise(rows)] for i in range(4)]
    for one, other, coefficient, _ in counted.coefficients():
        assert coefficient == pytest.approx(textbook(returns[one], returns[other]), abs=1e-6)


def textbook(xs: list[float], ys: list[float]) -> float:
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    products = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    return products / math.sqrt(sum((x - mean_x) ** 2 for x in xs) * sum((y - mean_y) ** 2 for y in ys))


def test_too_few_seconds_say_nothing() -> None:
    counted = Correlations(4)
    for second, row in enumerate(walks(SAMPLES_MIN)):
        counted.add(_pulse([*row]), second * SECOND_NS)
    assert not list(counted.coefficients())


@pytest.mark.parametrize(
    ("key", "left_out"),
    [("store_patterns", "patterns"), ("analyze_correlations", "correlations"), ("store_trades", "orders")],
)
def test_what_the_configuration_leaves_out_is_not_in_the_graph(
    store: GraphStore, tmp_path: Path, key: str, left_out: str
) -> None:
    seen = [cross(0, 2, 2.0, 1), *[pulse([*row], second) for second, row in enumerate(walks(60))]]
    seen.append(market.order("b1", 0, market.Side.BUY, 6_000_000, 100))
    graph(store, tmp_path / "journal", seen, {"knowledge_graph": {key: False}})
    found = {
        "patterns": len(patterns(store)),
        "correlations": len(correlations(store)),
        "orders": store.read("MATCH (o:`Order`) RETURN count(o)").rows[0][0],
    }
    assert found.pop(left_out) == 0
    assert all(found.values())


def test_reading_a_session_again_counts_nothing_twice(store: GraphStore, tmp_path: Path) -> None:
    seen = [cross(0, 2, 2.0, 1), *[pulse([*row], second) for second, row in enumerate(walks(60))]]
    write_journal(tmp_path / "journal", [market.session(), *seen])  # a writer that was killed: no END
    for _ in range(2):
        projector = GraphProjector(store, tmp_path / "journal", pytest.fail)
        projector.step()
        projector.finish()
    assert [p.seen for p in patterns(store)] == [1]
    assert len({(c.one, c.other) for c in correlations(store)}) == len(correlations(store))
