"""What a trading bot calls, by client: a name, and the call. They stand alone, in any order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Call = Callable[[Any], Any]
Calls = Mapping[str, Call]

S = {"symbol": "BTCUSDT"}
COIN = {"symbol": "BTCUSD_PERP"}
LOW = {**S, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "50000"}
MINUTES = {**S, "interval": "1m"}

PYTHON_BINANCE: Calls = {
    "ping": lambda to: to.ping(),
    "time": lambda to: to.get_server_time(),
    "system status": lambda to: to.get_system_status(),
    "exchange info": lambda to: to.get_exchange_info(),
    "symbol info": lambda to: to.get_symbol_info("BTCUSDT"),
    "all tickers": lambda to: to.get_all_tickers(),
    "symbol ticker": lambda to: to.get_symbol_ticker(**S),
    "order book tickers": lambda to: to.get_orderbook_tickers(),
    "order book": lambda to: to.get_order_book(**S),
    "recent trades": lambda to: to.get_recent_trades(**S),
    "historical trades": lambda to: to.get_historical_trades(**S),
    "aggregate trades": lambda to: to.get_aggregate_trades(**S),
    "every aggregate trade": lambda to: next(to.aggregate_trade_iter("BTCUSDT", last_id=0)),
    "candles": lambda to: to.get_klines(**MINUTES),
    "candles of an hour": lambda to: to.get_historical_klines("BTCUSDT", "1m", "1 hour ago UTC"),
    "average price": lambda to: to.get_avg_price(**S),
    "ticker": lambda to: to.get_ticker(**S),
    "account": lambda to: to.get_account(),
    "balance": lambda to: to.get_asset_balance(asset="USDT"),
    "account status": lambda to: to.get_account_status(),
    "trading status": lambda to: to.get_account_api_trading_status(),
    "permissions": lambda to: to.get_account_api_permissions(),
    "trade fee": lambda to: to.get_trade_fee(**S),
    "user asset": lambda to: to.get_user_asset(),
    "coins": lambda to: to.get_all_coins_info(),
    "deposits": lambda to: to.get_deposit_history(),
    "withdrawals": lambda to: to.get_withdraw_history(),
    "order count": lambda to: to.get_current_order_count(),
    "prevented matches": lambda to: to.get_prevented_matches(**S, preventedMatchId=1),
    "allocations": lambda to: to.get_allocations(**S),
    "trades": lambda to: to.get_my_trades(**S),
    "orders": lambda to: to.get_all_orders(**S),
    "open orders": lambda to: to.get_open_orders(),
    "test order": lambda to: to.create_test_order(**LOW),
    "an order's life": lambda to: to.cancel_order(**S, orderId=to.create_order(**LOW)["orderId"]),
    "cancel all": lambda to: (to.order_limit_buy(**S, quantity="0.01", price="50000"), to.cancel_all_open_orders(**S)),
    "market order": lambda to: to.order_market_buy(**S, quoteOrderQty="100"),
    "USD-M: time": lambda to: to.futures_time(),
    "USD-M: exchange info": lambda to: to.futures_exchange_info(),
    "USD-M: order book": lambda to: to.futures_order_book(**S),
    "USD-M: recent trades": lambda to: to.futures_recent_trades(**S),
    "USD-M: aggregate trades": lambda to: to.futures_aggregate_trades(**S),
    "USD-M: candles": lambda to: to.futures_klines(**MINUTES),
    "USD-M: candles of an hour": lambda to: to.futures_historical_klines("BTCUSDT", "1m", "1 hour ago UTC"),
    "USD-M: mark price": lambda to: to.futures_mark_price(),
    "USD-M: funding rate": lambda to: to.futures_funding_rate(),
    "USD-M: ticker": lambda to: to.futures_ticker(),
    "USD-M: symbol ticker": lambda to: to.futures_symbol_ticker(),
    "USD-M: best prices": lambda to: to.futures_orderbook_ticker(),
    "USD-M: leverage brackets": lambda to: to.futures_leverage_bracket(),
    "USD-M: account": lambda to: to.futures_account(),
    "USD-M: balance": lambda to: to.futures_account_balance(),
    "USD-M: account config": lambda to: to.futures_account_config(),
    "USD-M: symbol config": lambda to: to.futures_symbol_config(),
    "USD-M: trades": lambda to: to.futures_account_trades(**S),
    "USD-M: positions": lambda to: to.futures_position_information(),
    "USD-M: income": lambda to: to.futures_income_history(),
    "USD-M: commission": lambda to: to.futures_commission_rate(**S),
    "USD-M: leverage": lambda to: to.futures_change_leverage(**S, leverage=20),
    "USD-M: position mode": lambda to: to.futures_get_position_mode(),
    "USD-M: assets mode": lambda to: to.futures_get_multi_assets_mode(),
    "USD-M: test order": lambda to: to.futures_create_test_order(**LOW),
    "USD-M: batch": lambda to: to.futures_place_batch_order(batchOrders=[dict(LOW)]),
    "USD-M: open orders": lambda to: to.futures_get_open_orders(),
    "USD-M: orders": lambda to: to.futures_get_all_orders(**S),
    "USD-M: cancel all": lambda to: (to.futures_create_order(**LOW), to.futures_cancel_all_open_orders(**S)),
    "USD-M: dead man": lambda to: to.futures_countdown_cancel_all(**S, countdownTime=0),
    "USD-M: listen key": lambda to: to.futures_stream_get_listen_key(),
    "COIN-M: exchange info": lambda to: to.futures_coin_exchange_info(),
    "COIN-M: order book": lambda to: to.futures_coin_order_book(**COIN),
    "COIN-M: candles": lambda to: to.futures_coin_klines(**COIN, interval="1m"),
    "COIN-M: trades": lambda to: to.futures_coin_recent_trades(**COIN),
    "COIN-M: ticker": lambda to: to.futures_coin_ticker(),
    "COIN-M: mark price": lambda to: to.futures_coin_mark_price(),
}


def of_ccxt(symbol: str, size: float) -> Calls:
    """``size``: of its orders."""

    def order(to: Any, **more: Any) -> Any:
        return to.create_order(symbol, "limit", "buy", size, 50_000, more)["id"]

    return {
        "markets": lambda to: to.load_markets(),
        "time": lambda to: to.fetch_time(),
        "status": lambda to: to.fetch_status(),
        "currencies": lambda to: to.fetch_currencies(),
        "ticker": lambda to: to.fetch_ticker(symbol),
        "tickers": lambda to: to.fetch_tickers([symbol]),
        "order book": lambda to: to.fetch_order_book(symbol, 20),
        "trades": lambda to: to.fetch_trades(symbol, limit=5),
        "trades since": lambda to: to.fetch_trades(symbol, since=to.milliseconds() - 60_000),
        "candles": lambda to: to.fetch_ohlcv(symbol, "1m", limit=10),
        "candles since": lambda to: to.fetch_ohlcv(symbol, "5m", since=to.milliseconds() - 600_000),
        "trading fee": lambda to: to.fetch_trading_fee(symbol),
        "balance": lambda to: to.fetch_balance(),
        "balance by type": lambda to: to.fetch_balance({"type": to.market(symbol)["type"]}),
        "an order's life": lambda to: to.cancel_order(order(to), symbol),
        "post only": lambda to: order(to, postOnly=True),
        "IOC": lambda to: order(to, timeInForce="IOC"),
        "market order": lambda to: to.create_order(symbol, "market", "buy", size),
        "edit": lambda to: to.edit_order(order(to), symbol, "limit", "buy", 2 * size, 50_001),
        "order": lambda to: to.fetch_order(order(to), symbol),
        "open orders": lambda to: to.fetch_open_orders(symbol),
        "closed orders": lambda to: to.fetch_closed_orders(symbol),
        "canceled orders": lambda to: to.fetch_canceled_orders(symbol),
        "own trades": lambda to: to.fetch_my_trades(symbol),
        "deposits": lambda to: to.fetch_deposits("USDT"),
        "withdrawals": lambda to: to.fetch_withdrawals("USDT"),
    }


def of_ccxt_swaps(symbol: str, size: float) -> Calls:
    """Besides `of_ccxt`'s."""

    def one(to: Any) -> dict[str, Any]:
        return {"symbol": symbol, "type": "limit", "side": "buy", "amount": size, "price": 50_000}

    return {
        "several orders": lambda to: to.cancel_orders([made["id"] for made in to.create_orders([one(to)])], symbol),
        "positions": lambda to: to.fetch_positions([symbol]),
        "leverage": lambda to: to.fetch_leverage(symbol, {"marginMode": "cross"}),
        "set leverage": lambda to: to.set_leverage(20, symbol, {"mgnMode": "cross"} if to.id == "okx" else {}),
        "position mode": lambda to: to.fetch_position_mode(symbol),
        "funding rate": lambda to: to.fetch_funding_rate(symbol),
        "funding rates": lambda to: to.fetch_funding_rates([symbol]),
        "funding rate history": lambda to: to.fetch_funding_rate_history(symbol),
        "mark price": lambda to: to.fetch_mark_price(symbol),
        "mark prices": lambda to: to.fetch_mark_prices([symbol]),
    }


