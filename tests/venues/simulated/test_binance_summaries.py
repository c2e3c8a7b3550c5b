"""Binance's streams of tops, candles, tickers and marks: their fields, when they speak, and that REST says the same."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated.binance.parameters import Parameters
from graphwiz_trader.venues.simulated.binance.server import BinanceVenue
from venues.simulated.clients import Client, get, in_loop, now_ms, serving, until
from venues.simulated.house import NOW_MS, quote
from venues.simulated.test_streams import follow, still_venue

MINUTE_MS = 60_000
MINUTE = NOW_MS - NOW_MS % MINUTE_MS
SPOT_TICKER = ["e", "E", "s", "p", "P", "w", "x", "c", "Q", "b", "B", "a", "A", "o", "h", "l", "v", "q", "O", "C", "F",
               "L", "n"]  # fmt: skip
USDM_TICKER = [name for name in SPOT_TICKER if name not in ("x", "b", "B", "a", "A")] + ["ps", "st"]
MINI_TICKER = ["e", "E", "s", "c", "o", "h", "l", "v", "q"]
KLINE = ["t", "T", "s", "i", "f", "L", "o", "c", "h", "l", "v", "n", "x", "q", "V", "Q", "B"]


def trade(at: BinanceVenue, price_ticks: int, lots: int, time_ms: int) -> None:
    """Somebody buys from a resting seller."""
    book = at.venue.books["BTCUSDT"]
    for side in (Side.SELL, Side.BUY):
        at.venue.place_for_market(book, side, price_ticks, lots, 0, time_ms)
    at.venue.publish(time_ms)


def told(at: BinanceVenue, stream: str, now_ms: int) -> list[Any]:
    listener = follow(at, stream)
    at.streams.flush(now_ms)
    at.hub.unsubscribe(stream, listener)
    return listener.data()


def rest(method: Any, now_ms: int, **texts: str) -> Any:
    return json.loads(method(Parameters(texts), now_ms))


# Tops of the book


@pytest.mark.parametrize("levels", [5, 10, 20])
def test_spots_top_of_the_book_is_a_snapshot_of_so_many_levels(levels):
    at = still_venue("binance")
    for step in range(1, 30):
        quote(at.venue, Side.BUY, 6_000_000 - step, step)
        quote(at.venue, Side.SELL, 6_000_000 + step, step)
    at.venue.publish(NOW_MS)
    (top,) = told(at, f"btcusdt@depth{levels}@100ms", NOW_MS)
    assert list(top) == ["lastUpdateId", "bids", "asks"]
    assert top == rest(at.public.depth, NOW_MS, symbol="BTCUSDT", limit=str(levels))
    assert len(top["bids"]) == len(top["asks"]) == levels


@pytest.mark.parametrize("suffix", ["", "@100ms", "@500ms"])
def test_usdms_top_of_the_book_is_an_event_whose_ids_chain(suffix):
    at = still_venue("binanceusdm")
    listener = follow(at, f"btcusdt@depth5{suffix}")
    for step in range(3):
        quote(at.venue, Side.BUY, 600_000 + step, 1)
        at.venue.publish(NOW_MS)
        at.streams.flush(NOW_MS + 500 * step)
    first, second, third = listener.data()
    assert list(third) == ["e", "E", "T", "s", "U", "u", "pu", "b", "a", "ps", "st"]
    assert [level[0] for level in third["b"]] == ["60000.20", "60000.10", "60000.00"]
    assert (second["pu"], third["pu"]) == (first["u"], second["u"])


def test_a_top_speaks_once_an_interval_when_the_book_has_changed_and_to_who_joins():
    at = still_venue("binance")
    listener = follow(at, "btcusdt@depth5@100ms")
    quote(at.venue, Side.BUY, 6_000_000, 1)
    at.venue.publish(NOW_MS)
    heard = []
    for after_ms in (0, 50, 100, 200):
        at.streams.flush(NOW_MS + after_ms)
        heard.append(len(listener.frames))
    assert heard == [1, 1, 1, 1]
    for change, (after_ms, told_so_far) in enumerate(((210, 2), (299, 2), (300, 3)), 1):
        quote(at.venue, Side.BUY, 6_000_000 + change, 1)
        at.venue.publish(NOW_MS)
        at.streams.flush(NOW_MS + after_ms)
        assert len(listener.frames) == told_so_far
    late = follow(at, "btcusdt@depth5@100ms")
    at.streams.flush(NOW_MS + 400)
    assert late.data()[0]["bids"][0][0] == "60000.03000000"


# Candles


@pytest.mark.parametrize(("exchange", "every_ms"), [("binance", 2_000), ("binanceusdm", 250)])
def test_a_kline_grows_and_is_told_once_more_when_it_has_closed(exchange, every_ms):
    at = still_venue(exchange)
    listener = follow(at, "btcusdt@kline_1m")
    tick = 6_000_000 if exchange == "binance" else 600_000
    trade(at, tick, 100, MINUTE)
    at.streams.flush(MINUTE)
    trade(at, tick + 100, 50, MINUTE + 1)
    at.streams.flush(MINUTE + every_ms - 1)
    assert len(listener.frames) == 1
    for after_ms in (every_ms, MINUTE_MS, MINUTE_MS + every_ms):
        at.streams.flush(MINUTE + after_ms)
    first, grown, closed, next_one = listener.data()
    assert (list(first), list(first["k"])) == (["e", "E", "s", "k"], KLINE)
    assert [one["k"]["x"] for one in (first, grown, closed, next_one)] == [False, False, True, False]
    assert [one["k"]["n"] for one in (first, grown, closed, next_one)] == [1, 2, 2, 0]
    assert (grown["k"]["o"], grown["k"]["c"]) == (first["k"]["o"], grown["k"]["h"])
    assert next_one["k"]["t"] == closed["k"]["T"] + 1 == MINUTE + MINUTE_MS
    assert {next_one["k"][name] for name in "ohlc"} == {closed["k"]["c"]}
    (line, flat) = rest(at.public.klines, MINUTE + MINUTE_MS, symbol="BTCUSDT", interval="1m")
    k = closed["k"]
    assert line == [k["t"], k["o"], k["h"], k["l"], k["c"], k["v"], k["T"], k["q"], k["n"], k["V"], k["Q"], "0"]
    assert flat[8] == 0


def test_usdm_tells_the_candles_of_a_pairs_perpetual_contract_as_well():
    at = still_venue("binanceusdm")
    trade(at, 600_000, 1, MINUTE)
    (of_symbol,) = told(at, "btcusdt@kline_1m", MINUTE)
    (of_pair,) = told(at, "btcusdt_perpetual@continuousKline_1m", MINUTE)
    assert list(of_pair) == ["e", "E", "ps", "ct", "k"]
    assert of_pair["k"].items() == of_symbol["k"].items() - {("s", "BTCUSDT")}


def test_spot_has_candles_of_a_second_and_by_the_clock_of_the_east():
    at = still_venue("binance")
    trade(at, 6_000_000, 1, MINUTE)
    (second,), (east,) = (told(at, f"btcusdt@kline_{name}", MINUTE) for name in ("1s", "1d@+08:00"))
    assert second["k"]["T"] - second["k"]["t"] == 999
    assert east["k"]["t"] % 86_400_000 == 16 * 60 * MINUTE_MS
    (line,) = rest(at.public.klines, MINUTE, symbol="BTCUSDT", interval="1d", timeZone="8")
    assert line[0] == east["k"]["t"]


# Tickers


@pytest.mark.parametrize(("exchange", "names"), [("binance", SPOT_TICKER), ("binanceusdm", USDM_TICKER)])
def test_tickers_have_the_venues_fields_and_rests_figures(exchange, names):
    at = still_venue(exchange)
    tick = 6_000_000 if exchange == "binance" else 600_000
    trade(at, tick, 200, NOW_MS)
    trade(at, tick + tick // 100, 100, NOW_MS)
    (ticker,), (mini,) = (told(at, f"btcusdt@{kind}", NOW_MS) for kind in ("ticker", "miniTicker"))
    assert (list(ticker), list(mini)) == (names, MINI_TICKER + [name for name in names if name in ("ps", "st")])
    assert (ticker["e"], mini["e"], ticker["P"], ticker["n"]) == ("24hrTicker", "24hrMiniTicker", "1.000", 2)
    assert (Decimal(ticker["Q"]), Decimal(ticker["v"])) == tuple(Decimal(lots) * _lot(at) for lots in (100, 300))
    day = rest(at.tickers.day, NOW_MS, symbol="BTCUSDT")
    assert {ticker[name] for name in ("p", "P", "w", "c", "o", "h", "l", "v", "q", "O", "C", "F", "L", "n")} <= set(
        day.values()
    )
    assert ("bidPrice" in day, "prevClosePrice" in day) == (exchange == "binance",) * 2


def _lot(at: BinanceVenue) -> Decimal:
    return Decimal(at.venue.books["BTCUSDT"].listing.instrument.lot_size)


def test_a_day_is_the_last_24_hours_and_knows_the_price_before_it():
    at, day_ms = still_venue("binance"), 86_400_000
    trade(at, 5_000_000, 1, NOW_MS)
    trade(at, 6_000_000, 1, NOW_MS + day_ms)
    (ticker,) = told(at, "btcusdt@ticker", NOW_MS + day_ms + 2 * MINUTE_MS)
    assert (ticker["n"], ticker["o"], ticker["x"]) == (1, "60000.00000000", "50000.00000000")


def test_a_ticker_is_silent_while_nothing_changes_and_no_array_holds_what_has_not():
    at = still_venue("binance")
    one, every = follow(at, "btcusdt@miniTicker"), follow(at, "!miniTicker@arr")
    trade(at, 6_000_000, 1, NOW_MS)
    at.streams.flush(NOW_MS)
    assert len(every.data()[0]) == len(at.venue.books)
    at.streams.flush(NOW_MS + 1_000)
    assert (len(one.frames), len(every.frames)) == (1, 1)
    trade(at, 6_000_100, 1, NOW_MS + 1_001)
    at.streams.flush(NOW_MS + 2_000)
    assert [mini["s"] for mini in every.data()[1]] == ["BTCUSDT"]
    assert one.data()[1] == every.data()[1][0]


def test_all_of_usdms_days_and_best_prices_have_streams_of_their_own():
    at = still_venue("binanceusdm")
    quote(at.venue, Side.BUY, 600_000, 1)
    at.venue.publish(NOW_MS)
    best = follow(at, "!bookTicker")
    at.streams.flush(NOW_MS)
    assert [event["s"] for event in best.data()] == list(at.venue.books)
    assert (best.data()[0]["e"], best.data()[0]["b"]) == ("bookTicker", "60000.00")
    quote(at.venue, Side.SELL, 600_001, 1)
    at.venue.publish(NOW_MS)
    at.streams.flush(NOW_MS + 4_999)
    assert len(best.frames) == 3
    at.streams.flush(NOW_MS + 5_000)
    assert [event["s"] for event in best.data()[3:]] == ["BTCUSDT"]
    (days,) = told(at, "!ticker@arr", NOW_MS)
    assert [day["s"] for day in days] == list(at.venue.books)


@pytest.mark.parametrize(("window", "minutes"), [("1h", 60), ("4h", 240), ("1d", 1_440)])
def test_rolling_windows_open_on_a_minute_and_rest_says_the_same(window, minutes):
    at, now_ms = still_venue("binance"), MINUTE + minutes * MINUTE_MS + 500
    trade(at, 6_000_000, 1, MINUTE - MINUTE_MS)
    trade(at, 6_100_000, 2, MINUTE)
    (ticker,) = told(at, f"btcusdt@ticker_{window}", now_ms)
    assert (ticker["e"], ticker["O"], ticker["C"], ticker["n"]) == (f"{window}Ticker", MINUTE, now_ms, 1)
    figures = rest(at.tickers.window, now_ms, symbol="BTCUSDT", windowSize=window)
    assert (figures["openTime"], figures["lastPrice"], figures["count"]) == (MINUTE, ticker["c"], 1)
    assert told(at, f"!ticker_{window}@arr", now_ms)[0][0] == ticker


def test_the_average_of_five_minutes_is_weighted_by_size():
    at = still_venue("binance")
    trade(at, 6_000_000, 1, NOW_MS)
    trade(at, 6_300_000, 2, NOW_MS + MINUTE_MS)
    (average,) = told(at, "btcusdt@avgPrice", NOW_MS + MINUTE_MS)
    assert list(average) == ["e", "E", "s", "i", "w", "T"]
    assert (average["w"], average["T"]) == ("62000.00000000", NOW_MS + MINUTE_MS)
    later = rest(at.tickers.average_price, NOW_MS + 60 * MINUTE_MS, symbol="BTCUSDT")
    assert later == {"mins": 5, "price": "63000.00000000", "closeTime": NOW_MS + MINUTE_MS}


# Marks


@pytest.mark.parametrize(("stream", "every_ms"), [("btcusdt@markPrice", 3_000), ("btcusdt@markPrice@1s", 1_000)])
def test_the_mark_price_is_told_every_interval_whether_or_not_it_moves(stream, every_ms):
    at, begin_ms = still_venue("binanceusdm"), NOW_MS - NOW_MS % 3_000
    quote(at.venue, Side.BUY, 600_000, 1)
    quote(at.venue, Side.SELL, 600_010, 1)
    listener = follow(at, stream)
    for after_ms in range(0, 6_001, 500):
        at.streams.flush(begin_ms + after_ms)
    assert len(listener.frames) == 6_000 // every_ms + 1
    mark = listener.data()[0]
    assert list(mark) == ["e", "E", "s", "p", "ap", "P", "i", "r", "T", "st"]
    premium = rest(at.tickers.premium, begin_ms, symbol="BTCUSDT")
    assert (mark["p"], mark["T"]) == (premium["markPrice"], premium["nextFundingTime"]) != ("0.00", 0)
    assert mark in told(at, "!markPrice@arr@1s", begin_ms)[0]


# On the wire


def test_usdms_streams_are_on_the_paths_the_venue_has_put_them_on():
    """A stream on another's path is acknowledged and stays silent; without a path it is ``/public``."""
    public = ["btcusdt@bookTicker", "btcusdt@depth5", "btcusdt@depth@100ms", "!bookTicker"]
    market = ["btcusdt@aggTrade", "btcusdt@markPrice", "btcusdt@kline_1m", "btcusdt@ticker", "!miniTicker@arr"]

    async def run():
        async with serving("binanceusdm") as served:
            at, url = served.venues["binanceusdm"], served.urls["binanceusdm"].stream
            for path, here in (("/public/ws", public), ("/market/ws", market), ("/private/ws", []), ("/ws", public)):
                async with Client(url + path) as client:
                    assert (await client.ask("SUBSCRIBE", public + market))["result"] is None
                    assert sorted(at.hub.followed) == sorted(here)
                await until(lambda: not at.hub.followed)

    in_loop(run)


