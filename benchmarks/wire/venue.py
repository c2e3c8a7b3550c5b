"""The venue's end: one desk a client, each on its own port, that sends a frame and takes the time until the order.

It speaks as much of Binance spot as the clients need: depth over a combined or raw stream, the REST snapshot, orders
over the WebSocket API, each answered as an IOC order that expired.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import perf_counter_ns, time_ns

import orjson
from picows import (
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_create_server,
)

_TEXT = WSMsgType.TEXT
_JSON = {"Content-Type": "application/json"}


class Desk:
    """One client's venue. ``sends_raw``: the stream's events without their envelope, as on ``/ws``."""

    def __init__(self, snapshot: bytes, frames: Sequence[bytes], *, sends_raw: bool) -> None:
        self._snapshot = snapshot
        self._frames = frames
        self._sends_raw = sends_raw
        self._next = 0
        self._server: asyncio.Server | None = None
        self._order_at_ns: asyncio.Future[int] | None = None
        self.stream: WSTransport | None = None
        self.order_bytes = 0
        """Size of the last order."""
        self.lost = 0
        """Frames that were followed by no order in time."""

    async def open(self) -> int:
        """Listen on a port of 127.0.0.1, which is returned."""
        self._server = await ws_create_server(self._upgrade, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()

    @property
    def has_more(self) -> bool:
        return self._next < len(self._frames)

    @property
    def position(self) -> int:
        """Index of the frame that is next."""
        return self._next

    def send(self) -> None:
        """Send the next frame without waiting for anything."""
        assert self.stream is not None
        self.stream.send(_TEXT, self._take())

    async def round_trip_ns(self, timeout_s: float) -> int | None:
        """Send the next frame; the time from then until an order arrives, None when none does."""
        assert self.stream is not None
        frame = self._take()
        self._order_at_ns = asyncio.get_running_loop().create_future()
        sent_ns = perf_counter_ns()
        self.stream.send(_TEXT, frame)
        try:
            return await asyncio.wait_for(self._order_at_ns, timeout_s) - sent_ns
        except TimeoutError:
            self.lost += 1
            return None
        finally:
            self._order_at_ns = None

    def on_order(self, at_ns: int, size: int) -> None:
        self.order_bytes = size
        if self._order_at_ns is not None and not self._order_at_ns.done():
            self._order_at_ns.set_result(at_ns)

    def _take(self) -> bytes:
        frame = self._frames[self._next]
        self._next += 1
        return orjson.dumps(orjson.loads(frame)["data"]) if self._sends_raw else frame

    def _upgrade(self, request: WSUpgradeRequest) -> WSListener | WSUpgradeResponseWithListener:
        path = request.path.decode() if isinstance(request.path, bytes) else request.path
        if path.startswith("/ws-api"):
            return _Orders(self)
        if path.startswith("/api/v3/depth"):
            return WSUpgradeResponseWithListener(WSUpgradeResponse.create_ok_response(self._snapshot, _JSON), None)
        return _Stream(self)


class _Stream(WSListener):
    """The market data connection. An order on it is the bare echo's."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._desk.stream = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        at_ns = perf_counter_ns()
        if frame.msg_type is not _TEXT:
            return
        payload = frame.get_payload_as_bytes()
        if payload.startswith(b'{"method"'):
            transport.send(_TEXT, orjson.dumps({"result": None, "id": orjson.loads(payload)["id"]}))
        else:
            self._desk.on_order(at_ns, len(payload))


class _Orders(WSListener):
    """The order connection: places are timed, everything is answered."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._order_id = 0

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        at_ns = perf_counter_ns()
        if frame.msg_type is not _TEXT:
            return
        payload = frame.get_payload_as_bytes()
        request = orjson.loads(payload)
        result: dict[str, object] = {"subscriptionId": 0}
        if request["method"] == "order.place":
            self._desk.on_order(at_ns, len(payload))
            self._order_id += 1
            result = _expired(self._order_id, request["params"])
        transport.send(_TEXT, orjson.dumps({"id": request["id"], "status": 200, "result": result}))


def _expired(order_id: int, params: dict[str, str]) -> dict[str, object]:
    return {
        "symbol": params["symbol"],
        "orderId": order_id,
        "orderListId": -1,
        "clientOrderId": params["newClientOrderId"],
        "transactTime": time_ns() // 1_000_000,
        "price": params["price"],
        "origQty": params["quantity"],
        "executedQty": "0.00000000",
        "cummulativeQuoteQty": "0.00000000",
        "status": "EXPIRED",
        "timeInForce": "IOC",
        "type": "LIMIT",
        "side": "BUY",
        "fills": [],
    }