USDM_OF_CCXT: Calls = {
    "ledger": lambda to: to.fetch_ledger("USDT"),
    "funding history": lambda to: to.fetch_funding_history("BTC/USDT:USDT"),
    "leverage tiers": lambda to: to.fetch_market_leverage_tiers("BTC/USDT:USDT"),
}
_OF_MARKETS = frozenset({"markets", "ticker", "tickers", "order book", "trades", "candles", "candles since"})
COINM_OF_CCXT: Calls = {
    **{name: call for name, call in of_ccxt("BTC/USD:BTC", 1).items() if name in _OF_MARKETS},
    "funding rate": lambda to: to.fetch_funding_rate("BTC/USD:BTC"),
    "mark price": lambda to: to.fetch_mark_price("BTC/USD:BTC"),
}

PAIR, SWAP = "BTC-USDT", "BTC-USDT-SWAP"
_ORDER = {"instId": PAIR, "tdMode": "cash", "side": "buy", "ordType": "limit", "sz": "0.05", "px": "50000"}


def _placed(to: Any) -> str:
    return str(to.trade.place_order(**_ORDER)["data"][0]["ordId"])


def _named(to: Any) -> dict[str, str]:
    return {"instId": PAIR, "ordId": _placed(to)}


def _opened_and_closed(to: Any) -> Any:
    to.trade.place_order(SWAP, "cross", "buy", "market", "1")
    return to.trade.close_positions(SWAP, "cross")