def test_figures_are_told_over_rest_by_each_markets_own_names():
    async def run():
        async with serving("binance", "binanceusdm", clock_ms=lambda: NOW_MS) as served:
            for exchange, tick in (("binance", 6_000_000), ("binanceusdm", 600_000)):
                trade(served.venues[exchange], tick, 100, NOW_MS)
            spot, usdm = (served.urls[exchange].rest for exchange in ("binance", "binanceusdm"))
            assert list((await get(spot, "/api/v3/ticker/price?symbol=BTCUSDT")).json()) == ["symbol", "price"]
            assert list((await get(usdm, "/fapi/v2/ticker/price?symbol=BTCUSDT")).json()) == ["symbol", "price", "time"]
            best = (await get(usdm, "/fapi/v1/ticker/bookTicker?symbol=BTCUSDT")).json()
            assert best.keys() > {"lastUpdateId", "time", "bidPrice"}
            (line,) = (
                await get(usdm, "/fapi/v1/continuousKlines?pair=BTCUSDT&contractType=PERPETUAL&interval=1h")
            ).json()
            assert line[4] == "60000.00"
            wrong = await get(usdm, "/fapi/v1/continuousKlines?pair=BTCUSDT&contractType=WEEKLY&interval=1h")
            assert (wrong.status_code, wrong.json()["code"]) == (400, -4104)
            mini = (await get(spot, '/api/v3/ticker/24hr?symbols=["BTCUSDT","ETHUSDT"]&type=MINI')).json()
            assert [len(each) for each in mini] == [12, 12]
            today = (await get(spot, "/api/v3/ticker/tradingDay?symbol=BTCUSDT&timeZone=-1:00")).json()
            assert (today["openTime"] % 86_400_000, today["count"]) == (60 * MINUTE_MS, 1)
            assert (await get(usdm, "/fapi/v1/avgPrice?symbol=BTCUSDT")).status_code == 404

    in_loop(run)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("klines?symbol=BTCUSDT&interval=7m", -1120),
        ("klines?symbol=BTCUSDT&interval=1m&timeZone=15", -1130),
        ("klines?symbol=NOPE&interval=1m", -1121),
        ("klines?symbol=BTCUSDT", -1102),
        ("ticker?symbol=BTCUSDT&windowSize=60m", -1130),
        ("ticker", -1102),
        ("ticker/24hr?symbol=BTCUSDT&type=TINY", -1130),
        ("ticker/tradingDay?symbols=[1]", -1130),
    ],
)
def test_what_cannot_be_asked_is_refused_in_the_venues_words(path, code):
    async def run():
        async with serving("binance") as served:
            answer = await get(served.urls["binance"].rest, f"/api/v3/{path}")
            assert (answer.status_code, answer.json()["code"]) == (400, code)

    in_loop(run)


