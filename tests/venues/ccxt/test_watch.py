"""When ccxt fails: pauses that grow, an exchange left alone when it asks for it, no symbol in another's way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import ccxt.pro

from graphwiz_trader.venues.ccxt.feed import CcxtFeed
from graphwiz_trader.venues.ccxt.library import OWN_ADDRESSES
from graphwiz_trader.venues.ccxt.source import Polls
from graphwiz_trader.venues.ccxt.watch import Watch
from venues import virtual_time
from venues.ccxt.desk import BTC, ETH, INSTRUMENTS, Sink
from venues.harness import Unhurried
from venues.virtual_time import pause

BOOK = {"bids": [[99.0, 1.0]], "asks": [[101.0, 1.0]]}


class Script:
    """A source that says what it is told to, each thing a second after it is asked, and then the same book for ever."""

    has_books = has_trades = True
    is_asked = False

    def __init__(self, **by_symbol: list[Any]) -> None:
        self._by_symbol = {name.replace("_", "/"): answers for name, answers in by_symbol.items()}
        self.asked_s: dict[str, list[float]] = {}
        self.forgotten: list[str] = []

    async def book(self, symbol: str) -> Any:
        self.asked_s.setdefault(symbol, []).append(asyncio.get_running_loop().time())
        await pause(1.0)
        answers = self._by_symbol.get(symbol)
        answer = answers.pop(0) if answers else BOOK
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def trades(self, symbol: str) -> Any:
        await pause(1e9)

    async def forget(self, symbol: str) -> None:
        self.forgotten.append(symbol)


def watched(script: Script, check: Callable[[CcxtFeed, Sink], Coroutine[Any, Any, None]], random: Any = None) -> None:
    """A feed that watches both symbols by the script, in virtual time."""

    async def run() -> None:
        sink = Sink()
        feed = CcxtFeed(INSTRUMENTS, "binanceus", endpoints=OWN_ADDRESSES, lines=[0], sink=sink)
        sink.request_snapshot = feed.request_snapshot
        watches = [Watch(i, script, feed, random or Unhurried()) for i in INSTRUMENTS]
        tasks = [asyncio.create_task(watch.books()) for watch in watches]
        await check(feed, sink)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    virtual_time.run(run())


def test_a_failure_takes_its_own_book_s_trust_and_no_other():
    async def check(feed, sink):
        await pause(2.5)
        assert not sink.trusts(BTC.book)
        assert sink.trusts(ETH.book)
        assert feed.is_up
        assert feed.last_failure == "BTC/USDT: ChecksumError"
        await pause(1.0)
        assert sink.trusts(BTC.book)

    watched(Script(BTC_USDT=[BOOK, ccxt.pro.ChecksumError("secret")]), check)


def test_the_line_is_down_when_no_book_is_known():
    async def check(feed, sink):
        await pause(3.5)
        assert [up for _, up, _ in sink.lines] == [True, False, True]

    down = [BOOK, ccxt.pro.NetworkError("x")]
    watched(Script(BTC_USDT=list(down), ETH_USDT=list(down)), check)


def test_pauses_grow_to_half_a_minute():
    chance = Unhurried()

    async def check(feed, sink):
        await pause(11.0)
        assert chance.bounds == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30, 30]

    watched(Script(BTC_USDT=[ccxt.pro.BadSymbol("x")] * 10), check, chance)


def test_what_is_no_error_of_ccxt_s_ends_nothing_either():
    async def check(feed, sink):
        await pause(4.5)
        assert feed.last_failure == "BTC/USDT: CancelledError"
        assert sink.trusts(BTC.book)

    watched(Script(BTC_USDT=[KeyError("x"), {"bids": []}, asyncio.CancelledError()]), check)


def test_an_exchange_that_is_asked_too_often_is_left_alone():
    script = Script(BTC_USDT=[ccxt.pro.RateLimitExceeded("x")], ETH_USDT=[ccxt.pro.BadSymbol("x")])

    async def check(feed, sink):
        feed._silences._random.uniform = lambda _low, high: high
        await pause(1.5)
        assert feed.last_failure == "ETH/USDT: BadSymbol"
        await pause(10.0)
        assert [times[:2] for times in script.asked_s.values()] == [[0.0, 6.0], [0.0, 6.0]]

    watched(script, check)


def test_a_book_that_is_doubted_is_built_anew_once():
    script = Script()

    async def check(feed, sink):
        await pause(1.5)
        watch = Watch(BTC, script, feed, Unhurried())
        watch.begin_anew()  # not known yet: nothing to forget
        task = asyncio.create_task(watch.books())
        await pause(1.5)
        watch.begin_anew()
        watch.begin_anew()
        await pause(3.0)
        task.cancel()
        assert script.forgotten == ["BTC/USDT"]

    watched(script, check)


def test_polled_trades_are_told_once_and_history_not_at_all():
    class Client:
        def __init__(self) -> None:
            self.has = {"fetchOrderBook": True, "fetchTrades": True}
            self.answers = [[{"id": "1"}, {"id": "2"}], [{"id": "1"}, {"id": "2"}, {"id": "3"}], [{"id": "3"}]]

        async def fetch_trades(self, symbol: str) -> Any:
            return self.answers.pop(0)

    async def check() -> list[Any]:
        polls = Polls(Client())
        return [await polls.trades("X") for _ in range(3)]

    assert virtual_time.run(check()) == [[{"id": "2"}], [{"id": "3"}], []]
