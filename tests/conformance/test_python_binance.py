"""python-binance as it is installed trades on the simulated Binance: REST orders, accounts, both markets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from binance.client import Client
from binance.exceptions import BinanceAPIException

from conformance.python_binance_clients import addressed
from conformance.served import Served
from graphwiz_trader.venues.simulated import DEMO_API_KEY, DEMO_API_SECRET


@pytest.fixture
def client(served: Served) -> Iterator[Any]:
    with addressed(served):
        made = Client(DEMO_API_KEY, DEMO_API_SECRET)
        yield made
        made.close_connection()


def test_spot_orders_are_placed_filled_cancelled_and_listed(served, client):
    served.fill_book("binance", "BTCUSDT", "60000")
    placed = client.create_order(
        symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price="50000"
    )
    assert placed["status"] == "NEW"
    assert [order["orderId"] for order in client.get_open_orders(symbol="BTCUSDT")] == [placed["orderId"]]
    assert client.cancel_order(symbol="BTCUSDT", orderId=placed["orderId"])["status"] == "CANCELED"
    bought = client.order_market_buy(symbol="BTCUSDT", quoteOrderQty="1000")
    assert bought["status"] == "FILLED"
    trades = client.get_my_trades(symbol="BTCUSDT", orderId=bought["orderId"])
    assert [trade["id"] for trade in trades] == [fill["tradeId"] for fill in bought["fills"]]
    assert float(client.get_asset_balance(asset="BTC")["free"]) > 20
    assert client.get_trade_fee(symbol="BTCUSDT")[0]["symbol"] == "BTCUSDT"
    assert len(client.get_order_book(symbol="BTCUSDT", limit=5)["bids"]) == 5
    with pytest.raises(BinanceAPIException) as refused:
        client.cancel_order(symbol="BTCUSDT", orderId=placed["orderId"])
    assert refused.value.code == -2011


def test_usdm_orders_are_placed_modified_filled_and_cancelled(served, client):
    served.fill_book("binanceusdm", "BTCUSDT", "60000")
    placed = client.futures_create_order(
        symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTX", quantity="0.01", price="59000"
    )
    assert placed["status"] == "NEW"
    named = {"symbol": "BTCUSDT", "orderId": placed["orderId"]}
    changed = client.futures_modify_order(**named, side="BUY", quantity="0.02", price="58900")
    assert (changed["price"], changed["origQty"]) == ("58900.00", "0.020")
    assert client.futures_cancel_order(**named)["status"] == "CANCELED"
    client.futures_create_order(symbol="BTCUSDT", side="SELL", type="MARKET", quantity="0.01")
    (position,) = client.futures_position_information(symbol="BTCUSDT")
    assert position["positionAmt"] == "-0.010"
    assert client.futures_account()["assets"][0]["asset"] == "USDT"
    assert client.futures_stream_get_listen_key()
