"""Where orders go in each mode: paper and shadow sessions over real sockets, none of which an order can reach."""

from __future__ import annotations

import asyncio
import os
import pstats
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import pytest

from graphwiz_trader.assembly.replays import journal_replay
from graphwiz_trader.assembly.session import TradingSession
from graphwiz_trader.assembly.warmup import warm_up
from graphwiz_trader.cli.trade import _endpoints
from graphwiz_trader.config import ConfigError, HftConfig, load
from graphwiz_trader.hft.events import Fill, RecordKind
from graphwiz_trader.hft.instruments import UNIT_DECIMALS
from graphwiz_trader.hft.performance import Latency
from graphwiz_trader.hft.records import SessionStart
from graphwiz_trader.journal.layout import Record
from graphwiz_trader.journal.reader import JournalReader
from graphwiz_trader.venues.base import Credentials, Endpoints
from graphwiz_trader.venues.simulated import DEMO_API_KEY, DEMO_API_SECRET, SimulatedExchange, SyntheticMarket
from graphwiz_trader.venues.simulated.shadow import REASON
from venues.simulated.clients import in_loop, serving

EXCHANGES = ("binance", "binanceusdm")
EAGER = {"statistical_arbitrage": {"lookback_period": 5, "z_score_threshold": 0.5}}


@pytest.fixture(autouse=True, scope="module")
def _compiled() -> None:
    """What a session calls is compiled before its time runs, as the command does it."""
    warm_up(lambda *_: None)


