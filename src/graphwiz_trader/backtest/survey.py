"""What a recording is of: its symbols, and how fine their prices and sizes are.

A recording carries no symbol rules, and rules of another day may be wrong for it, so they are read off the frames:
the tick is the finest price that occurs, the lot the finest size; orders may be as fine as the trades were. Of segments
in words that are not read here, their heads are believed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import chain

import msgspec
import numpy as np
import numpy.typing as npt

from graphwiz_trader.backtest.listing import listed
from graphwiz_trader.backtest.recordings import UNNAMED, RecordedFrame, Recording, RecordingError, symbol_of
from graphwiz_trader.hft.instruments import Instrument, Instruments
from graphwiz_trader.hft.kernels import binance, okx, outcome
from graphwiz_trader.hft.kernels.json_scan import add_symbol
from graphwiz_trader.hft.kernels.layout import ANOTHER, NONE, TRADE, Array, new_books, new_feed
from graphwiz_trader.hft.kernels.resolution import note_decimals

_DECIMALS = ((8, 8), (4, 4), (2, 2), (12, 4), (14, 0))
"""Resolutions of price and size tried: a size of 10^11 does not fit 18 digits with eight decimals."""
_STREAMS: Mapping[str, Callable[[bytes, Array, Array], int]] = {"okx": okx.decode}
"""What decodes an exchange's frames, where it is not Binance's decoder."""
_PROGRESS_STEP = 1_000
_MAX_LOTS = 2**53
_MAX_NAMES = 2_000
"""Different symbols looked at: damaged frames may name any number."""
Fees = Mapping[str, tuple[int, int]]
"""(maker ppm, taker ppm) by exchange."""


def survey(
    recording: Recording, fees: Fees, progress: Callable[[int], None], *, with_rules: bool = False
) -> Instruments:
    """Read a recording once and make its instruments. ``progress`` is told how many frames more have been read.

    ``with_rules``: of what `graphwiz record` has kept take the venue's rules of that time, fees included, instead of
    measuring: what a contract is worth stands only there.

    Raises RecordingError when no frame names a symbol.
    """
    found: dict[tuple[str, str], _Resolution] = {}
    in_files: set[tuple[str, str]] = set()
    told = _told(recording, recording.heads() if with_rules else wires(recording))
    rulers = {exchange: _Ruler(exchange) for exchange in recording.exchanges}
    for exchange, path in recording.files():
        if exchange in told:
            continue
        ruler = rulers[exchange]
        snapshots: list[RecordedFrame] = []
        named: Counter[str] = Counter()
        for count, frame in enumerate(recording.read(exchange, path)):
            if count % _PROGRESS_STEP == 0:
                progress(_PROGRESS_STEP)
            if frame.snapshot_of:
                snapshots.append(frame)
            elif (symbol := symbol_of(exchange, frame.payload)) and ruler.knows(symbol):
                named[symbol] += 1
                key = exchange, symbol
                if key not in found:
                    found[key] = _Resolution(symbol, ruler)
                found[key].note(frame.payload)
        own_symbols, own_symbol = recording.note_symbols(path, named)
        in_files |= {(exchange, symbol) for symbol in own_symbols}
        for frame in snapshots:
            symbol = own_symbol if frame.snapshot_of == UNNAMED else frame.snapshot_of
            if symbol != UNNAMED and ruler.knows(symbol):
                in_files.add((exchange, symbol))
                found.setdefault((exchange, symbol), _Resolution(symbol, ruler)).note_snapshot(frame.payload)
    found = {key: resolution for key, resolution in found.items() if key in in_files}
    if not found and not told:
        raise RecordingError(
            f"{', '.join(map(str, recording.paths))}: no frame names a symbol; expected lines "
            "`<receive time in ns> <frame>` with stream frames of the exchange"
        )
    measured = [resolution.instrument(0, exchange, fees) for (exchange, _), resolution in found.items()]
    every = chain(measured, *told.values())
    return Instruments(msgspec.structs.replace(instrument, book=book) for book, instrument in enumerate(every))


def wires(recording: Recording) -> dict[str, str]:
    """In whose words an exchange's frames are, where its segments say that they are not its own."""
    spoken = {exchange: {head.spoken for head in heads} for exchange, heads in recording.heads().items()}
    mixed = [exchange for exchange, words in spoken.items() if len(words) > 1]
    if mixed:
        raise RecordingError(
            f"{mixed[0]} was recorded in several words: {', '.join(sorted(spoken[mixed[0]]))}; "
            "replay its sessions one by one"
        )
    return {exchange: wire for exchange, words in spoken.items() for wire in words if wire != exchange}


