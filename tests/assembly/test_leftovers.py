"""Orders that a session left open when it was killed: the next one finds and cancels them, and nobody else's."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
import msgspec
import pytest

from assembly.reckoning import account_of
from assembly.storm import weather_out
from graphwiz_trader.assembly.replays import journal_replay
from graphwiz_trader.assembly.session import TradingSession
from graphwiz_trader.assembly.warmup import warm_up
from graphwiz_trader.config import HftConfig
from graphwiz_trader.hft.events import RecordKind, Side, TimeInForce
from graphwiz_trader.hft.instruments import Instrument
from graphwiz_trader.hft.records import Notice, SessionStart
from graphwiz_trader.journal.errors import JournalError
from graphwiz_trader.journal.reader import JournalReader
from graphwiz_trader.journal.trader_id import FILE_NAME, new_prefix, trader_id
from graphwiz_trader.venues.base import Credentials
from graphwiz_trader.venues.simulated import DEMO_API_KEY, DEMO_API_SECRET
from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.faults import Fault
from graphwiz_trader.venues.simulated.faults.kinds import Delay
from graphwiz_trader.venues.simulated.orders import NewOrder, Order
from venues.harness import BTC, INSTRUMENTS, PATIENCE_S, PERP, Exchange
from venues.simulated.clients import hmac_signed, payload

EXCHANGES = ("binance", "binanceusdm")
TRADER = "gwabcde"
OURS, OURS_TOO = f"{TRADER}00001000001", f"{TRADER}00001000002"
OTHER_TRADER, OTHER_PERSON = "gwzzzzz00001000001", "web_17"
LISTING = {"binance": "openOrders.status", "binanceusdm": "GET /fapi/v1/openOrders"}


@pytest.fixture(autouse=True, scope="module")
def _compiled() -> None:
    warm_up(lambda *_: None)


# Who the trader is


def test_a_directory_s_trader_is_the_same_in_every_session_and_another_s_is_another(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    assert trader_id(one) == trader_id(one) != trader_id(two)
    prefixes = {new_prefix(trader_id(one)) for _ in range(20)}
    assert len(prefixes) == 20
    assert all(prefix.startswith(trader_id(one)) and len(prefix) == 12 for prefix in prefixes)


@pytest.mark.parametrize("text", ["", "gw", "gwABCDE", "gwabcdef", "\0\0\0", "näh"])
def test_a_name_that_is_none_is_not_made_up_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE_NAME).write_text(text)
    with pytest.raises(JournalError, match="holds no trader's name"):
        trader_id(tmp_path)


# In one process


class Restart:
    """A session that begins on accounts where orders are open, some of them its trader's own."""

    def __init__(self, exchange: Exchange, session: TradingSession) -> None:
        self.exchange = exchange
        self.session = session

    def is_reachable(self) -> bool:
        executor = self.session.core.executor
        return all(executor.is_reachable(instrument.book) for instrument in INSTRUMENTS)

    def notices(self, kind: str) -> list[str]:
        records = JournalReader(self.session.directory).records()
        notices = [msgspec.json.decode(r.payload, type=Notice) for r in records if r.kind == RecordKind.NOTICE]
        return [notice.what for notice in notices if notice.kind == kind]


def open_at(exchange: Exchange) -> list[tuple[str, str]]:
    """(venue, client id) of what is open."""
    venues = {name: exchange[name].venue for name in EXCHANGES}
    return [(name, o.client_id) for name, venue in venues.items() for o in venue.open_orders(account_of(venue))]


