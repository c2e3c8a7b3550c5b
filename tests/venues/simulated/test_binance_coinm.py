"""The simulated COIN-M market: its words, its worth in dollars, and that it takes no orders."""

from __future__ import annotations

import json

import msgspec
import pytest

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated import SyntheticMarket
from graphwiz_trader.venues.simulated.binance.coinm_api import NO_ORDERS
from graphwiz_trader.venues.simulated.binance.parameters import Parameters
from graphwiz_trader.venues.simulated.defaults import default_instruments
from graphwiz_trader.venues.simulated.synthetic.character import character_of
from venues.simulated.clients import Client, get, in_loop, serving
from venues.simulated.house import NOW_MS, quote
from venues.simulated.test_streams import follow, still_venue

BTC = "BTCUSD_PERP"


def test_frames_are_usdm_s_with_the_pair_beside_the_symbol():
    """Binance COIN-M futures docs: examples of each stream, and of ``depth``."""
    at = still_venue("binancecoinm")
    listener = follow(at, *(f"btcusd_perp@{stream}" for stream in ("depth@100ms", "bookTicker", "trade", "aggTrade")))
    quote(at.venue, Side.SELL, 95_481, 7, BTC)
    quote(at.venue, Side.BUY, 95_481, 2, BTC)
    at.venue.publish(NOW_MS)
    at.streams.flush(NOW_MS)
    frames = {frame["e"]: frame for frame in listener.data()}
    assert list(frames["depthUpdate"]) == ["e", "E", "T", "s", "ps", "U", "u", "pu", "b", "a"]
    assert frames["depthUpdate"]["a"] == [["9548.1", "5"]]
    assert list(frames["bookTicker"]) == ["e", "u", "s", "ps", "b", "B", "a", "A", "T", "E"]
    assert (frames["bookTicker"]["s"], frames["bookTicker"]["ps"]) == (BTC, "BTCUSD")
    assert (frames["trade"]["p"], frames["trade"]["q"]) == ("9548.1", "2")
    assert "ps" not in frames["aggTrade"]
    snapshot = json.loads(at.public.depth(Parameters({"symbol": BTC}), NOW_MS))
    assert list(snapshot) == ["lastUpdateId", "symbol", "pair", "E", "T", "bids", "asks"]


def test_what_is_asked_over_rest_counts_contracts_and_says_what_they_are_worth():
    async def check() -> None:
        async with serving("binancecoinm") as exchange:
            venue, rest = exchange.venues["binancecoinm"].venue, exchange.urls["binancecoinm"].rest
            quote(venue, Side.SELL, 400_000, 3, BTC)
            quote(venue, Side.BUY, 400_000, 2, BTC)
            venue.publish(NOW_MS)
            info = (await get(rest, "/dapi/v1/exchangeInfo")).json()
            assert {s["symbol"]: s["contractSize"] for s in info["symbols"]} == {
                BTC: 100, "ETHUSD_PERP": 10, "SOLUSD_PERP": 10,
            }  # fmt: skip
            (trade,) = (await get(rest, f"/dapi/v1/trades?symbol={BTC}")).json()
            assert (trade["qty"], trade["baseQty"]) == ("2", "0.00500000")  # 200 USD at 40,000
            (best,) = (await get(rest, "/dapi/v1/ticker/bookTicker?pair=BTCUSD")).json()
            assert (best["symbol"], best["askPrice"], best["askQty"]) == (BTC, "40000.0", "1")
            assert len((await get(rest, "/dapi/v1/ticker/price")).json()) == 3
            wrong = await get(rest, "/dapi/v1/ticker/price?symbol=BTCUSDT")
            assert (wrong.status_code, wrong.json()["code"]) == (400, -1121)

    in_loop(check)


def test_candles_and_days_count_contracts_and_what_they_are_worth_in_the_base_asset():
    """Binance COIN-M futures docs: "Kline/Candlestick Data", "24hr Ticker Price Change Statistics", "Index Price and
    Mark Price"."""

    async def check() -> None:
        async with serving("binancecoinm", clock_ms=lambda: NOW_MS) as exchange:
            venue, rest = exchange.venues["binancecoinm"].venue, exchange.urls["binancecoinm"].rest
            for price in (400_000, 500_000):
                quote(venue, Side.SELL, price, 1, BTC)
                quote(venue, Side.BUY, price, 1, BTC)
            venue.publish(NOW_MS)
            (candle,) = (await get(rest, f"/dapi/v1/klines?symbol={BTC}&interval=1m")).json()
            assert candle[1:6] == ["40000.0", "50000.0", "40000.0", "50000.0", "2"]
            assert candle[7:11] == ["0.00450000", 2, "2", "0.00450000"]  # 100 USD at 40,000 and 100 USD at 50,000
            of_pair = "/dapi/v1/continuousKlines?pair=BTCUSD&contractType=PERPETUAL&interval=1m"
            assert (await get(rest, of_pair)).json() == [candle]
            (day,) = (await get(rest, f"/dapi/v1/ticker/24hr?symbol={BTC}")).json()
            assert (day["pair"], day["volume"], day["baseVolume"]) == ("BTCUSD", "2", "0.00450000")
            assert day["weightedAvgPrice"] == "44444.4"
            assert {"quoteVolume", "bidPrice", "prevClosePrice"}.isdisjoint(day)
            assert len((await get(rest, "/dapi/v1/ticker/24hr")).json()) == 3
            (mark,) = (await get(rest, "/dapi/v1/premiumIndex?pair=BTCUSD")).json()
            assert (mark["symbol"], mark["pair"], mark["markPrice"]) == (BTC, "BTCUSD", "50000.0")
            wrong = await get(rest, "/dapi/v1/continuousKlines?pair=BTCUSDT&contractType=PERPETUAL&interval=1m")
            assert wrong.json()["code"] == -1121

    in_loop(check)


