"""Decode, sequence check and book update per recorded frame, beside ``orjson.loads`` alone and other people's books.

Ours is the product's ``MarketData.on_frame``. ccxt.pro and cryptofeed are given frames already parsed, so that their
figures are of their handlers alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any, Protocol

import orjson

from benchmarks import report, tapes
from benchmarks.alternatives.sorted_array_book import SortedArrayBook
from benchmarks.cores import instruments_of
from benchmarks.peers import typed_decode
from benchmarks.rounds import Contender, Timing, measure
from graphwiz_trader.hft.market_data import MarketData, binance_decoder
from graphwiz_trader.hft.orderbook import OrderBookManager

_ORJSON, _MSGSPEC, _CCXT = "orjson.loads alone", "msgspec typed decode", "ccxt.pro handler"
_OURS, _SORTED = "graphwiz", "our decoder, sorted arrays"
_TARGET_ORJSON, _TARGET_CCXT = 0.5, 30


class OurBook:
    """The product's market data with one book."""

    def __init__(self, tape: tapes.Tape) -> None:
        self._tape = tape
        instruments = instruments_of([(tape.exchange, tape.symbol)])
        self.books = OrderBookManager(instruments)
        decoder = binance_decoder(instruments, tape.exchange)
        self.market_data = MarketData(self.books, [decoder], _Silent(), request_snapshot=lambda _: None)
        self.reset()

    def reset(self) -> None:
        """Back to the snapshot."""
        self.market_data.on_line(0, False, 0)
        self.market_data.on_snapshot(0, self._tape.snapshot, 0)

    def handle(self, frames: list[bytes]) -> None:
        on_frame = self.market_data.on_frame
        for time_ns, frame in enumerate(frames):
            on_frame(0, frame, time_ns)


class Peer(Protocol):
    """Another library's book: ``handle`` takes parsed events, ``reset`` goes back to the snapshot."""

    @property
    def last_id(self) -> int: ...
    def handle(self, events: list[dict[str, Any]]) -> None: ...
    def reset(self) -> None: ...
    def close(self) -> None: ...


class _Silent:
    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        pass


def main() -> int:
    parser = report.arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    figures: dict[str, Any] = {}
    for exchange, name in (("binanceusdm", "USD-M depth"), ("binance", "spot depth")):
        tape = tapes.load(exchange, "BTCUSDT")
        peers = _peers(tape)
        timings = measure(_depth_contenders(tape, peers), _ORJSON, len(tape.depth), arguments.rounds)
        for peer in peers.values():
            peer.close()
        figures[name] = _show(f"{name}, {len(tape.depth):,} frames, {tape.origin}", timings)
        kinds = [
            ("bookTicker", tape.tickers, typed_decode.decode_ticker),
            ("trade", tape.trades, typed_decode.decode_trade),
        ]
        for kind, frames, typed in kinds:
            timings = measure(_small_contenders(tape, frames, typed), _ORJSON, len(frames), arguments.rounds)
            figures[f"{name.split()[0]} {kind}"] = _show(f"{name.split()[0]} {kind}, {len(frames):,} frames", timings)
    report.write_json(arguments.json, {"frames": figures})
    depth = figures["USD-M depth"]
    kept = depth[_OURS]["ratio"] <= _TARGET_ORJSON
    return 0 if kept and all(_times(depth, name) >= _TARGET_CCXT for name in depth if name.startswith(_CCXT)) else 1


def _times(figures: dict[str, Any], name: str) -> float:
    """How many times as long as ours a contender takes."""
    return float(figures[name]["ratio"] / figures[_OURS]["ratio"])


def _depth_contenders(tape: tapes.Tape, peers: dict[str, Peer]) -> dict[str, Contender]:
    frames, ours = tape.depth, OurBook(tape)
    parsed = [orjson.loads(frame)["data"] for frame in frames]
    last_id = parsed[-1]["u"]
    futures = tape.exchange == "binanceusdm"
    array_book = SortedArrayBook(tape.symbol, 2, 3 if futures else 8, futures=futures)
    contenders = {
        _ORJSON: Contender(lambda: _each(orjson.loads, frames)),
        _MSGSPEC: Contender(lambda: _each(typed_decode.decode_depth, frames)),
        _OURS: Contender(lambda: ours.handle(frames), ours.reset),
        _SORTED: Contender(lambda: array_book.handle(frames), lambda: array_book.reset(tape.snapshot)),
    }
    contenders[_OURS].run()
    assert ours.books[0].last_update_id == last_id
    assert ours.books[0].is_trusted
    for name, peer in peers.items():
        peer.handle(parsed)
        assert peer.last_id == last_id, f"{name} stopped at {peer.last_id}, not at {last_id}"
        contenders[name] = Contender(partial(peer.handle, parsed), peer.reset)
    return contenders


def _peers(tape: tapes.Tape) -> dict[str, Peer]:
    """Those that are installed: they are dependencies of development."""
    peers: dict[str, Peer] = {}
    if find_spec("ccxt") is not None:
        from benchmarks.peers.ccxt_book import CcxtBook

        peers[f"{_CCXT} {version('ccxt')}"] = CcxtBook(tape.exchange, tape.symbol, tape.snapshot)
    if find_spec("cryptofeed") is not None:
        from benchmarks.peers.cryptofeed_book import CryptofeedBook

        peers[f"cryptofeed handler {version('cryptofeed')}"] = CryptofeedBook(tape.exchange, tape.symbol, tape.snapshot)
    return peers


def _small_contenders(tape: tapes.Tape, frames: list[bytes], typed: Callable[[bytes], object]) -> dict[str, Contender]:
    ours = OurBook(tape)
    ours.handle(tape.depth[:1])
    return {
        _ORJSON: Contender(lambda: _each(orjson.loads, frames)),
        _MSGSPEC: Contender(lambda: _each(typed, frames)),
        _OURS: Contender(lambda: ours.handle(frames), lambda: ours.books.records["bbo_id"].fill(0)),
    }


def _each(decode: Callable[[bytes], object], frames: list[bytes]) -> None:
    for frame in frames:
        decode(frame)


def _show(title: str, timings: dict[str, Timing]) -> dict[str, Any]:
    ours = timings[_OURS]
    rows = [
        (name, f"{t.ns_per_frame / 1_000:.2f}", f"{t.ratio:.2f}", f"{t.ratio / ours.ratio:.1f}")
        for name, t in sorted(timings.items(), key=lambda item: item[1].ratio)
    ]
    report.table(title, ("contender", "µs a frame", "/ orjson", "/ graphwiz"), rows)
    if "USD-M depth" in title:
        print(f"graphwiz / orjson: {report.verdict(ours.ratio, _TARGET_ORJSON)}")
        for name, timing in timings.items():
            if name.startswith(_CCXT):
                faster = timing.ratio / ours.ratio
                print(f"ccxt.pro / graphwiz: {faster:.0f}, {report.verdict(faster, _TARGET_CCXT, at_least=True)}")
    return {name: timing._asdict() for name, timing in timings.items()}


if __name__ == "__main__":
    sys.exit(main())