@pytest.mark.parametrize(
    ("exchange", "path", "weight"),
    [
        ("binance", "/api/v3/ticker/24hr?symbol=BTCUSDT", 2),
        ("binance", '/api/v3/ticker/24hr?symbols=["BTCUSDT"]', 2),
        ("binance", "/api/v3/ticker/24hr", 80),
        ("binance", '/api/v3/ticker?symbols=["BTCUSDT","ETHUSDT"]', 8),
        ("binance", "/api/v3/ticker/price", 4),
        ("binance", "/api/v3/klines?symbol=BTCUSDT&interval=1m", 2),
        ("binanceusdm", "/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=99", 1),
        ("binanceusdm", "/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=1500", 10),
        ("binanceusdm", "/fapi/v1/ticker/24hr", 40),
        ("binanceusdm", "/fapi/v1/premiumIndex", 10),
    ],
)
def test_asking_for_figures_weighs_what_the_venue_says(exchange, path, weight):
    async def run():
        async with serving(exchange) as served:
            answer = await get(served.urls[exchange].rest, path)
            assert (answer.status_code, answer.headers["X-MBX-USED-WEIGHT-1M"]) == (200, str(weight))

    in_loop(run)


def test_candles_and_tickers_are_told_in_microseconds_to_who_asks_for_them():
    async def run():
        async with serving("binance") as served:
            at, urls = served.venues["binance"], served.urls["binance"]
            streams = "btcusdt@kline_1m/btcusdt@ticker"
            async with Client(f"{urls.stream}/stream?streams={streams}&timeUnit=MICROSECOND") as client:
                await until(lambda: len(at.hub.followed) == 2)
                trade(at, 6_000_000, 1, now_ms())
                heard = {}
                while len(heard) < 2 or not heard["24hrTicker"]["n"] or "k" not in heard["kline"]:
                    message = (await client.receive())["data"]
                    heard[message["e"]] = message
            ticker, kline = heard["24hrTicker"], heard["kline"]
            asked = httpx.AsyncClient(base_url=urls.rest, headers={"X-MBX-TIME-UNIT": "MICROSECOND"})
            async with asked as http:
                (line,) = (await http.get("/api/v3/klines?symbol=BTCUSDT&interval=1m")).json()
            times = [
                ticker["E"],
                ticker["O"],
                ticker["C"],
                kline["E"],
                kline["k"]["t"],
                kline["k"]["T"],
                line[0],
                line[6],
            ]
            assert all(10**15 < time < 10**16 for time in times), times
            assert kline["k"]["i"] == "1m"

    in_loop(run)
