"""What venues inside this process say of orders: execution reports as the frames of an order line.

So a journal of paper trading or of a replay is as complete as one of a session with sockets, and is replayed alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from graphwiz_trader.hft.events import ExecutionReport

WIRE = "reports"
"""`Line.wire` of an order line whose frames are a JSON array of ExecutionReport."""

encode_reports = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[ExecutionReport]).decode


def decode_reports(frame: bytes) -> Sequence[ExecutionReport]:
    """The order decoder of wire ``reports``. Never raises: a frame of anything else holds no reports."""
    try:
        return _decode(frame)
    except (msgspec.DecodeError, RecursionError):
        return ()
