"""Binance's own SDKs as they are installed trade on the simulated Binance over REST, spot and USD-M."""

from __future__ import annotations

import pytest
from binance_common.configuration import ConfigurationRestAPI
from binance_common.errors import BadRequestError
from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import DerivativesTradingUsdsFutures
from binance_sdk_spot.spot import Spot

from conformance.served import Served
from graphwiz_trader.venues.simulated import DEMO_API_KEY, DEMO_API_SECRET


def configured(served: Served, exchange: str) -> ConfigurationRestAPI:
    return ConfigurationRestAPI(
        api_key=DEMO_API_KEY, api_secret=DEMO_API_SECRET, base_path=served.urls[exchange].rest, retries=0
    )


def test_the_spot_sdk_places_asks_amends_and_cancels(served):
    served.fill_book("binance", "BTCUSDT", "60000")
    api = Spot(config_rest_api=configured(served, "binance")).rest_api
    placed = api.new_order(
        symbol="BTCUSDT", side="BUY", type="LIMIT", time_in_force="GTC", quantity=0.01, price=50000
    ).data()
    assert placed.status == "NEW"
    amended = api.order_amend_keep_priority(symbol="BTCUSDT", new_qty=0.005, order_id=placed.order_id).data()
    assert amended.amended_order.qty == "0.00500000"
    assert api.get_order(symbol="BTCUSDT", order_id=placed.order_id).data().orig_qty == "0.00500000"
    assert api.delete_order(symbol="BTCUSDT", order_id=placed.order_id).data().status == "CANCELED"
    assert {balance.asset for balance in api.get_account().data().balances} == {"BTC", "ETH", "SOL", "USDT"}
    assert len(api.depth(symbol="BTCUSDT", limit=5).data().asks) == 5
    with pytest.raises(BadRequestError):
        api.delete_order(symbol="BTCUSDT", order_id=placed.order_id)


def test_the_usdm_sdk_places_and_cancels_and_sees_its_positions(served):
    served.fill_book("binanceusdm", "BTCUSDT", "60000")
    api = DerivativesTradingUsdsFutures(config_rest_api=configured(served, "binanceusdm")).rest_api
    placed = api.new_order(
        symbol="BTCUSDT", side="BUY", type="LIMIT", time_in_force="GTC", quantity=0.01, price=59000
    ).data()
    assert api.query_order(symbol="BTCUSDT", order_id=placed.order_id).data().status == "NEW"
    assert api.cancel_order(symbol="BTCUSDT", order_id=placed.order_id).data().status == "CANCELED"
    api.new_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity=0.01)
    (position,) = api.position_information_v3(symbol="BTCUSDT").data()
    assert position.position_amt == "0.010"
    assert api.account_information_v3().data().assets[0].asset == "USDT"
