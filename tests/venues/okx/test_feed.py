"""OKX's feed over real sockets to a venue that misbehaves on purpose: what one symbol suffers, no other notices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from graphwiz_trader.hft.events import Trust
from graphwiz_trader.venues.connection import Timing
from graphwiz_trader.venues.okx import line, subscriptions
from graphwiz_trader.venues.okx.feed import FEED_TIMING, OkxFeed
from hft.okx_floor import BTC, INSTRUMENTS, NAMES, UNI, best, depth
from patience import PATIENCE_S
from venues.harness import Relay, Unhurried, on_uvloop
from venues.okx.scripted import Arg, OkxSink, ScriptedVenue, cancelled

QUICK = FEED_TIMING._replace(ping_s=0.1, pong_s=0.1)
BOTH = ("BTC-USDT", "UNI-USD-SWAP")


class Market:
    """Two books of the venue's that move when told: each change is one frame to everybody."""

    def __init__(self) -> None:
        self.seq = dict.fromkeys((BTC, UNI), 100)
        self.silent: set[int] = set()
        """Books that are acknowledged and never served."""

    def first(self, arg: Arg) -> Sequence[bytes]:
        book = NAMES.index(arg["instId"])
        if arg["channel"] != "books" or book in self.silent:
            return ()
        return (
            depth(
                "snapshot", [("99.9", "9")], [("100.1", "9")], ids=(-1, self.seq[book]), book=book, ts=self.seq[book]
            ),
        )

    def update(self, book: int, size: str = "2") -> bytes:
        before = self.seq[book]
        self.seq[book] += 1
        return depth("update", [("99.8", size)], ids=(before, before + 1), book=book, ts=before + 1)


class Feeding:
    def __init__(self, venue: ScriptedVenue, market: Market, sink: OkxSink, feed: OkxFeed) -> None:
        self.venue = venue
        self.market = market
        self.sink = sink
        self.feed = feed

    async def until_trusted(self, *books: int) -> None:
        await self.sink.until(lambda: all(self.sink.trusts(book) for book in books or (BTC, UNI)))

    def update(self, book: int = BTC, size: str = "2") -> None:
        self.venue.say(self.market.update(book, size))

    def lose(self, book: int = BTC) -> None:
        self.market.update(book)


@asynccontextmanager
async def feeding(
    market: Market | None = None, *, timing: Timing = QUICK, lines: Sequence[int] = (0,), **knobs: Any
) -> AsyncIterator[Feeding]:
    market = market or Market()
    async with ScriptedVenue(market.first) as venue:
        for name, value in knobs.items():
            setattr(venue, name, value)
        sink = OkxSink(len(lines))
        feed = OkxFeed(
            INSTRUMENTS, "okx", endpoints=venue.endpoints, lines=lines, sink=sink, timing=timing, random=Unhurried()
        )
        sink.request_snapshot = feed.request_snapshot
        running = asyncio.create_task(feed.run())
        try:
            yield Feeding(venue, market, sink, feed)
        finally:
            await cancelled(running)


# Coming up


@on_uvloop
async def test_books_best_bids_and_offers_and_trades_are_subscribed_in_one_request():
    async with feeding() as f:
        await f.until_trusted()
        assert f.venue.paths == ["/ws/v5/public"]
        assert [op for op, _ in f.venue.requests] == ["subscribe"]
        assert set(f.venue.asked()) == {
            ("subscribe", channel, name) for channel in ("books", "bbo-tbt", "trades") for name in BOTH
        }
        assert f.sink.lines == [(0, True, "connected")]
        assert not f.sink.asked


@on_uvloop
async def test_frames_are_handed_over_as_they_came_and_answers_too():
    async with feeding() as f:
        await f.until_trusted()
        said = b' {"arg" : {"channel":"x","instId":"y"},"data":[ ]}'
        f.venue.say(said)
        await f.sink.until(lambda: any(frame == said for _, frame, _ in f.sink.frames))
        assert sum(b'"event":"subscribe"' in frame for _, frame, _ in f.sink.frames) == 6


@on_uvloop
async def test_stopping_reports_the_line_down_once():
    async with feeding() as f:
        await f.until_trusted()
        assert f.feed.is_up
    assert f.sink.lines == [(0, True, "connected"), (0, False, "stopped")]
    assert not f.feed.is_up


@pytest.mark.parametrize("where", ["on_market_frame", "on_line"])
@on_uvloop
async def test_what_the_sink_raises_ends_the_feed_with_it(where):
    class JournalFullError(Exception):
        pass

    def refuse(*_: object) -> None:
        raise JournalFullError

    async with ScriptedVenue(Market().first) as venue:
        sink = OkxSink()
        setattr(sink, where, refuse)
        feed = OkxFeed(INSTRUMENTS, "okx", endpoints=venue.endpoints, lines=[0], sink=sink)
        with pytest.raises(JournalFullError):
            await asyncio.wait_for(feed.run(), PATIENCE_S)


