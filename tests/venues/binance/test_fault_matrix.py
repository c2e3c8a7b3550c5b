"""Binance's feeds in the matrix of faults, with those of its own: snapshots that come from REST, and routed paths."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from graphwiz_trader.hft.events import Trust
from graphwiz_trader.venues import rest
from graphwiz_trader.venues.binance import subscriptions
from graphwiz_trader.venues.simulated.faults.kinds import Fault
from graphwiz_trader.venues.simulated.http_messages import HttpResponse
from venues.binance.binary import BinaryBench, OverBinaryStreams
from venues.fault_bench import BinanceBench
from venues.fault_matrix import SILENCE_S, FaultMatrix
from venues.feed_bench import TIMING
from venues.frame_relay import untouched
from venues.harness import on_uvloop

GARBAGE = {
    "nothing": b"",
    "a page": b"<html><body>502 Bad Gateway</body></html>",
    "an object": b"{}",
    "a list": b"[]",
    "cut short": b'{"lastUpdateId":160,"bids":[["299.99","1.0"],["299.',
    "no asks": b'{"lastUpdateId":160,"bids":[]}',
    "an id that is none": b'{"lastUpdateId":1e3,"bids":[],"asks":[]}',
    "crossed": b'{"lastUpdateId":160,"bids":[["301","1"]],"asks":[["300","1"]]}',
    "zeros": b"\0" * 4_096,
}


@pytest.fixture
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "_ANSWER_S", 0.5)


@pytest.mark.usefixtures("_short_waits")
class BinanceMatrix(FaultMatrix):
    bench_kind = BinanceBench

    @asynccontextmanager
    async def matrix(self, seed: int = 1, **options: Any) -> AsyncIterator[BinanceBench]:
        async with super().matrix(seed, **options) as b:
            assert isinstance(b, BinanceBench)
            yield b

    # Steps of synchronisation

    @on_uvloop
    async def test_a_disconnection_between_the_acknowledgement_and_the_first_update(self):
        async with self.matrix() as b:
            b.drop_once(b.is_data)
            await b.until_trusted_within()
            assert b.relay.connections == 2
            assert b.snapshots_asked <= len(b.all)

    @pytest.mark.parametrize("answered", [False, True], ids=["asked for", "on its way"])
    @on_uvloop
    async def test_a_disconnection_while_a_snapshot_is(self, answered):
        """It is of a time before the gap: it is not used, and asked for anew."""
        async with self.matrix() as b:

            def drop(_request: object, serve: Callable[[], Any]) -> Any:
                answer = serve()
                b.desk.meddle = lambda _request, serve: serve()
                b.relay.drop_all()
                return HttpResponse(answer.status, answer.body, after_s=0.2) if answered else None

            b.desk.meddle = drop
            await b.until_trusted_within()
            assert b.relay.connections == 2
            assert b.snapshots_asked <= 2 * len(b.all)

    @on_uvloop
    async def test_a_disconnection_between_a_snapshot_and_the_first_update_that_fits(self):
        async with self.matrix() as b:
            b.relay.meddle = lambda frame: () if b.is_depth(frame) else untouched(frame)
            await b.until(lambda: b.feed.is_up)
            b.feed.request_snapshot(0)
            await b.until(lambda: b.sink.snapshots == 1)
            assert b.sink.trust == []
            b.relay.drop_all()
            b.relay.meddle = untouched
            await b.until_trusted_within()
            assert b.sink.trust[0] == (0, Trust.STALE)
            assert b.relay.connections == 2
            assert b.snapshots_asked <= 2 * len(b.all)

    # Snapshots

    @on_uvloop
    async def test_snapshots_older_than_the_first_update_are_asked_for_again_and_none_is_used(self):
        async with self.matrix() as b:
            await b.until_trusted()
            old = {i.venue_symbol: b.own_snapshot(i) for i in b.instruments}
            stale = dict.fromkeys(old, 2)

            def answer(_request: object, serve: Callable[[], Any]) -> Any:
                symbol = b.desk.symbols[-1]
                stale[symbol] -= 1
                return HttpResponse(200, old[symbol]) if stale[symbol] >= 0 else serve()

            for _ in range(50):
                b.market.stir()
            b.desk.meddle = answer
            asked = b.snapshots_asked
            b.relay.drop_all()
            await b.until_trusted_within()
            assert b.snapshots_asked - asked == 3 * len(b.all)

    @pytest.mark.parametrize("status", [429, 418])
    @on_uvloop
    async def test_a_venue_that_wants_to_be_left_alone_is_for_as_long_as_it_says(self, status):
        async with self.matrix() as b:
            b.served.faults.add(
                Fault(fault="http_status", channel="GET *depth", status=status, retry_after_s=1, count=2)
            )
            await b.until_trusted_within()
            asked_s = b.desk.asked_s
            assert len(asked_s) <= len(b.all) + 2
            assert asked_s[-1] - asked_s[0] >= 1.0
            assert not [at_s for at_s in asked_s if 0.2 < at_s - asked_s[0] < 1.0]

    @pytest.mark.parametrize("status", [500, 502, 503, 404, 301])
    @on_uvloop
    async def test_a_snapshot_that_fails_is_asked_for_again_once_a_failure(self, status):
        async with self.matrix() as b:
            b.served.faults.add(Fault(fault="http_status", channel="GET *depth", status=status, count=5))
            await b.until_trusted_within()
            assert b.snapshots_asked == len(b.all) + 5

    @pytest.mark.parametrize("what", GARBAGE)
    @on_uvloop
    async def test_an_answer_that_is_no_snapshot_is_refused_and_asked_for_again(self, what):
        async with self.matrix() as b:
            b.desk.meddle = lambda _request, serve: (
                HttpResponse(200, GARBAGE[what]) if b.snapshots_asked <= 5 else serve()
            )
            await b.until_trusted_within()
            assert b.snapshots_asked == len(b.all) + 5

    @pytest.mark.parametrize("how", ["silence", "a lost connection"])
    @on_uvloop
    async def test_a_snapshot_that_is_never_answered(self, how, monkeypatch):
        monkeypatch.setattr(rest, "_TIMEOUT_S", 0.2)
        async with self.matrix() as b:
            answer = HttpResponse(200, b"", after_s=60.0) if how == "silence" else None
            b.desk.meddle = lambda _request, serve: answer if b.snapshots_asked <= 3 else serve()
            await b.until_trusted_within()
            assert b.snapshots_asked == len(b.all) + 3

    @on_uvloop
    async def test_a_book_is_as_quick_while_the_other_waits_for_a_snapshot_that_does_not_come(self, monkeypatch):
        monkeypatch.setattr(rest, "_TIMEOUT_S", 0.2)
        async with self.matrix() as b:
            await b.until_trusted()
            may_answer = False
            b.desk.meddle = lambda _request, serve: serve() if may_answer else HttpResponse(200, after_s=60.0)
            lost = iter([True])
            concerns = b.is_data_of(0)
            b.relay.meddle = lambda frame: (
                () if concerns(frame) and b.is_depth(frame) and next(lost, False) else untouched(frame)
            )
            await b.until(lambda: not b.sink.trusts(0))
            since = len(b.sink.frames)
            await b.until_changed(1, 30, since)
            b.assert_nothing_was_missed(1, since)
            may_answer = True
            await b.until_trusted_within()
            assert 1 not in {book for book, trust in b.sink.trust if trust is not Trust.LIVE}

    # Sequences

    @on_uvloop
    async def test_sequences_that_begin_anew_under_an_open_line_are_noticed(self):
        async with self.matrix() as b:
            await b.until_trusted()
            high = [b.sink.books[book].last_update_id for book in b.all]
            asked = b.snapshots_asked
            b.start_sequences_over()
            await b.until(lambda: any(trust is Trust.BROKEN for _, trust in b.sink.trust))
            await b.until_trusted_within()
            assert all(b.sink.books[book].last_update_id < high[book] for book in b.all)
            assert b.snapshots_asked - asked <= 2 * len(b.all)

    # Subscriptions

    @on_uvloop
    async def test_a_book_whose_stream_is_acknowledged_and_silent_is_told_and_costs_no_other(self, monkeypatch):
        monkeypatch.setattr(subscriptions, "_SILENT_S", SILENCE_S)
        async with self.matrix() as b:
            concerns = b.is_data_of(0)
            b.relay.meddle = lambda frame: () if concerns(frame) else untouched(frame)
            await b.until_trusted(1)
            await b.until(lambda: "acknowledged, and then silent" in b.feed.last_failure)
            assert not b.sink.trusts(0)
            assert b.sink.asked[0] == 0
            b.relay.meddle = untouched
            await b.until_trusted_within()
            assert b.relay.connections == 1


class TestSpot(BinanceMatrix):
    exchange = "binance"
    symbols = ("BTC/USDT", "ETH/USDT")


class TestBinarySpot(OverBinaryStreams, BinanceMatrix):
    """By SBE."""

    bench_kind = BinaryBench


class Routed(BinanceMatrix):
    """Since 2026 its streams are split by path; what is subscribed on the wrong one is acknowledged, and silent."""

    @on_uvloop
    async def test_a_path_on_which_nothing_comes_is_told_left_and_not_hammered(self, monkeypatch):
        monkeypatch.setattr(subscriptions, "_SILENT_S", SILENCE_S)
        async with self.matrix(timing=TIMING._replace(silence_s=2 * SILENCE_S), random=Random(3)) as b:
            began_s = asyncio.get_running_loop().time()
            b.relay.path_of = lambda path: path.replace("/public", "/private")
            await b.until(lambda: b.relay.connections >= 2)
            assert asyncio.get_running_loop().time() - began_s >= 2 * SILENCE_S
            assert "silent" in b.feed.last_failure
            assert b.snapshots_asked == 0
            assert not any(trust is Trust.LIVE for _, trust in b.sink.trust)
            b.relay.path_of = lambda path: path
            await b.until_trusted_within()


class TestUsdm(Routed):
    exchange = "binanceusdm"
    symbols = ("BTC/USDT", "ETH/USDT")


@pytest.mark.slow
class TestCoinm(BinanceMatrix):
    """As USD-M's in all but its paths and names."""

    exchange = "binancecoinm"
    symbols = ("BTC/USD", "ETH/USD")
