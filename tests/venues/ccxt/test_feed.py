"""ccxt between a simulated exchange and our books, over real sockets: what is trusted is the exchange's own."""

from __future__ import annotations

import asyncio

import pytest

from graphwiz_trader.hft.events import Side, Trust
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.venues.base import VenueError
from graphwiz_trader.venues.ccxt.feed import CcxtFeed
from graphwiz_trader.venues.ccxt.library import OWN_ADDRESSES
from graphwiz_trader.venues.simulated.faults.kinds import Fault
from patience import PATIENCE_S
from venues import harness
from venues.ccxt.desk import BTC, ETH, INSTRUMENTS, TIMING, Sink, endpoints, feeding, instrument
from venues.fault_bench import SnapshotDesk
from venues.harness import Exchange, Relay, on_uvloop

BOTH_WAYS = pytest.mark.parametrize("websocket", [True, False], ids=["streams", "polls"])
NOBODYS = instrument(1, "NOPE/USDT")


@BOTH_WAYS
def test_books_become_the_exchanges_own(websocket):
    @on_uvloop
    async def check():
        async with Exchange() as exchange, feeding(exchange, websocket=websocket) as at:
            await at.until_equal()
            assert at.feed.is_up
            assert at.sink.lines == [(0, True, "a book is known")]

    check()


@on_uvloop
async def test_a_trade_is_told_once():
    async with Exchange() as exchange, feeding(exchange) as at:
        await at.until_equal()
        before = at.sink.books[BTC.book].last_trade.trade_id
        best_ticks, _ = exchange.levels(harness.BTC)[1][0]
        exchange.market.quote(harness.BTC, Side.BUY, best_ticks, 3, now_ms=1)
        await at.sink.until(lambda: at.sink.books[BTC.book].last_trade.trade_id > before)
        trade = at.sink.books[BTC.book].last_trade
        assert (trade.trade_id, trade.price_ticks, trade.size_lots) == (before + 1, best_ticks, 300_000)


@on_uvloop
async def test_the_exchange_s_clock_is_measured():
    async with Exchange() as exchange, feeding(exchange) as at:
        await at.sink.until(lambda: bool(at.sink.clocks))
        ((_, offset_ns, error_ns),) = at.sink.clocks
        assert abs(offset_ns) <= error_ns + 2_000_000


@on_uvloop
async def test_what_the_journal_keeps_is_enough_to_make_the_same_books_again():
    async with Exchange() as exchange, feeding(exchange) as at:
        await at.until_equal()
        again = Sink()
        for _, frame, _ in list(at.sink.frames):
            again.on_market_frame(0, frame, 1)
        for book in INSTRUMENTS:
            assert again.levels(book) == at.sink.levels(book)


@BOTH_WAYS
def test_a_broken_connection_takes_trust_at_once_and_it_comes_back(websocket):
    @on_uvloop
    async def check():
        async with (
            Exchange() as exchange,
            Relay(endpoints(exchange).rest) as relay,
            feeding(exchange, websocket=websocket, at=endpoints(exchange, relay)) as at,
        ):
            await at.until_equal()
            relay.cut()
            await at.sink.until(lambda: not at.sink.trusts(BTC.book) and not at.sink.trusts(ETH.book))
            relay.mend()
            await at.until_equal()
            assert [up for _, up, _ in at.sink.lines] == [True, False, True]
            assert at.sink.lines[1][2].endswith((": NetworkError", ": ExchangeNotAvailable"))

    check()


@on_uvloop
async def test_a_symbol_that_the_exchange_does_not_have_leaves_the_others_alone():
    async with Exchange() as exchange, feeding(exchange, instruments=Instruments([BTC, NOBODYS])) as at:
        await at.until_equal(BTC)
        assert at.feed.last_failure == "NOPE/USDT: BadSymbol"
        assert not at.sink.trusts(NOBODYS.book)
        assert at.sink.lines == [(0, True, "a book is known")]


REFUSALS = {429: "DDoSProtection", 418: "DDoSProtection", 503: "OperationFailed"}
"""As ccxt tells them, of Binance's words."""