PYTHON_OKX: Calls = {
    "time": lambda to: to.public.get_system_time(),
    "pairs": lambda to: to.public.get_instruments("SPOT"),
    "a swap": lambda to: to.public.get_instruments("SWAP", instId=SWAP),
    "funding rate": lambda to: to.public.get_funding_rate(SWAP),
    "funding rate history": lambda to: to.public.funding_rate_history(SWAP),
    "price limit": lambda to: to.public.get_price_limit(SWAP),
    "mark prices": lambda to: to.public.get_mark_price("SWAP"),
    "underlyings": lambda to: to.public.get_underlying("SWAP"),
    "tickers": lambda to: to.market.get_tickers("SWAP"),
    "ticker": lambda to: to.market.get_ticker(PAIR),
    "index tickers": lambda to: to.market.get_index_tickers(instId=PAIR),
    "order book": lambda to: to.market.get_orderbook(PAIR, sz="20"),
    "candles": lambda to: to.market.get_candlesticks(PAIR, bar="1m"),
    "past candles": lambda to: to.market.get_history_candlesticks(PAIR),
    "trades": lambda to: to.market.get_trades(PAIR),
    "past trades": lambda to: to.market.get_history_trades(PAIR),
    "balance": lambda to: to.account.get_account_balance(),
    "balance of an asset": lambda to: to.account.get_account_balance("USDT"),
    "positions": lambda to: to.account.get_positions(),
    "account config": lambda to: to.account.get_account_config(),
    "position mode": lambda to: to.account.set_position_mode("net_mode"),
    "set leverage": lambda to: to.account.set_leverage(lever="20", mgnMode="cross", instId=SWAP),
    "leverage": lambda to: to.account.get_leverage(mgnMode="cross", instId=SWAP),
    "most of a pair": lambda to: to.account.get_max_order_size(PAIR, "cash"),
    "most of a swap": lambda to: to.account.get_max_order_size(SWAP, "cross"),
    "available": lambda to: to.account.get_max_avail_size(PAIR, "cash"),
    "fees": lambda to: to.account.get_fee_rates("SPOT"),
    "account's instruments": lambda to: to.account.get_instruments(instType="SPOT"),
    "place": lambda to: to.trade.place_order(**_ORDER),
    "close a position": _opened_and_closed,
    "place several": lambda to: to.trade.place_multiple_orders([_ORDER]),
    "amend": lambda to: to.trade.amend_order(PAIR, ordId=_placed(to), newSz="0.04"),
    "amend several": lambda to: to.trade.amend_multiple_orders(
        [{"instId": PAIR, "ordId": _placed(to), "newSz": "0.04"}]
    ),
    "cancel": lambda to: to.trade.cancel_order(PAIR, ordId=_placed(to)),
    "cancel several": lambda to: to.trade.cancel_multiple_orders([_named(to)]),
    "order": lambda to: to.trade.get_order(PAIR, ordId=_placed(to)),
    "open orders": lambda to: to.trade.get_order_list(),
    "ended orders": lambda to: to.trade.get_orders_history("SPOT"),
    "archived orders": lambda to: to.trade.get_orders_history_archive("SPOT"),
    "fills": lambda to: to.trade.get_fills(),
    "past fills": lambda to: to.trade.get_fills_history("SWAP"),
    "algo orders": lambda to: to.trade.order_algos_list(ordType="conditional"),
}

