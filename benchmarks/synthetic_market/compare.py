"""Measure the recordings and the synthetic market alike, and write docs/synthetic_market.md with a plot.

``python -m benchmarks.synthetic_market.compare``, with the recordings in ``GRAPHWIZ_DATA`` (default ../shared/data).
The figures of the recordings are what the constants of `venues/simulated/synthetic*.py` are set from.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.synthetic_market import measures, plot
from benchmarks.synthetic_market.measures import Tape
from graphwiz_trader.backtest.recordings import RecordedFrame, Recording
from graphwiz_trader.backtest.survey import survey
from graphwiz_trader.hft.events import Side
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.venues.simulated import SyntheticMarket, synthetic_prices
from graphwiz_trader.venues.simulated.binance.flavours import FLAVOURS
from graphwiz_trader.venues.simulated.binance.server import BinanceVenue
from graphwiz_trader.venues.simulated.defaults import default_instruments

SECONDS, SEED, STEP_MS = 345, 7, 5
START_NS = 1_700_000_000_000_000_000
BOOKS = {
    ("binance", "BTC"): "spot_btcusdt",
    ("binance", "ETH"): "spot_ethusdt",
    ("binanceusdm", "BTC"): "usdm_btcusdt",
    ("binanceusdm", "ETH"): "usdm_ethusdt",
}
DOCS = Path("docs")
Tapes = dict[tuple[str, str], Tape]


def recorded() -> Tapes:
    folder = Path(os.environ.get("GRAPHWIZ_DATA", "../shared/data")) / "binance"
    tapes = {}
    for (exchange, base), name in BOOKS.items():
        recording = Recording({exchange: [folder / f"{name}_20240808.jsonl.gz"]})
        instruments = survey(recording, {exchange: (0, 0)}, lambda _: None)
        tapes[exchange, base] = measures.tape(recording.frames(), instruments)
    return tapes


def synthetic() -> Tapes:
    exchanges = tuple(dict.fromkeys(exchange for exchange, _ in BOOKS))
    market = SyntheticMarket(seed=SEED)
    venues = {
        exchange: BinanceVenue(
            FLAVOURS[exchange], default_instruments([exchange]), _matcher(market, exchange), clock_ms=lambda: 0
        )
        for exchange in exchanges
    }
    market.open(venues, 0)
    kept: dict[tuple[str, str], _Kept] = {}
    for exchange, base in BOOKS:
        kept[exchange, base] = _Kept(venues[exchange], f"{base}USDT")
    for elapsed_ms in range(0, SECONDS * 1_000, STEP_MS):
        market.advance(elapsed_ms, elapsed_ms)
        for venue in venues.values():
            venue.streams.flush(elapsed_ms)
        for frames in kept.values():
            frames.stamp(elapsed_ms)
    return {key: measures.tape(frames.history(key[0]), _only(key)) for key, frames in kept.items()}


def report(real: Tapes, made: Tapes) -> str:
    rows = []
    for key in BOOKS:
        for name, tapes in (("recorded", real), ("synthetic", made)):
            tape = tapes[key]
            spread = np.quantile(tape.spreads_bps, (0.5, 0.9))
            depth = " / ".join(f"{value / 1e3:,.0f}" for value in tape.depth_usd)
            seconds = (tape.top_ms[-1] - tape.top_ms[0]) / 1e3
            rows.append(
                f"| {key[0]} {key[1]} | {name} | {spread[0]:.3f} / {spread[1]:.3f} | {depth} | "
                f"{len(tape.mids) / seconds:.0f} / {len(tape.trade_ms) / seconds:.1f} | "
                f"{measures.clustering(tape.trade_ms):.0f} | {measures.volatility_bps(tape):.2f} |"
            )
    pair = ("binance", "BTC"), ("binance", "ETH")
    return _PAGE.format(
        rows="\n".join(rows),
        recorded_correlation=measures.correlation(real[pair[0]], real[pair[1]]),
        made_correlation=measures.correlation(made[pair[0]], made[pair[1]]),
        seed=SEED,
        seconds=SECONDS,
    )


def _matcher(market: SyntheticMarket, exchange: str) -> Callable[..., object]:
    return lambda listing: market.matcher(exchange, listing)


def _only(key: tuple[str, str]) -> Instruments:
    exchange, base = key
    listed = next(i for i in default_instruments([exchange]) if i.venue_symbol == f"{base}USDT")
    return Instruments([msgspec.structs.replace(listed, book=0)])


class _Kept:
    """What the streams of one symbol say, with its time, and a snapshot behind the first changes."""

    combined = True
    backlog_bytes = 0

    def __init__(self, venue: BinanceVenue, symbol: str) -> None:
        self._symbol = symbol
        self._book, self._words = venue.public._books[symbol]
        self._snapshot = b""
        self._snapshot_at = 0
        self._frames: list[tuple[int, bytes]] = []
        self._new: list[bytes] = []
        for stream in ("depth@100ms" if venue.flavour.exchange == "binance" else "depth@0ms", "bookTicker", "trade"):
            venue.hub.subscribe(f"{symbol.lower()}@{stream}", self)

    def send(self, payload: bytes, channel: str = "") -> None:  # noqa: ARG002  # a subscriber's signature
        self._new.append(payload)

    def stamp(self, now_ms: int) -> None:
        self._frames += [(now_ms, payload) for payload in self._new]
        if not self._snapshot and any(b"depthUpdate" in payload for payload in self._new):
            bids, asks = (self._book.matcher.levels(side, 1_000) for side in Side)
            self._snapshot = self._words.snapshot(self._book.matcher.change_count, bids, asks, now_ms)
            self._snapshot_at = len(self._frames)
        self._new.clear()

    def history(self, exchange: str) -> Iterator[RecordedFrame]:
        for count, (now_ms, payload) in enumerate(self._frames, 1):
            time_ns = START_NS + now_ms * 1_000_000
            yield RecordedFrame(time_ns, exchange, payload)
            if count == self._snapshot_at:
                yield RecordedFrame(time_ns, exchange, self._snapshot, self._symbol)


_PAGE = """\
# The synthetic market beside recordings

