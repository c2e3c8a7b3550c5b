"""A venue that streams bookTickers at a fixed rate, whether or not anybody keeps up: ``sender.py RATE SECONDS``.

It prints its port, and when its input says ``go``, the time at which it begins. Message ``n`` of a socket is due
``n / rate`` seconds later and says ``n`` as its update id, so that the reader knows how long each has waited.
"""

from __future__ import annotations

import asyncio
import re
import sys
from time import time_ns

import uvloop
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

SOCKETS = {b"/stream": "BTCUSDT", b"/public/stream": "BTCUSDT"}
"""By the path that its client asks for: spot, USD-M."""
FIRST_ID = 10**12
_EVERY_NS = 1_000_000
_PAYLOAD = (
    '{"stream":"btcusdt@bookTicker","data":{%s"u":%d,"s":"BTCUSDT",'
    '"b":"61800.%02d000000","B":"%05d.%03d","a":"61801.%02d000000","A":"%05d.%03d"}}'
)


class _Client(WSListener):
    def __init__(self, path: bytes, clients: dict[bytes, WSTransport]) -> None:
        self._path = path
        self._clients = clients

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._clients[self._path] = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Every subscription is granted."""
        if frame.msg_type is WSMsgType.TEXT and (asked := re.search(rb'"id":(\d+)', frame.get_payload_as_bytes())):
            transport.send(WSMsgType.TEXT, b'{"result":null,"id":%b}' % asked[1])


def frames(path: bytes, first: int, count: int) -> bytes:
    """WebSocket frames, ready for the wire, of the messages from ``first``."""
    event = '"e":"bookTicker",' if path == b"/public/stream" else ""
    made = []
    for number in range(first, first + count):
        cents = number * 7 % 100
        size = (1 + number % 89, number % 997)
        payload = (_PAYLOAD % (event, FIRST_ID + number, cents, *size, cents, *size)).encode()
        made.append(b"\x81\x7e" + len(payload).to_bytes(2, "big") + payload)
    return b"".join(made)


async def main(rate: int, seconds: float) -> None:
    clients: dict[bytes, WSTransport] = {}

    def upgrade(request: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        path = request.path.partition(b"?")[0]
        return WSUpgradeResponseWithListener(WSUpgradeResponse.create_101_response(), _Client(path, clients))

    server = await ws_create_server(upgrade, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    began_ns = time_ns()
    print(began_ns, flush=True)
    sent = 0
    while sent < rate * seconds:
        due = min(int(rate * seconds), (time_ns() - began_ns) * rate // 10**9)
        if due > sent:
            for path, transport in clients.items():
                transport.underlying_transport.write(frames(path, sent, due - sent))
            sent = due
        await asyncio.sleep(max(0.0, (_EVERY_NS - (time_ns() - began_ns) % _EVERY_NS) / 1e9))
    await asyncio.to_thread(sys.stdin.readline)  # until the reader has read it all


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), float(sys.argv[2])))
