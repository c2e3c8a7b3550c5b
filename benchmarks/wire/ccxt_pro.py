"""ccxt.pro as its users write it: ``watch_order_book`` in a loop, ``create_order_ws`` when the top changed."""

from __future__ import annotations

import ccxt.pro

from benchmarks.peers.ccxt_book import spot_symbol
from benchmarks.wire import KEY, SECRET, SIZE, SYMBOL
from benchmarks.wire.connecting import orders_url, rest_url, run

_SYMBOL = "BTC/USDT"


async def _client(port: int) -> None:
    exchange = ccxt.pro.binance({"apiKey": KEY, "secret": SECRET, "enableRateLimit": False})
    api = exchange.urls["api"]
    api["public"] = f"{rest_url(port)}/api/v3"
    api["ws"]["spot"] = f"ws://127.0.0.1:{port}/stream/ws"
    api["ws"]["ws-api"]["spot"] = orders_url(port)
    # Symbol rules as they would come over REST: what it takes to load them is not measured.
    exchange.options |= {"crossMarginPairsData": [], "isolatedMarginPairsData": []}
    exchange.set_markets([exchange.parse_market(spot_symbol(SYMBOL))])
    try:
        top = None
        while True:
            book = await exchange.watch_order_book(_SYMBOL)
            if (now := (book["bids"][0], book["asks"][0])) != top:
                top = ([*now[0]], [*now[1]])
                await exchange.create_order_ws(_SYMBOL, "limit", "buy", float(SIZE), now[1][0], {"timeInForce": "IOC"})
    finally:
        await exchange.close()


if __name__ == "__main__":
    run(_client)
