"""Rules become instruments: exact steps for orders, and books fine enough for whatever stands in them."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from typing import Any

import pytest

from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.venues.base import VenueError
from graphwiz_trader.venues.binance.exchange_info import read_instruments
from graphwiz_trader.venues.exchanges import load_instruments
from recordings import need
from venues.harness import BTC, PERP, Exchange, on_uvloop

RECORDED = {
    "binance": "binance/exchange_info_spot.json.gz",
    "binanceusdm": "binance/exchange_info_usdm.json.gz",
    "binancecoinm": "binance/exchange_info_coinm.json.gz",
}


def recorded(exchange: str) -> bytes:
    return gzip.decompress(need(RECORDED[exchange]).read_bytes())


def info(**changes: Any) -> bytes:
    """An answer with one symbol; a filter is changed by its name."""
    filters = {
        "PRICE_FILTER": {"minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01"},
        "LOT_SIZE": {"minQty": "0.00001000", "maxQty": "9000.00000000", "stepSize": "0.00001000"},
        "NOTIONAL": {"minNotional": "5.00000000", "applyMinToMarket": True, "maxNotional": "9000000.00000000"},
    }
    symbol: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "status": "TRADING",
        "baseAsset": "BTC",
        "quoteAsset": "USDT",
        "contractType": "PERPETUAL",
    }
    for name, change in changes.items():
        if name.isupper():
            filters[name] = filters.get(name, {}) | change
        else:
            symbol[name] = change
    symbol["filters"] = [{"filterType": name, **rules} for name, rules in filters.items()]
    return json.dumps({"symbols": [symbol]}).encode()


def snapshot(*prices: str) -> bytes:
    return json.dumps({"lastUpdateId": 1, "bids": [[price, "1"] for price in prices], "asks": []}).encode()


@pytest.mark.recorded
def test_the_recorded_spot_rules_of_btc():
    (btc,) = read_instruments(recorded("binance"), "binance", ["BTC/USDT"])
    assert (btc.venue_symbol, btc.base, btc.quote, btc.can_short) == ("BTCUSDT", "BTC", "USDT", False)
    assert (btc.tick_size, btc.price_step_ticks) == ("0.01", 1)
    assert (btc.lot_size, btc.size_step_lots, btc.min_size_lots) == ("0.00000001", 1_000, 1_000)
    assert btc.size_text(btc.max_size_lots) == "9000.00000000"
    assert Decimal(btc.min_notional) == 10
    assert (btc.maker_fee_ppm, btc.taker_fee_ppm) == (1_000, 1_000)


@pytest.mark.recorded
def test_the_recorded_futures_rules_of_btc():
    (btc,) = read_instruments(recorded("binanceusdm"), "binanceusdm", ["BTC/USDT"], first_book=3)
    assert (btc.book, btc.venue_symbol, btc.can_short) == (3, "BTCUSDT", True)
    assert btc.size_text(btc.size_step_lots) == "0.00100000"
    assert Decimal(btc.min_notional) == 5
    assert (btc.maker_fee_ppm, btc.taker_fee_ppm) == (200, 500)


@pytest.mark.recorded
def test_coinm_counts_in_whole_contracts_of_a_worth_that_its_rules_tell():
    btc, eth = read_instruments(recorded("binancecoinm"), "binancecoinm", ["BTC/USD", "ETH/USD"])
    assert [(i.venue_symbol, i.base, i.quote) for i in (btc, eth)] == [
        ("BTCUSD_PERP", "BTC", "USD"),
        ("ETHUSD_PERP", "ETH", "USD"),
    ]
    assert (btc.inverse, btc.can_short, btc.contract_value, eth.contract_value) == (True, True, "100", "10")
    assert (btc.tick_size, btc.lot_size, btc.size_step_lots, btc.min_size_lots) == ("0.1", "1", 1, 1)
    assert (btc.size_text(7), btc.lots_from_text("7"), btc.max_size_lots) == ("7", 7, 1_000_000)
    assert (btc.maker_fee_ppm, btc.taker_fee_ppm) == (200, 500)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "does not trade BTC/USDT now: its status is not told"),
        ({"contractStatus": "SETTLING"}, "its status is SETTLING"),
        ({"contractStatus": "TRADING", "LOT_SIZE": {"stepSize": "1"}}, "its rules cannot be used: contractSize is 0"),
        ({"contractStatus": "TRADING", "contractSize": 10}, "stepSize 0.00001 is no multiple of 1"),
    ],
)
def test_coinm_rules_that_do_not_say_what_a_contract_is_are_an_error(changes, said):
    with pytest.raises(VenueError, match=said):
        read_instruments(info(**changes), "binancecoinm", ["BTC/USDT"])


@pytest.mark.recorded
@pytest.mark.parametrize("exchange", RECORDED)
def test_every_recorded_symbol_that_trades_becomes_an_instrument_that_keeps_its_filters(exchange):
    body = recorded(exchange)
    traded = {
        f"{s['baseAsset']}/{s['quoteAsset']}": {each["filterType"]: each for each in s["filters"]}
        for s in json.loads(body)["symbols"]
        if "TRADING" in (s.get("status"), s.get("contractStatus")) and s.get("contractType", "PERPETUAL") == "PERPETUAL"
    }
    instruments = read_instruments(body, exchange, list(traded))
    assert len(Instruments(instruments)) == len(traded)
    for instrument in instruments:
        filters = traded[instrument.symbol]
        tick, lot = Decimal(instrument.tick_size), Decimal(instrument.lot_size)
        assert tick * instrument.price_step_ticks == Decimal(filters["PRICE_FILTER"]["tickSize"])
        assert lot * instrument.size_step_lots == Decimal(filters["LOT_SIZE"]["stepSize"])
        assert lot * instrument.min_size_lots >= Decimal(filters["LOT_SIZE"]["minQty"])
        most = min(2**53 * lot, Decimal(filters["LOT_SIZE"]["maxQty"]))
        assert most - lot < lot * instrument.max_size_lots <= most


@pytest.mark.recorded
def test_an_expiring_contract_is_not_taken_for_the_perpetual():
    names = [s["symbol"] for s in json.loads(recorded("binanceusdm"))["symbols"] if s["contractType"] != "PERPETUAL"]
    (btc,) = read_instruments(recorded("binanceusdm"), "binanceusdm", ["BTC/USDT"])
    assert btc.venue_symbol not in names


def test_sizes_below_one_are_kept_to_the_last_decimal_of_the_asset():
    (found,) = read_instruments(info(LOT_SIZE={"stepSize": "0.10000000"}), "binance", ["BTC/USDT"])
    assert (found.lot_size, found.size_step_lots) == ("0.00000001", 10_000_000)


def test_sizes_in_whole_units_are_kept_to_four_decimals():
    rules = {"stepSize": "1.00", "minQty": "1.00", "maxQty": "46116860414.00"}
    (found,) = read_instruments(info(LOT_SIZE=rules), "binance", ["BTC/USDT"])
    assert (found.lot_size, found.size_step_lots, found.min_size_lots) == ("0.0001", 10_000, 10_000)


@pytest.mark.parametrize(
    ("filter_tick", "prices", "tick", "step"),
    [
        ("0.01", [], "0.01", 1),
        ("0.01", ["61837.63000000"], "0.01", 1),
        ("0.10", ["61837.60", "61837.63"], "0.01", 10),
        ("0.10", ["61837.6", "61837.631"], "0.001", 100),
        ("0.5", ["100.5", "101.00"], "0.5", 1),
        ("0.5", ["100.5", "100.1"], "0.1", 5),
        ("0.25", ["100.25", "100.1"], "0.01", 25),
        ("10.00000000", ["100", "105"], "1", 10),
    ],
)
def test_a_book_s_tick_is_the_finest_price_that_stands_in_it(filter_tick, prices, tick, step):
    (found,) = read_instruments(
        info(PRICE_FILTER={"tickSize": filter_tick}),
        "binance",
        ["BTC/USDT"],
        snapshots={"BTC/USDT": snapshot(*prices)},
    )
    assert (found.tick_size, found.price_step_ticks) == (tick, step)
    assert [Decimal(found.price_text(found.ticks_from_text(price))) for price in prices] == [Decimal(p) for p in prices]


def test_both_names_of_the_smallest_value_are_known():
    old_spot = info(NOTIONAL={"minNotional": "0"}, MIN_NOTIONAL={"minNotional": "10"})
    assert read_instruments(info(), "binance", ["BTC/USDT"])[0].min_notional == "5.00000000"
    assert read_instruments(old_spot.replace(b'"NOTIONAL"', b'"X"'), "binance", ["BTC/USDT"])[0].min_notional == "10"
    futures = info(MIN_NOTIONAL={"notional": "100"}).replace(b'"NOTIONAL"', b'"X"')
    assert read_instruments(futures, "binanceusdm", ["BTC/USDT"])[0].min_notional == "100"


def test_fees_are_the_account_s_where_they_are_known():
    (found,) = read_instruments(info(), "binance", ["BTC/USDT"], fees_ppm=(-50, 750))
    assert (found.maker_fee_ppm, found.taker_fee_ppm) == (-50, 750)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (info(baseAsset="BTX"), "binance does not list BTC/USDT; did you mean BTX/USDT"),
        (info(status="BREAK"), "does not trade BTC/USDT now: its status is BREAK"),
        (info(PRICE_FILTER={"tickSize": "0"}), "BTC/USDT: its rules cannot be used: tickSize is 0"),
        (info(PRICE_FILTER={"tickSize": "x"}), "its rules cannot be used"),
        (info(LOT_SIZE={"stepSize": "0.000000005"}), "no multiple of 0.00000001"),
        (info().replace(b"LOT_SIZE", b"LOTS"), "no filter LOT_SIZE"),
        (b"{}", "exchangeInfo cannot be read"),
        (b"<html>", "exchangeInfo cannot be read"),
    ],
)
def test_rules_that_cannot_be_used_are_an_error_that_says_which(body, said):
    with pytest.raises(VenueError, match=said):
        read_instruments(body, "binance", ["BTC/USDT"])


def test_an_exchange_that_is_not_binance_s_is_named_with_those_that_are():
    with pytest.raises(VenueError, match="did you mean binanceusdm"):
        read_instruments(info(), "binanceusd", ["BTC/USDT"])


# Over the network


@on_uvloop
async def test_instruments_are_loaded_from_every_exchange_in_the_order_of_books():
    async with Exchange() as exchange:
        instruments = await load_instruments(
            {"binance": ["ETH/USDT", "BTC/USDT"], "binanceusdm": ["BTC/USDT"]},
            {name: exchange.endpoints(name) for name in ("binance", "binanceusdm")},
            {"binance": (1, 2), "binanceusdm": (3, 4)},
        )
    assert [(i.book, i.exchange, i.symbol) for i in instruments] == [
        (0, "binance", "ETH/USDT"),
        (1, "binance", "BTC/USDT"),
        (2, "binanceusdm", "BTC/USDT"),
    ]
    assert [(i.maker_fee_ppm, i.taker_fee_ppm) for i in instruments] == [(1, 2), (1, 2), (3, 4)]
    assert instruments[1].size_text(instruments[1].size_step_lots) == f"{Decimal(BTC.lot_size):.8f}"
    assert instruments[2].price_text(instruments[2].price_step_ticks) == PERP.tick_size


@on_uvloop
async def test_an_exchange_that_stumbles_is_asked_again():
    async with Exchange(["binance"]) as exchange:
        exchange["binance"].faults.fail_snapshot(503)
        endpoints = {"binance": exchange.endpoints("binance")}
        instruments = await load_instruments({"binance": ["BTC/USDT"]}, endpoints, {"binance": (0, 0)})
        assert len(instruments) == 1


@on_uvloop
async def test_nobody_there_is_an_error_that_asks_about_the_address():
    async with Exchange(["binance"]) as exchange:
        gone = exchange.endpoints("binance")
    with pytest.raises(VenueError, match=r"binance does not answer: .*is its address right"):
        await load_instruments({"binance": ["BTC/USDT"]}, {"binance": gone}, {"binance": (0, 0)})
