"""The graph is what the journals say: exactly, once, and again after any accident."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphwiz_trader.hft.events import OrderState, RecordKind, Side
from graphwiz_trader.journal.layout import Record
from graphwiz_trader.observers.knowledge_graph.errors import GraphBusyError, GraphDamagedError, GraphQueryError
from graphwiz_trader.observers.knowledge_graph.performance import performance
from graphwiz_trader.observers.knowledge_graph.projection import SessionProjection
from graphwiz_trader.observers.knowledge_graph.projector import GraphProjector, complete_sessions, rebuild
from graphwiz_trader.observers.knowledge_graph.store import GraphStore
from observers import market
from observers.market import INSTRUMENTS, START_NS, STRATEGIES, MadeUpSession, write_journal

SRC = Path(__file__).parents[2] / "src"
HOUR_NS = 3_600 * 10**9


@pytest.fixture
def store(tmp_path: Path) -> GraphStore:
    return GraphStore(tmp_path / "graph")


@pytest.fixture
def journals(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def trip(
    number: int,
    buy_ticks: int,
    sell_ticks: int,
    *,
    size_lots: int = 100_000,
    fee_units: int = 0,
    strategy: str = STRATEGIES[0],
    time_ns: int = START_NS,
) -> list[Record]:
    """One round trip: 1 BTC bought on binance and sold there again, with the orders it needs."""
    records: list[Record] = []
    for name, side, ticks in ((f"b{number}", Side.BUY, buy_ticks), (f"s{number}", Side.SELL, sell_ticks)):
        records += [
            market.order(name, 0, side, ticks, size_lots, strategy=strategy, time_ns=time_ns),
            market.fill(name, 0, side, ticks, size_lots, fee_units=fee_units, strategy=strategy, time_ns=time_ns),
            market.update(name, OrderState.FILLED, size_lots, time_ns),
        ]
    return records


def end(time_ns: int = START_NS) -> Record:
    return market.record(RecordKind.END, {"reason": "done"}, time_ns)


def project(store: GraphStore, journals: Path, report: Callable[[str], None] = pytest.fail) -> GraphProjector:
    """Brings the graph up to the journals."""
    projector = GraphProjector(store, journals, report)
    while projector.step():
        pass
    return projector


def everything(store: GraphStore) -> list[list[list[Any]]]:
    """All nodes and relations, in an order of their own."""
    return [
        sorted(store.read(cypher).rows, key=str)
        for cypher in (
            "MATCH (s:Session) RETURN s.id, s.position, s.complete, s.end_reason, s.last_ns",
            "MATCH (o:`Order`)-[:PLACED_BY]->(y), (o)-[:OF_INSTRUMENT]->(i)-[:LISTED_ON]->(e), (o)-[:SENT_IN]->(s)"
            " RETURN o.id, o.price, o.size, o.state, o.filled_lots, o.time_ns, o.leg_group, y.name, i.id, e.name, s.id",
            "MATCH (f:Fill)-[:EXECUTES]->(o) RETURN f.id, f.side, f.price, f.size, f.fee, f.fee_asset, f.maker, o.id",
            "MATCH (t:Trade)-[:CLOSED_BY]->(y) RETURN t.id, t.symbol, t.pnl, t.pnl_money, t.closed_ns, y.name",
            "MATCH (t:Trade)-[:MADE_OF]->(f) RETURN t.id, f.id",
            "MATCH ()-[r]->() RETURN count(r)",
        )
    ]


# ---- what is in it


def test_an_order_leads_to_its_strategy_instrument_exchange_session_and_fills(
    store: GraphStore, journals: Path
) -> None:
    write_journal(journals, [market.session(), *trip(1, 6_000_000, 6_000_100), end()])
    project(store, journals)
    answer = store.read(
        "MATCH (f:Fill)-[:EXECUTES]->(o:`Order` {client_id: 'b1'})-[:PLACED_BY]->(y), (o)-[:SENT_IN]->(s),"
        " (o)-[:OF_INSTRUMENT]->(i)-[:LISTED_ON]->(e)"
        " RETURN o.side, o.kind, o.price, o.size, o.state, o.filled_lots, o.time_ns, y.name, s.id, i.symbol, e.name"
    )
    order = ("buy", "limit ioc", "60000.00", "1.00000", "filled", 100_000, START_NS)
    assert answer.rows == [[*order, STRATEGIES[0], "s1", "BTC/USDT", "binance"]]


def test_a_round_trip_is_one_trade_with_its_exact_result_and_both_fills(store: GraphStore, journals: Path) -> None:
    fee_units = 30_000_000_000_001
    write_journal(journals, [market.session(), *trip(1, 6_000_000, 6_007_001, fee_units=fee_units), end()])
    project(store, journals)
    rows = store.read("MATCH (t:Trade)-[:MADE_OF]->(f) RETURN t.pnl, t.pnl_money, count(f)").rows
    # Sold 70.01 higher, two fees of 30.000000000001.
    assert rows == [["10.009999999998", Decimal(10_009_999_999_998 * 10**12), 2]]


def test_both_legs_of_an_arbitrage_are_one_trade(store: GraphStore, journals: Path) -> None:
    legs = [
        market.order("l1", 0, Side.BUY, 6_000_000, 1000, legs=5),
        market.order("l2", 2, Side.SELL, 600_100, 10, legs=5),
        market.fill("l1", 0, Side.BUY, 6_000_000, 1000),
        market.fill("l2", 2, Side.SELL, 600_100, 10),
    ]
    write_journal(journals, [market.session(), *legs, end()])
    project(store, journals)
    assert performance(store)[:3] == (1, "0.1", 1)


def test_an_open_position_is_no_trade_yet(store: GraphStore, journals: Path) -> None:
    write_journal(journals, [market.session(), *trip(1, 6_000_000, 6_000_100)[:3], end()])
    project(store, journals)
    found = performance(store)
    assert found[:4] == (0, "0", 0, None)
    assert found.as_of_ns == START_NS


@given(
    st.lists(
        st.tuples(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(1, 10**6), st.integers(0, 10**15)),
        max_size=8,
    )
)
def test_trades_add_up_to_cash_received_minus_cash_paid_minus_fees(trips: list[tuple[int, int, int, int]]) -> None:
    projection = SessionProjection()
    projection.apply(market.session())
    expected = Fraction(0)
    for number, (buy, sell, size, fee_units) in enumerate(trips):
        for item in trip(number, buy, sell, size_lots=size, fee_units=fee_units):
            projection.apply(item)
        expected += Fraction((sell - buy) * size, 10**7) - 2 * Fraction(fee_units, 10**12)
    trades = projection.take().get("trades", {}).values()
    assert len(trades) == len(trips)
    assert sum(int(row["pnl_money"]) for row in trades) == expected * 10**24
    assert sum(Fraction(row["pnl"]) for row in trades) == expected


def test_trades_agree_with_the_figures_that_the_trader_gives_its_strategies(store: GraphStore, journals: Path) -> None:
    from graphwiz_trader.hft.events import Fill
    from graphwiz_trader.hft.instruments import Instruments, text_from_money
    from graphwiz_trader.hft.positions import PositionTracker
    from graphwiz_trader.observers.payloads import decode

    records = list(MadeUpSession().records(60, frames_per_s=0))
    write_journal(journals, records)
    project(store, journals)
    for name in STRATEGIES:
        tracker = PositionTracker(Instruments(INSTRUMENTS))
        for item in records:
            fill = decode(item.kind, item.payload)
            if isinstance(fill, Fill) and fill.strategy == name:
                tracker.apply(fill)
        trips = tracker.round_trips
        found = performance(store, strategy=name)
        assert found.total_trades == trips.closed > 3
        assert found.winning_trades == trips.winning
        assert found.total_pnl == text_from_money(trips.profit_money - trips.loss_money)
        assert found.win_rate == trips.win_rate


def test_the_largest_results_are_exact(store: GraphStore, journals: Path) -> None:
    huge = [*trip(1, 1, 10**12, size_lots=10**8), *trip(2, 10**12, 1, size_lots=10**8)]
    write_journal(journals, [market.session(), *huge, *trip(3, 1, 2, size_lots=1), end()])
    project(store, journals)
    # 10^12 ticks of 0.01 times 10^8 lots of 0.00001 is 10^13 USDT, won and lost; 10^-7 remains.
    assert performance(store).total_pnl == "0.0000001"


def test_every_order_fill_and_trade_is_in_it_with_all_its_relations(store: GraphStore, journals: Path) -> None:
    records = list(MadeUpSession().records(20, frames_per_s=5))
    write_journal(journals, records)
    project(store, journals)
    orders = sum(item.kind == RecordKind.ORDER for item in records)
    fills = sum(item.kind == RecordKind.FILL for item in records)
    trades = performance(store).total_trades
    assert orders > 50
    expected = {"LISTED_ON": 4, "PLACED_BY": orders, "OF_INSTRUMENT": orders, "SENT_IN": orders}
    expected |= {"EXECUTES": fills, "CLOSED_BY": trades}
    for relation, count in expected.items():
        assert store.read(f"MATCH (a)-[r:{relation}]->(b) RETURN count(r)").rows == [[count]], relation
    unpaired = "MATCH (t:Trade) WHERE NOT EXISTS {MATCH (t)-[:MADE_OF]->(f:Fill)} RETURN count(t)"
    assert store.read(unpaired).rows == [[0]]


# ---- once and again


def test_the_same_journal_twice_is_the_same_graph(store: GraphStore, journals: Path) -> None:
    write_journal(journals, MadeUpSession().records(10, frames_per_s=5))
    project(store, journals)
    once = everything(store)
    projection = SessionProjection()
    for item in MadeUpSession().records(10, frames_per_s=5):
        projection.apply(item)
    store.write(projection.take(complete=True))
    assert everything(store) == once
    assert len(once[1]) > 20
    assert len(once[3]) > 3


def test_rebuilding_gives_the_graph_that_following_gave(store: GraphStore, journals: Path) -> None:
    for number in range(3):
        made = MadeUpSession(number, name=f"s{number}", start_ns=START_NS + number * HOUR_NS)
        write_journal(journals, made.records(5, frames_per_s=5), f"s{number}")
    project(store, journals)
    followed = everything(store)
    done = rebuild(store, journals, progress=lambda session, count: None)
    assert everything(store) == followed
    assert done.sessions == 3
    assert done.records == sum(row[1] for row in followed[0])
    assert sorted(path.name for path in store.directory.iterdir()) == ["graph.lbug", "graph.lock"]


def test_a_complete_session_is_not_read_again(store: GraphStore, journals: Path) -> None:
    write_journal(journals, [market.session(), *trip(1, 1, 2), end()])
    project(store, journals)
    assert complete_sessions(store) == {"s1"}
    for path in (journals / "s1").iterdir():
        path.write_bytes(path.read_bytes()[:4096])  # Reading it would now be an error.
    project(store, journals)


def test_a_living_session_is_followed_and_completed_when_it_ends(store: GraphStore, journals: Path) -> None:
    writer = write_journal(journals, [market.session(), *trip(1, 100, 200)], close=False)
    projector = project(store, journals)
    projector.finish()
    assert performance(store).total_trades == 1
    assert complete_sessions(store) == set()
    for item in [*trip(2, 100, 300), end()]:
        writer.append(*item)
    writer.close()
    while projector.step():
        pass
    assert performance(store).total_trades == 2
    assert complete_sessions(store) == {"s1"}


def test_a_restart_in_the_middle_of_a_round_trip_knows_what_was_bought_before_it(
    store: GraphStore, journals: Path
) -> None:
    records = trip(1, 6_000_000, 6_000_100)
    writer = write_journal(journals, [market.session(), *records[:3]], close=False)
    project(store, journals).finish()
    for item in [*records[3:], end()]:
        writer.append(*item)
    writer.close()
    project(store, journals)
    assert performance(store)[:3] == (1, "1", 1)


def test_a_damaged_journal_gives_what_precedes_the_damage_and_says_so(store: GraphStore, journals: Path) -> None:
    write_journal(journals, [market.session(), *trip(1, 1, 2), *trip(2, 1, 2), end()])
    path = journals / "s1" / "00000000.gwj"
    content = bytearray(path.read_bytes())
    content[content.rindex(b'"client_id":"s2"')] ^= 0xFF
    path.write_bytes(content)
    said: list[str] = []
    project(store, journals, said.append)
    assert len(said) == 1
    assert "damaged" in said[0]
    assert performance(store).total_trades >= 1


def test_a_batch_that_cannot_be_written_yet_is_kept_with_newer_rows_winning() -> None:
    projection = SessionProjection()
    for item in (market.session(), market.order("c1", 0, Side.BUY, 1, 10)):
        projection.apply(item)
    kept = projection.take()
    projection.apply(market.update("c1", OrderState.FILLED, 10))
    projection.put_back(kept)
    batch = projection.take()
    assert batch["order_states"]["s1/c1"]["state"] == "filled"
    assert batch["orders"]["s1/c1"]["size_lots"] == 10


# ---- asking


def test_an_empty_graph_answers_with_nothing_rather_than_an_error(store: GraphStore, journals: Path) -> None:
    assert performance(store) == (0, "0", 0, None, None)
    assert performance(store, strategy="anything") == (0, "0", 0, None, None)
    assert store.read("MATCH (t:Trade) RETURN t").rows == []
    assert rebuild(store, journals, progress=lambda session, count: None) == (0, 0)
    assert performance(store) == (0, "0", 0, None, None)


def test_performance_is_by_strategy_and_by_the_time_of_closing(store: GraphStore, journals: Path) -> None:
    old = trip(1, 100, 90, time_ns=START_NS)
    new = trip(2, 100, 120, time_ns=START_NS + HOUR_NS)
    other = trip(3, 100, 130, strategy=STRATEGIES[1], time_ns=START_NS + HOUR_NS)
    write_journal(journals, [market.session(), *old, *new, *other, end()])
    project(store, journals)
    assert performance(store)[:4] == (3, "0.4", 2, pytest.approx(2 / 3))
    assert performance(store, strategy=STRATEGIES[0])[:4] == (2, "0.1", 1, 0.5)
    assert performance(store, since_ns=START_NS + 1)[:3] == (2, "0.5", 2)
    assert performance(store, strategy=STRATEGIES[0], since_ns=START_NS + 2 * HOUR_NS)[:4] == (0, "0", 0, None)


def test_an_unknown_strategy_is_an_error_that_names_the_known_ones(store: GraphStore, journals: Path) -> None:
    write_journal(journals, [market.session(), end()])
    project(store, journals)
    with pytest.raises(GraphQueryError, match=f"'typo'; it knows {STRATEGIES[1]}, {STRATEGIES[0]}"):
        performance(store, strategy="typo")


@pytest.mark.parametrize(
    "cypher", ["CREATE (:Strategy {name: 'x'})", "MATCH (s:Strategy) DELETE s", "DROP TABLE Trade", "not cypher"]
)
def test_a_query_cannot_write(store: GraphStore, journals: Path, cypher: str) -> None:
    write_journal(journals, [market.session(), end()])
    project(store, journals)
    before = everything(store)
    with pytest.raises(GraphQueryError):
        store.read(cypher)
    assert everything(store) == before


# ---- several processes


def run(code: str, *arguments: Path) -> subprocess.Popen[str]:
    prelude = (
        f"import sys; sys.path[:0] = [{str(SRC)!r}, {str(SRC.parent / 'tests')!r}]\n"
        "import fcntl, json, os, signal, time\nfrom pathlib import Path\n"
        "from graphwiz_trader.observers.knowledge_graph.store import GraphStore\n"
        "store = GraphStore(Path(sys.argv[1]))\n"
    )
    command = [sys.executable, "-c", prelude + code, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def batches(count: int) -> Iterable[list[Record]]:
    yield [market.session()]
    for number in range(count):
        yield trip(number, 100, 101)


WRITE_BATCHES = """
from observers.test_knowledge_graph import batches
from graphwiz_trader.observers.knowledge_graph.projection import SessionProjection
projection = SessionProjection()
for records in batches(8):
    for item in records:
        projection.apply(item)
    assert store.write(projection.take(), wait_s=30)
    print("written", flush=True)
