"""A trader on OKX: public channels of spot pairs and swaps, orders over ``/private``, its own order events."""

from __future__ import annotations

import base64
import hmac
import re
from time import time_ns

import msgspec
from picows import WSMsgType

from benchmarks.load.trader import Terms, Trader

SYMBOLS = {
    "BTC-USDT": (1, "0.0005"),
    "ETH-USDT": (2, "0.01"),
    "SOL-USDT": (2, "0.2"),
    "BTC-USDT-SWAP": (1, "0.1"),
    "ETH-USDT-SWAP": (2, "0.1"),
    "SOL-USDT-SWAP": (2, "0.1"),
}
"""Decimals of a price, and how much an order is for; a swap's in contracts."""
_CHANNELS = ("bbo-tbt", "books", "books5", "trades")
_ABOUT = re.compile(rb'\{"arg":\{"channel":"([\w-]+)","instId":"([\w-]+)"')
_BEST = re.compile(rb'"asks":\[\["([\d.]+)".*?"bids":\[\["([\d.]+)"')
_STAMP = re.compile(rb'"ts":"(\d+)"')
_CHAIN = re.compile(rb'"seqId":(\d+),"prevSeqId":(-?\d+)')
_ANSWER = re.compile(rb'\{"id":"(\d+)","op":"[\w-]+","code":"(\d+)"')


class OkxTrader(Trader):
    """``urls``: as ``graphwiz exchange serve`` prints them."""

    def __init__(self, urls: dict[str, str], key: str, secret: str, passphrase: str, host: str) -> None:
        super().__init__(list(SYMBOLS), host)
        self._urls = urls
        self._key = key
        self._secret = secret.encode()
        self._passphrase = passphrase
        self._chains: dict[bytes, int] = {}

    async def connect(self) -> None:
        market = await self.open(self._urls["stream"] + "/ws/v5/public", self._on_market)
        wanted = [{"channel": channel, "instId": name} for name in self.symbols for channel in _CHANNELS]
        market.send(WSMsgType.TEXT, msgspec.json.encode({"op": "subscribe", "args": wanted}))
        self._orders = await self.open(self._urls["orders"], self._on_order)
        seconds = str(time_ns() // 10**9)
        sign = base64.b64encode(hmac.digest(self._secret, f"{seconds}GET/users/self/verify".encode(), "sha256"))
        login = {"apiKey": self._key, "passphrase": self._passphrase, "timestamp": seconds, "sign": sign.decode()}
        self.send_request(msgspec.json.encode({"op": "login", "args": [login]}))
        events = {"channel": "orders", "instType": "ANY"}
        self.send_request(msgspec.json.encode({"op": "subscribe", "args": [events]}))
        await self.granted.wait()

    def write_order(self, number: int, name: str, terms: Terms) -> bytes:
        decimals, size = SYMBOLS[terms.symbol]
        wanted = {
            "instId": terms.symbol,
            "clOrdId": name,
            "tdMode": "cross" if terms.symbol.endswith("SWAP") else "cash",
            "side": "buy" if terms.is_purchase else "sell",
            "ordType": "limit" if terms.rests else "ioc",
            "px": f"{terms.price:.{decimals}f}",
            "sz": size,
        }
        return msgspec.json.encode({"id": str(number), "op": "order", "args": [wanted]})

    def write_cancel(self, number: int, symbol: str, name: str) -> bytes:
        return msgspec.json.encode(
            {"id": str(number), "op": "cancel-order", "args": [{"instId": symbol, "clOrdId": name}]}
        )

    def best_prices(self, message: bytes) -> tuple[float, float]:
        found = _BEST.search(message)
        assert found is not None, message
        return float(found[2]), float(found[1])

    def send_request(self, message: bytes) -> None:
        self._orders.send(WSMsgType.TEXT, message)

    def _on_market(self, message: bytes) -> None:
        """``{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},…``; what answers a request begins otherwise."""
        about = _ABOUT.match(message)
        if about is None:
            return
        self.messages += 1
        channel, symbol = about[1], about[2]
        stamp = _STAMP.search(message)
        if stamp is not None and channel != b"trades":
            self.stamped(stamp[1])
        if channel == b"bbo-tbt":
            self.best[symbol.decode()] = message
        elif channel == b"books" and (chain := _CHAIN.search(message)):
            self.gaps += int(chain[2]) != self._chains.get(symbol, -1)
            self._chains[symbol] = int(chain[1])

    def _on_order(self, message: bytes) -> None:
        answer = _ANSWER.match(message)
        if answer is not None:
            self.answered(int(answer[1]), answer[2] == b"0", message)
        elif b'"channel-conn-count"' in message:
            self.granted.set()
        elif message.startswith(b'{"event":"error"'):
            self.refused.append(message)
        else:
            self.events += 1
