"""Public market data in Binance's wire form: field for field as the real streams write it.

Spot writes eight decimals and the best bid first; USD-M writes the symbol's own decimals, both sides in rising
order, and adds the engine's time ``T`` and, for depth, the previous event's last id ``pu``.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from graphwiz_trader.venues.simulated.binance.numbers import Numbers
from graphwiz_trader.venues.simulated.binance.trade_history import Aggregate
from graphwiz_trader.venues.simulated.orders import PublicTrade

Levels = list[tuple[int, int]]
"""(price in ticks, lots)"""


class DepthSpan(NamedTuple):
    """The sequence numbers of a depth event: its first, its last, and the last of the event before."""

    first_id: int
    last_id: int
    previous_id: int


class DepthFrames(Protocol):
    """How a symbol's depth events are written."""

    def depth(self, span: DepthSpan, bids: Levels, asks: Levels, now_ms: int) -> bytes: ...
    def top(self, span: DepthSpan, bids: Levels, asks: Levels, now_ms: int) -> bytes:
        """The best levels, each side from the best outward."""
        ...


class MarketFrames(DepthFrames, Protocol):
    """How one flavour of Binance writes a symbol's public events; a frame is the stream's payload without envelope."""

    def ticker(self, update_id: int, bid: tuple[int, int], ask: tuple[int, int], now_ms: int) -> bytes: ...
    def trade(self, trade: PublicTrade) -> bytes: ...
    def aggregate(self, aggregate: Aggregate) -> bytes: ...
    def snapshot(self, last_id: int, bids: Levels, asks: Levels, now_ms: int) -> bytes: ...


class SpotFrames:
    """One spot symbol."""

    def __init__(self, symbol: str, numbers: Numbers) -> None:
        self._symbol = symbol
        self._numbers = numbers

    def depth(self, span: DepthSpan, bids: Levels, asks: Levels, now_ms: int) -> bytes:
        return (
            f'{{"e":"depthUpdate","E":{now_ms},"s":"{self._symbol}","U":{span.first_id},"u":{span.last_id},'
            f'"b":[{_levels(self._numbers, sorted(bids, reverse=True))}],'
            f'"a":[{_levels(self._numbers, sorted(asks))}]}}'
        ).encode()

    def top(self, span: DepthSpan, bids: Levels, asks: Levels, now_ms: int) -> bytes:
        return self.snapshot(span.last_id, bids, asks, now_ms)

    def ticker(self, update_id: int, bid: tuple[int, int], ask: tuple[int, int], now_ms: int) -> bytes:  # noqa: ARG002
        return (
            f'{{"u":{update_id},"s":"{self._symbol}",{_best(self._numbers, bid, "b", "B")},'
            f"{_best(self._numbers, ask, 'a', 'A')}}}"
        ).encode()

    def trade(self, trade: PublicTrade) -> bytes:
        return (
            f'{{"e":"trade","E":{trade.time_ms},"s":"{self._symbol}","t":{trade.trade_id},'
            f'"p":"{self._numbers.price(trade.price_ticks)}","q":"{self._numbers.size(trade.size_lots)}",'
            f'"T":{trade.time_ms},"m":{_bool(trade.buyer_is_maker)},"M":true}}'
        ).encode()

    def aggregate(self, aggregate: Aggregate) -> bytes:
        return _aggregate(self._symbol, self._numbers, aggregate, ',"M":true')

    def snapshot(self, last_id: int, bids: Levels, asks: Levels, now_ms: int) -> bytes:  # noqa: ARG002
        return (
            f'{{"lastUpdateId":{last_id},"bids":[{_levels(self._numbers, bids)}],'
            f'"asks":[{_levels(self._numbers, asks)}]}}'
        ).encode()


class UsdmFrames:
    """One USD-M futures symbol.

    ``_named``: how depth events and best prices name it, ``_owned``: how a snapshot does, behind a comma; the other
    futures market says more in both.
    """

    def __init__(self, symbol: str, numbers: Numbers) -> None:
        self._symbol = symbol
        self._numbers = numbers
        self._named = f'"s":"{symbol}"'
        self._owned = ""
        self._end = f',"ps":"{symbol}","st":1'
        """Since 2026-06: the pair, and that this is a symbol of USD-M."""

    def depth(self, span: DepthSpan, bids: Levels, asks: Levels, now_ms: int) -> bytes:
        return self.top(span, sorted(bids), sorted(asks), now_ms)

    def top(self, span: DepthSpan, bids: Levels, asks: Levels, now_ms: int) -> bytes:
        return (
            f'{{"e":"depthUpdate","E":{now_ms},"T":{now_ms},{self._named},"U":{span.first_id},'
            f'"u":{span.last_id},"pu":{span.previous_id},"b":[{_levels(self._numbers, bids)}],'
            f'"a":[{_levels(self._numbers, asks)}]{self._end}}}'
        ).encode()

    def ticker(self, update_id: int, bid: tuple[int, int], ask: tuple[int, int], now_ms: int) -> bytes:
        return (
            f'{{"e":"bookTicker","u":{update_id},{self._named},{_best(self._numbers, bid, "b", "B")},'
            f'{_best(self._numbers, ask, "a", "A")},"T":{now_ms},"E":{now_ms}{self._end}}}'
        ).encode()

    def trade(self, trade: PublicTrade) -> bytes:
        return (
            f'{{"e":"trade","E":{trade.time_ms},"T":{trade.time_ms},"s":"{self._symbol}","t":{trade.trade_id},'
            f'"p":"{self._numbers.price(trade.price_ticks)}","q":"{self._numbers.size(trade.size_lots)}",'
            f'"X":"MARKET","m":{_bool(trade.buyer_is_maker)}}}'
        ).encode()

    def aggregate(self, aggregate: Aggregate) -> bytes:
        return _aggregate(self._symbol, self._numbers, aggregate, ',"st":1' if self._end else "")

    def snapshot(self, last_id: int, bids: Levels, asks: Levels, now_ms: int) -> bytes:
        return (
            f'{{"lastUpdateId":{last_id}{self._owned},"E":{now_ms},"T":{now_ms},'
            f'"bids":[{_levels(self._numbers, bids)}],"asks":[{_levels(self._numbers, asks)}]}}'
        ).encode()


def _aggregate(symbol: str, numbers: Numbers, aggregate: Aggregate, end: str) -> bytes:
    return (
        f'{{"e":"aggTrade","E":{aggregate.time_ms},"s":"{symbol}","a":{aggregate.aggregate_id},'
        f'"p":"{numbers.price(aggregate.price_ticks)}","q":"{numbers.size(aggregate.size_lots)}",'
        f'"f":{aggregate.first_id},"l":{aggregate.last_id},"T":{aggregate.time_ms},'
        f'"m":{_bool(aggregate.buyer_is_maker)}{end}}}'
    ).encode()


def _levels(numbers: Numbers, levels: Levels) -> str:
    return ",".join([f'["{numbers.price(price)}","{numbers.size(lots)}"]' for price, lots in levels])


def _best(numbers: Numbers, level: tuple[int, int], price_name: str, size_name: str) -> str:
    return f'"{price_name}":"{numbers.price(level[0])}","{size_name}":"{numbers.size(level[1])}"'


def _bool(value: bool) -> str:
    return "true" if value else "false"
