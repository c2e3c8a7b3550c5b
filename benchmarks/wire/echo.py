"""The floor: a bare picows client that answers every frame with bytes of an order's size, and understands nothing."""

from __future__ import annotations

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from benchmarks.wire.connecting import run, stream_url

ORDER_BYTES = 345
"""About what a signed order over the WebSocket API takes; the benchmark prints what each client's really take."""
_ORDER = b"x" * ORDER_BYTES


class _Echo(WSListener):
    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.TEXT:
            frame.get_payload_as_bytes()
            transport.send(WSMsgType.TEXT, _ORDER)


async def _client(port: int) -> None:
    transport, _ = await ws_connect(_Echo, stream_url(port))
    await transport.wait_disconnected()


if __name__ == "__main__":
    run(_client)