@pytest.mark.slow
@pytest.mark.parametrize("status", REFUSALS)
@BOTH_WAYS
def test_an_exchange_that_refuses_is_asked_less_and_its_books_are_trusted_again(websocket, status):
    @on_uvloop
    async def check():
        async with Exchange() as exchange:
            desk = SnapshotDesk(exchange["binance"])
            refused = Fault(fault="http_status", channel="GET *depth", status=status, retry_after_s=1, count=4)
            exchange["binance"].faults.add(refused)
            async with feeding(exchange, websocket=websocket) as at:
                await at.until_equal()
                if not websocket:  # streamed, ccxt itself asks again for what its books begin with
                    assert at.feed.last_failure.endswith(f"/USDT: {REFUSALS[status]}")
                assert len(desk.asked_s) <= 4 + 2 * 2, "one request a refusal, and one or two for each book"
                assert at.sink.lines == [(0, True, "a book is known")]

    check()


@pytest.mark.slow
@pytest.mark.parametrize("status", REFUSALS)
@on_uvloop
async def test_an_exchange_that_goes_on_refusing_is_asked_ever_less_and_no_book_of_it_is_trusted(status):
    """Polled, it is asked for two books a second while it answers."""
    async with Exchange() as exchange, feeding(exchange, websocket=False) as at:
        await at.until_equal()
        desk = SnapshotDesk(exchange["binance"])
        exchange["binance"].faults.add(
            Fault(fault="http_status", channel="GET *depth", status=status, every=1, until_s=4.0)
        )
        began_s = asyncio.get_running_loop().time()
        await at.sink.until(lambda: not at.sink.trusts(BTC.book) and not at.sink.trusts(ETH.book))
        await at.until_equal()
        assert asyncio.get_running_loop().time() - began_s >= 4.0
        assert len(desk.asked_s) <= 2 * 6


@BOTH_WAYS
def test_a_symbol_that_is_left_loses_its_trust_at_once_and_the_journal_says_why(websocket):
    @on_uvloop
    async def check():
        async with Exchange() as exchange, feeding(exchange, websocket=websocket) as at:
            await at.until_equal()
            at.sink.trust.clear()
            at.feed.unsubscribe(ETH.book)
            assert at.sink.trust == [(ETH.book, Trust.STALE)]

    check()


@on_uvloop
async def test_a_symbol_can_be_left_and_taken_up_again():
    async with Exchange() as exchange, feeding(exchange) as at:
        await at.until_equal()
        at.feed.unsubscribe(ETH.book)
        assert not at.sink.trusts(ETH.book)
        await at.until_equal(BTC)
        at.feed.subscribe(ETH.book)
        await at.until_equal()


@pytest.mark.slow
@on_uvloop
async def test_a_line_that_hears_nothing_for_long_is_begun_anew():
    async with (
        Exchange() as exchange,
        Relay(endpoints(exchange).rest) as relay,
        feeding(exchange, at=endpoints(exchange, relay), timing=TIMING._replace(silence_s=1.0)) as at,
    ):
        await at.until_equal()
        relay.freeze()
        await at.sink.until(lambda: not at.feed.is_up)
        assert at.feed.last_failure == "silent for 1 s"
        await at.until_equal()


@on_uvloop
async def test_what_the_sink_raises_ends_the_feed():
    class Full(Sink):
        def on_market_frame(self, line, frame, now_ns):
            raise OSError("the disk is full")

    async with Exchange() as exchange:
        feed = CcxtFeed(INSTRUMENTS, "binanceus", endpoints=endpoints(exchange), lines=[0], sink=Full())
        running = asyncio.create_task(feed.run())
        with pytest.raises(OSError, match="the disk is full"):
            await asyncio.wait_for(running, PATIENCE_S)


def test_what_ccxt_cannot_do_is_said_before_anything_runs():
    with pytest.raises(VenueError, match="did you mean kraken"):
        CcxtFeed(INSTRUMENTS, "krakn", endpoints=OWN_ADDRESSES, lines=[0], sink=Sink())
    with pytest.raises(VenueError, match="set lines: 1"):
        CcxtFeed(INSTRUMENTS, "kraken", endpoints=OWN_ADDRESSES, lines=[0, 1], sink=Sink())
    with pytest.raises(VenueError, match="no order book of mudrex in streams"):
        CcxtFeed(INSTRUMENTS, "mudrex", endpoints=OWN_ADDRESSES, lines=[0], sink=Sink())