def _told(recording: Recording, exchanges: Iterable[str]) -> dict[str, tuple[Instrument, ...]]:
    """The instruments of some exchanges as the newest of their segments say."""
    heads = recording.heads()
    return {exchange: heads[exchange][-1].instruments for exchange in exchanges if heads[exchange]}


def compile_survey() -> None:
    """Have all that a survey calls compiled."""
    ruler = _Ruler("binance")
    ruler.knows("A")
    resolution = _Resolution("A", ruler)
    resolution.note(b'{"e":"trade","s":"A","t":1,"p":"1","q":"1","m":true}')
    resolution.note_snapshot(b'{"lastUpdateId":1,"bids":[],"asks":[]}')


class _Ruler:
    """The decoder that measures: each resolution tried is a book of its own, and every symbol is in turn in each."""

    def __init__(self, exchange: str) -> None:
        self.decode = _STREAMS.get(exchange, binance.decode)
        self.feed = new_feed()
        self.books = new_books(len(_DECIMALS))
        self.books["price_decimals"], self.books["size_decimals"] = zip(*_DECIMALS, strict=True)
        self.books["tick_step"] = self.books["lot_step"] = 1
        self._known: dict[str, bool] = {}

    def knows(self, symbol: str) -> bool:
        """False for a name that no symbol has, and for more symbols than a decoder can tell apart."""
        if symbol not in self._known:
            if len(self._known) == _MAX_NAMES:
                return False
            self._known[symbol] = add_symbol(self.feed, symbol.encode(), 0)
        return self._known[symbol]


class _Resolution:
    """How fine one symbol's values are, in its book and in its trades."""

    def __init__(self, symbol: str, ruler: _Ruler) -> None:
        self._symbol = symbol
        self._decode = ruler.decode
        self._feed = ruler.feed
        self._books = ruler.books
        self._in_book = np.zeros(2, np.int64)
        self._in_trades = np.full(2, -1, np.int64)

    def note(self, payload: bytes) -> None:
        """Look at one frame."""
        for row in range(len(_DECIMALS)):
            self._feed["symbol_book"] = row
            code = self._decode(payload, self._feed, self._books)
            if code == outcome.QUIET:
                self._note_decoded(row)
            if code != outcome.BAD_NUMBER:
                return

    def note_snapshot(self, payload: bytes) -> None:
        """Look at one REST snapshot."""
        for row in range(len(_DECIMALS)):
            code = binance.decode_snapshot(payload, self._feed, self._books, row)
            if code == outcome.QUIET:
                self._note_decoded(row)
            if code != outcome.BAD_NUMBER:
                return

    def instrument(self, book: int, exchange: str, fees: Fees) -> Instrument:
        what = listed(exchange, self._symbol)
        price_decimals, size_decimals = self._in_book.tolist()
        order_price_decimals, order_size_decimals = (
            self._in_trades if self._in_trades[0] >= 0 else self._in_book
        ).tolist()
        maker_fee_ppm, taker_fee_ppm = fees[exchange]
        size_step_lots = 10 ** (size_decimals - order_size_decimals)
        return Instrument(
            book=book,
            exchange=exchange,
            symbol=what.symbol,
            venue_symbol=self._symbol,
            base=what.base,
            quote=what.quote,
            tick_size=_step(price_decimals),
            lot_size=_step(size_decimals),
            price_step_ticks=10 ** (price_decimals - order_price_decimals),
            size_step_lots=size_step_lots,
            min_size_lots=size_step_lots,
            # How much a contract is stands in the venue's rules, not in its frames: what is not known is not traded.
            max_size_lots=0 if what.counts_contracts else _MAX_LOTS,
            maker_fee_ppm=maker_fee_ppm,
            taker_fee_ppm=taker_fee_ppm,
            can_short=what.is_derivative,
            inverse=what.inverse,
        )

    def _note_decoded(self, row: int) -> None:
        kind = self._feed[0]["kind"]
        if kind in (NONE, ANOTHER):
            return
        needed: npt.NDArray[np.int64] = self._in_trades if kind == TRADE else self._in_book
        price_decimals, size_decimals = _DECIMALS[row]
        note_decimals(self._feed, price_decimals, size_decimals, needed)
        np.maximum(self._in_book, needed, out=self._in_book)


def _step(decimals: int) -> str:
    return f"0.{'0' * (decimals - 1)}1" if decimals else "1"
