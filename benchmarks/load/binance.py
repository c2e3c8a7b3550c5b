"""A trader on Binance spot: combined streams of every symbol, signed orders over the WebSocket API, its own events."""

from __future__ import annotations

import hashlib
import hmac
import re
from time import time_ns

from picows import WSMsgType

from benchmarks.load.trader import Terms, Trader

SYMBOLS = {"BTCUSDT": (2, "0.00050"), "ETHUSDT": (2, "0.0100"), "SOLUSDT": (2, "0.200"), "ETHBTC": (5, "0.0100")}
"""Decimals of a price, and how much an order is for."""
_STREAMS = ("bookTicker", "trade", "depth@100ms")
_BEST = re.compile(rb'"b":"([\d.]+)","B":"[\d.]+","a":"([\d.]+)"')
_TRADE = re.compile(rb'"E":(\d+),"s":"\w+","t":(\d+)')
_DEPTH = re.compile(rb'"E":(\d+),"s":"\w+","U":(\d+),"u":(\d+)')
_ANSWER = re.compile(rb'\{"id":(\d+),"status":(\d+)')


class BinanceTrader(Trader):
    """``urls``: as ``graphwiz exchange serve`` prints them."""

    def __init__(self, urls: dict[str, str], key: str, secret: str, host: str) -> None:
        super().__init__(list(SYMBOLS), host)
        self._urls = urls
        self._key = key
        self._secret = secret.encode()
        self._trade_ids: dict[bytes, int] = {}
        self._depth_ids: dict[bytes, int] = {}

    async def connect(self) -> None:
        streams = "/".join(f"{symbol.lower()}@{stream}" for symbol in self.symbols for stream in _STREAMS)
        await self.open(f"{self._urls['stream']}/stream?streams={streams}", self._on_market)
        self._orders = await self.open(self._urls["orders"] + "?returnRateLimits=false", self._on_order)
        self.send_request(self._signed(0, "userDataStream.subscribe.signature", {}))
        await self.granted.wait()

    def write_order(self, number: int, name: str, terms: Terms) -> bytes:
        decimals, size = SYMBOLS[terms.symbol]
        wanted = {
            "newClientOrderId": name,
            "price": f"{terms.price:.{decimals}f}",
            "quantity": size,
            "side": "BUY" if terms.is_purchase else "SELL",
            "symbol": terms.symbol,
            "timeInForce": "GTC" if terms.rests else "IOC",
            "type": "LIMIT",
        }
        return self._signed(number, "order.place", wanted)

    def write_cancel(self, number: int, symbol: str, name: str) -> bytes:
        return self._signed(number, "order.cancel", {"origClientOrderId": name, "symbol": symbol})

    def best_prices(self, message: bytes) -> tuple[float, float]:
        found = _BEST.search(message)
        assert found is not None, message
        return float(found[1]), float(found[2])

    def send_request(self, message: bytes) -> None:
        self._orders.send(WSMsgType.TEXT, message)

    def _signed(self, number: int, method: str, params: dict[str, str]) -> bytes:
        params = {"apiKey": self._key, "timestamp": str(time_ns() // 1_000_000), **params}
        payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
        params["signature"] = hmac.digest(self._secret, payload.encode(), hashlib.sha256).hex()
        listed = ",".join(f'"{name}":"{value}"' for name, value in params.items())
        return f'{{"id":{number},"method":"{method}","params":{{{listed}}}}}'.encode()

    def _on_market(self, message: bytes) -> None:
        """``{"stream":"btcusdt@trade","data":{…}}``."""
        self.messages += 1
        symbol, _, stream = message[11 : message.index(b'"', 11)].partition(b"@")
        if stream == b"bookTicker":
            self.best[symbol.decode().upper()] = message
        elif stream == b"trade" and (trade := _TRADE.search(message)):
            self.stamped(trade[1])
            number = int(trade[2])
            self.gaps += number != self._trade_ids.get(symbol, number - 1) + 1
            self._trade_ids[symbol] = number
        elif depth := _DEPTH.search(message):
            self.stamped(depth[1])
            self.gaps += int(depth[2]) != self._depth_ids.get(symbol, int(depth[2]) - 1) + 1
            self._depth_ids[symbol] = int(depth[3])

    def _on_order(self, message: bytes) -> None:
        answer = _ANSWER.match(message)
        if answer is None:
            self.events += 1
        elif answer[1] == b"0":
            self.granted.set()
        else:
            self.answered(int(answer[1]), answer[2] == b"200", message)
