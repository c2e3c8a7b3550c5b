"""Candles add up to the trades they are made of, over REST and on the channel."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from graphwiz_trader.hft.events import Side, TimeInForce
from graphwiz_trader.venues.simulated.okx.candles import BARS, rows
from graphwiz_trader.venues.simulated.okx.server import OkxVenue
from venues.simulated.clients import now_ms
from venues.simulated.okx.okx_clients import at_okx
from venues.simulated.okx.test_public_channels import NOW_MS, Ear, unserved
from venues.simulated.okx.test_rest import ask, data

MINUTE_MS = 60_000
CT = "BTC-USDT-SWAP"


def trade(at: OkxVenue, price_ticks: int, lots: int, time_ms: int, inst_id: str = "BTC-USDT") -> None:
    book = at.venue.books[inst_id]
    at.venue.place_for_market(book, Side.SELL, price_ticks, lots, TimeInForce.GTC, time_ms)
    at.venue.place_for_market(book, Side.BUY, price_ticks, lots, TimeInForce.IOC, time_ms)
    at.venue.publish(time_ms)


@given(seed=st.integers(0, 2**32), bar=st.sampled_from(sorted(BARS)))
def test_candles_of_every_length_hold_every_trade_once(seed, bar):
    at, rng, clock_ms = unserved(), Random(seed), NOW_MS
    done = []
    for _ in range(rng.randrange(1, 40)):
        clock_ms += rng.randrange(4 * MINUTE_MS)
        done.append((clock_ms, rng.randrange(900, 1_100), rng.randrange(1, 50)))
        trade(at, done[-1][1], done[-1][2], clock_ms)
    told = rows(at.products["BTC-USDT"], at.channels.candles["BTC-USDT"], BARS[bar], 300, clock_ms)[::-1]
    assert [int(row[0]) for row in told] == sorted({int(row[0]) for row in told})
    assert sum(round(float(row[5]) * 10**8) for row in told) == sum(lots for _, _, lots in done)
    for row in told:
        begin_ms = int(row[0])
        prices = [price for time, price, _ in done if begin_ms <= time < begin_ms + BARS[bar].length_ms]
        opened, high, low, closed = (round(float(text) * 10) for text in row[1:5])
        if prices:
            assert (opened, high, low, closed) == (prices[0], max(prices), min(prices), prices[-1])
        else:
            assert opened == high == low == closed
    assert [row[8] for row in told] == ["1"] * (len(told) - 1) + ["0"]


def test_a_day_begins_by_the_clock_of_hong_kong_unless_it_says_utc():
    assert BARS["1D"].begin_ms(NOW_MS) % 86_400_000 == 16 * 60 * MINUTE_MS
    assert BARS["1Dutc"].begin_ms(NOW_MS) % 86_400_000 == 0


def test_the_channel_tells_a_candle_as_it_grows_and_once_more_when_it_has_ended():
    at, ear = unserved(), Ear()
    begin_ms = NOW_MS - NOW_MS % MINUTE_MS
    at.channels.join(("candle1m", CT), ear, begin_ms)
    trade(at, 600_000, 200, begin_ms, CT)
    at.flush(begin_ms + 1_000)
    trade(at, 600_010, 100, begin_ms + 2_000, CT)
    at.flush(begin_ms + 3_000)
    at.flush(begin_ms + MINUTE_MS)
    told = [message["data"] for message in ear.heard]
    first, grown, ended = told[1], told[2], told[3]
    assert first == [[str(begin_ms), "60000", "60000", "60000", "60000", "2", "0.02", "1200", "0"]]
    assert grown == [[str(begin_ms), "60000", "60001", "60000", "60001", "3", "0.03", "1800.01", "0"]]
    assert [(row[0], row[8]) for row in ended] == [(str(begin_ms), "1"), (str(begin_ms + MINUTE_MS), "0")]
    assert ended[1][5] == "0"


def test_candles_are_asked_for_by_time():
    async def check(at: OkxVenue) -> None:
        start = now_ms() - 10 * MINUTE_MS
        for minute in range(10):
            trade(at, 1_000 + minute, 1, start + minute * MINUTE_MS)
        found: Any = await data(at, "market/candles?instId=BTC-USDT&bar=1m&limit=3")
        assert len(found) == 3
        older = await data(at, f"market/candles?instId=BTC-USDT&after={found[-1][0]}&limit=2")
        assert [int(row[0]) for row in older] == [int(found[-1][0]) - n * MINUTE_MS for n in (1, 2)]
        newer = await data(at, f"market/candles?instId=BTC-USDT&before={found[-1][0]}")
        assert [row[0] for row in newer] == [row[0] for row in found[:2]]
        for wrong in ("bar=7m", "limit=301", "after=x", "before=-1"):
            answer = await ask(at, f"market/candles?instId=BTC-USDT&{wrong}")
            assert (answer.status_code, json.loads(answer.content)["code"]) == (400, "51000")

    at_okx(check)
