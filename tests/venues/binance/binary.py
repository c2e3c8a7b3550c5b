"""What tests of Binance's binary streams share: an account with an Ed25519 key, and suites that run over SBE."""

from __future__ import annotations

import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from graphwiz_trader.venues.base import Endpoints
from graphwiz_trader.venues.simulated import Credentials
from venues.fault_bench import BinanceBench
from venues.feed_bench import FeedOnBench

KEY = "graphwizEd25519" * 4
PEM = (
    Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)
_DEPTH_DIFF = 10003
_FIRST_BID_BYTES = 8 + 26 + 4
"""Behind header, root block, and how many bids there are."""


class OverBinaryStreams(FeedOnBench):
    exchange = "binance"
    symbols = ("BTC/USDT", "ETH/USDT")
    wire = "binance-sbe"
    account = Credentials(KEY, PEM)

    def endpoints(self, rest: str, stream: str) -> Endpoints:
        return Endpoints(rest, f"{stream}/sbe", "")


class BinaryBench(BinanceBench):
    def is_depth(self, frame: bytes) -> bool:
        return self.is_data(frame) and struct.unpack_from("<H", frame, 2)[0] == _DEPTH_DIFF

    def spoilt(self, frame: bytes) -> bytes:
        if self.is_depth(frame):
            (bids,) = struct.unpack_from("<H", frame, _FIRST_BID_BYTES - 2)
            if bids:
                changed = bytearray(frame)
                struct.pack_into("<q", changed, _FIRST_BID_BYTES + 8, 9 * 10**8)
                return bytes(changed)
        return frame