Made by `python -m benchmarks.synthetic_market.compare` from Binance spot and USD-M, BTCUSDT and ETHUSDT, 345 s on
8 August 2024 (the example data of hftbacktest, MIT), and from {seconds} s of the synthetic market with seed {seed} at
its default rate, without its dislocations (see below). Both are read by the trader's own decoder; the synthetic one is
looked at every 5 ms.

![spreads, depth, pauses between trades, and lead and lag](synthetic_market.svg)

| book | market | spread, median / 90 % (bps) | USD a side within 1 / 2 / 5 / 10 / 20 bps (thousands) | \
changes of the top / trades a second | trades' clustering | volatility (bps per √s) |
|---|---|---|---|---|---|---|
{rows}

Clustering is the Fano factor of trades counted by the second: 1 is Poisson. The correlation of BTC's and ETH's returns
over a second is {recorded_correlation:.2f} recorded and {made_correlation:.2f} synthetic.

Set from the recordings, in `venues/simulated/synthetic.py` and `synthetic_prices.py`: volatility with its bursts, the
share of it that all assets have in common, the lag between venues, how levels stand and how much stands on them.
Bursts are a two-state intensity: while a hidden price bursts, everybody acts three times as often; it is the simplest
of the self-exciting rhythms that arrivals show (Hawkes 1971; Bacry, Mastromatteo and Muzy 2015, "Hawkes processes in
finance").

Known differences. Few actions a second move the synthetic market, so its top changes less often and its spread is
wider than the one tick of the real books, and its trades cluster far less: a real taker's order prints dozens of trades
in one instant. Beyond 2 bps the real books are deeper, the perpetual's more than tenfold. About every 45 s a venue's
view of a symbol is dislocated by 20 to 45 bps, more than both taker fees, as real venues' is not: the synthetic market
is there to show what the trader does then. With the dislocations its volatility is about 4 bps per √s.
"""


if __name__ == "__main__":
    synthetic_prices.DISLOCATION_EVERY_MS = math.inf
    real, made = recorded(), synthetic()
    (DOCS / "synthetic_market.svg").write_text(plot.svg(real, made))
    (DOCS / "synthetic_market.md").write_text(report(real, made))