class OrderPort:
    """Stands where an exchange takes orders, and counts who comes."""

    def __init__(self) -> None:
        self.connections = 0

    async def __aenter__(self) -> OrderPort:
        self._server = await asyncio.start_server(self._count, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _count(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        writer.close()


def endpoints_of(exchange: SimulatedExchange, orders: OrderPort) -> dict[str, Endpoints]:
    """The venue's addresses, but for orders another port."""
    return {
        name: Endpoints(urls.rest, urls.stream, f"ws://127.0.0.1:{orders.port}") for name, urls in exchange.urls.items()
    }


def trade(
    directory: Path,
    mode: str,
    enough: Callable[[list[Record]], bool],
    credentials: dict[str, Credentials] | None = None,
    market_data: Mapping[str, Any] = MappingProxyType({}),
    performance: Mapping[str, Any] = MappingProxyType({}),
    **paper: Any,
) -> tuple[list[Record], int]:
    """A session on a synthetic market until its journal holds enough; the journal, and who asked the order port."""
    records: list[Record] = []
    asked = 0

    async def run() -> None:
        nonlocal asked
        config = HftConfig.model_validate(
            {
                "mode": mode,
                "data_dir": directory,
                "strategies": EAGER,
                "market_data": dict(market_data),
                "performance": dict(performance),
                "paper": {"latency_ms": 2.0, **paper},
            }
        )
        async with OrderPort() as port, serving(*EXCHANGES, market=SyntheticMarket(seed=7)) as exchange:
            session = TradingSession(config, endpoints_of(exchange, port), credentials or {})
            running = asyncio.create_task(session.run())
            while not running.done() and not enough(records):
                await asyncio.sleep(0.1)
                if session.directory.exists():
                    records[:] = JournalReader(session.directory).records()
            session.stop("seen enough")
            await running
            records[:] = JournalReader(session.directory).records()
            asked = port.connections

    in_loop(run)
    return records, asked


def count(records: list[Record], kind: RecordKind) -> int:
    return sum(record.kind == kind for record in records)


def journal_of(directory: Path) -> Path:
    return next((directory / "journal").iterdir())


def test_a_paper_session_trades_on_the_books_it_follows_and_no_order_leaves_it(tmp_path: Path) -> None:
    records, asked = trade(tmp_path, "paper", lambda seen: count(seen, RecordKind.FILL) >= 3)
    assert msgspec.json.decode(records[0].payload, type=SessionStart).mode == "paper"
    assert count(records, RecordKind.ORDER) > 0
    assert asked == 0


def test_a_profiled_session_leaves_beside_its_journal_where_its_time_went(tmp_path: Path) -> None:
    profiling = {"enable_profiling": True}
    trade(tmp_path, "shadow", lambda seen: count(seen, RecordKind.PULSE) > 1, performance=profiling)
    profile: Any = pstats.Stats(str(journal_of(tmp_path) / "profile.prof"))
    calls = {name: many for (_, _, name), (_, many, *_) in profile.stats.items()}
    assert calls["on_timer"] > 1


def test_paper_fills_pay_each_venues_own_fee_and_answers_take_the_configured_latency(tmp_path: Path) -> None:
    fees_ppm = {"binance": 700, "binanceusdm": 300}

    def have_traded(seen: list[Record]) -> bool:
        fills = [msgspec.json.decode(r.payload, type=Fill) for r in seen if r.kind == RecordKind.FILL]
        return {fill.book for fill in fills} >= {0, 2} and count(seen, RecordKind.LATENCY) > 1

    market_data = {"exchanges": {name: {"taker_fee_ppm": fee} for name, fee in fees_ppm.items()}}
    records, _ = trade(tmp_path, "paper", have_traded, market_data=market_data, latency_ms=15.0)
    start = msgspec.json.decode(records[0].payload, type=SessionStart)
    for record in records:
        if record.kind == RecordKind.FILL:
            fill = msgspec.json.decode(record.payload, type=Fill)
            instrument = start.instruments[fill.book]
            trade_of = fill.trade
            paid_on = instrument.notional_money(trade_of.price_ticks, trade_of.size_lots) // 10**UNIT_DECIMALS
            if trade_of.fee_asset == instrument.base:  # spot: a purchase pays in what it brings
                paid_on = trade_of.size_lots * instrument.lot_units
            assert trade_of.fee_units == pytest.approx(paid_on * fees_ppm[instrument.exchange] / 1e6, rel=1e-3)
    *_, last = (record for record in records if record.kind == RecordKind.LATENCY)
    latency = msgspec.json.decode(last.payload, type=Latency)
    assert latency.round_trip_ns.count >= 2
    assert latency.order_ns.count >= latency.round_trip_ns.count
    assert 0.95 * 2 * 15e6 < (latency.round_trip_ns.p50 or 0) < 500e6


def test_a_paper_sessions_journal_gives_the_same_decisions_bit_for_bit(tmp_path: Path) -> None:
    trade(tmp_path, "paper", lambda seen: count(seen, RecordKind.FILL) >= 3)
    again = journal_replay(journal_of(tmp_path), lambda _: None)
    assert again.is_same
    assert again.recorded_decisions > 0
    assert again.figures["fills"] >= 3


def test_a_shadow_session_decides_and_records_and_nothing_is_filled(tmp_path: Path) -> None:
    records, asked = trade(tmp_path, "shadow", lambda seen: count(seen, RecordKind.ORDER) >= 3)
    assert msgspec.json.decode(records[0].payload, type=SessionStart).mode == "shadow"
    assert count(records, RecordKind.DECISION) > 0
    assert count(records, RecordKind.FILL) == 0
    answers = [record.payload for record in records if record.kind == RecordKind.ORDER_FRAME]
    assert answers
    assert all(REASON.encode() in answer for answer in answers)
    assert asked == 0
    again = journal_replay(journal_of(tmp_path), lambda _: None)
    assert again.is_same
    assert again.recorded_decisions > 0


def test_the_order_port_would_be_asked_by_a_session_that_sends(tmp_path: Path) -> None:
    keys = dict.fromkeys(EXCHANGES, Credentials(DEMO_API_KEY, DEMO_API_SECRET))
    with pytest.raises(Exception, match=r"no account\.status"):  # the port takes orders of nobody
        trade(tmp_path, "simulated", lambda _: False, keys)


def test_an_account_that_holds_nothing_trades_nothing(tmp_path: Path) -> None:
    records, _ = trade(tmp_path, "paper", lambda seen: count(seen, RecordKind.ORDER) >= 3, balances={"USDT": 0})
    assert count(records, RecordKind.FILL) == 0


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["paper", "shadow"])
def test_in_a_process_of_its_own_no_socket_is_connected_but_for_market_data(tmp_path: Path, mode: str) -> None:
    """The whole command, with keys in its environment, under Python's own audit of every connection."""
    connected = tmp_path / "connected"

    async def run() -> None:
        async with OrderPort() as port, serving(*EXCHANGES, market=SyntheticMarket(seed=7)) as exchange:
            given = {
                name: {key: url for key, url in msgspec.structs.asdict(urls).items() if url}
                for name, urls in endpoints_of(exchange, port).items()
            }
            strategies = {"statistical_arbitrage": {**EAGER["statistical_arbitrage"]}}
            exchanges = {name: {"endpoints": addresses} for name, addresses in given.items()}
            tree = {
                "hft": {
                    "mode": mode,
                    "data_dir": str(tmp_path / "var"),
                    "strategies": strategies,
                    "market_data": {"exchanges": exchanges},
                }
            }
            (tmp_path / "hft.yaml").write_bytes(msgspec.yaml.encode(tree))
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                str(Path(__file__).with_name("paper_child.py")),
                *(str(connected), "trade", "--config", str(tmp_path / "hft.yaml"), "--duration", "3"),
                env={**os.environ, "GRAPHWIZ_BINANCE_API_KEY": "k" * 64, "GRAPHWIZ_BINANCE_API_SECRET": "s" * 64},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            _, errors = await child.communicate()
            assert child.returncode == 0, errors.decode()
            assert port.connections == 0
            served = {str(("127.0.0.1", int(urls.rest.rpartition(":")[2]))) for urls in exchange.urls.values()}
            assert set(connected.read_text().splitlines()) == served

    in_loop(run)
    records = list(JournalReader(journal_of(tmp_path / "var")).records())
    assert count(records, RecordKind.ORDER) > 0
    assert not any(b"k" * 64 in record.payload or b"s" * 64 in record.payload for record in records)


def test_the_real_markets_are_followed_at_their_public_addresses_and_no_order_address_is_known() -> None:
    for mode in ("paper", "shadow"):
        endpoints = _endpoints(HftConfig.model_validate({"mode": mode}))
        assert set(endpoints) == set(EXCHANGES)
        assert {endpoint.orders for endpoint in endpoints.values()} == {""}
        assert endpoints["binance"].stream.startswith("wss://")
    binary = {"market_data": {"exchanges": {"binance": {"format": "sbe"}}}}
    assert _endpoints(HftConfig.model_validate({"mode": "paper", **binary}))["binance"].stream.startswith(
        "wss://stream-sbe."
    )


@pytest.mark.parametrize("text", ["", "hft:\n", "hft:\n  enabled: true\n", "hft:\n  paper:\n    latency_ms: 5\n"])
def test_an_empty_or_partial_configuration_is_simulated_and_stays_on_this_machine(tmp_path: Path, text: str) -> None:
    (tmp_path / "hft.yaml").write_text(text)
    config = load(tmp_path / "hft.yaml")
    assert config.mode == "simulated"
    assert _endpoints(config) == {}


@pytest.mark.parametrize("mode", ["live", "LIVE", "Live"])
def test_asking_for_live_says_that_there_is_no_such_mode(tmp_path: Path, mode: str) -> None:
    (tmp_path / "hft.yaml").write_text(f"hft:\n  mode: {mode}\n")
    with pytest.raises(ConfigError, match="there is no live mode yet, and no order can reach a real exchange"):
        load(tmp_path / "hft.yaml")