"""


@pytest.mark.slow
def test_readers_in_other_processes_see_whole_batches_while_one_process_writes(store: GraphStore) -> None:
    with run(WRITE_BATCHES, store.directory) as writing:
        assert writing.stdout is not None
        seen = []
        for _ in writing.stdout:  # the next batch is on its way; a reader that never rests would keep it out
            fills, trades = store.read(
                "MATCH (f:Fill) WITH count(f) AS fills OPTIONAL MATCH (t:Trade) RETURN fills, count(t)"
            ).rows[0]
            assert fills == 2 * trades
            seen.append(trades)
        assert writing.wait() == 0
    assert seen == sorted(seen)
    assert performance(store).total_trades == 8


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_leaves_a_graph_that_can_be_read_and_goes_on(store: GraphStore) -> None:
    for killed_after in (1, 4):
        with run(WRITE_BATCHES, store.directory) as writing:
            assert writing.stdout is not None
            for _ in range(killed_after):
                writing.stdout.readline()
            writing.kill()
        assert performance(store).total_trades >= killed_after - 1
    with run(WRITE_BATCHES, store.directory) as writing:
        writing.communicate()
    assert performance(store)[:3] == (8, "0.08", 8)


HOLD = """
descriptor = os.open(store.directory / "graph.lock", os.O_RDWR | os.O_CREAT)
fcntl.flock(descriptor, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
def test_a_graph_held_by_another_process_makes_writers_wait_and_readers_say_so(
    store: GraphStore, journals: Path
) -> None:
    store.directory.mkdir()
    writer = write_journal(journals, [market.session(), *trip(1, 1, 2)], close=False)
    projector = GraphProjector(store, journals, pytest.fail)
    with run(HOLD, store.directory) as holding:
        assert holding.stdout is not None
        holding.stdout.readline()
        projector.step()
        projector.finish()
        assert not store.exists
        with pytest.raises(GraphBusyError, match="try again"):
            store.read("MATCH (n) RETURN n", wait_s=0)
        holding.communicate("")
    projector.finish()
    assert performance(store).total_trades == 1
    writer.close()


def test_a_file_that_is_no_database_is_an_error_that_says_how_to_go_on(store: GraphStore, journals: Path) -> None:
    store.directory.mkdir()
    store.path.write_bytes(b"not a database" * 1000)
    with pytest.raises(GraphDamagedError, match="graphwiz graph rebuild"):
        performance(store)
    write_journal(journals, [market.session(), *trip(1, 1, 2), end()])
    rebuild(store, journals, progress=lambda session, count: None)
    assert performance(store).total_trades == 1


# ---- the command line


def graphwiz(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from graphwiz_trader.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(SRC)!r}); {code}", "graph", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_commands_rebuild_report_and_query(tmp_path: Path, journals: Path) -> None:
    write_journal(journals, [market.session(), *trip(1, 100, 200), end()])
    where = ("--data-dir", str(tmp_path))
    empty = json.loads(graphwiz("performance", *where, "--json").stdout)
    assert (empty["total_trades"], empty["win_rate"]) == (0, None)
    assert "graph is empty" in graphwiz("performance", *where).stdout
    assert json.loads(graphwiz("rebuild", *where, "--json").stdout) == {"sessions": 1, "records": 8}
    found = json.loads(graphwiz("performance", *where, "--json", "--strategy", STRATEGIES[0]).stdout)
    assert (found["total_trades"], found["total_pnl"], found["winning_trades"], found["win_rate"]) == (1, "1", 1, 1.0)
    rows = json.loads(graphwiz("query", "MATCH (t:Trade) RETURN t.pnl_money AS money", *where, "--json").stdout)
    assert rows == [{"money": 10**24}]
    refused = graphwiz("query", "CREATE (:Strategy {name: 'x'})", *where)
    assert refused.returncode == 2
    assert "read-only" in refused.stderr
    assert "Traceback" not in refused.stderr