def test_summaries_are_usdm_s_with_the_pair_beside_the_symbol():
    at = still_venue("binancecoinm")
    listener = follow(
        at,
        *(f"btcusd_perp@{stream}" for stream in ("kline_1m", "ticker", "miniTicker", "markPrice@1s")),
        "btcusd_perpetual@continuousKline_1m",
        "btcusd@markPrice",
    )
    quote(at.venue, Side.SELL, 400_000, 2, BTC)
    quote(at.venue, Side.BUY, 400_000, 2, BTC)
    at.venue.publish(NOW_MS)
    at.streams.flush(NOW_MS)
    *told, marks = sorted(listener.data(), key=lambda message: isinstance(message, list))
    frames = {frame["e"]: frame for frame in told}
    assert set(frames) == {"kline", "24hrTicker", "24hrMiniTicker", "markPriceUpdate", "continuous_kline"}
    assert (frames["kline"]["k"]["s"], frames["kline"]["k"]["q"]) == (BTC, "0.00500000")
    assert frames["continuous_kline"]["ps"] == frames["24hrTicker"]["ps"] == frames["24hrMiniTicker"]["ps"] == "BTCUSD"
    assert (frames["24hrTicker"]["s"], frames["24hrTicker"]["v"]) == (BTC, "2")
    assert marks == [frames["markPriceUpdate"]]
    assert "st" not in marks[0]


def test_what_contracts_of_an_old_recording_are_worth_is_not_known_and_not_made_up():
    instruments = [msgspec.structs.replace(i, contract_value="") for i in default_instruments(["binancecoinm"])]

    async def check() -> None:
        async with serving("binancecoinm", instruments=instruments) as exchange:
            rest = exchange.urls["binancecoinm"].rest
            quote(exchange.venues["binancecoinm"].venue, Side.SELL, 400_000, 3, BTC)
            quote(exchange.venues["binancecoinm"].venue, Side.BUY, 400_000, 2, BTC)
            exchange.venues["binancecoinm"].venue.publish(NOW_MS)
            info = (await get(rest, "/dapi/v1/exchangeInfo")).json()
            assert {s["contractSize"] for s in info["symbols"]} == {0}
            (trade,) = (await get(rest, f"/dapi/v1/trades?symbol={BTC}")).json()
            assert (trade["qty"], trade["baseQty"]) == ("2", "0.00000000")

    in_loop(check)


@pytest.mark.parametrize("path", ["/dapi/v1/account", "/dapi/v1/openOrders", "/dapi/v1/order"])
def test_orders_and_accounts_are_refused_in_words(path):
    async def check() -> None:
        async with serving("binancecoinm") as exchange:
            refused = await get(exchange.urls["binancecoinm"].rest, path)
            assert (refused.status_code, refused.json()) == (400, {"code": -1020, "msg": NO_ORDERS})

    in_loop(check)


def test_streams_are_not_routed_by_path_and_there_is_no_address_for_orders():
    async def check() -> None:
        async with serving("binancecoinm") as exchange:
            urls = exchange.urls["binancecoinm"]
            assert urls.orders == ""
            async with Client(f"{urls.stream}/ws/btcusd_perp@bookTicker") as client:
                quote(exchange.venues["binancecoinm"].venue, Side.BUY, 400_000, 1, BTC)
                exchange.venues["binancecoinm"].venue.publish(NOW_MS)
                assert (await client.receive())["B"] == "1"
            for path in ("/public/ws/btcusd_perp@depth", "/", "/ws-dapi/v1"):
                assert (await get(urls.rest, path)).status_code == 404

    in_loop(check)


def test_makers_of_contracts_quote_the_same_dollars_as_makers_of_coins():
    market = SyntheticMarket(seed=3)

    async def check() -> None:
        async with serving("binancecoinm", market=market) as exchange:
            books = exchange.venues["binancecoinm"].venue.books
            for symbol, dollars in ((BTC, 100), ("ETHUSD_PERP", 10)):
                levels = books[symbol].matcher.levels(Side.BUY, 20)
                a_bps = sum(lots for _, lots in levels) * dollars / 25
                assert 0.3 < a_bps / character_of(books[symbol].listing.instrument).depth_a_bps < 3

    in_loop(check)