def leave_open(exchange: Exchange, *client_ids: str, offset: int = -500) -> None:
    """Orders of whoever it is, at both venues."""
    for instrument in (BTC, PERP):
        venue = exchange[instrument.exchange].venue
        for client_id in client_ids:
            wanted = NewOrder(
                symbol=instrument.venue_symbol,
                client_id=client_id,
                side=Side.BUY,
                price_ticks=(100_000 + offset) * instrument.price_step_ticks,
                size_lots=100,
                time_in_force=TimeInForce.GTC,
            )
            venue.place(account_of(venue), wanted, time.time_ns() // 1_000_000)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def restarted(directory: Path, exchange: Exchange) -> AsyncIterator[Restart]:
    """The next session on that directory; afterwards its journal must give the same decisions again."""
    (directory / FILE_NAME).write_text(f"{TRADER}\n")
    config = HftConfig.model_validate({"data_dir": directory, "performance": {"rehearsal_interval_ms": 0}})
    endpoints = {name: exchange.endpoints(name) for name in EXCHANGES}
    keys = dict.fromkeys(EXCHANGES, Credentials(DEMO_API_KEY, DEMO_API_SECRET))
    session = TradingSession(config, endpoints, keys, instruments=INSTRUMENTS)
    running = asyncio.create_task(session.run())
    try:
        await until(lambda: running.done() or hasattr(session, "core"))
        yield Restart(exchange, session)
    finally:
        session.stop("seen")
        await running
    assert journal_replay(session.directory, lambda _: None).is_same


def test_what_is_left_of_the_last_session_is_cancelled_before_an_order_can_be_sent(tmp_path: Path) -> None:
    async def run() -> None:
        async with Exchange() as exchange:
            leave_open(exchange, OURS, OURS_TOO, OTHER_TRADER, OTHER_PERSON)
            others = [at for at in open_at(exchange) if not at[1].startswith(TRADER)]
            async with restarted(tmp_path, exchange) as found:
                await until(found.is_reachable)
                assert open_at(exchange) == others
                found.session.core.engine.on_timer(time.time_ns())
                assert found.session.core.engine.counts.leftovers == 4
                assert len(found.notices("LEFTOVER_FOUND")) == len(found.notices("LEFTOVER_ENDED")) == 4
                assert sorted(found.notices("ORDERS_OF_OTHERS")) == [
                    f"{name}: 2 open, as {OTHER_TRADER} BTCUSDT; left alone" for name in EXCHANGES
                ]
            assert open_at(exchange) == others
            records = list(JournalReader(found.session.directory).records())
            assert msgspec.json.decode(records[0].payload, type=SessionStart).trader == TRADER
            frames = [r.payload for r in records if r.kind == RecordKind.ORDER_FRAME]
            assert any(frame.startswith(b'{"id":"o1"') for frame in frames)
            assert not any(DEMO_API_KEY.encode() in frame for frame in frames)

    weather_out(run)


@pytest.mark.parametrize("fault", [{"fault": "http_status", "status": 503}, {"fault": "disconnect"}, {"fault": "drop"}])
def test_an_answer_that_does_not_come_is_asked_for_again(tmp_path: Path, fault: dict[str, object]) -> None:
    """Over REST a request fails, over the WebSocket API its answer is lost or the connection with it."""
    name = "binanceusdm" if fault["fault"] == "http_status" else "binance"

    async def run() -> None:
        async with Exchange() as exchange:
            leave_open(exchange, OURS)
            exchange[name].faults.add(Fault(channel=LISTING[name], **fault))
            async with restarted(tmp_path, exchange) as found:
                await until(found.is_reachable)
                assert open_at(exchange) == []
                assert exchange[name].faults.armed[-1].fired == 1

    weather_out(run)


def test_of_two_answers_out_of_order_the_older_one_counts_for_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        async with Exchange() as exchange:
            leave_open(exchange, OURS)
            faults = exchange["binanceusdm"].faults
            faults.add(Fault(fault="delay", channel=LISTING["binanceusdm"], delay_ms=Delay("fixed", 3_000)))
            async with restarted(tmp_path, exchange) as found:
                await until(found.is_reachable)
                assert open_at(exchange) == []

                def is_late_answer_in() -> bool:
                    records = JournalReader(found.session.directory).records()
                    return sum(r.payload.startswith(b'{"id":"o1","status":200,"result":[{') for r in records) == 2

                await until(is_late_answer_in)
                assert len(found.notices("LEFTOVER_FOUND")) == 2, "one a venue"

    weather_out(run)


@pytest.mark.parametrize("instrument", [BTC, PERP], ids=["spot", "usdm"])
def test_a_fill_between_the_question_and_the_cancel_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instrument: Instrument
) -> None:
    async def run() -> None:
        async with Exchange() as exchange:
            leave_open(exchange, OURS, offset=-5)
            venue = exchange[instrument.exchange].venue
            price_ticks = (100_000 - 5) * instrument.price_step_ticks
            list_open = venue.open_orders

            def list_and_fill(account: Account, symbol: str | None = None) -> list[Order]:
                monkeypatch.undo()
                asyncio.get_running_loop().call_soon(exchange.market.quote, instrument, Side.SELL, price_ticks, 100)
                return list_open(account, symbol)

            monkeypatch.setattr(venue, "open_orders", list_and_fill)
            async with restarted(tmp_path, exchange) as found:
                await until(found.is_reachable)
                assert open_at(exchange) == []
                await until(lambda: len(found.notices("LEFTOVER_FILLED")) == 1)
                assert found.notices("LEFTOVER_FILLED")[0].startswith(f"{instrument.exchange} {OURS} trade ")
                assert found.session.core.positions.size_units(instrument.book) == 0

    weather_out(run)


