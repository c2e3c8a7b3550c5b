"""What a recording is of: its symbols, and how fine their prices and sizes are.

A recording carries no symbol rules, and rules of another day may be wrong for it, so they are read off the frames:
the tick is the finest price that occurs, the lot the finest size; orders may be as fine as the trades were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from graphwiz_trader.backtest.recordings import UNNAMED, RecordedFrame, Recording, RecordingError, symbol_of
from graphwiz_trader.hft.instruments import Instrument, Instruments
from graphwiz_trader.hft.kernels import binance, outcome
from graphwiz_trader.hft.kernels.json_scan import add_symbol
from graphwiz_trader.hft.kernels.layout import new_books, new_feed
from graphwiz_trader.hft.kernels.resolution import note_decimals

_DECIMALS = (8, 4, 2)
"""Resolutions tried: a size of 10^11 does not fit 18 digits with eight decimals."""
_PROGRESS_STEP = 1_000
_QUOTES = (
    "FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USDP", "EURI", "BTC", "ETH", "BNB", "EUR", "GBP", "TRY", "BRL", "JPY",
    "AUD", "RUB", "UAH", "ZAR", "PLN", "RON", "ARS", "MXN", "CZK", "COP", "DAI", "PAX", "VAI", "TRX", "XRP", "DOGE",
    "DOT", "SOL", "USD", "IDRT", "BIDR", "NGN",
)  # fmt: skip
_FUTURES = frozenset({"binanceusdm", "binancecoinm"})
Fees = Mapping[str, tuple[int, int]]
"""(maker ppm, taker ppm) by exchange."""


def survey(recording: Recording, fees: Fees, progress: Callable[[int], None]) -> Instruments:
    """Read a recording once and make its instruments. ``progress`` is told how many frames more have been read.

    Raises RecordingError when no frame names a symbol.
    """
    found: dict[tuple[str, str], _Resolution] = {}
    for exchange, path in recording.files():
        snapshots: list[RecordedFrame] = []
        symbols = set()
        for count, frame in enumerate(recording.read(exchange, path)):
            if count % _PROGRESS_STEP == 0:
                progress(_PROGRESS_STEP)
            if frame.snapshot_of:
                snapshots.append(frame)
            elif symbol := symbol_of(frame.payload):
                symbols.add(symbol)
                key = exchange, symbol
                if key not in found:
                    found[key] = _Resolution(symbol)
                found[key].note(frame.payload)
        own_symbol = recording.note_symbols(path, symbols)
        for frame in snapshots:
            symbol = own_symbol if frame.snapshot_of == UNNAMED else frame.snapshot_of
            if symbol != UNNAMED:
                found.setdefault((exchange, symbol), _Resolution(symbol)).note_snapshot(frame.payload)
    if not found:
        raise RecordingError(
            f"{', '.join(map(str, recording.paths))}: no frame names a symbol; expected lines "
            "`<receive time in ns> <frame>` with Binance stream frames"
        )
    return Instruments(
        resolution.instrument(book, exchange, fees) for book, ((exchange, _), resolution) in enumerate(found.items())
    )


def split_symbol(venue_symbol: str) -> tuple[str, str]:
    """``BTCUSDT`` → (``BTC``, ``USDT``), by the longest quote asset that it ends with; ("…", "") without one."""
    quote = max((q for q in _QUOTES if venue_symbol.endswith(q) and q != venue_symbol), key=len, default="")
    return venue_symbol.removesuffix(quote), quote


def compile_survey() -> None:
    """Have all that a survey calls compiled."""
    resolution = _Resolution("A")
    resolution.note(b'{"e":"trade","s":"A","t":1,"p":"1","q":"1","m":true}')
    resolution.note_snapshot(b'{"lastUpdateId":1,"bids":[],"asks":[]}')


class _Resolution:
    """How fine one symbol's values are, in its book and in its trades."""

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self._feed = new_feed()
        self._books = new_books(len(_DECIMALS))
        for row, decimals in enumerate(_DECIMALS):
            self._books[row]["price_decimals"] = self._books[row]["size_decimals"] = decimals
        self._books["tick_step"] = self._books["lot_step"] = 1
        add_symbol(self._feed, symbol.encode(), 0)
        self._in_book = np.zeros(2, np.int64)
        self._in_trades = np.full(2, -1, np.int64)

    def note(self, payload: bytes) -> None:
        """Look at one frame."""
        for row, decimals in enumerate(_DECIMALS):
            self._feed["symbol_book"] = row
            code = binance.decode(payload, self._feed, self._books)
            if code == outcome.QUIET:
                self._note_decoded(decimals)
            if code != outcome.BAD_NUMBER:
                return

    def note_snapshot(self, payload: bytes) -> None:
        """Look at one REST snapshot."""
        for row, decimals in enumerate(_DECIMALS):
            code = binance.decode_snapshot(payload, self._feed, self._books, row)
            if code == outcome.QUIET:
                self._note_decoded(decimals)
            if code != outcome.BAD_NUMBER:
                return

    def instrument(self, book: int, exchange: str, fees: Fees) -> Instrument:
        base, quote = split_symbol(self._symbol)
        price_decimals, size_decimals = self._in_book.tolist()
        order_price_decimals, order_size_decimals = (
            self._in_trades if self._in_trades[0] >= 0 else self._in_book
        ).tolist()
        maker_fee_ppm, taker_fee_ppm = fees[exchange]
        size_step_lots = 10 ** (size_decimals - order_size_decimals)
        return Instrument(
            book=book,
            exchange=exchange,
            symbol=f"{base}/{quote}" if quote else self._symbol,
            venue_symbol=self._symbol,
            base=base,
            quote=quote,
            tick_size=_step(price_decimals),
            lot_size=_step(size_decimals),
            price_step_ticks=10 ** (price_decimals - order_price_decimals),
            size_step_lots=size_step_lots,
            min_size_lots=size_step_lots,
            maker_fee_ppm=maker_fee_ppm,
            taker_fee_ppm=taker_fee_ppm,
            can_short=exchange in _FUTURES,
        )

    def _note_decoded(self, decimals: int) -> None:
        needed: npt.NDArray[np.int64] = self._in_book
        if self._feed[0]["kind"] == binance.TRADE:
            needed = self._in_trades
            self._feed[0]["count"][:] = (1, 0)
        elif self._feed[0]["kind"] == binance.TICKER:
            self._feed[0]["count"][:] = 1
        note_decimals(self._feed, decimals, needed)
        np.maximum(self._in_book, needed, out=self._in_book)


def _step(decimals: int) -> str:
    return f"0.{'0' * (decimals - 1)}1" if decimals else "1"
