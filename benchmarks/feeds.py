"""Every feed's decoding and book, beside ``orjson.loads`` and the handlers of ccxt.pro and cryptofeed, in one table.

All feeds are given the same recorded changes, in their venue's words; OKX's own recording, whose checksums are
verified, stands beside. That has a hundred frames: each of its rounds is run once before it is timed, or it would be
over before caches and branch predictors have seen the code. ccxt.pro and cryptofeed are given frames already parsed,
and neither reads binary frames: next to those stand their handlers for the same changes in JSON. ``through ccxt`` is
our way for every other exchange: ccxt.pro's handler, our frame and our decoder together.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import orjson

from benchmarks import report, rewritten, tapes
from benchmarks.cores import instruments_of
from benchmarks.peers.ccxt_book import CcxtBook
from benchmarks.peers.ccxt_okx_book import CcxtOkxBook
from benchmarks.peers.cryptofeed_book import CryptofeedBook
from benchmarks.peers.cryptofeed_okx_book import CryptofeedOkxBook
from benchmarks.peers.through_ccxt import ThroughCcxt
from benchmarks.rounds import Contender, Timing, measure
from graphwiz_trader.hft.decoders import DECODERS
from graphwiz_trader.hft.instruments import Instrument, Instruments
from graphwiz_trader.hft.market_data import MarketData
from graphwiz_trader.hft.orderbook import OrderBookManager

_ORJSON, _OURS, _CCXT, _CRYPTOFEED = "orjson", "graphwiz", "ccxt.pro", "cryptofeed"
_OKX_TARGET = 0.5
_SHORT = 1_000
"""Frames below which a round is run once before it is timed."""


class Feed(NamedTuple):
    """What is measured of one feed. ``start``: what its book begins with, ``json``: what orjson is given."""

    name: str
    wire: str
    instrument: Instrument
    start: bytes
    frames: list[bytes]
    json: list[bytes]
    peers: Callable[[], dict[str, Any]]


class Ours:
    """The product's market data with one book of one feed."""

    def __init__(self, feed: Feed) -> None:
        instruments = Instruments([feed.instrument])
        self._feed = feed
        self.books = OrderBookManager(instruments)
        decoder = DECODERS[feed.wire](instruments, feed.instrument.exchange)
        self._streams_snapshots = decoder.streams_snapshots
        self._market_data = MarketData(self.books, [decoder], self, request_snapshot=lambda _: None)

    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        """As a recorder: nothing is kept."""

    def reset(self) -> None:
        """Back to the snapshot."""
        self._market_data.on_line(0, False, 0)
        self._market_data.on_line(0, True, 0)
        if self._streams_snapshots:
            self._market_data.on_frame(0, self._feed.start, 0)
        else:
            self._market_data.on_snapshot(0, self._feed.start, 0)

    def run(self) -> None:
        on_frame = self._market_data.on_frame
        for now_ns, frame in enumerate(self._feed.frames):
            on_frame(0, frame, now_ns)


def main() -> int:
    parser = report.arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    spot, usdm = tapes.load("binance", "BTCUSDT"), tapes.load("binanceusdm", "BTCUSDT")
    figures = {feed.name: _measure(feed, arguments.rounds) for feed in _feeds(spot, usdm)}
    figures["through ccxt"] = _measure_through_ccxt(spot, arguments.rounds)
    _show(figures, spot.origin)
    report.write_json(
        arguments.json, {"feeds": {n: {c: t._asdict() for c, t in f.items()} for n, f in figures.items()}}
    )
    of_okx = {name: timings[_OURS].ratio for name, timings in figures.items() if name.startswith("OKX")}
    for name, ratio in of_okx.items():
        print(f"{name}, graphwiz / orjson: {ratio:.2f}, {report.verdict(ratio, _OKX_TARGET)}")
    return 0 if max(of_okx.values()) <= _OKX_TARGET else 1


def _feeds(spot: tapes.Tape, usdm: tapes.Tape) -> list[Feed]:
    coinm, sbe = rewritten.as_coinm(usdm), rewritten.as_sbe(spot)
    start, okx = rewritten.as_okx(spot)
    of_spot, of_usdm = instruments_of([("binance", "BTCUSDT")])[0], instruments_of([("binanceusdm", "BTCUSDT")])[0]
    of_coinm = _named(of_usdm, "binancecoinm", rewritten.COINM_SYMBOL)
    of_okx = _named(of_spot, "okx", rewritten.OKX_SYMBOL)

    def binance(exchange: str, symbol: str, tape: tapes.Tape) -> dict[str, Any]:
        made = (exchange, symbol, tape.snapshot)
        return {_CCXT: CcxtBook(*made), _CRYPTOFEED: CryptofeedBook(*made)}

    def of_okx_start() -> dict[str, Any]:
        parsed = orjson.loads(start)
        return {_CCXT: CcxtOkxBook(parsed), _CRYPTOFEED: CryptofeedOkxBook(parsed)}

    def json_spot() -> dict[str, Any]:
        return binance("binance", "BTCUSDT", spot)

    return [
        Feed("Binance spot JSON", "binance", of_spot, spot.snapshot, spot.depth, spot.depth, json_spot),
        Feed("Binance spot SBE", "binance-sbe", of_spot, spot.snapshot, sbe, spot.depth, json_spot),
        Feed(
            "Binance USD-M JSON",
            "binanceusdm",
            of_usdm,
            usdm.snapshot,
            usdm.depth,
            usdm.depth,
            partial(binance, "binanceusdm", "BTCUSDT", usdm),
        ),
        Feed(
            "Binance COIN-M JSON",
            "binancecoinm",
            of_coinm,
            usdm.snapshot,
            coinm,
            coinm,
            partial(binance, "binancecoinm", rewritten.COINM_SYMBOL, usdm),
        ),
        Feed("OKX books", "okx", of_okx, start, okx, okx, of_okx_start),
        *_okx_recorded(),
    ]


