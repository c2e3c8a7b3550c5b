"""The compiled decoder behind the oracle's face: the same frames in, the same kinds of answers out."""

from __future__ import annotations

import numpy as np

from graphwiz_trader.hft.kernels import binance, layout, outcome
from graphwiz_trader.hft.kernels.json_scan import add_symbol
from graphwiz_trader.hft.kernels.layout import SEQUENCE_FUTURES, SEQUENCE_SPOT, new_books, new_feed
from oracle import decoder as oracle
from oracle.decoder import Decoded, Rules


class CompiledDecoder:
    """One decoder with its memory. Symbols get the books 0, 1, … in their order."""

    def __init__(self, symbols: dict[str, Rules]) -> None:
        self._names = list(symbols)
        self._futures = [rules.futures for rules in symbols.values()]
        self._books = new_books(len(symbols))
        self._feeds = new_feed()
        for row, (name, rules) in enumerate(symbols.items()):
            add_symbol(self._feeds, name.encode(), row)
            book = self._books[row]
            book["price_decimals"], book["tick_step"] = _scale(rules.price_step)
            book["size_decimals"], book["lot_step"] = _scale(rules.size_step)
            book["sequence_rule"] = SEQUENCE_FUTURES if rules.futures else SEQUENCE_SPOT

    def decode(self, frame: bytes) -> Decoded:
        code = binance.decode(frame, self._feeds, self._books)
        if code != outcome.QUIET:
            assert code in outcome.NAMES
            return oracle.Refused(outcome.NAMES[code])
        feed = self._feeds[0]
        if feed["kind"] not in (layout.DEPTH, layout.TICKER, layout.TRADE):
            return oracle.Control()
        row = int(feed["book"])
        name, event_ms, final_id = self._names[row], int(feed["event_ms"]), int(feed["final_id"])
        if feed["kind"] == layout.TICKER:
            bid, ask = (
                (int(ticks), int(lots)) for ticks, lots in zip(feed["ticks"][:, 0], feed["lots"][:, 0], strict=True)
            )
            return oracle.Ticker(name, event_ms, final_id, bid, ask)
        if feed["kind"] == layout.TRADE:
            price, size = int(feed["ticks"][0, 0]), int(feed["lots"][0, 0])
            return oracle.Trade(name, event_ms, int(feed["trade_id"]), price, size, bool(feed["trade_is_sell"]))
        previous_id = int(feed["previous_id"]) if self._futures[row] else None
        bids, asks = self._levels(0), self._levels(1)
        return oracle.Depth(name, event_ms, int(feed["first_id"]), final_id, previous_id, bids, asks)

    def decode_snapshot(self, body: bytes) -> Decoded:
        """About the book 0. What the book makes of its levels is another matter."""
        code = binance.on_snapshot(body, self._feeds, self._books, 0, 0)
        if code in (outcome.MALFORMED, outcome.UNKNOWN_SYMBOL, outcome.BAD_NUMBER, outcome.TOO_MANY_LEVELS):
            return oracle.Refused(outcome.NAMES[code])
        feed = self._feeds[0]
        return oracle.Snapshot(int(feed["final_id"]), int(feed["event_ms"]), self._levels(0), self._levels(1))

    def _levels(self, side: int) -> list[tuple[int, int]]:
        feed = self._feeds[0]
        count = int(feed["count"][side])
        return list(zip(_ints(feed["ticks"][side, :count]), _ints(feed["lots"][side, :count]), strict=True))


def _ints(values: np.ndarray) -> list[int]:
    return [int(value) for value in values]


def _scale(step: str) -> tuple[int, int]:
    """``"0.05"`` → (2 decimals, 5 of the last one)."""
    whole, _, fraction = step.partition(".")
    return len(fraction), int(whole + fraction)
