"""Which kernels read which venue's frames, and the memory they work in.

A decoder knows its exchange's instruments by the names that the venue gives them. It is chosen by the wire that a
line speaks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.hft.kernels import binance, okx, outcome, sbe
from graphwiz_trader.hft.kernels.jit import direct
from graphwiz_trader.hft.kernels.json_scan import add_symbol
from graphwiz_trader.hft.kernels.layout import NONE, Array, new_feed

_LOST = b'{"lost":'


class Decoder(NamedTuple):
    """How one exchange's frames are read: the kernels, and the memory they work in."""

    on_frame: Callable[[bytes, Array, Array, int], int]
    on_snapshot: Callable[[bytes, Array, Array, int, int], int]
    feed: Array
    exchange: str
    streams_snapshots: bool = False
    """A book starts from a snapshot that the stream itself brings, before the updates that continue it."""


def binance_decoder(instruments: Instruments, exchange: str) -> Decoder:
    """A decoder for Binance spot, USD-M or COIN-M futures that knows the exchange's instruments."""
    on_frame = direct(binance.on_frame, binance.FRAME_ARGUMENTS)
    on_snapshot = direct(binance.on_snapshot, binance.SNAPSHOT_ARGUMENTS)
    return Decoder(on_frame, on_snapshot, _feed_of(instruments, exchange), exchange)


def binance_sbe_decoder(instruments: Instruments, exchange: str) -> Decoder:
    """A decoder for Binance spot's binary streams; REST, where snapshots come from, stays JSON."""
    on_frame = direct(sbe.on_frame, sbe.FRAME_ARGUMENTS)
    on_snapshot = direct(binance.on_snapshot, binance.SNAPSHOT_ARGUMENTS)
    return Decoder(on_frame, on_snapshot, _feed_of(instruments, exchange), exchange)


def okx_decoder(instruments: Instruments, exchange: str) -> Decoder:
    """A decoder for OKX. To ask for a snapshot is to subscribe anew; one is a frame, however it comes."""
    on_frame = direct(okx.on_frame, okx.FRAME_ARGUMENTS)

    def on_snapshot(body: bytes, feed: Array, books: Array, _book: int, received_ns: int) -> int:
        return on_frame(body, feed, books, received_ns) & 0xFF

    return Decoder(on_frame, on_snapshot, _feed_of(instruments, exchange), exchange, streams_snapshots=True)


def ccxt_decoder(instruments: Instruments, exchange: str) -> Decoder:
    """A decoder for what the feed of an exchange behind ccxt writes: OKX's words, and ``{"lost":symbol}``.

    ccxt keeps an exchange's sequence itself. That it has lost it, or the connection, is what a gap is elsewhere.
    """
    okx = okx_decoder(instruments, exchange)
    lost = {_LOST + b'"%b"}' % i.venue_symbol.encode(): i.book for i in instruments.on_exchange(exchange)}

    def on_frame(frame: bytes, feed: Array, books: Array, received_ns: int) -> int:
        if not frame.startswith(_LOST):
            return okx.on_frame(frame, feed, books, received_ns)
        feed[0]["kind"] = NONE
        book = feed[0]["book"] = lost.get(frame, outcome.NO_BOOK)
        return (outcome.UNKNOWN_SYMBOL if book == outcome.NO_BOOK else outcome.GAP) | book << 8

    return okx._replace(on_frame=on_frame)


def _feed_of(instruments: Instruments, exchange: str) -> Array:
    """A decoder's memory with the exchange's symbols. Raises ValueError for one that does not fit."""
    feed = new_feed()
    for instrument in instruments.on_exchange(exchange):
        if not add_symbol(feed, instrument.venue_symbol.encode(), instrument.book):
            raise ValueError(
                f"{exchange}: no room for symbol {instrument.venue_symbol!r} (at most 24 bytes, 2,048 symbols)"
            )
    return feed


DECODERS: Mapping[str, Callable[[Instruments, str], Decoder]] = {
    "binance": binance_decoder,
    "binanceusdm": binance_decoder,
    "binancecoinm": binance_decoder,
    "binance-sbe": binance_sbe_decoder,
    "okx": okx_decoder,
    "ccxt": ccxt_decoder,
    "ccxt-rest": ccxt_decoder,
}
"""By the wire that a market data line speaks."""