# Heartbeat


@on_uvloop
async def test_a_quiet_line_is_kept_alive_by_text_pings():
    async with feeding() as f:
        await f.until_trusted()
        await f.venue.until(lambda: f.venue.pings >= 3)
        assert len(f.venue.sockets) == 1
        assert not any(frame == b"pong" for _, frame, _ in f.sink.frames)


@on_uvloop
async def test_a_line_whose_pings_are_not_answered_is_made_again():
    async with feeding(answers_pings=False) as f:
        await f.sink.until(lambda: len(f.sink.lines) >= 3)
        assert [up for _, up, _ in f.sink.lines[:3]] == [True, False, True]


@on_uvloop
async def test_a_line_that_lives_and_says_nothing_is_made_again():
    market = Market()
    market.silent = {BTC, UNI}
    async with feeding(market, timing=QUICK._replace(silence_s=0.3)) as f:
        await f.sink.until(lambda: len(f.sink.lines) >= 3)
        assert f.sink.lines[1] == (0, False, "silent for 0.3 s")


# One symbol's troubles


@on_uvloop
async def test_a_gap_subscribes_that_symbol_anew_and_no_other():
    async with feeding() as f:
        await f.until_trusted()
        f.lose(BTC)
        f.update(BTC)
        await f.sink.until(lambda: f.sink.asked[BTC] == 1)
        await f.until_trusted()
        assert f.venue.requests[1:] == [
            ("unsubscribe", [{"channel": "books", "instId": "BTC-USDT"}]),
            ("subscribe", [{"channel": "books", "instId": "BTC-USDT"}]),
        ]
        assert f.sink.books[BTC].last_update_id == f.market.seq[BTC]
        f.update(BTC)
        f.update(UNI)
        await f.sink.until(lambda: f.sink.books[BTC].last_update_id == f.market.seq[BTC])
        assert f.sink.asked == {BTC: 1}


@on_uvloop
async def test_while_one_book_starts_over_the_other_goes_on():
    async with feeding() as f:
        await f.until_trusted()
        f.market.silent = {BTC}
        f.lose(BTC)
        f.update(BTC)
        for _ in range(20):
            f.update(UNI)
        await f.sink.until(lambda: f.sink.books[UNI].last_update_id == f.market.seq[UNI])
        assert f.sink.trusts(UNI)
        assert not f.sink.trusts(BTC)


@on_uvloop
async def test_a_symbol_that_the_venue_does_not_know_costs_the_others_nothing():
    words = "Wrong URL or channel:books,instId:UNI-USD-SWAP doesn't exist."
    async with feeding(refused={"UNI-USD-SWAP": words}) as f:
        await f.until_trusted(BTC)
        await f.sink.until(lambda: bool(f.feed.last_failure))
        assert f.feed.last_failure == f"books of UNI-USD-SWAP: refused with 60018, {words}"
        for _ in range(5):
            f.update(BTC)
        await f.sink.until(lambda: f.sink.books[BTC].last_update_id == f.market.seq[BTC])
        assert f.sink.books[UNI].trust is Trust.SYNCING
        assert len(f.sink.lines) == 1


@on_uvloop
async def test_a_venue_that_drops_the_whole_request_for_one_bad_symbol_is_asked_in_smaller_ones(monkeypatch):
    monkeypatch.setattr(subscriptions, "ANSWER_S", 0.05)
    async with feeding(refused={"UNI-USD-SWAP": ""}, aborts_batches=True) as f:
        await f.until_trusted(BTC)
        assert f.venue.count("subscribe") < 40


@on_uvloop
async def test_an_answer_that_never_comes_is_asked_for_again(monkeypatch):
    monkeypatch.setattr(subscriptions, "ANSWER_S", 0.05)
    async with feeding(unanswered=6) as f:
        await f.until_trusted()
        assert f.venue.count("subscribe") == 2


@on_uvloop
async def test_an_acknowledgement_without_data_is_not_believed(monkeypatch):
    monkeypatch.setattr(subscriptions, "SNAPSHOT_S", 0.1)
    market = Market()
    market.silent = {UNI}
    async with feeding(market) as f:
        await f.venue.until(lambda: f.venue.count("unsubscribe") >= 1)
        assert f.venue.asked()["unsubscribe", "books", "UNI-USD-SWAP"] >= 1
        assert f.venue.asked()["unsubscribe", "books", "BTC-USDT"] == 0
        assert f.feed.last_failure == "books of UNI-USD-SWAP: no snapshot in 0.1 s"
        market.silent = set()
        await f.until_trusted()


@on_uvloop
async def test_a_snapshot_that_cannot_be_used_is_asked_for_again():
    market = Market()
    usable = market.first
    bad = [depth("snapshot", [("99.95", "9")], [("100.1", "9")], ids=(-1, 100))]
    async with feeding(market) as f:
        f.venue.first = lambda arg: (
            [bad.pop()] if bad and arg == {"channel": "books", "instId": "BTC-USDT"} else usable(arg)
        )
        await f.until_trusted()
        assert f.venue.asked()["unsubscribe", "books", "BTC-USDT"] == f.sink.asked[BTC] == 1


