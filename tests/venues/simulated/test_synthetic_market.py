"""The synthetic market, in virtual time: the same seed the same market, with opportunities that come and go."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated.binance.flavours import FLAVOURS
from graphwiz_trader.venues.simulated.binance.server import BinanceVenue
from graphwiz_trader.venues.simulated.defaults import default_instruments
from graphwiz_trader.venues.simulated.synthetic import SyntheticMarket
from venues.simulated.house import NOW_MS, Listener, order

EXCHANGES = ("binance", "binanceusdm")


def market_of(seed: int, rate_per_s: float = 300.0) -> tuple[SyntheticMarket, dict[str, BinanceVenue], Listener]:
    market, tape = SyntheticMarket(seed=seed, rate_per_s=rate_per_s), Listener()
    venues = {
        exchange: BinanceVenue(
            FLAVOURS[exchange],
            default_instruments([exchange]),
            lambda listing, exchange=exchange: market.matcher(exchange, listing),
            clock_ms=lambda: NOW_MS,
        )
        for exchange in EXCHANGES
    }
    for exchange, venue in venues.items():
        depth = "depth@100ms" if exchange == "binance" else "depth@0ms"
        for symbol in venue.venue.books:
            for stream in (depth, "bookTicker", "trade"):
                venue.hub.subscribe(f"{symbol.lower()}@{stream}", tape)
    market.open(venues, NOW_MS)
    return market, venues, tape


def play(seed: int, seconds: int, step_ms: int = 5) -> list[bytes]:
    market, venues, tape = market_of(seed)
    for elapsed_ms in range(0, seconds * 1_000, step_ms):
        market.advance(elapsed_ms, NOW_MS + elapsed_ms)
        for venue in venues.values():
            venue.streams.flush(NOW_MS + elapsed_ms)
    return tape.frames


def test_the_same_seed_makes_the_same_market_byte_for_byte():
    assert play(7, 5) == play(7, 5)


def test_the_same_seed_makes_the_same_market_in_another_process_too():
    script = (
        "import hashlib; from venues.simulated.test_synthetic_market import play; "
        "print(hashlib.sha256(b''.join(play(7, 2))).hexdigest())"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(hashes) == 1


def mid_of(venue: BinanceVenue, symbol: str) -> float:
    book = venue.venue.books[symbol]
    bid, ask = book.matcher.best(Side.BUY), book.matcher.best(Side.SELL)
    assert bid is not None
    assert ask is not None
    return (bid + ask) / 2 * float(book.listing.instrument.tick_size)


@pytest.mark.parametrize("base", ["ETH", "SOL"])
def test_triangles_close_within_what_a_venues_own_noise_allows(base):
    market, venues, _ = market_of(4)
    off_bps = []
    for elapsed_ms in range(0, 60_000, 250):
        market.advance(elapsed_ms, NOW_MS)
        spot = venues["binance"]
        around = mid_of(spot, f"{base}BTC") * mid_of(spot, "BTCUSDT") / mid_of(spot, f"{base}USDT")
        off_bps.append(abs(around - 1) * 1e4)
    assert sorted(off_bps)[len(off_bps) // 2] < 5


def test_another_seed_makes_another_market():
    assert play(7, 2) != play(8, 2)


def test_the_market_does_not_depend_on_the_steps_it_is_advanced_by():
    def trades(step_ms: int) -> list[tuple[int, int]]:
        market, venues, _ = market_of(3)
        for elapsed_ms in range(0, 5_001, step_ms):
            market.advance(elapsed_ms, NOW_MS)
        return [
            (book.last_trade_id, book.matcher.change_count)
            for venue in venues.values()
            for book in venue.venue.books.values()
        ]

    assert trades(1) == trades(100)


@pytest.mark.parametrize("rate_per_s", [60.0, 600.0])
def test_the_rate_is_the_rate_asked_for(rate_per_s):
    market, venues, _ = market_of(1, rate_per_s)
    before = sum(book.matcher.change_count for venue in venues.values() for book in venue.venue.books.values())
    market.advance(60_000, NOW_MS)
    after = sum(book.matcher.change_count for venue in venues.values() for book in venue.venue.books.values())
    # An action changes between one and a few levels; bursts come on top.
    assert 0.8 * rate_per_s * 60 < after - before < 5 * rate_per_s * 60


def test_every_book_stays_two_sided_narrow_and_uncrossed():
    market, venues, _ = market_of(11)
    for elapsed_ms in range(0, 60_000, 100):
        market.advance(elapsed_ms, NOW_MS)
        for venue in venues.values():
            for book in venue.venue.books.values():
                bid, ask = book.matcher.best(Side.BUY), book.matcher.best(Side.SELL)
                assert bid is not None
                assert ask is not None
                assert bid < ask
                assert (ask - bid) / bid < 0.005


def profitable_bps(venues: dict[str, BinanceVenue], symbol: str) -> float:
    """What buying on one venue and selling on the other nets at the top of both books, the better direction."""

    def prices(exchange: str) -> tuple[float, float, float]:
        book = venues[exchange].venue.books[symbol]
        instrument = book.listing.instrument
        tick = float(instrument.tick_size)
        bid, ask = book.matcher.best(Side.BUY), book.matcher.best(Side.SELL)
        return (bid or 0) * tick, (ask or 0) * tick, instrument.taker_fee_ppm / 1e6

    best = -1e9
    for buy, sell in (EXCHANGES, EXCHANGES[::-1]):
        _, ask, buy_fee = prices(buy)
        bid, _, sell_fee = prices(sell)
        best = max(best, (bid * (1 - sell_fee) / (ask * (1 + buy_fee)) - 1) * 1e4)
    return best


@pytest.mark.slow
@pytest.mark.parametrize("seed", [7, 8])
def test_opportunities_beyond_both_takers_fees_come_and_go_a_few_times_a_minute(seed):
    market, venues, _ = market_of(seed)
    minutes, open_now, began, profitable_steps, steps = 5, {}, 0, 0, 0
    for elapsed_ms in range(0, minutes * 60_000, 50):
        market.advance(elapsed_ms, NOW_MS)
        for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"):
            is_open = profitable_bps(venues, symbol) > 0
            began += is_open and not open_now.get(symbol, False)
            open_now[symbol] = is_open
            profitable_steps += is_open
            steps += 1
    assert 1 <= began / minutes <= 60
    assert 0.001 < profitable_steps / steps < 0.2, "rare, and gone again"


def test_a_users_order_at_the_best_price_is_traded_with_by_the_markets_takers():
    market, venues, _ = market_of(5)
    at = venues["binance"].venue
    account = at.open_account("a", {"USDT": "100000000", "BTC": "100"})
    matcher = at.books["BTCUSDT"].matcher
    mine = None
    for elapsed_ms in range(0, 120_000, 50):
        market.advance(elapsed_ms, NOW_MS)
        best = matcher.best(Side.BUY)
        assert best is not None
        if mine is None or mine.price_ticks < best:  # follow the market as a maker does
            if mine is not None:
                at.cancel(mine, NOW_MS)
            mine = order(at, account, Side.BUY, best, 1_000)
        if mine.executions:
            break
    assert mine is not None
    assert mine.executions, "no taker came to the best bid in two minutes"
    assert mine.executions[0].maker
    assert mine.executions[0].price_ticks == mine.price_ticks


def test_a_market_needs_a_rate():
    with pytest.raises(ValueError, match="above 0"):
        SyntheticMarket(seed=1, rate_per_s=0)