def _okx_recorded() -> list[Feed]:
    """From when there were checksums and no sequence ids."""
    frames = tapes.okx_books(rewritten.OKX_SYMBOL)
    if not frames:
        return []
    instrument = _named(instruments_of([("binance", "BTCUSDT")])[0], "okx", rewritten.OKX_SYMBOL)
    return [Feed("OKX books of 2022, checksums", "okx", instrument, frames[0], frames[1:], frames[1:], dict)]


def _named(instrument: Instrument, exchange: str, symbol: str) -> Instrument:
    return Instrument(
        book=0,
        exchange=exchange,
        symbol=instrument.symbol,
        venue_symbol=symbol,
        base="BTC",
        quote="USDT",
        tick_size=instrument.tick_size,
        lot_size=instrument.lot_size,
    )


def _measure(feed: Feed, rounds: int) -> dict[str, Timing]:
    ours, peers = Ours(feed), feed.peers()
    parsed = [_event(orjson.loads(frame)) for frame in feed.json]
    last_id = parsed[-1]["u"] if "u" in parsed[-1] else parsed[-1]["data"][-1].get("seqId", 0)
    ours.reset()
    ours.run()
    assert ours.books[0].is_trusted, feed.name
    assert ours.books[0].last_update_id == last_id, feed.name
    contenders = {_ORJSON: _contender(feed, partial(_parse, feed.json)), _OURS: _contender(feed, ours.run, ours.reset)}
    for name, peer in peers.items():
        peer.handle(parsed)
        assert peer.last_id == last_id, f"{feed.name}: {name} stopped at {peer.last_id}, not at {last_id}"
        contenders[name] = _contender(feed, partial(peer.handle, parsed), peer.reset)
    timings = measure(contenders, _ORJSON, len(feed.frames), rounds)
    for peer in peers.values():
        peer.close()
    return timings


def _contender(feed: Feed, run: Callable[[], object], reset: Callable[[], object] = lambda: None) -> Contender:
    if len(feed.frames) >= _SHORT:
        return Contender(run, reset)

    def prepare() -> None:
        reset()
        run()
        reset()

    return Contender(run, prepare)


def _measure_through_ccxt(tape: tapes.Tape, rounds: int) -> dict[str, Timing]:
    through, alone = ThroughCcxt(tape), CcxtBook(tape.exchange, tape.symbol, tape.snapshot)
    parsed = [orjson.loads(frame)["data"] for frame in tape.depth]
    through.handle(parsed)
    assert through.books[0].is_trusted
    contenders = {
        _ORJSON: Contender(lambda: _parse(tape.depth)),
        _OURS: Contender(partial(through.handle, parsed), through.reset),
        _CCXT: Contender(partial(alone.handle, parsed), alone.reset),
    }
    timings = measure(contenders, _ORJSON, len(tape.depth), rounds)
    through.close()
    alone.close()
    return timings


def _event(message: dict[str, Any]) -> dict[str, Any]:
    """Binance's handlers are given what is in the envelope, OKX's the whole message."""
    event: dict[str, Any] = message["data"] if "stream" in message else message
    return event


def _parse(frames: list[bytes]) -> None:
    for frame in frames:
        orjson.loads(frame)


def _show(figures: dict[str, dict[str, Timing]], origin: str) -> None:
    rows = []
    for name, timings in figures.items():
        ours = timings[_OURS]
        times = [f"{timings[p].ratio / ours.ratio:.1f}" if p in timings else "" for p in (_CCXT, _CRYPTOFEED)]
        micros = [f"{timings[c].ns_per_frame / 1_000:.2f}" for c in (_ORJSON, _OURS)]
        rows.append((name, *micros, f"{ours.ratio:.2f}", *times))
    columns = ("feed", "orjson.loads µs", "graphwiz µs", "/ orjson", "ccxt.pro / ours", "cryptofeed / ours")
    report.table(f"a depth update, {origin}", columns, rows)


if __name__ == "__main__":
    sys.exit(main())