# Breaking and coming back


@on_uvloop
async def test_a_lost_connection_takes_all_trust_at_once_and_gives_it_back():
    async with feeding() as f:
        await f.until_trusted()
        f.venue.sockets[0].drop()
        await f.sink.until(lambda: len(f.sink.lines) == 2)
        assert {f.sink.books[book].trust for book in (BTC, UNI)} == {Trust.STALE}
        await f.until_trusted()
        assert [reason for _, _, reason in f.sink.lines] == ["connected", "the connection was lost", "connected"]
        assert f.venue.count("subscribe") == 2


@on_uvloop
async def test_the_venue_s_close_code_is_named():
    async with feeding() as f:
        await f.until_trusted()
        f.venue.sockets[0].close(4004)
        await f.sink.until(lambda: len(f.sink.lines) >= 2)
        assert f.sink.lines[1] == (0, False, "closed by the venue with code 4004")


@on_uvloop
async def test_a_notice_that_the_venue_will_close_the_connection_is_heeded_before_it_does():
    async with feeding() as f:
        await f.until_trusted()
        f.venue.say({"event": "notice", "code": "64008", "msg": "The connection will soon be closed", "connId": "1"})
        await f.venue.until(lambda: len(f.venue.sockets) == 2)
        await f.until_trusted()


@on_uvloop
async def test_a_half_open_connection_is_noticed_and_replaced():
    market = Market()
    async with ScriptedVenue(market.first) as venue, Relay(venue.endpoints.stream) as relay:
        sink = OkxSink()
        endpoints = type(venue.endpoints)("", relay.reroute(venue.endpoints.stream), "")
        feed = OkxFeed(INSTRUMENTS, "okx", endpoints=endpoints, lines=[0], sink=sink, timing=QUICK, random=Unhurried())
        running = asyncio.create_task(feed.run())
        f = Feeding(venue, market, sink, feed)
        await f.until_trusted()
        relay.freeze()
        await sink.until(lambda: len(sink.lines) == 3)
        await f.until_trusted()
        await cancelled(running)


@on_uvloop
async def test_nothing_is_asked_for_while_the_line_is_down():
    async with feeding() as f:
        f.feed.request_snapshot(BTC)
        await f.until_trusted()
        assert f.venue.count("unsubscribe") == 0


# While running


@on_uvloop
async def test_a_symbol_can_be_left_and_taken_up_again():
    async with feeding() as f:
        await f.until_trusted()
        f.feed.unsubscribe(UNI)
        await f.venue.until(lambda: f.venue.count("unsubscribe") == 1)
        assert {arg["instId"] for _, args in f.venue.requests[1:] for arg in args} == {"UNI-USD-SWAP"}
        f.venue.sockets[0].drop()
        await f.venue.until(lambda: f.venue.count("subscribe") == 2)
        assert {arg["instId"] for arg in f.venue.requests[-1][1]} == {"BTC-USDT"}
        f.feed.subscribe(UNI)
        await f.until_trusted()


# The ration


@on_uvloop
async def test_a_book_that_is_lost_again_and_again_is_asked_for_within_the_hour_s_ration(monkeypatch):
    """What no pause holds back (every one is drawn as nothing) the ration does."""
    monkeypatch.setattr(line, "SUBSCRIPTIONS_PER_HOUR", 8)
    monkeypatch.setattr(line, "_APART_S", 0.001)
    async with feeding() as f:
        await f.until_trusted()
        rounds_of_rest = 20
        while rounds_of_rest:
            f.lose(BTC)
            f.update(BTC)
            f.update(UNI)
            await f.sink.until(lambda: f.sink.books[UNI].last_update_id == f.market.seq[UNI])
            rounds_of_rest -= len(f.venue.requests) == 4
        assert len(f.venue.requests) == 4, "half of the ration went at once, what is left is spread over the hour"
        assert len(f.venue.sockets) == 1


# The newest top


@on_uvloop
async def test_the_best_bid_and_offer_is_merged_with_the_book_by_its_number():
    async with feeding() as f:
        await f.until_trusted()
        f.venue.say(best(105, ("99.9", "9"), ("100.0", "1")))
        await f.sink.until(lambda: f.sink.books[BTC].best_ask[0] == 1000)
        f.venue.say(best(104, ("99.7", "9"), ("99.8", "1")))
        f.update(UNI)
        await f.sink.until(lambda: f.sink.books[UNI].last_update_id == f.market.seq[UNI])
        assert f.sink.books[BTC].best_ask == (1000, 10**8)
        for _ in range(10):
            f.update(BTC)
        await f.sink.until(lambda: f.sink.books[BTC].last_update_id > 105)
        assert f.sink.books[BTC].best_ask == (1001, 9 * 10**8)
