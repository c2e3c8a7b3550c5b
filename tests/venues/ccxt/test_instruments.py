"""ccxt's market structures as instruments: exact steps in each of its precision modes, and what is refused."""

from __future__ import annotations

from typing import Any

import ccxt.pro
import pytest

from graphwiz_trader.venues.base import Endpoints, VenueError
from graphwiz_trader.venues.ccxt.instruments import load_instruments, read_instrument
from graphwiz_trader.venues.ccxt.library import new_client, redirected
from venues.ccxt.desk import endpoints
from venues.harness import Exchange, on_uvloop

TICK_SIZE, DECIMAL_PLACES, SIGNIFICANT_DIGITS = ccxt.TICK_SIZE, ccxt.DECIMAL_PLACES, ccxt.SIGNIFICANT_DIGITS


def market(price: Any = 0.01, amount: Any = 0.001, **changed: Any) -> dict[str, Any]:
    limits = {"amount": {"min": 0.002, "max": 500.0}, "cost": {"min": 5.0, "max": None}}
    return {
        "symbol": "BTC/USDT",
        "base": "BTC",
        "quote": "USDT",
        "active": True,
        "contract": False,
        "linear": None,
        "inverse": None,
        "contractSize": None,
        "maker": 0.0002,
        "taker": 0.0005,
        "precision": {"price": price, "amount": amount},
        "limits": limits,
    } | changed


def test_a_step_is_read_as_it_is_meant():
    for mode, price, amount in ((TICK_SIZE, 0.01, 0.001), (DECIMAL_PLACES, 2, 3)):
        read = read_instrument("x", market(price, amount), mode)
        assert (read.tick_size, read.price_step_ticks) == ("0.01", 1)
        assert (read.lot_size, read.size_step_lots) == ("0.00000001", 100_000)
        assert (read.min_size_lots, read.max_size_lots, read.min_notional) == (200_000, 50_000_000_000, "5.0")
        assert (read.maker_fee_ppm, read.taker_fee_ppm) == (200, 500)
        assert not read.can_short


def test_a_step_that_is_no_power_of_ten_stays_as_it_is():
    assert read_instrument("x", market(0.25), TICK_SIZE, prices=["100.25"]).tick_size == "0.25"


def test_prices_that_stand_finer_than_the_rules_make_the_tick_finer():
    read = read_instrument("x", market(), TICK_SIZE, prices=["99.99", "99.985"])
    assert (read.tick_size, read.price_step_ticks) == ("0.001", 10)


def test_the_step_of_significant_digits_is_that_of_the_price_with_one_decimal_in_reserve():
    read = read_instrument("x", market(5, 3), SIGNIFICANT_DIGITS, prices=["61837.0"])
    assert (read.tick_size, read.price_step_ticks) == ("0.1", 10)
    with pytest.raises(VenueError, match="none to tell the step from"):
        read_instrument("x", market(5, 3), SIGNIFICANT_DIGITS)


def test_without_a_precision_the_prices_that_stand_say_it():
    read = read_instrument("x", market(None, None), TICK_SIZE, prices=["1.25", "1.3"])
    assert (read.tick_size, read.lot_size, read.size_step_lots) == ("0.01", "0.00000001", 1)


def test_sizes_in_whole_units_have_room_for_huge_ones():
    assert read_instrument("x", market(0.00000001, 1.0), TICK_SIZE).lot_size == "0.0001"


def test_a_linear_contract_counts_in_its_size_and_may_be_sold_short():
    read = read_instrument("x", market(contract=True, linear=True, inverse=False, contractSize=0.01), TICK_SIZE)
    assert (read.contract_size, read.inverse, read.can_short) == ("0.01", False, True)


def test_an_inverse_contract_says_so():
    read = read_instrument("x", market(contract=True, linear=False, inverse=True, contractSize=100), TICK_SIZE)
    assert (read.inverse, read.contract_size, read.contract_value) == (True, "1", "100")


def test_fees_are_the_configured_ones_where_there_are():
    read = read_instrument("x", market(maker=None), TICK_SIZE, fees_ppm=(None, 7))
    assert (read.maker_fee_ppm, read.taker_fee_ppm) == (1_000, 7)


@pytest.mark.parametrize(
    "changed", [{"price": 0.0}, {"price": "x"}, {"price": 1e-15}, {"contract": True}, {"limits": {}}, {"precision": {}}]
)
def test_rules_that_cannot_be_used_are_refused_by_name(changed):
    with pytest.raises(VenueError, match="x BTC/USDT: its rules cannot be used"):
        read_instrument("x", market(**changed), TICK_SIZE)


def test_addresses_keep_their_paths_behind_the_given_ones():
    to = Endpoints("http://127.0.0.1:1", "ws://127.0.0.1:2/stream", "")
    tree = {
        "public": "https://api.x.com/v3",
        "ws": {"spot": "wss://stream.x.com:9443/ws"},
        "rest": "https://{hostname}",
    }
    assert redirected(tree, to) == {
        "public": "http://127.0.0.1:1/v3",
        "ws": {"spot": "ws://127.0.0.1:2/stream/ws"},
        "rest": "http://127.0.0.1:1",
    }


def test_without_addresses_ccxt_s_own_stay():
    assert new_client("kraken").urls["api"] == ccxt.pro.kraken().urls["api"]


@on_uvloop
async def test_an_exchange_is_asked_for_its_rules():
    async with Exchange() as exchange:
        btc, eth = await load_instruments("binanceus", ["BTC/USDT", "ETH/USDT"], endpoints(exchange), first_book=3)
        assert (btc.book, btc.venue_symbol, eth.book, eth.symbol) == (3, "BTC/USDT", 4, "ETH/USDT")
        assert btc.tick_size == "0.01"
        with pytest.raises(VenueError, match="binanceus does not list BTC/USDX; did you mean BTC/USDT"):
            await load_instruments("binanceus", ["BTC/USDX"], endpoints(exchange))