def test_what_the_futures_account_holds_at_the_start_is_said_and_is_no_position_of_the_session(tmp_path: Path) -> None:
    async def run() -> None:
        async with Exchange() as exchange:
            leave_open(exchange, OTHER_PERSON, offset=15)
            assert account_of(exchange["binanceusdm"].venue).position("BTCUSDT").size_lots == 100
            async with restarted(tmp_path, exchange) as found:
                await until(found.is_reachable)
                assert found.notices("HELD_AT_START") == ["binanceusdm BTCUSDT: 0.1"]
                assert found.session.core.positions.open_books == []

    weather_out(run)


# In processes of their own


@contextmanager
def served() -> Iterator[dict[str, dict[str, str]]]:
    """``graphwiz exchange serve``; the addresses of its venues."""
    command = [sys.executable, "-c", "from graphwiz_trader.cli import main; main()", "exchange", "serve"]
    venues = [word for name in EXCHANGES for word in ("--venue", name)]
    with subprocess.Popen([*command, "--no-limits", *venues], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["venues"]
        finally:
            process.terminate()


@contextmanager
def trader(folder: Path, venues: object, script: list[str]) -> Iterator[subprocess.Popen[str]]:
    """``graphwiz trade``, with its data under the folder."""
    folder.mkdir(exist_ok=True)
    (folder / "hft.yaml").write_text(f"hft:\n  data_dir: {folder / 'var'}\n")
    command = [sys.executable, *script, "trade", "--config", str(folder / "hft.yaml"), "--venues", json.dumps(venues)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        try:
            yield process
        finally:
            process.kill()


def asked_open(venues: dict[str, dict[str, str]]) -> list[str]:
    """The client ids of what the venues have open, in their own words."""
    found = []
    for name, path in (("binance", "/api/v3/openOrders"), ("binanceusdm", "/fapi/v1/openOrders")):
        params = {key: value for key, value in hmac_signed({}).items() if key == "timestamp"}
        query = payload(params)
        signature = _sign(query)
        url = f"{venues[name]['rest']}{path}?{query}&signature={signature}"
        answer = httpx.get(url, headers={"X-MBX-APIKEY": DEMO_API_KEY}).raise_for_status()
        found += [order["clientOrderId"] for order in answer.json()]
    return sorted(found)


def _sign(query: str) -> str:
    return hmac.new(DEMO_API_SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()


def eventually(is_so: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    until_s = time.monotonic() + 120
    while not is_so():
        assert process.poll() is None, "the trader has ended"
        assert time.monotonic() < until_s, "not in time"
        time.sleep(0.1)


RESTING = [str(Path(__file__).with_name("resting_child.py"))]
PLAIN = ["-c", "from graphwiz_trader.cli import main; main()"]


@pytest.mark.slow
def test_a_killed_trader_s_orders_are_cancelled_at_its_next_start_and_not_by_another_trader(tmp_path: Path) -> None:
    with served() as venues:
        with trader(tmp_path / "one", venues, RESTING) as process:
            eventually(lambda: len(asked_open(venues)) == 8, process)
            process.kill()
            process.wait()
        left = asked_open(venues)
        assert len(left) == 8, "two a book: nobody has cancelled them"
        with trader(tmp_path / "two", venues, PLAIN) as process:
            eventually(lambda: _has_said(tmp_path / "two", "ORDERS_OF_OTHERS"), process)
            assert set(left) <= set(asked_open(venues))
        with trader(tmp_path / "one", venues, PLAIN) as process:
            eventually(lambda: not set(left) & set(asked_open(venues)), process)
            eventually(lambda: _has_said(tmp_path / "one", "LEFTOVER_ENDED"), process)


def _has_said(folder: Path, kind: str) -> bool:
    sessions = sorted((folder / "var" / "journal").glob("*")) if (folder / "var" / "journal").exists() else []
    if not sessions:
        return False
    records = JournalReader(sessions[-1]).records()
    return any(r.kind == RecordKind.NOTICE and kind.encode() in r.payload for r in records)