_SDK_LOW = {**S, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": 0.01, "price": 50_000}
SPOT_SDK: Calls = {
    "ping": lambda to: to.ping(),
    "time": lambda to: to.time(),
    "exchange info": lambda to: to.exchange_info(**S),
    "order book": lambda to: to.depth(**S),
    "trades": lambda to: to.get_trades(**S),
    "historical trades": lambda to: to.historical_trades(**S),
    "aggregate trades": lambda to: to.agg_trades(**S),
    "candles": lambda to: to.klines(**MINUTES),
    "candles for charts": lambda to: to.ui_klines(**MINUTES),
    "average price": lambda to: to.avg_price(**S),
    "day": lambda to: to.ticker24hr(**S),
    "trading day": lambda to: to.ticker_trading_day(**S),
    "price": lambda to: to.ticker_price(**S),
    "best prices": lambda to: to.ticker_book_ticker(**S),
    "window": lambda to: to.ticker(**S),
    "account": lambda to: to.get_account(),
    "commission": lambda to: to.account_commission(**S),
    "order counts": lambda to: to.rate_limit_order(),
    "test order": lambda to: to.order_test(**_SDK_LOW),
    "an order's life": lambda to: to.delete_order(**S, order_id=to.new_order(**_SDK_LOW).data().order_id),
    "cancel all": lambda to: (to.new_order(**_SDK_LOW), to.delete_open_orders(**S)),
    "open orders": lambda to: to.get_open_orders(),
    "orders": lambda to: to.all_orders(**S),
    "own trades": lambda to: to.my_trades(**S),
    "allocations": lambda to: to.my_allocations(**S),
    "prevented matches": lambda to: to.my_prevented_matches(**S, prevented_match_id=1),
    "order lists": lambda to: to.all_order_list(),
    "open order lists": lambda to: to.open_order_list(),
}
USDM_SDK: Calls = {
    "ping": lambda to: to.test_connectivity(),
    "time": lambda to: to.check_server_time(),
    "exchange info": lambda to: to.exchange_information(),
    "order book": lambda to: to.order_book(**S),
    "trades": lambda to: to.recent_trades_list(**S),
    "historical trades": lambda to: to.old_trades_lookup(**S),
    "aggregate trades": lambda to: to.compressed_aggregate_trades_list(**S),
    "candles": lambda to: to.kline_candlestick_data(**MINUTES),
    "candles of a pair": lambda to: to.continuous_contract_kline_candlestick_data(
        pair="BTCUSDT", contract_type="PERPETUAL", interval="1m"
    ),
    "mark price": lambda to: to.mark_price(**S),
    "funding rates": lambda to: to.get_funding_rate_history(),
    "funding info": lambda to: to.get_funding_rate_info(),
    "day": lambda to: to.ticker24hr_price_change_statistics(**S),
    "price": lambda to: to.symbol_price_ticker_v2(**S),
    "best prices": lambda to: to.symbol_order_book_ticker(**S),
    "account": lambda to: to.account_information_v3(),
    "account as before": lambda to: to.account_information_v2(),
    "balance": lambda to: to.futures_account_balance_v3(),
    "account config": lambda to: to.futures_account_configuration(),
    "symbol config": lambda to: to.symbol_configuration(),
    "position mode": lambda to: to.get_current_position_mode(),
    "assets mode": lambda to: to.get_current_multi_assets_mode(),
    "leverage brackets": lambda to: to.notional_and_leverage_brackets(),
    "commission": lambda to: to.user_commission_rate(**S),
    "income": lambda to: to.get_income_history(),
    "order counts": lambda to: to.query_user_rate_limit(),
    "leverage": lambda to: to.change_initial_leverage(**S, leverage=20),
    "positions": lambda to: to.position_information_v3(),
    "positions as before": lambda to: to.position_information_v2(),
    "test order": lambda to: to.test_order(**_SDK_LOW),
    "an order's life": lambda to: to.cancel_order(**S, order_id=to.new_order(**_SDK_LOW).data().order_id),
    "cancel all": lambda to: (to.new_order(**_SDK_LOW), to.cancel_all_open_orders(**S)),
    "open orders": lambda to: to.current_all_open_orders(),
    "orders": lambda to: to.all_orders(**S),
    "own trades": lambda to: to.account_trade_list(**S),
    "dead man": lambda to: to.auto_cancel_all_open_orders(**S, countdown_time=0),
    "listen key": lambda to: to.start_user_data_stream(),
}
