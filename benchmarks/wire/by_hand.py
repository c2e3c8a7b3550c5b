"""What a skilled user writes by hand: picows, orjson, dicts with the best price kept, HMAC. No risk, no journal."""

from __future__ import annotations

import hmac
from hashlib import sha256
from itertools import count
from time import time_ns
from typing import Any

import httpx
import orjson
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from benchmarks.wire import KEY, SECRET, SIZE, SYMBOL
from benchmarks.wire.connecting import orders_url, rest_url, run, stream_url

_TEXT = WSMsgType.TEXT


class _Orders(WSListener):
    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        self._numbers = count(1)
        self._secret = SECRET.encode()

    def buy(self, price: float) -> None:
        params = {
            "apiKey": KEY,
            "newClientOrderId": f"hand{next(self._numbers)}",
            "newOrderRespType": "FULL",
            "price": f"{price:.2f}",
            "quantity": SIZE,
            "side": "BUY",
            "symbol": SYMBOL,
            "timeInForce": "IOC",
            "timestamp": time_ns() // 1_000_000,
            "type": "LIMIT",
        }
        payload = "&".join([f"{name}={value}" for name, value in params.items()])
        params["signature"] = hmac.new(self._secret, payload.encode(), sha256).hexdigest()
        order = {"id": params["newClientOrderId"], "method": "order.place", "params": params}
        self._transport.send(_TEXT, orjson.dumps(order))

    def on_ws_frame(self, _transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is _TEXT:
            orjson.loads(frame.get_payload_as_memoryview())


class _Stream(WSListener):
    def __init__(self, snapshot: dict[str, Any], orders: _Orders) -> None:
        self._orders = orders
        self._id = snapshot["lastUpdateId"]
        self._bids = {float(price): float(size) for price, size in snapshot["bids"]}
        self._asks = {float(price): float(size) for price, size in snapshot["asks"]}
        self._bid, self._ask = max(self._bids), min(self._asks)

    def on_ws_frame(self, _transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is not _TEXT:
            return
        event = orjson.loads(frame.get_payload_as_memoryview())["data"]
        if event["u"] <= self._id:
            return
        if event["U"] > self._id + 1:
            raise RuntimeError(f"a gap: {self._id} is followed by {event['U']}")
        self._id = event["u"]
        top = self._top()
        self._apply_bids(event["b"])
        self._apply_asks(event["a"])
        if self._top() != top:
            self._orders.buy(self._ask)

    def _top(self) -> tuple[float, float, float, float]:
        return self._bid, self._bids[self._bid], self._ask, self._asks[self._ask]

    def _apply_bids(self, levels: list[list[str]]) -> None:
        bids, is_best_gone = self._bids, False
        for price_text, size_text in levels:
            price, size = float(price_text), float(size_text)
            if size:
                bids[price] = size
                self._bid = max(self._bid, price)
            else:
                bids.pop(price, None)
                is_best_gone = is_best_gone or price == self._bid
        if is_best_gone:
            self._bid = max(bids)

    def _apply_asks(self, levels: list[list[str]]) -> None:
        asks, is_best_gone = self._asks, False
        for price_text, size_text in levels:
            price, size = float(price_text), float(size_text)
            if size:
                asks[price] = size
                self._ask = min(self._ask, price)
            else:
                asks.pop(price, None)
                is_best_gone = is_best_gone or price == self._ask
        if is_best_gone:
            self._ask = min(asks)


async def _client(port: int) -> None:
    snapshot = orjson.loads(httpx.get(f"{rest_url(port)}/api/v3/depth?symbol={SYMBOL}&limit=1000").content)
    _, orders = await ws_connect(_Orders, orders_url(port))
    transport, _ = await ws_connect(lambda: _Stream(snapshot, orders), stream_url(port))
    await transport.wait_disconnected()


if __name__ == "__main__":
    run(_client)
