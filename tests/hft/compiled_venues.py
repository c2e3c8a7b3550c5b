"""The compiled decoders of OKX and of Binance's binary streams behind their oracles' faces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphwiz_trader.hft.kernels import layout, okx, outcome, sbe
from graphwiz_trader.hft.kernels.json_scan import add_symbol
from oracle import decoder as oracle
from oracle import okx as okx_oracle
from oracle import sbe as sbe_oracle
from oracle.decoder import Rules


class _Compiled:
    """One decoder with its memory. Symbols get the books 0, 1, … in their order."""

    def __init__(self, decode: Callable[..., int], symbols: dict[str, Rules]) -> None:
        self._decode = decode
        self._names = list(symbols)
        self.books = layout.new_books(len(symbols))
        self.feeds = layout.new_feed()
        for row, (name, rules) in enumerate(symbols.items()):
            add_symbol(self.feeds, name.encode(), row)
            self.books[row]["price_decimals"], self.books[row]["tick_step"] = _scale(rules.price_step)
            self.books[row]["size_decimals"], self.books[row]["lot_step"] = _scale(rules.size_step)

    def decode(self, frame: bytes) -> Any:
        code = self._decode(frame, self.feeds, self.books)
        if code != outcome.QUIET:
            return oracle.Refused(outcome.NAMES[code])
        feed = self.feeds[0]
        if feed["kind"] in (layout.NONE, layout.ANOTHER):
            return oracle.Control()
        name, event_ms = self._names[int(feed["book"])], int(feed["event_ms"])
        if feed["kind"] == layout.TICKER:
            return oracle.Ticker(name, event_ms, int(feed["final_id"]), self._side(0)[0], self._side(1)[0])
        if feed["kind"] == layout.TRADE:
            return okx_oracle.Trades(name, event_ms, int(feed["trade_id"]), bool(feed["trade_is_sell"]), self._side(0))
        return self._depth(name, event_ms, feed)

    def _depth(self, name: str, event_ms: int, feed: Any) -> Any:
        raise NotImplementedError

    def _side(self, side: int) -> list[tuple[int, int]]:
        feed = self.feeds[0]
        count = int(feed["count"][side])
        return list(zip(feed["ticks"][side, :count].tolist(), feed["lots"][side, :count].tolist(), strict=True))


class CompiledOkx(_Compiled):
    def __init__(self, symbols: dict[str, Rules]) -> None:
        super().__init__(okx.decode, symbols)

    def _depth(self, name: str, event_ms: int, feed: Any) -> Any:
        is_snapshot = bool(feed["kind"] == layout.SNAPSHOT)
        previous = None if is_snapshot or feed["previous_id"] == layout.NO_ID else int(feed["previous_id"])
        return okx_oracle.Depth(
            name,
            int(feed["channel"]),
            is_snapshot,
            event_ms,
            previous,
            int(feed["final_id"]),
            int(feed["checksum"]),
            self._side(0),
            self._side(1),
        )


class CompiledSbe(_Compiled):
    def __init__(self, symbols: dict[str, Rules]) -> None:
        super().__init__(sbe.decode, symbols)

    def _depth(self, name: str, event_ms: int, feed: Any) -> Any:
        is_snapshot = bool(feed["kind"] == layout.SNAPSHOT)
        ids = int(feed["first_id"]), int(feed["final_id"])
        return sbe_oracle.Depth(name, is_snapshot, event_ms, *ids, self._side(0), self._side(1))


def _scale(step: str) -> tuple[int, int]:
    """``"0.05"`` → (2 decimals, 5 of the last one)."""
    whole, _, fraction = step.partition(".")
    return len(fraction), int(whole + fraction)
