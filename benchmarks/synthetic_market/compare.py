"""Measure the recordings and the synthetic market alike, and write docs/synthetic_market.md with a plot.

``python -m benchmarks.synthetic_market.compare``, with the recordings in ``GRAPHWIZ_DATA`` (default ../shared/data).
The recordings' figures are also in `recorded`, from which `venues/simulated/synthetic` is set.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec

from benchmarks.synthetic_market import measures, plot
from benchmarks.synthetic_market.measures import Tape
from benchmarks.synthetic_market.recorded import ALIKE_WITHIN
from graphwiz_trader.backtest.recordings import RecordedFrame, Recording
from graphwiz_trader.backtest.survey import survey
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.venues.simulated import SyntheticMarket
from graphwiz_trader.venues.simulated.binance.flavours import FLAVOURS
from graphwiz_trader.venues.simulated.binance.parameters import Parameters
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


def synthetic(seconds: int = SECONDS) -> Tapes:
    """Without the dislocations, which no real venue has."""
    exchanges = tuple(dict.fromkeys(exchange for exchange, _ in BOOKS))
    market = SyntheticMarket(seed=SEED, is_dislocated=False)
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
    for elapsed_ms in range(0, seconds * 1_000, STEP_MS):
        market.advance(elapsed_ms, elapsed_ms)
        for venue in venues.values():
            venue.streams.flush(elapsed_ms)
        for frames in kept.values():
            frames.stamp(elapsed_ms)
    return {key: measures.tape(frames.history(key[0]), _only(key)) for key, frames in kept.items()}


def report(real: Tapes, made: Tapes) -> str:
    """The page, as Markdown."""
    figures = {key: (measures.figures(real[key]), measures.figures(made[key])) for key in BOOKS}
    rows = []
    for name, (words, form) in _ROWS.items():
        cells = [
            " / ".join(format(getattr(of, name) * _SCALES.get(name, 1), form) for of in figures[key]) for key in BOOKS
        ]
        rows.append(f"| {words} | {' | '.join(cells)} | {getattr(ALIKE_WITHIN, name):g} |")
    pair = ("binance", "BTC"), ("binance", "ETH")
    return _PAGE.format(
        rows="\n".join(rows),
        lag=", ".join(f"{base} {_lag(real, base):.0f} / {_lag(made, base):.0f} ms" for base in ("BTC", "ETH")),
        recorded_correlation=measures.correlation(real[pair[0]], real[pair[1]]),
        made_correlation=measures.correlation(made[pair[0]], made[pair[1]]),
        seed=SEED,
        seconds=SECONDS,
    )


def _lag(tapes: Tapes, base: str) -> float:
    return measures.lag_ms(tapes["binanceusdm", base], tapes["binance", base])


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
        self._snapshot_now = partial(venue.public.depth, Parameters({"symbol": symbol, "limit": "1000"}))
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
            self._snapshot = self._snapshot_now(now_ms)
            self._snapshot_at = len(self._frames)
        self._new.clear()

    def history(self, exchange: str) -> Iterator[RecordedFrame]:
        for count, (now_ms, payload) in enumerate(self._frames, 1):
            time_ns = START_NS + now_ms * 1_000_000
            yield RecordedFrame(time_ns, exchange, payload)
            if count == self._snapshot_at:
                yield RecordedFrame(time_ns, exchange, self._snapshot, self._symbol)


_ROWS = {
    "spread_median_bps": ("spread, median (bps)", ".4f"),
    "spread_mean_bps": ("spread, mean (bps)", ".4f"),
    "top_usd": ("at the best prices, median (thousand USD)", ",.0f"),
    "depth_1_bps_usd": ("a side within 1 bp (thousand USD)", ",.0f"),
    "depth_10_bps_usd": ("a side within 10 bps (thousand USD)", ",.0f"),
    "tops_per_s": ("changes of the top a second", ".0f"),
    "moves_per_s": ("changes of the mid a second", ".1f"),
    "trades_per_s": ("trades a second", ".0f"),
    "trade_median_usd": ("a trade, median (USD)", ",.0f"),
    "trade_mean_usd": ("a trade, mean (USD)", ",.0f"),
    "trade_dispersion": ("trades in a second, variance by mean", ".0f"),
    "volatility_bps": ("volatility (bps per √s)", ".2f"),
}
_SCALES = {"top_usd": 1e-3, "depth_1_bps_usd": 1e-3, "depth_10_bps_usd": 1e-3}
_PAGE = """\
# The synthetic market beside recordings

Made by `python -m benchmarks.synthetic_market.compare` from Binance spot and USD-M, BTCUSDT and ETHUSDT, 345 s on
8 August 2024 (the example data of hftbacktest, MIT), and from {seconds} s of the synthetic market with seed {seed} at
its own pace, without its dislocations (see below). Both are read by the trader's own decoder; the synthetic one is
looked at every 5 ms.

![spreads, depth, pauses between trades, and lead and lag](synthetic_market.svg)

Each cell: recorded / synthetic. The last column is the factor by which they may differ, which a test holds.

| | spot BTC | spot ETH | USD-M BTC | USD-M ETH | within |
|---|---|---|---|---|---|
{rows}

Variance by mean is 1 where events are independent. How far apart in time spot and the perpetual move (the mean
distance of their correlation from no lag): {lag}. The correlation of BTC's and
ETH's returns over a second is {recorded_correlation:.2f} recorded and {made_correlation:.2f} synthetic.

How it is made, in `venues/simulated/synthetic/`:

- **Prices**: one hidden random walk an asset, most of it common to all, with bursts. A venue believes it late, and who
  is late changes every few seconds.
- **Makers** stand a tick apart and stay while the price is within half a basis point, then follow in one step; the
  quote that the price leaves behind may wait for the next action, which is when the spread is wide. Further out the
  book is deeper, as deep as its symbol's.
- **Takers** arrive as a Hawkes process: each brings others along (Hawkes 1971; Bacry, Mastromatteo and Muzy 2015,
  "Hawkes processes in finance"; times by Ogata's thinning). Sizes are lognormal and very wide; a large order comes in
  slices, all in one instant, as a real one prints a trade for every small order it meets.

The eight books that `graphwiz run` serves, about 1,100 actions and 1,500 frames a second, take 4 % of a processor.

Known differences. How much trades cluster depends on few moments, in the recording too, one second of which holds 1,462
of the perpetual's: from seed to seed the figure differs by two. Small trades are too few. Takers do not know where the
price goes: a resting order is chosen against less than on a real venue. About every 45 s a venue's view of a symbol is
dislocated by 20 to 45 bps, more than both taker fees, as real venues' is not: the synthetic market is there to show
what the trader does then. With the dislocations its volatility is about 4 bps per √s.
"""


if __name__ == "__main__":
    real, made = recorded(), synthetic()
    (DOCS / "synthetic_market.svg").write_text(plot.svg(real, made))
    (DOCS / "synthetic_market.md").write_text(report(real, made))
